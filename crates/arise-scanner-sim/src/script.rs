//! Students whose fingers come at a human pace.

use crate::{flash::Random, sensor::Finger};

/// One finger on the sensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// After the script began, ms. A finger waits until the one before it has been lifted.
    pub at: u64,
    pub finger: Finger,
}

/// When a script begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At once, and once.
    Now,
    /// When the scanner has a session, and anew in each.
    EachSession,
}

/// Touches in the order of their time. Finger *n* is the one enrolled in slot *n*; a number that is enrolled nowhere is a
/// stranger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub touches: Vec<Touch>,
    pub begin: Begin,
}

impl Script {
    /// A class: each of `slots` once, in an order and at a pace that depend on `seed` alone, about `every` ms apart. One in
    /// twenty is read badly and tries again.
    #[must_use]
    pub fn class(slots: &[u16], every: u64, seed: u64) -> Self {
        let mut random = Random(seed);
        let mut order: Vec<u16> = slots.to_vec();
        for i in (1..order.len()).rev() {
            let j = usize::try_from(random.below(i as u64 + 1)).unwrap_or(0);
            order.swap(i, j);
        }
        let mut touches = Vec::new();
        let mut at = 0;
        for slot in order {
            at += every / 2 + random.below(every.max(1));
            if random.below(20) == 0 {
                touches.push(Touch { at, finger: Finger { id: slot.into(), clear: false } });
                at += every;
            }
            touches.push(Touch { at, finger: Finger::clear(slot.into()) });
        }
        Self { touches, begin: Begin::Now }
    }

    /// The same, whenever a session begins.
    #[must_use]
    pub fn in_each_session(self) -> Self {
        Self { begin: Begin::EachSession, ..self }
    }

    /// No fingers at all: a scanner that only reports itself.
    #[must_use]
    pub const fn nobody() -> Self {
        Self { touches: Vec::new(), begin: Begin::EachSession }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_everybody_once_and_repeatable() {
        let slots: Vec<u16> = (1..=60).collect();
        let script = Script::class(&slots, 2000, 7);
        assert_eq!(script, Script::class(&slots, 2000, 7));
        let mut seen: Vec<u32> =
            script.touches.iter().filter(|t| t.finger.clear).map(|t| t.finger.id).collect();
        assert!(script.touches.is_sorted_by_key(|t| t.at) && !seen.is_sorted());
        seen.sort_unstable();
        assert!(seen.into_iter().eq(1..=60));
    }
}
