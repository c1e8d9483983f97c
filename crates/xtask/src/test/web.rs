//! The UI's own checks: types, unit tests.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};
use serde_json::Value;

use super::rust::agree;
use super::tally;
use crate::report::Report;
use crate::{proc, workspace};

pub(super) fn run(report: &mut Report, tmp: &Path, filter: &[String]) {
    if report.step("web: packages", packages).is_none() {
        return;
    }
    report.step("web: types", || {
        proc::run(Command::new("npm").args(["run", "check"]).current_dir(workspace::web()))
    });
    report.tests("web: tests", || {
        let file = tmp.join("vitest.json");
        let mut vitest = proc::npx("vitest");
        vitest.args(["run", "--reporter=default", "--reporter=json"]).args(filter);
        let status = proc::status(vitest.arg(format!("--outputFile.json={}", file.display())))?;
        agree(status.success(), tally::vitest(&read_json(&file)?)?)
    });
}

/// Installs what the lock file names, unless it is there already.
pub(crate) fn packages() -> Result<()> {
    let web = workspace::web();
    let lock_path = web.join("package-lock.json");
    // The build of the UI takes the same lock: it may want to install at this moment, too.
    let lock = File::open(&lock_path).with_context(|| format!("cannot read {}", lock_path.display()))?;
    lock.lock()?;
    let changed =
        |path: &Path| fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    if changed(&lock_path) > changed(&web.join("node_modules/.package-lock.json")) {
        let ci = ["ci", "--include=dev", "--no-audit", "--no-fund"];
        proc::run(Command::new("npm").args(ci).current_dir(&web))?;
    }
    Ok(())
}

pub(super) fn read_json(file: &Path) -> Result<Value> {
    let text = fs::read(file).context("the test runner left no report")?;
    serde_json::from_slice(&text).context("the test runner's report is no JSON")
}
