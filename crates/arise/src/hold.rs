//! One program at a time writes to a SQLite file for longer than a moment: the stamps of its records are counted in
//! memory.

use std::fs::{File, TryLockError};
use std::path::PathBuf;

use anyhow::Context;
use arise_store::Location;

/// The right to it, until this is dropped or the process ends, in whatever way.
#[derive(Debug)]
pub(crate) struct Hold {
    /// Nothing where several programs may work at once.
    _lock: Option<File>,
}

impl Hold {
    /// Takes the right, unless another program has it.
    pub(crate) fn take(location: &Location) -> anyhow::Result<Option<Self>> {
        let Location::File(database) = location else { return Ok(Some(Self { _lock: None })) };
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.with_context(|| format!("{} can't be written", path.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { _lock: Some(lock) })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} can't be locked", path.display()))
            }
        }
    }
}
