//! What was deleted and got marks afterwards, from a node that didn't know of it: nothing of that goes away, and somebody
//! should look. A deletion remembers how many records there were.

use arise_core::op::{Cell, Kind, Op};
use arise_core::register;
use arise_core::{CourseId, Error, Result, SessionId, StudentId, UtcMillis};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

use crate::tx::{Tx, WriteTx};
use crate::value::{Value, places};
use crate::{op, params};

/// The field of a deleted session or student that says how many records of marks they had then.
pub(crate) const ARCHIVED_RECORDS: &str = "archived_records";
const MAX_ROWS: i64 = 1_000;
const MAX_MERGED: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reviewed {
    Session(SessionId),
    Student(StudentId),
}

/// A deleted session with marks that came after it was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "SessionToReview")]
pub struct DeletedSession {
    pub id: SessionId,
    pub course_id: CourseId,
    pub course_code: String,
    pub course_name: String,
    /// The local date.
    pub held_on: String,
    #[serde(skip)]
    pub starts_at: UtcMillis,
    pub topic: String,
    /// Records of marks when it was deleted, and now.
    pub records_then: i64,
    pub records_now: i64,
}

/// A deleted student with marks that came after they were deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "StudentToReview")]
pub struct DeletedStudent {
    pub id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    /// The student they were merged into.
    pub merged_into: Option<StudentId>,
    pub records_then: i64,
    pub records_now: i64,
}

/// A student who was merged into another one, and can be parted again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MergedStudent {
    pub id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    pub merged_into: StudentId,
    pub into_name: String,
}

const OF_STUDENT: &str = "SELECT DISTINCT a.session_id, length(a.ops) / 16 AS records FROM enrolment e \
    JOIN session s ON s.course_id = e.course_id \
    JOIN attendance a ON a.session_id = s.id AND a.student_id = e.student_id WHERE e.student_id = ?1";

/// How many records of marks there are.
pub(crate) fn records_of(tx: &mut Tx<'_>, of: Reviewed) -> Result<i64> {
    let row = match of {
        Reviewed::Session(session) => tx.query_one(
            "SELECT CAST(COALESCE(SUM(length(ops) / 16), 0) AS BIGINT) FROM attendance WHERE session_id = ?1",
            params![session],
        )?,
        Reviewed::Student(student) => tx.query_one(
            &format!("SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) FROM ({OF_STUDENT}) AS marked"),
            params![student],
        )?,
    };
    row.get(0)
}

/// How many records deleted entities of a kind had then, and into which one they were merged, by their ids.
fn then(tx: &mut Tx<'_>, kind: &Kind) -> Result<HashMap<Uuid, (i64, Option<Uuid>)>> {
    let rows = tx.query(
        &format!(
            "SELECT {} FROM op WHERE kind = ?1 AND kind <> 'mark' AND subject = ?2 AND entity IN \
             (SELECT id FROM {kind} WHERE archived = 1 ORDER BY id DESC LIMIT ?3)",
            op::COLUMNS
        ),
        params![kind.as_str(), Uuid::nil(), MAX_ROWS],
    )?;
    let mut cells: HashMap<Uuid, Vec<Op>> = HashMap::new();
    for row in &rows {
        let op = op::from_row(row)?;
        cells.entry(op.cell.entity).or_default().push(op);
    }
    let known = cells.into_iter().filter_map(|(id, ops)| {
        let fields = register::fold(&ops);
        let records = fields.get(ARCHIVED_RECORDS)?.value.as_i64()?;
        let into = fields.get("merged_into").and_then(|field| field.value.as_str()?.parse().ok());
        Some((id, (records, into)))
    });
    Ok(known.collect())
}

/// Of the latest deleted sessions, those to look at.
pub fn sessions(tx: &mut Tx<'_>) -> Result<Vec<DeletedSession>> {
    let then = then(tx, &Kind::Session)?;
    let rows = tx.query(
        "SELECT s.id, s.course_id, COALESCE(c.course_code, ''), COALESCE(c.course_name, ''), s.held_on, s.starts_at, \
         s.topic, CAST(COALESCE(SUM(length(a.ops) / 16), 0) AS BIGINT) \
         FROM (SELECT * FROM session WHERE archived = 1 ORDER BY id DESC LIMIT ?1) s \
         LEFT JOIN course c ON c.id = s.course_id LEFT JOIN attendance a ON a.session_id = s.id \
         GROUP BY s.id, s.course_id, c.course_code, c.course_name, s.held_on, s.starts_at, s.topic \
         ORDER BY s.starts_at DESC, s.id",
        params![MAX_ROWS],
    )?;
    let mut found = vec![];
    for row in &rows {
        let id: SessionId = row.get(0)?;
        let (Some((records_then, _)), records_now) = (then.get(&id.0), row.get::<i64>(7)?) else { continue };
        if records_now > *records_then {
            found.push(DeletedSession {
                id,
                course_id: row.get(1)?,
                course_code: row.get(2)?,
                course_name: row.get(3)?,
                held_on: row.get(4)?,
                starts_at: row.get(5)?,
                topic: row.get(6)?,
                records_then: *records_then,
                records_now,
            });
        }
    }
    Ok(found)
}

