//! The register of a course, on screen and as a workbook.

use std::collections::HashMap;

use arise_core::session::SessionType;
use arise_core::{CourseId, Result, SessionId, Status, StudentId};
use arise_store::Tx;
use arise_store::course::{self, Course};
use arise_store::enrolment::Enrolled;
use arise_store::mark::{self, Current};
use arise_store::register::{self, Register};
use arise_store::session::{self, Session};
use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Who};
use crate::mark::roster_of;
use crate::session::{course_of_teacher, of_teacher};
use crate::sheet::{self, Cell, Format, Sheet};
use crate::workbook;

/// A course's register.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Report {
    course: ReportCourse,
    students: Vec<ReportStudent>,
    sessions: Vec<ReportSession>,
    /// Who was present or late: session, student.
    present_set: Vec<(SessionId, StudentId)>,
    /// Of whom somebody said that they were absent: session, student.
    absent_set: Vec<(SessionId, StudentId)>,
    /// Every letter: session, student, P, L, A or E. None where a student wasn't enrolled.
    cells: Vec<(SessionId, StudentId, char)>,
    totals: Vec<ReportTotal>,
}

#[derive(Serialize, JsonSchema)]
struct ReportCourse {
    id: CourseId,
    course_code: String,
    course_name: String,
}

#[derive(Serialize, JsonSchema)]
struct ReportStudent {
    id: StudentId,
    student_name: String,
    university_roll_no: String,
    enrollment_no: String,
    class_roll_id: i64,
}

#[derive(Serialize, JsonSchema)]
struct ReportSession {
    id: SessionId,
    start_time: String,
    end_time: String,
    topic: String,
    session_type: SessionType,
}

#[derive(Serialize, JsonSchema)]
struct ReportTotal {
    student_id: StudentId,
    present: i64,
    late: i64,
    absent: i64,
    excused: i64,
    total: i64,
    percentage: f64,
}

