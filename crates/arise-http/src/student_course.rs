//! A student's own courses, session by session.

use std::collections::BTreeMap;

use arise_core::plan::Plan;
use arise_core::session::SessionType;
use arise_core::trend::{self, Direction, Trend};
use arise_core::{CourseId, Error, SessionId, Standing, Status};
use arise_store::course;
use arise_store::student_course::{self, Held, StudentCourse};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Who};
use crate::scope::SemesterFilter;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnLog")]
pub(crate) struct CourseLog {
    course_id: CourseId,
    course_name: String,
    course_code: String,
    present_count: i64,
    absent_count: i64,
    excused_count: i64,
    total_sessions: i64,
    percentage: f64,
    log: Vec<Line>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnLogLine")]
struct Line {
    session_id: SessionId,
    date: String,
    start_time: String,
    end_time: String,
    topic: String,
    session_type: SessionType,
    status: Status,
}

/// One course of the student, the latest session first.
pub(crate) async fn log(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
) -> ApiResult<Json<CourseLog>> {
    let me = actor.student()?;
    let zone = app.zone();
    let (course, lines) = app
        .store
        .read_settled(move |tx| {
            let mine = student_course::of_student(tx, me)?.into_iter().find(|course| course.course_id == id);
            let Some(mine) = mine else {
                course::get(tx, id)?;
                return Err(Error::forbidden("not_your_course", "You don't belong to this course."));
            };
            let lines = student_course::log(tx, &mine)?;
            Ok((mine, lines))
        })
        .await?;
    let lines = lines.into_iter().rev().map(|line| Line {
        session_id: line.held.session_id,
        date: line.held.held_on,
        start_time: zone.iso(line.held.starts_at),
        end_time: zone.iso(line.ends_at),
        topic: line.topic,
        session_type: line.session_type,
        status: line.held.status,
    });
    Ok(Json(CourseLog {
        present_count: course.tally.attended(),
        absent_count: course.tally.absent(),
        excused_count: course.tally.excused,
        total_sessions: course.tally.total(),
        percentage: course.tally.percentage(),
        log: lines.collect(),
        course_id: course.course_id,
        course_name: course.course_name,
        course_code: course.course_code,
    }))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnAnalytics")]
pub(crate) struct Analytics {
    analytics: BTreeMap<CourseId, CourseAnalytics>,
    min_attendance_requirement: i64,
    warning_threshold: i64,
    critical_threshold: i64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnCourseAnalytics")]
struct CourseAnalytics {
    course_name: String,
    course_code: String,
    semester_name: String,
    /// Of the last 7 sessions, in percent.
    last_7_days_avg: f64,
    /// Of the last 30 sessions, in percent.
    last_30_days_avg: f64,
    /// Of all sessions, in percent.
    semester_total: f64,
    trend_direction: Direction,
    #[schemars(extend("enum" = ["good", "warning", "critical"]))]
    status: &'static str,
    improvement_plan: Plan,
    daily_breakdown: Vec<Session>,
    total_sessions: i64,
    is_current: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnSession")]
struct Session {
    date: String,
    /// 100 when attended, else 0.
    percentage: i64,
    session_id: SessionId,
}

/// How the student's attendance develops in each course.
pub(crate) async fn analytics(
    State(app): State<App>,
    Who(actor): Who,
    Params(filter): Params<SemesterFilter>,
) -> ApiResult<Json<Analytics>> {
    let me = actor.student()?;
    let settings = app.settings();
    let (courses, mut held) = app
        .store
        .read_settled(move |tx| {
            let semester = filter.id(tx)?;
            let mut courses = student_course::of_student(tx, me)?;
            courses.retain(|course| semester.is_none() || course.semester_id == semester);
            let held = student_course::held(tx, me, &courses)?;
            Ok((courses, held))
        })
        .await?;
    let settings = &settings.0;
    let of_course = |course: StudentCourse| {
        let trend = Trend::of(&course.history);
        let analytics = CourseAnalytics {
            last_7_days_avg: trend.few,
            last_30_days_avg: trend.many,
            semester_total: course.tally.percentage(),
            trend_direction: trend.direction,
            status: Standing::of(&course.tally, settings).as_str(),
            improvement_plan: Plan::of(&course.tally, settings),
            daily_breakdown: latest(held.remove(&course.course_id).unwrap_or_default()),
            total_sessions: course.tally.total(),
            is_current: course.is_current,
            course_name: course.course_name,
            course_code: course.course_code,
            semester_name: course.semester_name,
        };
        (course.course_id, analytics)
    };
    Ok(Json(Analytics {
        analytics: courses.into_iter().map(of_course).collect(),
        min_attendance_requirement: settings.min_attendance_percent,
        warning_threshold: settings.min_attendance_percent,
        critical_threshold: settings.critical_percent,
    }))
}

/// The last sessions that count for or against the student, in the order in which they were held.
fn latest(mut held: Vec<Held>) -> Vec<Session> {
    held.retain(|held| held.status != Status::Excused);
    let skipped = held.len().saturating_sub(trend::MANY);
    held.into_iter()
        .skip(skipped)
        .map(|held| Session {
            date: held.held_on,
            percentage: if held.status.attended() { 100 } else { 0 },
            session_id: held.session_id,
        })
        .collect()
}
