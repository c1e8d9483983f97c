//! The counts in what the test runners print.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::report::Tally;

/// nextest's last words:
/// `Summary [ 1.9s] 9/12 tests run: 7 passed (1 slow, 1 leaky), 1 failed, 1 timed out, 3 skipped`
pub(super) fn nextest(text: &str) -> Result<Tally> {
    let line = text.lines().map(str::trim).rfind(|line| line.starts_with("Summary ["));
    let (ran, counts) =
        line.and_then(|line| line.split_once(" run:")).context("nextest printed no summary")?;
    let mut tally = Tally::default();
    for part in without_parentheses(counts).split(',') {
        let (count, what) =
            counted(part).with_context(|| format!("nextest's summary isn't clear: {counts}"))?;
        match what {
            "passed" => tally.passed += count,
            "skipped" => tally.skipped += count,
            // failed, timed out, exec failed, …
            _ => tally.failed += count,
        }
    }
    // `9/12 tests`: it stopped before the end.
    let words = ran.rsplit(' ').find_map(|word| word.split_once('/'));
    if let Some((done, all)) = words
        && let (Ok(done), Ok(all)) = (done.parse::<u64>(), all.parse::<u64>())
    {
        tally.failed += all.saturating_sub(done);
    }
    Ok(tally)
}

/// cargo test's line for each program: `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`
pub(super) fn libtest(text: &str) -> Result<Tally> {
    let mut tally = Tally::default();
    for line in text.lines().filter_map(|line| line.trim().strip_prefix("test result: ")) {
        let (_, counts) = line.split_once(". ").with_context(|| format!("no counts in: {line}"))?;
        for part in counts.split(';') {
            match counted(part) {
                Some((count, "passed")) => tally.passed += count,
                Some((count, "failed")) => tally.failed += count,
                Some((count, "ignored")) => tally.skipped += count,
                _ => {}
            }
        }
    }
    Ok(tally)
}

/// The file of vitest's `json` reporter.
pub(super) fn vitest(report: &Value) -> Result<Tally> {
    let count = |name| report[name].as_u64().with_context(|| format!("vitest's report has no {name}"));
    let tally = Tally {
        passed: count("numPassedTests")?,
        failed: count("numFailedTests")?,
        skipped: count("numPendingTests")? + count("numTodoTests")?,
    };
    // A file that can't be loaded has no tests to fail.
    if tally.failed == 0 && report["success"] != true {
        bail!("a test file didn't run, or there is none");
    }
    Ok(tally)
}

/// The file of Playwright's `json` reporter. A test that passes only when it is tried again has failed.
pub(super) fn playwright(report: &Value) -> Result<Tally> {
    let count =
        |name| report["stats"][name].as_u64().with_context(|| format!("Playwright's report has no {name}"));
    let failed = count("unexpected")? + count("flaky")?;
    // Errors outside any test: a file that can't be loaded, a limit that was hit.
    let errors = report["errors"].as_array().map_or(0, Vec::len);
    if failed == 0 && errors > 0 {
        bail!("Playwright reports an error outside the tests");
    }
    Ok(Tally { passed: count("expected")?, failed, skipped: count("skipped")? })
}

/// `3 passed` → 3 and `passed`.
fn counted(text: &str) -> Option<(u64, &str)> {
    let (count, what) = text.trim().split_once(' ')?;
    Some((count.parse().ok()?, what.trim()))
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    text.chars()
        .filter(|c| {
            match c {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tally(passed: u64, failed: u64, skipped: u64) -> Tally {
        Tally { passed, failed, skipped }
    }

    #[test]
    fn nextest_good() {
        let text =
            "    PASS [ 0.1s] a b\n────\n     Summary [   8.500s] 16 tests run: 16 passed, 0 skipped\n";
        assert_eq!(nextest(text).unwrap(), tally(16, 0, 0));
    }

    #[test]
    fn nextest_one_test() {
        assert_eq!(nextest("  Summary [ 0.1s] 1 test run: 1 passed, 15 skipped").unwrap(), tally(1, 0, 15));
    }

    #[test]
    fn nextest_every_way_to_fail_counts() {
        let text = "Summary [ 1s] 9 tests run: 5 passed (1 slow, 2 leaky), 2 failed, 1 timed out, 1 exec failed, 3 skipped\n\
                    error: test run failed";
        assert_eq!(nextest(text).unwrap(), tally(5, 4, 3));
    }

    #[test]
    fn nextest_tests_that_were_not_run_have_failed() {
        assert_eq!(
            nextest("Summary [ 3s] 7/15 tests run: 6 passed, 1 failed, 0 skipped").unwrap(),
            tally(6, 9, 0)
        );
    }

    #[test]
    fn nextest_that_never_ran_is_an_error() {
        assert!(nextest("error: could not compile `arise-store`").is_err());
    }

    #[test]
    fn libtest_programs_are_summed() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
                    test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.9s\n";
        assert_eq!(libtest(text).unwrap(), tally(5, 1, 1));
    }

    #[test]
    fn vitest_counts() {
        let mut report = json!({"numPassedTests": 7, "numFailedTests": 0, "numPendingTests": 1, "numTodoTests": 1, "success": true});
        assert_eq!(vitest(&report).unwrap(), tally(7, 0, 2));
        report["success"] = json!(false);
        assert!(vitest(&report).is_err());
        report["numFailedTests"] = json!(2);
        assert_eq!(vitest(&report).unwrap(), tally(7, 2, 2));
        assert!(vitest(&json!({})).is_err());
    }

    #[test]
    fn playwright_counts() {
        let mut report =
            json!({"stats": {"expected": 5, "unexpected": 1, "flaky": 1, "skipped": 2}, "errors": []});
        assert_eq!(playwright(&report).unwrap(), tally(5, 2, 2));
        report = json!({"stats": {"expected": 0, "unexpected": 0, "flaky": 0, "skipped": 0}, "errors": [{"message": "x"}]});
        assert!(playwright(&report).is_err());
        assert!(playwright(&json!({})).is_err());
    }
}
