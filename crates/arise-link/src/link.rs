//! When a node exchanges with its hub, and how it went.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use arise_core::{Error, OpId, Result, UtcMillis};
use arise_store::sync::{self, hub, key};
use arise_store::{Store, node};
use arise_sync::{MAX_BODY, Outcome, Status};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::client::{self, Joined, send};
use crate::seal::{self, Asker, MAX_SEAL, PublicKey, Purpose};

/// How often the scheduler looks whether something is to be done.
const LOOK: Duration = Duration::from_secs(1);
/// From the end of one exchange to one for the sake of new records, so that a class that is being marked costs
/// the hub one request in this time.
const AFTER_WRITES: Duration = Duration::from_secs(2);
const FIRST_BACKOFF: Duration = Duration::from_secs(2);
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
/// Exchanges without any news, one after the other, after which something is wrong.
const MOST_IDLE: usize = 8;

/// What belongs to this machine.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where the hub is, if not where it was when this node joined.
    pub hub_url: Option<String>,
    /// A file with certificates of authorities that are trusted, besides those of the operating system, to say who the
    /// hub is.
    pub hub_ca: Option<PathBuf>,
    /// From one exchange to the next; nothing for only when asked.
    pub interval: Option<Duration>,
}

/// A node's link to its hub. Cheap to clone.
#[derive(Clone)]
pub struct Link(Arc<Inner>);

struct Inner {
    store: Store,
    settings: Settings,
    http: reqwest::Client,
    counter: AtomicI64,
    /// One exchange at a time.
    busy: Mutex<()>,
    last: StdMutex<Last>,
}

/// How the last tries went, since this process started.
#[derive(Debug, Clone, Default)]
pub struct Last {
    pub running: bool,
    pub tried_at: Option<UtcMillis>,
    /// What the last try came to, unless it succeeded.
    pub error: Option<Error>,
}

/// What syncing now came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Records that came, this node's own included, which the hub confirmed.
    pub received: usize,
    /// Records of this node that the hub can't take.
    pub refused: usize,
    pub exchanges: usize,
    /// Whether it goes on in the background.
    pub going_on: bool,
}

