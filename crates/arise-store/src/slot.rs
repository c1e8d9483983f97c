//! Slots of a scanner's sensor: whose finger is in which, for scanners that don't follow the default rule.

use std::collections::BTreeSet;

use arise_core::slot::{self as rules, Map, PER_STUDENT};
use arise_core::{DeviceId, Error, Result, StudentId};

use crate::device::{self, Device};
use crate::enrolment::Enrolled;
use crate::params;
use crate::tx::{Tx, WriteTx};
use crate::{event::Event, student};

/// Slots of one student: more fingers than anybody has.
const MAX_OF_STUDENT: usize = 10;

/// The student whose finger is in a slot.
pub fn student(tx: &mut Tx<'_>, device: DeviceId, slot: i64) -> Result<Option<StudentId>> {
    let row = tx.query_opt(
        "SELECT student_id FROM device_slot WHERE device_id = ?1 AND slot = ?2",
        params![device, slot],
    )?;
    row.map(|row| row.get(0)).transpose()
}

/// All slots of a scanner that belong to somebody. Empty for one that follows the default rule.
pub fn map(tx: &mut Tx<'_>, device: DeviceId) -> Result<Map> {
    let rows = tx.query(
        "SELECT slot, student_id FROM device_slot WHERE device_id = ?1 ORDER BY slot LIMIT ?2",
        params![device, i64::from(rules::MAX)],
    )?;
    rows.iter()
        .map(|row| {
            let slot = u16::try_from(row.get::<i64>(0)?)
                .map_err(|e| Error::internal(format!("a slot's number: {e}")))?;
            Ok((slot, row.get(1)?))
        })
        .collect()
}

/// Gives slots to the students of a class who have none, and answers how many slots are new. From now on the scanner's slots
/// belong to students.
///
/// # Errors
/// `not_found`; those of [`known_capacity`]; `sensor_full`.
pub fn assign(tx: &mut WriteTx<'_>, device: DeviceId, class: &[Enrolled]) -> Result<usize> {
    let known = device::get(tx, device)?;
    let capacity = known_capacity(&known)?;
    let map = map(tx, device)?;
    let held: BTreeSet<u16> = known.enrolled_slots.iter().flatten().copied().collect();
    let class: Vec<(StudentId, i64)> = class.iter().map(|s| (s.student_id, s.class_roll_id)).collect();
    let new = rules::assign(&class, &map, &held, capacity, !known.slot_map)?;
    own(tx, device)?;
    for (slot, student) in &new {
        insert(tx, device, *slot, *student)?;
    }
    tx.emit(Event::Device(device));
    Ok(new.len())
}

/// Makes these the slots of a student, and of nobody else.
///
/// # Errors
/// `not_found` for the scanner or the student; those of [`known_capacity`]; `invalid_field` for a slot that the sensor doesn't
/// have or more than ten; `slot_taken` naming whose it is.
pub fn set(tx: &mut WriteTx<'_>, device: DeviceId, student: StudentId, slots: &BTreeSet<u16>) -> Result<()> {
    let capacity = known_capacity(&device::get(tx, device)?)?;
    student::get(tx, student)?;
    if slots.len() > MAX_OF_STUDENT {
        return Err(Error::invalid("slots", format!("A student has at most {MAX_OF_STUDENT} slots.")));
    }
    if slots.iter().any(|slot| !(1..=capacity).contains(slot)) {
        return Err(Error::invalid(
            "slots",
            format!("Slots of this scanner are numbers from 1 to {capacity}."),
        ));
    }
    let map = map(tx, device)?;
    let taken =
        slots.iter().find_map(|slot| map.get(slot).filter(|owner| **owner != student).map(|o| (slot, *o)));
    if let Some((slot, owner)) = taken {
        // Somebody whose record was deleted doesn't keep a slot.
        if let Some(owner) = student::find(tx, owner)? {
            return Err(Error::conflict(
                "slot_taken",
                format!("Slot {slot} belongs to {}. Free it there first.", owner.student_name),
            ));
        }
    }
    tx.execute("DELETE FROM device_slot WHERE device_id = ?1 AND student_id = ?2", params![device, student])?;
    for slot in slots {
        tx.execute(
            "DELETE FROM device_slot WHERE device_id = ?1 AND slot = ?2",
            params![device, i64::from(*slot)],
        )?;
        insert(tx, device, *slot, student)?;
    }
    own(tx, device)?;
    tx.emit(Event::Device(device));
    Ok(())
}

/// Forgets whose the slots are: the default rule holds again.
pub fn clear(tx: &mut WriteTx<'_>, device: DeviceId) -> Result<()> {
    tx.execute("DELETE FROM device_slot WHERE device_id = ?1", params![device])?;
    tx.execute("UPDATE device SET slot_map = 0 WHERE id = ?1", params![device])?;
    tx.emit(Event::Device(device));
    Ok(())
}

/// The number of slots, which only the scanner itself knows.
///
/// # Errors
/// `sensor_unknown` for one that hasn't said.
pub fn known_capacity(device: &Device) -> Result<u16> {
    device.slot_capacity.ok_or_else(|| {
        Error::conflict(
            "sensor_unknown",
            "This scanner hasn't said yet how many fingers it holds. Turn it on, and try again when it is online.",
        )
    })
}

fn own(tx: &mut WriteTx<'_>, device: DeviceId) -> Result<()> {
    tx.execute("UPDATE device SET slot_map = 1 WHERE id = ?1", params![device]).map(|_| ())
}

fn insert(tx: &mut WriteTx<'_>, device: DeviceId, slot: u16, student: StudentId) -> Result<()> {
    tx.execute(
        "INSERT INTO device_slot (device_id, slot, student_id) VALUES (?1, ?2, ?3)",
        params![device, i64::from(slot), student],
    )
    .map(|_| ())
}

/// The slots of a student of the class under the scanner's map or the default rule.
#[must_use]
pub fn of(device: &Device, map: &Map, student: &Enrolled) -> Vec<u16> {
    if device.slot_map {
        return map
            .iter()
            .filter(|(_, owner)| **owner == student.student_id)
            .map(|(slot, _)| *slot)
            .collect();
    }
    let within = |slot: &u16| device.slot_capacity.is_none_or(|capacity| *slot <= capacity);
    rules::default_slots(student.class_roll_id).into_iter().filter(within).take(PER_STUDENT).collect()
}
