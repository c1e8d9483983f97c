//! On the hub: the nodes that exchange records with it.

use std::collections::BTreeSet;

use arise_core::{Error, NodeId, Result, TeacherId, UtcMillis};
use uuid::Uuid;

use super::scope::{self, Courses};

use crate::params;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;

const MAX_ROWS: i64 = 5_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub id: NodeId,
    pub name: String,
    /// Ed25519, 32 bytes.
    pub public_key: Option<Vec<u8>>,
    pub joined_at: UtcMillis,
    pub revoked_at: Option<UtcMillis>,
    /// The id it had before it was told that there is a copy of it.
    pub formerly: Option<NodeId>,
    /// What it was given with the last answer, and with the one before.
    pub token: Option<Uuid>,
    pub token_before: Option<Uuid>,
    pub seen_at: Option<UtcMillis>,
    /// The last number it then had.
    pub gsn: i64,
    /// How many of its records then waited.
    pub waiting: i64,
    /// The courses whose records it is given.
    pub courses: Courses,
    /// The teachers that it was given when it last asked.
    pub(super) teachers: BTreeSet<TeacherId>,
    /// The number of its scope.
    pub(super) scope: i64,
}

const COLUMNS: &str = "id, name, public_key, joined_at, revoked_at, formerly, token, token_before, seen_at, gsn, waiting, \
     courses, teachers, scope";

fn from_row(row: &Row) -> Result<Peer> {
    Ok(Peer {
        id: row.get(0)?,
        name: row.get(1)?,
        public_key: row.get(2)?,
        joined_at: row.get(3)?,
        revoked_at: row.get(4)?,
        formerly: row.get(5)?,
        token: row.get(6)?,
        token_before: row.get(7)?,
        seen_at: row.get(8)?,
        gsn: row.get(9)?,
        waiting: row.get(10)?,
        courses: scope::read(row.text(11))?,
        teachers: scope::read(row.text(12))?.unwrap_or_default(),
        scope: row.get(13)?,
    })
}

pub fn find(tx: &mut Tx<'_>, id: NodeId) -> Result<Option<Peer>> {
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM peer WHERE id = ?1"), params![id])?;
    row.as_ref().map(from_row).transpose()
}

/// Every node that ever joined, the latest seen first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Peer>> {
    let rows = tx.query(
        &format!("SELECT {COLUMNS} FROM peer ORDER BY COALESCE(seen_at, 0) DESC, id LIMIT ?1"),
        params![MAX_ROWS],
    )?;
    rows.iter().map(from_row).collect()
}

/// Lets a node exchange records. One that is known keeps its place and gets the name and key.
pub fn admit(tx: &mut WriteTx<'_>, id: NodeId, name: &str, public_key: Option<&[u8]>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO peer (id, name, public_key, joined_at, gsn, waiting) VALUES (?1, ?2, ?3, ?4, 0, 0) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, public_key = excluded.public_key, revoked_at = NULL",
        params![id, name, public_key, now],
    )?;
    Ok(())
}

/// # Errors
/// `not_found` for a node that never joined.
pub fn revoke(tx: &mut WriteTx<'_>, id: NodeId) -> Result<()> {
    let now = tx.now();
    let changed =
        tx.execute("UPDATE peer SET revoked_at = COALESCE(revoked_at, ?2) WHERE id = ?1", params![id, now])?;
    if changed == 0 {
        return Err(Error::not_found("node"));
    }
    Ok(())
}

/// The node that asks, by its id or, when it was told to take another one, by the one before: it is then
/// admitted under the new id, with the key of the old one.
///
/// # Errors
/// `unknown_node`, or `node_revoked`.
pub fn asking(tx: &mut WriteTx<'_>, id: NodeId, formerly: Option<NodeId>) -> Result<Peer> {
    let known = match find(tx, id)? {
        Some(peer) => peer,
        None => succeed(tx, id, formerly)?,
    };
    if known.revoked_at.is_some() {
        return Err(Error::forbidden(
            "node_revoked",
            "This node was shut out by the hub's administrator. Join again with a new code.",
        ));
    }
    Ok(known)
}

fn succeed(tx: &mut WriteTx<'_>, id: NodeId, formerly: Option<NodeId>) -> Result<Peer> {
    let old = match formerly {
        Some(formerly) => find(tx, formerly)?.filter(|old| old.revoked_at.is_none()),
        None => None,
    };
    let Some(old) = old else {
        return Err(Error::unauthorized(
            "unknown_node",
            "The hub doesn't know this node. Join it with a code from the hub's administrator.",
        ));
    };
    let now = tx.now();
    tx.execute(
        "INSERT INTO peer (id, name, public_key, joined_at, formerly, gsn, waiting, courses, teachers, scope) \
         SELECT ?1, name, public_key, ?2, id, 0, 0, courses, teachers, scope FROM peer WHERE id = ?3",
        params![id, now, old.id],
    )?;
    find(tx, id)?.ok_or_else(|| Error::internal("a node that was just admitted isn't there"))
}

/// Remembers an exchange: what the node may show next time, and how far it was.
pub fn answered(
    tx: &mut WriteTx<'_>,
    id: NodeId,
    tokens: (Uuid, Option<Uuid>),
    gsn: i64,
    waiting: i64,
) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE peer SET token = ?2, token_before = ?3, seen_at = ?4, gsn = ?5, waiting = ?6 WHERE id = ?1",
        params![id, tokens.0, tokens.1, now, gsn, waiting],
    )?;
    Ok(())
}
