//! The node's side of an exchange.

use arise_core::mutant::{self, Mutant};
use arise_core::{OpId, Result};
use arise_store::sync::{self, Incoming, Position};
use arise_store::{Tx, WriteTx};

use crate::message::{Answer, Limits, Request, Verdict, at, position};

/// What this node asks of the hub.
///
/// # Errors
/// `disk_error` and its like.
pub fn request(tx: &mut Tx<'_>, limits: Limits) -> Result<Request> {
    request_after(tx, None, limits)
}

/// What this node asks of the hub, which has taken all that waits up to `offered`.
///
/// # Errors
/// `disk_error` and its like.
pub fn request_after(tx: &mut Tx<'_>, offered: Option<OpId>, limits: Limits) -> Result<Request> {
    let state = sync::state(tx)?;
    let mut records = sync::unsent_after(tx, &state, offered, count(limits.records))?;
    let mut size = 0;
    let fit = records.iter().take_while(|record| {
        size += record.size();
        size <= limits.bytes
    });
    let fit = fit.count().max(1);
    let all_wait = records.len() < limits.records;
    let waiting =
        if all_wait { count(records.len()) } else { sync::count_unsent_after(tx, &state, offered)? };
    records.truncate(fit);
    Ok(Request {
        node: arise_store::node::id(tx)?,
        formerly: state.formerly,
        at: at(state.position),
        token: state.token,
        waiting,
        scope: state.scope,
        records,
    })
}

fn count(records: usize) -> i64 {
    i64::try_from(records).unwrap_or(i64::MAX)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Taken,
    /// The answer isn't to what this node would ask now: it came twice, or too late.
    Ignored,
    /// The hub was restored from a backup, or gives this node something else than before. This node offers it all it
    /// has, from now on, and hears everything anew.
    Reset,
    /// There is a copy of this node. This one goes by another id from now on.
    Rekeyed,
}

/// What an answer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub outcome: Outcome,
    /// Records that came, this node's own included: that is how it knows that the hub has them.
    pub received: usize,
    /// Records of this node that the hub can't take.
    pub refused: usize,
    /// Whether to ask again at once.
    pub more: bool,
}

/// An answer, taken in steps. Each step is one transaction, after which a crash loses nothing.
#[derive(Debug)]
pub struct Acceptance {
    answer: Answer,
    incoming: Vec<Incoming>,
    received: usize,
    limits: Limits,
    /// How many records the next transaction takes.
    at_once: usize,
}

impl Acceptance {
    pub fn new(answer: Answer, limits: Limits) -> Self {
        Self { incoming: answer.incoming(), answer, received: 0, limits, at_once: limits.first() }
    }

    /// Takes some of it; answers when all is taken.
    ///
    /// # Errors
    /// `answer_unusable`.
    pub fn step(&mut self, tx: &mut WriteTx<'_>) -> Result<Option<Progress>> {
        let state = sync::state(tx)?;
        let Some(done) = self.taken_before(state.position) else {
            return Ok(Some(self.progress(Outcome::Ignored, false)));
        };
        if self.answer.token_shown != state.token && !mutant::is(Mutant::TakesAnyAnswer) {
            return Ok(Some(self.progress(Outcome::Ignored, false)));
        }
        match self.answer.verdict {
            Verdict::Taken => {}
            Verdict::Reset => {
                sync::reset(tx)?;
                self.remember(tx)?;
                return Ok(Some(self.progress(Outcome::Reset, true)));
            }
            Verdict::Rekey => {
                sync::rekey(tx)?;
                return Ok(Some(self.progress(Outcome::Rekeyed, true)));
            }
        }
        let rest = &self.incoming[done..];
        let now = &rest[..rest.len().min(self.at_once)];
        if state.scope != self.answer.scope {
            // What was taken so far passed over other records than this answer does.
            if state.position.gsn > 0 {
                return Ok(Some(self.progress(Outcome::Ignored, true)));
            }
            // It counts from the first record on, also should the rest not be taken.
            sync::scoped(tx, self.answer.scope, &self.answer.courses)?;
        }
        if !now.is_empty() {
            let taken = sync::adopt(tx, now)?;
            self.received += taken;
            if taken < rest.len() {
                self.at_once = self.limits.next(self.at_once, tx.is_busy());
                return Ok(None);
            }
        }
        for (id, code) in &self.answer.refused {
            sync::refuse(tx, *id, code)?;
        }
        self.remember(tx)?;
        let state = sync::state(tx)?;
        let waits = !sync::unsent(tx, &state, 1)?.is_empty();
        let more = waits || state.position.gsn < self.answer.hub_gsn;
        Ok(Some(self.progress(Outcome::Taken, more)))
    }

    fn remember(&self, tx: &mut WriteTx<'_>) -> Result<()> {
        let Answer { token, hub_gsn, scope, courses, .. } = &self.answer;
        sync::answered(tx, *token, *hub_gsn, (*scope, courses))
    }

    /// How many of its records this node has taken already; nothing when it doesn't begin, or go on, where this
    /// node is, or isn't what the hub hashed.
    fn taken_before(&self, here: Position) -> Option<usize> {
        if mutant::is(Mutant::TakesAnyAnswer) {
            return Some(self.received);
        }
        let mut position = position(self.answer.from);
        let mut found = (position == here).then_some(0);
        for (index, incoming) in self.incoming.iter().enumerate() {
            position = position.then(incoming.eff, incoming.id);
            if position == here {
                found = Some(index + 1);
            }
        }
        let end = self.answer.end.unwrap_or(self.answer.from.1);
        found.filter(|_| position.chain.0 == end.into_bytes())
    }

    fn progress(&self, outcome: Outcome, more: bool) -> Progress {
        Progress { outcome, received: self.received, refused: self.answer.refused.len(), more }
    }
}
