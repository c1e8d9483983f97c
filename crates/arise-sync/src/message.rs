//! What a node asks, and what the hub answers.

use std::collections::HashSet;

use arise_core::{Error, NodeId, OpId, Result};
use arise_store::sync::scope::Courses;
use arise_store::sync::{Chain, Incoming, Position, Record};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::wire;

/// The most records of a message, each way.
pub const MAX_RECORDS: usize = 1_000;

/// The bounds of messages and transactions.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Records of a message, each way; at most [`MAX_RECORDS`].
    pub records: usize,
    /// Their bytes, before they are packed.
    pub bytes: usize,
    /// The most records of one transaction, however long nobody waits for its end.
    pub at_once: usize,
}

/// Records of a transaction while others write. While marks come in, each of them finds a small transaction before it;
/// while none do, many records share one write to the disk.
const FEW: usize = 64;

impl Limits {
    /// How many records the first transaction may take.
    pub(crate) fn first(&self) -> usize {
        FEW.min(self.at_once)
    }

    /// How many the next one may take.
    pub(crate) fn next(&self, at_once: usize, busy: bool) -> usize {
        if busy { self.first() } else { at_once.saturating_mul(2).min(self.at_once) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { records: MAX_RECORDS, bytes: 2 * 1_024 * 1_024, at_once: MAX_RECORDS }
    }
}

/// A number and the 16 bytes of the chain up to it.
type At = (i64, Uuid);

pub(crate) fn at(position: Position) -> At {
    (position.gsn, Uuid::from_bytes(position.chain.0))
}

pub(crate) fn position(at: At) -> Position {
    Position { gsn: at.0, chain: Chain(at.1.into_bytes()) }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Who asks.
    pub node: NodeId,
    /// Who it was when the hub last answered, if it has taken another id since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formerly: Option<NodeId>,
    pub(crate) at: At,
    /// What the hub gave with its last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Uuid>,
    /// How many records wait, these included.
    pub(crate) waiting: i64,
    /// The number of the scope under which the position was counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) scope: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) records: Vec<Record>,
}

/// What the hub makes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Taken,
    /// The hub doesn't know the node's position, since it was restored from a backup; or it gives the node something
    /// else than before. The node offers all it has, and hears everything anew.
    Reset,
    /// Somebody else goes by the same id: the node takes another one.
    Rekey,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub(crate) verdict: Verdict,
    /// The position and the token of the request that it answers.
    pub(crate) from: At,
    pub(crate) token_shown: Option<Uuid>,
    /// To be shown with the next request.
    pub(crate) token: Uuid,
    /// How many records the hub has numbered.
    pub(crate) hub_gsn: i64,
    /// What follows the position: id, stamp, and the record itself unless the node has just sent it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) records: Vec<(OpId, i64, Option<Record>)>,
    /// The chain up to the last of them; nothing when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<Uuid>,
    /// The places of those that aren't for this node: of each only the id and the stamp are told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) withheld: Vec<usize>,
    /// The number of the node's scope, and its courses; nothing is all of them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) scope: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) courses: Courses,
    /// Records of the request that can't be taken, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refused: Vec<(OpId, String)>,
}

impl Answer {
    pub(crate) fn incoming(&self) -> Vec<Incoming> {
        let withheld: HashSet<usize> = self.withheld.iter().copied().collect();
        let incoming = self.records.iter().enumerate().map(|(place, (id, eff, record))| Incoming {
            id: *id,
            eff: *eff,
            record: record.clone(),
            withheld: withheld.contains(&place),
        });
        incoming.collect()
    }
}

impl Request {
    pub fn encode(&self) -> Result<Vec<u8>> {
        wire::encode(self)
    }

    /// # Errors
    /// `sync_unreadable`, `sync_version`, `too_large`.
    pub fn decode(body: &[u8]) -> Result<Self> {
        let request: Self = wire::decode(body)?;
        if request.records.len() > MAX_RECORDS || request.at.0 < 0 || request.waiting < 0 {
            return Err(Error::malformed("sync_unreadable", "This sync message isn't one that arise sends."));
        }
        Ok(request)
    }
}

impl Answer {
    pub fn encode(&self) -> Result<Vec<u8>> {
        wire::encode(self)
    }

    /// # Errors
    /// `sync_unreadable`, `sync_version`, `too_large`.
    pub fn decode(body: &[u8]) -> Result<Self> {
        wire::decode(body)
    }
}
