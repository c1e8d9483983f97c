//! SQLite, embedded: WAL, every commit synced to the disk.

use std::path::{Path, PathBuf};
use std::time::Duration;

use arise_core::{Error, Result};
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};

use crate::engine::Engine;
use crate::value::{Row, Value};

pub(crate) struct Sqlite {
    connection: Connection,
    path: PathBuf,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    Read,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, mode: Mode) -> Result<Self> {
        let connection = connect(path, mode)?;
        Ok(Self { connection, path: path.to_owned(), mode })
    }
}

fn connect(path: &Path, mode: Mode) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let flags = if mode == Mode::Write { flags | OpenFlags::SQLITE_OPEN_CREATE } else { flags };
    let connection = Connection::open_with_flags(path, flags).map_err(error)?;
    connection.busy_timeout(Duration::from_secs(10)).map_err(error)?;
    connection.set_prepared_statement_cache_capacity(256);
    // Plans don't depend on the values of parameters; otherwise many statements would be compiled anew at each use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(error)?;
    // FULL: an acknowledged mark must survive the loss of power. No mmap: a stick that is pulled out must
    // give an error, not a SIGBUS.
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
        .map_err(error)?;
    let more = match mode {
        Mode::Write => {
            "PRAGMA wal_autocheckpoint = 8000; PRAGMA cache_size = -16000; PRAGMA temp_store = MEMORY;"
        }
        Mode::Read => "PRAGMA query_only = ON; PRAGMA cache_size = -4000;",
    };
    connection.execute_batch(more).map_err(error)?;
    Ok(connection)
}

impl Engine for Sqlite {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let mut statement = self.connection.prepare_cached(sql).map_err(error)?;
        let changed = statement.execute(rusqlite::params_from_iter(params)).map_err(error)?;
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let mut statement = self.connection.prepare_cached(sql).map_err(error)?;
        let columns = statement.column_count();
        let mut found = statement.query(rusqlite::params_from_iter(params)).map_err(error)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(error)? {
            let mut values = Vec::with_capacity(columns);
            for index in 0..columns {
                values.push(match row.get_ref(index).map_err(error)? {
                    ValueRef::Null => Value::Null,
                    ValueRef::Integer(int) => Value::Int(int),
                    ValueRef::Real(real) => Value::Real(real),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
                });
            }
            rows.push(Row(values));
        }
        Ok(rows)
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.connection.execute_batch(sql).map_err(error)
    }

    fn begin_write(&mut self) -> Result<()> {
        self.execute("BEGIN IMMEDIATE", &[]).map(|_| ())
    }

    fn begin_read(&mut self) -> Result<()> {
        self.execute("BEGIN DEFERRED", &[]).map(|_| ())
    }

    fn render(&self, migration: &str) -> String {
        migration.to_owned()
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn revive(&mut self) -> Result<()> {
        if !self.connection.is_autocommit() {
            // A failed commit may leave its transaction open; nothing of it may reach the next one.
            if self.connection.execute_batch("ROLLBACK").is_err() {
                self.connection = connect(&self.path, self.mode)?;
            }
        }
        Ok(())
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
fn error(error: rusqlite::Error) -> Error {
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
