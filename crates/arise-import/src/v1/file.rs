//! Reading the file. It may come from anybody: nothing of it runs, and every bound is ours.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use arise_core::{Error, ErrorKind, Result};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

/// The largest file, in bytes: a college of 5,000 for ten years is a tenth of it.
pub(super) const MAX_BYTES: u64 = 1 << 30;
/// The most rows of all tables together.
const MAX_ROWS: usize = 8_000_000;
/// How long SQLite may think about one statement.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// One row: what each known column holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) id: i64,
    cells: BTreeMap<&'static str, Cell>,
}

#[derive(Debug, Clone)]
enum Cell {
    Int(i64),
    Text(String),
}

impl Row {
    pub(super) fn text(&self, column: &str) -> Option<String> {
        match self.cells.get(column)? {
            Cell::Int(int) => Some(int.to_string()),
            Cell::Text(text) => Some(text.clone()),
        }
    }

    /// A number, also one that was written as text.
    pub(super) fn int(&self, column: &str) -> Option<i64> {
        match self.cells.get(column)? {
            Cell::Int(int) => Some(*int),
            Cell::Text(text) => text.trim().parse().ok(),
        }
    }
}

/// What columns of a table may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    /// The id of a row.
    Id,
    /// Text, or a number that somebody typed as one.
    Text,
}

struct Table {
    name: &'static str,
    /// With whether the table is of the older system only if it has it.
    columns: &'static [(&'static str, Type, bool)],
}

use Type::{Id, Text};

const TABLES: [Table; 9] = [
    Table { name: "semesters", columns: &[("id", Id, true), ("semester_name", Text, true)] },
    Table {
        name: "teachers",
        columns: &[
            ("id", Id, true),
            ("teacher_name", Text, true),
            ("pin", Text, true),
            ("teacher_code", Text, false),
        ],
    },
    Table {
        name: "students",
        columns: &[
            ("id", Id, true),
            ("university_roll_no", Text, true),
            ("enrollment_no", Text, false),
            ("student_name", Text, true),
            ("password", Text, false),
            ("email1", Text, false),
            ("email2", Text, false),
        ],
    },
    Table {
        name: "courses",
        columns: &[
            ("id", Id, true),
            ("semester_id", Id, true),
            ("teacher_id", Id, false),
            ("course_name", Text, true),
            ("course_code", Text, true),
            ("default_duration_minutes", Text, false),
        ],
    },
    Table {
        name: "enrollments",
        columns: &[("student_id", Id, true), ("course_id", Id, true), ("class_roll_id", Text, true)],
    },
    Table {
        name: "sessions",
        columns: &[
            ("id", Id, true),
            ("course_id", Id, true),
            ("start_time", Text, true),
            ("end_time", Text, true),
            ("is_active", Text, false),
            ("session_type", Text, false),
            ("topic", Text, false),
            ("session_token", Text, false),
            ("otp_seed", Text, false),
            ("created_on", Text, false),
        ],
    },
    Table {
        name: "attendance_records",
        columns: &[
            ("id", Id, true),
            ("session_id", Id, true),
            ("student_id", Id, true),
            ("timestamp", Text, true),
            ("override_method", Text, false),
            ("manual_reason", Text, false),
        ],
    },
    Table {
        name: "admins",
        columns: &[("id", Id, true), ("username", Text, true), ("password", Text, true)],
    },
    Table { name: "system_settings", columns: &[("key", Text, true), ("value", Text, true)] },
];

/// Tables without which a file isn't of the older system. Others came later, or may be missing.
const NEEDED: [&str; 7] =
    ["semesters", "teachers", "students", "courses", "enrollments", "sessions", "attendance_records"];

/// The rows of every table, by the table's name, and what was passed over.
#[derive(Debug, Default)]
pub(super) struct Contents {
    pub(super) tables: BTreeMap<&'static str, Vec<Row>>,
    /// Tables and columns that arise doesn't know.
    pub(super) unknown: Vec<String>,
}

impl Contents {
    pub(super) fn take(&mut self, table: &str) -> Vec<Row> {
        self.tables.get_mut(table).map(std::mem::take).unwrap_or_default()
    }
}

/// # Errors
/// `not_arise_v1` for anything but a whole database of the older system; `too_large`.
pub(super) fn read(path: &Path) -> Result<Contents> {
    let size = std::fs::metadata(path).map_err(|e| refuse(format!("it can't be opened: {e}")))?.len();
    if size > MAX_BYTES {
        return Err(too_large());
    }
    let connection = open(path)?;
    look_over(&connection)?;
    contents(&connection)
}

pub(super) fn too_large() -> Error {
    Error::new(
        ErrorKind::TooLarge,
        "too_large",
        format!("This file is too large: at most {} MB.", MAX_BYTES / 1024 / 1024),
    )
}

fn refuse(why: impl std::fmt::Display) -> Error {
    Error::malformed(
        "not_arise_v1",
        format!("This isn't a whole database of the older system: {why}. Nothing was changed."),
    )
}

fn open(path: &Path) -> Result<Connection> {
    // Immutable: no journal beside it is looked for, and nothing is made.
    let escaped: String = path
        .to_string_lossy()
        .chars()
        .map(|c| match c {
            '%' => "%25".to_owned(),
            '?' => "%3f".to_owned(),
            '#' => "%23".to_owned(),
            c => c.to_string(),
        })
        .collect();
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags).map_err(refuse)?;
    let bound = || -> rusqlite::Result<()> {
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, 1 << 20)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.set_limit(Limit::SQLITE_LIMIT_COLUMN, 200)?;
        connection.execute_batch(
            "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA query_only = ON; PRAGMA cache_size = -8000;",
        )
    };
    bound().map_err(refuse)?;
    let until = Instant::now() + TIME_LIMIT;
    connection.progress_handler(100_000, Some(move || Instant::now() > until)).map_err(refuse)?;
    Ok(connection)
}

