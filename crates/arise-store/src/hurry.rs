//! Who waits for the writer: what isn't urgent and is done in parts makes way for them, and rests while they come.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use thread_priority::ThreadPriority;

/// For how long after somebody wrote others are expected.
const BUSY: Duration = Duration::from_millis(250);
/// How long work in parts then rests after each. Not the processor is short but the disk: on one that is kept busy, a
/// mark's few pages take many times as long.
const REST: Duration = Duration::from_millis(200);

#[derive(Debug)]
pub(crate) struct Hurry {
    begun: Instant,
    waiting: AtomicUsize,
    /// Milliseconds from the beginning until somebody came last.
    last: AtomicU64,
}

impl Hurry {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), waiting: AtomicUsize::new(0), last: AtomicU64::new(0) }
    }

    /// Somebody waits, until what this answers is dropped.
    pub(crate) fn enter(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.last.store(self.now(), Ordering::Relaxed);
        Waiting(self)
    }

    pub(crate) fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Whether somebody came a moment ago.
    pub(crate) fn is_busy(&self) -> bool {
        let quiet = self.now().saturating_sub(self.last.load(Ordering::Relaxed));
        Duration::from_millis(quiet) < BUSY
    }

    /// Rests, unless nobody came for a while.
    pub(crate) async fn rest(&self) {
        if self.is_busy() {
            tokio::time::sleep(REST).await;
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

pub(crate) struct Waiting<'a>(&'a Hurry);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets every other thread of the machine go before the present one. Where that isn't allowed it takes its turns.
pub(crate) fn be_patient() {
    // With mere niceness it would keep others waiting for the rest of its slice, which is longer than a mark takes.
    #[cfg(target_os = "linux")]
    let set = {
        use thread_priority::unix::{self, NormalThreadSchedulePolicy, ThreadSchedulePolicy};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        unix::set_thread_priority_and_policy(unix::thread_native_id(), ThreadPriority::Min, idle)
    };
    #[cfg(not(target_os = "linux"))]
    let set = ThreadPriority::Min.set_for_current();
    if let Err(error) = set {
        tracing::debug!(?error, "a patient thread has the priority of others");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_waits_is_counted_until_they_are_answered() {
        let hurry = Hurry::new();
        assert!(!hurry.is_awaited());
        let (one, other) = (hurry.enter(), hurry.enter());
        assert!(hurry.is_awaited() && hurry.is_busy());
        drop(one);
        assert!(hurry.is_awaited());
        drop(other);
        assert!(!hurry.is_awaited());
    }
}
