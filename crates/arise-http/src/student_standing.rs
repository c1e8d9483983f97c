//! How one student does, for administrators.

use arise_core::{CourseId, SessionId, Standing, Status, StudentId, Tally};
use arise_store::student_course::{self, StudentCourse};
use arise_store::{leaderboard, student};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params};
use crate::scope::SemesterFilter;

/// The latest absences that are shown.
const ABSENCES: usize = 20;

#[derive(Serialize, JsonSchema)]
pub(crate) struct StudentStanding {
    student: StudentView,
    overall_percentage: f64,
    #[schemars(extend("enum" = ["safe", "warning", "critical"]))]
    overall_status: &'static str,
    total_present: i64,
    total_possible: i64,
    courses: Vec<CourseLine>,
    recent_absences: Vec<Absence>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StudentStandingStudent")]
struct StudentView {
    id: StudentId,
    student_name: String,
    university_roll_no: String,
    enrollment_no: String,
    /// Under which others see the student on the leaderboard; empty for none.
    nickname: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StudentStandingCourse")]
struct CourseLine {
    course_id: CourseId,
    course_name: String,
    course_code: String,
    semester_name: String,
    class_roll_id: i64,
    present_count: i64,
    absent_count: i64,
    total_sessions: i64,
    percentage: f64,
    #[schemars(extend("enum" = ["safe", "warning", "critical"]))]
    status: &'static str,
    /// Whether the student belongs to it now.
    is_current: bool,
}

#[derive(Serialize, JsonSchema)]
struct Absence {
    id: SessionId,
    start_time: String,
    course_name: String,
    course_code: String,
}

/// What counts in all of these courses.
pub(crate) fn overall(courses: &[StudentCourse]) -> Tally {
    let mut whole = Tally::default();
    for course in courses {
        whole.merge(&course.tally);
    }
    whole
}

pub(crate) async fn get(
    State(app): State<App>,
    Id(id): Id<StudentId>,
    Params(filter): Params<SemesterFilter>,
) -> ApiResult<Json<StudentStanding>> {
    let settings = app.settings();
    let (student, nickname, courses, mut held) = app
        .store
        .read_settled(move |tx| {
            let student = student::get(tx, id)?;
            let nickname = leaderboard::choice(tx, id)?.nickname;
            let semester = filter.id(tx)?;
            let mut courses = student_course::of_student(tx, id)?;
            courses.retain(|course| semester.is_none() || course.semester_id == semester);
            let held = student_course::held(tx, id, &courses)?;
            Ok((student, nickname, courses, held))
        })
        .await?;
    let (settings, zone) = &*settings;
    let whole = overall(&courses);
    let mut absences: Vec<_> = courses
        .iter()
        .flat_map(|course| {
            let held = held.remove(&course.course_id).unwrap_or_default();
            held.into_iter().filter(|held| held.status == Status::Absent).map(move |held| (held, course))
        })
        .collect();
    absences.sort_by_key(|(held, _)| std::cmp::Reverse((held.starts_at, held.session_id)));
    let absences = absences.into_iter().take(ABSENCES).map(|(held, course)| Absence {
        id: held.session_id,
        start_time: zone.iso(held.starts_at),
        course_name: course.course_name.clone(),
        course_code: course.course_code.clone(),
    });
    let lines = courses.iter().map(|course| CourseLine {
        course_id: course.course_id,
        course_name: course.course_name.clone(),
        course_code: course.course_code.clone(),
        semester_name: course.semester_name.clone(),
        class_roll_id: course.class_roll_id,
        present_count: course.tally.attended(),
        absent_count: course.tally.absent(),
        total_sessions: course.tally.total(),
        percentage: course.tally.percentage(),
        status: Standing::of(&course.tally, settings).as_admin_str(),
        is_current: course.is_current,
    });
    Ok(Json(StudentStanding {
        overall_percentage: whole.percentage(),
        overall_status: Standing::of(&whole, settings).as_admin_str(),
        total_present: whole.attended(),
        total_possible: whole.total(),
        courses: lines.collect(),
        recent_absences: absences.collect(),
        student: StudentView {
            id: student.id,
            student_name: student.student_name,
            university_roll_no: student.university_roll_no,
            enrollment_no: student.enrollment_no,
            nickname,
        },
    }))
}
