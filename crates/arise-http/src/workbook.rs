//! Registers as Excel workbooks. What people typed is written as text, so a name can't become a formula.

use arise_core::setting::Settings;
use arise_core::zone::Zone;
use arise_core::{Error, Result, Status};
use arise_store::course::Course;
use arise_store::register::{Cell as RegisterCell, Register, RegisterStudent};
use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Workbook, XlsxError};

use crate::sheet::{Cell, Sheet};

/// One row a student, one column a session: P, L, A or E, and – for a day without enrolment.
///
/// # Errors
/// `internal` when the workbook can't be written.
pub(crate) fn register(
    course: &Course,
    register: &Register,
    settings: &Settings,
    zone: &Zone,
) -> Result<Vec<u8>> {
    write(course, register, settings, zone)
        .map_err(|e| Error::internal(format!("the workbook couldn't be written: {e}")))
}

/// The same without colours, for CSV. Sessions are called by their day and time.
pub(crate) fn register_sheet(register: &Register, zone: &Zone) -> Sheet {
    let sessions = register.sessions.iter();
    let head = ["Class Roll ID", "Student Name", "University Roll No."]
        .map(str::to_owned)
        .into_iter()
        .chain(sessions.map(|s| format!("{} {}", s.held_on, zone.time_of_day(s.starts_at))))
        .chain(TOTALS.map(str::to_owned))
        .collect();
    let row = |student: &RegisterStudent| {
        let tally = &student.tally;
        let letter = |cell: &Option<RegisterCell>| {
            cell.map_or("–".to_owned(), |cell| cell.status.letter().to_string()).into()
        };
        let counts = [tally.present, tally.late, tally.absent(), tally.excused, tally.total()];
        [
            Cell::from(student.class_roll_id),
            student.student_name.as_str().into(),
            student.university_roll_no.as_str().into(),
        ]
        .into_iter()
        .chain(student.cells.iter().map(letter))
        .chain(counts.map(Cell::from))
        .chain([Cell::Percent(tally.percentage())])
        .collect()
    };
    Sheet { tab: "Register", titles: vec![], head, rows: register.students.iter().map(row).collect() }
}

const TOTALS: [&str; 6] = ["Present", "Late", "Absent", "Excused", "Sessions", "%"];

fn write(
    course: &Course,
    register: &Register,
    settings: &Settings,
    zone: &Zone,
) -> Result<Vec<u8>, XlsxError> {
    let head = Format::new()
        .set_bold()
        .set_text_wrap()
        .set_align(FormatAlign::Center)
        .set_align(FormatAlign::VerticalCenter)
        .set_border_bottom(FormatBorder::Thin)
        .set_background_color(Color::RGB(0xE8_EDF5));
    let title = Format::new().set_bold().set_font_size(14);
    let letter = |color: u32| Format::new().set_align(FormatAlign::Center).set_font_color(Color::RGB(color));
    let (present, late, absent, excused) =
        (letter(0x0F_6B3C), letter(0x7A_4A00), letter(0xA8_1E22), letter(0x1F_4FD1));
    let plain = Format::new().set_align(FormatAlign::Center);
    let percent = Format::new().set_align(FormatAlign::Center).set_num_format("0.00");
    let low = percent.clone().set_font_color(Color::RGB(0xA8_1E22)).set_bold();

    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Register")?;
    let heading = format!("{} {}", course.course_code, course.course_name);
    sheet.write_string_with_format(0, 0, heading.trim(), &title)?;
    let subtitle = [settings.institution_name.as_str(), settings.batch_name.as_str()];
    sheet.write_string(
        1,
        0,
        subtitle.into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join(", "),
    )?;

    const TOP: u32 = 3;
    const LEFT: u16 = 3;
    for (column, name) in ["Class Roll ID", "Student Name", "University Roll No."].into_iter().enumerate() {
        sheet.write_string_with_format(TOP, column_number(column), name, &head)?;
    }
    for (index, session) in register.sessions.iter().enumerate() {
        let text = format!("{}\n{}", session.held_on, zone.time_of_day(session.starts_at));
        sheet.write_string_with_format(TOP, LEFT + column_number(index), &text, &head)?;
    }
    let totals = LEFT + column_number(register.sessions.len());
    for (index, name) in TOTALS.into_iter().enumerate() {
        sheet.write_string_with_format(TOP, totals + column_number(index), name, &head)?;
    }
    sheet.set_row_height(TOP, 32)?;

    #[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
    for (row, student) in (TOP + 1..).zip(&register.students) {
        sheet.write_number_with_format(row, 0, student.class_roll_id as f64, &plain)?;
        sheet.write_string(row, 1, &student.student_name)?;
        sheet.write_string(row, 2, &student.university_roll_no)?;
        for (index, cell) in student.cells.iter().enumerate() {
            let column = LEFT + column_number(index);
            match cell {
                None => sheet.write_string_with_format(row, column, "–", &plain)?,
                Some(cell) => {
                    let format = match cell.status {
                        Status::Present => &present,
                        Status::Late => &late,
                        Status::Absent => &absent,
                        Status::Excused => &excused,
                    };
                    sheet.write_string_with_format(row, column, cell.status.letter().to_string(), format)?
                }
            };
        }
        let tally = &student.tally;
        let counts = [tally.present, tally.late, tally.absent(), tally.excused, tally.total()];
        for (index, count) in counts.into_iter().enumerate() {
            sheet.write_number_with_format(row, totals + column_number(index), count as f64, &plain)?;
        }
        let is_low = tally.total() > 0 && tally.percentage() < settings.min_attendance_percent as f64;
        let format = if is_low { &low } else { &percent };
        sheet.write_number_with_format(row, totals + 5, tally.percentage(), format)?;
    }

    sheet.set_column_width(0, 9)?;
    sheet.set_column_width(1, 28)?;
    sheet.set_column_width(2, 18)?;
    if !register.sessions.is_empty() {
        sheet.set_column_range_width(LEFT, totals - 1, 11)?;
    }
    sheet.set_freeze_panes(TOP + 1, LEFT)?;
    sheet.set_landscape();
    sheet.set_paper_size(9);
    sheet.set_repeat_rows(TOP, TOP)?;
    sheet.set_print_fit_to_pages(1, 0);
    workbook.save_to_buffer()
}

fn column_number(index: usize) -> u16 {
    // A register has at most 1,000 sessions; a sheet has 16,384 columns.
    u16::try_from(index).unwrap_or(u16::MAX)
}
