//! The tests of the crates, all with one PostgreSQL.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::tally;
use crate::proc::{self, Stream};
use crate::report::{Report, Tally};
use crate::simulate;

/// Every crate but the simulation, which has a profile of its own: it brings broken engines, and what is tested here is
/// the engine that is handed out.
const CRATES: [&str; 3] = ["--workspace", "--exclude", "arise-sync-sim"];

/// Answers whether the program was built.
pub(super) fn run(report: &mut Report, target: &Path, filter: &[String]) -> bool {
    let nextest = proc::answers(proc::cargo().args(["nextest", "--version"]));
    let runner: &[&str] = if nextest { &["nextest", "run"] } else { &["test"] };

    let built =
        report.step("rust: build", || proc::run(proc::cargo().args(runner).args(CRATES).arg("--no-run")));
    if built.is_none() {
        return false;
    }
    let Some(postgres) = report.step("rust: start PostgreSQL", || Postgres::start(target)) else {
        return true;
    };

    report.tests("rust: tests", || {
        let mut tests = proc::cargo();
        tests.args(runner).args(CRATES).arg("--no-fail-fast").env("ARISE_TEST_POSTGRES", &postgres.url);
        let (status, tally) = if nextest {
            let (status, text) = proc::tee(tests.args(filter), Stream::Stderr)?;
            (status, tally::nextest(&text)?)
        } else {
            // Doc tests have a step of their own.
            tests.args(["--lib", "--bins", "--tests"]).args(filter);
            let (status, text) = proc::tee(&mut tests, Stream::Stdout)?;
            (status, tally::libtest(&text)?)
        };
        agree(status.success(), tally)
    });
    // The filter is in the runner's language, which has no names for these.
    if filter.is_empty() {
        report.tests("rust: examples in the documentation", || {
            let mut tests = proc::cargo();
            tests
                .args(["test", "--doc", "--no-fail-fast"])
                .args(CRATES)
                .env("ARISE_TEST_POSTGRES", &postgres.url);
            let (status, text) = proc::tee(&mut tests, Stream::Stdout)?;
            agree(status.success(), tally::libtest(&text)?)
        });
    }
    report.step("rust: stop PostgreSQL", || postgres.stop());
    if filter.is_empty() {
        report.tests("rust: tests of the simulation", || {
            let (status, text) = proc::tee(&mut simulate::tests(), Stream::Stdout)?;
            agree(status.success(), tally::libtest(&text)?)
        });
        report.step("rust: 2,000 simulations of syncing", || simulate::seeds(0, 2_000));
    }
    true
}

/// A runner that fails without a failed test (a program that didn't compile, or crashed) has failed.
pub(super) fn agree(success: bool, tally: Tally) -> Result<Tally> {
    if !success && tally.failed == 0 {
        bail!("the test runner failed after {} passed tests; see above", tally.passed);
    }
    Ok(tally)
}

/// The server of the run, kept by a program of the test kit until we end, in whatever way.
struct Postgres {
    keeper: Child,
    url: String,
}

impl Postgres {
    fn start(target: &Path) -> Result<Self> {
        let program = target.join("debug/arise-test-postgres");
        let mut keeper = Command::new(&program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run {}", program.display()))?;
        let mut url = String::new();
        if let Some(out) = keeper.stdout.take() {
            BufReader::new(out).read_line(&mut url)?;
        }
        let url = url.trim().to_owned();
        if url.is_empty() {
            bail!("PostgreSQL didn't start: {}", keeper.wait()?);
        }
        Ok(Self { keeper, url })
    }

    fn stop(mut self) -> Result<()> {
        // The end of its input tells it to stop.
        drop(self.keeper.stdin.take());
        let status = self.keeper.wait()?;
        if !status.success() {
            bail!("PostgreSQL's keeper: {status}");
        }
        Ok(())
    }
}
