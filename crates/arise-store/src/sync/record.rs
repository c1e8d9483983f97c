//! A record as it travels: exactly what its writer wrote, whatever this version understands of it.

use arise_core::op::{Cell, Kind, Op, WallQuality};
use arise_core::{Actor, NodeId, OpId, Result, UtcMillis};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::Position;
use crate::params;
use crate::tx::WriteTx;
use crate::value::Row;

/// The most bytes of a record's body, and of all that is asked for in one go by default.
pub const MAX_BYTES: usize = 64 * 1_024;
const MAX_KIND: usize = 64;
const MAX_REASON: usize = 4 * 1_024;
const MAX_PARENTS: usize = 256;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: OpId,
    pub kind: String,
    pub entity: Uuid,
    pub subject: Uuid,
    /// A JSON object.
    pub body: String,
    pub parents: Vec<OpId>,
    /// A role and an id, 17 bytes, as [`Actor::to_bytes`] makes them.
    pub actor: (u8, Uuid),
    pub reason: Option<String>,
    pub node: NodeId,
    pub boot: i64,
    pub hlc: i64,
    pub wall_at: UtcMillis,
    pub wall_quality: i64,
}

impl Record {
    /// From a row that begins with [`crate::op::COLUMNS`].
    pub(crate) fn from_row(row: &Row) -> Result<Self> {
        let parents: Vec<u8> = row.get(5)?;
        let actor: Vec<u8> = row.get(6)?;
        let role = actor.first().copied().unwrap_or_default();
        Ok(Self {
            id: row.get(0)?,
            kind: row.get(1)?,
            entity: row.get(2)?,
            subject: row.get(3)?,
            body: row.get(4)?,
            parents: parents.chunks(16).filter_map(|id| Uuid::from_slice(id).ok()).map(OpId).collect(),
            actor: (role, Uuid::from_slice(actor.get(1..).unwrap_or_default()).unwrap_or_default()),
            reason: row.get(7)?,
            node: row.get(8)?,
            boot: row.get(9)?,
            hlc: row.get(10)?,
            wall_at: row.get(11)?,
            wall_quality: row.get(12)?,
        })
    }

    pub(crate) fn cell(&self) -> Cell {
        Cell { kind: Kind::parse(&self.kind), entity: self.entity, subject: self.subject }
    }

    /// About how many bytes it takes on its way.
    pub fn size(&self) -> usize {
        200 + self.body.len() + self.parents.len() * 16 + self.reason.as_ref().map_or(0, String::len)
    }

    pub(crate) fn actor_bytes(&self) -> [u8; 17] {
        let mut bytes = [self.actor.0; 17];
        bytes[1..].copy_from_slice(self.actor.1.as_bytes());
        bytes
    }

    fn body(&self) -> Option<Map<String, Json>> {
        serde_json::from_str(&self.body).ok()
    }

    /// Why no node could keep it, if none could: a stable word.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.body.len() > MAX_BYTES
            || self.reason.as_ref().is_some_and(|reason| reason.len() > MAX_REASON)
            || self.parents.len() > MAX_PARENTS
        {
            return Some("too_large");
        }
        // PostgreSQL's text can't hold a NUL.
        let has_nul = self.body.contains("\\u0000")
            || self.kind.contains('\0')
            || self.reason.as_ref().is_some_and(|reason| reason.contains('\0'));
        if has_nul {
            return Some("invalid_text");
        }
        if self.kind.is_empty() || self.kind.len() > MAX_KIND || self.hlc <= 0 || self.body().is_none() {
            return Some("malformed");
        }
        None
    }

    /// What this version understands of it, once numbered.
    pub(crate) fn op(&self, gsn: i64, eff: i64) -> Op {
        Op {
            id: self.id,
            cell: self.cell(),
            body: self.body().unwrap_or_default(),
            parents: self.parents.clone(),
            actor: Actor::from_bytes(&self.actor_bytes()).unwrap_or(Actor::SYSTEM),
            reason: self.reason.clone(),
            node: self.node,
            boot: self.boot,
            hlc: self.hlc,
            wall_at: self.wall_at,
            wall_quality: WallQuality::from_i64(self.wall_quality),
            gsn: Some(gsn),
            eff: Some(eff),
        }
    }

    /// Writes a record that nobody here knows.
    pub(crate) fn insert(&self, tx: &mut WriteTx<'_>, at: Position, eff: i64) -> Result<()> {
        let parents: Vec<u8> = self.parents.iter().flat_map(|parent| *parent.0.as_bytes()).collect();
        tx.execute(
            "INSERT INTO op (id, kind, entity, subject, body, parents, actor, reason, node, boot, hlc, wall_at, \
             wall_quality, gsn, eff, chain) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
            params![
                self.id,
                &self.kind,
                self.entity,
                self.subject,
                &self.body,
                parents,
                self.actor_bytes(),
                self.reason.clone(),
                self.node,
                self.boot,
                self.hlc,
                self.wall_at,
                self.wall_quality,
                at.gsn,
                eff,
                at.chain.0.to_vec(),
            ],
        )?;
        Ok(())
    }
}
