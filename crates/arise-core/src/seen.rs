//! Which numbers have been seen. A scanner numbers its marks one after the other, so that this is one range,
//! or a few, however many there are.

use std::fmt::{self, Write};

/// Beyond this the oldest gap is closed: its numbers count as seen. Nobody who counts has so many gaps.
const MAX_RANGES: usize = 1_000;

/// A set of numbers as ranges, in order, with gaps between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen(Vec<(i64, i64)>);

impl Seen {
    /// Reads what [`fmt::Display`] wrote: `1..40,42..42`. Anything else is nothing seen.
    pub fn parse(text: &str) -> Self {
        let range = |part: &str| {
            let (first, last) = part.split_once("..")?;
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        Self(text.split(',').map_while(range).collect())
    }

    /// Adds a number. Answers whether it is new.
    pub fn insert(&mut self, number: i64) -> bool {
        // The first range that isn't wholly before it.
        let at = self.0.partition_point(|&(_, last)| last < number);
        if self.0.get(at).is_some_and(|&(first, _)| first <= number) {
            return false;
        }
        let follows = at > 0 && self.0[at - 1].1.checked_add(1) == Some(number);
        let precedes = self.0.get(at).is_some_and(|&(first, _)| number.checked_add(1) == Some(first));
        match (follows, precedes) {
            (true, true) => {
                self.0[at - 1].1 = self.0[at].1;
                self.0.remove(at);
            }
            (true, false) => self.0[at - 1].1 = number,
            (false, true) => self.0[at].0 = number,
            (false, false) => self.0.insert(at, (number, number)),
        }
        if self.0.len() > MAX_RANGES {
            self.0[0].1 = self.0[1].1;
            self.0.remove(1);
        }
        true
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_char(',')?;
            }
            write!(f, "{first}..{last}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set(numbers in prop::collection::vec(prop_oneof![-5..40_i64, Just(i64::MIN), Just(i64::MAX)], 0..80)) {
            let (mut seen, mut set) = (Seen::default(), BTreeSet::new());
            for number in numbers {
                prop_assert_eq!(seen.insert(number), set.insert(number));
                seen = Seen::parse(&seen.to_string());
            }
            let gaps = set.iter().zip(set.iter().skip(1)).filter(|(a, b)| *a + 1 < **b).count();
            prop_assert_eq!(seen.0.len(), if set.is_empty() { 0 } else { gaps + 1 });
        }
    }

    #[test]
    fn one_after_the_other_is_one_range() {
        let mut seen = Seen::default();
        assert_eq!(seen.to_string(), "");
        for number in [2, 3, 1, 7] {
            assert!(seen.insert(number));
        }
        assert_eq!(seen.to_string(), "1..3,7..7");
        assert!(!seen.insert(2));
        assert_eq!(Seen::parse("nonsense"), Seen::default());
    }

    #[test]
    fn gaps_are_bounded() {
        let mut seen = Seen::default();
        for number in 0..5_000 {
            seen.insert(number * 2);
        }
        assert_eq!(seen.0.len(), MAX_RANGES);
        assert!(!seen.insert(1) && seen.insert(9_997));
    }
}
