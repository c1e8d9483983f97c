//! Records that the hub can't take. They are kept as they came, until they can be or somebody looks.

use arise_core::{NodeId, OpId, Result, UtcMillis};

use super::Record;
use crate::params;
use crate::tx::{Tx, WriteTx};

const MAX_ROWS: i64 = 500;

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    pub record: Record,
    /// Who sent it.
    pub peer: NodeId,
    pub received_at: UtcMillis,
    /// Why it can't be taken: a stable word, such as `missing_session`.
    pub code: String,
}

/// One of this node's records that the hub has in its quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub id: OpId,
    pub refused_at: UtcMillis,
    pub code: String,
}

pub(crate) fn put(tx: &mut WriteTx<'_>, record: &Record, peer: NodeId, code: &str) -> Result<()> {
    let parents: Vec<u8> = record.parents.iter().flat_map(|parent| *parent.0.as_bytes()).collect();
    let now = tx.now();
    // What the engine can't hold is shown as far as it can; the whole is on the node that wrote it.
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    tx.execute(
        "INSERT INTO quarantine (id, kind, entity, subject, body, parents, actor, reason, node, boot, hlc, wall_at, \
         wall_quality, peer, received_at, code) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
         ON CONFLICT (id) DO UPDATE SET peer = excluded.peer, received_at = excluded.received_at, code = excluded.code",
        params![
            record.id,
            clean(&record.kind),
            record.entity,
            record.subject,
            clean(&record.body),
            parents,
            record.actor_bytes(),
            record.reason.as_deref().map(clean),
            record.node,
            record.boot,
            record.hlc,
            record.wall_at,
            record.wall_quality,
            peer,
            now,
            code,
        ],
    )?;
    Ok(())
}

/// On the hub: the latest that came, and how many there are.
pub fn list(tx: &mut Tx<'_>) -> Result<(Vec<Quarantined>, i64)> {
    let rows = tx.query(
        "SELECT id, kind, entity, subject, body, parents, actor, reason, node, boot, hlc, wall_at, wall_quality, \
         peer, received_at, code FROM quarantine ORDER BY received_at DESC, id LIMIT ?1",
        params![MAX_ROWS],
    )?;
    let listed = rows.iter().map(|row| {
        Ok(Quarantined {
            record: Record::from_row(row)?,
            peer: row.get(13)?,
            received_at: row.get(14)?,
            code: row.get(15)?,
        })
    });
    let total = tx.query_one("SELECT COUNT(*) FROM quarantine", &[])?.get(0)?;
    Ok((listed.collect::<Result<_>>()?, total))
}

/// On a node: its latest records that the hub refused, and how many there are.
pub fn refused(tx: &mut Tx<'_>) -> Result<(Vec<Refused>, i64)> {
    let rows = tx.query(
        "SELECT id, refused_at, code FROM refused ORDER BY refused_at DESC, id LIMIT ?1",
        params![MAX_ROWS],
    )?;
    let listed =
        rows.iter().map(|row| Ok(Refused { id: row.get(0)?, refused_at: row.get(1)?, code: row.get(2)? }));
    let total = tx.query_one("SELECT COUNT(*) FROM refused", &[])?.get(0)?;
    Ok((listed.collect::<Result<_>>()?, total))
}

/// On a node: offers the refused records again, with the next exchange.
pub fn retry(tx: &mut WriteTx<'_>) -> Result<()> {
    tx.execute("DELETE FROM refused", &[])?;
    tx.execute("UPDATE sync SET walked = 0", &[])?;
    Ok(())
}

/// On the hub: a record that was taken after all is in quarantine no longer.
pub(crate) fn release(tx: &mut WriteTx<'_>, id: OpId) -> Result<()> {
    tx.execute("DELETE FROM quarantine WHERE id = ?1", params![id])?;
    Ok(())
}