impl Link {
    /// # Errors
    /// `hub_ca_unusable`, or when there can be no HTTP client.
    pub fn new(store: Store, settings: Settings) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            store,
            http: client::http(settings.hub_ca.as_deref())?,
            counter: AtomicI64::new(0),
            busy: Mutex::new(()),
            last: StdMutex::new(Last::default()),
            settings,
        })))
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub fn last(&self) -> Last {
        self.last_mut(|last| last.clone())
    }

    fn last_mut<T>(&self, change: impl FnOnce(&mut Last) -> T) -> T {
        change(&mut self.0.last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where the hub is, if this node joined one.
    ///
    /// # Errors
    /// `disk_error` and its like.
    pub async fn hub_url(&self) -> Result<Option<String>> {
        let joined = self.0.store.read(hub::get).await?;
        Ok(joined.map(|hub| self.0.settings.hub_url.clone().unwrap_or(hub.url)))
    }

    /// # Errors
    /// `disk_error` and its like.
    pub async fn status(&self) -> Result<Status> {
        self.0.store.read(arise_sync::status).await
    }

    /// Takes a place at a hub.
    ///
    /// # Errors
    /// `hub_unreachable`, `join_code_wrong`, `hub_unproven`.
    pub async fn join(&self, url: &str, code: &str) -> Result<Joined> {
        let _busy = self.0.busy.lock().await;
        client::join(&self.0.store, &self.0.http, url, code).await
    }

    /// Whether something answers at the hub's address.
    pub async fn reaches(&self, url: &str, within: Duration) -> bool {
        let request = self.0.http.get(format!("{url}/api/health")).timeout(within);
        request.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Exchanges now, until nothing is left on either side. What takes longer than `patience` goes on without being
    /// waited for.
    ///
    /// # Errors
    /// `not_joined`, `hub_unreachable`, or the hub's refusal.
    pub async fn push(&self, patience: Duration) -> Result<Pushed> {
        let link = self.clone();
        let task = tokio::spawn(async move { link.sync().await });
        match tokio::time::timeout(patience, task).await {
            Ok(done) => done.map_err(|e| Error::internal(format!("syncing broke off: {e}")))?,
            Err(_) => Ok(Pushed { going_on: true, ..Pushed::default() }),
        }
    }

    /// Exchanges until nothing is left on either side. Whatever breaks it off, what was done stays done, and the
    /// next time goes on from there.
    ///
    /// # Errors
    /// `not_joined`, `hub_unreachable`, or the hub's refusal.
    pub async fn sync(&self) -> Result<Pushed> {
        let _busy = self.0.busy.lock().await;
        self.last_mut(|last| last.running = true);
        // Also when this is given up in the middle.
        let _end = Finally(|| self.last_mut(|last| last.running = false));
        let done = self.exchange_all().await;
        self.last_mut(|last| {
            last.tried_at = Some(self.0.store.clock().now());
            last.error = done.as_ref().err().cloned();
        });
        if done.as_ref().is_ok_and(|pushed| pushed.received > 0) {
            // What came is counted before somebody looks at it. Should that fail, it is counted when they do.
            let store = self.0.store.clone();
            tokio::spawn(async move { store.read_settled(|_| Ok(())).await });
        }
        done
    }

    async fn exchange_all(&self) -> Result<Pushed> {
        let store = &self.0.store;
        let hub = store.read(hub::get).await?.ok_or_else(not_joined)?;
        let hub_key = PublicKey::try_from(hub.public_key)
            .map_err(|_| Error::internal("the hub's key has the wrong length"))?;
        let url = self.0.settings.hub_url.clone().unwrap_or(hub.url);
        let mut pushed = Pushed::default();
        let mut idle = 0;
        // What the hub has taken since this began, though this node may not have heard of it yet.
        let mut offered = None;
        loop {
            if let Some(space) = store.space()
                && !self.waits().await
            {
                // What others wrote can wait until there is room for more than attendance.
                space.must_have_room()?;
            }
            let (progress, last) = self.exchange(&url, &hub_key, offered).await?;
            pushed.exchanges += 1;
            pushed.received += progress.received;
            pushed.refused += progress.refused;
            match progress.outcome {
                Outcome::Reset => {
                    tracing::warn!("the hub was restored: it is offered all that is here");
                }
                Outcome::Rekeyed => {
                    tracing::warn!("there is a copy of this server: it goes by another id now");
                }
                Outcome::Taken | Outcome::Ignored => {}
            }
            if !progress.more {
                return Ok(pushed);
            }
            offered = match progress.outcome {
                Outcome::Taken if last.is_some() => last,
                // With nothing to offer and nothing heard, something waits further back.
                Outcome::Taken if progress.received > 0 => offered,
                _ => None,
            };
            idle = if progress.received + progress.refused > 0 { 0 } else { idle + 1 };
            if idle > MOST_IDLE {
                return Err(Error::conflict(
                    "hub_refused",
                    "The hub and this server don't get on. Try later.",
                ));
            }
        }
    }

    /// One request, which offers what waits after `offered`, and its answer. Answers how far it offered, too.
    async fn exchange(
        &self,
        url: &str,
        hub_key: &PublicKey,
        offered: Option<OpId>,
    ) -> Result<(arise_sync::Progress, Option<OpId>)> {
        let store = &self.0.store;
        let (frame, last) = arise_sync::request_after(store, offered).await?;
        let asker = asker(store).await?;
        let mut counter = self.next_counter();
        for _ in 0..2 {
            let body = asker.seal(Purpose::Exchange, hub_key, counter, &frame);
            let request = self.0.http.post(format!("{url}/api/sync/exchange")).body(body.clone());
            match send(request, url, MAX_BODY + MAX_SEAL).await {
                Ok(answer) => {
                    let frame = seal::read_answer(Purpose::Exchange, hub_key, &body, &answer)?;
                    return Ok((arise_sync::accept(store, frame).await?, last));
                }
                // The clock was set back, or another copy of this node was heard: go on where the hub is.
                Err(error) if error.code == "replayed" => {
                    let last = error.extra.get("counter").and_then(|counter| counter.parse().ok());
                    let Some(last) = last.filter(|last: &i64| *last < i64::MAX) else { return Err(error) };
                    counter = last + 1;
                    self.0.counter.fetch_max(counter, Ordering::SeqCst);
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::unavailable("hub_unreachable", "Another copy of this server is syncing at this moment."))
    }

    /// Rises with each request, also after a restart, as long as the clock does.
    fn next_counter(&self) -> i64 {
        let now = self.0.store.clock().now();
        let before = self
            .0
            .counter
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |last| Some(now.max(last.saturating_add(1))));
        now.max(before.unwrap_or_default().saturating_add(1))
    }

    /// Exchanges every interval, soon after something was written, and again after failures. Never returns.
    pub async fn run(self) {
        let Some(interval) = self.0.settings.interval else { return std::future::pending().await };
        let mut failures = 0;
        // Classrooms that are switched on by the same bell don't ask in the same moment.
        let mut next = Instant::now() + FIRST_BACKOFF.mul_f64(fastrand::f64());
        let mut ended = Instant::now();
        loop {
            tokio::time::sleep(LOOK).await;
            let now = Instant::now();
            let due = now >= next || (failures == 0 && now >= ended + AFTER_WRITES && self.waits().await);
            if !due || !matches!(self.hub_url().await, Ok(Some(_))) {
                continue;
            }
            match self.sync().await {
                Ok(pushed) => {
                    failures = 0;
                    if pushed.received > 0 {
                        tracing::info!(records = pushed.received, exchanges = pushed.exchanges, "synced");
                    }
                }
                Err(error) => {
                    failures += 1;
                    // Being offline is a classroom's everyday life.
                    if error.code == "hub_unreachable" {
                        tracing::info!(failures, "the hub can't be reached");
                    } else {
                        tracing::warn!(%error, failures, "syncing failed");
                    }
                }
            }
            ended = Instant::now();
            next = ended + pause(interval, failures);
        }
    }

    /// Whether records wait that the hub doesn't have.
    async fn waits(&self) -> bool {
        let waiting = self.0.store.read(|tx| {
            let state = sync::state(tx)?;
            Ok(!sync::unsent(tx, &state, 1)?.is_empty())
        });
        waiting.await.unwrap_or_default()
    }
}

/// How long until the next exchange, with jitter.
fn pause(interval: Duration, failures: u32) -> Duration {
    if failures == 0 {
        return interval.mul_f64(0.9 + 0.2 * fastrand::f64());
    }
    let longer = FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(failures - 1));
    longer.min(LONGEST_BACKOFF).min(interval.max(FIRST_BACKOFF)).mul_f64(0.5 + 0.5 * fastrand::f64())
}

/// This node as it signs, with a key of its own for its present id.
pub(crate) async fn asker(store: &Store) -> Result<Asker> {
    let known = store
        .read(|tx| {
            let node = node::id(tx)?;
            let Some(secret) = key::of(tx, node)? else { return Ok(None) };
            let formerly = match sync::state(tx)?.formerly {
                Some(formerly) => key::of(tx, formerly)?.map(|secret| (formerly, secret)),
                None => None,
            };
            Ok(Some(Asker { node, secret, formerly }))
        })
        .await?;
    if let Some(asker) = known {
        return Ok(asker);
    }
    store.write(key::own).await?;
    Box::pin(asker(store)).await
}

pub(crate) fn not_joined() -> Error {
    Error::conflict(
        "not_joined",
        "This server hasn't joined a hub yet. Ask the hub's administrator for a code and join with it.",
    )
}

struct Finally<F: FnMut()>(F);

impl<F: FnMut()> Drop for Finally<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_failures_up_to_the_interval() {
        let interval = Duration::from_secs(300);
        let bounds = |failures| {
            let pauses: Vec<f64> = (0..200).map(|_| pause(interval, failures).as_secs_f64()).collect();
            (pauses.iter().copied().fold(f64::MAX, f64::min), pauses.iter().copied().fold(0.0, f64::max))
        };
        for (failures, least, most) in [(0, 270.0, 330.0), (1, 1.0, 2.0), (4, 8.0, 16.0), (40, 150.0, 300.0)]
        {
            let (low, high) = bounds(failures);
            assert!(low >= least && high <= most && high > low, "{failures}: {low} to {high}");
        }
        assert!(pause(Duration::from_secs(1), 9) <= FIRST_BACKOFF);
    }
}
