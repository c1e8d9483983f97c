//! The first sheet of an Excel workbook (.xlsx).

use std::io::{Cursor, Read};

use arise_core::{Error, Result};
use calamine::{DataRef, Reader, Xlsx};

use super::sheet::Sheet;
use super::{MAX_ROWS, too_large};

/// A workbook is compressed: what it may grow to, in bytes.
const MAX_UNPACKED: u64 = 96 * 1024 * 1024;
/// Columns that are looked at.
const MAX_COLUMNS: usize = 64;

/// Whether the file says it is a workbook: of this kind, or of the older one, which can't be read.
pub(super) fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0])
}

/// # Errors
/// `not_a_list`, or `too_large`.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet> {
    must_unpack_within_bounds(bytes)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    let name = workbook.sheet_names().first().cloned().ok_or_else(unreadable)?;
    // Cell by cell: a sheet of two cells in far corners would fill the memory as a table.
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(|_| unreadable())?;
    let mut sheet = Sheet::default();
    let mut row: (usize, Vec<String>) = (0, vec![]);
    while let Some(cell) = cells.next_cell().map_err(|_| unreadable())? {
        let (number, column) = cell.get_position();
        let (number, column) = (number as usize + 1, column as usize);
        if number != row.0 {
            sheet.push(row.0, std::mem::take(&mut row.1));
            row.0 = number;
            if sheet.rows.len() > MAX_ROWS {
                return Err(too_large());
            }
        }
        if column < MAX_COLUMNS {
            if row.1.len() <= column {
                row.1.resize(column + 1, String::new());
            }
            row.1[column] = text(cell.get_value());
        }
    }
    sheet.push(row.0, row.1);
    if sheet.rows.len() > MAX_ROWS { Err(too_large()) } else { Ok(sheet) }
}

/// What a spreadsheet shows, nearly: roll numbers are often typed as numbers.
fn text(value: &DataRef<'_>) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => number.to_string(),
        // Rust writes whole numbers without a fraction or exponent.
        DataRef::Float(number) => number.to_string(),
        DataRef::Bool(yes) => yes.to_string(),
        DataRef::DateTime(date) => date.as_f64().to_string(),
        DataRef::Error(error) => error.to_string(),
    }
}

/// Unpacks everything once and keeps nothing, since what a file says of its size needn't be so.
fn must_unpack_within_bounds(bytes: &[u8]) -> Result<()> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    let mut left = MAX_UNPACKED;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|_| unreadable())?;
        let size =
            std::io::copy(&mut entry.take(left + 1), &mut std::io::sink()).map_err(|_| unreadable())?;
        left = left.checked_sub(size).ok_or_else(too_large)?;
    }
    Ok(())
}

fn unreadable() -> Error {
    Error::malformed(
        "not_a_list",
        "This workbook can't be read. Save it as .xlsx without a password, or as CSV, and try again.",
    )
}
