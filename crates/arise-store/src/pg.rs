//! PostgreSQL, for a hub that has outgrown one machine: several processes share one database.

use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;

use arise_core::{Error, Result};
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type};
use postgres::{Client, NoTls, Statement};

use crate::engine::{Engine, PART, Parts};
use crate::value::{Row, Value};

/// Held by a writer for the length of its transaction, so that there is one at a time over all processes:
/// what SQLite gives by itself. Group commit keeps it from costing one round trip a mark.
const WRITER_LOCK: i64 = 0x6172_6973_6500;

/// How long a listener waits for a notification until it looks whether anybody still wants them.
const LOOK_UP: Duration = Duration::from_secs(2);

pub(crate) struct Postgres {
    url: String,
    client: Client,
    statements: HashMap<String, Statement>,
    /// Cursors so far.
    cursors: u64,
}

impl Postgres {
    pub(crate) fn open(url: &str) -> Result<Self> {
        Ok(Self { url: url.to_owned(), client: connect(url)?, statements: HashMap::new(), cursors: 0 })
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&placeholders(sql)).map_err(error)?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

pub(crate) fn connect(url: &str) -> Result<Client> {
    Client::connect(url, NoTls).map_err(|e| {
        Error::unavailable("database_unreachable", format!("PostgreSQL can't be reached: {}", describe(&e)))
    })
}

/// Hands every notification to `receive` until the connection is lost, or nobody is `wanted` any more.
pub(crate) fn each_notification(
    client: &mut Client,
    mut receive: impl FnMut(&str),
    wanted: impl Fn() -> bool,
) {
    while wanted() && !client.is_closed() {
        let mut notifications = client.notifications();
        let mut incoming = notifications.timeout_iter(LOOK_UP);
        loop {
            match incoming.next() {
                Ok(Some(notification)) => receive(notification.payload()),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// `?1` becomes `$1`. SQL in this crate has no `?` in literals.
fn placeholders(sql: &str) -> String {
    sql.replace('?', "$")
}

impl Engine for Postgres {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let statement = self.prepare(sql)?;
        self.client.execute(&statement, &dynamic(params)).map_err(error)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let found = self.client.query(&statement, &dynamic(params)).map_err(error)?;
        found.iter().map(row).collect()
    }

    fn each(&mut self, sql: &str, parts: Parts<'_>) -> Result<()> {
        // Statements are kept by their text, so that each cursor needs a name of its own.
        self.cursors += 1;
        let name = format!("part_{}", self.cursors);
        self.batch(&format!("DECLARE {name} CURSOR FOR {sql}"))?;
        loop {
            let found = self.client.query(&format!("FETCH {PART} FROM {name}"), &[]).map_err(error)?;
            let last = found.len() < PART;
            parts(found.iter().map(row).collect::<Result<_>>()?)?;
            if last {
                return self.batch(&format!("CLOSE {name}"));
            }
        }
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(error)
    }

    fn begin_write(&mut self) -> Result<()> {
        self.client
            .batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})"))
            .map_err(error)
    }

    fn begin_read(&mut self) -> Result<()> {
        self.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").map_err(error)
    }

    fn commit(&mut self) -> Result<()> {
        self.batch("COMMIT")
    }

    fn render(&self, migration: &str) -> String {
        let mut sql = String::new();
        for line in migration.lines() {
            let code = line.split("--").next().unwrap_or_default();
            sql.push_str(
                &code
                    .replace(" INTEGER", " BIGINT")
                    .replace(" BLOB", " BYTEA")
                    .replace(" REAL", " DOUBLE PRECISION")
                    .replace(" STRICT, WITHOUT ROWID", "")
                    .replace(" STRICT", ""),
            );
            sql.push('\n');
        }
        sql
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn revive(&mut self) -> Result<()> {
        if self.client.is_closed() || self.client.batch_execute("ROLLBACK").is_err() {
            self.client = connect(&self.url)?;
            self.statements.clear();
        }
        Ok(())
    }
}

fn dynamic(params: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    params.iter().map(|value| value as _).collect()
}

fn row(row: &postgres::Row) -> Result<Row> {
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let value = match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index).map(Value::from),
            Type::INT4 => row.try_get::<_, Option<i32>>(index).map(Value::from),
            Type::BOOL => row.try_get::<_, Option<bool>>(index).map(Value::from),
            Type::FLOAT8 => row.try_get::<_, Option<f64>>(index).map(Value::from),
            Type::TEXT | Type::VARCHAR | Type::NAME => {
                row.try_get::<_, Option<String>>(index).map(Value::from)
            }
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(index).map(Value::from),
            // A void function such as pg_notify.
            Type::VOID => Ok(Value::Null),
            ref other => return Err(Error::internal(format!("column {} has type {other}", column.name()))),
        };
        values.push(value.map_err(error)?);
    }
    Ok(Row(values))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(int) if *ty == Type::INT4 => i32::try_from(*int)?.to_sql(ty, out),
            Self::Int(int) => int.to_sql(ty, out),
            Self::Real(real) => real.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
            Self::Blob(blob) => blob.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(
            *ty,
            Type::INT8 | Type::INT4 | Type::FLOAT8 | Type::TEXT | Type::VARCHAR | Type::BYTEA | Type::NAME
        )
    }

    postgres::types::to_sql_checked!();
}

#[expect(clippy::needless_pass_by_value, reason = "it is the argument of map_err")]
fn error(error: postgres::Error) -> Error {
    if error.is_closed() {
        return Error::unavailable(
            "database_unreachable",
            "The connection to PostgreSQL was lost. Try again.",
        );
    }
    let code = error.code().map(postgres::error::SqlState::code);
    match code {
        Some("53100") => Error::unavailable(
            "disk_full",
            "The database's disk is full. Nothing was saved; free some space.",
        ),
        // Deadlock, serialization failure, shutdown: the same request may succeed a moment later.
        Some("40001" | "40P01" | "57P01" | "57P02" | "57P03") => {
            Error::unavailable("database_busy", "The database is busy. Try again in a moment.")
        }
        // PostgreSQL's text can't hold a NUL.
        Some("22021") => Error::malformed("invalid_text", "Remove the control characters."),
        _ => Error::internal(describe(&error)),
    }
}

/// The error with what PostgreSQL said of it, which `Display` leaves out.
fn describe(error: &postgres::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_postgresql_s() {
        assert_eq!(placeholders("a = ?1 AND b = ?12"), "a = $1 AND b = $12");
    }
}
