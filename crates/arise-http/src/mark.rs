//! Marks that people make.

use std::collections::HashMap;

use arise_core::{Actor, Error, Result, SessionId, Source, Status, StudentId, text};
use arise_store::enrolment::Enrolled;
use arise_store::mark::Taken;
use arise_store::session::Session;
use arise_store::{WriteTx, enrolment, mark};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::answer::Done;
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};
use crate::session::of_teacher;

const DEFAULT_REASON: &str = "Verified by teacher";
const MAX_STUDENTS: usize = 2_000;

/// Who was enrolled on the day of a session.
pub(crate) fn roster_of(tx: &mut arise_store::Tx<'_>, session: &Session) -> Result<Vec<Enrolled>> {
    enrolment::roster_on(tx, session.course_id, &session.held_on)
}

fn not_enrolled() -> Error {
    Error::forbidden("not_enrolled", "This student isn't enrolled in this course.")
}

fn checked_reason(reason: Option<&str>) -> Result<String> {
    let reason = text::optional("reason", reason.unwrap_or_default(), 500)?;
    Ok(if reason.is_empty() { DEFAULT_REASON.to_owned() } else { reason })
}

/// Before the end a teacher marks; afterwards the same is a correction.
fn human_source(tx: &WriteTx<'_>, session: &Session) -> Source {
    if session.window.is_open(tx.now()) { Source::Teacher } else { Source::Correction }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetMark {
    student_id: StudentId,
    /// `null` takes the teacher's decisions back. Absent isn't the same as `null`: it is a mistake.
    #[serde(deserialize_with = "present")]
    status: Option<Status>,
    reason: Option<String>,
}

/// A field that must be there, though it may be `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Status>, D::Error> {
    Option::deserialize(deserializer)
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct SavedMark {
    status: &'static str,
    message: &'static str,
    mark: MarkLine,
}

/// A student's mark as it stands now.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Mark")]
pub(crate) struct MarkLine {
    pub(crate) student_id: StudentId,
    pub(crate) university_roll_no: String,
    pub(crate) class_roll_id: i64,
    /// Nothing when nobody has said anything, or it was taken back.
    pub(crate) status: Option<Status>,
    pub(crate) source: Option<Source>,
    pub(crate) reason: Option<String>,
    pub(crate) observed_at: String,
    pub(crate) recorded_at: String,
}

/// Sets or takes back a student's mark in a session.
pub(crate) async fn set(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
    Json(body): Json<SetMark>,
) -> ApiResult<Json<SavedMark>> {
    let zone = app.zone();
    let answer = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let session = of_teacher(tx, id, actor)?;
            let student = enrolment::find_on(tx, session.course_id, body.student_id, &session.held_on)?
                .ok_or_else(not_enrolled)?;
            let source = human_source(tx, &session);
            let reason = checked_reason(body.reason.as_deref())?;
            mark::decide(tx, &session, body.student_id, body.status, source, &reason)?;
            let now = tx.now();
            let mark = mark::find(tx, id, body.student_id)?;
            let at = |at| zone.iso(at);
            Ok(SavedMark {
                status: "success",
                message: "Saved",
                mark: MarkLine {
                    student_id: body.student_id,
                    university_roll_no: student.university_roll_no,
                    class_roll_id: student.class_roll_id,
                    status: mark.as_ref().map(|m| m.status),
                    source: mark.as_ref().map(|m| m.source),
                    reason: mark.as_ref().and_then(|m| m.reason.clone()),
                    observed_at: at(mark.as_ref().map_or(now, |m| m.observed_at)),
                    recorded_at: at(mark.as_ref().map_or(now, |m| m.recorded_at)),
                },
            })
        })
        .await?;
    Ok(Json(answer))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManualOverride {
    session_id: SessionId,
    univ_roll_no: String,
    reason: Option<String>,
}

/// What became of one mark.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "MarkOutcome")]
pub(crate) struct Told {
    status: ToldStatus,
    message: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MarkOutcomeStatus")]
enum ToldStatus {
    Success,
    Duplicate,
}

/// Marks one student present by university roll number while the session is open.
pub(crate) async fn manual_override(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<ManualOverride>,
) -> ApiResult<Json<Told>> {
    let answer = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let session = of_teacher(tx, body.session_id, actor)?;
            if !session.window.is_open(tx.now()) {
                return Err(Error::gone(
                    "session_ended",
                    "This session has ended. Correct its marks in the report.",
                ));
            }
            let roster = roster_of(tx, &session)?;
            let wanted = body.univ_roll_no.trim();
            let student = roster
                .iter()
                .find(|s| s.university_roll_no.eq_ignore_ascii_case(wanted))
                .ok_or_else(not_enrolled)?;
            let reason = checked_reason(body.reason.as_deref())?;
            let known = mark::find(tx, session.id, student.student_id)?;
            if known.is_some_and(|known| known.status.attended()) {
                return Ok(Told {
                    status: ToldStatus::Duplicate,
                    message: format!("{} is marked already", student.student_name),
                });
            }
            mark::decide(tx, &session, student.student_id, Some(Status::Present), Source::Teacher, &reason)?;
            Ok(Told {
                status: ToldStatus::Success,
                message: format!("{} marked present", student.student_name),
            })
        })
        .await?;
    Ok(Json(answer))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmergencyBulkMark {
    session_id: SessionId,
    students: Vec<EmergencyStudent>,
    reason: String,
}

