//! `cargo xtask test`: every test of the project. It brings what it needs, and what it can't bring is an error: no test is
//! left out silently.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::report::Report;
use crate::{firmware, workspace};

mod browser;
mod demo;
mod needs;
mod rust;
mod tally;
pub(crate) mod web;

pub(crate) use demo::Demo;
pub(crate) use web::packages as web_packages;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this part
    #[arg(long)]
    only: Option<Part>,
    /// Passed on to the test runner of the part: `cargo xtask test --only rust -- -E 'package(arise-store)'`
    #[arg(last = true, requires = "only")]
    filter: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// The tests of the crates
    Rust,
    /// Types and unit tests of the UI
    Web,
    /// The real program in a browser
    Browser,
    /// The scanner's images and its self-test on an emulated machine
    Firmware,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let mut report = Report::default();
    match args.only {
        Some(part) => parts(&mut report, &[part], &args.filter),
        None => all(&mut report),
    }
    report.finish()
}

pub(crate) fn all(report: &mut Report) {
    parts(report, Part::value_variants(), &[]);
}

fn parts(report: &mut Report, parts: &[Part], filter: &[String]) {
    let ready = report.step("what the tests need", || {
        needs::bring(parts)?;
        let target = workspace::target_dir()?;
        let tmp = Tmp::make(&target)?;
        Ok((target, tmp))
    });
    let Some((target, tmp)) = ready else { return };
    let mut built = false;
    for part in parts {
        match part {
            Part::Rust => built = rust::run(report, &target, filter),
            Part::Web => web::run(report, &tmp.0, filter),
            Part::Browser => browser::run(report, &target, &tmp.0, built, filter),
            Part::Firmware => firmware::all(report),
        }
    }
}

/// A folder for this run, removed at its end. It is in the target folder: what is left by a run that was killed doesn't
/// litter the machine, and goes with the next run.
pub(crate) struct Tmp(PathBuf);

impl Tmp {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn make(target: &Path) -> Result<Self> {
        let all = target.join("xtask");
        for old in fs::read_dir(&all).into_iter().flatten().flatten() {
            let owner = old.file_name().to_string_lossy().parse::<u32>().ok();
            if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
                fs::remove_dir_all(old.path())?;
            }
        }
        let dir = all.join(std::process::id().to_string());
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        Ok(Self(dir))
    }
}

impl Drop for Tmp {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {e}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_removes_its_folder_and_those_of_runs_that_were_killed() {
        let target = tempfile::tempdir().unwrap();
        let all = target.path().join("xtask");
        // Above the highest pid the kernel gives; and one that always runs.
        fs::create_dir_all(all.join("4294967295/data")).unwrap();
        fs::create_dir_all(all.join("1")).unwrap();
        let tmp = Tmp::make(target.path()).unwrap();
        let here = |name: &str| all.join(name).exists();
        assert!(here("1") && here(&std::process::id().to_string()) && !here("4294967295"));
        let dir = tmp.0.clone();
        drop(tmp);
        assert!(!dir.exists());
    }
}
