//! The shortage list of a semester: who is below the minimum, and what it takes to get there.
//!
//! arise knows no timetable. Whoever asks says how many sessions are left in each course (`sessions_left`): a
//! student can't recover in a course when even attending all of them leaves the share below the minimum. Without that
//! number only those can't recover for whom no number is enough.

use arise_core::setting::Settings;
use arise_core::tally::{can_reach, needed_to_reach, percentage};
use arise_core::{CourseId, Error, SemesterId, Standing, StudentId, Tally};
use arise_store::semester::{self, Semester};
use arise_store::shortage::{self, Shortage};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params};
use crate::sheet::{self, Cell, Format, Sheet};

const MAX_LEFT: i64 = 1_000;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Wishes {
    format: Option<Format>,
    sessions_left: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShortageList")]
pub(crate) struct List {
    semester_id: SemesterId,
    semester_name: String,
    min_attendance_requirement: i64,
    sessions_left: Option<i64>,
    students: Vec<Line>,
    total_count: i64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ShortageLine")]
struct Line {
    student_id: StudentId,
    student_name: String,
    university_roll_no: String,
    enrollment_no: String,
    course_id: CourseId,
    course_code: String,
    course_name: String,
    class_roll_id: i64,
    present_count: i64,
    total_sessions: i64,
    percentage: f64,
    #[schemars(extend("enum" = ["good", "warning", "critical"]))]
    status: &'static str,
    /// Sessions to attend in a row to have the minimum; nothing when no number is enough.
    sessions_needed: Option<i64>,
    /// Nothing when nobody said how many are left.
    can_recover: Option<bool>,
}

impl Line {
    fn new(short: Shortage, settings: &Settings, left: Option<i64>) -> Self {
        let (minimum, attended, total) = (settings.min_attendance_percent, short.attended, short.total);
        let tally = Tally { sessions: total, present: attended, ..Tally::default() };
        let sessions_needed = needed_to_reach(minimum, attended, total);
        let can_recover = match left {
            Some(left) => Some(can_reach(minimum, attended, total, left)),
            None => sessions_needed.is_none().then_some(false),
        };
        Self {
            student_id: short.student_id,
            student_name: short.student_name,
            university_roll_no: short.university_roll_no,
            enrollment_no: short.enrollment_no,
            course_id: short.course_id,
            course_code: short.course_code,
            course_name: short.course_name,
            class_roll_id: short.class_roll_id,
            present_count: attended,
            total_sessions: total,
            percentage: percentage(attended, total),
            status: Standing::of(&tally, settings).as_str(),
            sessions_needed,
            can_recover,
        }
    }
}

pub(crate) async fn get(
    State(app): State<App>,
    Id(id): Id<SemesterId>,
    Params(wishes): Params<Wishes>,
) -> ApiResult<Response> {
    let left = wishes.sessions_left;
    if left.is_some_and(|left| !(0..=MAX_LEFT).contains(&left)) {
        return Err(Error::invalid("sessions_left", format!("Use a number from 0 to {MAX_LEFT}.")).into());
    }
    let settings = app.settings();
    let minimum = settings.0.min_attendance_percent;
    let (semester, (found, total_count)) = app
        .store
        .read_settled(move |tx| Ok((semester::get(tx, id)?, shortage::of_semester(tx, id, minimum)?)))
        .await?;
    let Semester { id: semester_id, semester_name } = semester;
    let students = found.into_iter().map(|short| Line::new(short, &settings.0, left)).collect();
    let list = List {
        semester_id,
        semester_name,
        min_attendance_requirement: minimum,
        sessions_left: left,
        students,
        total_count,
    };
    let format = wishes.format.unwrap_or(Format::Json);
    if format == Format::Json {
        return Ok(Json(list).into_response());
    }
    let today = settings.1.date(app.now());
    let name = format!("shortage-{}-{today}", list.semester_name);
    Ok(sheet::send(name, format, move || sheet_of(&list, &today).to_bytes(format)).await?)
}

fn sheet_of(list: &List, today: &str) -> Sheet {
    let minimum = list.min_attendance_requirement;
    let left = list.sessions_left.map(|left| format!(", with {left} sessions left in each course"));
    let head = [
        "University Roll No.",
        "Student Name",
        "Enrollment No.",
        "Course Code",
        "Course Name",
        "Class Roll ID",
        "Attended",
        "Sessions",
        "%",
        "Lectures Needed",
        "Can Recover",
    ];
    let row = |line: &Line| {
        vec![
            line.university_roll_no.as_str().into(),
            line.student_name.as_str().into(),
            line.enrollment_no.as_str().into(),
            line.course_code.as_str().into(),
            line.course_name.as_str().into(),
            line.class_roll_id.into(),
            line.present_count.into(),
            line.total_sessions.into(),
            Cell::Percent(line.percentage),
            line.sessions_needed.map_or(Cell::from(""), Cell::from),
            match line.can_recover {
                Some(true) => "Yes",
                Some(false) => "No",
                None => "",
            }
            .into(),
        ]
    };
    Sheet {
        tab: "Shortage",
        titles: vec![
            format!("Shortage list: {}", list.semester_name),
            format!("Below {minimum}% on {today}{}", left.unwrap_or_default()),
        ],
        head: head.map(str::to_owned).to_vec(),
        rows: list.students.iter().map(row).collect(),
    }
}
