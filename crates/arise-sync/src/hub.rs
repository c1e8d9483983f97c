//! The hub's side of an exchange.

use std::collections::HashSet;

use arise_core::id::uuid_v7;
use arise_core::mutant::{self, Mutant};
use arise_core::{OpId, Result};
use arise_store::sync::peer::{self, Peer};
use arise_store::sync::scope::Scope;
use arise_store::sync::{self, Numbering};
use arise_store::{Tx, WriteTx};
use uuid::Uuid;

use crate::message::{Answer, Limits, Request, Verdict, at, position};

/// A request, answered in steps. Each step is one transaction, after which a crash loses nothing.
#[derive(Debug)]
pub struct Exchange {
    request: Request,
    /// How many of its records are taken.
    taken: usize,
    refused: Vec<(OpId, String)>,
    /// Whether the hub's own records have numbers.
    numbered: bool,
    /// What the node is given.
    scope: Scope,
    limits: Limits,
    /// How many records the next transaction takes.
    at_once: usize,
}

impl Exchange {
    pub fn new(request: Request, limits: Limits) -> Self {
        let at_once = limits.first();
        let (taken, refused, numbered, scope) = (0, vec![], false, Scope::default());
        Self { request, taken, refused, numbered, scope, limits, at_once }
    }

    /// Does some of the work; answers when all is done, with an answer that [`fill`](Self::fill) makes whole.
    ///
    /// # Errors
    /// `unknown_node`, `node_revoked`.
    pub fn step(&mut self, tx: &mut WriteTx<'_>) -> Result<Option<Answer>> {
        let peer = peer::asking(tx, self.request.node, self.request.formerly)?;
        let verdict = self.verdict(tx, &peer)?;
        if verdict != Verdict::Taken {
            return self.answer(tx, &peer, verdict).map(Some);
        }
        let rest = &self.request.records[self.taken..];
        let now = &rest[..rest.len().min(self.at_once)];
        if !self.numbered || !now.is_empty() {
            let mut numbering = Numbering::begin(tx)?;
            // What the hub wrote itself comes first. When that is more than this answer can bring, the next
            // exchanges go on with it: each takes a bounded time, also the first one of a large hub.
            self.numbered |= numbering.own(count(self.at_once))?
                || numbering.position().gsn - self.request.at.0 > count(self.limits.records);
            if self.numbered {
                let (taken, refused) = numbering.take(peer.id, now)?;
                self.taken += taken;
                self.refused.extend(refused.into_iter().map(|(id, code)| (id, code.to_owned())));
            }
            numbering.end()?;
        }
        if !self.numbered || self.taken < self.request.records.len() {
            self.at_once = self.limits.next(self.at_once, tx.is_busy());
            return Ok(None);
        }
        self.answer(tx, &peer, Verdict::Taken).map(Some)
    }

    /// Puts the records into an answer that this exchange gave: they are read where nobody waits for them.
    ///
    /// # Errors
    /// `disk_error` and its like.
    pub fn fill(&self, tx: &mut Tx<'_>, answer: &mut Answer) -> Result<()> {
        if answer.verdict != Verdict::Taken {
            return Ok(());
        }
        let sent: HashSet<OpId> = self.request.records.iter().map(|record| record.id).collect();
        let mut end = position(self.request.at);
        let records = sync::after(tx, end.gsn, count(self.limits.records), self.limits.bytes)?;
        let withheld = self.scope.withheld(tx, &records)?;
        for (place, (record, eff)) in records.into_iter().enumerate() {
            end = end.then(eff, record.id);
            let id = record.id;
            let full = if sent.contains(&id) {
                None
            } else if withheld.contains(&place) {
                answer.withheld.push(place);
                None
            } else {
                Some(record)
            };
            answer.records.push((id, eff, full));
        }
        answer.end = (!answer.records.is_empty()).then_some(at(end).1);
        Ok(())
    }

    /// Whether the node asks again at once, because one exchange doesn't carry all there is.
    pub(crate) fn goes_on(&self, answer: &Answer) -> bool {
        let Request { waiting, records, at, .. } = &self.request;
        *waiting > count(records.len()) || answer.hub_gsn - at.0 > count(self.limits.records)
    }

    fn verdict(&self, tx: &mut WriteTx<'_>, peer: &Peer) -> Result<Verdict> {
        let asked = position(self.request.at);
        let known = sync::chain_at(tx, asked.gsn)? == Some(asked.chain);
        if !known && !mutant::is(Mutant::TrustsAnyPosition) {
            return Ok(Verdict::Reset);
        }
        let shown = self.request.token;
        // That of the answer before is shown by a node that didn't hear the last one.
        if shown != peer.token && shown != peer.token_before {
            return Ok(Verdict::Rekey);
        }
        Ok(Verdict::Taken)
    }

    fn answer(&mut self, tx: &mut WriteTx<'_>, peer: &Peer, mut verdict: Verdict) -> Result<Answer> {
        let shown = self.request.token;
        self.scope = Scope::of(tx, peer)?;
        // What the node passed over under another scope may be for it now. Who begins has passed over nothing.
        let is_other = self.request.scope != self.scope.version && self.request.at.0 > 0;
        if verdict == Verdict::Taken && is_other && !mutant::is(Mutant::NeverGivesWhatItWithheld) {
            verdict = Verdict::Reset;
        }
        let hub = sync::state(tx)?.position;
        let mut answer = Answer {
            verdict,
            from: self.request.at,
            token_shown: shown,
            token: Uuid::nil(),
            hub_gsn: hub.gsn,
            records: vec![],
            end: None,
            withheld: vec![],
            scope: self.scope.version,
            courses: self.scope.courses.clone(),
            refused: std::mem::take(&mut self.refused),
        };
        if verdict == Verdict::Rekey {
            // The other one may be who it says: nothing of it changes.
            return Ok(answer);
        }
        // Who asks again is told the same again.
        let again = verdict == Verdict::Taken && shown == peer.token_before && shown != peer.token;
        answer.token = match peer.token {
            Some(token) if again || mutant::is(Mutant::SameTokenForEver) => token,
            _ => uuid_v7(tx.now()),
        };
        let before = if again { peer.token_before } else { shown };
        peer::answered(tx, peer.id, (answer.token, before), self.request.at.0, self.request.waiting)?;
        Ok(answer)
    }
}

fn count(records: usize) -> i64 {
    i64::try_from(records).unwrap_or(i64::MAX)
}
