//! Past sessions of a course, and one of them in detail.

use arise_core::session::SessionType;
use arise_core::tally::percentage;
use arise_core::{CourseId, SessionId, Source, Status, StudentId};
use arise_store::{mark, register};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Who};
use crate::mark::roster_of;
use crate::session::{course_of_teacher, of_teacher};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Page {
    limit: Option<i64>,
    offset: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct History {
    sessions: Vec<PastSession>,
    /// On all pages.
    total_count: i64,
}

#[derive(Serialize, JsonSchema)]
struct PastSession {
    id: SessionId,
    date: String,
    time: String,
    start_time: String,
    end_time: String,
    session_type: SessionType,
    topic: String,
    is_active: bool,
    present_count: i64,
    excused_count: i64,
    total_students: i64,
    attendance_percent: f64,
}

pub(crate) async fn list(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
    Params(page): Params<Page>,
) -> ApiResult<Json<History>> {
    let zone = app.zone();
    let (limit, offset) = (page.limit.unwrap_or(1_000).clamp(1, 1_000), page.offset.unwrap_or(0).max(0));
    let (past, total, now) = app
        .store
        .read_settled(move |tx| {
            course_of_teacher(tx, id, actor)?;
            let (past, total) = register::history(tx, id, limit, offset)?;
            Ok((past, total, tx.now()))
        })
        .await?;
    let sessions = past
        .into_iter()
        .map(|p| {
            let starts_at = p.session.starts_at;
            PastSession {
                id: p.session.id,
                date: zone.date(starts_at),
                time: zone.time_of_day(starts_at),
                start_time: zone.iso(starts_at),
                end_time: zone.iso(p.session.ends_at),
                session_type: p.session.session_type,
                topic: p.session.topic,
                is_active: now < p.closes_at,
                present_count: p.attended,
                excused_count: p.excused,
                total_students: p.enrolled,
                attendance_percent: percentage(p.attended, p.enrolled - p.excused),
            }
        })
        .collect();
    Ok(Json(History { sessions, total_count: total }))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionDetail {
    session_id: SessionId,
    course_id: CourseId,
    start_time: String,
    end_time: String,
    topic: String,
    session_type: SessionType,
    is_active: bool,
    present_count: usize,
    absent_count: usize,
    excused_count: usize,
    total_students: usize,
    present_students: Vec<DetailStudent>,
    /// Whoever wasn't there, the excused too.
    absent_students: Vec<DetailStudent>,
}

#[derive(Serialize, JsonSchema)]
struct DetailStudent {
    student_id: StudentId,
    student_name: String,
    university_roll_no: String,
    class_roll_id: i64,
    status: Status,
    /// Where the mark came from; nothing when there is none.
    method: Option<Source>,
    reason: Option<String>,
    observed_at: Option<String>,
    is_marked_absent: bool,
}

pub(crate) async fn detail(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<SessionDetail>> {
    let zone = app.zone();
    let answer = app
        .store
        .read(move |tx| {
            let session = of_teacher(tx, id, actor)?;
            let marks = mark::of_session(tx, id)?;
            let (mut present, mut absent, mut excused) = (vec![], vec![], 0);
            for student in roster_of(tx, &session)? {
                let mark = marks.get(&student.student_id);
                let status = mark.map(|m| m.status);
                let line = DetailStudent {
                    student_id: student.student_id,
                    student_name: student.student_name,
                    university_roll_no: student.university_roll_no,
                    class_roll_id: student.class_roll_id,
                    status: status.unwrap_or(Status::Absent),
                    method: mark.map(|m| m.source),
                    reason: mark.and_then(|m| m.reason.clone()),
                    observed_at: mark.map(|m| zone.iso(m.observed_at)),
                    is_marked_absent: status == Some(Status::Absent),
                };
                excused += usize::from(status == Some(Status::Excused));
                if status.is_some_and(Status::attended) { present.push(line) } else { absent.push(line) }
            }
            Ok(SessionDetail {
                session_id: session.id,
                course_id: session.course_id,
                start_time: zone.iso(session.window.starts_at),
                end_time: zone.iso(session.window.ends_at),
                is_active: session.window.is_open(tx.now()),
                topic: session.topic,
                session_type: session.session_type,
                present_count: present.len(),
                absent_count: absent.len() - excused,
                excused_count: excused,
                total_students: present.len() + absent.len(),
                present_students: present,
                absent_students: absent,
            })
        })
        .await?;
    Ok(Json(answer))
}
