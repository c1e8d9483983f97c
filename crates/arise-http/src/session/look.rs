//! What a session, or a course that may have one, is asked.

use arise_core::{CourseId, SessionId, Status};
use arise_store::{enrolment, mark, session};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::{OpenSession, RosterStudent, course_of_teacher, of_teacher, roster};
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};

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
                    Some(mark) if mark.status == Status::Absent => {
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
