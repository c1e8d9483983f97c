//! Counts of a student in a course and what they mean. Every percentage in arise comes from here.

use serde::{Deserialize, Serialize};

use crate::Status;

/// How a student stands over a set of sessions that count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Ended sessions held while the student was enrolled.
    pub sessions: i64,
    pub present: i64,
    pub late: i64,
    /// Sessions from which the student was excused; they don't count for or against.
    pub excused: i64,
}

impl Tally {
    pub fn attended(&self) -> i64 {
        self.present + self.late
    }

    /// The denominator.
    pub fn total(&self) -> i64 {
        self.sessions - self.excused
    }

    pub fn absent(&self) -> i64 {
        self.total() - self.attended()
    }

    pub fn percentage(&self) -> f64 {
        percentage(self.attended(), self.total())
    }

    /// Counts one session. `None` is a student nobody marked: absent.
    pub fn add(&mut self, status: Option<Status>) {
        self.sessions += 1;
        match status {
            Some(Status::Present) => self.present += 1,
            Some(Status::Late) => self.late += 1,
            Some(Status::Excused) => self.excused += 1,
            Some(Status::Absent) | None => {}
        }
    }

    /// Counts everything that `other` counts.
    pub fn merge(&mut self, other: &Self) {
        self.sessions += other.sessions;
        self.present += other.present;
        self.late += other.late;
        self.excused += other.excused;
    }
}

/// `part` of `whole` in hundredths of a percent, rounded half up; 0 of nothing is 0. In whole numbers, so
/// that a database that sorts by it comes to the same digits.
pub fn hundredths(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 0;
    }
    (20_000 * part + whole) / (2 * whole)
}

/// `part` of `whole` in percent, rounded to two decimals; 0 of nothing is 0.
pub fn percentage(part: i64, whole: i64) -> f64 {
    two_decimals(hundredths(part, whole))
}

/// `sum` over `count` things on average, rounded to two decimals; 0 over none is 0.
pub fn average(sum: i64, count: i64) -> f64 {
    if count <= 0 {
        return 0.0;
    }
    two_decimals((200 * sum + count) / (2 * count))
}

#[expect(clippy::cast_precision_loss, reason = "counts of marks are far below 2^52")]
fn two_decimals(hundredths: i64) -> f64 {
    hundredths as f64 / 100.0
}

/// The smallest number of further sessions, all attended, after which the share is at least `threshold`
/// percent: the smallest n with (attended + n) / (total + n) ≥ threshold. `None` when no number is enough
/// (a threshold of 100 with an absence).
pub fn needed_to_reach(threshold: i64, attended: i64, total: i64) -> Option<i64> {
    let short = threshold * total - 100 * attended;
    if short <= 0 {
        return Some(0);
    }
    if threshold >= 100 {
        return None;
    }
    Some((short + (100 - threshold) - 1) / (100 - threshold))
}

/// Whether `left` further sessions, all attended, are enough for a share of `threshold` percent.
pub fn can_reach(threshold: i64, attended: i64, total: i64, left: i64) -> bool {
    needed_to_reach(threshold, attended, total).is_some_and(|needed| needed <= left)
}

/// The largest number of further sessions that may all be missed with the share still at least `threshold`
/// percent: the largest n with attended / (total + n) ≥ threshold.
pub fn can_miss(threshold: i64, attended: i64, total: i64) -> i64 {
    if threshold <= 0 {
        return i64::MAX;
    }
    ((100 * attended - threshold * total) / threshold).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn needed_is_the_smallest_that_is_enough(threshold in 1..100_i64, total in 0..300_i64, missed in 0..300_i64) {
            let attended = (total - missed).max(0);
            let n = needed_to_reach(threshold, attended, total).unwrap();
            let reaches = |n: i64| 100 * (attended + n) >= threshold * (total + n);
            prop_assert!(reaches(n));
            prop_assert!(n == 0 || !reaches(n - 1));
        }

        #[test]
        fn it_can_be_reached_when_attending_everything_left_is_enough(
            threshold in 1..=100_i64, total in 0..300_i64, missed in 0..300_i64, left in 0..100_i64,
        ) {
            let attended = (total - missed).max(0);
            let reaches = 100 * (attended + left) >= threshold * (total + left);
            prop_assert_eq!(can_reach(threshold, attended, total, left), reaches);
        }

        #[test]
        fn can_miss_is_the_largest_that_is_allowed(threshold in 1..=100_i64, total in 1..300_i64, missed in 0..300_i64) {
            let attended = (total - missed).max(0);
            let n = can_miss(threshold, attended, total);
            let holds = |n: i64| 100 * attended >= threshold * (total + n);
            prop_assert!(!holds(n + 1));
            prop_assert!(n == 0 || holds(n));
        }

        #[test]
        fn a_percentage_stays_between_0_and_100(statuses in prop::collection::vec(
            prop::option::of(prop::sample::select(Status::ALL.to_vec())), 0..100)) {
            let mut tally = Tally::default();
            for status in statuses {
                tally.add(status);
            }
            prop_assert!((0.0..=100.0).contains(&tally.percentage()));
            prop_assert!(tally.absent() >= 0);
        }
    }

    #[test]
    fn halves_are_rounded_up_however_a_fraction_is_written_in_binary() {
        // 1/160 is 0.625 %.
        assert_eq!(percentage(1, 160).to_string(), "0.63");
        assert_eq!(percentage(2, 3).to_string(), "66.67");
        assert_eq!(percentage(7, 7).to_string(), "100");
        assert_eq!(average(7, 3).to_string(), "2.33");
        assert_eq!((percentage(0, 0), average(0, 0)), (0.0, 0.0));
    }

    #[test]
    fn an_explicit_absence_is_an_absence_and_an_excuse_is_neither() {
        let mut tally = Tally::default();
        for status in
            [Some(Status::Present), Some(Status::Late), Some(Status::Absent), None, Some(Status::Excused)]
        {
            tally.add(status);
        }
        assert_eq!((tally.attended(), tally.absent(), tally.total()), (2, 2, 4));
        assert!((tally.percentage() - 50.0).abs() < f64::EPSILON);
    }

    #[test]
    fn eight_classes_where_the_old_alert_said_two() {
        assert_eq!(needed_to_reach(75, 10, 16), Some(8));
        assert_eq!(needed_to_reach(100, 9, 10), None);
    }
}
