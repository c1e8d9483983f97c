//! What a student may be proud of.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Tally;
use crate::streak::Streaks;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Badge {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub icon: &'static str,
    pub description: &'static str,
}

const FIRST_STEP: Badge = Badge { kind: "first_step", icon: "👣", description: "Attended a first session" };
const CONSISTENT: Badge =
    Badge { kind: "consistent", icon: "🔥", description: "Attended 5 sessions of a course in a row" };
const PERFECT_WEEK: Badge =
    Badge { kind: "perfect_week", icon: "⭐", description: "Attended 7 sessions of a course in a row" };
const IRON: Badge =
    Badge { kind: "iron", icon: "🛡️", description: "Attended 15 sessions of a course in a row" };
const HIGH_ATTENDANCE: Badge =
    Badge { kind: "high_attendance", icon: "🏆", description: "Attended at least 90% of all sessions" };

/// The badges of a student. Those for runs are kept once earned: the longest run decides.
pub fn earned(tally: &Tally, streaks: Streaks) -> Vec<Badge> {
    let (attended, total) = (tally.attended(), tally.total());
    [
        (FIRST_STEP, attended > 0),
        (CONSISTENT, streaks.longest >= 5),
        (PERFECT_WEEK, streaks.longest >= 7),
        (IRON, streaks.longest >= 15),
        (HIGH_ATTENDANCE, attended > 0 && 100 * attended >= 90 * total),
    ]
    .into_iter()
    .filter_map(|(badge, is_earned)| is_earned.then_some(badge))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(attended: i64, total: i64, longest: i64) -> Vec<&'static str> {
        let tally = Tally { sessions: total, present: attended, ..Tally::default() };
        earned(&tally, Streaks { longest, ..Streaks::default() }).iter().map(|badge| badge.kind).collect()
    }

    #[test]
    fn each_from_its_bound_on() {
        assert!(kinds(0, 10, 0).is_empty());
        assert!(kinds(0, 0, 0).is_empty());
        assert_eq!(kinds(1, 10, 4), ["first_step"]);
        assert_eq!(kinds(5, 10, 5), ["first_step", "consistent"]);
        assert_eq!(kinds(8, 10, 7), ["first_step", "consistent", "perfect_week"]);
        assert_eq!(kinds(9, 10, 15), ["first_step", "consistent", "perfect_week", "iron", "high_attendance"]);
    }
}
