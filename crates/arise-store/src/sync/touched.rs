//! Cells that many records touched, derived once each.

use std::collections::BTreeSet;

use arise_core::mutant::{self, Mutant};
use arise_core::op::{Cell, Kind};
use arise_core::{OpId, Result};

use super::{Position, Record};
use crate::event::Event;
use crate::tx::WriteTx;
use crate::{apply, op, params};

/// More news than this at once and live screens are told to look again instead.
const MAX_EVENTS: usize = 256;

#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    /// Cells that got another record.
    grown: BTreeSet<Cell>,
    /// Cells of which a record got another stamp.
    stamped: BTreeSet<Cell>,
}

impl Touched {
    /// Writes a record that wasn't known here.
    pub(crate) fn insert(
        &mut self,
        tx: &mut WriteTx<'_>,
        record: &Record,
        at: Position,
        eff: i64,
    ) -> Result<()> {
        if mutant::is(Mutant::DropsUnknownKinds) && !apply::knows(&record.cell().kind) {
            return Ok(());
        }
        record.insert(tx, at, eff)?;
        let op = record.op(at.gsn, eff);
        if op.cell.kind == Kind::Mark {
            // Its cell is found by the row of attendance that names its records.
            apply::add_mark(tx, &op)?;
        } else {
            self.grown.insert(op.cell);
        }
        Ok(())
    }

    /// Gives a known record its number and stamp, which may decide between it and another.
    pub(crate) fn stamp(
        &mut self,
        tx: &mut WriteTx<'_>,
        id: OpId,
        cell: Cell,
        at: Position,
        eff: i64,
    ) -> Result<()> {
        tx.execute(
            "UPDATE op SET gsn = ?2, eff = ?3, chain = ?4 WHERE id = ?1",
            params![id, at.gsn, eff, at.chain.0.to_vec()],
        )?;
        if !mutant::is(Mutant::NoRefold) {
            self.stamped.insert(cell);
        }
        Ok(())
    }

    /// Derives what was touched.
    pub(crate) fn settle(self, tx: &mut WriteTx<'_>) -> Result<()> {
        for cell in &self.grown {
            apply::rebuild(tx, cell)?;
        }
        for cell in self.stamped.difference(&self.grown) {
            // What one record says doesn't depend on its stamp.
            if op::is_alone(tx, cell)? {
                continue;
            }
            if cell.kind == Kind::Mark {
                apply::restand(tx, cell)?;
            } else {
                apply::rebuild(tx, cell)?;
            }
        }
        if tx.effects.events.len() > MAX_EVENTS {
            tx.effects.events = vec![Event::Resync];
        }
        Ok(())
    }
}
