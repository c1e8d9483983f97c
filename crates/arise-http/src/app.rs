//! What every handler shares.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use arise_core::setting::Settings;
use arise_core::zone::Zone;
use arise_core::{Error, Result, UtcMillis};
use arise_link::Link;
use arise_store::backup::Backups;
use arise_store::{Event, Store, node, setting};
use tokio::sync::{Semaphore, watch};

use crate::backup::Work;
use crate::device::DeviceKeys;
use crate::live::Hub;
use crate::older_node::OlderNodes;
use crate::online::Browsers;
use crate::password::Hasher;
use crate::sync::HubState;
use crate::token::Tokens;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeType {
    /// A classroom's own server.
    Local,
    /// The hub, which online classes need.
    Cloud,
}

/// What belongs to this machine and not to the institution.
#[derive(Debug, Clone)]
pub struct Config {
    pub node_type: NodeType,
    /// Signs tokens; the database's own key when empty.
    pub secret_key: String,
    /// The hub's address, for classroom nodes.
    pub cloud_url: Option<String>,
    /// A file with the certificate of the authority that says who the hub is, if the operating system doesn't know it.
    pub cloud_ca: Option<PathBuf>,
    /// Addresses of other sites whose pages may call this server.
    pub allowed_origins: Vec<String>,
    /// Classrooms that still run the older system and send their database.
    pub older_nodes: OlderNodes,
    /// How many proxies stand in front and each add whom they heard to `X-Forwarded-For`.
    pub proxies: usize,
    /// Where backups are kept.
    pub backups: Option<Backups>,
    /// Lets the program's own commands on this machine in.
    pub operator_key: Option<String>,
    /// Seconds from one exchange with the hub to the next; 0 for only when asked.
    pub sync_interval_seconds: u64,
    pub limits: Limits,
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Until a request's head has arrived.
    pub header: Duration,
    /// Until a request's answer begins; streams then go on.
    pub request: Duration,
    /// Until the rest of a body has arrived whose answer is known already.
    pub drain: Duration,
    /// Until open requests have ended when the server stops.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(15),
            request: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            stop: Duration::from_secs(10),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            node_type: NodeType::Local,
            secret_key: String::new(),
            cloud_url: None,
            cloud_ca: None,
            allowed_origins: vec![],
            older_nodes: OlderNodes::default(),
            proxies: 0,
            backups: None,
            operator_key: None,
            limits: Limits::default(),
            sync_interval_seconds: 0,
        }
    }
}

impl Config {
    fn link(&self) -> arise_link::Settings {
        let seconds = Some(self.sync_interval_seconds).filter(|seconds| *seconds > 0);
        arise_link::Settings {
            hub_url: self.cloud_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
            hub_ca: self.cloud_ca.clone(),
            interval: seconds.map(Duration::from_secs),
        }
    }
}

/// The state of a running server. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub struct Inner {
    pub store: Store,
    pub config: Config,
    pub(crate) tokens: Tokens,
    pub(crate) hasher: Hasher,
    pub(crate) hub: Hub,
    pub(crate) device_keys: DeviceKeys,
    pub(crate) work: Work,
    pub(crate) browsers: Browsers,
    pub(crate) hub_state: HubState,
    pub(crate) link: Link,
    settings: RwLock<Arc<(Settings, Zone)>>,
    /// One database of the older system comes in at a time: each is held in memory.
    pub(crate) v1_imports: Arc<Semaphore>,
    stopping: watch::Sender<bool>,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Must be called inside the async runtime: it listens to the store's events from then on.
    ///
    /// # Errors
    /// When the database can't be read.
    pub async fn new(store: Store, config: Config) -> Result<Self> {
        let events = store.events();
        let (settings, key) = store.read(|tx| Ok((setting::get(tx)?, node::signing_key(tx)?))).await?;
        let key = if config.secret_key.is_empty() { key } else { config.secret_key.clone().into_bytes() };
        let zone = settings.zone();
        let link = Link::new(store.clone(), config.link())?;
        let app = Self(Arc::new(Inner {
            store,
            config,
            tokens: Tokens::new(&key),
            hasher: Hasher::start()?,
            hub: Hub::new()?,
            device_keys: DeviceKeys::default(),
            work: Work::default(),
            browsers: Browsers::new(&key),
            hub_state: HubState::default(),
            link,
            settings: RwLock::new(Arc::new((settings, zone))),
            v1_imports: Arc::new(Semaphore::new(1)),
            stopping: watch::channel(false).0,
        }));
        tokio::spawn(follow(app.clone(), events));
        if app.config.node_type == NodeType::Local {
            tokio::spawn(sync(app.clone()));
        }
        Ok(app)
    }

    pub fn now(&self) -> UtcMillis {
        self.store.clock().now()
    }

    pub fn settings(&self) -> Arc<(Settings, Zone)> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn zone(&self) -> Zone {
        self.settings().1.clone()
    }

    /// Reads the settings again.
    pub(crate) async fn read_settings(&self) -> Result<()> {
        let settings = self.store.read(setting::get).await?;
        let zone = settings.zone();
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new((settings, zone));
        Ok(())
    }

    /// Ends live streams, so that the server can stop.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Resolves when the server stops.
    pub(crate) async fn stopped(&self) {
        let mut stopping = self.stopping.subscribe();
        // The sender lives as long as the app.
        let _ = stopping.wait_for(|stop| *stop).await;
    }

    /// # Errors
    /// `hub_only` on a classroom node, with the hub's address.
    pub(crate) fn must_be_hub(&self) -> Result<()> {
        if self.config.node_type == NodeType::Cloud {
            return Ok(());
        }
        let error = match &self.config.cloud_url {
            Some(url) => Error::forbidden("hub_only", format!("Online classes run on the hub: {url}"))
                .with("hint", format!("Open {url} and start the class there."))
                .with("cloud_url", url),
            None => {
                Error::forbidden("hub_only", "Online classes need the hub, and this server knows of none.")
                    .with("hint", "Ask your administrator for the hub's address.")
            }
        };
        Err(error)
    }
}

/// Exchanges with the hub until the server stops.
async fn sync(app: App) {
    tokio::select! {
        () = app.link.clone().run() => {}
        () = app.stopped() => {}
    }
}

/// Carries the store's events to live screens and keeps the settings fresh.
async fn follow(app: App, mut events: tokio::sync::broadcast::Receiver<Event>) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => Event::Resync,
            Err(RecvError::Closed) => return,
        };
        if matches!(event, Event::Settings | Event::Resync)
            && let Err(error) = app.read_settings().await
        {
            tracing::warn!(%error, "the settings couldn't be read again");
        }
        app.hub.publish(event);
    }
}
