//! The register of a course, on screen and as a workbook.

use arise_core::{CourseId, Result};
use arise_store::register;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};
use crate::session::course_of_teacher;
use crate::workbook;

pub(crate) async fn get(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
) -> ApiResult<Json<Value>> {
    let zone = app.zone();
    let (course, register) = app
        .store
        .read(move |tx| Ok((course_of_teacher(tx, id, actor)?, register::of_course(tx, id)?)))
        .await?;
    let (mut present, mut absent, mut cells, mut totals) = (vec![], vec![], vec![], vec![]);
    for student in &register.students {
        for (session, cell) in register.sessions.iter().zip(&student.cells) {
            let Some(cell) = cell else { continue };
            cells.push(json!([session.id, student.id, cell.status.letter()]));
            if cell.status.attended() {
                present.push(json!([session.id, student.id]));
            } else if cell.marked && cell.status == arise_core::Status::Absent {
                absent.push(json!([session.id, student.id]));
            }
        }
        totals.push(json!({
            "student_id": student.id,
            "present": student.tally.present,
            "late": student.tally.late,
            "absent": student.tally.absent(),
            "excused": student.tally.excused,
            "total": student.tally.total(),
            "percentage": student.tally.percentage(),
        }));
    }
    let students: Vec<Value> = register
        .students
        .iter()
        .map(|s| {
            json!({
                "id": s.id,
                "student_name": s.student_name,
                "university_roll_no": s.university_roll_no,
                "enrollment_no": s.enrollment_no,
                "class_roll_id": s.class_roll_id,
            })
        })
        .collect();
    let sessions: Vec<Value> = register
        .sessions
        .iter()
        .map(|s| {
            json!({
                "id": s.id,
                "start_time": zone.iso(s.starts_at),
                "end_time": zone.iso(s.ends_at),
                "topic": s.topic,
                "session_type": s.session_type,
            })
        })
        .collect();
    Ok(Json(json!({
        "course": {
            "id": course.id,
            "course_code": course.course_code,
            "course_name": course.course_name,
        },
        "students": students,
        "sessions": sessions,
        "present_set": present,
        "absent_set": absent,
        "cells": cells,
        "totals": totals,
    })))
}

/// The register as an Excel workbook.
pub(crate) async fn export(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
) -> ApiResult<Response> {
    let settings = app.settings();
    let (name, bytes) = app
        .store
        .read(move |tx| -> Result<_> {
            let course = course_of_teacher(tx, id, actor)?;
            let register = register::of_course(tx, id)?;
            let bytes = workbook::register(&course, &register, &settings.0, &settings.1)?;
            Ok((file_name(&course.course_code, &settings.1.date(tx.now())), bytes))
        })
        .await?;
    let disposition = HeaderValue::try_from(format!("attachment; filename=\"{name}\""))
        .unwrap_or(HeaderValue::from_static("attachment"));
    let kind = HeaderValue::from_static("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], bytes).into_response())
}

/// A name that every file system takes.
fn file_name(course_code: &str, date: &str) -> String {
    let code: String =
        course_code.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    format!("attendance-{code}-{date}.xlsx")
}