/// A roll number for present, or a roll number with a status.
#[derive(Deserialize, JsonSchema)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "not a roll number, nor one with a status: {roll, status}"
)]
enum EmergencyStudent {
    Roll(String),
    With {
        #[serde(alias = "university_roll_no", alias = "univ_roll_no")]
        roll: String,
        status: Status,
    },
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct BulkOutcome {
    status: &'static str,
    message: String,
    present_count: i64,
    absent_count: i64,
    /// Who isn't on the roster, or was marked so already.
    skipped_count: i64,
}

/// Marks many at once when scanners or codes can't be used. Who isn't on the roster is counted as skipped.
pub(crate) async fn emergency_bulk_mark(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<EmergencyBulkMark>,
) -> ApiResult<Json<BulkOutcome>> {
    let reason = text::required("reason", &body.reason, 500)?;
    if body.students.len() > MAX_STUDENTS {
        return Err(
            Error::invalid("students", format!("Mark at most {MAX_STUDENTS} students at once.")).into()
        );
    }
    let answer = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let session = of_teacher(tx, body.session_id, actor)?;
            let roster = roster_of(tx, &session)?;
            let by_roll: HashMap<String, StudentId> =
                roster.iter().map(|s| (s.university_roll_no.to_lowercase(), s.student_id)).collect();
            let (mut present, mut absent, mut skipped) = (0, 0, 0);
            for student in &body.students {
                let (roll, status) = match student {
                    EmergencyStudent::Roll(roll) => (roll, Status::Present),
                    EmergencyStudent::With { roll, status } => (roll, *status),
                };
                let Some(&id) = by_roll.get(&roll.trim().to_lowercase()) else {
                    skipped += 1;
                    continue;
                };
                let taken = mark::decide(tx, &session, id, Some(status), Source::Emergency, &reason)?;
                match (taken, status.attended()) {
                    (Taken::Duplicate, _) => skipped += 1,
                    (Taken::New, true) => present += 1,
                    (Taken::New, false) => absent += 1,
                }
            }
            Ok(BulkOutcome {
                status: "success",
                message: format!("{present} present, {absent} absent, {skipped} skipped"),
                present_count: present,
                absent_count: absent,
                skipped_count: skipped,
            })
        })
        .await?;
    Ok(Json(answer))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateAttendance {
    session_id: SessionId,
    student_id: StudentId,
    action: Action,
    manual_reason: String,
}

#[derive(Deserialize, Clone, Copy, JsonSchema)]
enum Action {
    #[serde(rename = "mark_present")]
    Present,
    #[serde(rename = "mark_late")]
    Late,
    #[serde(rename = "mark_absent")]
    Absent,
    #[serde(rename = "mark_excused")]
    Excused,
}

impl Action {
    fn status(self) -> Status {
        match self {
            Self::Present => Status::Present,
            Self::Late => Status::Late,
            Self::Absent => Status::Absent,
            Self::Excused => Status::Excused,
        }
    }
}

/// Corrects a mark, also long after the session.
pub(crate) async fn update(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<UpdateAttendance>,
) -> ApiResult<Json<Done>> {
    let reason = text::required("manual_reason", &body.manual_reason, 500)?;
    app.store.write(move |tx| correct(tx, actor, &body, &reason)).await?;
    Ok(Done::saying("Attendance corrected"))
}

fn correct(tx: &mut WriteTx<'_>, actor: Actor, body: &UpdateAttendance, reason: &str) -> Result<()> {
    tx.act_as(actor);
    let session = of_teacher(tx, body.session_id, actor)?;
    if enrolment::find_on(tx, session.course_id, body.student_id, &session.held_on)?.is_none() {
        return Err(not_enrolled());
    }
    mark::decide(tx, &session, body.student_id, Some(body.action.status()), Source::Correction, reason)?;
    Ok(())
}
