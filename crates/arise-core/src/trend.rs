//! Whether a student's attendance rises or falls.

use schemars::JsonSchema;
use serde::Serialize;

use crate::Status;
use crate::tally::percentage;

/// Sessions that stand for the last days. They are counted, not dated: a course may meet once a week.
pub const FEW: usize = 7;
pub const MANY: usize = 30;
/// Percentage points by which the last few sessions may differ from the many without being a direction.
pub const TOLERANCE: f64 = 5.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Up,
    Down,
    Stable,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Trend {
    /// The share of the last [`FEW`] sessions that was attended, in percent.
    pub few: f64,
    /// The share of the last [`MANY`].
    pub many: f64,
    pub direction: Direction,
}

impl Trend {
    /// Of one course's sessions in the order in which they were held; excused ones are as if not held.
    pub fn of(statuses: &[Status]) -> Self {
        let (few, many) = (last(statuses, FEW), last(statuses, MANY));
        let direction = if few > many + TOLERANCE {
            Direction::Up
        } else if few < many - TOLERANCE {
            Direction::Down
        } else {
            Direction::Stable
        };
        Self { few, many, direction }
    }
}

fn last(statuses: &[Status], number: usize) -> f64 {
    let (mut attended, mut total) = (0, 0);
    for status in statuses.iter().rev().filter(|status| **status != Status::Excused).take(number) {
        attended += i64::from(status.attended());
        total += 1;
    }
    percentage(attended, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(letters: &str) -> Trend {
        Trend::of(&letters.chars().filter_map(Status::from_letter).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_sessions_against_more_of_them() {
        let rising = of("AAAAAAAPPPPPPP");
        assert_eq!((rising.few, rising.many, rising.direction), (100.0, 50.0, Direction::Up));
        assert_eq!(of("PPPPPPPAAAAAAA").direction, Direction::Down);
        assert_eq!(of("PPAPPPAPPPAPPA").direction, Direction::Stable);
    }

    #[test]
    fn sessions_are_counted_without_the_excused_ones() {
        let trend = of("APPPEEEEEEPPPP");
        assert_eq!((trend.few, trend.many), (100.0, 87.5));
        assert_eq!(of("").direction, Direction::Stable);
    }

    proptest! {
        #[test]
        fn until_there_are_more_than_a_few_nothing_moves(letters in "[PLA]{0,7}") {
            let trend = of(&letters);
            prop_assert_eq!(trend.direction, Direction::Stable);
            prop_assert!((trend.few - trend.many).abs() < f64::EPSILON);
        }

        #[test]
        fn what_is_older_than_the_many_does_not_matter(old in "[PLA]{0,20}", new in "[PLA]{30}") {
            prop_assert_eq!(of(&format!("{old}{new}")), of(&new));
        }
    }
}
