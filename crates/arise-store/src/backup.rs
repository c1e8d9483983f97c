//! Backups: whole copies of a node's records, each a SQLite file whichever engine the node runs on, so that each can be
//! restored on either. A backup gets its name only after it was read back and found whole.

mod copy;
mod restore;

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use arise_core::zone::Zone;
use arise_core::{Error, Result, UtcMillis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::restore::{Restored, add_missing, replace};
use crate::engine::Engine;
use crate::place::Place;
use crate::sqlite::{Mode, Sqlite};
use crate::{Location, space};

/// Copies that are made before something else are kept apart from the others, this many.
const KEPT_BEFORE: usize = 5;
/// Bytes that stay free beside a backup.
const SPARE: u64 = 4 * 1024 * 1024;

/// Why a backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "BackupReason")]
pub enum Reason {
    /// Somebody asked for it.
    Manual,
    Automatic,
    /// A newer arise was about to change the database.
    BeforeUpgrade,
    /// Another backup was about to take its place.
    BeforeRestore,
}

impl Reason {
    fn word(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Automatic => "automatic",
            Self::BeforeUpgrade => "before-upgrade",
            Self::BeforeRestore => "before-restore",
        }
    }

    fn is_before(self) -> bool {
        matches!(self, Self::BeforeUpgrade | Self::BeforeRestore)
    }
}

/// A backup as it is remembered beside its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    pub name: String,
    pub reason: Reason,
    pub created_at: UtcMillis,
    /// Bytes.
    pub size: u64,
    /// How many records are in it.
    pub records: i64,
    sha256: String,
    /// Whether the file is still as long as it was when it was found whole.
    #[serde(skip_deserializing)]
    pub verified: bool,
}

/// Told how much is done, in percent.
pub type Progress<'a> = &'a (dyn Fn(u8) + Send + Sync);

/// Told how much is done, in percent; an error stops the work.
pub type Watch<'a> = &'a (dyn Fn(u8) -> Result<()> + Send + Sync);

/// The folder of a node's backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backups {
    pub folder: PathBuf,
    /// How many are kept; the oldest go.
    pub kept: usize,
}

