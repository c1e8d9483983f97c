//! Logs: to the terminal, and to a rotating file in the data folder.

use std::path::Path;

use anyhow::Context;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::writer::MakeWriterExt;

/// Days of logs that are kept.
const KEPT: usize = 14;

/// Begins to log from `level` on, such as `info` or `warn,arise_store=debug`. What is still to be written is written
/// when the guard is dropped.
pub(crate) fn start(data: &Path, level: &str) -> anyhow::Result<WorkerGuard> {
    let filter = EnvFilter::try_new(level).with_context(|| {
        format!("ARISE_LOG is “{level}”, which isn't a level. Use error, warn, info, debug or trace")
    })?;
    let folder = data.join("logs");
    std::fs::create_dir_all(&folder)?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("arise_server")
        .filename_suffix("log")
        .max_log_files(KEPT)
        .build(folder)?;
    let (file, guard) = tracing_appender::non_blocking(file);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_target(false)
        .with_writer(std::io::stderr.and(file))
        .init();
    Ok(guard)
}
