//! `arise join` and `arise sync`. A server that runs on the same database is asked to do it; otherwise this program
//! does.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use arise_http::NodeType;
use arise_link::file::{self, Writer};
use arise_link::{Link, Pushed};
use arise_store::Store;
use arise_sync::Outcome;
use hyper::Method;
use serde_json::{Value, json};

use crate::clock::clock;
use crate::config::{Config, Flags};
use crate::hold::Hold;
use crate::running::Running;
use crate::serve::runtime;

#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Join {
    /// The hub's address, as https://hub.example.org
    url: String,
    /// The code that the hub's administrator gave
    code: String,
    #[command(flatten)]
    flags: Flags,
}

#[derive(clap::Subcommand, Debug, Clone)]
pub(crate) enum Sync {
    /// Exchanges records with the hub now.
    Now(Flags),
    /// Shows how far this server is with the hub.
    Status(Flags),
    /// Writes what waits for the hub into a file, to be walked there.
    Export {
        /// Where to write it
        file: PathBuf,
        #[command(flatten)]
        flags: Flags,
    },
    /// Takes a file: on the hub that of a node, on a node that of the hub.
    Import {
        file: PathBuf,
        /// On the hub: where to write what is walked back; beside the file by default
        #[arg(long, value_name = "PATH")]
        answer: Option<PathBuf>,
        #[command(flatten)]
        flags: Flags,
    },
}

/// Who does it.
enum Doer {
    /// The server that runs on this database.
    Server(Running),
    Here {
        store: Store,
        link: Link,
        is_hub: bool,
        _hold: Hold,
    },
}

fn doer(flags: &Flags) -> anyhow::Result<Doer> {
    let config = Config::load(flags)?;
    let data = config.make_data()?;
    let location = config.location(&data);
    let Some(hold) = Hold::take(&location)? else {
        let server = Running::find(&data);
        let server = server.context(
            "another arise works on this database, and doesn't answer. Try again in a moment, or stop it",
        )?;
        return Ok(Doer::Server(server));
    };
    let store = Store::open_with(&location, clock(), &config.care(&data))?;
    let http = config.http(&data);
    let settings = arise_link::Settings { hub_url: http.cloud_url, hub_ca: http.cloud_ca, interval: None };
    let link = Link::new(store.clone(), settings)?;
    Ok(Doer::Here { store, link, is_hub: http.node_type == NodeType::Cloud, _hold: hold })
}

/// `arise join`.
pub(crate) fn join(options: &Join) -> anyhow::Result<()> {
    let name = match doer(&options.flags)? {
        Doer::Server(server) => {
            let body = json!({"url": options.url, "code": options.code});
            let answer = server.call(Method::POST, "/api/sync/hub", Some(body))?;
            answer["name"].as_str().unwrap_or_default().to_owned()
        }
        Doer::Here { is_hub: true, .. } => bail!("this is the hub: classrooms' servers join it"),
        Doer::Here { link, .. } => runtime()?.block_on(link.join(&options.url, &options.code))?.name,
    };
    println!("Joined the hub as “{name}”. What is here and there is exchanged from now on.");
    Ok(())
}

/// `arise sync`.
pub(crate) fn run(command: &Sync) -> anyhow::Result<()> {
    match command {
        Sync::Now(flags) => now(&doer(flags)?),
        Sync::Status(flags) => status(&doer(flags)?),
        Sync::Export { file, flags } => export(&doer(flags)?, file),
        Sync::Import { file, answer, flags } => import(&doer(flags)?, file, answer.as_deref()),
    }
}

fn now(doer: &Doer) -> anyhow::Result<()> {
    match doer {
        Doer::Server(server) => {
            let answer = server.call(Method::POST, "/api/sync/push", Some(json!({})))?;
            let hub = &answer["cloud_response"];
            println!(
                "{}. {} records confirmed or received, {} wait here.",
                shown(&answer["message"]).trim_end_matches('.'),
                hub["received"],
                hub["pending"]
            );
        }
        Doer::Here { is_hub: true, .. } => bail!("this is the hub: classrooms' servers sync with it"),
        Doer::Here { link, .. } => {
            let (Pushed { received, exchanges, .. }, waiting) = runtime()?
                .block_on(async { anyhow::Ok((link.sync().await?, link.status().await?.waiting)) })?;
            println!(
                "Synced. {received} records confirmed or received in {exchanges} exchanges, {waiting} wait here."
            );
        }
    }
    Ok(())
}

/// What people look for in the status of a server.
const SHOWN: [&str; 10] = [
    "node_type",
    "cloud_url",
    "cloud_reachable",
    "last_success",
    "last_error",
    "pending",
    "refused",
    "received",
    "hub_records",
    "quarantined",
];

