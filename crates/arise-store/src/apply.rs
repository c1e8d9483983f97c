//! The one function that changes replicated tables: write the record, then rebuild the cell it touches from
//! that cell's records. Local edits, marks, imports and other nodes' records all come through here.

use std::collections::BTreeMap;

use arise_core::enrolment::Period;
use arise_core::mark;
use arise_core::mutant::{self, Mutant};
use arise_core::op::{Cell, Kind, Op};
use arise_core::register::{self, Field};
use arise_core::{CourseId, Mark, OpId, Result, SessionId, Status, StudentId, UtcMillis};
use uuid::Uuid;

use crate::conflict;
use crate::event::Event;
use crate::op;
use crate::params;
use crate::tally;
use crate::tx::{Effects, WriteTx};
use crate::value::Value;

#[cfg(feature = "sim")]
use crate::sim::behind;

/// Only simulations run older versions of this code.
#[cfg(not(feature = "sim"))]
const fn behind() -> i64 {
    0
}

/// Whether this code, as old as it is, derives anything from records of a kind.
pub(crate) fn knows(kind: &Kind) -> bool {
    match kind {
        Kind::Unknown(_) => false,
        Kind::Semester => behind() < 1,
        Kind::Setting => behind() < 2,
        _ => true,
    }
}

/// Rises whenever the code below derives something else from the same records; all is then rebuilt at start.
const VERSION: i64 = 5;

/// The tables that follow from the records alone, counts last.
pub const DERIVED: [&str; 14] = [
    "semester",
    "teacher",
    "student",
    "course",
    "enrolment",
    "session",
    "attendance",
    "setting",
    "session_tally",
    "course_tally",
    "standing",
    "standing_spread",
    "day_tally",
    "course_summary",
];

/// Applies a record. Answers whether it was new.
pub(crate) fn apply(tx: &mut WriteTx<'_>, op: &Op) -> Result<bool> {
    if !op::insert(tx, op)? {
        return Ok(false);
    }
    match op.cell.kind {
        Kind::Mark => add_mark(tx, op)?,
        _ => rebuild(tx, &op.cell)?,
    }
    Ok(true)
}

/// Derives the rows of one cell from its records.
pub(crate) fn rebuild(tx: &mut WriteTx<'_>, cell: &Cell) -> Result<()> {
    // Marks have their own way in; what is of a newer version is kept and passed on, not shown.
    if cell.kind == Kind::Mark || !knows(&cell.kind) {
        return Ok(());
    }
    let fields = &register::fold(&op::of_cell(tx, cell)?);
    conflict::note(tx, cell, fields)?;
    match &cell.kind {
        Kind::Enrolment => rebuild_enrolment(tx, cell, fields),
        Kind::Session => rebuild_session(tx, cell, fields),
        Kind::Setting => rebuild_settings(tx, fields),
        Kind::Semester => rebuild_entity(tx, "semester", SEMESTER, cell, fields),
        Kind::Teacher => rebuild_entity(tx, "teacher", TEACHER, cell, fields),
        Kind::Student => rebuild_student(tx, cell, fields),
        Kind::Course => rebuild_course(tx, cell, fields),
        Kind::Mark | Kind::Unknown(_) => Ok(()),
    }
}

/// Rebuilds every cell when the database was derived by another version of this code.
pub(crate) fn rebuild_if_outdated(tx: &mut WriteTx<'_>) -> Result<()> {
    let stored =
        tx.query_opt("SELECT version FROM derived", &[])?.map(|row| row.get::<i64>(0)).transpose()?;
    let version = VERSION - behind();
    if stored == Some(version) || (stored.is_some() && mutant::is(Mutant::NoMaterialiserVersion)) {
        return Ok(());
    }
    for table in DERIVED {
        tx.execute(&format!("DELETE FROM {table}"), &[])?;
    }
    for table in ["conflict", "derived"] {
        tx.execute(&format!("DELETE FROM {table}"), &[])?;
    }
    for cell in op::cells(tx)? {
        rebuild(tx, &cell)?;
        // All is counted below, and one event says it all.
        tx.effects = Effects::default();
    }
    let mut last = OpId(Uuid::nil());
    loop {
        let marks = op::marks_after(tx, last)?;
        let Some(newest) = marks.last() else { break };
        last = newest.id;
        for mark in &marks {
            add_mark(tx, mark)?;
        }
        tx.effects = Effects::default();
    }
    tally::count_all(tx)?;
    tx.emit(Event::Resync);
    tx.execute("INSERT INTO derived (version) VALUES (?1)", params![version])?;
    Ok(())
}

