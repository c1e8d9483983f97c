//! CSV as spreadsheets write it.

use std::borrow::Cow;

use arise_core::{Error, Result};

use super::sheet::Sheet;
use super::{MAX_ROWS, too_large};

/// # Errors
/// `not_a_list` for a file that isn't text; `too_large` beyond [`MAX_ROWS`].
pub(super) fn read(bytes: &[u8]) -> Result<Sheet> {
    let text = decode(bytes)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter(&text))
        .from_reader(text.as_bytes());
    let mut sheet = Sheet::default();
    // Rows as a spreadsheet counts them: blank lines are rows, line breaks inside of cells aren't.
    let mut breaks = 0;
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|_| not_a_list())? {
        let inside = record.iter().map(|cell| cell.matches('\n').count()).sum::<usize>();
        // The reader stands behind the row's own line break.
        let behind = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        let last = if ends_with_break(&text, reader.position().byte()) { behind - 1 } else { behind };
        breaks += inside;
        sheet.push(last - breaks, record.iter().map(str::to_owned).collect());
        if sheet.rows.len() > MAX_ROWS {
            return Err(too_large());
        }
    }
    Ok(sheet)
}

fn ends_with_break(text: &str, behind: u64) -> bool {
    let behind = usize::try_from(behind).unwrap_or(usize::MAX).min(text.len());
    text.as_bytes()[..behind].ends_with(b"\n")
}

/// UTF-8 with or without its mark, or UTF-16 with one, as "Unicode text" is saved.
fn decode(bytes: &[u8]) -> Result<Cow<'_, str>> {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).map(Cow::Owned).map_err(|_| not_a_list())
    };
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => {
            std::str::from_utf8(rest).map(Cow::Borrowed).map_err(|_| not_a_list())
        }
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| not_a_list()),
    }
}

/// Some countries' spreadsheets separate by semicolons, and "Unicode text" by tabs: whatever the first line
/// has most of.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let count = |delimiter: u8| first.bytes().filter(|byte| *byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

fn not_a_list() -> Error {
    Error::malformed(
        "not_a_list",
        "This file can't be read as a list. Save it as “CSV UTF-8” or as an Excel workbook (.xlsx) and try again.",
    )
}
