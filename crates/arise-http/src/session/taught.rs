//! The courses of which a teacher starts a session.

use std::cmp::Reverse;

use arise_core::zone::Zone;
use arise_core::{CourseId, UtcMillis};
use arise_store::{course, today};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::OpenSession;
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Who};

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