/// Of the latest deleted students, those to look at.
pub fn students(tx: &mut Tx<'_>) -> Result<Vec<DeletedStudent>> {
    let then = then(tx, &Kind::Student)?;
    let rows = tx.query(
        "SELECT d.id, d.student_name, d.university_roll_no, CAST(COALESCE(SUM(length(a.ops) / 16), 0) AS BIGINT) \
         FROM (SELECT id, student_name, university_roll_no FROM student WHERE archived = 1 ORDER BY id DESC LIMIT ?1) d \
         JOIN (SELECT DISTINCT course_id, student_id FROM enrolment) e ON e.student_id = d.id \
         JOIN session s ON s.course_id = e.course_id \
         JOIN attendance a ON a.session_id = s.id AND a.student_id = d.id \
         GROUP BY d.id, d.student_name, d.university_roll_no ORDER BY lower(d.student_name), d.id",
        params![MAX_ROWS],
    )?;
    let mut found = vec![];
    for row in &rows {
        let id: StudentId = row.get(0)?;
        let (Some((records_then, into)), records_now) = (then.get(&id.0), row.get::<i64>(3)?) else {
            continue;
        };
        if records_now > *records_then {
            found.push(DeletedStudent {
                id,
                student_name: row.get(1)?,
                university_roll_no: row.get(2)?,
                merged_into: into.map(StudentId),
                records_then: *records_then,
                records_now,
            });
        }
    }
    Ok(found)
}

/// Of the latest deleted students, those who were merged into another one. At most 200.
pub fn merged(tx: &mut Tx<'_>) -> Result<Vec<MergedStudent>> {
    let merges = then(tx, &Kind::Student)?.into_iter().filter_map(|(id, (_, into))| Some((id, into?)));
    let mut merges: Vec<(Uuid, Uuid)> = merges.collect();
    // Ids begin with the time: the latest first.
    merges.sort_unstable_by(|one, other| other.cmp(one));
    merges.truncate(MAX_MERGED);
    if merges.is_empty() {
        return Ok(vec![]);
    }
    let ids: Vec<Value> =
        merges.iter().flat_map(|(id, into)| [Value::from(*id), Value::from(*into)]).collect();
    let rows = tx.query(
        &format!(
            "SELECT id, student_name, university_roll_no FROM student WHERE id IN ({})",
            places(1, ids.len())
        ),
        &ids,
    )?;
    let students = rows.iter().map(|row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
    let students: HashMap<Uuid, (String, String)> = students.collect::<Result<_>>()?;
    let merged = merges.into_iter().filter_map(|(id, into)| {
        let (student_name, university_roll_no) = students.get(&id)?.clone();
        let into_name = students.get(&into)?.0.clone();
        let (id, merged_into) = (StudentId(id), StudentId(into));
        Some(MergedStudent { id, student_name, university_roll_no, merged_into, into_name })
    });
    Ok(merged.collect())
}

/// Brings something deleted back.
///
/// # Errors
/// `not_found` for what isn't deleted.
pub fn restore(tx: &mut WriteTx<'_>, of: Reviewed) -> Result<()> {
    let cell = deleted(tx, of)?;
    tx.put(&cell, op::fields([("archived", json!(0))]), None).map(|_| ())
}

/// Leaves it deleted, with the marks that it has by now.
///
/// # Errors
/// `not_found` for what isn't deleted.
pub fn leave(tx: &mut WriteTx<'_>, of: Reviewed) -> Result<()> {
    let cell = deleted(tx, of)?;
    let records = records_of(tx, of)?;
    tx.put(&cell, op::fields([(ARCHIVED_RECORDS, json!(records))]), None).map(|_| ())
}

fn deleted(tx: &mut Tx<'_>, of: Reviewed) -> Result<Cell> {
    let (kind, id) = match of {
        Reviewed::Session(id) => (Kind::Session, id.0),
        Reviewed::Student(id) => (Kind::Student, id.0),
    };
    let found = tx.query_opt(&format!("SELECT 1 FROM {kind} WHERE id = ?1 AND archived = 1"), params![id])?;
    found.map(|_| Cell::of(kind.clone(), id)).ok_or_else(|| match kind {
        Kind::Session => Error::not_found("session"),
        _ => Error::not_found("student"),
    })
}