#[derive(Clone, Copy)]
enum Column {
    Text(&'static str),
    Int(&'static str),
    /// The id of another entity, or nothing.
    Id(&'static str),
}

const ARCHIVED: Column = Column::Int("archived");
const SEMESTER: &[Column] = &[Column::Text("semester_name"), ARCHIVED];
const TEACHER: &[Column] =
    &[Column::Text("teacher_name"), Column::Text("teacher_code"), Column::Text("pin_hash"), ARCHIVED];
const STUDENT: &[Column] = &[
    Column::Text("student_name"),
    Column::Text("university_roll_no"),
    Column::Text("enrollment_no"),
    Column::Text("email1"),
    Column::Text("email2"),
    Column::Text("password_hash"),
    Column::Text("leaderboard"),
    Column::Text("nickname"),
    ARCHIVED,
];
/// Two versions ago courses had none, in simulations.
const DURATION: &str = "default_duration_minutes";
const COURSE: &[Column] = &[
    Column::Text("course_name"),
    Column::Text("course_code"),
    Column::Int(DURATION),
    Column::Id("semester_id"),
    Column::Id("teacher_id"),
    ARCHIVED,
];

type Fields = BTreeMap<String, Field>;

fn rebuild_entity(
    tx: &mut WriteTx<'_>,
    table: &str,
    columns: &[Column],
    cell: &Cell,
    fields: &Fields,
) -> Result<()> {
    let mut names = String::new();
    let mut places = String::new();
    let mut updates = String::new();
    let mut values = vec![Value::from(cell.entity)];
    for (index, column) in columns.iter().enumerate() {
        let (name, value) = match *column {
            Column::Text(name) => (name, Value::Text(text(fields, name).unwrap_or_default())),
            Column::Int(name) if behind() > 1 && name == DURATION => (name, Value::Int(0)),
            Column::Int(name) => (name, Value::Int(int(fields, name).unwrap_or_default())),
            Column::Id(name) => (name, Value::from(id(fields, name))),
        };
        let comma = if index == 0 { "" } else { ", " };
        names.push_str(&format!(", {name}"));
        places.push_str(&format!(", ?{}", index + 2));
        updates.push_str(&format!("{comma}{name} = excluded.{name}"));
        values.push(value);
    }
    let sql = format!(
        "INSERT INTO {table} (id{names}) VALUES (?1{places}) ON CONFLICT (id) DO UPDATE SET {updates}"
    );
    tx.execute(&sql, &values).map(|_| ())
}

/// A student who is deleted, or comes back, leaves or enters every count.
fn rebuild_student(tx: &mut WriteTx<'_>, cell: &Cell, fields: &Fields) -> Result<()> {
    let student = StudentId(cell.entity);
    let live = "SELECT 1 FROM student WHERE id = ?1 AND archived = 0";
    let before = tx.query_opt(live, params![student])?.is_some();
    rebuild_entity(tx, "student", STUDENT, cell, fields)?;
    if tx.query_opt(live, params![student])?.is_some() == before {
        return Ok(());
    }
    for row in tx.query("SELECT DISTINCT course_id FROM enrolment WHERE student_id = ?1", params![student])? {
        let course = row.get(0)?;
        tx.effects.dirty_courses.insert(course);
        tx.emit(Event::Roster(course));
    }
    Ok(())
}

/// A course that comes, goes or changes its semester is counted elsewhere.
fn rebuild_course(tx: &mut WriteTx<'_>, cell: &Cell, fields: &Fields) -> Result<()> {
    let course = CourseId(cell.entity);
    let select = "SELECT semester_id, archived FROM course WHERE id = ?1";
    let before = tx.query_opt(select, params![course])?;
    rebuild_entity(tx, "course", COURSE, cell, fields)?;
    let after = tx.query_opt(select, params![course])?;
    if before != after {
        let semester = before.map(|row| row.get(0)).transpose()?.flatten();
        tx.effects.touch(course).everybody().every_day().semester(semester);
    }
    Ok(())
}

fn rebuild_settings(tx: &mut WriteTx<'_>, fields: &Fields) -> Result<()> {
    for (key, field) in fields {
        tx.execute(
            "INSERT INTO setting (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            params![key, field.value.to_string()],
        )?;
    }
    tx.emit(Event::Settings);
    Ok(())
}

/// An enrolment has two fields: `class_roll_id`, and `periods`, the whole history of one student's
/// belonging to one course.
fn rebuild_enrolment(tx: &mut WriteTx<'_>, cell: &Cell, fields: &Fields) -> Result<()> {
    let (course, student) = (CourseId(cell.entity), StudentId(cell.subject));
    let roll = int(fields, "class_roll_id").unwrap_or_default();
    let periods: Vec<Period> = fields
        .get("periods")
        .and_then(|field| serde_json::from_value(field.value.clone()).ok())
        .unwrap_or_default();
    tx.execute("DELETE FROM enrolment WHERE course_id = ?1 AND student_id = ?2", params![course, student])?;
    for period in &periods {
        tx.execute(
            "INSERT INTO enrolment (course_id, student_id, from_on, until_on, class_roll_id) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (course_id, student_id, from_on) DO NOTHING",
            params![course, student, &period.from_on, period.until_on.clone(), roll],
        )?;
    }
    // Sessions counted already may have been held on days that this changes.
    let settled =
        tx.query_opt("SELECT 1 FROM session WHERE course_id = ?1 AND settled = 1 LIMIT 1", params![course])?;
    if settled.is_some() {
        tx.effects.dirty_courses.insert(course);
    }
    tx.effects.touch(course).student(student);
    tx.emit(Event::Roster(course));
    Ok(())
}

fn rebuild_session(tx: &mut WriteTx<'_>, cell: &Cell, fields: &Fields) -> Result<()> {
    let session = SessionId(cell.entity);
    let before = tx.query_opt(
        "SELECT course_id, held_on, starts_at, session_type, archived, settled FROM session WHERE id = ?1",
        params![session],
    )?;
    let course = CourseId(id(fields, "course_id").unwrap_or_default());
    let session_type = text(fields, "session_type").unwrap_or_else(|| "offline".to_owned());
    let held_on = text(fields, "held_on").unwrap_or_default();
    let starts_at = int(fields, "starts_at").unwrap_or_default();
    let ends_at = int(fields, "ends_at").unwrap_or_default();
    let grace = int(fields, "grace_ms").unwrap_or_default();
    let ended_at = int(fields, "ended_at");
    let closes_at = ended_at.unwrap_or(ends_at.saturating_add(grace));
    let archived = int(fields, "archived").unwrap_or_default();

    let mut settled = false;
    if let Some(before) = before
        && before.get::<bool>(5)?
    {
        let (old_course, old_day): (CourseId, String) = (before.get(0)?, before.get(1)?);
        let same = old_course == course
            && old_day == held_on
            && before.get::<i64>(2)? == starts_at
            && before.get::<String>(3)? == session_type
            && before.get::<i64>(4)? == archived
            && closes_at <= tx.now();
        settled = same;
        if !same {
            tx.execute("DELETE FROM session_tally WHERE session_id = ?1", params![session])?;
            tx.effects.dirty_courses.insert(old_course);
            tx.effects.touch(old_course).day(old_day);
        }
    }
    tx.execute(
        "INSERT INTO session (id, course_id, teacher_id, session_type, topic, held_on, starts_at, ends_at, grace_ms, \
         late_after_ms, ended_at, closes_at, device_id, archived, settled) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
         ON CONFLICT (id) DO UPDATE SET course_id = excluded.course_id, teacher_id = excluded.teacher_id, \
         session_type = excluded.session_type, topic = excluded.topic, held_on = excluded.held_on, \
         starts_at = excluded.starts_at, ends_at = excluded.ends_at, grace_ms = excluded.grace_ms, \
         late_after_ms = excluded.late_after_ms, ended_at = excluded.ended_at, closes_at = excluded.closes_at, \
         device_id = excluded.device_id, archived = excluded.archived, settled = excluded.settled",
        params![
            session,
            course,
            id(fields, "teacher_id"),
            session_type,
            if behind() > 0 { String::new() } else { text(fields, "topic").unwrap_or_default() },
            held_on,
            starts_at,
            ends_at,
            grace,
            int(fields, "late_after_ms").unwrap_or_default(),
            ended_at,
            closes_at,
            id(fields, "device_id"),
            archived,
            settled,
        ],
    )?;
    tx.emit(Event::Session(session));
    Ok(())
}

/// Derives a student's row of a session from its marks so far and a new one.
pub(crate) fn add_mark(tx: &mut WriteTx<'_>, new: &Op) -> Result<()> {
    let (session, student) = (SessionId(new.cell.entity), StudentId(new.cell.subject));
    // Most marks are a cell's first: nothing has to be read for them.
    let first = Standing::of(std::slice::from_ref(new));
    let inserted = tx.execute(
        "INSERT INTO attendance (session_id, student_id, status, source, reason, observed_at, recorded_at, ops) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (session_id, student_id) DO NOTHING",
        &first.row(session, student),
    )?;
    let standing = if inserted == 1 {
        first
    } else {
        let mut ops = op::of_cell(tx, &new.cell)?;
        if mutant::is(Mutant::ForgetsEarlierMarks) {
            ops.clear();
        }
        ops.push(new.clone());
        update_marks(tx, session, student, &ops)?
    };
    tell_mark(tx, session, student, &standing);
    Ok(())
}

/// Derives a student's row of a session anew, after stamps of its marks changed.
pub(crate) fn restand(tx: &mut WriteTx<'_>, cell: &Cell) -> Result<()> {
    let (session, student) = (SessionId(cell.entity), StudentId(cell.subject));
    let ops = op::of_cell(tx, cell)?;
    let standing = update_marks(tx, session, student, &ops)?;
    tell_mark(tx, session, student, &standing);
    Ok(())
}

fn update_marks(
    tx: &mut WriteTx<'_>,
    session: SessionId,
    student: StudentId,
    ops: &[Op],
) -> Result<Standing> {
    let standing = Standing::of(ops);
    tx.execute(
        "UPDATE attendance SET status = ?3, source = ?4, reason = ?5, observed_at = ?6, recorded_at = ?7, \
         ops = ?8 WHERE session_id = ?1 AND student_id = ?2",
        &standing.row(session, student),
    )?;
    Ok(standing)
}

fn tell_mark(tx: &mut WriteTx<'_>, session: SessionId, student: StudentId, standing: &Standing) {
    let now = tx.now();
    let mark = standing.mark.as_ref();
    tx.emit(Event::Mark {
        session_id: session,
        student_id: student,
        status: mark.and_then(|mark| mark.status),
        source: mark.map(|mark| mark.source),
        reason: mark.and_then(|mark| mark.reason.clone()),
        observed_at: mark.map_or(now, |mark| mark.observed_at),
        recorded_at: standing.recorded_at.unwrap_or(now),
    });
    if !mutant::is(Mutant::NoRecount) {
        tx.effects.dirty_marks.insert((session, student));
    }
}

/// What the marks of a student in a session come to.
struct Standing {
    mark: Option<Mark>,
    recorded_at: Option<UtcMillis>,
    /// The ids of all of them, 16 bytes each, in their order: the same whatever the order of arrival.
    ids: Vec<u8>,
}

impl Standing {
    fn of(ops: &[Op]) -> Self {
        let stamped = op::stamped(ops);
        let current = mark::current(&stamped).filter(|current| current.mark.status.is_some());
        let recorded_at =
            current.and_then(|current| ops.iter().find(|op| op.id == current.id)).map(|op| op.wall_at);
        let mut ids: Vec<OpId> = ops.iter().map(|op| op.id).collect();
        ids.sort_unstable();
        Self {
            mark: current.map(|current| current.mark.clone()),
            recorded_at,
            ids: ids.iter().flat_map(|id| *id.0.as_bytes()).collect(),
        }
    }

    fn row(&self, session: SessionId, student: StudentId) -> [Value; 8] {
        let mark = self.mark.as_ref();
        [
            session.into(),
            student.into(),
            mark.and_then(|mark| mark.status).map(Status::as_str).into(),
            mark.map(|mark| mark.source.as_str()).into(),
            mark.and_then(|mark| mark.reason.clone()).into(),
            mark.map(|mark| mark.observed_at).into(),
            self.recorded_at.into(),
            self.ids.clone().into(),
        ]
    }
}

fn text(fields: &Fields, name: &str) -> Option<String> {
    fields.get(name)?.value.as_str().map(str::to_owned)
}

/// A number, or a switch as 1 or 0.
fn int(fields: &Fields, name: &str) -> Option<i64> {
    let value = &fields.get(name)?.value;
    value.as_i64().or_else(|| value.as_bool().map(i64::from))
}

fn id(fields: &Fields, name: &str) -> Option<Uuid> {
    fields.get(name)?.value.as_str().and_then(|text| Uuid::parse_str(text).ok())
}