fn status(doer: &Doer) -> anyhow::Result<()> {
    let (link, store) = match doer {
        Doer::Server(server) => {
            let status = server.call(Method::GET, "/api/sync/status", None)?;
            for name in SHOWN {
                println!("{name:<16} {}", shown(&status[name]));
            }
            for peer in status["peers"].as_array().into_iter().flatten() {
                println!(
                    "{:<16} {:<8} last seen {}, behind by {}, {} wait there",
                    shown(&peer["name"]),
                    shown(&peer["status"]),
                    shown(&peer["last_seen"]),
                    peer["behind"],
                    peer["pending"]
                );
            }
            return Ok(());
        }
        Doer::Here { link, store, .. } => (link, store),
    };
    let (status, url) =
        runtime()?.block_on(async { anyhow::Ok((link.status().await?, link.hub_url().await?)) })?;
    let zone = store.read_blocking(arise_store::setting::get)?.zone();
    println!("{:<16} {}", "cloud_url", url.as_deref().unwrap_or("(not joined)"));
    let last = status.synced_at.map_or("never".to_owned(), |at| zone.iso(at));
    println!("{:<16} {last}", "last_success");
    for (name, count) in [
        ("pending", status.waiting),
        ("refused", status.refused),
        ("received", status.gsn),
        ("hub_records", status.hub_gsn),
    ] {
        println!("{name:<16} {count}");
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(error) => error.get("message").map(shown).unwrap_or_default(),
        other => other.to_string(),
    }
}

fn export(doer: &Doer, path: &Path) -> anyhow::Result<()> {
    let bytes = match doer {
        Doer::Server(server) => server.send(Method::POST, "/api/sync/export", vec![])?,
        Doer::Here { is_hub: true, .. } => {
            bail!("this is the hub. Export on a classroom's server, and import the file here")
        }
        Doer::Here { store, .. } => runtime()?.block_on(file::export(store))?,
    };
    write(path, &bytes)?;
    println!(
        "Wrote {} ({} bytes). Import it on the hub, and the hub's answer here.",
        path.display(),
        bytes.len()
    );
    Ok(())
}

fn import(doer: &Doer, path: &Path, answer: Option<&Path>) -> anyhow::Result<()> {
    let size = std::fs::metadata(path).with_context(|| format!("{} can't be read", path.display()))?.len();
    if size > file::MAX_FILE as u64 {
        bail!("{} is too large to be a sync file", path.display());
    }
    let bytes = std::fs::read(path).with_context(|| format!("{} can't be read", path.display()))?;
    match file::writer(&bytes)? {
        Writer::Node => {
            let back = answer_of(doer, bytes)?;
            let beside = path.with_extension("answer");
            let to = answer.unwrap_or(&beside);
            write(to, &back)?;
            println!("Taken. Walk {} back and import it on the node.", to.display());
        }
        Writer::Hub => {
            let (received, more) = take_answer(doer, bytes)?;
            println!("Synced. {received} records confirmed or received.");
            if more {
                println!("There is more: export once more and walk that too.");
            }
        }
    }
    Ok(())
}

/// The hub's answer to a node's file.
fn answer_of(doer: &Doer, bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    match doer {
        Doer::Server(server) => server.send(Method::POST, "/api/sync/import", bytes),
        Doer::Here { is_hub: false, .. } => bail!("this isn't the hub: a node's file is imported there"),
        Doer::Here { store, .. } => Ok(runtime()?.block_on(file::answer(store, &bytes))?.1),
    }
}

/// Takes the hub's file. Answers how many records came, and whether there is more to walk.
fn take_answer(doer: &Doer, bytes: Vec<u8>) -> anyhow::Result<(u64, bool)> {
    match doer {
        Doer::Server(server) => {
            let said: Value =
                serde_json::from_slice(&server.send(Method::POST, "/api/sync/import", bytes)?)?;
            Ok((said["received"].as_u64().unwrap_or_default(), said["more"].as_bool().unwrap_or_default()))
        }
        Doer::Here { is_hub: true, .. } => bail!("this is the hub: its own file is imported on the node"),
        Doer::Here { store, .. } => {
            let progress = runtime()?.block_on(file::accept(store, &bytes))?;
            if progress.outcome == Outcome::Ignored {
                bail!("this file was taken already, or answers an older one. Export again and walk that");
            }
            Ok((progress.received as u64, progress.more))
        }
    }
}

/// The file appears whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    let written = std::fs::write(&part, bytes).and_then(|()| std::fs::File::open(&part)?.sync_all());
    written
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(|| format!("{} can't be written", path.display()))
}
