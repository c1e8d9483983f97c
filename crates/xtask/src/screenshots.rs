//! `cargo xtask screenshots`: every screen as a picture, wide and narrow, light and dark.

use std::process::{Command, ExitCode};

use crate::report::Report;
use crate::test::{Demo, Tmp, web_packages};
use crate::{proc, workspace};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the tests of `web/shots` whose names have this in them, such as `administrator`
    only: Option<String>,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let mut report = Report::default();
    let started = report.step("what the pictures need", || {
        web_packages()?;
        // All components are on a page of their own.
        proc::run(proc::cargo().args(["build", "-p", "arise"]).env("ARISE_COMPONENTS", "1"))?;
        let target = workspace::target_dir()?;
        let tmp = Tmp::make(&target)?;
        let program = target.join("debug/arise");
        Ok((Demo::start(Command::new(&program), tmp.path())?, tmp, program))
    });
    if let Some((demo, _tmp, program)) = started {
        report.step("pictures", || {
            let mut playwright = proc::npx("playwright");
            playwright
                .args(["test", "-c", "screenshots.config.ts"])
                .env("ARISE_PROGRAM", &program)
                .env("ARISE_E2E", &demo.about);
            if let Some(only) = &args.only {
                playwright.args(["--grep", only]);
            }
            proc::run(&mut playwright)?;
            println!("{}", workspace::root().join("screenshots").display());
            Ok(())
        });
        report.step("stop the demo", || demo.stop());
    }
    report.finish()
}
