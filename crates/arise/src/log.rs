//! Logs: to the standard output, and to a file in the data folder that is begun anew when it is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

/// Bytes of one file.
const FULL: u64 = 5_000_000;
/// Full files that are kept: together with the one that is written, about a month of a busy college.
const KEPT: usize = 9;
const NAME: &str = "arise_server";

/// Begins to log from `level` on, such as `info` or `warn,arise_store=debug`. What is still to be written is written
/// when the guard is dropped.
pub(crate) fn start(data: &Path, level: &str) -> anyhow::Result<WorkerGuard> {
    let filter = filter(level).with_context(|| {
        format!("ARISE_LOG is “{level}”, which isn't a level. Use error, warn, info, debug or trace")
    })?;
    let folder = data.join("logs");
    fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
    let (file, guard) = tracing_appender::non_blocking(LogFile { folder, full: FULL, open: None });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(io::stdout.and(file))
        .init();
    Ok(guard)
}

/// A plain level is meant for what arise itself says: libraries may log what they carry, secrets too.
fn filter(level: &str) -> Option<EnvFilter> {
    match level.to_lowercase().as_str() {
        plain @ ("error" | "warn" | "info" | "debug" | "trace") => {
            EnvFilter::try_new(format!("warn,arise={plain}")).ok()
        }
        directives if directives.contains('=') => EnvFilter::try_new(directives).ok(),
        _ => None,
    }
}

/// `arise_server.log`, and `arise_server.1.log` and so on before it.
struct LogFile {
    folder: PathBuf,
    full: u64,
    /// The file and how long it is; nothing while it can't be written.
    open: Option<(File, u64)>,
}

impl LogFile {
    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(match number {
            0 => format!("{NAME}.log"),
            number => format!("{NAME}.{number}.log"),
        })
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if let Some((_, size)) = &self.open
            && *size > 0
            && size + line.len() as u64 > self.full
        {
            self.open = None;
            for number in (0..KEPT).rev() {
                // Those that aren't there yet can't be moved.
                let _ = fs::rename(self.path(number), self.path(number + 1));
            }
        }
        let (file, size) = match &mut self.open {
            Some(open) => open,
            none => {
                let file = OpenOptions::new()
                    .create(true)
                    .append(true)
                    .open(self.folder.join(format!("{NAME}.log")))?;
                let size = file.metadata()?.len();
                none.insert((file, size))
            }
        };
        file.write_all(line)?;
        *size += line.len() as u64;
        Ok(())
    }
}

impl Write for LogFile {
    /// Whoever logs is never told that it failed: a full disk or a missing stick is told elsewhere, and tried again.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.append(line).is_err() {
            self.open = None;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_moved_on_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = LogFile { folder: folder.path().to_owned(), full: 100, open: None };
        for number in 0..200 {
            log.write_all(format!("line {number:04} of a log\n").as_bytes()).unwrap();
        }
        let read = |number| fs::read_to_string(log.path(number)).unwrap();
        assert!(read(0).ends_with("line 0199 of a log\n"), "{}", read(0));
        // Five lines a file, and the lines go on from one to the next.
        assert!((1..=KEPT).all(|number| read(number).lines().count() == 5));
        assert!(read(1).ends_with("line 0194 of a log\n"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), KEPT + 1);

        // One that was begun earlier is gone on with.
        drop(log);
        let mut log = LogFile { folder: folder.path().to_owned(), full: 1_000, open: None };
        log.write_all(b"after a restart\n").unwrap();
        assert!(fs::read_to_string(log.path(0)).unwrap().ends_with("0199 of a log\nafter a restart\n"));

        // The folder goes away, and comes back.
        fs::remove_dir_all(folder.path()).unwrap();
        log.open = None;
        log.write_all(b"lost\n").unwrap();
        fs::create_dir(folder.path()).unwrap();
        log.write_all(b"found\n").unwrap();
        assert_eq!(fs::read_to_string(log.path(0)).unwrap(), "found\n");
    }
}
