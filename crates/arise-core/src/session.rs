//! A session: one class of one course, from its start to the moment the clock closes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::MINUTE;
use crate::{Error, Result, Status, UtcMillis};

pub const MIN_MINUTES: i64 = 1;
pub const MAX_MINUTES: i64 = 8 * 60;
/// How long before its time a session may be started, and takes marks.
pub const MAX_AHEAD: UtcMillis = 30 * MINUTE;
/// What one press of "+10 min" adds.
pub const EXTENSION: UtcMillis = 10 * MINUTE;
/// How long after its end a teacher may reopen a session.
pub const REOPEN_WITHIN: UtcMillis = 10 * MINUTE;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionType {
    Offline,
    Online,
}

impl SessionType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Online => "online",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Offline, Self::Online].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// When a session runs. The clock alone decides whether it is open; nothing has to run for it to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub starts_at: UtcMillis,
    /// Start + duration + extensions.
    pub ends_at: UtcMillis,
    /// How long after `ends_at` marks are still taken, as it was set when the session started.
    pub grace: UtcMillis,
    /// How long after `starts_at` a student counts as late; 0 for never.
    pub late_after: UtcMillis,
    /// When the teacher ended it, if they did.
    pub ended_at: Option<UtcMillis>,
}

impl Window {
    /// The moment from which no mark is taken any more.
    pub fn closes_at(&self) -> UtcMillis {
        self.ended_at.unwrap_or(self.ends_at + self.grace)
    }

    pub fn is_open(&self, now: UtcMillis) -> bool {
        now < self.closes_at()
    }

    /// Whether a finger placed at `at` was placed during this session.
    pub fn covers(&self, at: UtcMillis) -> bool {
        self.starts_at <= at && at < self.closes_at()
    }

    /// Whole seconds until the planned end; 0 from then on, during the grace too.
    pub fn seconds_remaining(&self, now: UtcMillis) -> i64 {
        if self.is_open(now) { ((self.ends_at - now) / 1_000).max(0) } else { 0 }
    }

    /// Present, or late when observed after the allowance.
    pub fn status_at(&self, observed_at: UtcMillis) -> Status {
        if self.late_after > 0 && observed_at >= self.starts_at + self.late_after {
            Status::Late
        } else {
            Status::Present
        }
    }

    /// Until when the teacher may reopen it; `None` while it is open or when that time has passed.
    pub fn can_reopen_until(&self, now: UtcMillis) -> Option<UtcMillis> {
        let until = self.closes_at() + REOPEN_WITHIN;
        (!self.is_open(now) && now < until).then_some(until)
    }
}

/// The topic of a session, trimmed; at most 200 characters.
pub fn checked_topic(topic: &str) -> Result<String> {
    crate::text::optional("topic", topic, 200)
}

/// # Errors
/// `invalid_field` outside [`MIN_MINUTES`]..=[`MAX_MINUTES`].
pub fn checked_minutes(field: &str, minutes: i64) -> Result<i64> {
    if (MIN_MINUTES..=MAX_MINUTES).contains(&minutes) {
        return Ok(minutes);
    }
    Err(Error::invalid(field, format!("A session lasts from {MIN_MINUTES} to {MAX_MINUTES} minutes.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        starts_at: 0,
        ends_at: 60 * MINUTE,
        grace: 5 * MINUTE,
        late_after: 10 * MINUTE,
        ended_at: None,
    };

    #[test]
    fn the_clock_closes_a_session() {
        assert!(WINDOW.is_open(65 * MINUTE - 1));
        assert!(!WINDOW.is_open(65 * MINUTE));
        assert!(WINDOW.covers(0) && !WINDOW.covers(-1));
        assert_eq!(WINDOW.seconds_remaining(0), 3_600);
        assert_eq!(WINDOW.seconds_remaining(62 * MINUTE), 0);
    }

    #[test]
    fn ending_early_closes_it_at_once_and_it_may_be_reopened_for_a_while() {
        let ended = Window { ended_at: Some(30 * MINUTE), ..WINDOW };
        assert!(!ended.is_open(30 * MINUTE));
        assert_eq!(ended.seconds_remaining(31 * MINUTE), 0);
        assert_eq!(ended.can_reopen_until(31 * MINUTE), Some(40 * MINUTE));
        assert_eq!(ended.can_reopen_until(40 * MINUTE), None);
        assert_eq!(WINDOW.can_reopen_until(1), None);
    }

    #[test]
    fn late_after_the_allowance_only() {
        assert_eq!(WINDOW.status_at(10 * MINUTE - 1), Status::Present);
        assert_eq!(WINDOW.status_at(10 * MINUTE), Status::Late);
        assert_eq!(Window { late_after: 0, ..WINDOW }.status_at(59 * MINUTE), Status::Present);
    }

    #[test]
    fn minutes_have_bounds() {
        assert_eq!(checked_minutes("duration_minutes", 0).unwrap_err().code, "invalid_field");
        assert!(checked_minutes("duration_minutes", 480).is_ok());
        assert!(checked_minutes("duration_minutes", 481).is_err());
    }
}
