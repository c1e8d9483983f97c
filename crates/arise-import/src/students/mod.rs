//! A list of students, as CSV or as an Excel workbook.

mod sheet;
#[cfg(test)]
mod tests;
mod text;
mod workbook;

use std::collections::HashMap;

use arise_core::{Error, ErrorKind, Result};
use arise_store::student::{self, StudentFields};
use arise_store::{Store, import_job, import_undo};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::students::sheet::Sheet;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// The most rows of a file, its header not counted.
pub const MAX_ROWS: usize = 50_000;

/// Something wrong with a row of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "RowError")]
pub struct Problem {
    /// As a spreadsheet numbers them: the header is row 1.
    pub row: usize,
    /// The field's name; empty when it is about the whole row.
    pub column: String,
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Problem {
    fn of(row: usize, error: &Error) -> Self {
        let column = match error.code {
            "duplicate_university_roll_no" => "university_roll_no".to_owned(),
            "duplicate_enrollment_no" => "enrollment_no".to_owned(),
            _ => error.fields.keys().next().cloned().unwrap_or_default(),
        };
        Self { row, column, code: error.code, message: error.message.clone() }
    }

    /// One line for people.
    pub fn line(&self) -> String {
        if self.column.is_empty() {
            format!("Row {}: {}", self.row, self.message)
        } else {
            format!("Row {}, {}: {}", self.row, self.column, self.message)
        }
    }
}

/// A list that was read: nothing was written yet.
#[derive(Debug, Clone)]
pub struct List {
    /// Rows that can be added as far as the file itself says, with their number.
    rows: Vec<(usize, StudentFields)>,
    problems: Vec<Problem>,
    /// Columns of the file that mean nothing here.
    pub ignored_columns: Vec<String>,
    /// Rows that hold anything, the header not counted.
    pub total: usize,
}

/// What became of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub added: usize,
    /// By row.
    pub problems: Vec<Problem>,
}

/// Reads a list of students. A row with a fault becomes a problem; the others can still be added.
///
/// # Errors
/// `not_a_list` for a file that is neither CSV nor an Excel workbook; `missing_column`; `too_large` beyond
/// [`MAX_BYTES`] or [`MAX_ROWS`].
pub fn read(bytes: &[u8]) -> Result<List> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large());
    }
    let sheet = if workbook::is_workbook(bytes) { workbook::read(bytes)? } else { text::read(bytes)? };
    list(sheet)
}

fn list(sheet: Sheet) -> Result<List> {
    let columns = sheet.columns()?;
    let ignored_columns = columns.ignored.clone();
    let total = sheet.rows.len();
    let mut list = List { rows: Vec::with_capacity(total), problems: vec![], ignored_columns, total };
    let mut rolls: HashMap<String, usize> = HashMap::with_capacity(total);
    let mut enrollments: HashMap<String, usize> = HashMap::with_capacity(total);
    for (number, cells) in sheet.rows {
        let checked = columns.fields(&cells).and_then(|fields| student::checked(&fields));
        let checked = checked.and_then(|fields| {
            once(
                &mut rolls,
                number,
                "university_roll_no",
                "university roll number",
                &fields.university_roll_no,
            )?;
            once(&mut enrollments, number, "enrollment_no", "enrolment number", &fields.enrollment_no)?;
            Ok(fields)
        });
        match checked {
            Ok(fields) => list.rows.push((number, fields)),
            Err(error) => list.problems.push(Problem::of(number, &error)),
        }
    }
    Ok(list)
}

/// Refuses a value that an earlier row of the file has.
fn once(
    seen: &mut HashMap<String, usize>,
    number: usize,
    column: &str,
    noun: &str,
    value: &str,
) -> Result<()> {
    if value.is_empty() {
        return Ok(());
    }
    match seen.entry(value.to_lowercase()) {
        std::collections::hash_map::Entry::Occupied(first) => {
            let first = first.get();
            let mut error = Error::invalid(
                column,
                format!(
                    "The {noun} “{value}” is in row {first} already. Keep one of the two rows, or correct it."
                ),
            );
            error.code = "duplicate_in_file";
            Err(error)
        }
        std::collections::hash_map::Entry::Vacant(place) => {
            place.insert(number);
            Ok(())
        }
    }
}

fn too_large() -> Error {
    Error::new(
        ErrorKind::TooLarge,
        "too_large",
        format!(
            "This file is too large. At most {MAX_ROWS} students and {} MB at once: split it into several files.",
            MAX_BYTES / 1024 / 1024
        ),
    )
}

impl List {
    /// What adding it would come to. Changes nothing.
    pub async fn preview(self, store: &Store) -> Result<Outcome> {
        let mut outcome = Outcome { added: 0, problems: self.problems };
        for chunk in chunks(self.rows) {
            let found = store
                .read(move |tx| {
                    let fields: Vec<StudentFields> = chunk.iter().map(|(_, fields)| fields.clone()).collect();
                    let clashes = student::clashes(tx, &fields)?;
                    Ok(chunk.into_iter().map(|(number, _)| number).zip(clashes).collect::<Vec<_>>())
                })
                .await?;
            for (number, clash) in found {
                match clash {
                    None => outcome.added += 1,
                    Some(error) => outcome.problems.push(Problem::of(number, &error)),
                }
            }
        }
        outcome.problems.sort_by_key(|problem| problem.row);
        Ok(outcome)
    }

    /// Adds its students, some at a time, as `actor`. All of them get the one hash of the one default
    /// password: who reads the database learns from equal hashes only who never changed it, which trying the
    /// default password on different hashes would tell as well. What it saves is 10,000 hashes.
    pub async fn add(
        self,
        store: &Store,
        actor: arise_core::Actor,
        job: Uuid,
        password_hash: &str,
    ) -> Result<Outcome> {
        let mut outcome = Outcome { added: 0, problems: self.problems };
        let mut done = outcome.problems.len();
        for chunk in chunks(self.rows) {
            done += chunk.len();
            let (so_far, hash) = (i64::try_from(done).unwrap_or(i64::MAX), password_hash.to_owned());
            let added = store
                .write(move |tx| {
                    tx.act_as(actor);
                    let (numbers, fields): (Vec<usize>, Vec<StudentFields>) = chunk.into_iter().unzip();
                    let outcomes = student::create_many(tx, &fields, &hash)?;
                    let made: Vec<_> =
                        outcomes.iter().filter_map(|made| made.as_ref().ok().copied()).collect();
                    import_undo::note(tx, job, &made)?;
                    import_job::advance(tx, job, so_far)?;
                    Ok(numbers.into_iter().zip(outcomes).collect::<Vec<_>>())
                })
                .await?;
            for (number, added) in added {
                match added {
                    Ok(_) => outcome.added += 1,
                    Err(error) => outcome.problems.push(Problem::of(number, &error)),
                }
            }
        }
        outcome.problems.sort_by_key(|problem| problem.row);
        Ok(outcome)
    }
}

fn chunks(rows: Vec<(usize, StudentFields)>) -> impl Iterator<Item = Vec<(usize, StudentFields)>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<_> = rows.by_ref().take(student::MAX_AT_ONCE).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}
