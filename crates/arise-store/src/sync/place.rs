//! On the hub: places for nodes. An administrator makes one and gets a code; the node that knows the code
//! takes the place, once.

use arise_core::clock::DAY;
use arise_core::{Error, NodeId, Result, UtcMillis, id};
use uuid::Uuid;

use super::peer;
use super::scope::{self, Courses};
use crate::params;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;

const MAX_ROWS: i64 = 5_000;
/// How long a code can be used. A stick may be walked a while before it is plugged in.
pub const CODE_LASTS: UtcMillis = DAY;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What lists and revoking know it by, before and after it is taken.
    pub id: Uuid,
    pub name: String,
    pub created_at: UtcMillis,
    /// Shared with whoever knows the code.
    pub code_key: Vec<u8>,
    pub expires_at: UtcMillis,
    pub peer: Option<NodeId>,
    /// The courses whose records the node will be given.
    pub courses: Courses,
}

const COLUMNS: &str = "id, name, created_at, code_key, expires_at, peer, courses";

fn from_row(row: &Row) -> Result<Place> {
    Ok(Place {
        id: row.get(0)?,
        name: row.get(1)?,
        created_at: row.get(2)?,
        code_key: row.get(3)?,
        expires_at: row.get(4)?,
        peer: row.get(5)?,
        courses: scope::read(row.text(6))?,
    })
}

/// Every place, the newest first.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Place>> {
    let rows =
        tx.query(&format!("SELECT {COLUMNS} FROM node_place ORDER BY id DESC LIMIT ?1"), params![MAX_ROWS])?;
    rows.iter().map(from_row).collect()
}

pub fn find(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<Place>> {
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM node_place WHERE id = ?1"), params![id])?;
    row.as_ref().map(from_row).transpose()
}

/// Makes a place. `print` is what its code is found by.
pub fn make(tx: &mut WriteTx<'_>, name: &str, print: &str, key: &[u8], courses: Courses) -> Result<Place> {
    let now = tx.now();
    let place = Place {
        id: id::uuid_v7(now),
        name: name.to_owned(),
        created_at: now,
        code_key: key.to_vec(),
        expires_at: now + CODE_LASTS,
        peer: None,
        courses,
    };
    tx.execute(
        "INSERT INTO node_place (id, name, created_at, code_print, code_key, expires_at, courses) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![place.id, name, now, print, key, place.expires_at, scope::written_courses(&place.courses)?],
    )?;
    Ok(place)
}

/// The place that a code is for, as long as it can be used.
///
/// # Errors
/// `join_code_wrong`.
pub fn by_print(tx: &mut Tx<'_>, print: &str) -> Result<Place> {
    let now = tx.now();
    let row = tx.query_opt(
        &format!("SELECT {COLUMNS} FROM node_place WHERE code_print = ?1 AND expires_at > ?2"),
        params![print, now],
    )?;
    row.as_ref().map(from_row).transpose()?.ok_or_else(wrong_code)
}

pub fn wrong_code() -> Error {
    Error::unauthorized(
        "join_code_wrong",
        "This code isn't valid. Codes work once, for a day: ask the hub's administrator for a new one.",
    )
}

/// Gives a place to a node. A node that didn't hear the answer may ask again.
///
/// # Errors
/// `join_code_wrong` when another node has it.
pub fn take(tx: &mut WriteTx<'_>, place: &Place, node: NodeId, public_key: &[u8]) -> Result<()> {
    if let Some(taken_by) = place.peer {
        let same = peer::find(tx, taken_by)?
            .is_some_and(|peer| peer.id == node && peer.public_key.as_deref() == Some(public_key));
        return if same { Ok(()) } else { Err(wrong_code()) };
    }
    peer::admit(tx, node, &place.name, Some(public_key))?;
    scope::set(tx, node, &place.courses)?;
    // A node that joins anew has one place.
    tx.execute("DELETE FROM node_place WHERE peer = ?1", params![node])?;
    tx.execute("UPDATE node_place SET peer = ?2 WHERE id = ?1", params![place.id, node])?;
    Ok(())
}

/// Shuts out a node, and with it the copies that were made of it, or takes a place back that nobody has
/// taken. `id` is a place's or a node's. Answers its name.
///
/// # Errors
/// `not_found`.
pub fn revoke(tx: &mut WriteTx<'_>, id: Uuid) -> Result<String> {
    let place = find(tx, id)?;
    let Some(node) = place.as_ref().map_or(Some(NodeId(id)), |place| place.peer) else {
        tx.execute("DELETE FROM node_place WHERE id = ?1", params![id])?;
        return Ok(place.map(|place| place.name).unwrap_or_default());
    };
    let known = peer::find(tx, node)?.ok_or_else(|| Error::not_found("node"))?;
    let mut out = vec![node];
    let mut at = 0;
    while let Some(&node) = out.get(at) {
        at += 1;
        peer::revoke(tx, node)?;
        for row in tx.query("SELECT id FROM peer WHERE formerly = ?1", params![node])? {
            let copy: NodeId = row.get(0)?;
            if !out.contains(&copy) {
                out.push(copy);
            }
        }
    }
    Ok(known.name)
}

/// Gives a node the records of these courses from now on, or will give them to whoever takes the place. `id` is a
/// place's or a node's. Answers its name.
///
/// # Errors
/// `not_found`.
pub fn set_scope(tx: &mut WriteTx<'_>, id: Uuid, courses: &Courses) -> Result<String> {
    let place = find(tx, id)?;
    if let Some(place) = &place {
        tx.execute(
            "UPDATE node_place SET courses = ?2 WHERE id = ?1",
            params![id, scope::written_courses(courses)?],
        )?;
        if place.peer.is_none() {
            return Ok(place.name.clone());
        }
    }
    let node = place.and_then(|place| place.peer).unwrap_or(NodeId(id));
    scope::set(tx, node, courses)?;
    peer::find(tx, node)?.map(|peer| peer.name).ok_or_else(|| Error::not_found("node"))
}

/// Uses the counter of a signed request up.
///
/// # Errors
/// `replayed`, with the last counter: whoever has the key can go on from there.
pub fn advance(tx: &mut WriteTx<'_>, node: NodeId, counter: i64) -> Result<()> {
    let changed =
        tx.execute("UPDATE peer SET counter = ?2 WHERE id = ?1 AND counter < ?2", params![node, counter])?;
    if changed == 1 {
        return Ok(());
    }
    let row = tx.query_opt("SELECT counter FROM peer WHERE id = ?1", params![node])?;
    let last: i64 = row.map_or(Ok(0), |row| row.get(0))?;
    Err(Error::unauthorized("replayed", "This request was sent before. Its counter must rise.")
        .with("counter", last.to_string()))
}
