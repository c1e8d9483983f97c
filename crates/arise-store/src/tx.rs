//! Transactions: `Tx` reads, `WriteTx` also writes.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use arise_core::{Actor, CourseId, Error, NodeId, Result, SessionId, StudentId, UtcMillis};

use crate::engine::Engine;
use crate::event::Event;
use crate::hurry::Hurry;
use crate::summary::Touched;
use crate::value::{Row, Value};

/// A transaction that sees one state of the database.
pub struct Tx<'a> {
    engine: &'a mut dyn Engine,
    now: UtcMillis,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(engine: &'a mut dyn Engine, now: UtcMillis) -> Self {
        Self { engine, now }
    }

    /// When the transaction began.
    pub fn now(&self) -> UtcMillis {
        self.now
    }

    /// Whether several processes may share the database.
    pub(crate) fn is_shared(&self) -> bool {
        self.engine.is_shared()
    }

    /// # Errors
    /// `disk_error` and its like when the database can't be read; `internal` for a fault of the query.
    pub fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.engine.query(sql, params)
    }

    /// The first row, if any.
    pub fn query_opt(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// The first row of a query that always has one.
    pub fn query_one(&mut self, sql: &str, params: &[Value]) -> Result<Row> {
        self.query_opt(sql, params)?.ok_or_else(|| Error::internal("a query that always has a row had none"))
    }
}

/// What the writer knows and keeps between transactions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NodeState {
    pub(crate) id: NodeId,
    pub(crate) boot: i64,
    /// The highest stamp known, in microseconds.
    pub(crate) hlc: i64,
}

/// What one job leaves to be done before it ends, and after it is committed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Effects {
    /// Whether anything was changed.
    pub(crate) wrote: bool,
    /// Told to live screens after the commit.
    pub(crate) events: Vec<Event>,
    /// Settled sessions in which a student's mark changed.
    pub(crate) dirty_marks: BTreeSet<(SessionId, StudentId)>,
    /// Courses whose tallies must be counted anew.
    pub(crate) dirty_courses: BTreeSet<CourseId>,
    /// Courses of which sums must be counted anew.
    pub(crate) touched: BTreeMap<CourseId, Touched>,
    /// Those sums may wait until somebody looks at them.
    pub(crate) sums_wait: bool,
}

impl Effects {
    pub(crate) fn touch(&mut self, course: CourseId) -> &mut Touched {
        self.touched.entry(course).or_default()
    }
}

/// A transaction that writes. What fails in it leaves nothing behind.
pub struct WriteTx<'a> {
    tx: Tx<'a>,
    pub(crate) node: &'a mut NodeState,
    pub(crate) effects: Effects,
    pub(crate) actor: Actor,
    hurry: &'a Hurry,
}

impl<'a> WriteTx<'a> {
    pub(crate) fn new(tx: Tx<'a>, node: &'a mut NodeState, hurry: &'a Hurry) -> Self {
        Self { tx, node, effects: Effects::default(), actor: Actor::SYSTEM, hurry }
    }

    /// Whether somebody waits for this transaction to end. What can be done in parts makes way.
    pub fn is_awaited(&self) -> bool {
        #[cfg(feature = "sim")]
        if crate::sim::is_awaited() {
            return true;
        }
        self.hurry.is_awaited()
    }

    /// Whether others write too, at this time. What is done in parts does little at once then.
    pub fn is_busy(&self) -> bool {
        #[cfg(feature = "sim")]
        if crate::sim::is_awaited() {
            return true;
        }
        self.hurry.is_busy()
    }

    /// Says who does what follows.
    pub fn act_as(&mut self, actor: Actor) {
        self.actor = actor;
    }

    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// # Errors
    /// `disk_full` and its like; `internal` for a fault of the statement.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        let changed = self.tx.engine.execute(sql, params)?;
        self.effects.wrote |= changed > 0;
        Ok(changed)
    }

    /// Tells live screens, once this is committed. What is said over and over is told once.
    pub fn emit(&mut self, event: Event) {
        if self.effects.events.last() != Some(&event) {
            self.effects.events.push(event);
        }
    }

    pub(crate) fn engine(&mut self) -> &mut dyn Engine {
        self.effects.wrote = true;
        &mut *self.tx.engine
    }

    /// The next stamp: later than every stamp this node knows.
    pub(crate) fn stamp(&mut self) -> i64 {
        self.node.hlc = (self.tx.now * 1_000).max(self.node.hlc + 1);
        self.node.hlc
    }
}

impl<'a> Deref for WriteTx<'a> {
    type Target = Tx<'a>;

    fn deref(&self) -> &Self::Target {
        &self.tx
    }
}

impl DerefMut for WriteTx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.tx
    }
}
