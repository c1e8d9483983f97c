//! The wall clock of a device that has none.
//!
//! The server tells the time; between its answers the uptime carries it on. After a restart the wall clock is unknown until
//! the server answers again, and the last time that was written down is only a lower bound.

/// Wall clock as an offset from uptime.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    offset: Option<i64>,
    at_least: Option<i64>,
}

impl Clock {
    /// A clock after a restart; `at_least` is the last wall clock written to flash, UTC ms.
    #[must_use]
    pub const fn restarted(at_least: Option<i64>) -> Self {
        Self { offset: None, at_least }
    }

    /// Learns the time: the server said `utc_ms` in an answer to a request sent at `sent` that arrived at `now` (uptime).
    /// The middle of the two is taken, which errs by at most half of the round trip.
    pub fn learn(&mut self, utc_ms: i64, sent: u64, now: u64) {
        let middle = sent + now.saturating_sub(sent) / 2;
        self.offset = Some(utc_ms.saturating_sub_unsigned(middle));
    }

    /// UTC ms at an uptime of the present boot, when known.
    #[must_use]
    pub fn at(&self, uptime: u64) -> Option<i64> {
        self.offset.map(|offset| offset.saturating_add_unsigned(uptime))
    }

    /// UTC ms that it is at least, for choosing among cached sessions after a restart without network.
    #[must_use]
    pub fn at_least(&self, uptime: u64) -> Option<i64> {
        self.at(uptime).or_else(|| self.at_least.map(|time| time.saturating_add_unsigned(uptime)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_only_once_told() {
        let mut clock = Clock::restarted(Some(1_000_000));
        assert_eq!((clock.at(5), clock.at_least(5)), (None, Some(1_000_005)));
        clock.learn(9_000_000, 100, 140);
        assert_eq!((clock.at(120), clock.at(1120)), (Some(9_000_000), Some(9_001_000)));
    }
}
