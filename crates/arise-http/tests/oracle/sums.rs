//! Arithmetic by hand: loops where the server has formulas.

use crate::world::Cell;

/// Attended and counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) present: i64,
    pub(crate) absent: i64,
    pub(crate) excused: i64,
}

impl Sum {
    pub(crate) fn of<'a>(cells: impl IntoIterator<Item = &'a Cell<'a>>) -> Self {
        let letters: String = cells.into_iter().map(|cell| cell.letter).collect();
        let count = |wanted: &[char]| i64::try_from(letters.matches(wanted).count()).unwrap();
        Self { present: count(&['P', 'L']), absent: count(&['A']), excused: count(&['E']) }
    }

    pub(crate) fn total(self) -> i64 {
        self.present + self.absent
    }

    pub(crate) fn percent(self) -> f64 {
        percent(self.present, self.total())
    }

    /// Whether the share is below so many percent.
    pub(crate) fn is_below(self, threshold: i64) -> bool {
        self.total() > 0 && 100 * self.present < threshold * self.total()
    }

    /// Sessions to attend until the share is the threshold, tried one by one.
    pub(crate) fn needed(self, threshold: i64) -> Option<i64> {
        (0..=100_000).find(|n| 100 * (self.present + n) >= threshold * (self.total() + n))
    }

    /// Sessions that may be missed, tried one by one.
    pub(crate) fn can_miss(self, threshold: i64) -> i64 {
        if self.total() == 0 {
            return 0;
        }
        (1..).find(|n| 100 * self.present < threshold * (self.total() + n)).unwrap() - 1
    }
}

/// The nearest hundredth of a percent, found by trying those around; a half goes up.
pub(crate) fn percent(part: i64, whole: i64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    let near = i32::try_from(10_000 * part / whole).unwrap();
    let nearest = (near - 2..near + 3)
        .min_by_key(|h| ((20_000 * part - 2 * whole * i64::from(*h)).abs(), -*h))
        .unwrap();
    f64::from(nearest) / 100.0
}

/// The nearest hundredth of an average; a half goes up.
pub(crate) fn average(sum: i64, count: i64) -> f64 {
    if count == 0 {
        return 0.0;
    }
    let below = i32::try_from(100 * sum / count).unwrap();
    let nearest = if 2 * (100 * sum % count) >= count { below + 1 } else { below };
    f64::from(nearest) / 100.0
}

/// The latest and the longest run of attended sessions.
pub(crate) fn streaks(letters: &str) -> (usize, usize) {
    let counted = letters.replace('E', "").replace('L', "P");
    let runs: Vec<usize> = counted.split('A').map(str::len).filter(|run| *run > 0).collect();
    (runs.last().copied().unwrap_or(0), runs.iter().copied().max().unwrap_or(0))
}

/// The share of the last so many sessions that weren't excused.
pub(crate) fn last(letters: &str, number: usize) -> f64 {
    let counted: Vec<char> = letters.chars().filter(|letter| *letter != 'E').collect();
    let last = &counted[counted.len().saturating_sub(number)..];
    let present = last.iter().filter(|letter| **letter != 'A').count();
    percent(i64::try_from(present).unwrap(), i64::try_from(last.len()).unwrap())
}

/// Days since 1970 of an ISO date, by counting.
pub(crate) fn day_number(date: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| date[range].parse::<i64>().unwrap();
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let years: i64 = (1970..year).map(|year| if is_leap(year) { 366 } else { 365 }).sum();
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + lengths[..usize::try_from(month - 1).unwrap()].iter().sum::<i64>() + day - 1
}

/// 0 for Sunday; 1970-01-01 was a Thursday.
pub(crate) fn weekday(date: &str) -> i64 {
    (day_number(date) + 4) % 7
}
