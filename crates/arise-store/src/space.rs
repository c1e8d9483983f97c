//! The space of the disk that holds the records. When it gets short, what can wait is refused; when it is nearly gone,
//! a file that only took up room makes way, so that marks go on for a while.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arise_core::{Error, Result};

/// The most that is set aside, in bytes.
const BALLAST: u64 = 8 * 1024 * 1024;
/// How often the disk is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Enough,
    /// Only what can't wait is written: marks, sessions, logins.
    Low,
    /// Nothing is sure to be written.
    None,
    /// The folder isn't there.
    Missing,
}

pub struct Space {
    folder: PathBuf,
    ballast: PathBuf,
    /// Bytes below which room is low.
    least: u64,
    /// Bytes at the last look; `u64::MAX` when the folder wasn't there.
    free: AtomicU64,
}

impl Space {
    /// Looks after the disk of `folder` for as long as somebody holds the answer.
    pub(crate) fn guard(folder: &Path, least: u64) -> Result<Arc<Self>> {
        let ballast = folder.join("ballast");
        let space = Arc::new(Self { folder: folder.to_owned(), ballast, least, free: AtomicU64::new(0) });
        space.look();
        let watched = Arc::downgrade(&space);
        crate::spawn("space", move || watch(&watched))?;
        Ok(space)
    }

    /// Bytes that are free; nothing when the folder isn't there.
    pub fn free(&self) -> Option<u64> {
        Some(self.free.load(Ordering::Relaxed)).filter(|free| *free != u64::MAX)
    }

    pub fn room(&self) -> Room {
        match self.free() {
            None => Room::Missing,
            Some(free) if free < self.ballast_size() / 4 => Room::None,
            Some(free) if free < self.least => Room::Low,
            Some(_) => Room::Enough,
        }
    }

    /// # Errors
    /// `low_space` when what can wait should wait.
    pub fn must_have_room(&self) -> Result<()> {
        match self.room() {
            Room::Enough | Room::Missing => Ok(()),
            Room::Low | Room::None => Err(Error::unavailable(
                "low_space",
                format!(
                    "The disk of {} is nearly full. Attendance is still taken; free some space before anything else.",
                    self.folder.display()
                ),
            )),
        }
    }

    /// Looks at the disk now.
    pub(crate) fn look(&self) {
        let free = free_bytes(&self.folder);
        self.free.store(free.unwrap_or(u64::MAX), Ordering::Relaxed);
        let (Some(free), size) = (free, self.ballast_size()) else { return };
        let held = fs::metadata(&self.ballast).map_or(0, |about| about.len());
        if held > 0 && free < size {
            tracing::warn!(free, "the disk is nearly full: the room that was set aside is given up");
            let _ = fs::remove_file(&self.ballast);
        } else if held < size && free >= self.least + 2 * size {
            // Without it there is only less warning before the disk is full.
            if let Err(error) = fill(&self.ballast, size) {
                tracing::warn!(%error, "no room could be set aside");
                let _ = fs::remove_file(&self.ballast);
            }
        }
    }

    fn ballast_size(&self) -> u64 {
        (self.least / 8).min(BALLAST)
    }
}

fn watch(space: &Weak<Space>) {
    let mut last = Room::Enough;
    loop {
        std::thread::park_timeout(EVERY);
        let Some(space) = space.upgrade() else { return };
        space.look();
        let room = space.room();
        if room != last {
            let free = space.free();
            match room {
                Room::Enough => tracing::info!(?free, "there is enough room on the disk again"),
                Room::Low => tracing::warn!(?free, "the disk is nearly full: only attendance is taken"),
                Room::None => tracing::error!(?free, "the disk is full"),
                Room::Missing => tracing::error!(folder = %space.folder.display(), "the data folder is gone"),
            }
            last = room;
        }
    }
}

/// Zeros that take up room; a file with a hole would not.
fn fill(path: &Path, size: u64) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let zeros = vec![0; 64 * 1024];
    let mut left = size;
    while left > 0 {
        let part = zeros.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        file.write_all(&zeros[..part])?;
        left -= part as u64;
    }
    file.sync_all()
}

/// Bytes of the disk of `folder` that a program may still use; nothing when the folder isn't there.
#[cfg(unix)]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    let about = rustix::fs::statvfs(folder).ok()?;
    Some(about.f_bavail.saturating_mul(about.f_frsize))
}

#[cfg(not(unix))]
pub fn free_bytes(folder: &Path) -> Option<u64> {
    folder.exists().then_some(u64::MAX / 2)
}