pub(crate) async fn get(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
) -> ApiResult<Json<Report>> {
    let zone = app.zone();
    let (course, register) = app
        .store
        .read(move |tx| Ok((course_of_teacher(tx, id, actor)?, register::of_course(tx, id)?)))
        .await?;
    let (mut present_set, mut absent_set, mut cells, mut totals) = (vec![], vec![], vec![], vec![]);
    for student in &register.students {
        for (session, cell) in register.sessions.iter().zip(&student.cells) {
            let Some(cell) = cell else { continue };
            cells.push((session.id, student.id, cell.status.letter()));
            if cell.status.attended() {
                present_set.push((session.id, student.id));
            } else if cell.marked && cell.status == arise_core::Status::Absent {
                absent_set.push((session.id, student.id));
            }
        }
        totals.push(ReportTotal {
            student_id: student.id,
            present: student.tally.present,
            late: student.tally.late,
            absent: student.tally.absent(),
            excused: student.tally.excused,
            total: student.tally.total(),
            percentage: student.tally.percentage(),
        });
    }
    let students = register.students.into_iter().map(|s| ReportStudent {
        id: s.id,
        student_name: s.student_name,
        university_roll_no: s.university_roll_no,
        enrollment_no: s.enrollment_no,
        class_roll_id: s.class_roll_id,
    });
    let sessions = register.sessions.into_iter().map(|s| ReportSession {
        id: s.id,
        start_time: zone.iso(s.starts_at),
        end_time: zone.iso(s.ends_at),
        topic: s.topic,
        session_type: s.session_type,
    });
    Ok(Json(Report {
        course: ReportCourse {
            id: course.id,
            course_code: course.course_code,
            course_name: course.course_name,
        },
        students: students.collect(),
        sessions: sessions.collect(),
        present_set,
        absent_set,
        cells,
        totals,
    }))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Wishes {
    format: Option<Format>,
}

impl Wishes {
    /// A workbook, unless CSV is asked for.
    fn format(&self) -> Format {
        if self.format == Some(Format::Csv) { Format::Csv } else { Format::Xlsx }
    }
}

/// The register as a file, for the course's teacher.
pub(crate) async fn export(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
    Params(wishes): Params<Wishes>,
) -> ApiResult<Response> {
    let read = move |tx: &mut Tx<'_>| Ok((course_of_teacher(tx, id, actor)?, register::of_course(tx, id)?));
    register_file(&app, wishes.format(), app.store.read(read).await?).await
}

/// The register as a file, for administrators.
pub(crate) async fn export_any(
    State(app): State<App>,
    Id(id): Id<CourseId>,
    Params(wishes): Params<Wishes>,
) -> ApiResult<Response> {
    let read = move |tx: &mut Tx<'_>| Ok((course::get(tx, id)?, register::of_course(tx, id)?));
    register_file(&app, wishes.format(), app.store.read(read).await?).await
}

async fn register_file(app: &App, format: Format, found: (Course, Register)) -> ApiResult<Response> {
    let (settings, (course, register)) = (app.settings(), found);
    let name = format!("attendance-{}-{}", course.course_code, settings.1.date(app.now()));
    let write = move || match format {
        Format::Csv => workbook::register_sheet(&register, &settings.1).to_bytes(format),
        Format::Xlsx | Format::Json => workbook::register(&course, &register, &settings.0, &settings.1),
    };
    Ok(sheet::send(name, format, write).await?)
}

/// One session as a file, for its teacher.
pub(crate) async fn session(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
    Params(wishes): Params<Wishes>,
) -> ApiResult<Response> {
    let found = app
        .store
        .read(move |tx| {
            let session = of_teacher(tx, id, actor)?;
            attended(tx, session)
        })
        .await?;
    session_file(&app, wishes.format(), found).await
}

/// One session as a file, for administrators.
pub(crate) async fn session_any(
    State(app): State<App>,
    Id(id): Id<SessionId>,
    Params(wishes): Params<Wishes>,
) -> ApiResult<Response> {
    let found = app
        .store
        .read(move |tx| {
            let session = session::get(tx, id)?;
            attended(tx, session)
        })
        .await?;
    session_file(&app, wishes.format(), found).await
}

type Attended = (Session, Vec<Enrolled>, HashMap<StudentId, Current>);

fn attended(tx: &mut Tx<'_>, session: Session) -> Result<Attended> {
    let (roster, marks) = (roster_of(tx, &session)?, mark::of_session(tx, session.id)?);
    Ok((session, roster, marks))
}

async fn session_file(app: &App, format: Format, (session, roster, marks): Attended) -> ApiResult<Response> {
    let zone = app.zone();
    let name = format!("session-{}-{}", session.course_code, session.held_on);
    let write = move || {
        let row = |student: &Enrolled| -> Vec<Cell> {
            let mark = marks.get(&student.student_id);
            let status = mark.map_or(Status::Absent, |mark| mark.status);
            vec![
                student.class_roll_id.into(),
                student.student_name.as_str().into(),
                student.university_roll_no.as_str().into(),
                student.enrollment_no.as_str().into(),
                status.letter().to_string().into(),
                mark.map_or(String::new(), |mark| zone.iso(mark.observed_at)).into(),
                mark.map_or("", |mark| mark.source.as_str()).into(),
                mark.and_then(|mark| mark.reason.clone()).unwrap_or_default().into(),
            ]
        };
        let head = [
            "Class Roll ID",
            "Student Name",
            "University Roll No.",
            "Enrollment No.",
            "Status",
            "Marked At",
            "Method",
            "Reason",
        ];
        let (start, end) = (session.window.starts_at, session.window.ends_at);
        let times = format!("{} {}–{}", session.held_on, zone.time_of_day(start), zone.time_of_day(end));
        let sheet = Sheet {
            tab: "Session",
            titles: vec![
                format!("{} {}", session.course_code, session.course_name).trim().to_owned(),
                format!("{times} {}", session.topic).trim().to_owned(),
            ],
            head: head.map(str::to_owned).to_vec(),
            rows: roster.iter().map(row).collect(),
        };
        sheet.to_bytes(format)
    };
    Ok(sheet::send(name, format, write).await?)
}
