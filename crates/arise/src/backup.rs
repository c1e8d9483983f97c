//! `arise backup` and `arise restore`: by the server of this data folder when one runs, else on the records themselves.

use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use arise_core::{Actor, Clock, SystemClock};
use arise_store::backup::{self, Reason};
use arise_store::{Location, Store};
use clap::Args;
use hyper::Method;
use serde_json::{Value, json};

use crate::config::{Config, Flags};
use crate::running::Running;

/// How often a long work's progress is asked for.
const LOOK: Duration = Duration::from_millis(500);

/// What a file is called that can't be used any more.
const DAMAGED: [&str; 2] = ["database_damaged", "records_damaged"];

#[derive(Args, Debug, Clone)]
pub(crate) struct Backup {
    #[command(flatten)]
    flags: Flags,
    /// Show the backups there are instead of making one.
    #[arg(long)]
    list: bool,
}

#[derive(Args, Debug, Clone)]
pub(crate) struct Restore {
    #[command(flatten)]
    flags: Flags,
    /// Which backup: its name as `arise backup --list` shows it, or `latest`.
    name: String,
    /// Only bring back records that are missing, and change nothing else.
    #[arg(long)]
    missing_only: bool,
    /// Don't ask.
    #[arg(long)]
    yes: bool,
}

pub(crate) fn make(options: &Backup) -> anyhow::Result<()> {
    let config = Config::load(&options.flags)?;
    let data = config.data()?;
    let backups = config.backups(&data);
    if options.list {
        for backup in backups.list()? {
            let state = if backup.verified { "whole" } else { "DAMAGED" };
            println!("{}  {:>12} bytes  {:>9} records  {state}", backup.name, backup.size, backup.records);
        }
        return Ok(());
    }
    let location = config.location(&data);
    if let Some(server) = running(&location, &data) {
        let answer = follow(&server, "/api/admin/backups", json!({}))?;
        println!("{} is made and was read back.", text(&answer, "name"));
        return Ok(());
    }
    there(&location)?;
    let made = backups.make(&location, SystemClock.now(), Reason::Manual, &|percent| {
        show(percent);
        Ok(())
    })?;
    done();
    println!("{} is made and was read back: {} records.", made.name, made.records);
    println!("It is in {}.", backups.folder.display());
    Ok(())
}

pub(crate) fn restore(options: &Restore) -> anyhow::Result<()> {
    let config = Config::load(&options.flags)?;
    let data = config.data()?;
    let backups = config.backups(&data);
    let backup = match options.name.as_str() {
        "latest" => match backups.list()?.into_iter().find(|backup| backup.verified) {
            Some(newest) => newest,
            None => bail!("there is no backup in {}", backups.folder.display()),
        },
        name => backups.get(name)?,
    };
    let name = backup.name;
    if !options.missing_only && !options.yes {
        let question = format!("Put {name} ({} records) in the place of all records here?", backup.records);
        if !confirmed(&question)? {
            bail!("nothing was changed. Say yes, or give --yes");
        }
    }
    let location = config.location(&data);
    if let Some(server) = running(&location, &data) {
        let path = format!("/api/admin/backups/{name}/restore");
        let answer = follow(&server, &path, json!({"missing_only": options.missing_only}))?;
        match answer["records_added"].as_i64() {
            Some(added) => println!("{added} missing records were brought back."),
            None => tell(&answer["records"], &answer["records_set_aside"], &text(&answer, "before")),
        }
        return Ok(());
    }
    let open = || Store::open_with(&location, Arc::new(SystemClock), &config.care(&data));
    if options.missing_only {
        let added = backup::add_missing(&open()?, &backups, &name, Actor::SYSTEM, &show)?;
        done();
        println!("{added} missing records were brought back.");
        return Ok(());
    }
    let replace = || {
        let store = open()?;
        let restored = backup::replace(&store, &backups, &name, Actor::SYSTEM, show);
        if restored.is_err() {
            // The file may have to be moved away.
            store.leave();
        }
        restored
    };
    let restored = match (replace(), &location) {
        // What is damaged must not be what keeps it from being replaced.
        (Err(error), Location::File(path)) if DAMAGED.contains(&error.code) => {
            let aside = path.with_extension("damaged.db");
            set_aside(path, &aside)?;
            println!("The records here are damaged. They are kept as {}.", aside.display());
            replace()?
        }
        (restored, _) => restored?,
    };
    done();
    tell(&json!(restored.records), &json!(restored.set_aside), &restored.before.name);
    Ok(())
}

/// The server that has the file. PostgreSQL is shared, and needs nobody's help.
pub(crate) fn running(location: &Location, data: &Path) -> Option<Running> {
    matches!(location, Location::File(_)).then(|| Running::find(data)).flatten()
}

/// # Errors
/// When there are no records: a backup of nothing would only look like one.
pub(crate) fn there(location: &Location) -> anyhow::Result<()> {
    match location {
        Location::File(path) if !path.exists() => {
            bail!("there are no records at {}. Give the right folder with --data", path.display())
        }
        _ => Ok(()),
    }
}

/// Has the server do something that may take long, and waits for its end.
fn follow(server: &Running, path: &str, body: Value) -> anyhow::Result<Value> {
    let answer = server.call(Method::POST, path, Some(body))?;
    if answer["status"] != "running" {
        return Ok(answer);
    }
    loop {
        std::thread::park_timeout(LOOK);
        let status = server.call(Method::GET, "/api/admin/backups/progress", None)?;
        if let Some(percent) = status["running"]["percent"].as_u64() {
            show(u8::try_from(percent).unwrap_or(100));
            continue;
        }
        done();
        let last = &status["last"];
        if last["status"] == "error" {
            bail!("{}", text(last, "error"));
        }
        return Ok(last.clone());
    }
}

fn tell(records: &Value, set_aside: &Value, before: &str) {
    println!("The backup is in place: {records} records.");
    println!("{set_aside} records that aren't in it are kept in {before}.");
    println!("`arise restore --missing-only {before}` brings them back.");
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Moves a damaged file and what belongs to it out of the way.
fn set_aside(path: &Path, aside: &Path) -> anyhow::Result<()> {
    if aside.exists() {
        bail!("{} is there already. Move it away first", aside.display());
    }
    for end in ["-wal", "-shm", ""] {
        let with = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            std::path::PathBuf::from(name)
        };
        if with(path).exists() {
            std::fs::rename(with(path), with(aside))?;
        }
    }
    Ok(())
}

fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !stdin().is_terminal() {
        return Ok(false);
    }
    print!("{question} A copy of what is there is kept. (yes/no) ");
    stdout().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("yes"))
}

/// Shows how far something is, where somebody can see it.
fn show(percent: u8) {
    if stderr().is_terminal() {
        eprint!("\r{percent:3} %");
    }
}

fn done() {
    if stderr().is_terminal() {
        eprint!("\r     \r");
    }
}
