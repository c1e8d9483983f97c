//! Logs: to the terminal, and to a rotating file in the data folder.

use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

/// Days of logs that are kept.
const KEPT: usize = 14;

/// Begins to log. What is still to be written is written when the guard is dropped.
pub(crate) fn start(data: &Path) -> anyhow::Result<WorkerGuard> {
    let folder = data.join("logs");
    std::fs::create_dir_all(&folder)?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("arise_server")
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(folder)?;
    let (file, guard) = tracing_appender::non_blocking(file);
    let filter = EnvFilter::try_from_env("ARISE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(std::io::stderr.and(file))
        .init();
    Ok(guard)
}
