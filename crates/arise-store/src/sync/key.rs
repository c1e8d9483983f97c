//! The key with which this node signs.

use arise_core::{Error, NodeId, Result};

use crate::params;
use crate::tx::{Tx, WriteTx};

/// An Ed25519 secret.
pub type Secret = [u8; 32];

/// This node's secret under its present id, made when there is none.
///
/// # Errors
/// `internal` when the system has no randomness; `disk_error` and its like.
pub fn own(tx: &mut WriteTx<'_>) -> Result<Secret> {
    let node = tx.node.id;
    if let Some(secret) = of(tx, node)? {
        return Ok(secret);
    }
    let mut secret = Secret::default();
    getrandom::fill(&mut secret)
        .map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
    tx.execute("INSERT INTO node_key (node, secret) VALUES (?1, ?2)", params![node, secret])?;
    Ok(secret)
}

/// The secret that this node had under an id.
pub fn of(tx: &mut Tx<'_>, node: NodeId) -> Result<Option<Secret>> {
    let row = tx.query_opt("SELECT secret FROM node_key WHERE node = ?1", params![node])?;
    let Some(row) = row else { return Ok(None) };
    let secret: Vec<u8> = row.get(0)?;
    let secret = Secret::try_from(secret).map_err(|_| Error::internal("a key has the wrong length"))?;
    Ok(Some(secret))
}
