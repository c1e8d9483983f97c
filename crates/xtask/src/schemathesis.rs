//! `cargo xtask schemathesis`: whether the running server answers as the API document says, whatever is asked.
//!
//! Schemathesis (PyPI) makes requests of the document, right ones and wrong ones, for each kind of caller. Whatever it
//! asks, the server must not fail and must answer with a status, a kind of content and a shape that the document has.
//! It isn't a part of `cargo xtask test`: it takes minutes, and a package of another registry.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::report::Report;
use crate::test::{Demo, Tmp};
use crate::{proc, workspace};

const VERSION: &str = "4.32.5";

const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// Who calls what, by the tags of the document. Who changes most comes last.
const CALLERS: [(&str, &[&str]); 6] = [
    ("nobody", &["public"]),
    ("student", &["student"]),
    ("teacher", &["teacher"]),
    ("scanner", &["scanner"]),
    ("server", &["server"]),
    ("admin", &["admin", "account"]),
];

/// What isn't asked, and why.
const LEFT_OUT: [(&str, &str); 1] = [(
    "/api/teacher/session/{id}/live",
    "its answer is a stream that doesn't end; tests/api/live.rs reads it",
)];

/// For the older system's servers, whose requests carry it.
const OLDER_KEY: &str = "a-key-of-the-older-system";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only these callers: nobody, student, teacher, scanner, server, admin
    callers: Vec<String>,
    /// Requests of each operation in each of the phases that draw them at random
    #[arg(long, default_value_t = 40)]
    examples: u32,
    /// Which requests are drawn; the same number draws the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let mut report = Report::default();
    let started = report.step("what it needs", || {
        let known = |named: &String| CALLERS.iter().any(|(caller, _)| caller == named);
        if let Some(unknown) = args.callers.iter().find(|named| !known(named)) {
            bail!("nobody is called {unknown}: there are nobody, student, teacher, scanner, server, admin");
        }
        let target = workspace::target_dir()?;
        let program = install(&target)?;
        proc::run(proc::cargo().args(["build", "-p", "arise"]))?;
        let tmp = Tmp::make(&target)?;
        let arise = target.join("debug/arise");
        // The demo makes a college; a hub serves it, since online classes are part of the document.
        let demo = Demo::start(Command::new(&arise), tmp.path())?;
        let mut about: Value = serde_json::from_str(&demo.about)?;
        demo.stop()?;
        let mut hub = Command::new(&arise);
        hub.args(["serve", "--hub", "--host", "127.0.0.1", "--port", "0", "--backup-hours", "0"])
            .args(["--sync-api-key", OLDER_KEY])
            .arg("--data")
            .arg(tmp.path().join("data"));
        let hub = Demo::serve(hub, tmp.path())?;
        let ready: Value = serde_json::from_str(&hub.about)?;
        about["base"] = ready["base"].clone();
        Ok((program, hub, about, tmp))
    });
    if let Some((program, hub, about, tmp)) = started {
        for (path, why) in LEFT_OUT {
            println!("left out: {path}: {why}");
        }
        for (caller, tags) in CALLERS {
            if args.callers.is_empty() || args.callers.iter().any(|named| named == caller) {
                report
                    .step(&format!("as {caller}"), || ask(&program, &about, tmp.path(), caller, tags, args));
            }
        }
        report.step("stop the hub", || hub.stop());
    }
    report.finish()
}

/// Schemathesis in a Python environment of its own, in the target folder.
fn install(target: &Path) -> Result<PathBuf> {
    let folder = target.join(format!("schemathesis-{VERSION}"));
    let program = folder.join("bin/schemathesis");
    if !program.exists() {
        proc::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .context("Python 3 with its venv module is needed; on Debian: apt-get install python3-venv")?;
        let package = format!("schemathesis=={VERSION}");
        proc::run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", &package]))?;
    }
    Ok(program)
}

fn ask(program: &Path, about: &Value, tmp: &Path, caller: &str, tags: &[&str], args: &Args) -> Result<()> {
    let base = about["base"].as_str().context("the hub names no address")?;
    let mut command = Command::new(program);
    command
        .args(["run", &format!("{base}/api/openapi.json"), "--checks", CHECKS])
        .args(["--max-examples", &args.examples.to_string(), "--seed", &args.seed.to_string()])
        .args(["--request-timeout", "60", "--suppress-health-check", "all", "--no-color"])
        .args(tags.iter().flat_map(|tag| ["--include-tag", tag]))
        .args(LEFT_OUT.iter().flat_map(|(path, _)| ["--exclude-path", path]))
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("src/schemathesis"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("ARISE_ABOUT", about.to_string())
        .env("ARISE_ROLE", caller)
        .env("ARISE_OLDER_KEY", OLDER_KEY)
        // It keeps what it found in the current folder.
        .current_dir(tmp);
    proc::run(&mut command)
}
