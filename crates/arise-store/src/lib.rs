//! The only place that speaks SQL. [`Store::write`] runs a closure in the one writer's transaction and
//! answers after the commit; [`Store::read`] runs one on a snapshot. Every replicated write goes through
//! [`WriteTx::put`] or [`WriteTx::append_mark`], which write the record and what follows from it together.

mod apply;
mod engine;
mod event;
mod hurry;
mod migrate;
mod pg;
mod place;
#[cfg(feature = "sim")]
pub mod sim;
mod sqlite;
mod standing;
mod summary;
mod tx;
mod value;
mod writer;

pub mod admin;
pub mod audit;
pub mod backup;
pub mod check;
pub mod conflict;
pub mod course;
pub mod course_standing;
pub mod course_summary;
pub mod day_tally;
pub mod device;
pub mod double;
pub mod enrolment;
pub mod export;
pub mod foreign;
pub mod import_job;
pub mod import_undo;
pub mod leaderboard;
pub mod list;
pub mod login;
pub mod mark;
pub mod node;
pub mod online;
pub mod op;
pub mod overview;
pub mod placement;
pub mod register;
pub mod review;
pub mod scope;
pub mod semester;
pub mod session;
pub mod setting;
pub mod shortage;
pub mod slot;
pub mod space;
pub mod student;
pub mod student_course;
pub mod sync;
pub mod tally;
pub mod teacher;
pub mod today;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use arise_core::{Clock, Error, Result};
use tokio::sync::{broadcast, mpsc, oneshot};

pub use crate::apply::DERIVED;
use crate::backup::{Backups, Reason};
use crate::engine::Engine;
pub use crate::event::Event;
use crate::hurry::Hurry;
use crate::pg::Postgres;
use crate::place::Place;
use crate::space::Space;
use crate::sqlite::{Mode, Sqlite};
pub use crate::tx::{Tx, WriteTx};
pub use crate::value::{FromValue, Row, Value};
use crate::writer::{Done, Job, Run, Writer};

/// Where the records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A SQLite file. Its folder must exist.
    File(PathBuf),
    /// `postgres://user:password@host:port/database`
    Postgres(String),
}

/// Jobs that may wait for the writer before callers have to wait too.
const WRITE_QUEUE: usize = 4_096;
const READ_QUEUE: usize = 1_024;
/// Readers are threads: they wait for the disk, not for each other.
const READERS: usize = 3;
/// Events a slow listener may be behind before it is told to look at the database again.
const EVENTS: usize = 4_096;

