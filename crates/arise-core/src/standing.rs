//! Whether a student attends enough.

use crate::Tally;
use crate::setting::Settings;
use crate::tally::needed_to_reach;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    Good,
    /// Below the minimum.
    Warning,
    /// Below the critical share too.
    Critical,
}

impl Standing {
    /// Against the institution's thresholds. A student without a session that counts is warned of nothing.
    pub fn of(tally: &Tally, settings: &Settings) -> Self {
        let is_below = |threshold| needed_to_reach(threshold, tally.attended(), tally.total()) != Some(0);
        if is_below(settings.critical_percent) {
            Self::Critical
        } else if is_below(settings.min_attendance_percent) {
            Self::Warning
        } else {
            Self::Good
        }
    }

    pub fn is_at_risk(self) -> bool {
        self != Self::Good
    }

    /// The word that students read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The word of the administrators' lists.
    pub fn as_admin_str(self) -> &'static str {
        match self {
            Self::Good => "safe",
            Self::Warning | Self::Critical => self.as_str(),
        }
    }

    pub fn color(self) -> &'static str {
        match self {
            Self::Good => "green",
            Self::Warning => "orange",
            Self::Critical => "red",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(attended: i64, total: i64) -> Tally {
        Tally { sessions: total, present: attended, ..Tally::default() }
    }

    #[test]
    fn the_threshold_itself_is_enough() {
        let settings = Settings::default();
        assert_eq!(Standing::of(&tally(3, 4), &settings), Standing::Good);
        assert_eq!(Standing::of(&tally(74, 100), &settings), Standing::Warning);
        assert_eq!(Standing::of(&tally(60, 100), &settings), Standing::Warning);
        assert_eq!(Standing::of(&tally(59, 100), &settings), Standing::Critical);
        assert_eq!(Standing::of(&tally(0, 0), &settings), Standing::Good);
    }

    #[test]
    fn excused_from_everything_is_no_warning() {
        let excused = Tally { sessions: 5, excused: 5, ..Tally::default() };
        assert_eq!(Standing::of(&excused, &Settings::default()), Standing::Good);
    }

    proptest! {
        #[test]
        fn it_never_gets_worse_by_attending(attended in 0..100_i64, missed in 0..100_i64) {
            let settings = Settings::default();
            let before = Standing::of(&tally(attended, attended + missed), &settings);
            let after = Standing::of(&tally(attended + 1, attended + missed + 1), &settings);
            prop_assert!(after <= before);
        }

        #[test]
        fn it_agrees_with_the_fraction(attended in 0..200_i64, missed in 0..200_i64, min in 1..=100_i64) {
            let settings =
                Settings { min_attendance_percent: min, critical_percent: min / 2, ..Settings::default() };
            let total = attended + missed;
            let expected = if 100 * attended < min / 2 * total {
                Standing::Critical
            } else if 100 * attended < min * total {
                Standing::Warning
            } else {
                Standing::Good
            };
            prop_assert_eq!(Standing::of(&tally(attended, total), &settings), expected);
        }
    }
}
