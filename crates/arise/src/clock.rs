//! The clock of this program.

use std::sync::Arc;

use arise_core::{Clock, SystemClock};

/// The machine's clock. Builds for tests can be told that it is wrong, by so many milliseconds.
pub(crate) fn clock() -> Arc<dyn Clock> {
    #[cfg(debug_assertions)]
    if let Some(by) = std::env::var("ARISE_TEST_CLOCK_MS").ok().and_then(|by| by.parse().ok()) {
        return Arc::new(Wrong(by));
    }
    Arc::new(SystemClock)
}

#[cfg(debug_assertions)]
struct Wrong(arise_core::UtcMillis);

#[cfg(debug_assertions)]
impl Clock for Wrong {
    fn now(&self) -> arise_core::UtcMillis {
        SystemClock.now() + self.0
    }
}
