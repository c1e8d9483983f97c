//! Rows of cells, and which column means what.

use arise_core::{Error, Result};
use arise_store::student::StudentFields;

/// A file's header and rows; rows without any text are left out.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    pub(super) header: Vec<String>,
    /// With the number a spreadsheet gives each.
    pub(super) rows: Vec<(usize, Vec<String>)>,
}

const FIELDS: [&str; 5] = ["student_name", "university_roll_no", "enrollment_no", "email1", "email2"];

/// What people call the columns, without case, blanks and punctuation.
const NAMES: [&[&str]; 5] = [
    &["studentname", "name", "fullname", "nameofstudent", "nameofthestudent"],
    &[
        "universityrollno",
        "universityrollnumber",
        "universityroll",
        "univrollno",
        "rollno",
        "rollnumber",
        "roll",
    ],
    &["enrollmentno", "enrolmentno", "enrollmentnumber", "enrolmentnumber", "enrollment", "enrolment"],
    &["email1", "email", "emailid", "emailaddress", "primaryemail"],
    &["email2", "secondemail", "secondaryemail", "alternateemail", "otheremail"],
];

#[derive(Debug)]
pub(super) struct Columns {
    /// For each field, where it is.
    places: [Option<usize>; 5],
    width: usize,
    pub(super) ignored: Vec<String>,
}

impl Sheet {
    /// Adds a row as it was read; the first with any text is the header.
    pub(super) fn push(&mut self, number: usize, cells: Vec<String>) {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            return;
        }
        if self.header.is_empty() {
            self.header = cells;
        } else {
            self.rows.push((number, cells));
        }
    }

    /// # Errors
    /// `missing_column`, or `invalid_field` when two columns have the same name.
    pub(super) fn columns(&self) -> Result<Columns> {
        let mut places = [None; 5];
        let mut ignored = vec![];
        for (place, name) in self.header.iter().enumerate() {
            let bare: String =
                name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
            match NAMES.iter().position(|names| names.contains(&bare.as_str())) {
                Some(field) if places[field].is_some() => {
                    return Err(Error::invalid(
                        "file",
                        format!("The file has two columns for {}. Keep one of them.", FIELDS[field]),
                    ));
                }
                Some(field) => places[field] = Some(place),
                None if bare.is_empty() => {}
                None => ignored.push(name.trim().chars().take(60).collect()),
            }
        }
        for field in 0..2 {
            if places[field].is_none() {
                let mut error = Error::invalid(
                    "file",
                    format!(
                        "The file's first row doesn't name the column {}. It must name student_name and \
                         university_roll_no, and may name enrollment_no, email1 and email2.",
                        FIELDS[field]
                    ),
                );
                error.code = "missing_column";
                return Err(error);
            }
        }
        Ok(Columns { places, width: self.header.len(), ignored })
    }
}

impl Columns {
    /// # Errors
    /// `invalid_field` for a row with more cells than the header has.
    pub(super) fn fields(&self, cells: &[String]) -> Result<StudentFields> {
        if cells.iter().skip(self.width).any(|cell| !cell.trim().is_empty()) {
            let mut error = Error::invalid(
                "",
                "This row has more cells than the first row. Put text that holds a comma into double quotes.",
            );
            error.fields.clear();
            return Err(error);
        }
        let cell = |field: usize| {
            self.places[field].and_then(|place| cells.get(place)).map(|cell| plain(cell)).unwrap_or_default()
        };
        Ok(StudentFields {
            student_name: cell(0),
            university_roll_no: cell(1),
            enrollment_no: cell(2),
            email1: cell(3),
            email2: cell(4),
        })
    }
}

/// The text of a cell without the apostrophe that keeps a spreadsheet from reading it as a formula, as our
/// own files have it.
fn plain(cell: &str) -> String {
    let text = match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['=', '+', '-', '@']) => rest,
        _ => cell,
    };
    text.replace("\r\n", "\n")
}
