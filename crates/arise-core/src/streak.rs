//! Sessions of a course attended in a row.

use crate::Status;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Streaks {
    /// The run that the next session attended would add to: 0 after an absence.
    pub ongoing: i64,
    /// The latest run: the sessions in a row up to the last one attended. What was missed since doesn't take
    /// it away; it is replaced when the next run begins.
    pub current: i64,
    pub longest: i64,
}

impl Streaks {
    /// Of one course's sessions in the order in which they were held. Sessions from which the student was
    /// excused neither break a run nor add to it.
    pub fn of(statuses: impl IntoIterator<Item = Status>) -> Self {
        let mut streaks = Self::default();
        for status in statuses {
            match status {
                Status::Present | Status::Late => {
                    streaks.ongoing += 1;
                    streaks.current = streaks.ongoing;
                    streaks.longest = streaks.longest.max(streaks.current);
                }
                Status::Absent => streaks.ongoing = 0,
                Status::Excused => {}
            }
        }
        streaks
    }

    /// The best of several courses.
    #[must_use]
    pub fn best(self, other: Self) -> Self {
        Self {
            ongoing: self.ongoing.max(other.ongoing),
            current: self.current.max(other.current),
            longest: self.longest.max(other.longest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(letters: &str) -> (i64, i64) {
        let streaks = Streaks::of(letters.chars().filter_map(Status::from_letter));
        (streaks.current, streaks.longest)
    }

    #[test]
    fn the_longest_is_the_longest_and_the_current_is_the_latest() {
        assert_eq!(of("PPPPPAPPA"), (2, 5));
        assert_eq!(of("AAAA"), (0, 0));
        assert_eq!(of(""), (0, 0));
        assert_eq!(of("PPAPPPP"), (4, 4));
    }

    #[test]
    fn late_counts_and_an_excuse_neither_breaks_nor_extends() {
        assert_eq!(of("PLPEEPL"), (5, 5));
        assert_eq!(of("EEE"), (0, 0));
        assert_eq!(of("PPAEP"), (1, 2));
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_runs_between_absences(letters in "[PLAE]{0,60}") {
            let counted: String = letters.chars().filter(|c| *c != 'E').collect();
            let runs: Vec<usize> = counted.split('A').map(str::len).filter(|len| *len > 0).collect();
            let longest = runs.iter().copied().max().unwrap_or(0);
            let latest = runs.last().copied().unwrap_or(0);
            prop_assert_eq!(of(&letters), (i64::try_from(latest).unwrap(), i64::try_from(longest).unwrap()));
        }
    }
}
