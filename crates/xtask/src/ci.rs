//! `cargo xtask ci`: all that a change has to pass.

use std::process::ExitCode;

use crate::report::Report;
use crate::{deny, proc, test};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Don't ask the advisory database, on a machine that can't reach it
    #[arg(long)]
    no_advisories: bool,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let mut report = Report::default();
    report.step("format", || proc::run(proc::cargo().args(["fmt", "--all", "--check"])));
    report.step("lints", || {
        let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
        proc::run(proc::cargo().args(clippy))
    });
    report.step("dependencies", || deny::run(!args.no_advisories));
    test::all(&mut report);
    report.finish()
}
