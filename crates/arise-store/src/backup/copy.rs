//! Copying all rows, from a file to a file or from one engine to another.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use arise_core::{Error, Result, UtcMillis};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::engine::Engine;
use crate::migrate;
use crate::pg::Postgres;
use crate::place::Place;
use crate::sqlite::{Mode, Sqlite, error};
use crate::value::{Row, Value};

/// Pages that are copied at a stretch, and the pause after them: the disk is shared with marks.
const STRETCH: i32 = 256;
const PAUSE: Duration = Duration::from_millis(1);
/// Rows that one statement writes.
const AT_ONCE: usize = 100;

/// Rows by table.
pub(super) type Counts = BTreeMap<String, i64>;

/// Told how much is copied, in percent; an error stops the copy.
type Stretch<'a> = &'a dyn Fn(u8) -> Result<()>;

/// Asked whether there is room for so many bytes.
type Room<'a> = &'a dyn Fn(u64) -> Result<()>;

/// Copies the pages of a node's file. Others write meanwhile; the copy is of the moment when it began.
pub(super) fn of_file(path: &Path, part: &Path, room: Room<'_>, watch: Stretch<'_>) -> Result<Counts> {
    let mut source = Sqlite::open(&Place::new(path), Mode::Read)?;
    source.begin_read()?;
    let counts = counts(&mut source)?;
    let pages: i64 = number(&mut source, "PRAGMA page_count")?;
    let size: i64 = number(&mut source, "PRAGMA page_size")?;
    room(u64::try_from(pages * size).unwrap_or_default())?;
    let mut target = Connection::open(part).map_err(error)?;
    // What is half done after a crash is thrown away; what is done is synced by whoever asked for it.
    target.execute_batch("PRAGMA synchronous = OFF").map_err(error)?;
    source.with(|source| {
        let copy = Backup::new(source, &mut target)?;
        loop {
            let step = copy.step(STRETCH)?;
            let so_far = copy.progress();
            let done = i64::from(so_far.pagecount - so_far.remaining);
            if let Err(stopped) = watch(percent(done, i64::from(so_far.pagecount))) {
                return Ok(Err(stopped));
            }
            match step {
                StepResult::Done => return Ok(Ok(())),
                // The copy's own lock is somebody's look at the unfinished file.
                _ => std::thread::park_timeout(PAUSE),
            }
        }
    })??;
    source.batch("COMMIT")?;
    // One file, without a log beside it.
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(())).map_err(error)?;
    target.close().map_err(|(_, e)| error(e))?;
    Ok(counts)
}

/// Copies the rows of a PostgreSQL database into a new file.
pub(super) fn of_postgres(
    url: &str,
    part: &Path,
    now: UtcMillis,
    room: Room<'_>,
    watch: Stretch<'_>,
) -> Result<Counts> {
    let mut source = Postgres::open(url)?;
    source.begin_read()?;
    let size: i64 = number(&mut source, "SELECT pg_database_size(current_database())")?;
    room(u64::try_from(size).unwrap_or_default())?;
    let versions = migrate::applied(&mut source)?;
    let mut target = Sqlite::open(&Place::copy(part), Mode::Write)?;
    target.batch("PRAGMA synchronous = OFF")?;
    migrate::run_as(&mut target, now, Some(&versions))?;
    target.begin_write()?;
    let tables = tables(&mut target)?;
    let mut counts = Counts::new();
    for (index, table) in tables.iter().enumerate() {
        let columns = columns(&mut target, table)?;
        target.execute(&format!("DELETE FROM {table}"), &[])?;
        let rows = rows(&mut source, &mut target, table, &columns, "")?;
        counts.insert(table.clone(), rows);
        watch(percent(index as i64 + 1, tables.len() as i64))?;
    }
    target.commit()?;
    source.batch("COMMIT")?;
    Ok(counts)
}

/// Copies a table's rows. Answers how many there were. `otherwise` is what happens to a row that is there already.
pub(super) fn rows(
    source: &mut dyn Engine,
    target: &mut dyn Engine,
    table: &str,
    columns: &[String],
    otherwise: &str,
) -> Result<i64> {
    let names = columns.join(", ");
    let insert = |rows: usize| {
        let mut number = 0;
        let places = (0..rows)
            .map(|_| {
                let row = columns.iter().map(|_| {
                    number += 1;
                    format!("?{number}")
                });
                format!("({})", row.collect::<Vec<_>>().join(", "))
            })
            .collect::<Vec<_>>();
        format!("INSERT INTO {table} ({names}) VALUES {} {otherwise}", places.join(", "))
    };
    let (many, one) = (insert(AT_ONCE), insert(1));
    let mut copied = 0;
    source.each(&format!("SELECT {names} FROM {table}"), &mut |rows: Vec<Row>| {
        copied += rows.len() as i64;
        let mut values: Vec<Value> = Vec::with_capacity(AT_ONCE * columns.len());
        let whole = rows.len() / AT_ONCE * AT_ONCE;
        for (index, row) in rows.into_iter().enumerate() {
            values.extend(row.0);
            if index >= whole {
                target.execute(&one, &values)?;
                values.clear();
            } else if values.len() == AT_ONCE * columns.len() {
                target.execute(&many, &values)?;
                values.clear();
            }
        }
        Ok(())
    })?;
    Ok(copied)
}

/// The tables of a backup that hold anything but its own history.
pub(super) fn tables(engine: &mut Sqlite) -> Result<Vec<String>> {
    let rows = engine.query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'migration' AND name NOT LIKE 'sqlite_%' \
         ORDER BY name",
        &[],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}

pub(super) fn columns(engine: &mut Sqlite, table: &str) -> Result<Vec<String>> {
    let rows = engine.query(&format!("SELECT name FROM pragma_table_info('{table}') ORDER BY cid"), &[])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many rows each table has.
pub(super) fn counts(engine: &mut Sqlite) -> Result<Counts> {
    let mut counts = Counts::new();
    for table in tables(engine)? {
        let rows = number(engine, &format!("SELECT COUNT(*) FROM {table}"))?;
        counts.insert(table, rows);
    }
    Ok(counts)
}

fn number(engine: &mut dyn Engine, sql: &str) -> Result<i64> {
    let rows = engine.query(sql, &[])?;
    rows.first().ok_or_else(|| Error::internal("a number that is always there wasn't"))?.get(0)
}

pub(super) fn percent(done: i64, all: i64) -> u8 {
    u8::try_from((done * 100).checked_div(all).unwrap_or(100).clamp(0, 100)).unwrap_or(100)
}
