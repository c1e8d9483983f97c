//! cargo-deny over the dependencies, by the rules in `deny.toml`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::{proc, workspace};

pub(crate) fn run(advisories: bool) -> Result<()> {
    let mut deny = Command::new(program()?);
    deny.args(["--all-features", "check"]).current_dir(workspace::root());
    if advisories {
        deny.arg("advisories");
    }
    proc::run(deny.args(["bans", "licenses", "sources"]))
}

/// cargo-deny: the machine's own, else one of ours in the target folder.
fn program() -> Result<PathBuf> {
    if proc::answers(Command::new("cargo-deny").arg("--version")) {
        return Ok("cargo-deny".into());
    }
    let tools = workspace::target_dir()?.join("tools");
    let ours = tools.join("bin/cargo-deny");
    if !ours.exists() {
        eprintln!("cargo-deny isn't installed: building it once, which takes some minutes");
        proc::run(proc::cargo().args(["install", "--locked", "cargo-deny", "--root"]).arg(&tools))?;
    }
    Ok(ours)
}
