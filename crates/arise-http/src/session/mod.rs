//! Sessions of a teacher's courses.

mod look;
mod run;
mod taught;

use arise_core::session::SessionType;
use arise_core::zone::Zone;
use arise_core::{Actor, CourseId, DeviceId, Result, SessionId, StudentId, UtcMillis};
use arise_store::course::Course;
use arise_store::session::Session;
use arise_store::{Tx, course, enrolment, session};
use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use look::{check_expire, status, validate};
pub(crate) use run::{choose_device, delete, end, extend, reopen, start};
pub(crate) use taught::{course_codes, my_courses};

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
