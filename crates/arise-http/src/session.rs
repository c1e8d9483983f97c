//! Sessions of a teacher's courses.

use std::cmp::Reverse;

use arise_core::clock::HOUR;
use arise_core::session::{MAX_AHEAD, SessionType};
use arise_core::zone::Zone;
use arise_core::{Actor, CourseId, DeviceId, Error, Result, SessionId, StudentId, UtcMillis};
use arise_store::course::Course;
use arise_store::session::{NewSession, Session};
use arise_store::{Tx, course, device, enrolment, mark, session, today};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::Done;
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};
use crate::online;

/// A session as every screen sees it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(crate) struct SessionView {
    session_id: SessionId,
    course_id: CourseId,
    course_code: String,
    course_name: String,
    teacher_name: String,
    topic: String,
    session_type: SessionType,
    start_time: String,
    /// The planned end.
    end_time: String,
    /// When it stops taking marks.
    closes_at: String,
    grace_seconds: i64,
    late_after_minutes: i64,
    is_active: bool,
    /// Until the planned end.
    seconds_remaining: i64,
    can_reopen_until: Option<String>,
    device_id: Option<DeviceId>,
    server_time: String,
    enrolled_count: usize,
}

impl SessionView {
    pub(crate) fn new(
        tx: &mut Tx<'_>,
        session: &Session,
        zone: &Zone,
        enrolled_count: usize,
    ) -> Result<Self> {
        let now = tx.now();
        let window = &session.window;
        let course = course::get(tx, session.course_id)?;
        Ok(Self {
            session_id: session.id,
            course_id: session.course_id,
            course_code: session.course_code.clone(),
            course_name: session.course_name.clone(),
            teacher_name: course.teacher_name,
            topic: session.topic.clone(),
            session_type: session.session_type,
            start_time: zone.iso(window.starts_at),
            end_time: zone.iso(window.ends_at),
            closes_at: zone.iso(window.closes_at()),
            grace_seconds: window.grace / 1_000,
            late_after_minutes: window.late_after / arise_core::clock::MINUTE,
            is_active: window.is_open(now),
            seconds_remaining: window.seconds_remaining(now),
            can_reopen_until: window.can_reopen_until(now).map(|until| zone.iso(until)),
            device_id: session.device_id,
            server_time: zone.iso(now),
            enrolled_count,
        })
    }
}

/// A student of a roster.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct RosterStudent {
    pub(crate) class_roll_id: i64,
    pub(crate) id: StudentId,
    pub(crate) student_name: String,
    pub(crate) university_roll_no: String,
}

pub(crate) fn roster(tx: &mut Tx<'_>, course: CourseId) -> Result<Vec<RosterStudent>> {
    let students = enrolment::roster(tx, course)?;
    Ok(students
        .into_iter()
        .map(|s| RosterStudent {
            class_roll_id: s.class_roll_id,
            id: s.student_id,
            student_name: s.student_name,
            university_roll_no: s.university_roll_no,
        })
        .collect())
}

/// The session, if it is of one of the teacher's courses.
pub(crate) fn of_teacher(tx: &mut Tx<'_>, id: SessionId, actor: Actor) -> Result<Session> {
    let session = session::get(tx, id)?;
    actor.must_teach(session.course_teacher)?;
    Ok(session)
}

/// The course, if it is the teacher's.
pub(crate) fn course_of_teacher(tx: &mut Tx<'_>, id: CourseId, actor: Actor) -> Result<Course> {
    let course = course::get(tx, id)?;
    actor.must_teach(course.teacher_id)?;
    Ok(course)
}

/// A course's code, with which its teacher may log in.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CourseCode {
    code: String,
    name: String,
}

/// The codes that a teacher may log in with: no secret, and the form offers them.
pub(crate) async fn course_codes(State(app): State<App>) -> ApiResult<Json<Vec<CourseCode>>> {
    let codes = app.store.read(course::codes).await?;
    Ok(Json(codes.into_iter().map(|(code, name)| CourseCode { code, name }).collect()))
}

/// A course as its teacher chooses it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TaughtCourse {
    id: CourseId,
    course_code: String,
    course_name: String,
    semester_name: String,
    default_duration_minutes: i64,
    enrolled_count: i64,
    session_count: i64,
    last_session_at: Option<String>,
    open_session: Option<OpenSession>,
}

/// A teacher's courses, the likeliest first: one with an open session, then the one usually held at this
/// hour of this weekday, then the one held last.
pub(crate) async fn my_courses(
    State(app): State<App>,
    Who(actor): Who,
) -> ApiResult<Json<Vec<TaughtCourse>>> {
    let zone = app.zone();
    let teacher = actor.teacher()?;
    let courses = app
        .store
        .read(move |tx| {
            let now = tx.now();
            let mut found = Vec::new();
            for taught in today::courses(tx, teacher)? {
                let last = taught.recent_starts.first().copied();
                let likely = likelihood(&zone, &taught.recent_starts, now);
                let rank = (taught.open.is_none(), Reverse(likely), Reverse(last));
                found.push((
                    rank,
                    TaughtCourse {
                        id: taught.course.id,
                        course_code: taught.course.course_code,
                        course_name: taught.course.course_name,
                        semester_name: taught.course.semester_name,
                        default_duration_minutes: taught.course.default_duration_minutes,
                        enrolled_count: taught.enrolled_count,
                        session_count: taught.session_count,
                        last_session_at: last.map(|at| zone.iso(at)),
                        open_session: taught.open.map(|s| OpenSession::new(&s, &zone, now)),
                    },
                ));
            }
            found.sort_by_key(|(rank, _)| *rank);
            Ok(found.into_iter().map(|(_, course)| course).collect::<Vec<_>>())
        })
        .await?;
    Ok(Json(courses))
}

