//! Whose finger is in which slot of a scanner's sensor, as an administrator arranges it.

use std::collections::BTreeSet;

use arise_core::{CourseId, DeviceId, Error, StudentId};
use arise_store::{audit, course, device, enrolment, slot, student};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Done;
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Who};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct ShownCourse {
    course_id: CourseId,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SlotsOfCourse")]
pub(crate) struct OfCourse {
    course_id: CourseId,
}

/// A student of the course, with the slots for this student's fingers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SlotOwner")]
struct Owner {
    student_id: StudentId,
    student_name: String,
    university_roll_no: String,
    class_roll_id: i64,
    slots: Vec<u16>,
    /// Those of them that hold a finger.
    enrolled_slots: Vec<u16>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScannerSlots")]
pub(crate) struct Slots {
    slot_map: bool,
    slot_capacity: Option<u16>,
    /// Whether the scanner has said which slots hold a finger. Before that nobody can be said to lack one.
    enrolled_known: bool,
    students: Vec<Owner>,
    /// Students without any finger in the sensor.
    lacking: usize,
    /// Slots that hold a finger and belong to nobody.
    unknown_slots: Vec<u16>,
}

/// The students of a course with their slots: who still lacks a finger.
pub(crate) async fn list(
    State(app): State<App>,
    Id(id): Id<DeviceId>,
    Params(of): Params<ShownCourse>,
) -> ApiResult<Json<Slots>> {
    let slots = app
        .store
        .read(move |tx| {
            let device = device::get(tx, id)?;
            course::get(tx, of.course_id)?;
            let map = slot::map(tx, id)?;
            let held: BTreeSet<u16> = device.enrolled_slots.iter().flatten().copied().collect();
            let owner = |student: enrolment::Enrolled| {
                let slots = slot::of(&device, &map, &student);
                Owner {
                    student_id: student.student_id,
                    enrolled_slots: slots.iter().copied().filter(|slot| held.contains(slot)).collect(),
                    slots,
                    student_name: student.student_name,
                    university_roll_no: student.university_roll_no,
                    class_roll_id: student.class_roll_id,
                }
            };
            let students: Vec<Owner> = enrolment::roster(tx, of.course_id)?.into_iter().map(owner).collect();
            let unknown = held.iter().copied().filter(|slot| device.slot_map && !map.contains_key(slot));
            Ok(Slots {
                slot_map: device.slot_map,
                slot_capacity: device.slot_capacity,
                enrolled_known: device.enrolled_slots.is_some(),
                lacking: students.iter().filter(|owner| owner.enrolled_slots.is_empty()).count(),
                unknown_slots: unknown.collect(),
                students,
            })
        })
        .await?;
    Ok(Json(slots))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "GivenSlots")]
pub(crate) struct Given {
    status: &'static str,
    message: String,
    /// How many.
    given: usize,
}

/// Gives slots to the students of a course who have none.
pub(crate) async fn assign(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<DeviceId>,
    Json(of): Json<OfCourse>,
) -> ApiResult<Json<Given>> {
    let given = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let known = device::get(tx, id)?;
            signed(&known)?;
            let course = course::get(tx, of.course_id)?;
            let class = enrolment::roster(tx, of.course_id)?;
            audit::note(tx, "scanner_slots_given", &known.name, &course.course_code)?;
            slot::assign(tx, id, &class)
        })
        .await?;
    let message = match given {
        0 => "Every student has slots already".to_owned(),
        _ => format!("{given} slots given"),
    };
    Ok(Json(Given { status: "success", message, given }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SlotsOfStudent")]
pub(crate) struct OfStudent {
    student_id: StudentId,
    /// None of them takes the student's fingers off the scanner's map.
    slots: BTreeSet<u16>,
}

/// Makes these the slots of one student.
pub(crate) async fn set(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<DeviceId>,
    Json(of): Json<OfStudent>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let known = device::get(tx, id)?;
            signed(&known)?;
            if !known.slot_map {
                return Err(Error::conflict(
                    "no_slot_map",
                    "This scanner's slots follow the class roll ids. Give slots to a course first.",
                ));
            }
            let name = student::get(tx, of.student_id)?.student_name;
            audit::note(tx, "scanner_slots_changed", &known.name, &name)?;
            slot::set(tx, id, of.student_id, &of.slots)
        })
        .await?;
    Ok(Done::saying("Slots saved"))
}

/// Lets the slots follow the class roll ids again.
pub(crate) async fn clear(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<DeviceId>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let known = device::get(tx, id)?;
            audit::note(tx, "scanner_slots_cleared", &known.name, "")?;
            slot::clear(tx, id)
        })
        .await?;
    Ok(Done::saying("The slots follow the class roll ids again"))
}

/// Scanners of the older protocol turn slots into class roll ids themselves.
fn signed(device: &device::Device) -> arise_core::Result<()> {
    if device.signed {
        return Ok(());
    }
    Err(Error::conflict("cannot_map", "Only scanners of the new protocol tell which slot a finger is in."))
}
