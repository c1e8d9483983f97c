//! The SQLite file of a store and all connections to it. A stick may be pulled out while arise runs, and put back: then
//! every connection is closed before one is opened again, and only the file that was there before is taken.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arise_core::{Error, NodeId, Result};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::sqlite::{self, Mode};

/// Before a connection is closed whose file isn't at its path any more: closing the last one would delete the log by
/// its name, and that may be another file's by now.
pub(crate) fn close_quietly(connection: &Connection) {
    // It fails for a connection that is of no use anyway.
    let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// Device and number of a file.
pub(crate) type File = (u64, u64);

/// A connection, or nothing while the file isn't there.
pub(crate) type Slot = Arc<Mutex<Option<Connection>>>;

/// How long a file that another process holds is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Place {
    path: PathBuf,
    /// Whether no other process may open the file. The index of its log is then kept in memory of our own: one that
    /// is mapped from a stick, or from a full disk, would end the process at the first touch.
    exclusive: bool,
    slots: Mutex<Vec<Slot>>,
    /// Whose records they are, once that is known.
    node: Mutex<Option<NodeId>>,
}

impl Place {
    /// A node's own file.
    pub(crate) fn new(path: &Path) -> Arc<Self> {
        Self::make(path, true)
    }

    /// A file that is only looked at or filled, such as a backup.
    pub(crate) fn copy(path: &Path) -> Arc<Self> {
        Self::make(path, false)
    }

    fn make(path: &Path, exclusive: bool) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), exclusive, slots: Mutex::default(), node: Mutex::default() })
    }

    /// From now on only this node's records are taken for those of this place.
    pub(crate) fn belongs_to(&self, node: NodeId) {
        *lock(&self.node) = Some(node);
    }

    pub(crate) fn new_slot(&self) -> Slot {
        let slot = Slot::default();
        lock(&self.slots).push(Arc::clone(&slot));
        slot
    }

    /// The file that is at the path now.
    pub(crate) fn file(&self) -> Option<File> {
        identity(&self.path)
    }

    /// Closes every connection.
    pub(crate) fn leave(&self) {
        for slot in lock(&self.slots).iter() {
            if let Some(connection) = lock(slot).take() {
                close_quietly(&connection);
            }
        }
    }

    /// # Errors
    /// `data_missing` when the file was there and isn't any more, `other_data` when it is another node's,
    /// `database_in_use`, `disk_error`.
    pub(crate) fn connect(&self, mode: Mode) -> Result<Connection> {
        let node = *lock(&self.node);
        let first = node.is_none();
        if !first && identity(&self.path).is_none() {
            return Err(self.missing());
        }
        // A file that was lost is never made anew: an empty one would look like a fresh start.
        let create = first && mode == Mode::Write;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let flags = if create { flags | OpenFlags::SQLITE_OPEN_CREATE } else { flags };
        let opened = if self.exclusive && cfg!(unix) {
            Connection::open_with_flags_and_vfs(&self.path, flags, c"unix-excl")
        } else {
            Connection::open_with_flags(&self.path, flags)
        };
        let connection = opened.map_err(sqlite::error)?;
        connection.busy_timeout(PATIENCE).map_err(sqlite::error)?;
        sqlite::set_up(&connection, mode, !self.exclusive).map_err(|e| self.in_use(e))?;
        if let Some(node) = node {
            let found = connection
                .query_row("SELECT id FROM node", [], |row| row.get::<_, Vec<u8>>(0))
                .map_err(sqlite::error)?;
            if found != node.0.as_bytes() {
                return Err(Error::unavailable(
                    "other_data",
                    format!(
                        "{} holds the records of another arise now. Put the right stick back, or start arise again.",
                        self.path.display()
                    ),
                ));
            }
        }
        Ok(connection)
    }

    pub(crate) fn missing(&self) -> Error {
        Error::unavailable(
            "data_missing",
            format!(
                "The records aren't at {} any more. If they are on a stick, put it back: arise then goes on by itself.",
                self.path.display()
            ),
        )
    }

    fn in_use(&self, error: Error) -> Error {
        if error.code != "database_busy" {
            return error;
        }
        Error::unavailable(
            "database_in_use",
            format!("Another program uses {}. Is arise running already?", self.path.display()),
        )
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<File> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|about| (about.dev(), about.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<File> {
    path.exists().then_some((0, 0))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is inside is replaced as a whole, never left half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
