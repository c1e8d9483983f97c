//! How attendance develops, for administrators.

use arise_core::session::SessionType;
use arise_core::tally::{average, percentage};
use arise_core::{SemesterId, day};
use arise_store::course_summary::{self, Summarized};
use arise_store::day_tally::{self, DayTally};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Params};
use crate::scope::SemesterFilter;

/// Days of the daily curve, today included.
const DAYS: i32 = 30;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Trends {
    semester_id: Option<SemesterId>,
    daily: Vec<Day>,
    day_of_week: Vec<Weekday>,
    session_type_split: Vec<Kind>,
    course_sessions: Vec<CourseLine>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DayTrend")]
struct Day {
    date: String,
    session_count: i64,
    attendance_count: i64,
    online_marks: i64,
    offline_marks: i64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WeekdayTrend")]
struct Weekday {
    day_name: &'static str,
    day_num: usize,
    session_count: i64,
    avg_attendance: f64,
    attendance_rate: f64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionTypeTrend")]
struct Kind {
    session_type: SessionType,
    session_count: i64,
    attendance_count: i64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CourseTrend")]
struct CourseLine {
    course_code: String,
    course_name: String,
    session_count: i64,
    total_marks: i64,
    enrolled: i64,
    attendance_rate: f64,
}

/// In the order in which a week goes; the number is that of a week which begins on Sunday.
const WEEK: [(usize, &str); 7] = [
    (1, "Monday"),
    (2, "Tuesday"),
    (3, "Wednesday"),
    (4, "Thursday"),
    (5, "Friday"),
    (6, "Saturday"),
    (0, "Sunday"),
];

pub(crate) async fn get(
    State(app): State<App>,
    Params(filter): Params<SemesterFilter>,
) -> ApiResult<Json<Trends>> {
    let zone = app.zone();
    let (semester_id, today, days, courses) = app
        .store
        .read_settled(move |tx| {
            let semester = filter.id(tx)?;
            let days = day_tally::since(tx, semester.into(), "")?;
            let courses = course_summary::of_scope(tx, semester.into())?;
            Ok((semester, zone.date(tx.now()), days, courses))
        })
        .await?;
    Ok(Json(Trends {
        semester_id,
        daily: daily(&today, &days),
        day_of_week: weekdays(&days),
        session_type_split: kinds(&days),
        course_sessions: courses.into_iter().map(CourseLine::from).collect(),
    }))
}

/// Each of the last days, also those without a session. `days` are in order.
fn daily(today: &str, days: &[DayTally]) -> Vec<Day> {
    let line = |date: String| {
        let first = days.partition_point(|day| day.held_on < date);
        let of_day = days[first..].iter().take_while(|day| day.held_on == date);
        let mut line = Day {
            date: date.clone(),
            session_count: 0,
            attendance_count: 0,
            online_marks: 0,
            offline_marks: 0,
        };
        for day in of_day {
            line.session_count += day.sessions;
            line.attendance_count += day.attended;
            match day.session_type {
                SessionType::Online => line.online_marks += day.attended,
                SessionType::Offline => line.offline_marks += day.attended,
            }
        }
        line
    };
    day::up_to(today, DAYS).into_iter().map(line).collect()
}

fn weekdays(days: &[DayTally]) -> Vec<Weekday> {
    let mut sums = [(0, 0, 0); WEEK.len()];
    for day in days {
        if let Some(number) = day::weekday(&day.held_on) {
            let (sessions, attended, total) = &mut sums[number];
            *sessions += day.sessions;
            *attended += day.attended;
            *total += day.total;
        }
    }
    let line = |(day_num, day_name): (usize, _)| {
        let (sessions, attended, total) = sums[day_num];
        Weekday {
            day_name,
            day_num,
            session_count: sessions,
            avg_attendance: average(attended, sessions),
            attendance_rate: percentage(attended, total),
        }
    };
    WEEK.into_iter().map(line).collect()
}

fn kinds(days: &[DayTally]) -> Vec<Kind> {
    let of_kind = |session_type| {
        let of_kind = || days.iter().filter(|day| day.session_type == session_type);
        Kind {
            session_type,
            session_count: of_kind().map(|day| day.sessions).sum(),
            attendance_count: of_kind().map(|day| day.attended).sum(),
        }
    };
    [SessionType::Offline, SessionType::Online].into_iter().map(of_kind).collect()
}

impl From<Summarized> for CourseLine {
    fn from(course: Summarized) -> Self {
        let numbers = course.numbers;
        Self {
            course_code: course.course_code,
            course_name: course.course_name,
            session_count: numbers.sessions,
            total_marks: numbers.attended,
            enrolled: numbers.enrolled,
            attendance_rate: percentage(numbers.attended, numbers.total),
        }
    }
}
