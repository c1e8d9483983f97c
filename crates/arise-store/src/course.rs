//! Courses.

use std::collections::BTreeSet;

use arise_core::op::{Cell, Kind};
use arise_core::{CourseId, Error, Result, SemesterId, TeacherId, session as rules, text};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::list::{Filter, Listing, MAX_ROWS};
use crate::tx::{Tx, WriteTx};
use crate::value::{MAX_PLACES, Row, Value, places};
use crate::{op, params, semester, session, teacher};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Course {
    pub id: CourseId,
    pub course_name: String,
    pub course_code: String,
    pub default_duration_minutes: i64,
    /// `None`, like the teacher, when it was deleted.
    pub semester_id: Option<SemesterId>,
    /// Empty when there is none.
    pub semester_name: String,
    pub teacher_id: Option<TeacherId>,
    /// Empty when there is none.
    pub teacher_name: String,
}

/// What an administrator says of a course.
#[derive(Debug, Clone)]
pub struct CourseFields {
    pub course_name: String,
    pub course_code: String,
    pub default_duration_minutes: i64,
    pub semester_id: Option<SemesterId>,
    pub teacher_id: Option<TeacherId>,
}

const COLUMNS: &str = "c.id, c.course_name, c.course_code, c.default_duration_minutes, s.id, \
    COALESCE(s.semester_name, ''), t.id, COALESCE(t.teacher_name, '')";

const LIVE: &str = "course c LEFT JOIN semester s ON s.id = c.semester_id AND s.archived = 0 \
    LEFT JOIN teacher t ON t.id = c.teacher_id AND t.archived = 0 WHERE c.archived = 0";

const BY_CODE: &str = "lower(c.course_code), c.id";

fn from_row(row: &Row) -> Result<Course> {
    Ok(Course {
        id: row.get(0)?,
        course_name: row.get(1)?,
        course_code: row.get(2)?,
        default_duration_minutes: row.get(3)?,
        semester_id: row.get(4)?,
        semester_name: row.get(5)?,
        teacher_id: row.get(6)?,
        teacher_name: row.get(7)?,
    })
}

/// Courses by code, and how many there are on all pages.
pub fn list(tx: &mut Tx<'_>, filter: &Filter) -> Result<(Vec<Course>, i64)> {
    let listing = Listing {
        columns: COLUMNS,
        from: LIVE,
        searched: &[
            "c.course_name",
            "c.course_code",
            "COALESCE(s.semester_name, '')",
            "COALESCE(t.teacher_name, '')",
        ],
        order: BY_CODE,
    };
    let (rows, total) = listing.page(tx, filter, &[])?;
    Ok((rows.iter().map(from_row).collect::<Result<_>>()?, total))
}

/// Every course, for the older list that doesn't page.
pub fn view(tx: &mut Tx<'_>) -> Result<Vec<Course>> {
    list(tx, &Filter::default()).map(|(courses, _)| courses)
}

/// # Errors
/// `not_found`.
pub fn get(tx: &mut Tx<'_>, id: CourseId) -> Result<Course> {
    let row = tx.query_opt(&format!("SELECT {COLUMNS} FROM {LIVE} AND c.id = ?1"), params![id])?;
    row.as_ref().map(from_row).transpose()?.ok_or_else(|| Error::not_found("course"))
}

/// # Errors
/// `not_found` unless all of them are there.
pub fn must_exist(tx: &mut Tx<'_>, ids: &BTreeSet<CourseId>) -> Result<()> {
    let ids: Vec<Value> = ids.iter().copied().map(Value::from).collect();
    let mut there = 0;
    for some in ids.chunks(MAX_PLACES) {
        let sql = format!("SELECT id FROM course WHERE archived = 0 AND id IN ({})", places(1, some.len()));
        there += tx.query(&sql, some)?.len();
    }
    if there == ids.len() { Ok(()) } else { Err(Error::not_found("course")) }
}

/// The course with this code, whatever its case.
pub fn by_code(tx: &mut Tx<'_>, course_code: &str) -> Result<Option<Course>> {
    let row = tx.query_opt(
        &format!("SELECT {COLUMNS} FROM {LIVE} AND lower(c.course_code) = lower(?1) ORDER BY c.id LIMIT 1"),
        params![course_code.trim()],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// The courses of a teacher, by code.
pub fn of_teacher(tx: &mut Tx<'_>, teacher: TeacherId) -> Result<Vec<Course>> {
    let rows = tx.query(
        &format!("SELECT {COLUMNS} FROM {LIVE} AND t.id = ?1 ORDER BY {BY_CODE} LIMIT ?2"),
        params![teacher, MAX_ROWS],
    )?;
    rows.iter().map(from_row).collect()
}

/// The code and name of every course, which anybody may see who is about to log in.
pub fn codes(tx: &mut Tx<'_>) -> Result<Vec<(String, String)>> {
    let rows = tx.query(
        &format!("SELECT c.course_code, c.course_name FROM course c WHERE c.archived = 0 ORDER BY {BY_CODE} LIMIT ?1"),
        params![MAX_ROWS],
    )?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// # Errors
/// `invalid_field`, `duplicate_course_code`, or `not_found` for the semester or teacher.
pub fn create(tx: &mut WriteTx<'_>, fields: &CourseFields) -> Result<CourseId> {
    let id = CourseId::new(tx.now());
    put(tx, id, fields)?;
    Ok(id)
}

/// # Errors
/// `not_found`, and those of [`create`].
pub fn update(tx: &mut WriteTx<'_>, id: CourseId, fields: &CourseFields) -> Result<()> {
    get(tx, id)?;
    put(tx, id, fields)
}

fn put(tx: &mut WriteTx<'_>, id: CourseId, fields: &CourseFields) -> Result<()> {
    let name = text::required("course_name", &fields.course_name, 200)?;
    let code = text::required("course_code", &fields.course_code, 50)?;
    let minutes = rules::checked_minutes("default_duration_minutes", fields.default_duration_minutes)?;
    let semester = fields.semester_id.ok_or_else(|| Error::invalid("semester_id", "Choose a semester."))?;
    semester::get(tx, semester)?;
    if let Some(teacher) = fields.teacher_id {
        teacher::get(tx, teacher)?;
    }
    if let Some(other) = by_code(tx, &code)?.filter(|other| other.id != id) {
        return Err(Error::conflict(
            "duplicate_course_code",
            format!("“{}” has the code “{code}” already. Choose another code.", other.course_name),
        ));
    }
    let fields = op::fields([
        ("course_name", json!(name)),
        ("course_code", json!(code)),
        ("default_duration_minutes", json!(minutes)),
        ("semester_id", json!(semester)),
        ("teacher_id", json!(fields.teacher_id)),
    ]);
    tx.put(&Cell::of(Kind::Course, id), fields, None).map(|_| ())
}

/// Takes a course and its sessions out of every list. Their records stay.
///
/// # Errors
/// `not_found`, or `session_open`, with its `session_id`, while a session is open.
pub fn archive(tx: &mut WriteTx<'_>, id: CourseId) -> Result<()> {
    get(tx, id)?;
    if let Some(open) = session::open_of_course(tx, id)? {
        return Err(Error::conflict(
            "session_open",
            "This course has an open session. End it before you delete the course.",
        )
        .with("session_id", open.id.to_string()));
    }
    tx.put(&Cell::of(Kind::Course, id), op::fields([("archived", json!(1))]), None).map(|_| ())
}
