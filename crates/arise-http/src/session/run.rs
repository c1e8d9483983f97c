//! A session from its start to its end, and to its deletion.

use arise_core::clock::HOUR;
use arise_core::session::{MAX_AHEAD, SessionType};
use arise_core::zone::Zone;
use arise_core::{CourseId, DeviceId, Error, Result, SessionId, UtcMillis};
use arise_store::session::NewSession;
use arise_store::{Tx, device, session};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RosterStudent, course_of_teacher, of_teacher, roster};
use crate::answer::Done;
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};
use crate::online;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StartSession")]
pub(crate) struct Start {
    course_id: CourseId,
    /// ISO 8601; a time without an offset is local. Now when absent.
    start_datetime: Option<String>,
    duration_minutes: Option<i64>,
    #[serde(default)]
    session_type: Option<SessionType>,
    #[serde(default)]
    topic: String,
    device_id: Option<DeviceId>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StartedSession")]
pub(crate) struct Started {
    status: &'static str,
    message: &'static str,
    session_id: SessionId,
    students: Vec<RosterStudent>,
    end_time: String,
    closes_at: String,
    duration_minutes: i64,
    seconds_remaining: i64,
}

pub(crate) async fn start(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<Start>,
) -> ApiResult<Json<Started>> {
    if body.session_type == Some(SessionType::Online) {
        app.must_be_hub()?;
    }
    let zone = app.zone();
    let online = match body.session_type {
        Some(SessionType::Online) => Some(online::new_secrets()?),
        _ => None,
    };
    let answer = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let course = course_of_teacher(tx, body.course_id, actor)?;
            let now = tx.now();
            let starts_at = match &body.start_datetime {
                Some(text) => start_time(&zone, text, now)?,
                None => now,
            };
            if let Some(device) = body.device_id {
                device::get(tx, device)?;
            }
            let new = NewSession {
                course_id: course.id,
                starts_at,
                duration_minutes: body.duration_minutes.unwrap_or(course.default_duration_minutes),
                session_type: body.session_type.unwrap_or(SessionType::Offline),
                topic: body.topic,
                device_id: body.device_id,
                online,
            };
            let id = session::start(tx, &new, actor.teacher().ok())?;
            let session = session::get(tx, id)?;
            Ok(Started {
                status: "success",
                message: "Session started",
                session_id: id,
                students: roster(tx, course.id)?,
                end_time: zone.iso(session.window.ends_at),
                closes_at: zone.iso(session.window.closes_at()),
                duration_minutes: new.duration_minutes,
                seconds_remaining: session.window.seconds_remaining(now),
            })
        })
        .await?;
    Ok(Json(answer))
}

/// A start may be typed late, or a little ahead; a date of another day is a slip.
fn start_time(zone: &Zone, text: &str, now: UtcMillis) -> Result<UtcMillis> {
    let at = zone.parse(text).ok_or_else(|| {
        Error::invalid("start_datetime", "Give the start as a date and time, such as 2026-03-07T15:30:00.")
    })?;
    if (now - 12 * HOUR..=now + MAX_AHEAD).contains(&at) {
        return Ok(at);
    }
    Err(Error::invalid("start_datetime", "A session starts now, up to 12 hours ago, or within 30 minutes."))
}

pub(crate) async fn end(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let session = of_teacher(tx, id, actor)?;
            session::end(tx, &session)
        })
        .await?;
    Ok(Done::saying("Session ended"))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct NewEnd {
    status: &'static str,
    message: &'static str,
    new_end_time: String,
    closes_at: String,
    seconds_remaining: i64,
}

impl NewEnd {
    fn of(tx: &mut Tx<'_>, id: SessionId, zone: &Zone, message: &'static str) -> Result<Self> {
        let window = session::get(tx, id)?.window;
        Ok(Self {
            status: "success",
            message,
            new_end_time: zone.iso(window.ends_at),
            closes_at: zone.iso(window.closes_at()),
            seconds_remaining: window.seconds_remaining(tx.now()),
        })
    }
}

pub(crate) async fn extend(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<NewEnd>> {
    let zone = app.zone();
    let answer = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            of_teacher(tx, id, actor)?;
            let session = session::get_open(tx, id)?;
            session::extend(tx, &session)?;
            NewEnd::of(tx, id, &zone, "Ten minutes added")
        })
        .await?;
    Ok(Json(answer))
}

pub(crate) async fn reopen(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<NewEnd>> {
    let zone = app.zone();
    let answer = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let session = of_teacher(tx, id, actor)?;
            session::reopen(tx, &session)?;
            NewEnd::of(tx, id, &zone, "Session reopened")
        })
        .await?;
    Ok(Json(answer))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChooseDevice {
    device_id: Option<DeviceId>,
}

/// Takes marks from this scanner only, or from any that no other session chose.
pub(crate) async fn choose_device(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
    Json(body): Json<ChooseDevice>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            of_teacher(tx, id, actor)?;
            let session = session::get_open(tx, id)?;
            if let Some(device) = body.device_id {
                device::get(tx, device)?;
            }
            session::choose_device(tx, &session, body.device_id)
        })
        .await?;
    Ok(Done::saying("Scanner chosen"))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeleteSession")]
pub(crate) struct Delete {
    #[serde(default)]
    reason: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DeletedSession")]
pub(crate) struct Deleted {
    status: &'static str,
    message: &'static str,
    session_id: SessionId,
    reason: String,
    attendance_records_deleted: i64,
}

/// Takes a finished session out of lists and counts. Its marks stay on record.
pub(crate) async fn delete(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
    Json(body): Json<Delete>,
) -> ApiResult<Json<Deleted>> {
    let reason = arise_core::text::required("reason", &body.reason, 500)?;
    if reason.chars().count() < 5 {
        return Err(Error::invalid("reason", "Say in at least five characters why it is deleted.").into());
    }
    let answer = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let session = of_teacher(tx, id, actor)?;
            let marks = session::archive(tx, &session, &reason)?;
            Ok(Deleted {
                status: "success",
                message: "Session deleted",
                session_id: id,
                reason,
                attendance_records_deleted: marks,
            })
        })
        .await?;
    Ok(Json(answer))
}
