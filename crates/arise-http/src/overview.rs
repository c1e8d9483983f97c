//! The institution in a few numbers, for administrators.

use arise_core::session::SessionType;
use arise_core::tally::{average, percentage};
use arise_core::{CourseId, Error, SemesterId, day};
use arise_store::course_summary::Summarized;
use arise_store::overview::{self, Held};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Params};
use crate::scope::SemesterFilter;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Overview {
    semester_id: Option<SemesterId>,
    total_students: i64,
    total_courses: usize,
    total_sessions: i64,
    /// Sessions attended, over all students.
    total_attendance_marks: i64,
    online_sessions: i64,
    offline_sessions: i64,
    sessions_this_week: i64,
    sessions_this_month: i64,
    avg_attendance_per_session: f64,
    overall_attendance_rate: f64,
    at_risk_count: i64,
    course_summary: Vec<CourseLine>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CourseSummary")]
struct CourseLine {
    id: CourseId,
    course_name: String,
    course_code: String,
    teacher_name: String,
    enrolled_count: i64,
    session_count: i64,
    total_marks: i64,
    attendance_rate: f64,
}

impl From<Summarized> for CourseLine {
    fn from(course: Summarized) -> Self {
        let numbers = course.numbers;
        Self {
            id: course.id,
            course_name: course.course_name,
            course_code: course.course_code,
            teacher_name: course.teacher_name,
            enrolled_count: numbers.enrolled,
            session_count: numbers.sessions,
            total_marks: numbers.attended,
            attendance_rate: percentage(numbers.attended, numbers.total),
        }
    }
}

pub(crate) async fn get(
    State(app): State<App>,
    Params(filter): Params<SemesterFilter>,
) -> ApiResult<Json<Overview>> {
    let settings = app.settings();
    let (semester_id, found) = app
        .store
        .read_settled(move |tx| {
            let semester = filter.id(tx)?;
            let today = settings.1.date(tx.now());
            let bounds = day::monday_of(&today).zip(day::first_of_month(&today));
            let (week, month) = bounds.ok_or_else(|| Error::internal("today isn't a date"))?;
            let minimum = settings.0.min_attendance_percent;
            Ok((semester, overview::get(tx, semester.into(), minimum, &week, &month)?))
        })
        .await?;
    let sum = |of: fn(&Held) -> i64| found.held.iter().map(of).sum::<i64>();
    let of_type =
        |kind| found.held.iter().filter(|held| held.session_type == kind).map(|held| held.sessions).sum();
    let (sessions, attended) = (sum(|held| held.sessions), sum(|held| held.attended));
    Ok(Json(Overview {
        semester_id,
        total_students: found.students,
        total_courses: found.courses.len(),
        total_sessions: sessions,
        total_attendance_marks: attended,
        online_sessions: of_type(SessionType::Online),
        offline_sessions: of_type(SessionType::Offline),
        sessions_this_week: sum(|held| held.this_week),
        sessions_this_month: sum(|held| held.this_month),
        avg_attendance_per_session: average(attended, sessions),
        overall_attendance_rate: percentage(attended, sum(|held| held.total)),
        at_risk_count: found.at_risk,
        course_summary: found.courses.into_iter().map(CourseLine::from).collect(),
    }))
}