/// Whether the file is sound and has only what the older system put there.
fn look_over(connection: &Connection) -> Result<()> {
    let mut schema =
        connection.prepare("SELECT type, name, coalesce(sql, '') FROM sqlite_schema").map_err(refuse)?;
    let found = schema
        .query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
        })
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(refuse)?;
    for (kind, name, sql) in &found {
        // The older system made none: whoever did may want something to happen.
        if kind == "trigger" || kind == "view" {
            return Err(refuse(format!("it has a {kind}, “{name}”")));
        }
        let sql: String = sql.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        if kind == "table" && sql.starts_with("create virtual") {
            return Err(refuse(format!("“{name}” is a virtual table")));
        }
        if sql.contains("generated always") {
            return Err(refuse(format!("“{name}” has computed columns")));
        }
    }
    let names: BTreeSet<&str> =
        found.iter().filter(|(kind, ..)| kind == "table").map(|(_, name, _)| name.as_str()).collect();
    let missing: Vec<&str> = NEEDED.into_iter().filter(|needed| !names.contains(needed)).collect();
    if !missing.is_empty() {
        return Err(refuse(format!("it has no table {}", missing.join(", "))));
    }
    let check: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|e| refuse(format!("it is damaged ({e})")))?;
    // A second row under a unique index isn't damage: foreign tools wrote such files.
    if check != "ok" && !check.starts_with("non-unique entry") && !check.starts_with("NULL value in") {
        return Err(refuse(format!("it is damaged ({check})")));
    }
    Ok(())
}

fn contents(connection: &Connection) -> Result<Contents> {
    let mut contents = Contents::default();
    let mut names = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")
        .map_err(refuse)?;
    let names = names
        .query_map([], |row| row.get::<_, String>(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(refuse)?;
    let mut left = MAX_ROWS;
    for name in names {
        match TABLES.iter().find(|table| table.name == name) {
            Some(table) => {
                let rows = rows(connection, table, &mut left, &mut contents.unknown)?;
                contents.tables.insert(table.name, rows);
            }
            None => contents.unknown.push(format!("table {}", printable(&name))),
        }
    }
    Ok(contents)
}

/// A name out of the file, fit for a message.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}

fn rows(
    connection: &Connection,
    table: &Table,
    left: &mut usize,
    unknown: &mut Vec<String>,
) -> Result<Vec<Row>> {
    let mut present = connection.prepare(&format!("PRAGMA table_info({})", table.name)).map_err(refuse)?;
    let present = present
        .query_map([], |row| row.get::<_, String>(1))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>)
        .map_err(refuse)?;
    let known = |name: &str| table.columns.iter().find(|(column, ..)| *column == name);
    for name in present.iter().filter(|name| known(name).is_none()) {
        unknown.push(format!("column {} of {}", printable(name), table.name));
    }
    for (column, _, needed) in table.columns {
        if *needed && !present.iter().any(|name| name == column) {
            return Err(refuse(format!("{} has no column {column}", table.name)));
        }
    }
    let columns: Vec<(&'static str, Type)> = table
        .columns
        .iter()
        .filter(|(column, ..)| present.iter().any(|name| name == column))
        .map(|(column, kind, _)| (*column, *kind))
        .collect();
    let list: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut statement =
        connection.prepare(&format!("SELECT {} FROM {}", list.join(", "), table.name)).map_err(refuse)?;
    let mut found = statement.query([]).map_err(refuse)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(|e| refuse(format!("{} is damaged ({e})", table.name)))? {
        *left = left.checked_sub(1).ok_or_else(too_large)?;
        let mut read = Row::default();
        for (index, (column, kind)) in columns.iter().enumerate() {
            let value = row.get_ref(index).map_err(refuse)?;
            let cell = cell(value, *kind)
                .ok_or_else(|| refuse(format!("{column} of {} {} has a wrong type", table.name, read.id)))?;
            if let (&"id", Some(Cell::Int(id))) = (column, &cell) {
                read.id = *id;
            }
            if let Some(cell) = cell {
                read.cells.insert(column, cell);
            }
        }
        rows.push(read);
    }
    Ok(rows)
}

/// What a value is; `Some(None)` is nothing, `None` what can't be.
fn cell(value: ValueRef<'_>, kind: Type) -> Option<Option<Cell>> {
    Some(match (value, kind) {
        (ValueRef::Null, _) => None,
        (ValueRef::Integer(int), _) => Some(Cell::Int(int)),
        (ValueRef::Text(text), Type::Text) => Some(Cell::Text(std::str::from_utf8(text).ok()?.to_owned())),
        (ValueRef::Text(text), Type::Id) => {
            Some(Cell::Int(std::str::from_utf8(text).ok()?.trim().parse().ok()?))
        }
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        (ValueRef::Real(real), _) if real.fract() == 0.0 && real.abs() < 1e15 => Some(Cell::Int(real as i64)),
        (ValueRef::Real(real), Type::Text) => Some(Cell::Text(real.to_string())),
        (ValueRef::Real(_), Type::Id) | (ValueRef::Blob(_), _) => return None,
    })
}