impl Backups {
    /// The backups, newest first.
    ///
    /// # Errors
    /// `disk_error` when the folder can't be read.
    pub fn list(&self) -> Result<Vec<Backup>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(self.failed(&error)),
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let mut backups: Vec<Backup> = names
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .filter_map(|name| self.get(&name).ok())
            .collect();
        backups.sort_by(|a, b| (b.created_at, &b.name).cmp(&(a.created_at, &a.name)));
        Ok(backups)
    }

    /// # Errors
    /// `not_found`
    pub fn get(&self, name: &str) -> Result<Backup> {
        let known = fs::read(self.about(name)?).ok();
        let size = fs::metadata(self.file(name)?).map(|about| about.len()).ok();
        let backup = known.and_then(|text| serde_json::from_slice::<Backup>(&text).ok());
        match (backup, size) {
            (Some(backup), Some(size)) => Ok(Backup { verified: backup.size == size, ..backup }),
            _ => Err(Error::not_found("backup")),
        }
    }

    /// Copies all records as they are at this moment. Blocks; the node goes on meanwhile. One that is stopped leaves
    /// nothing behind.
    ///
    /// # Errors
    /// `no_space` when the disk hasn't room for it, `disk_error`, `backup_damaged` when the copy isn't whole;
    /// `database_in_use` when another process has the file.
    pub fn make(
        &self,
        location: &Location,
        now: UtcMillis,
        reason: Reason,
        watch: Watch<'_>,
    ) -> Result<Backup> {
        fs::create_dir_all(&self.folder).map_err(|error| self.failed(&error))?;
        self.remove_unfinished(now);
        let name = self.free_name(now, reason);
        let part = self.folder.join(format!("{name}.part"));
        let made = self.fill(location, now, &part, watch).and_then(|records| {
            let (sha256, size) = digest(&part).map_err(|error| self.failed(&error))?;
            watch(99)?;
            let backup =
                Backup { name: name.clone(), reason, created_at: now, size, records, sha256, verified: true };
            self.keep(&part, &backup).map_err(|error| self.failed(&error))?;
            Ok(backup)
        });
        if made.is_err() {
            remove_all(&part);
        }
        let made = made?;
        self.rotate(&made);
        tracing::info!(name = made.name, size = made.size, records = made.records, "a backup was made");
        Ok(made)
    }

    fn fill(&self, location: &Location, now: UtcMillis, part: &Path, watch: Watch<'_>) -> Result<i64> {
        let room = |needed: u64| match space::free_bytes(&self.folder) {
            Some(free) if free < needed + SPARE => Err(Error::unavailable(
                "no_space",
                format!(
                    "A backup needs {} MB in {}, and {} MB are free. Free some space, or choose another folder.",
                    (needed + SPARE) / 1_000_000 + 1,
                    self.folder.display(),
                    free / 1_000_000
                ),
            )),
            _ => Ok(()),
        };
        // Copying is nine tenths of the work, reading back the rest.
        let copying = |percent: u8| watch(percent / 10 * 9);
        let counts = match location {
            Location::File(path) => copy::of_file(path, part, &room, &copying)?,
            Location::Postgres(url) => copy::of_postgres(url, part, now, &room, &copying)?,
        };
        let mut copied = Sqlite::open(&Place::copy(part), Mode::Read)?;
        check(&mut copied)?;
        watch(95)?;
        let found = copy::counts(&mut copied)?;
        if found != counts {
            return Err(damaged("the copy hasn't as many rows as the records"));
        }
        Ok(found.get("op").copied().unwrap_or_default())
    }

    /// Gives a copy that is whole its name.
    fn keep(&self, part: &Path, backup: &Backup) -> std::io::Result<()> {
        let file = self.folder.join(&backup.name);
        File::open(part)?.sync_all()?;
        fs::rename(part, &file)?;
        let about = self.folder.join(format!("{}.json", backup.name));
        let text = serde_json::to_vec_pretty(backup)?;
        fs::write(part, text)?;
        File::open(part)?.sync_all()?;
        fs::rename(part, about)?;
        // The names themselves must be on the disk. Not every file system lets a folder be synced.
        let _ = File::open(&self.folder).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Removes the oldest of the same sort, never the one that was just made.
    fn rotate(&self, made: &Backup) {
        let kept = if made.reason.is_before() { KEPT_BEFORE } else { self.kept.max(1) };
        let Ok(all) = self.list() else { return };
        let same = all.iter().filter(|backup| backup.reason.is_before() == made.reason.is_before());
        for old in same.filter(|backup| backup.name != made.name).skip(kept - 1) {
            if let (Ok(file), Ok(about)) = (self.file(&old.name), self.about(&old.name)) {
                // What can't be removed now is removed the next time.
                let _ = fs::remove_file(about).and_then(|()| fs::remove_file(file));
            }
        }
    }

    /// What a crash or a pulled stick left of earlier tries.
    fn remove_unfinished(&self, now: UtcMillis) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let stale = name.to_str().is_some_and(|name| name.ends_with(".part"))
                && entry.metadata().and_then(|about| about.modified()).is_ok_and(|at| {
                    let age = at.duration_since(std::time::UNIX_EPOCH).map_or(0, |age| age.as_millis());
                    i128::from(now) - i128::try_from(age).unwrap_or_default() > 6 * 3_600_000
                });
            if stale {
                remove_all(&entry.path());
            }
        }
    }

    fn free_name(&self, now: UtcMillis, reason: Reason) -> String {
        let time: String = Zone::utc().iso(now).chars().take(19).collect();
        let stem = format!("arise-{}Z-{}", time.replace(':', "-"), reason.word());
        let names = std::iter::once(format!("{stem}.db")).chain((2..).map(|n| format!("{stem}-{n}.db")));
        let is_free = |name: &String| {
            !self.folder.join(name).exists() && !self.folder.join(format!("{name}.part")).exists()
        };
        // The names never end.
        names.into_iter().find(is_free).unwrap_or_default()
    }

    /// # Errors
    /// `not_found` for a name that isn't one of a file in the folder.
    fn file(&self, name: &str) -> Result<PathBuf> {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'));
        if !plain || name.starts_with('.') || !name.ends_with(".db") || name.len() > 100 {
            return Err(Error::not_found("backup"));
        }
        Ok(self.folder.join(name))
    }

    fn about(&self, name: &str) -> Result<PathBuf> {
        let mut file = self.file(name)?.into_os_string();
        file.push(".json");
        Ok(file.into())
    }

    /// Opens a backup whose content is still what it was.
    fn open(&self, name: &str) -> Result<(Backup, Sqlite)> {
        let backup = self.get(name)?;
        let path = self.file(name)?;
        let (sha256, _) = digest(&path).map_err(|error| self.failed(&error))?;
        if sha256 != backup.sha256 {
            return Err(damaged("the file isn't what it was when it was made"));
        }
        Ok((backup, Sqlite::open(&Place::copy(&path), Mode::Read)?))
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        let code = if error.kind() == std::io::ErrorKind::StorageFull { "disk_full" } else { "disk_error" };
        Error::unavailable(
            code,
            format!("The folder of backups {} can't be used: {error}", self.folder.display()),
        )
    }
}

fn damaged(what: &str) -> Error {
    Error::unavailable("backup_damaged", format!("This backup can't be used: {what}. Use another one."))
}

/// Reads the whole file.
fn check(engine: &mut Sqlite) -> Result<()> {
    let row = engine.query("PRAGMA integrity_check(1)", &[])?;
    let outcome: String = row.first().map_or(Ok(String::new()), |row| row.get(0))?;
    if outcome == "ok" { Ok(()) } else { Err(damaged(&outcome)) }
}

/// The SHA-256 of a file and its size.
fn digest(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 256 * 1024];
    let mut size = 0;
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok((hex::encode(hash.finalize()), size));
        }
        hash.update(&chunk[..read]);
        size += read as u64;
    }
}

/// A copy that isn't finished, with what SQLite may have put beside it.
fn remove_all(part: &Path) {
    for end in ["", "-journal", "-wal", "-shm"] {
        let mut path = part.as_os_str().to_owned();
        path.push(end);
        let _ = fs::remove_file(path);
    }
}
