//! A node takes what the hub numbered.

use arise_core::mutant::{self, Mutant};
use arise_core::op::{Cell, Kind};
use arise_core::{Error, NodeId, OpId, Result};

use super::number::is_part;
use super::touched::Touched;
use super::{Chain, Position, Record, state};
use crate::params;
use crate::tx::WriteTx;

/// The next numbered record of the hub.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    pub id: OpId,
    pub eff: i64,
    /// Nothing when the node itself has just sent it, or isn't given it.
    pub record: Option<Record>,
    /// Whether it is of no course of this node.
    pub withheld: bool,
}

/// Takes records that follow this node's position, fewer when somebody waits, and moves it. Answers how many. The same
/// record may come again under another number, from a hub that had forgotten the first.
///
/// # Errors
/// `answer_unusable` when the node is meant to hold a record that it doesn't.
pub fn adopt(tx: &mut WriteTx<'_>, records: &[Incoming]) -> Result<usize> {
    let mut state = state(tx)?;
    tx.effects.sums_wait = true;
    let mut touched = Touched::default();
    let any_refused = tx.query_opt("SELECT 1 FROM refused LIMIT 1", &[])?.is_some();
    let mut taken = 0;
    for Incoming { id, eff, record, withheld } in records {
        if is_part(taken) {
            // What one part touched is derived with it, so that not all of it is left for when somebody waits.
            std::mem::take(&mut touched).settle(tx)?;
            if tx.is_awaited() {
                if mutant::is(Mutant::PassesOverTheRest) {
                    let rest = &records[taken..];
                    state.position = rest.iter().fold(state.position, |at, next| at.then(next.eff, next.id));
                }
                break;
            }
        }
        taken += 1;
        let at = state.position.then(*eff, *id);
        let known = tx.query_opt("SELECT kind, entity, subject FROM op WHERE id = ?1", params![*id])?;
        match (known, record) {
            (Some(row), _) => {
                let cell = Cell {
                    kind: Kind::parse(&row.get::<String>(0)?),
                    entity: row.get(1)?,
                    subject: row.get(2)?,
                };
                touched.stamp(tx, *id, cell, at, *eff)?;
            }
            (None, Some(record)) => touched.insert(tx, record, at, *eff)?,
            (None, None) if *withheld || mutant::is(Mutant::SkipsWhatItLacks) => {}
            (None, None) => {
                return Err(Error::conflict(
                    "answer_unusable",
                    "The hub's answer was meant for this node before it was restored. Sync again.",
                ));
            }
        }
        if any_refused {
            tx.execute("DELETE FROM refused WHERE id = ?1", params![*id])?;
        }
        state.position = at;
        state.eff = state.eff.max(*eff);
        tx.node.hlc = tx.node.hlc.max(*eff);
    }
    touched.settle(tx)?;
    state.rest(tx)?;
    state.save(tx)?;
    Ok(taken)
}

/// Remembers that a record of this node is in the hub's quarantine: it isn't sent again.
pub fn refuse(tx: &mut WriteTx<'_>, id: OpId, code: &str) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO refused (id, refused_at, code) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
        params![id, now, code],
    )?;
    Ok(())
}

/// The hub doesn't know this node's position: all that it ever numbered is offered to it again, in the order
/// in which it was known here, before what has no number yet.
pub fn reset(tx: &mut WriteTx<'_>) -> Result<()> {
    let mut state = state(tx)?;
    let lowest: Option<i64> = tx.query_one("SELECT MIN(gsn) FROM op WHERE gsn < 0", &[])?.get(0)?;
    let by = state.position.gsn + 1 - lowest.unwrap_or_default();
    if !mutant::is(Mutant::ResetOffersNothing) {
        tx.execute("UPDATE op SET gsn = gsn - ?1 WHERE gsn > 0", params![by])?;
    }
    // What it refused waits again, wherever it lies.
    state.walked = 0;
    tx.execute("DELETE FROM refused", &[])?;
    state.position = Position { gsn: 0, chain: Chain::START };
    state.save(tx)
}

/// Gives this node another id: there is a copy of it that goes by the present one.
pub fn rekey(tx: &mut WriteTx<'_>) -> Result<NodeId> {
    let (old, new) = (tx.node.id, NodeId::new(tx.now()));
    tx.execute("UPDATE node SET id = ?1", params![new])?;
    // The hub knows only the id that it once answered to.
    tx.execute("UPDATE sync SET formerly = COALESCE(formerly, ?1), token = NULL", params![old])?;
    tx.node.id = new;
    Ok(new)
}