type ReadJob = Box<dyn FnOnce(Result<&mut Tx<'_>>) -> Done + Send>;

/// A node's database. Cheap to clone; the last clone that is dropped lets the threads end.
#[derive(Clone)]
pub struct Store {
    writes: mpsc::Sender<Job>,
    hurry: Arc<Hurry>,
    reads: mpsc::Sender<ReadJob>,
    patient_reads: mpsc::Sender<ReadJob>,
    events: broadcast::Sender<Event>,
    clock: Arc<dyn Clock>,
    location: Location,
    place: Option<Arc<Place>>,
    space: Option<Arc<Space>>,
}

/// What is looked after while the database is open.
#[derive(Debug, Clone, Default)]
pub struct Care {
    /// Where a backup is put before a newer arise changes the database.
    pub backups: Option<Backups>,
    /// Free bytes of a SQLite file's disk below which what can wait is refused; 0 doesn't look.
    pub least_space: u64,
}

impl Store {
    /// Opens the database, making and migrating it as needed. Blocks.
    ///
    /// # Errors
    /// `disk_error`, `database_unreachable`, `database_newer`, `database_damaged`, `database_in_use`, each saying what
    /// to do.
    pub fn open(location: &Location, clock: Arc<dyn Clock>) -> Result<Self> {
        Self::open_with(location, clock, &Care::default())
    }

    /// [`Store::open`] with backups and an eye on the disk.
    ///
    /// # Errors
    /// Those of [`Store::open`], and of [`Backups::make`].
    pub fn open_with(location: &Location, clock: Arc<dyn Clock>, care: &Care) -> Result<Self> {
        let place = match location {
            Location::File(path) => Some(Place::new(path)),
            Location::Postgres(_) => None,
        };
        // First of all: on a full disk the room that was set aside is what lets the database be opened.
        let space = match location {
            Location::File(path) if care.least_space > 0 => {
                Some(Space::guard(path.parent().unwrap_or(path), care.least_space)?)
            }
            _ => None,
        };
        let open_engine = |mode| open_engine(location, place.as_ref(), mode);
        let mut engine = open_engine(Mode::Write)?;
        if let Some(backups) = &care.backups {
            let applied = migrate::applied(&mut *engine)?;
            if !applied.is_empty() && migrate::is_behind(&applied)? {
                backups.make(location, clock.now(), Reason::BeforeUpgrade, &|_| Ok(()))?;
            }
        }
        migrate::run(&mut *engine, clock.now())?;
        let node = node::start(&mut *engine, clock.now())?;
        if let Some(place) = &place {
            place.belongs_to(node.id);
        }
        let (events, _) = broadcast::channel(EVENTS);

        if let Location::Postgres(url) = location {
            listen(url, &events)?;
        }
        let (writes, jobs) = mpsc::channel(WRITE_QUEUE);
        let hurry = Arc::new(Hurry::new());
        let writer = Writer {
            engine,
            node,
            clock: Arc::clone(&clock),
            events: events.clone(),
            unsure: false,
            space: space.clone(),
            hurry: Arc::clone(&hurry),
        };
        spawn("writer", move || writer.run(jobs))?;

        let (reads, jobs) = mpsc::channel(READ_QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..READERS {
            let engine = open_engine(Mode::Read)?;
            let (jobs, clock) = (Arc::clone(&jobs), Arc::clone(&clock));
            spawn("reader", move || read_loop(engine, &jobs, &*clock))?;
        }
        let (patient_reads, jobs) = mpsc::channel(READ_QUEUE);
        let (engine, patient_clock) = (open_engine(Mode::Read)?, Arc::clone(&clock));
        spawn("patient", move || {
            hurry::be_patient();
            read_loop(engine, &Mutex::new(jobs), &*patient_clock);
        })?;
        let store = Self {
            writes,
            hurry,
            reads,
            patient_reads,
            events,
            clock,
            location: location.clone(),
            place,
            space,
        };
        store.write_blocking(apply::rebuild_if_outdated)?;
        Ok(store)
    }

    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Closes the SQLite file, so that it can be moved away. Whatever waits is refused.
    pub fn leave(&self) {
        if let Some(place) = &self.place {
            place.leave();
        }
    }

    /// The space of the disk, when somebody looks after it.
    pub fn space(&self) -> Option<&Space> {
        self.space.as_deref()
    }

    /// What is committed from now on, on this node or, with PostgreSQL, by any process of it.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    /// Runs `job` in a transaction and answers after it is on the disk. When `job` fails, nothing of it stays.
    ///
    /// # Errors
    /// What `job` answers, or `disk_full` and its like.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    {
        let _waits = self.hurry.enter();
        self.write_patiently(job).await
    }

    /// [`Store::write`] for a job that checks everything before it writes: it costs less when many wait. Should
    /// it fail after it has written all the same, everything that was to be committed with it fails too.
    ///
    /// # Errors
    /// Those of [`Store::write`].
    pub async fn write_checked<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    {
        let _waits = self.hurry.enter();
        let (job, answer) = write_job(job);
        self.writes.send(Job { checked: true, ..job }).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| lost())?
    }

    /// [`Store::write`] for a part of something that isn't urgent: others don't make way for it. After each part it
    /// should [`rest`](Store::rest).
    ///
    /// # Errors
    /// Those of [`Store::write`].
    pub async fn write_patiently<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    {
        let (job, answer) = write_job(job);
        self.writes.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| lost())?
    }

    /// Rests for a moment while others write, for the sake of the disk.
    pub async fn rest(&self) {
        self.hurry.rest().await;
    }

    /// [`Store::write_blocking`] for a job that nothing else may be committed with.
    pub(crate) fn write_alone<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    {
        let _waits = self.hurry.enter();
        let (job, answer) = write_job(job);
        self.writes.blocking_send(Job { alone: true, ..job }).map_err(|_| stopped())?;
        answer.blocking_recv().map_err(|_| lost())?
    }

    /// [`Store::write`] for threads outside the async runtime.
    pub fn write_blocking<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    {
        let _waits = self.hurry.enter();
        let (job, answer) = write_job(job);
        self.writes.blocking_send(job).map_err(|_| stopped())?;
        answer.blocking_recv().map_err(|_| lost())?
    }

    /// Runs `job` on one state of the database.
    ///
    /// # Errors
    /// What `job` answers, or `disk_error` and its like.
    pub async fn read<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (job, answer) = read_job(job);
        self.reads.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| lost())?
    }

    /// [`Store::read`] for what takes long and isn't urgent: one at a time, on a thread that gives way to every other.
    ///
    /// # Errors
    /// Those of [`Store::read`].
    pub async fn read_patiently<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (job, answer) = read_job(job);
        self.patient_reads.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| lost())?
    }

    /// [`Store::read`] for threads outside the async runtime.
    pub fn read_blocking<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (job, answer) = read_job(job);
        self.reads.blocking_send(job).map_err(|_| stopped())?;
        answer.blocking_recv().map_err(|_| lost())?
    }

    /// [`Store::read`] after counting every session whose time has passed: for whatever shows tallies.
    pub async fn read_settled<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let mut job = job;
        loop {
            // The look and the job share one read, unless the look finds something.
            let done = self.read(move |tx| if tally::is_due(tx)? { Ok(Err(job)) } else { job(tx).map(Ok) });
            match done.await? {
                Ok(answer) => return Ok(answer),
                Err(not_yet) => job = not_yet,
            }
            self.write(tally::settle_due).await?;
        }
    }
}

