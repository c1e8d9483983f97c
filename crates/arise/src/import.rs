//! `arise import arise-v1`: the database of the older system, as records.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use arise_core::{Actor, Clock, SystemClock};
use arise_import::v1::{self, Origin, Scope};
use arise_store::{Store, setting};
use clap::{Args, Subcommand};

use crate::config::{Config, Flags};
use crate::serve::runtime;

#[derive(Args, Debug)]
pub(crate) struct Import {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand, Debug)]
enum Kind {
    /// Imports the SQLite file of the older system. Doing it again adds what is new and changes nothing else.
    AriseV1(V1),
}

#[derive(Args, Debug)]
struct V1 {
    /// The older system's database.
    file: PathBuf,
    /// Say what would come of it and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// The older server's name, where there are several: each has its own, for good.
    #[arg(long, default_value = "")]
    node: String,
    #[command(flatten)]
    flags: Flags,
}

pub(crate) fn run(options: &Import) -> anyhow::Result<()> {
    let Kind::AriseV1(v1) = &options.kind;
    let config = Config::load(&v1.flags)?;
    must_be_at_rest(&v1.file)?;
    let store = Store::open(&config.location(&config.make_data()?), Arc::new(SystemClock))?;
    let settings = store.read_blocking(setting::get)?;
    let (zone, now) = (settings.zone(), SystemClock.now());
    let today = zone.date(now);
    let import = v1::read(&v1.file, Origin::named(&v1.node)?, &zone, now)?;
    let account = runtime()?.block_on(async {
        if v1.dry_run {
            import.preview(&store, &today).await
        } else {
            import.run(&store, Actor::SYSTEM, None, Scope::File, &today).await
        }
    })?;
    print!("{account}");
    match (account.changes(), v1.dry_run) {
        (0, _) => println!("Nothing is new. Nothing was changed."),
        (rows, true) => println!("{rows} rows would come in. Nothing was changed: this was a dry run."),
        (rows, false) => println!("{rows} rows came in."),
    }
    Ok(())
}

/// A journal beside the file holds what isn't in the file yet.
fn must_be_at_rest(file: &Path) -> anyhow::Result<()> {
    for end in ["-wal", "-journal"] {
        let mut beside = file.as_os_str().to_owned();
        beside.push(end);
        let size = std::fs::metadata(&beside).map(|about| about.len()).unwrap_or_default();
        if size > 0 {
            bail!(
                "{} is in use, or wasn't closed: {} lies beside it. Stop the older server, start and stop it once, \
                 and try again",
                file.display(),
                Path::new(&beside).display()
            );
        }
    }
    std::fs::metadata(file).with_context(|| format!("{} can't be read", file.display())).map(|_| ())
}
