//! Where things are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::proc;

/// The folder of the workspace's manifest.
pub(crate) fn root() -> &'static Path {
    // The manifest of this crate is two folders down.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

pub(crate) fn web() -> PathBuf {
    root().join("web")
}

/// Where cargo leaves what it builds: not always `target`.
pub(crate) fn target_dir() -> Result<PathBuf> {
    let metadata = proc::output(proc::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let dir = metadata["target_directory"].as_str().context("cargo names no target folder")?;
    Ok(PathBuf::from(dir))
}
