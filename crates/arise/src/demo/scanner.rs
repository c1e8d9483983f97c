//! The demo's scanner: a real one but for its sensor and its fingers, and the students who come to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use arise_core::SessionId;
use arise_scanner_sim::sensor::Timing;
use arise_scanner_sim::{Fingers, Manners, Script, SimConfig, Simulator};
use arise_store::{Store, enrolment, session};
use tokio::sync::oneshot;

use super::Pace;

const NAME: &str = "Scanner 1";
const MAC: &str = "02:00:5e:10:00:01";
/// Fingers in its sensor: two of each student of the largest class, and some to spare.
const SLOTS: u16 = 200;
/// One student in twelve doesn't come.
const ABSENT_IN: usize = 12;
/// How long it may take to stop.
const PATIENCE: Duration = Duration::from_secs(1);

/// A scanner that runs on a thread of its own.
pub(super) struct Running {
    stop: Arc<AtomicBool>,
    ended: oneshot::Receiver<()>,
}

impl Running {
    /// Stops it. One that waits for an answer meanwhile ends with the program.
    pub(super) async fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = tokio::time::timeout(PATIENCE, self.ended).await;
    }
}

/// Pairs and then marks whichever class the server gives this scanner, until it is stopped.
pub(super) fn start(store: Store, base: String, code: String, pace: Pace) -> anyhow::Result<Running> {
    let stop = Arc::new(AtomicBool::new(false));
    let (end, ended) = oneshot::channel();
    let stopped = Arc::clone(&stop);
    let work = move || {
        if let Err(error) = run(&store, &base, &code, pace, &stopped) {
            tracing::warn!(%error, "the simulated scanner stopped");
        }
        // Nobody waits unless the demo is stopping.
        let _ = end.send(());
    };
    thread::Builder::new().name("scanner".to_owned()).spawn(work).context("the scanner can't start")?;
    Ok(Running { stop, ended })
}

fn run(store: &Store, base: &str, code: &str, pace: Pace, stop: &AtomicBool) -> anyhow::Result<()> {
    let mut config = SimConfig::new(base, NAME, MAC, (1..=SLOTS).collect());
    if pace == Pace::Fast {
        config.fingers = Fingers::Simulated(Timing::NONE);
        config.manners = Manners::HASTY;
    }
    let mut scanner = Simulator::new(config)?.pair(code)?;
    let class = |session: &str| {
        class_of(store, session, pace).unwrap_or_else(|error| {
            tracing::warn!(%error, session, "nobody comes to this class");
            Script::nobody()
        })
    };
    scanner.run_sessions(class, stop);
    Ok(())
}

/// Those who come to this session, each with the first of their two fingers.
fn class_of(store: &Store, session: &str, pace: Pace) -> anyhow::Result<Script> {
    let session: SessionId = session.parse()?;
    let roster = store.read_blocking(move |tx| {
        let session = session::get(tx, session)?;
        enrolment::roster_on(tx, session.course_id, &session.held_on)
    })?;
    let rolls = roster.into_iter().filter_map(|student| u16::try_from(student.class_roll_id).ok());
    let mut slots: Vec<u16> =
        rolls.filter(|roll| (1..=SLOTS / 2).contains(roll)).map(|roll| roll * 2 - 1).collect();
    let (seed, _) = session.0.as_u64_pair();
    fastrand::Rng::with_seed(seed).shuffle(&mut slots);
    slots.truncate(slots.len() - slots.len() / ABSENT_IN);
    Ok(Script::class(&slots, pace.every(), seed))
}
