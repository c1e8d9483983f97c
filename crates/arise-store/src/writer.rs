//! One writer with group commit: jobs that wait together are committed together, each in its own savepoint,
//! and are answered only after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use arise_core::{Clock, Error, Result};
use tokio::sync::{broadcast, mpsc};

use crate::engine::Engine;
use crate::event::Event;
use crate::hurry::Hurry;
use crate::space::{Room, Space};
use crate::tx::{Effects, NodeState, Tx, WriteTx};
use crate::{node, params, tally};

/// Told the outcome of the commit; sends the job's answer.
pub(crate) type Done = Box<dyn FnOnce(Result<()>) + Send>;

/// Runs inside the transaction and says whether its changes stay; or is told why there is none.
pub(crate) type Run = Box<dyn FnOnce(Result<&mut WriteTx<'_>>) -> (bool, Done) + Send>;

pub(crate) struct Job {
    pub(crate) run: Run,
    /// It is committed with no other.
    pub(crate) alone: bool,
    /// It fails before it writes, or not at all, so that it needs no savepoint of its own: SQLite copies every
    /// page that is changed inside one.
    pub(crate) checked: bool,
}

/// The most jobs of one commit: bounds how long the first waits for the last.
const MAX_BATCH: usize = 512;
/// After a commit of this many jobs more of them are on their way …
const BURST: usize = 8;
/// … and waiting for them this long costs less than another commit.
const GATHER: Duration = Duration::from_micros(100);

pub(crate) struct Writer {
    pub(crate) engine: Box<dyn Engine>,
    pub(crate) node: NodeState,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: broadcast::Sender<Event>,
    /// Whether the node's state has to be read again.
    pub(crate) unsure: bool,
    pub(crate) space: Option<Arc<Space>>,
    pub(crate) hurry: Arc<Hurry>,
}

impl Writer {
    /// Runs until every sender of jobs is gone.
    pub(crate) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        let mut last = 0;
        while let Some(first) = jobs.blocking_recv() {
            if last >= BURST && jobs.len() < last / 2 {
                #[expect(clippy::disallowed_methods, reason = "to wake up at each job is what this saves")]
                thread::sleep(GATHER);
            }
            let mut next = Some(first);
            while let Some(job) = next.take() {
                if job.alone {
                    self.commit(&mut batch);
                    batch.push(job);
                    break;
                }
                batch.push(job);
                next = (batch.len() < MAX_BATCH).then(|| jobs.try_recv().ok()).flatten();
            }
            last = batch.len();
            self.commit(&mut batch);
        }
    }

    pub(crate) fn commit(&mut self, batch: &mut Vec<Job>) {
        if batch.is_empty() {
            return;
        }
        let mut answers = Vec::with_capacity(batch.len());
        let mut events = Vec::new();
        let outcome = self.run_batch(batch, &mut answers, &mut events);
        if let Err(error) = &outcome {
            // Whether a commit that failed was made after all is known by the database alone.
            self.unsure = true;
            tracing::error!(%error, jobs = answers.len(), "a commit failed; nothing of it was kept");
            if let Err(error) = self.engine.revive() {
                tracing::error!(%error, "the database can't be reached");
            }
            if let Some(space) = &self.space {
                space.look();
            }
        } else if !self.engine.is_shared() {
            for event in events {
                // No receiver means that nobody is watching.
                let _ = self.events.send(event);
            }
        }
        for done in answers {
            done(outcome.clone());
        }
        if self.space.as_ref().is_some_and(|space| space.room() != Room::Enough) {
            self.engine.make_room();
        }
        // Jobs that never ran, because the transaction couldn't begin.
        for job in batch.drain(..) {
            let error = outcome.clone().err().unwrap_or_else(|| Error::internal("a job was left over"));
            refuse(job, error);
        }
    }

    fn run_batch(
        &mut self,
        batch: &mut Vec<Job>,
        answers: &mut Vec<Done>,
        events: &mut Vec<Event>,
    ) -> Result<()> {
        self.engine.begin_write()?;
        // Another process may have stamped records, or given the node another id.
        if self.engine.is_shared() || self.unsure {
            (self.node.id, self.node.hlc) = node::id_and_hlc(&mut Tx::new(&mut *self.engine, 0))?;
            self.unsure = false;
        }
        let (id, before) = (self.node.id, self.node.hlc);
        let alone = batch.len() == 1;
        for job in batch.drain(..) {
            // A failed statement spoils a whole transaction of PostgreSQL unless a savepoint stands before it.
            let guarded = !alone && (!job.checked || self.engine.is_shared());
            if guarded {
                self.engine.execute("SAVEPOINT job", &[])?;
            }
            let node = self.node;
            let (keep, effects, done) = self.run_job(job.run);
            answers.push(done);
            if !keep {
                self.node = node;
            }
            if keep {
                events.extend(effects.events);
                if guarded {
                    self.engine.execute("RELEASE SAVEPOINT job", &[])?;
                }
            } else if !guarded && !alone {
                if effects.wrote {
                    return Err(Error::internal("a checked job failed after it had written"));
                }
            } else if alone {
                return self.engine.execute("ROLLBACK", &[]).map(|_| ());
            } else {
                self.engine.execute("ROLLBACK TO SAVEPOINT job", &[])?;
                self.engine.execute("RELEASE SAVEPOINT job", &[])?;
            }
        }
        if self.node.hlc != before {
            self.engine.execute("UPDATE node SET hlc = ?1", params![self.node.hlc])?;
        }
        if self.engine.is_shared() {
            notify(&mut *self.engine, events)?;
        }
        self.engine.commit()?;
        if self.node.id != id {
            self.engine.belongs_to(self.node.id);
        }
        Ok(())
    }

    fn run_job(&mut self, run: Run) -> (bool, Effects, Done) {
        let mut tx = WriteTx::new(Tx::new(&mut *self.engine, self.clock.now()), &mut self.node, &self.hurry);
        // A panic in one job spoils only that job.
        match catch_unwind(AssertUnwindSafe(|| {
            let (keep, done) = run(Ok(&mut tx));
            let settled = if keep { tally::refresh_dirty(&mut tx) } else { Ok(()) };
            (keep, settled, done)
        })) {
            Ok((keep, Ok(()), done)) => (keep, std::mem::take(&mut tx.effects), done),
            Ok((_, Err(error), done)) => (
                false,
                std::mem::take(&mut tx.effects),
                Box::new(move |outcome: Result<()>| done(outcome.and(Err(error)))),
            ),
            // The panic was printed by its hook. The job's answer went with it: its caller sees that.
            Err(_) => (false, std::mem::take(&mut tx.effects), Box::new(|_| {})),
        }
    }
}

/// Answers a job that couldn't be run.
fn refuse(job: Job, error: Error) {
    let (_, done) = (job.run)(Err(error));
    done(Ok(()));
}

/// PostgreSQL carries events to every process of the hub, this one included, when the transaction commits.
fn notify(engine: &mut dyn Engine, events: &[Event]) -> Result<()> {
    for event in events {
        let text = serde_json::to_string(event).map_err(|e| Error::internal(e.to_string()))?;
        // PostgreSQL's limit of a payload is 8,000 bytes.
        let text = if text.len() < 7_900 { text } else { "\"resync\"".to_owned() };
        engine.query("SELECT pg_notify('arise', ?1)", params![text])?;
    }
    Ok(())
}