fn write_job<T, F>(job: F) -> (Job, oneshot::Receiver<Result<T>>)
where
    T: Send + 'static,
    F: FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
{
    let (sender, answer) = oneshot::channel();
    let run: Run = Box::new(move |tx| {
        let result = tx.and_then(job);
        let keep = result.is_ok();
        // What failed by itself keeps its own error, whatever became of the commit.
        let done: Done = Box::new(move |commit| {
            let _ = sender.send(result.and_then(|value| commit.map(|()| value)));
        });
        (keep, done)
    });
    (Job { run, alone: false, checked: false }, answer)
}

fn read_job<T, F>(job: F) -> (ReadJob, oneshot::Receiver<Result<T>>)
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let (sender, answer) = oneshot::channel();
    let job: ReadJob = Box::new(move |tx| {
        let result = tx.and_then(job);
        Box::new(move |begun| {
            let _ = sender.send(begun.and(result));
        })
    });
    (job, answer)
}

fn read_loop(mut engine: Box<dyn Engine>, jobs: &Mutex<mpsc::Receiver<ReadJob>>, clock: &dyn Clock) {
    loop {
        // A reader that panicked was holding no job; the queue is as good as before.
        let next = jobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).blocking_recv();
        let Some(job) = next else { return };
        if let Err(error) = engine.begin_read() {
            tracing::warn!(%error, "a read couldn't begin");
            if let Err(error) = engine.revive().and_then(|()| engine.begin_read()) {
                tracing::error!(%error, "the database can't be reached");
                job(Err(error))(Ok(()));
                continue;
            }
        }
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            job(Ok(&mut Tx::new(&mut *engine, clock.now())))
        }));
        if engine.execute("COMMIT", &[]).is_err()
            && let Err(error) = engine.revive()
        {
            tracing::error!(%error, "the database can't be reached");
        }
        if let Ok(done) = done {
            done(Ok(()));
        }
    }
}

fn open_engine(location: &Location, place: Option<&Arc<Place>>, mode: Mode) -> Result<Box<dyn Engine>> {
    Ok(match (location, place) {
        (Location::Postgres(url), _) => Box::new(Postgres::open(url)?),
        (Location::File(_), Some(place)) => Box::new(Sqlite::open(place, mode)?),
        (Location::File(path), None) => Box::new(Sqlite::open(&Place::new(path), mode)?),
    })
}

/// Receives the events of every process that shares the PostgreSQL database, for as long as the store lives.
fn listen(url: &str, events: &broadcast::Sender<Event>) -> Result<()> {
    let mut client = pg::connect(url)?;
    subscribe(&mut client)?;
    let url = url.to_owned();
    let events = events.downgrade();
    spawn("listener", move || {
        let send = |event| {
            // No receiver means that nobody is watching.
            events.upgrade().is_some_and(|events| events.send(event).is_ok())
        };
        let wanted = || events.upgrade().is_some();
        while wanted() {
            let receive = |payload: &str| {
                send(serde_json::from_str(payload).unwrap_or(Event::Resync));
            };
            pg::each_notification(&mut client, receive, wanted);
            // The connection was lost, and with it perhaps events.
            client = loop {
                if !wanted() {
                    return;
                }
                match pg::connect(&url).and_then(|mut client| subscribe(&mut client).map(|()| client)) {
                    Ok(client) => break client,
                    Err(error) => tracing::warn!(%error, "live events of other processes don't arrive"),
                }
                thread::park_timeout(std::time::Duration::from_secs(1));
            };
            send(Event::Resync);
        }
    })
}

fn subscribe(client: &mut postgres::Client) -> Result<()> {
    client
        .batch_execute("LISTEN arise")
        .map_err(|e| Error::unavailable("database_unreachable", e.to_string()))
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<()> {
    let spawned = thread::Builder::new().name(format!("arise-{name}")).spawn(body);
    spawned.map(|_| ()).map_err(|e| Error::internal(format!("no thread for the {name}: {e}")))
}

fn stopped() -> Error {
    Error::unavailable("stopping", "arise is stopping. Try again when it is back.")
}

fn lost() -> Error {
    Error::unavailable("not_done", "This couldn't be done and nothing was saved. Try again.")
}
