//! How far an import of a file is. It is kept in the database, so that every process of a hub can tell.

use arise_core::{Error, Result, UtcMillis, id};
use serde_json::Value as Json;
use uuid::Uuid;

use crate::params;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;

/// The kind of a list of students.
pub const STUDENTS: &str = "students";
/// The kind of taking such a list back.
pub const STUDENTS_UNDONE: &str = "students_undone";

/// The jobs that are remembered.
const MAX_KEPT: i64 = 200;
/// A job that hasn't moved for so long was interrupted: its process is gone.
const SILENCE: UtcMillis = 2 * arise_core::clock::MINUTE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running,
    Done,
    Failed,
    /// Its process ended before it did. What is in is in; running it again adds the rest.
    Interrupted,
    /// Somebody stopped it. What is in is in.
    Cancelled,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Job {
    pub id: Uuid,
    pub kind: String,
    pub state: State,
    /// Rows of the file that were looked at.
    pub done: i64,
    pub total: i64,
    /// `null` while it runs.
    pub result: Json,
    pub created_at: UtcMillis,
}

pub fn start(tx: &mut WriteTx<'_>, kind: &str, total: i64) -> Result<Uuid> {
    let (now, actor) = (tx.now(), tx.actor().to_bytes());
    let id = id::uuid_v7(now);
    tx.execute(
        "INSERT INTO import_job (id, kind, actor, state, done, total, result, created_at, updated_at) \
         VALUES (?1, ?2, ?3, 'running', 0, ?4, 'null', ?5, ?5)",
        params![id, kind, actor, total, now],
    )?;
    tx.execute(
        "DELETE FROM import_job WHERE id < (SELECT id FROM import_job ORDER BY id DESC LIMIT 1 OFFSET ?1)",
        params![MAX_KEPT],
    )?;
    // What isn't remembered can't be taken back.
    tx.execute("DELETE FROM import_made WHERE job < (SELECT id FROM import_job ORDER BY id LIMIT 1)", &[])?;
    Ok(id)
}

/// Says how far it is; part of the transaction that got it there.
///
/// # Errors
/// `import_cancelled` when it was stopped meanwhile: its transaction is then undone too.
pub fn advance(tx: &mut WriteTx<'_>, id: Uuid, done: i64) -> Result<()> {
    let now = tx.now();
    let running = tx.execute(
        "UPDATE import_job SET done = ?2, updated_at = ?3 WHERE id = ?1 AND state = 'running'",
        params![id, done, now],
    )?;
    if running == 0 && find(tx, id)?.is_some_and(|job| job.state == State::Cancelled) {
        return Err(Error::conflict("import_cancelled", "This import was stopped. What was in stays."));
    }
    Ok(())
}

/// Stops it before its next rows. One that has ended stays as it is.
///
/// # Errors
/// `not_found`.
pub fn cancel(tx: &mut WriteTx<'_>, id: Uuid) -> Result<Job> {
    let now = tx.now();
    tx.execute(
        "UPDATE import_job SET state = 'cancelled', updated_at = ?2 WHERE id = ?1 AND state = 'running'",
        params![id, now],
    )?;
    find(tx, id)?.ok_or_else(|| Error::not_found("import"))
}

/// How it ended. One that was stopped stays stopped, unless its last rows were in already.
pub fn finish(tx: &mut WriteTx<'_>, id: Uuid, state: State, result: &Json) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE import_job SET state = CASE WHEN state = 'cancelled' AND ?2 = 'failed' THEN state ELSE ?2 END, \
         result = ?3, updated_at = ?4, done = CASE WHEN ?2 = 'done' THEN total ELSE done END WHERE id = ?1",
        params![id, state.as_str(), result.to_string(), now],
    )?;
    Ok(())
}

const COLUMNS: &str = "id, kind, state, done, total, result, created_at, updated_at";

pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<Job>> {
    let now = tx.now();
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM import_job WHERE id = ?1"), params![id])?;
    row.map(|row| from_row(&row, now)).transpose()
}

/// The latest, the last one first.
pub fn list(tx: &mut Tx<'_>, limit: i64) -> Result<Vec<Job>> {
    let now = tx.now();
    let rows = tx.query(
        &format!("SELECT {COLUMNS} FROM import_job ORDER BY id DESC LIMIT ?1"),
        params![limit.clamp(1, MAX_KEPT)],
    )?;
    rows.iter().map(|row| from_row(row, now)).collect()
}

fn from_row(row: &Row, now: UtcMillis) -> Result<Job> {
    let state = match row.get::<String>(2)?.as_str() {
        "done" => State::Done,
        "failed" => State::Failed,
        "cancelled" => State::Cancelled,
        _ if row.get::<i64>(7)? < now - SILENCE => State::Interrupted,
        _ => State::Running,
    };
    Ok(Job {
        id: row.get(0)?,
        kind: row.get(1)?,
        state,
        done: row.get(3)?,
        total: row.get(4)?,
        result: serde_json::from_str(&row.get::<String>(5)?).unwrap_or_default(),
        created_at: row.get(6)?,
    })
}
