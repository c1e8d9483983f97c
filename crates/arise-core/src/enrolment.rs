//! Enrolments with dates: who belonged to a course on which day.

use serde::{Deserialize, Serialize};

/// A stretch of local dates, `from_on` included, `until_on` not. ISO dates compare as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    pub from_on: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_on: Option<String>,
}

impl Period {
    pub fn covers(&self, day: &str) -> bool {
        self.from_on.as_str() <= day && self.until_on.as_deref().is_none_or(|until| day < until)
    }
}

/// The periods after a student joins on `day`: nothing new when they already belong.
pub fn join(mut periods: Vec<Period>, day: &str) -> Vec<Period> {
    if let Some(last) = periods.last_mut() {
        if last.until_on.is_none() {
            return periods;
        }
        // Back on the day they left, or before: they never were away.
        if last.until_on.as_deref().is_some_and(|until| until >= day) {
            last.until_on = None;
            return periods;
        }
    }
    periods.push(Period { from_on: day.to_owned(), until_on: None });
    periods
}

/// The periods after a student leaves on `day`, the first day on which they don't belong any more.
pub fn leave(mut periods: Vec<Period>, day: &str) -> Vec<Period> {
    if let Some(last) = periods.last_mut().filter(|last| last.until_on.is_none()) {
        if last.from_on.as_str() >= day {
            periods.pop();
        } else {
            last.until_on = Some(day.to_owned());
        }
    }
    periods
}

/// The days that either covers.
pub fn union(mut periods: Vec<Period>, mut others: Vec<Period>) -> Vec<Period> {
    periods.append(&mut others);
    periods.sort_by(|a, b| a.from_on.cmp(&b.from_on));
    let mut joined: Vec<Period> = vec![];
    for period in periods {
        match joined.last_mut() {
            Some(last) if last.until_on.as_ref().is_none_or(|until| *until >= period.from_on) => {
                let further = last.until_on.as_ref().zip(period.until_on.as_ref());
                last.until_on = further.map(|(a, b)| a.max(b).clone());
            }
            _ => joined.push(period),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_union_covers_the_days_of_both_once() {
        let period = |from: &str, until: Option<&str>| Period {
            from_on: from.to_owned(),
            until_on: until.map(str::to_owned),
        };
        let one = vec![period("2026-01-10", Some("2026-02-01")), period("2026-05-01", Some("2026-06-01"))];
        let other = vec![period("2026-01-20", Some("2026-03-01")), period("2026-06-01", None)];
        let both = vec![period("2026-01-10", Some("2026-03-01")), period("2026-05-01", None)];
        assert_eq!(union(one.clone(), other.clone()), both);
        assert_eq!(union(other, one), both);
        assert_eq!(union(both.clone(), vec![]), both);
    }

    #[test]
    fn joining_leaving_and_coming_back() {
        let joined = join(vec![], "2026-01-10");
        assert!(joined[0].covers("2026-01-10") && !joined[0].covers("2026-01-09"));
        assert_eq!(join(joined.clone(), "2026-01-20"), joined);
        let left = leave(joined, "2026-02-01");
        assert!(left[0].covers("2026-01-31") && !left[0].covers("2026-02-01"));
        let back = join(left.clone(), "2026-03-01");
        assert_eq!(back.len(), 2);
        assert!(!back.iter().any(|p| p.covers("2026-02-15")));
        assert_eq!(join(left, "2026-02-01").len(), 1);
    }

    #[test]
    fn leaving_on_the_day_of_joining_leaves_no_trace() {
        assert!(leave(join(vec![], "2026-01-10"), "2026-01-10").is_empty());
    }
}
