//! A store without threads, for simulations: each call runs at once, on one connection to a SQLite file, and can
//! be made to fail at any statement as a crash would, or to find the disk full.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use arise_core::{Clock, Error, Result};
use tokio::sync::broadcast;

use crate::engine::{Engine, Parts};
use crate::hurry::Hurry;
use crate::place::Place;
use crate::sqlite::{Mode, Sqlite};
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, Value};
use crate::writer::Writer;
use crate::{apply, migrate, node, params, write_job};

thread_local! {
    static BEHIND: Cell<i64> = const { Cell::new(0) };
    static AWAITED: Cell<Option<(u64, u64)>> = const { Cell::new(None) };
}

/// Makes the code of this thread older by so many versions. One version ago there were no semesters and no topics of
/// sessions; two versions ago no settings and no durations of courses either.
pub fn be_behind(versions: i64) {
    BEHIND.set(versions);
}

pub(crate) fn behind() -> i64 {
    BEHIND.get()
}

/// Whether somebody waits for the transactions of this thread: at one of `in` times that they look, on average, as
/// follows from `seed`; never for nothing.
pub fn be_awaited(seed_in: Option<(u64, u64)>) {
    AWAITED.set(seed_in);
}

pub(crate) fn is_awaited() -> bool {
    let Some((state, times)) = AWAITED.get() else { return false };
    // Knuth's generator; its upper bits are the good ones.
    let state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    AWAITED.set(Some((state, times)));
    (state >> 33).is_multiple_of(times.max(1))
}

/// What goes wrong with one database.
#[derive(Debug)]
pub struct Faults {
    /// Statements until the process dies; negative for never.
    left: AtomicI64,
    /// Whether it dies before the statement or after it.
    before: AtomicBool,
    dead: AtomicBool,
    statements: AtomicU64,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            left: AtomicI64::new(-1),
            before: AtomicBool::new(false),
            dead: AtomicBool::new(false),
            statements: AtomicU64::new(0),
        }
    }
}

impl Faults {
    /// The process dies at the statement that comes after `statements` others.
    pub fn crash_in(&self, statements: i64, before: bool) {
        self.before.store(before, Ordering::Relaxed);
        self.left.store(statements, Ordering::Relaxed);
    }

    pub fn never_mind(&self) {
        self.left.store(-1, Ordering::Relaxed);
    }

    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Statements so far.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    fn gate<T>(&self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let left = self.left.load(Ordering::Relaxed);
        if left >= 0 {
            self.left.store(left - 1, Ordering::Relaxed);
        }
        if left == 0 && self.before.load(Ordering::Relaxed) {
            self.dead.store(true, Ordering::Relaxed);
        }
        if self.is_dead() {
            return Err(crashed());
        }
        let done = run();
        if left == 0 {
            self.dead.store(true, Ordering::Relaxed);
            return Err(crashed());
        }
        done
    }
}

fn crashed() -> Error {
    Error::unavailable("crashed", "The process was killed.")
}

struct Faulty {
    engine: Sqlite,
    faults: Arc<Faults>,
}

impl Engine for Faulty {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        self.faults.gate(|| self.engine.execute(sql, params))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.faults.gate(|| self.engine.query(sql, params))
    }

    fn each(&mut self, sql: &str, parts: Parts<'_>) -> Result<()> {
        self.engine.each(sql, parts)
    }

    fn commit(&mut self) -> Result<()> {
        self.faults.gate(|| self.engine.commit())
    }

    fn batch(&mut self, sql: &str) -> Result<()> {
        self.faults.gate(|| self.engine.batch(sql))
    }

    fn begin_write(&mut self) -> Result<()> {
        self.faults.gate(|| self.engine.begin_write())
    }

    fn begin_read(&mut self) -> Result<()> {
        self.engine.begin_read()
    }

    fn render(&self, migration: &str) -> String {
        self.engine.render(migration)
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn revive(&mut self) -> Result<()> {
        if self.faults.is_dead() {
            return Err(crashed());
        }
        self.engine.revive()
    }
}

/// A store that does everything at once, on the thread of its caller.
pub struct Direct {
    writer: Writer,
    faults: Arc<Faults>,
}

impl Direct {
    /// [`Store::open`](crate::Store::open).
    ///
    /// # Errors
    /// `crashed`, and those of the store.
    pub fn open(path: &Path, clock: Arc<dyn Clock>, faults: Arc<Faults>) -> Result<Self> {
        let engine = Sqlite::open(&Place::new(path), Mode::Write)?;
        let mut engine: Box<dyn Engine> = Box::new(Faulty { engine, faults: Arc::clone(&faults) });
        migrate::run(&mut *engine, clock.now())?;
        let node = node::start(&mut *engine, clock.now())?;
        let (events, _) = broadcast::channel(16);
        let mut direct = Self {
            writer: Writer {
                engine,
                node,
                clock,
                events,
                unsure: false,
                space: None,
                hurry: Arc::new(Hurry::new()),
            },
            faults,
        };
        direct.write(apply::rebuild_if_outdated)?;
        Ok(direct)
    }

    pub fn faults(&self) -> &Arc<Faults> {
        &self.faults
    }

    /// [`Store::write`](crate::Store::write).
    ///
    /// # Errors
    /// `crashed`, and those of the store.
    pub fn write<T, F>(&mut self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    {
        let (job, mut answer) = write_job(job);
        self.writer.commit(&mut vec![job]);
        answer.try_recv().map_err(|_| {
            // The transaction couldn't begin, or the job panicked.
            if self.faults.is_dead() { crashed() } else { Error::internal("a job has no answer") }
        })?
    }

    /// [`Store::read`](crate::Store::read).
    ///
    /// # Errors
    /// Those of the store.
    pub fn read<T>(&mut self, job: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let now = self.writer.clock.now();
        let engine = &mut *self.writer.engine;
        engine.begin_read()?;
        let done = job(&mut Tx::new(&mut *engine, now));
        engine.commit()?;
        done
    }

    /// Leaves the disk room for so many pages more; all the room there is for `None`.
    ///
    /// # Errors
    /// Those of the store.
    pub fn leave_room(&mut self, pages: Option<i64>) -> Result<()> {
        let now = self.writer.engine.query("PRAGMA page_count", &[])?;
        let now: i64 = now.first().map_or(Ok(0), |row| row.get(0))?;
        let most = pages.map_or(1_073_741_823, |pages| now + pages);
        self.writer.engine.query(&format!("PRAGMA max_page_count = {most}"), params![])?;
        Ok(())
    }
}
