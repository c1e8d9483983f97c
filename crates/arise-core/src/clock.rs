//! Time is handed in, never looked up, so that tests can set it.

use std::sync::atomic::{AtomicI64, Ordering};

/// Milliseconds since 1970-01-01T00:00:00Z. Every `*_at` is one.
pub type UtcMillis = i64;

pub const SECOND: UtcMillis = 1_000;
pub const MINUTE: UtcMillis = 60 * SECOND;
pub const HOUR: UtcMillis = 60 * MINUTE;
pub const DAY: UtcMillis = 24 * HOUR;

pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> UtcMillis;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> UtcMillis {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        // A clock before 1970 is a dead battery: 0 is as good as any other wrong time.
        since.ok().and_then(|d| i64::try_from(d.as_millis()).ok()).unwrap_or_default()
    }
}

/// A clock that stands still until told to move.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    pub fn at(now: UtcMillis) -> Self {
        Self(AtomicI64::new(now))
    }

    pub fn set(&self, now: UtcMillis) {
        self.0.store(now, Ordering::SeqCst);
    }

    pub fn advance(&self, by: UtcMillis) {
        self.0.fetch_add(by, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UtcMillis {
        self.0.load(Ordering::SeqCst)
    }
}
