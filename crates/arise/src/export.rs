//! `arise export`: every record as CSV files, with a note that says what each column means.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use arise_core::SystemClock;
use arise_core::zone::Zone;
use arise_store::export::{TABLES, Table, page};
use arise_store::{Store, setting};
use clap::Args;

use crate::config::{Config, Flags};

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// Folder for the files; it is made, and must be empty.
    folder: PathBuf,
    #[command(flatten)]
    flags: Flags,
}

pub(crate) fn run(options: &Export) -> anyhow::Result<()> {
    let config = Config::load(&options.flags)?;
    let folder = &options.folder;
    std::fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    if std::fs::read_dir(folder)?.next().is_some() {
        bail!("{} isn't empty. Name a new folder, so that nothing is overwritten", folder.display());
    }
    let store = Store::open(&config.location(&config.make_data()?), Arc::new(SystemClock))?;
    let zone = store.read_blocking(setting::get)?.zone();
    for table in &TABLES {
        let rows = write(&store, table, &zone, &folder.join(format!("{}.csv", table.name)))?;
        println!("{:<12}{rows:>10} rows", table.name);
    }
    std::fs::write(folder.join("README.txt"), note())?;
    println!("Written to {}", folder.display());
    Ok(())
}

fn write(store: &Store, table: &'static Table, zone: &Zone, path: &Path) -> anyhow::Result<usize> {
    let file = File::create(path).with_context(|| format!("{} can't be written", path.display()))?;
    let mut file = BufWriter::new(file);
    // Spreadsheets need the mark to read UTF-8.
    file.write_all("\u{feff}".as_bytes())?;
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
    csv.write_record(table.columns.iter().map(|(name, _)| name))?;
    let (mut place, mut written) = (None, 0);
    loop {
        let (zone, from) = (zone.clone(), place.take());
        let Some((rows, end)) = store.read_blocking(move |tx| page(tx, table, &zone, from.as_ref()))? else {
            break;
        };
        for row in &rows {
            csv.write_record(row.iter().map(|text| guarded(text)))?;
        }
        written += rows.len();
        place = Some(end);
    }
    csv.flush()?;
    Ok(written)
}

/// Text that a spreadsheet would take for a formula gets an apostrophe before it.
fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

fn note() -> String {
    let mut text = "Records of arise as CSV: UTF-8, commas, one row a line. Times are ISO 8601 with their offset; days are \
         local. An apostrophe before = + - or @ keeps spreadsheets from reading text as a formula. Passwords, PINs and keys \
         aren't here.\n"
        .to_owned();
    for table in &TABLES {
        let _ = writeln!(text, "\n{}.csv", table.name);
        for (column, meaning) in table.columns {
            let _ = writeln!(text, "  {column:<26}{meaning}");
        }
    }
    text
}
