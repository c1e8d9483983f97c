//! The records that wait for the hub.
//!
//! The ids of a node's own records rise with their stamps, so that those which wait lie behind the one up to
//! which all have a number: no index and no queue, and nothing to pay when a mark is written.

use arise_core::mutant::{self, Mutant};
use arise_core::{OpId, Result};

use uuid::Uuid;

use super::{Record, State};
use crate::op::COLUMNS;
use crate::params;
use crate::tx::Tx;

const FORGOTTEN: &str = "FROM op WHERE gsn < 0 AND id NOT IN (SELECT id FROM refused)";
const NEW: &str = "FROM op WHERE id >= ?1 AND gsn IS NULL AND id NOT IN (SELECT id FROM refused)";

/// Some of them, in an order in which each comes after all that its writer knew.
pub fn unsent(tx: &mut Tx<'_>, state: &State, limit: i64) -> Result<Vec<Record>> {
    unsent_after(tx, state, None, limit)
}

/// As [`unsent`], without those up to `offered`, unless a hub has forgotten some.
pub fn unsent_after(
    tx: &mut Tx<'_>,
    state: &State,
    offered: Option<OpId>,
    limit: i64,
) -> Result<Vec<Record>> {
    let mut rows =
        tx.query(&format!("SELECT {COLUMNS} {FORGOTTEN} ORDER BY gsn LIMIT ?1"), params![limit])?;
    let left = limit - i64::try_from(rows.len()).unwrap_or(limit);
    if left > 0 {
        rows.extend(tx.query(
            &format!("SELECT {COLUMNS} {NEW} ORDER BY id LIMIT ?2"),
            params![from(state, offered.filter(|_| rows.is_empty())), left],
        )?);
    }
    if mutant::is(Mutant::EffectsBeforeCauses) {
        rows.reverse();
    }
    rows.iter().map(Record::from_row).collect()
}

/// What waits first.
pub(crate) enum First {
    Nothing,
    /// A hub that has forgotten it gave it a number.
    Forgotten,
    New {
        hlc: i64,
    },
}

pub(crate) fn first(tx: &mut Tx<'_>, state: &State) -> Result<First> {
    if tx.query_opt(&format!("SELECT 1 {FORGOTTEN} LIMIT 1"), &[])?.is_some() {
        return Ok(First::Forgotten);
    }
    let row = tx.query_opt(
        &format!("SELECT hlc {NEW} ORDER BY id LIMIT 1"),
        params![OpId::first_stamped(state.walked + 1)],
    )?;
    row.map_or(Ok(First::Nothing), |row| Ok(First::New { hlc: row.get(0)? }))
}

/// The smallest id that may wait, and comes after `offered`.
fn from(state: &State, offered: Option<OpId>) -> OpId {
    let first = OpId::first_stamped(state.walked + 1);
    let next = offered.map(|OpId(id)| OpId(Uuid::from_u128(id.as_u128().saturating_add(1))));
    next.map_or(first, |next| next.max(first))
}

/// How many wait.
pub fn count(tx: &mut Tx<'_>, state: &State) -> Result<i64> {
    count_after(tx, state, None)
}

/// How many wait besides those up to `offered`.
pub fn count_after(tx: &mut Tx<'_>, state: &State, offered: Option<OpId>) -> Result<i64> {
    let forgotten: i64 = tx.query_one(&format!("SELECT COUNT(*) {FORGOTTEN}"), &[])?.get(0)?;
    let first = from(state, offered);
    let new: i64 = tx.query_one(&format!("SELECT COUNT(*) {NEW}"), params![first])?.get(0)?;
    Ok(forgotten + new)
}
