//! The programs that the tests need. What Debian has is installed when we may; otherwise the error is the command to run.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Part;
use crate::{apt, proc};

/// The oldest Node.js that the UI's tools run on.
const NODE: (u32, u32) = (20, 19);

pub(super) fn bring(parts: &[Part]) -> Result<()> {
    // The server embeds the UI, so every part builds it.
    node()?;
    let mut packages = Vec::new();
    if parts.contains(&Part::Rust) && !postgresql() {
        packages.push("postgresql");
    }
    if parts.contains(&Part::Browser) && !Path::new("/usr/bin/chromium").exists() {
        packages.push("chromium");
    }
    apt::install(&packages)
}

fn node() -> Result<()> {
    let (major, minor) = NODE;
    let wanted = format!("Node.js {major}.{minor} or newer, with npm");
    let version =
        proc::output(Command::new("node").arg("--version")).with_context(|| format!("install {wanted}"))?;
    if node_version(&version).is_none_or(|found| found < NODE) {
        bail!("install {wanted}; this is {}", version.trim());
    }
    if !proc::answers(Command::new("npm").arg("--version")) {
        bail!("npm is missing: install {wanted}");
    }
    Ok(())
}

/// `v20.19.2` → 20 and 19.
fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().trim_start_matches('v').split('.').map(|n| n.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// Whether the server's programs are there. Debian puts them outside PATH; the test kit looks in the same places.
fn postgresql() -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let packaged =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|e| e.path().join("bin"));
    env::split_paths(&path)
        .chain(packaged)
        .any(|dir| dir.join("postgres").exists() && dir.join("initdb").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_compared_as_numbers() {
        assert_eq!(node_version("v20.19.2\n"), Some((20, 19)));
        assert!(node_version("v20.9.0").unwrap() < NODE);
        assert!(node_version("v22.3.0").unwrap() > NODE);
        assert_eq!(node_version("nothing"), None);
    }
}
