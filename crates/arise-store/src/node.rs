//! This node's own row.

use arise_core::{Error, NodeId, Result, UtcMillis};

use crate::engine::Engine;
use crate::params;
use crate::tx::{NodeState, Tx};

/// Makes the node's row at the first start and counts the starts.
pub(crate) fn start(engine: &mut dyn Engine, now: UtcMillis) -> Result<NodeState> {
    engine.begin_write()?;
    let started = start_inside(engine, now);
    engine.batch(if started.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    started
}

fn start_inside(engine: &mut dyn Engine, now: UtcMillis) -> Result<NodeState> {
    let existing = engine.query("UPDATE node SET boot = boot + 1 RETURNING id, boot, hlc", &[])?;
    if let Some(row) = existing.first() {
        return Ok(NodeState { id: row.get(0)?, boot: row.get(1)?, hlc: row.get(2)? });
    }
    let id = NodeId::new(now);
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
    engine.execute(
        "INSERT INTO node (id, boot, hlc, signing_key, created_at) VALUES (?1, 1, 0, ?2, ?3)",
        params![id, key, now],
    )?;
    Ok(NodeState { id, boot: 1, hlc: 0 })
}

pub(crate) fn id_and_hlc(tx: &mut Tx<'_>) -> Result<(NodeId, i64)> {
    let row = tx.query_one("SELECT id, hlc FROM node", &[])?;
    Ok((row.get(0)?, row.get(1)?))
}

/// The key that signs tokens when SECRET_KEY isn't set.
pub fn signing_key(tx: &mut Tx<'_>) -> Result<Vec<u8>> {
    tx.query_one("SELECT signing_key FROM node", &[])?.get(0)
}

pub fn id(tx: &mut Tx<'_>) -> Result<NodeId> {
    tx.query_one("SELECT id FROM node", &[])?.get(0)
}

/// The life of this node that goes on: a restored backup begins another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Only rises. What other nodes were told in an earlier life may not be known in this one.
    pub incarnation: i64,
    /// When the backup was restored, and its name.
    pub restored: Option<(UtcMillis, String)>,
}

pub fn life(tx: &mut Tx<'_>) -> Result<Life> {
    let row = tx.query_one("SELECT incarnation, restored_at, restored_from FROM node", &[])?;
    let restored = row.get::<Option<i64>>(1)?.zip(row.get(2)?);
    Ok(Life { incarnation: row.get(0)?, restored })
}

/// Bytes that the database takes on the disk.
pub fn database_size(tx: &mut Tx<'_>) -> Result<i64> {
    let sql = if tx.is_shared() {
        "SELECT pg_database_size(current_database())"
    } else {
        "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
    };
    tx.query_one(sql, &[])?.get(0)
}
