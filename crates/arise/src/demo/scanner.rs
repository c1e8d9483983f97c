//! A scanner made of software that speaks the signed protocol to the server over HTTP, and the students who
//! come to it.

use std::collections::HashSet;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context, bail};
use arise_core::signature::{self, Key};
use arise_core::{DeviceId, SessionId};
use arise_store::{Store, enrolment, session};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

/// One student in twelve doesn't come.
const ABSENT_IN: usize = 12;

#[derive(Deserialize)]
struct Paired {
    device_id: DeviceId,
    key: String,
}

struct Scanner {
    http: reqwest::Client,
    base: String,
    id: DeviceId,
    key: Key,
    counter: u64,
    seq: u64,
}

/// Pairs and then marks whichever class the server gives this scanner, until told to stop.
pub(super) async fn run(
    store: Store,
    base: String,
    device: DeviceId,
    code: String,
    pace: Range<u64>,
    mut stopped: watch::Receiver<bool>,
) {
    let work = async {
        let mut scanner = Scanner::pair(base, &code).await?;
        debug_assert_eq!(scanner.id, device);
        scanner.take_classes(&store, pace).await
    };
    tokio::select! {
        outcome = work => {
            let outcome: anyhow::Result<()> = outcome;
            if let Err(error) = outcome {
                tracing::warn!(%error, "the simulated scanner stopped");
            }
        }
        _ = stopped.wait_for(|stop| *stop) => {}
    }
}

impl Scanner {
    async fn pair(base: String, code: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        let paired: Paired = http
            .post(format!("{base}/api/device/pair"))
            .json(&json!({"code": code, "mac_address": "02:00:5E:10:00:01", "firmware": "simulated"}))
            .send()
            .await?
            .error_for_status()?
            .json()
            .await?;
        let key = hex::decode(&paired.key)?.try_into().ok().context("a key has 32 bytes")?;
        Ok(Self { http, base, id: paired.device_id, key, counter: 0, seq: 0 })
    }

    async fn take_classes(&mut self, store: &Store, pace: Range<u64>) -> anyhow::Result<()> {
        let mut came: HashSet<(SessionId, i64)> = HashSet::new();
        let mut marked = 0_u64;
        loop {
            let state = self.send("GET", "/api/device/state", None).await?;
            self.heartbeat(marked).await?;
            let session = state["session"]["id"].as_str().and_then(|id| id.parse::<SessionId>().ok());
            let waiting = match session {
                Some(session) => students_who_come(store, session).await?,
                None => vec![],
            };
            let next = waiting.into_iter().find(|roll| session.is_some_and(|s| !came.contains(&(s, *roll))));
            match (session, next) {
                (Some(session), Some(roll)) => {
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(pace.clone()))).await;
                    came.insert((session, roll));
                    self.mark(roll).await?;
                    marked += 1;
                }
                // Between classes the scanner looks every few seconds, as a real one does.
                _ => tokio::time::sleep(Duration::from_secs(3)).await,
            }
        }
    }

    async fn mark(&mut self, roll: i64) -> anyhow::Result<()> {
        self.seq += 1;
        // Each student's first finger; two slots a student.
        let mark = json!({"seq": self.seq, "slot": roll * 2 - 1, "boot": 1, "uptime_ms": 1_000});
        let body = json!({"marks": [mark], "boot": 1, "uptime_ms": 1_000});
        self.send("POST", "/api/device/marks", Some(&body)).await.map(|_| ())
    }

    async fn heartbeat(&mut self, marked: u64) -> anyhow::Result<()> {
        let battery = 100_u64.saturating_sub(marked / 20).max(40);
        let body = json!({
            "mac_address": "02:00:5E:10:00:01", "wifi_strength": -58, "battery": battery, "queue_count": 0,
            "sync_count": marked, "firmware": "simulated",
        });
        self.send("POST", "/api/device/heartbeat", Some(&body)).await.map(|_| ())
    }

    async fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        self.counter += 1;
        let body = body.map(Value::to_string).unwrap_or_default();
        let signature = signature::sign(&self.key, method, path, self.counter, body.as_bytes());
        let answer = self
            .http
            .request(method.parse()?, format!("{}{path}", self.base))
            .header("content-type", "application/json")
            .header("x-arise-device", self.id.to_string())
            .header("x-arise-counter", self.counter)
            .header("x-arise-signature", signature)
            .body(body)
            .send()
            .await?;
        if !answer.status().is_success() {
            bail!("{path}: {}", answer.text().await?);
        }
        Ok(answer.json().await?)
    }
}

/// The class roll ids of those who come to this session, in the order in which they come.
async fn students_who_come(store: &Store, session: SessionId) -> anyhow::Result<Vec<i64>> {
    let roster = store
        .read(move |tx| {
            let session = session::get(tx, session)?;
            enrolment::roster_on(tx, session.course_id, &session.held_on)
        })
        .await?;
    let mut rolls: Vec<i64> = roster.into_iter().map(|student| student.class_roll_id).collect();
    let (seed, _) = session.0.as_u64_pair();
    let mut random = fastrand::Rng::with_seed(seed);
    random.shuffle(&mut rolls);
    rolls.truncate(rolls.len() - rolls.len() / ABSENT_IN);
    Ok(rolls)
}