/// How many of the recent sessions began on this weekday within an hour of now.
fn likelihood(zone: &Zone, starts: &[UtcMillis], now: UtcMillis) -> usize {
    let (today, minute) = zone.weekday_and_minute(now);
    starts
        .iter()
        .filter(|&&at| {
            let (weekday, at_minute) = zone.weekday_and_minute(at);
            weekday == today && (at_minute - minute).abs() <= 60
        })
        .count()
}

/// A session that takes marks.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OpenSession {
    id: SessionId,
    session_id: SessionId,
    start_time: String,
    /// The planned end.
    end_time: String,
    /// When it stops taking marks.
    closes_at: String,
    topic: String,
    session_type: SessionType,
    seconds_remaining: i64,
}

impl OpenSession {
    fn new(session: &Session, zone: &Zone, now: UtcMillis) -> Self {
        Self {
            id: session.id,
            session_id: session.id,
            start_time: zone.iso(session.window.starts_at),
            end_time: zone.iso(session.window.ends_at),
            closes_at: zone.iso(session.window.closes_at()),
            topic: session.topic.clone(),
            session_type: session.session_type,
            seconds_remaining: session.window.seconds_remaining(now),
        }
    }
}

#[derive(Deserialize, JsonSchema)]
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
            let window = session::get(tx, id)?.window;
            Ok(NewEnd {
                status: "success",
                message: "Ten minutes added",
                new_end_time: zone.iso(window.ends_at),
                closes_at: zone.iso(window.closes_at()),
                seconds_remaining: window.seconds_remaining(tx.now()),
            })
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
            let window = session::get(tx, id)?.window;
            Ok(NewEnd {
                status: "success",
                message: "Session reopened",
                new_end_time: zone.iso(window.ends_at),
                closes_at: zone.iso(window.closes_at()),
                seconds_remaining: window.seconds_remaining(tx.now()),
            })
        })
        .await?;
    Ok(Json(answer))
}

#[derive(Deserialize, JsonSchema)]
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

#[derive(Serialize, JsonSchema)]
pub(crate) struct Expiry {
    status: &'static str,
    expired: bool,
    seconds_remaining: i64,
}

/// Whether the clock has closed the session. It reads; nothing has to be ended.
pub(crate) async fn check_expire(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<Expiry>> {
    let answer = app
        .store
        .read(move |tx| {
            let session = of_teacher(tx, id, actor)?;
            let now = tx.now();
            Ok(Expiry {
                status: "success",
                expired: !session.window.is_open(now),
                seconds_remaining: session.window.seconds_remaining(now),
            })
        })
        .await?;
    Ok(Json(answer))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionStatus {
    session_active: bool,
    /// Roll numbers of who is present or late.
    marked_students: Vec<String>,
    /// Roll numbers of who was said to be absent.
    absent_students: Vec<String>,
}

pub(crate) async fn status(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<SessionStatus>> {
    let answer = app
        .store
        .read(move |tx| {
            let session = of_teacher(tx, id, actor)?;
            let marks = mark::of_session(tx, id)?;
            let (mut marked, mut absent) = (Vec::new(), Vec::new());
            for student in enrolment::roster_on(tx, session.course_id, &session.held_on)? {
                match marks.get(&student.student_id) {
                    Some(mark) if mark.status.attended() => marked.push(student.university_roll_no),
                    Some(mark) if mark.status == arise_core::Status::Absent => {
                        absent.push(student.university_roll_no);
                    }
                    _ => {}
                }
            }
            Ok(SessionStatus {
                session_active: session.window.is_open(tx.now()),
                marked_students: marked,
                absent_students: absent,
            })
        })
        .await?;
    Ok(Json(answer))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Validated {
    valid: bool,
    course: ValidatedCourse,
    has_active_session: bool,
    active_session: Option<OpenSession>,
    students: Vec<RosterStudent>,
}

#[derive(Serialize, JsonSchema)]
struct ValidatedCourse {
    id: CourseId,
    course_code: String,
    course_name: String,
    default_duration: i64,
    teacher_name: String,
}

/// Whether the teacher may take this course's attendance, and its open session if there is one.
pub(crate) async fn validate(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
) -> ApiResult<Json<Validated>> {
    let zone = app.zone();
    let answer = app
        .store
        .read(move |tx| {
            let course = course_of_teacher(tx, id, actor)?;
            let now = tx.now();
            let open = session::open_of_course(tx, id)?;
            Ok(Validated {
                valid: true,
                course: ValidatedCourse {
                    id: course.id,
                    course_code: course.course_code,
                    course_name: course.course_name,
                    default_duration: course.default_duration_minutes,
                    teacher_name: course.teacher_name,
                },
                has_active_session: open.is_some(),
                active_session: open.map(|s| OpenSession::new(&s, &zone, now)),
                students: roster(tx, id)?,
            })
        })
        .await?;
    Ok(Json(answer))
}

#[derive(Deserialize, JsonSchema)]
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
