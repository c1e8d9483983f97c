//! SQLite, embedded: WAL, every commit synced to the disk.

use std::sync::Arc;

use arise_core::{Error, NodeId, Result};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql};

use crate::engine::{Engine, PART, Parts};
use crate::place::{self, File, Place, Slot, lock};
use crate::value::{Row, Value};

pub(crate) struct Sqlite {
    slot: Slot,
    place: Arc<Place>,
    mode: Mode,
    /// The file that is open.
    file: Option<File>,
    /// The disk failed under a statement: nothing that is open can be trusted.
    broken: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Read,
}

impl Sqlite {
    pub(crate) fn open(place: &Arc<Place>, mode: Mode) -> Result<Self> {
        let slot = place.new_slot();
        *lock(&slot) = Some(place.connect(mode)?);
        let file = place.file();
        Ok(Self { slot, place: Arc::clone(place), mode, file, broken: false })
    }

    pub(crate) fn with<T>(&mut self, job: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        let done = match lock(&self.slot).as_mut() {
            Some(connection) => job(connection).map_err(error),
            // Another thread found the file gone.
            None => Err(self.place.missing()),
        };
        self.broken |= done.as_ref().is_err_and(|error| error.code == "disk_error");
        done
    }

    /// Opens the file again if it was lost.
    fn be_open(&mut self) -> Result<()> {
        if self.broken || !self.is_in_place() {
            self.place.leave();
            self.broken = false;
        }
        let mut slot = lock(&self.slot);
        if slot.is_none() {
            *slot = Some(self.place.connect(self.mode)?);
            self.file = self.place.file();
        }
        Ok(())
    }

    /// Whether the file that is open is still the one at its path.
    fn is_in_place(&self) -> bool {
        self.file == self.place.file()
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        let connection = lock(&self.slot).take();
        if let Some(connection) = connection
            && !self.is_in_place()
        {
            place::close_quietly(&connection);
        }
    }
}

fn values(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<Row> {
    let mut values = Vec::with_capacity(columns);
    for index in 0..columns {
        values.push(match row.get_ref(index)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(int) => Value::Int(int),
            ValueRef::Real(real) => Value::Real(real),
            ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
        });
    }
    Ok(Row(values))
}

/// What every connection is told first. A copy is one file, without a log beside it.
pub(crate) fn set_up(connection: &Connection, mode: Mode, is_copy: bool) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(256);
    // Plans don't depend on the values of parameters; otherwise many statements would be compiled anew at each use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(error)?;
    // FULL: an acknowledged mark must survive the loss of power. No mmap: a stick that is pulled out must
    // give an error, not a SIGBUS.
    if !is_copy {
        connection.execute_batch("PRAGMA journal_mode = WAL").map_err(error)?;
    }
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;").map_err(error)?;
    let more = match mode {
        Mode::Write => {
            "PRAGMA wal_autocheckpoint = 8000; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;"
        }
        Mode::Read => "PRAGMA query_only = ON; PRAGMA cache_size = -4000;",
    };
    connection.execute_batch(more).map_err(error)
}

impl Engine for Sqlite {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.with(|connection| {
            let changed = connection.prepare_cached(sql)?.execute(rusqlite::params_from_iter(params))?;
            Ok(changed as u64)
        })
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let columns = statement.column_count();
            let mut found = statement.query(rusqlite::params_from_iter(params))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                rows.push(values(row, columns)?);
            }
            Ok(rows)
        })
    }

    fn each(&mut self, sql: &str, parts: Parts<'_>) -> Result<()> {
        self.with(|connection| {
            let mut statement = connection.prepare(sql)?;
            let columns = statement.column_count();
            let mut found = statement.query([])?;
            loop {
                let mut part = Vec::with_capacity(PART);
                while part.len() < PART
                    && let Some(row) = found.next()?
                {
                    part.push(values(row, columns)?);
                }
                let last = part.len() < PART;
                // An error of the receiver is nothing that SQLite knows.
                match parts(part) {
                    Ok(()) if !last => {}
                    done => return Ok(done),
                }
            }
        })?
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.with(|connection| connection.execute_batch(sql))
    }

    fn begin_write(&mut self) -> Result<()> {
        self.be_open()?;
        self.execute("BEGIN IMMEDIATE", &[]).map(|_| ())
    }

    fn begin_read(&mut self) -> Result<()> {
        self.be_open()?;
        self.execute("BEGIN DEFERRED", &[]).map(|_| ())
    }

    fn commit(&mut self) -> Result<()> {
        // Nothing is acknowledged that went into a file nobody will find again.
        if !self.is_in_place() {
            return Err(self.place.missing());
        }
        self.execute("COMMIT", &[]).map(|_| ())
    }

    fn render(&self, migration: &str) -> String {
        migration.to_owned()
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn make_room(&mut self) {
        // What the log holds goes to where it belongs; then its own space is used again, or given back.
        let _ = self.with(|connection| {
            connection.execute_batch("PRAGMA journal_size_limit = 262144; PRAGMA wal_checkpoint(PASSIVE);")
        });
    }

    fn belongs_to(&mut self, node: NodeId) {
        self.place.belongs_to(node);
    }

    fn revive(&mut self) -> Result<()> {
        // A failed commit may leave its transaction open; nothing of it may reach the next one.
        let stuck = self.with(|connection| {
            Ok(!connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err())
        });
        self.broken |= stuck.unwrap_or_default();
        self.be_open()
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
pub(crate) fn error(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::unavailable(
            "disk_full",
            "The disk is full. Nothing was saved; free some space and try again.",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::unavailable("database_busy", "The database is busy. Try again in a moment.")
        }
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied,
        ) => Error::unavailable(
            "disk_error",
            format!(
                "The data folder can't be used: {error}. Check that the disk or stick is in place and can be written."
            ),
        ),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            Error::unavailable("database_damaged", "The database file is damaged. Restore a backup.")
        }
        _ => Error::internal(error.to_string()),
    }
}
