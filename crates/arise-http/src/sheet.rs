//! A table that leaves the server as a file: CSV, or an Excel workbook.

use arise_core::{Error, Result};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use rust_xlsxwriter::{Color, Format as Style, FormatAlign, FormatBorder, Workbook, XlsxError};
use schemars::JsonSchema;
use serde::Deserialize;

/// What a file is asked for as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "FileFormat")]
pub(crate) enum Format {
    Json,
    Csv,
    Xlsx,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Whole(i64),
    /// With two decimals.
    Percent(f64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Whole(number)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// The tab's name: at most 31 letters.
    pub(crate) tab: &'static str,
    /// Above the table, in a workbook only.
    pub(crate) titles: Vec<String>,
    pub(crate) head: Vec<String>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// # Errors
    /// `internal` when it can't be written.
    pub(crate) fn to_bytes(&self, format: Format) -> Result<Vec<u8>> {
        match format {
            Format::Xlsx => {
                self.to_xlsx().map_err(|e| Error::internal(format!("a workbook couldn't be written: {e}")))
            }
            Format::Json | Format::Csv => {
                self.to_csv().map_err(|e| Error::internal(format!("a CSV file couldn't be written: {e}")))
            }
        }
    }

    /// UTF-8 with the mark that spreadsheets need, and CRLF, as RFC 4180 has it.
    fn to_csv(&self) -> std::result::Result<Vec<u8>, csv::Error> {
        let bytes = "\u{feff}".as_bytes().to_vec();
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(bytes);
        writer.write_record(self.head.iter().map(|name| guarded(name)))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| match cell {
                Cell::Text(text) => guarded(text),
                Cell::Whole(number) => number.to_string(),
                Cell::Percent(number) => format!("{number:.2}"),
            }))?;
        }
        writer.into_inner().map_err(|e| e.into_error().into())
    }

    fn to_xlsx(&self) -> std::result::Result<Vec<u8>, XlsxError> {
        let title = Style::new().set_bold().set_font_size(14);
        let head = Style::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::VerticalCenter)
            .set_border_bottom(FormatBorder::Thin)
            .set_background_color(Color::RGB(0xE8_EDF5));
        let percent = Style::new().set_num_format("0.00");
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.set_name(self.tab)?;
        let mut row = 0;
        for (index, text) in self.titles.iter().enumerate() {
            if index == 0 {
                sheet.write_string_with_format(row, 0, text, &title)?;
            } else {
                sheet.write_string(row, 0, text)?;
            }
            row += 1;
        }
        row += u32::from(row > 0);
        for (column, name) in (0..).zip(&self.head) {
            sheet.write_string_with_format(row, column, name, &head)?;
        }
        sheet.set_freeze_panes(row + 1, 0)?;
        sheet.set_repeat_rows(row, row)?;
        for cells in &self.rows {
            row += 1;
            for (column, cell) in (0..).zip(cells) {
                match cell {
                    // Text is written as text: a name can't become a formula.
                    Cell::Text(text) => sheet.write_string(row, column, text)?,
                    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
                    Cell::Whole(number) => sheet.write_number(row, column, *number as f64)?,
                    Cell::Percent(number) => {
                        sheet.write_number_with_format(row, column, *number, &percent)?
                    }
                };
            }
        }
        for (column, name) in (0..).zip(&self.head) {
            let widest = self.rows.iter().take(200).filter_map(|row| match row.get(usize::from(column)) {
                Some(Cell::Text(text)) => Some(text.chars().count()),
                _ => None,
            });
            let letters = widest.max().unwrap_or(0).max(name.chars().count()).clamp(6, 40);
            sheet.set_column_width(column, u32::try_from(letters + 2).unwrap_or(42))?;
        }
        sheet.set_paper_size(9);
        sheet.set_print_fit_to_pages(1, 0);
        workbook.save_to_buffer()
    }
}

/// Text that a spreadsheet would take for a formula gets an apostrophe before it.
fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// An answer that browsers keep as a file: `NAME.csv` or `NAME.xlsx`.
pub(crate) fn download(name: &str, format: Format, bytes: Vec<u8>) -> Response {
    let (end, kind) = match format {
        Format::Xlsx => ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        Format::Csv | Format::Json => ("csv", "text/csv; charset=utf-8"),
    };
    // A name that every file system takes.
    let safe: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(120).collect();
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{safe}.{end}\""))
        .unwrap_or(HeaderValue::from_static("attachment"));
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind)), (header::CONTENT_DISPOSITION, disposition)];
    (headers, bytes).into_response()
}

/// Writes a file away from the threads that answer, and sends it.
pub(crate) async fn send(
    name: String,
    format: Format,
    write: impl FnOnce() -> Result<Vec<u8>> + Send + 'static,
) -> Result<Response> {
    let bytes = tokio::task::spawn_blocking(write)
        .await
        .map_err(|e| Error::internal(format!("a file couldn't be written: {e}")))??;
    Ok(download(&name, format, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_as_spreadsheets_read_it() {
        let sheet = Sheet {
            tab: "T",
            titles: vec!["not in CSV".into()],
            head: vec!["Name".into(), "N".into(), "%".into()],
            rows: vec![
                vec!["=1+1".into(), 3.into(), Cell::Percent(66.666)],
                vec!["a, \"b\"\nc".into(), (-4).into(), Cell::Percent(0.0)],
                vec!["@x".into(), 0.into(), Cell::Percent(100.0)],
            ],
        };
        let text = String::from_utf8(sheet.to_bytes(Format::Csv).unwrap()).unwrap();
        let expected = "\u{feff}Name,N,%\r\n'=1+1,3,66.67\r\n\"a, \"\"b\"\"\nc\",-4,0.00\r\n'@x,0,100.00\r\n";
        assert_eq!(text, expected);
    }
}
