//! The hub numbers records, in the transaction that writes them: dense, whatever process of the hub does it.

use std::collections::HashSet;

use arise_core::mutant::{self, Mutant};
use arise_core::op::Kind;
use arise_core::{Error, NodeId, OpId, Result};
use uuid::Uuid;

use super::touched::Touched;
use super::{Chain, Position, Record, State, quarantine, state, unsent};
use crate::op::COLUMNS;
use crate::params;
use crate::tally;
use crate::tx::{Tx, WriteTx};

/// What became of a record that a node sent.
enum Taken {
    New,
    Known,
    /// It can't be taken, for a reason given as a stable word.
    Quarantined(&'static str),
}

/// Why a record is in quarantine that the database refused.
const UNUSABLE: &str = "unusable";
/// Records that are taken together, whoever waits. Simulations have small messages, and few of each kind.
const PART: usize = if cfg!(feature = "sim") { 1 } else { 64 };

/// Whether so many records are some whole parts: the transaction may end here for the sake of those who wait for it,
/// such as marks.
pub(super) fn is_part(done: usize) -> bool {
    done > 0 && done.is_multiple_of(PART)
}

/// One go of numbering. Nothing stays of it unless [`Numbering::end`] is called.
pub struct Numbering<'t, 'a> {
    tx: &'t mut WriteTx<'a>,
    state: State,
    touched: Touched,
    /// Entities that are there, so that many records of one class look them up once.
    there: HashSet<(&'static str, Uuid)>,
}

impl<'t, 'a> Numbering<'t, 'a> {
    pub fn begin(tx: &'t mut WriteTx<'a>) -> Result<Self> {
        let state = state(tx)?;
        tx.effects.sums_wait = true;
        Ok(Self { tx, state, touched: Touched::default(), there: HashSet::new() })
    }

    /// How far the numbers go.
    pub fn position(&self) -> Position {
        self.state.position
    }

    /// Numbers some of the hub's own records, fewer when somebody waits. Answers whether none is left.
    pub fn own(&mut self, limit: i64) -> Result<bool> {
        let records = unsent(self.tx, &self.state, limit)?;
        let mut numbered = 0;
        for record in &records {
            if is_part(numbered) && self.makes_way()? {
                break;
            }
            let (at, eff) = self.next(record);
            self.touched.stamp(self.tx, record.id, record.cell(), at, eff)?;
            numbered += 1;
        }
        std::mem::take(&mut self.touched).settle(self.tx)?;
        Ok(i64::try_from(numbered).is_ok_and(|numbered| numbered < limit) && numbered == records.len())
    }

