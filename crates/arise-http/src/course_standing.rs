//! How a course goes: for administrators with everybody in it, for its teacher with those at risk.

use arise_core::session::SessionType;
use arise_core::tally::{needed_to_reach, percentage};
use arise_core::zone::Zone;
use arise_core::{CourseId, SessionId, Standing, StudentId};
use arise_store::course_standing::{self, Member, Point};
use arise_store::{course, course_summary};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};
use crate::session::course_of_teacher;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CourseAnalytics")]
pub(crate) struct OfAdmin {
    course: CourseView,
    total_sessions: i64,
    enrolled_count: usize,
    at_risk_count: usize,
    attendance_rate: f64,
    students: Vec<StudentLine>,
    trend: Vec<PointView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CourseAnalyticsCourse")]
struct CourseView {
    id: CourseId,
    course_name: String,
    course_code: String,
    semester_name: String,
    teacher_name: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CourseAnalyticsStudent")]
struct StudentLine {
    student_id: StudentId,
    student_name: String,
    university_roll_no: String,
    class_roll_id: i64,
    present_count: i64,
    absent_count: i64,
    total_sessions: i64,
    percentage: f64,
    #[schemars(extend("enum" = ["safe", "warning", "critical"]))]
    status: &'static str,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TrendPoint")]
struct PointView {
    id: SessionId,
    start_time: String,
    topic: String,
    session_type: SessionType,
    present_count: i64,
    total_students: i64,
    attendance_percent: f64,
}

fn curve(points: Vec<Point>, zone: &Zone) -> Vec<PointView> {
    points
        .into_iter()
        .map(|point| PointView {
            id: point.session_id,
            start_time: zone.iso(point.starts_at),
            topic: point.topic,
            session_type: point.session_type,
            present_count: point.attended,
            total_students: point.enrolled,
            attendance_percent: percentage(point.attended, point.enrolled - point.excused),
        })
        .collect()
}

pub(crate) async fn of_admin(State(app): State<App>, Id(id): Id<CourseId>) -> ApiResult<Json<OfAdmin>> {
    let settings = app.settings();
    let (course, numbers, members, points) = app
        .store
        .read_settled(move |tx| {
            let course = course::get(tx, id)?;
            let numbers = course_summary::of_course(tx, id)?;
            Ok((course, numbers, course_standing::members(tx, id)?, course_standing::points(tx, id)?))
        })
        .await?;
    let (settings, zone) = &*settings;
    let mut at_risk = 0;
    let students: Vec<StudentLine> = members
        .into_iter()
        .map(|member| {
            let standing = Standing::of(&member.tally, settings);
            at_risk += usize::from(standing.is_at_risk());
            StudentLine {
                student_id: member.student_id,
                student_name: member.student_name,
                university_roll_no: member.university_roll_no,
                class_roll_id: member.class_roll_id,
                present_count: member.tally.attended(),
                absent_count: member.tally.absent(),
                total_sessions: member.tally.total(),
                percentage: member.tally.percentage(),
                status: standing.as_admin_str(),
            }
        })
        .collect();
    Ok(Json(OfAdmin {
        course: CourseView {
            id: course.id,
            course_name: course.course_name,
            course_code: course.course_code,
            semester_name: course.semester_name,
            teacher_name: course.teacher_name,
        },
        total_sessions: numbers.sessions,
        enrolled_count: students.len(),
        at_risk_count: at_risk,
        attendance_rate: percentage(numbers.attended, numbers.total),
        students,
        trend: curve(points, zone),
    }))
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TeacherCourseAnalytics")]
pub(crate) struct OfTeacher {
    total_sessions: i64,
    enrolled_count: usize,
    avg_attendance_percent: f64,
    at_risk_students: Vec<AtRisk>,
    trend: Vec<PointView>,
    min_attendance_requirement: i64,
}

#[derive(Serialize, JsonSchema)]
struct AtRisk {
    student_id: StudentId,
    student_name: String,
    university_roll_no: String,
    class_roll_id: i64,
    attendance_percent: f64,
    present_count: i64,
    total_sessions: i64,
    /// Nothing when the minimum can't be reached any more.
    sessions_needed: Option<i64>,
    #[schemars(extend("enum" = ["good", "warning", "critical"]))]
    status: &'static str,
}

pub(crate) async fn of_teacher(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
) -> ApiResult<Json<OfTeacher>> {
    let settings = app.settings();
    let (numbers, members, points) = app
        .store
        .read_settled(move |tx| {
            course_of_teacher(tx, id, actor)?;
            let numbers = course_summary::of_course(tx, id)?;
            Ok((numbers, course_standing::members(tx, id)?, course_standing::points(tx, id)?))
        })
        .await?;
    let (settings, zone) = &*settings;
    let minimum = settings.min_attendance_percent;
    let enrolled_count = members.len();
    let at_risk = |member: Member| {
        let (tally, standing) = (member.tally, Standing::of(&member.tally, settings));
        standing.is_at_risk().then(|| AtRisk {
            student_id: member.student_id,
            student_name: member.student_name,
            university_roll_no: member.university_roll_no,
            class_roll_id: member.class_roll_id,
            attendance_percent: tally.percentage(),
            present_count: tally.attended(),
            total_sessions: tally.total(),
            sessions_needed: needed_to_reach(minimum, tally.attended(), tally.total()),
            status: standing.as_str(),
        })
    };
    Ok(Json(OfTeacher {
        total_sessions: numbers.sessions,
        enrolled_count,
        avg_attendance_percent: percentage(numbers.attended, numbers.total),
        at_risk_students: members.into_iter().filter_map(at_risk).collect(),
        trend: curve(points, zone),
        min_attendance_requirement: minimum,
    }))
}
