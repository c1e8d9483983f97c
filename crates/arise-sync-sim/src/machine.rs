//! One computer: its database, its clock, and what can happen to both.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arise_core::{Clock, Error, OpId, Result, TestClock};
use arise_store::sim::{Direct, Faults, be_behind};
use arise_store::{Tx, WriteTx};

/// Why a write has no result.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The process died; it runs again.
    Crashed,
    /// The disk is full, or what was asked can't be done: an answer that people may get.
    Refused(Error),
    /// An answer that nobody should ever get.
    Broken(String),
}

/// A database as it was at some time.
#[derive(Clone)]
pub(crate) struct Snapshot {
    files: Vec<(&'static str, Vec<u8>)>,
    kept: BTreeSet<OpId>,
    behind: i64,
}

pub(crate) struct Machine {
    dir: PathBuf,
    name: String,
    generation: u32,
    db: Option<Direct>,
    pub(crate) clock: Arc<TestClock>,
    /// How wrong the clock is, in milliseconds.
    pub(crate) offset: i64,
    /// How many versions older the program is that it runs: up to two.
    pub(crate) behind: i64,
    /// Records that a person was told are saved, here or where this database came from.
    pub(crate) kept: BTreeSet<OpId>,
    pub(crate) backup: Option<Snapshot>,
    /// Doesn't hear.
    pub(crate) deaf: bool,
    /// Isn't heard.
    pub(crate) mute: bool,
    pub(crate) full: bool,
}

const FILES: [&str; 2] = ["", "-wal"];

impl Machine {
    /// A new one with an empty database.
    pub(crate) fn new(dir: &Path, name: &str) -> Self {
        let mut machine = Self {
            dir: dir.to_owned(),
            name: name.to_owned(),
            generation: 0,
            db: None,
            clock: Arc::new(TestClock::at(0)),
            offset: 0,
            behind: 0,
            kept: BTreeSet::new(),
            backup: None,
            deaf: false,
            mute: false,
            full: false,
        };
        machine.put(&empty());
        machine
    }

    /// Begins anew with these files.
    pub(crate) fn put(&mut self, snapshot: &Snapshot) {
        self.db = None;
        self.remove();
        self.generation += 1;
        for (suffix, bytes) in &snapshot.files {
            fs::write(self.path(suffix), bytes).expect("a temporary file can be written");
        }
        self.kept.clone_from(&snapshot.kept);
        self.behind = snapshot.behind;
        self.full = false;
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let files =
            FILES.iter().filter_map(|suffix| Some((*suffix, fs::read(self.path(suffix)).ok()?))).collect();
        Snapshot { files, kept: self.kept.clone(), behind: self.behind }
    }

    /// Makes a backup.
    pub(crate) fn keep(&mut self) {
        self.backup = Some(self.snapshot());
    }

    fn path(&self, suffix: &str) -> PathBuf {
        self.dir.join(format!("{}-{}.db{suffix}", self.name, self.generation))
    }

    fn remove(&self) {
        for suffix in ["", "-wal", "-shm"] {
            // What isn't there needn't be removed.
            let _ = fs::remove_file(self.path(suffix));
        }
    }

    /// Starts the program, and again if it dies while it starts.
    fn open(&mut self) -> Result<&mut Direct, Stop> {
        if self.db.is_none() {
            be_behind(self.behind);
            let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
            let db = Direct::open(&self.path(""), clock, Arc::new(Faults::default()));
            self.db = Some(db.map_err(|error| Stop::Broken(format!("it doesn't start: {error}")))?);
        }
        self.db.as_mut().ok_or_else(|| Stop::Broken("it isn't open".to_owned()))
    }

    /// Which of its databases, or of its programs, this is.
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Goes on with a program that is so many versions older than the newest.
    pub(crate) fn be_behind(&mut self, versions: i64) {
        if self.behind != versions {
            self.close();
            self.behind = versions;
        }
    }

    /// Ends the program in an orderly way.
    pub(crate) fn close(&mut self) {
        self.db = None;
    }

    /// Starts the program, which dies while it does.
    pub(crate) fn crash_at_start(&mut self, after: i64) -> Result<(), Stop> {
        self.db = None;
        let before = self.snapshot();
        be_behind(self.behind);
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let faults = Arc::new(Faults::default());
        faults.crash_in(after, after % 2 == 0);
        match Direct::open(&self.path(""), clock, Arc::clone(&faults)) {
            Ok(db) => {
                faults.never_mind();
                self.db = Some(db);
            }
            Err(error) if faults.is_dead() => drop(error),
            Err(error) => return Err(Stop::Broken(format!("it doesn't start: {error}"))),
        }
        drop(before);
        Ok(())
    }

    /// The process dies at some statement of what comes next.
    pub(crate) fn crash_in(&mut self, statements: i64, before: bool) -> Result<(), Stop> {
        self.open()?.faults().crash_in(statements, before);
        Ok(())
    }

    pub(crate) fn leave_room(&mut self, pages: Option<i64>) -> Result<(), Stop> {
        self.full = pages.is_some();
        self.open()?.leave_room(pages).map_err(|error| Stop::Broken(error.to_string()))
    }

    pub(crate) fn never_mind(&mut self) {
        if let Some(db) = &self.db {
            db.faults().never_mind();
        }
    }

    pub(crate) fn write<T, F>(&mut self, job: F) -> Result<T, Stop>
    where
        T: Send + 'static,
        F: FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    {
        be_behind(self.behind);
        let db = self.open()?;
        let done = db.write(job);
        if db.faults().is_dead() {
            self.die();
            return Err(Stop::Crashed);
        }
        done.map_err(|error| match error.code {
            "internal" | "not_done" | "database_damaged" | "disk_error" => Stop::Broken(error.to_string()),
            _ => Stop::Refused(error),
        })
    }

    /// Reads without faults.
    pub(crate) fn read<T>(&mut self, job: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T, String> {
        be_behind(self.behind);
        let db = self.open().map_err(|stop| format!("{stop:?}"))?;
        db.faults().never_mind();
        db.read(job).map_err(|error| error.to_string())
    }

    /// What is left is what was written to the files, as after `kill -9`.
    fn die(&mut self) {
        let left = self.snapshot();
        self.put(&left);
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.db = None;
        self.remove();
    }
}

/// A database that no program was started on yet.
pub(crate) fn empty() -> Snapshot {
    static EMPTY: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = EMPTY.get_or_init(|| {
        let make = || -> Result<Vec<u8>> {
            let dir = tempfile::tempdir().map_err(|e| Error::internal(e.to_string()))?;
            let path = dir.path().join("empty.db");
            let mut db = Direct::open(&path, Arc::new(TestClock::at(0)), Arc::new(Faults::default()))?;
            db.write(|tx| tx.execute("DELETE FROM node", &[]))?;
            drop(db);
            fs::read(&path).map_err(|e| Error::internal(e.to_string()))
        };
        be_behind(0);
        make().expect("an empty database can be made")
    });
    Snapshot { files: vec![("", bytes.clone())], kept: BTreeSet::new(), behind: 0 }
}
