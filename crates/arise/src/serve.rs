//! `arise serve`: the server, until Ctrl-C or SIGTERM.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use arise_http::App;
use arise_store::Store;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::clock::clock;
use crate::config::{Config, Flags};
use crate::hold::Hold;
use crate::running::{self, Sign};
use crate::{first_run, log};

/// How often it is looked whether a backup is due, and how long after the start for the first time.
const LOOK_FOR_BACKUP: Duration = Duration::from_secs(600);
const FIRST_LOOK: Duration = Duration::from_secs(60);

#[derive(clap::Args, Debug, Clone)]
pub(crate) struct Serve {
    #[command(flatten)]
    flags: Flags,
    /// File to write the address to, as JSON, once the server answers.
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

pub(crate) fn run(options: &Serve) -> anyhow::Result<()> {
    let config = Config::load(&options.flags)?;
    let data = config.make_data()?;
    let _log = log::start(&data, config.log())?;
    for note in config.notes() {
        tracing::warn!("{note}");
    }
    let location = config.location(&data);
    let Some(_hold) = Hold::take(&location)? else {
        anyhow::bail!("arise runs on this database already. Stop it first, or use --data for another one");
    };
    let store = Store::open_with(&location, clock(), &config.care(&data))?;
    let made = first_run::run(&store, config.admin_password(), config.time_zone())?;
    runtime()?.block_on(async {
        let listener = listen(config.host(), config.port()).await?;
        let address = listener.local_addr()?;
        let key = running::new_key()?;
        let http = arise_http::Config { operator_key: Some(key.clone()), ..config.http(&data) };
        let app = App::new(store, http).await?;
        let _sign = Sign::put_up(&data, &base_url(address), &key)?;
        if config.backup_hours() > 0 {
            tokio::spawn(back_up(app.clone(), config.backup_hours()));
        }
        let stop = stop_signal()?;
        tracing::info!(%address, "arise is ready");
        println!("arise is ready: {}", base_url(address));
        if let Some(password) = made {
            println!("First administrator: {}   password: {password}", first_run::ADMIN);
            println!("This password is shown once, and must be changed at the first login.");
        }
        if let Some(path) = &options.ready_file {
            write_ready(path, &json!({"base": base_url(address)}))?;
        }
        arise_http::serve(app, listener, stop).await.context("the server stopped")
    })
}

/// Makes a backup whenever the last one is so many hours old.
async fn back_up(app: App, hours: u64) {
    let start = tokio::time::Instant::now() + FIRST_LOOK;
    let mut looks = tokio::time::interval_at(start, LOOK_FOR_BACKUP);
    loop {
        looks.tick().await;
        // What went wrong was logged, and `arise doctor` says that backups are old.
        if let Err(error) = app.back_up_when_due(hours).await {
            tracing::error!(%error, "there is no new backup");
        }
    }
}

/// A worker for each core but one, which the writer of the database has.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.saturating_sub(1).max(1))
        .enable_all()
        .build()
        .context("the runtime can't start")
}

pub(crate) async fn listen(host: &str, port: u16) -> anyhow::Result<TcpListener> {
    TcpListener::bind((host, port)).await.with_context(|| {
        format!("{host}:{port} can't be listened on. Is arise running already? Use --port for another one")
    })
}

/// An address that works in a browser on this machine.
pub(crate) fn base_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// Tells whoever started this process that it answers. The file appears whole or not at all.
pub(crate) fn write_ready(path: &Path, about: &Value) -> anyhow::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, about.to_string())?;
    std::fs::rename(&part, path).context("the ready file can't be written")
}

/// Resolves at Ctrl-C, or when a service manager asks to stop. It is heeded from the call on: whoever is told that the
/// server is ready may ask it to stop at once. Must be called inside the async runtime.
pub(crate) fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C can't be heeded")?;
        let mut terminate = signal(SignalKind::terminate()).context("SIGTERM can't be heeded")?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        Ok(async {
            let _ = tokio::signal::ctrl_c().await;
        })
    }
}
