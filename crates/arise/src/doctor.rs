//! `arise doctor`: looks at everything that may go wrong, and says in plain words what to do.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use arise_core::clock::{DAY, HOUR};
use arise_core::{Clock, SystemClock, UtcMillis};
use arise_store::backup::{Backups, Reason};
use arise_store::{Location, Store, check, node, space};
use clap::Args;
use hyper::Method;

use crate::backup::running;
use crate::config::{Config, Flags};

/// 2025-01-01: a clock that shows less was never set.
const NO_EARLIER: UtcMillis = 1_735_689_600_000;

#[derive(Args, Debug, Clone)]
pub(crate) struct Doctor {
    #[command(flatten)]
    flags: Flags,
}

/// What was found.
#[derive(Default)]
struct Findings {
    problems: usize,
}

impl Findings {
    fn good(&mut self, what: &str) {
        let _ = &self.problems;
        println!("good     {what}");
    }

    fn note(&mut self, what: &str) {
        let _ = &self.problems;
        println!("note     {what}");
    }

    fn problem(&mut self, what: &str) {
        println!("PROBLEM  {what}");
        self.problems += 1;
    }
}

/// Fails when there is a problem.
pub(crate) fn run(options: &Doctor) -> ExitCode {
    let mut findings = Findings::default();
    match Config::load(&options.flags) {
        Ok(config) => look(&config, &mut findings),
        Err(error) => findings.problem(&format!("Settings: {error:#}.")),
    }
    match findings.problems {
        0 => {
            println!("All is well.");
            ExitCode::SUCCESS
        }
        1 => {
            println!("There is one problem.");
            ExitCode::FAILURE
        }
        problems => {
            println!("There are {problems} problems.");
            ExitCode::FAILURE
        }
    }
}

fn look(config: &Config, findings: &mut Findings) {
    findings.good("The settings can be read. `arise config` shows them.");
    for note in config.notes() {
        findings.note(note);
    }
    let data = match config.data() {
        Ok(data) => data,
        Err(error) => return findings.problem(&format!("{error:#}.")),
    };
    let location = config.location(&data);
    clock(findings);
    secrets(config, findings);
    folder(&data, findings);
    let least = config.least_space();
    room(&data, least, "the data folder", findings);
    let backups = config.backups(&data);
    records(config, &location, &data, findings);
    backups_of(config, &backups, findings);
}

fn clock(findings: &mut Findings) {
    let now = SystemClock.now();
    if now < NO_EARLIER {
        findings.problem("The clock of this machine is years behind. Set it: attendance is recorded by it.");
        return;
    }
    // The newest thing on the disk can't be of the future.
    let program = std::env::current_exe().and_then(std::fs::metadata).and_then(|about| about.modified());
    let built = program.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let built = built.and_then(|since| i64::try_from(since.as_millis()).ok());
    if built.is_some_and(|built| built > now + DAY) {
        findings.problem("The clock of this machine is behind the program's own file. Set it.");
    } else {
        findings.good("The clock looks right.");
    }
}

fn secrets(config: &Config, findings: &mut Findings) {
    if config.admin_password() == Some("admin") {
        findings.problem("ADMIN_DEFAULT_PASSWORD is “admin”. Choose another one, or leave it out.");
    }
    let short = |key: Option<&str>| key.is_some_and(|key| key.len() < 16);
    if short(config.secret_key()) {
        findings.problem(
            "SECRET_KEY is shorter than 16 letters and can be guessed. Leave it out, or make it longer.",
        );
    }
    if short(config.sync_api_key()) {
        findings.problem("SYNC_API_KEY is shorter than 16 letters and can be guessed. Make it longer.");
    }
}

fn folder(data: &Path, findings: &mut Findings) {
    let Ok(about) = std::fs::metadata(data) else {
        findings.problem(&format!("The data folder {} isn't there. Is the stick in place?", data.display()));
        return;
    };
    let probe = data.join(".doctor");
    match std::fs::write(&probe, "x").and_then(|()| std::fs::remove_file(&probe)) {
        Ok(()) => findings.good(&format!("The data folder is {} and can be written.", data.display())),
        Err(error) => {
            findings.problem(&format!("The data folder {} can't be written: {error}.", data.display()));
        }
    }
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o007 != 0 {
        findings.note("Other users of this machine can read the data folder. `chmod o-rwx` keeps them out.");
    }
    #[cfg(not(unix))]
    let _ = about;
}

