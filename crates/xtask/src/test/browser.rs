//! The real program in a real browser.

use std::path::Path;
use std::process::Command;

use super::demo::Demo;
use super::rust::agree;
use super::{tally, web};
use crate::proc;
use crate::report::Report;

/// `built` says whether this run has built the program already.
pub(super) fn run(report: &mut Report, target: &Path, tmp: &Path, built: bool, filter: &[String]) {
    if report.step("browser: packages", web::packages).is_none() {
        return;
    }
    let build = || proc::run(proc::cargo().args(["build", "-p", "arise"]));
    if !built && report.step("browser: build", build).is_none() {
        return;
    }
    let program = target.join("debug/arise");
    let demo = report.step("browser: start the demo", || Demo::start(Command::new(&program), tmp));
    let Some(demo) = demo else { return };
    report.tests("browser: tests", || {
        let file = tmp.join("playwright.json");
        let mut playwright = proc::npx("playwright");
        playwright
            .args(["test", "--forbid-only", "--reporter=list,json"])
            .args(filter)
            .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &file)
            .env("ARISE_PROGRAM", &program)
            .env("ARISE_E2E", &demo.about);
        let status = proc::status(&mut playwright)?;
        let tally = agree(status.success(), tally::playwright(&web::read_json(&file)?)?);
        if !tally.as_ref().is_ok_and(|t| t.failed == 0) {
            eprintln!("the demo said:\n{}", demo.log());
        }
        tally
    });
    report.step("browser: stop the demo", || demo.stop());
}
