//! Slots of a scanner's sensor: whose finger is in which.
//!
//! A scanner without a map of its own follows the default rule: two slots to a student, in the order of the class roll ids.
//! With a map the slots belong to students, whatever their numbers in the courses that use the scanner.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{Error, Result, StudentId};

/// Fingers of one student: a cut on one must not keep anybody out.
pub const PER_STUDENT: usize = 2;
/// The largest number of a slot; no sensor of the family has more.
pub const MAX: u16 = 3000;

/// Slots by number, from 1.
pub type Map = BTreeMap<u16, StudentId>;

/// The class roll id whose fingers are in a slot under the default rule.
#[must_use]
pub const fn default_roll(slot: i64) -> i64 {
    (slot - 1) / 2 + 1
}

/// The slots of a class roll id under the default rule; none for a number that no sensor has room for.
#[must_use]
pub fn default_slots(class_roll_id: i64) -> Vec<u16> {
    let slot = |n: i64| u16::try_from(n).ok().filter(|slot| (1..=MAX).contains(slot));
    let last = class_roll_id.saturating_mul(2);
    [slot(last.saturating_sub(1)), slot(last)].into_iter().flatten().collect()
}

/// Gives slots to the students of a class who have none, and answers what is new. `held` are the slots that hold a finger: one
/// that belongs to nobody in the map is given to nobody, since whose finger it is can't be known. In the first class of a map
/// they are taken to follow the default rule.
///
/// # Errors
/// `sensor_full` with the number of students for whom there is no room; then nothing is given.
pub fn assign(
    class: &[(StudentId, i64)],
    map: &Map,
    held: &BTreeSet<u16>,
    capacity: u16,
    is_first: bool,
) -> Result<Map> {
    let served: HashSet<StudentId> = map.values().copied().collect();
    let lacking: Vec<&(StudentId, i64)> =
        class.iter().filter(|(student, _)| !served.contains(student)).collect();
    let mut new = Map::new();
    let mut left = Vec::new();
    for &&(student, roll) in &lacking {
        let usual: Vec<u16> = default_slots(roll)
            .into_iter()
            .filter(|slot| *slot <= capacity && !map.contains_key(slot) && !new.contains_key(slot))
            .filter(|slot| is_first || !held.contains(slot))
            .collect();
        if usual.len() == PER_STUDENT {
            new.extend(usual.into_iter().map(|slot| (slot, student)));
        } else {
            left.push(student);
        }
    }
    let taken = new.clone();
    let mut free = (1..=capacity)
        .filter(|slot| !(map.contains_key(slot) || taken.contains_key(slot) || held.contains(slot)));
    let mut without = 0;
    for student in left {
        let slots: Vec<u16> = free.by_ref().take(PER_STUDENT).collect();
        without += usize::from(slots.len() < PER_STUDENT);
        new.extend(slots.into_iter().map(|slot| (slot, student)));
    }
    if without > 0 {
        return Err(Error::conflict(
            "sensor_full",
            format!(
                "The sensor has {capacity} slots: there is no room for {without} of these students. Free the slots of students who \
                 don't use this scanner any more."
            ),
        ));
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn students(n: u8) -> Vec<StudentId> {
        (0..n).map(|i| StudentId::new(1_700_000_000_000 + i64::from(i))).collect()
    }

    fn class(students: &[StudentId]) -> Vec<(StudentId, i64)> {
        students.iter().copied().zip(1..).collect()
    }

    #[test]
    fn the_default_rule_gives_two_slots_to_each_number() {
        assert_eq!(default_slots(1), [1, 2]);
        assert_eq!(default_slots(7), [13, 14]);
        assert_eq!([1, 2, 3, 13, 14].map(default_roll), [1, 1, 2, 7, 7]);
        assert!(default_slots(0).is_empty() && default_slots(i64::MAX).is_empty());
        assert!(default_slots(100_000).is_empty());
    }

    #[test]
    fn the_first_class_keeps_the_fingers_that_are_there() {
        let students = students(3);
        let held = BTreeSet::from([1, 2, 3]);
        let new = assign(&class(&students), &Map::new(), &held, 200, true).unwrap();
        assert_eq!(
            new,
            Map::from([
                (1, students[0]),
                (2, students[0]),
                (3, students[1]),
                (4, students[1]),
                (5, students[2]),
                (6, students[2])
            ])
        );
    }

    #[test]
    fn a_second_class_shares_students_and_gets_free_slots_for_the_others() {
        let students = students(4);
        let map = assign(&class(&students[..2]), &Map::new(), &BTreeSet::new(), 200, true).unwrap();
        // The second student of the first class is the first of this one; slot 5 holds a finger nobody knows.
        let second = [(students[1], 1), (students[2], 2), (students[3], 3)];
        let new = assign(&second, &map, &BTreeSet::from([5]), 200, false).unwrap();
        assert_eq!(
            new.into_iter().collect::<Vec<_>>(),
            [(6, students[2]), (7, students[2]), (8, students[3]), (9, students[3])]
        );
    }

    #[test]
    fn without_room_nothing_is_given() {
        let students = students(3);
        let error = assign(&class(&students), &Map::new(), &BTreeSet::new(), 5, true).unwrap_err();
        assert_eq!(error.code, "sensor_full");
        assert!(error.message.contains("no room for 1 of"), "{}", error.message);
        assert!(assign(&class(&students), &Map::new(), &BTreeSet::new(), 6, true).is_ok());
        // Whoever has slots already needs none.
        let map = assign(&class(&students), &Map::new(), &BTreeSet::new(), 6, true).unwrap();
        assert!(assign(&class(&students), &map, &BTreeSet::new(), 6, false).unwrap().is_empty());
    }
}
