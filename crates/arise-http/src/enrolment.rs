//! Who belongs to which course, as an administrator edits it.

use arise_core::{CourseId, SemesterId, StudentId};
use arise_store::course;
use arise_store::enrolment::{self, Available, SemesterStudent};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Raw, Who, from_slice};
use crate::list::{Page, Search};

#[derive(Serialize, JsonSchema)]
pub(crate) struct Enrolled {
    student_id: StudentId,
    student_name: String,
    university_roll_no: String,
    class_roll_id: i64,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Enrolments {
    enrolled: Vec<Enrolled>,
    available: Vec<Available>,
}

/// The roster of a course, and who could be added to it. The query and the total are of the latter.
pub(crate) async fn get(
    State(app): State<App>,
    Id(id): Id<CourseId>,
    Params(search): Params<Search>,
) -> ApiResult<Page<Enrolments>> {
    let (roster, (available, total)) = app
        .store
        .read(move |tx| {
            course::get(tx, id)?;
            Ok((enrolment::roster(tx, id)?, enrolment::available(tx, id, &search.into())?))
        })
        .await?;
    let enrolled = roster.into_iter().map(|student| Enrolled {
        student_id: student.student_id,
        student_name: student.student_name,
        university_roll_no: student.university_roll_no,
        class_roll_id: student.class_roll_id,
    });
    Ok(Page { body: Enrolments { enrolled: enrolled.collect(), available }, total })
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RosterPlace")]
pub(crate) struct Place {
    student_id: StudentId,
    class_roll_id: i64,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Roster {
    students: Vec<Place>,
    /// The local date from which new students belong; today when absent.
    from_on: Option<String>,
}

/// The whole list alone, or with a date.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "NewRoster")]
#[expect(dead_code, reason = "for the API document; which of them it is, is told by the first character")]
pub(crate) enum RosterBody {
    List(Vec<Place>),
    WithDate(Roster),
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Reenrolled {
    status: &'static str,
    message: &'static str,
    joined: usize,
    left: usize,
    renumbered: usize,
}

/// Makes the list the roster of a course. The list may stand alone or with a date.
pub(crate) async fn put(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
    Raw(body): Raw,
) -> ApiResult<Json<Reenrolled>> {
    let roster = if body.trim_ascii_start().starts_with(b"[") {
        Roster { students: from_slice(&body)?, from_on: None }
    } else {
        from_slice(&body)?
    };
    let zone = app.zone();
    let changes = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let places: Vec<(StudentId, i64)> =
                roster.students.iter().map(|place| (place.student_id, place.class_roll_id)).collect();
            let today = zone.date(tx.now());
            enrolment::set_roster(tx, id, &places, &today, roster.from_on.as_deref())
        })
        .await?;
    Ok(Json(Reenrolled {
        status: "success",
        message: "Enrolment saved",
        joined: changes.joined,
        left: changes.left,
        renumbered: changes.renumbered,
    }))
}

/// Everybody who belongs to a course of a semester.
pub(crate) async fn of_semester(
    State(app): State<App>,
    Id(id): Id<SemesterId>,
) -> ApiResult<Json<Vec<SemesterStudent>>> {
    Ok(Json(app.store.read(move |tx| enrolment::semester_roster(tx, id)).await?))
}
