//! On a node: the hub it joined.

use arise_core::{Result, UtcMillis};

use crate::params;
use crate::tx::{Tx, WriteTx};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hub {
    /// Where it was when this node joined: `https://host` or `http://host:port`.
    pub url: String,
    /// Ed25519, 32 bytes.
    pub public_key: Vec<u8>,
    pub joined_at: UtcMillis,
}

pub fn get(tx: &mut Tx<'_>) -> Result<Option<Hub>> {
    let row = tx.query_opt("SELECT url, public_key, joined_at FROM hub", &[])?;
    row.map(|row| Ok(Hub { url: row.get(0)?, public_key: row.get(1)?, joined_at: row.get(2)? })).transpose()
}

/// Remembers the hub, in place of another one.
pub fn joined(tx: &mut WriteTx<'_>, url: &str, public_key: &[u8]) -> Result<()> {
    let before = get(tx)?;
    let now = tx.now();
    tx.execute("DELETE FROM hub", &[])?;
    tx.execute(
        "INSERT INTO hub (url, public_key, joined_at) VALUES (?1, ?2, ?3)",
        params![url, public_key, now],
    )?;
    if before.is_none_or(|before| before.public_key != public_key) {
        // What another hub gave means nothing to this one.
        tx.execute("UPDATE sync SET token = NULL, formerly = NULL, scope = 0, courses = NULL", &[])?;
    }
    Ok(())
}
