//! What a student sees first: every course, what to do about it, and alerts.

use arise_core::badge::{self, Badge};
use arise_core::plan::Plan;
use arise_core::streak::Streaks;
use arise_core::tally::needed_to_reach;
use arise_core::{CourseId, SemesterId, Standing};
use arise_store::student;
use arise_store::student_course::{self, StudentCourse};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Params, Who};
use crate::scope::SemesterFilter;
use crate::student_standing::overall;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Dashboard {
    student_name: String,
    overall_percentage: f64,
    #[schemars(extend("enum" = ["good", "warning", "critical"]))]
    overall_status: &'static str,
    present_count: i64,
    total_sessions: i64,
    current_streak: i64,
    longest_streak: i64,
    badges: Vec<Badge>,
    semester_id: Option<SemesterId>,
    semester_name: String,
    is_filtered: bool,
    courses: Vec<CourseView>,
    min_attendance_requirement: i64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnCourse")]
struct CourseView {
    course_id: CourseId,
    course_name: String,
    course_code: String,
    semester_name: String,
    percentage: f64,
    present_count: i64,
    absent_count: i64,
    excused_count: i64,
    total_sessions: i64,
    #[schemars(extend("enum" = ["good", "warning", "critical"]))]
    warning_status: &'static str,
    /// Whether the student belongs to it now.
    is_current: bool,
    analytics: Plan,
}

/// The best streaks of these courses.
pub(crate) fn best_streaks(courses: &[StudentCourse]) -> Streaks {
    let of_course = |course: &StudentCourse| Streaks::of(course.history.iter().copied());
    courses.iter().map(of_course).fold(Streaks::default(), Streaks::best)
}

pub(crate) async fn get(
    State(app): State<App>,
    Who(actor): Who,
    Params(filter): Params<SemesterFilter>,
) -> ApiResult<Json<Dashboard>> {
    let me = actor.student()?;
    let settings = app.settings();
    let (student, semester, courses) = app
        .store
        .read_settled(move |tx| {
            let semester = filter.semester(tx)?;
            let mut courses = student_course::of_student(tx, me)?;
            if let Some(semester) = &semester {
                courses.retain(|course| course.semester_id == Some(semester.id));
            }
            Ok((student::get(tx, me)?, semester, courses))
        })
        .await?;
    let settings = &settings.0;
    let (whole, streaks) = (overall(&courses), best_streaks(&courses));
    let view = |course: StudentCourse| CourseView {
        percentage: course.tally.percentage(),
        present_count: course.tally.attended(),
        absent_count: course.tally.absent(),
        excused_count: course.tally.excused,
        total_sessions: course.tally.total(),
        warning_status: Standing::of(&course.tally, settings).as_str(),
        is_current: course.is_current,
        analytics: Plan::of(&course.tally, settings),
        course_id: course.course_id,
        course_name: course.course_name,
        course_code: course.course_code,
        semester_name: course.semester_name,
    };
    Ok(Json(Dashboard {
        student_name: student.student_name,
        overall_percentage: whole.percentage(),
        overall_status: Standing::of(&whole, settings).as_str(),
        present_count: whole.attended(),
        total_sessions: whole.total(),
        current_streak: streaks.current,
        longest_streak: streaks.longest,
        badges: badge::earned(&whole, streaks),
        semester_id: semester.as_ref().map(|semester| semester.id),
        is_filtered: semester.is_some(),
        semester_name: semester.map_or_else(|| "All semesters".to_owned(), |semester| semester.semester_name),
        courses: courses.into_iter().map(view).collect(),
        min_attendance_requirement: settings.min_attendance_percent,
    }))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnSemester")]
pub(crate) struct SemesterView {
    id: SemesterId,
    semester_name: String,
    courses: Vec<SemesterCourse>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnSemesterCourse")]
struct SemesterCourse {
    id: CourseId,
    course_name: String,
    course_code: String,
}

/// The student's semesters by name, each with their courses in it.
pub(crate) async fn semesters(State(app): State<App>, Who(actor): Who) -> ApiResult<Json<Vec<SemesterView>>> {
    let me = actor.student()?;
    let courses = app.store.read_settled(move |tx| student_course::of_student(tx, me)).await?;
    let mut semesters: Vec<SemesterView> = vec![];
    for course in courses {
        let Some(id) = course.semester_id else { continue };
        let place = semesters.iter().position(|semester| semester.id == id).unwrap_or_else(|| {
            semesters.push(SemesterView { id, semester_name: course.semester_name, courses: vec![] });
            semesters.len() - 1
        });
        semesters[place].courses.push(SemesterCourse {
            id: course.course_id,
            course_name: course.course_name,
            course_code: course.course_code,
        });
    }
    // "Semester 10" after "Semester 9".
    semesters.sort_by_cached_key(|semester| {
        (semester.semester_name.chars().count(), semester.semester_name.to_lowercase(), semester.id)
    });
    Ok(Json(semesters))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Alerts {
    critical_alerts: Vec<Alert>,
    warning_alerts: Vec<Alert>,
    critical_count: usize,
    warning_count: usize,
    total_alert_count: usize,
    critical_threshold: i64,
    minimum_threshold: i64,
}

#[derive(Serialize, JsonSchema)]
struct Alert {
    course_id: CourseId,
    course_name: String,
    course_code: String,
    attendance_percentage: f64,
    present_count: i64,
    total_sessions: i64,
    /// To have the minimum again; nothing when it can't be reached any more.
    classes_needed: Option<i64>,
    #[schemars(extend("enum" = ["good", "warning", "critical"]))]
    status: &'static str,
}

/// The courses in which the student is below a threshold; those left are past mending and not shown.
pub(crate) async fn alerts(State(app): State<App>, Who(actor): Who) -> ApiResult<Json<Alerts>> {
    let me = actor.student()?;
    let settings = app.settings();
    let courses = app.store.read_settled(move |tx| student_course::of_student(tx, me)).await?;
    let settings = &settings.0;
    let (mut critical, mut warning) = (vec![], vec![]);
    for course in courses.into_iter().filter(|course| course.is_current) {
        let (tally, standing) = (course.tally, Standing::of(&course.tally, settings));
        let list = match standing {
            Standing::Good => continue,
            Standing::Warning => &mut warning,
            Standing::Critical => &mut critical,
        };
        list.push(Alert {
            course_id: course.course_id,
            course_name: course.course_name,
            course_code: course.course_code,
            attendance_percentage: tally.percentage(),
            present_count: tally.attended(),
            total_sessions: tally.total(),
            classes_needed: needed_to_reach(settings.min_attendance_percent, tally.attended(), tally.total()),
            status: standing.as_str(),
        });
    }
    Ok(Json(Alerts {
        critical_count: critical.len(),
        warning_count: warning.len(),
        total_alert_count: critical.len() + warning.len(),
        critical_alerts: critical,
        warning_alerts: warning,
        critical_threshold: settings.critical_percent,
        minimum_threshold: settings.min_attendance_percent,
    }))
}
