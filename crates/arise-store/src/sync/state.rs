//! How far this node is. The one row of `sync`.

use arise_core::mutant::{self, Mutant};
use arise_core::{NodeId, OpId, Result, UtcMillis};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::scope::{self, Courses};
use super::unsent::{self, First};
use crate::params;
use crate::tx::{Tx, WriteTx};

/// A hash over the numbers up to one, with the stamps and ids they were given to. It doesn't cover what the
/// records say: a person's records can be emptied without breaking it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chain(pub [u8; 16]);

impl Chain {
    /// Before the first number.
    pub const START: Self = Self([0; 16]);

    #[must_use]
    pub fn then(self, gsn: i64, eff: i64, id: OpId) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(gsn.to_be_bytes());
        hash.update(eff.to_be_bytes());
        hash.update(id.0.as_bytes());
        let mut chain = [0; 16];
        chain.copy_from_slice(&hash.finalize()[..16]);
        Self(chain)
    }

    pub(crate) fn from_blob(blob: &[u8]) -> Self {
        blob.try_into().map_or(Self::START, Self)
    }
}

/// A number, and the chain up to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    pub gsn: i64,
    pub chain: Chain,
}

impl Position {
    /// Where the next record comes to stand.
    #[must_use]
    pub fn then(self, eff: i64, id: OpId) -> Self {
        let gsn = self.gsn + 1;
        Self { gsn, chain: self.chain.then(gsn, eff, id) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    pub position: Position,
    /// The hub's time, in microseconds; it only rises. Nothing on another node.
    pub(crate) hub_time: i64,
    /// The highest stamp that a hub gave a record known here.
    pub(crate) eff: i64,
    /// None of this node's records with this stamp or an earlier one waits.
    pub(crate) walked: i64,
    /// What the hub gave with its last answer.
    pub token: Option<Uuid>,
    /// The id this node had, until the hub knows the present one.
    pub formerly: Option<NodeId>,
    /// When the hub last answered.
    pub synced_at: Option<UtcMillis>,
    /// How many records it then had.
    pub hub_gsn: i64,
    /// The hub's number of the scope under which the position was counted.
    pub scope: i64,
    /// The courses of that scope.
    pub courses: Courses,
}

pub fn state(tx: &mut Tx<'_>) -> Result<State> {
    let row = tx.query_one(
        "SELECT gsn, chain, hub_time, eff, walked, token, formerly, synced_at, hub_gsn, scope, courses \
         FROM sync",
        &[],
    )?;
    let chain: Option<Vec<u8>> = row.get(1)?;
    Ok(State {
        position: Position { gsn: row.get(0)?, chain: Chain::from_blob(&chain.unwrap_or_default()) },
        hub_time: row.get(2)?,
        eff: row.get(3)?,
        walked: row.get(4)?,
        token: row.get(5)?,
        formerly: row.get(6)?,
        synced_at: row.get(7)?,
        hub_gsn: row.get(8)?,
        scope: row.get(9)?,
        courses: scope::read(row.text(10))?,
    })
}

impl State {
    pub(crate) fn save(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        tx.execute(
            "UPDATE sync SET gsn = ?1, chain = ?2, hub_time = ?3, eff = ?4, walked = ?5, token = ?6, formerly = ?7, \
             synced_at = ?8, hub_gsn = ?9",
            params![
                self.position.gsn,
                self.position.chain.0.to_vec(),
                self.hub_time,
                self.eff,
                self.walked,
                self.token,
                self.formerly,
                self.synced_at,
                self.hub_gsn,
            ],
        )?;
        Ok(())
    }

    /// Records that wait needn't be looked for before the first that does. When none waits any more, later stamps
    /// needn't be above theirs, but only above those they were given: the stamps of a clock that was wrong end
    /// with it.
    pub(crate) fn rest(&mut self, tx: &mut WriteTx<'_>) -> Result<()> {
        match unsent::first(tx, self)? {
            First::Nothing => {
                tx.node.hlc = self.eff;
                self.walked = self.eff;
            }
            _ if mutant::is(Mutant::WalksTooFar) => {
                tx.node.hlc = self.eff;
                self.walked = self.eff;
            }
            First::Forgotten => {}
            // What is written next has a stamp above this node's, whoever wrote the one that waits.
            First::New { hlc } => self.walked = self.walked.max((hlc - 1).min(tx.node.hlc)),
        }
        Ok(())
    }
}

/// Remembers under which scope the position is counted.
pub fn scoped(tx: &mut WriteTx<'_>, scope: i64, courses: &Courses) -> Result<()> {
    tx.execute("UPDATE sync SET scope = ?1, courses = ?2", params![scope, scope::written_courses(courses)?])?;
    Ok(())
}

/// Remembers what came with an answer of the hub.
pub fn answered(
    tx: &mut WriteTx<'_>,
    token: Uuid,
    hub_gsn: i64,
    (scope, courses): (i64, &Courses),
) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE sync SET token = ?1, hub_gsn = ?2, synced_at = ?3, formerly = NULL, scope = ?4, courses = ?5",
        params![token, hub_gsn, now, scope, scope::written_courses(courses)?],
    )?;
    Ok(())
}