fn room(folder: &Path, least: u64, what: &str, findings: &mut Findings) {
    let Some(free) = space::free_bytes(folder) else { return };
    let megabytes = free / 1_000_000;
    if free < least {
        findings.problem(&format!(
            "The disk of {what} is nearly full: {megabytes} MB are free. Free some space."
        ));
    } else {
        findings.good(&format!("The disk of {what} has {megabytes} MB free."));
    }
}

fn records(config: &Config, location: &Location, data: &Path, findings: &mut Findings) {
    if let Location::File(path) = location
        && !path.exists()
    {
        findings.problem(&format!("There are no records at {}. `arise serve` makes them.", path.display()));
        return;
    }
    let looked = match running(location, data) {
        Some(server) => {
            findings.good("The server runs.");
            server.call(Method::GET, "/api/admin/check", None).map(|answer| {
                let problems = answer["problems"].as_array().cloned().unwrap_or_default();
                let problems: Vec<_> =
                    problems.iter().filter_map(|p| p.as_str().map(str::to_owned)).collect();
                (problems, answer["restored_from"].as_str().map(str::to_owned))
            })
        }
        None => Store::open_with(location, Arc::new(SystemClock), &config.care(data))
            .and_then(settled_problems)
            .map_err(Into::into),
    };
    match looked {
        Ok((problems, restored_from)) => {
            if let Some(name) = restored_from {
                findings.note(&format!("The records go on from the backup {name}, which was restored here."));
            }
            if problems.is_empty() {
                findings.good("The records are whole, and every count is right.");
            }
            problems.iter().for_each(|problem| findings.problem(problem));
        }
        Err(error) => findings.problem(&format!("The records can't be looked at: {error:#}.")),
    }
}

/// What is wrong, and which backup was restored last.
fn settled_problems(store: Store) -> arise_core::Result<(Vec<String>, Option<String>)> {
    while store.read_blocking(arise_store::tally::is_due)? {
        store.write_blocking(arise_store::tally::settle_due)?;
    }
    let looked = store.read_blocking(|tx| {
        let problems = check::problems(tx)?;
        Ok((problems, node::life(tx)?.restored.map(|(_, name)| name)))
    });
    drop(store);
    looked
}

fn backups_of(config: &Config, backups: &Backups, findings: &mut Findings) {
    let all = match backups.list() {
        Ok(all) => all,
        Err(error) => return findings.problem(&error.message),
    };
    for damaged in all.iter().filter(|backup| !backup.verified) {
        findings
            .problem(&format!("The backup {} is damaged. Delete it, and make another one.", damaged.name));
    }
    let regular = |reason: Reason| matches!(reason, Reason::Manual | Reason::Automatic);
    let newest = all.iter().find(|backup| backup.verified && regular(backup.reason));
    let Some(newest) = newest else {
        findings.problem("There is no backup. `arise backup` makes one.");
        return;
    };
    let age = SystemClock.now() - newest.created_at;
    let hours = config.backup_hours();
    let late = i64::try_from(hours).unwrap_or(i64::MAX).saturating_mul(2 * HOUR).max(2 * DAY);
    if age > late {
        findings.problem(&format!("The newest backup is {} days old. `arise backup` makes one.", age / DAY));
    } else if age < -HOUR {
        findings.problem("The newest backup is of the future: the clock was wrong then, or is now.");
    } else {
        findings.good(&format!("The newest backup is {} hours old.", age / HOUR));
    }
    if newest_is_beside(backups, config) {
        findings.note(
            "The backups are on the same disk as the records. Copy them elsewhere now and then, or set ARISE_BACKUPS.",
        );
    }
}

/// Whether the backups would be lost together with the records.
fn newest_is_beside(backups: &Backups, config: &Config) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |path: &Path| std::fs::metadata(path).ok().map(|about| about.dev());
        config.data().ok().and_then(|data| device(&data)) == device(&backups.folder)
    }
    #[cfg(not(unix))]
    {
        let _ = (backups, config);
        true
    }
}