    /// Takes records that a node sent, unless they are known; not all of them when somebody waits. Answers how many
    /// it took, and why it can't take some of them. One that the database refuses, whatever the reason, is in
    /// nobody's way.
    pub fn take(&mut self, peer: NodeId, records: &[Record]) -> Result<(usize, Vec<(OpId, &'static str)>)> {
        if records.is_empty() {
            return Ok((0, vec![]));
        }
        if let Some(done) = self.guarded(|this| this.take_some(peer, records))? {
            return Ok(done);
        }
        let (mut taken, mut refused) = (0, vec![]);
        for record in records {
            if is_part(taken) && self.tx.is_awaited() {
                break;
            }
            let one = std::slice::from_ref(record);
            match self.guarded(|this| this.take_some(peer, one))? {
                Some((_, fault)) => refused.extend(fault),
                None => {
                    quarantine::put(self.tx, record, peer, UNUSABLE)?;
                    refused.push((record.id, UNUSABLE));
                }
            }
            taken += 1;
        }
        Ok((taken, refused))
    }

    fn take_some(&mut self, peer: NodeId, records: &[Record]) -> Result<(usize, Vec<(OpId, &'static str)>)> {
        let (mut taken, mut refused) = (0, vec![]);
        for record in records {
            if is_part(taken) && self.makes_way()? {
                break;
            }
            if let Taken::Quarantined(fault) = self.take_one(peer, record)? {
                refused.push((record.id, fault));
            }
            taken += 1;
        }
        std::mem::take(&mut self.touched).settle(self.tx)?;
        // What can't be counted can't be taken.
        tally::refresh_dirty(self.tx)?;
        Ok((taken, refused))
    }

    /// Does something behind a savepoint. Nothing is left of it when the database refuses it for a reason that will
    /// be the same the next time; the answer is then nothing.
    fn guarded<T>(&mut self, job: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        let before = (self.state.clone(), self.there.clone(), *self.tx.node, self.tx.effects.clone());
        self.tx.execute("SAVEPOINT record", &[])?;
        match job(self) {
            Ok(done) => {
                self.tx.execute("RELEASE SAVEPOINT record", &[])?;
                Ok(Some(done))
            }
            Err(error) if matches!(error.code, "internal" | "invalid_text") => {
                tracing::warn!(%error, "a record of a node can't be taken");
                self.tx.execute("ROLLBACK TO SAVEPOINT record", &[])?;
                self.tx.execute("RELEASE SAVEPOINT record", &[])?;
                (self.state, self.there, *self.tx.node, self.tx.effects) = before;
                self.touched = Touched::default();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Derives what one part touched, so that not all of it is left for when somebody waits. Answers whether somebody
    /// does.
    fn makes_way(&mut self) -> Result<bool> {
        std::mem::take(&mut self.touched).settle(self.tx)?;
        Ok(self.tx.is_awaited())
    }

    fn take_one(&mut self, peer: NodeId, record: &Record) -> Result<Taken> {
        let known = self.tx.query_opt("SELECT gsn FROM op WHERE id = ?1", params![record.id])?;
        if let Some(row) = known {
            // One of the hub's own, which came back before it was numbered.
            let numbered = row.get::<Option<i64>>(0)?.is_some_and(|gsn| gsn > 0);
            if !numbered || mutant::is(Mutant::NumbersTwice) {
                let (at, eff) = self.next(record);
                self.touched.stamp(self.tx, record.id, record.cell(), at, eff)?;
            }
            return Ok(Taken::Known);
        }
        let fault = match record.fault() {
            Some(fault) => Some(fault),
            None => self.missing(record)?,
        };
        if let Some(fault) = fault {
            if mutant::is(Mutant::QuarantineInTheWay) {
                return Err(Error::malformed(fault, "A record can't be taken."));
            }
            quarantine::put(self.tx, record, peer, fault)?;
            return Ok(Taken::Quarantined(fault));
        }
        let (at, eff) = self.next(record);
        self.touched.insert(self.tx, record, at, eff)?;
        quarantine::release(self.tx, record.id)?;
        Ok(Taken::New)
    }

    /// Answers how far the numbers go.
    pub fn end(mut self) -> Result<Position> {
        self.state.rest(self.tx)?;
        self.state.save(self.tx)?;
        Ok(self.state.position)
    }

    /// The next number and stamp: what the writer claims, but nothing that the hub's time hasn't reached.
    fn next(&mut self, record: &Record) -> (Position, i64) {
        let state = &mut self.state;
        // Rises with every record, so that two whose clocks were ahead keep their order.
        state.hub_time = self.tx.now().saturating_mul(1_000).max(state.hub_time + 1);
        let cap = if mutant::is(Mutant::NoCap) { i64::MAX } else { state.hub_time };
        let eff = record.hlc.min(cap);
        state.position = state.position.then(eff, record.id);
        state.eff = state.eff.max(eff);
        self.tx.node.hlc = self.tx.node.hlc.max(eff);
        (state.position, eff)
    }

    /// What a record refers to and isn't there. Nodes send causes before effects, so that nothing is missing
    /// unless it was refused itself.
    fn missing(&mut self, record: &Record) -> Result<Option<&'static str>> {
        if mutant::is(Mutant::TakesTheUncaused) {
            return Ok(None);
        }
        for parent in &record.parents {
            if self.tx.query_opt("SELECT 1 FROM op WHERE id = ?1", params![*parent])?.is_none() {
                return Ok(Some("missing_parent"));
            }
        }
        let refers: [Option<(&'static str, Uuid)>; 2] = match record.cell().kind {
            Kind::Mark => [Some(("session", record.entity)), Some(("student", record.subject))],
            Kind::Enrolment => [Some(("course", record.entity)), Some(("student", record.subject))],
            Kind::Session => {
                let op = record.op(0, 0);
                let course = op.body.get("course_id").and_then(|id| Uuid::parse_str(id.as_str()?).ok());
                [course.map(|course| ("course", course)), None]
            }
            _ => [None, None],
        };
        for (kind, entity) in refers.into_iter().flatten() {
            if self.there.contains(&(kind, entity)) {
                continue;
            }
            let found = self.tx.query_opt(
                "SELECT 1 FROM op WHERE entity = ?1 AND subject = ?2 AND kind <> 'mark' AND kind = ?3 LIMIT 1",
                params![entity, Uuid::nil(), kind],
            )?;
            if found.is_none() {
                return Ok(Some(match kind {
                    "session" => "missing_session",
                    "student" => "missing_student",
                    _ => "missing_course",
                }));
            }
            self.there.insert((kind, entity));
        }
        Ok(None)
    }
}

/// The chain up to a number, or nothing when it wasn't given here.
pub fn chain_at(tx: &mut Tx<'_>, gsn: i64) -> Result<Option<Chain>> {
    if gsn == 0 {
        return Ok(Some(Chain::START));
    }
    let row = tx.query_opt("SELECT chain FROM op WHERE gsn = ?1", params![gsn])?;
    let chain: Option<Vec<u8>> = row.map(|row| row.get(0)).transpose()?.flatten();
    Ok(chain.map(|chain| Chain::from_blob(&chain)))
}

/// Records by number, each with its stamp, as many as follow `gsn` within both bounds, but at least one.
pub fn after(tx: &mut Tx<'_>, gsn: i64, limit: i64, bytes: usize) -> Result<Vec<(Record, i64)>> {
    let rows = tx.query(
        &format!("SELECT {COLUMNS} FROM op WHERE gsn > ?1 ORDER BY gsn LIMIT ?2"),
        params![gsn.max(0), limit],
    )?;
    let mut records: Vec<(Record, i64)> = Vec::with_capacity(rows.len());
    let mut size = 0;
    for row in &rows {
        let record = Record::from_row(row)?;
        size += record.size();
        if size > bytes && !records.is_empty() {
            break;
        }
        records.push((record, row.get(14)?));
    }
    Ok(records)
}
