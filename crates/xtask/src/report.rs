//! The steps of a run: each printed with its time, all summed up at the end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

/// How many tests a program ran, as it reported them itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

struct Step {
    name: String,
    time: Duration,
    /// The count of its tests, for a step that ran some.
    tally: Option<Tally>,
    ok: bool,
}

#[derive(Default)]
pub(crate) struct Report {
    steps: Vec<Step>,
}

impl Report {
    /// Does one step and gives what it made, unless it failed: then what depends on it can't be done.
    pub(crate) fn step<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Option<T> {
        self.record(name, work, |_| None)
    }

    /// Does one step that runs tests and counts them.
    pub(crate) fn tests(&mut self, name: &str, work: impl FnOnce() -> Result<Tally>) {
        self.record(name, work, |tally| Some(*tally));
    }

    fn record<T>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<T>,
        tally: impl FnOnce(&T) -> Option<Tally>,
    ) -> Option<T> {
        eprintln!("\n── {name}");
        let start = Instant::now();
        let result = work();
        let time = start.elapsed();
        let tally = result.as_ref().ok().and_then(tally);
        let ok = result.is_ok() && tally.is_none_or(|t| t.failed == 0);
        if let Err(e) = &result {
            eprintln!("error: {e:#}");
        }
        let step = Step { name: name.to_owned(), time, tally, ok };
        eprintln!("{}", line(&step));
        self.steps.push(step);
        result.ok()
    }

    /// Prints the steps and, alone on the last line, the count. A step that failed without naming a failed test (it
    /// didn't compile, say) counts as one.
    pub(crate) fn finish(&self) -> ExitCode {
        println!();
        for step in &self.steps {
            println!("{}", line(step));
        }
        let total = self.total();
        println!("{} passed, {} failed", total.passed, total.failed);
        if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn total(&self) -> Tally {
        let mut total = Tally::default();
        for step in &self.steps {
            total.add(step.tally.unwrap_or_default());
            if !step.ok && step.tally.is_none() {
                total.failed += 1;
            }
        }
        total
    }
}

fn line(step: &Step) -> String {
    let word = if step.ok { "ok" } else { "FAILED" };
    let mut line = format!("{word:<6} {:>7.1} s  {}", step.time.as_secs_f64(), step.name);
    if let Some(Tally { passed, failed, skipped }) = step.tally {
        line = format!("{line}: {passed} passed, {failed} failed");
        if skipped > 0 {
            line = format!("{line}, {skipped} skipped");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn tally(passed: u64, failed: u64) -> Result<Tally> {
        Ok(Tally { passed, failed, skipped: 0 })
    }

    #[test]
    fn tests_are_summed_and_a_good_run_succeeds() {
        let mut report = Report::default();
        assert_eq!(report.step("build", || Ok(())), Some(()));
        report.tests("one", || tally(3, 0));
        report.tests("two", || tally(4, 0));
        assert_eq!(report.total(), Tally { passed: 7, failed: 0, skipped: 0 });
        assert_eq!(report.finish(), ExitCode::SUCCESS);
    }

    #[test]
    fn a_failed_test_fails_the_run() {
        let mut report = Report::default();
        report.tests("one", || tally(3, 2));
        report.tests("two", || tally(1, 0));
        assert_eq!(report.total(), Tally { passed: 4, failed: 2, skipped: 0 });
        assert_eq!(report.finish(), ExitCode::FAILURE);
    }

    #[test]
    fn a_step_that_fails_before_its_tests_counts_as_one() {
        let mut report = Report::default();
        assert_eq!(report.step::<()>("build", || bail!("no compiler")), None);
        assert_eq!(report.total(), Tally { passed: 0, failed: 1, skipped: 0 });
        assert_eq!(report.finish(), ExitCode::FAILURE);
    }
}
