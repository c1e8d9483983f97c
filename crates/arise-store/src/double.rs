//! What two nodes both made: rows that people would call the same thing. Both live until somebody merges them.

use std::collections::BTreeMap;

use arise_core::enrolment::{Period, union};
use arise_core::op::{Cell, Kind};
use arise_core::{CourseId, Error, Mark, Result, SessionId, Source, Status, StudentId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::review::{self, Reviewed};
use crate::tx::{Tx, WriteTx};
use crate::{op, params, student};

const MAX_VALUES: i64 = 200;
/// Marks of one merge, which bounds how long others wait for it.
const MAX_MARKS: usize = 5_000;

/// Rows that have the same value where each should have its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Doubles {
    /// student, teacher, course or semester.
    pub kind: &'static str,
    pub field: &'static str,
    pub value: String,
    /// The oldest first.
    pub rows: Vec<Named>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Named {
    pub id: Uuid,
    pub name: String,
}

const UNIQUE: [(&str, &str, &str); 5] = [
    ("student", "university_roll_no", "student_name"),
    ("student", "enrollment_no", "student_name"),
    ("teacher", "teacher_code", "teacher_name"),
    ("course", "course_code", "course_name"),
    ("semester", "semester_name", "semester_name"),
];

/// All that should be one and is several.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Doubles>> {
    let mut doubles: Vec<Doubles> = vec![];
    for (table, column, name) in UNIQUE {
        let rows = tx.query(
            &format!(
                "SELECT id, {name}, lower({column}) FROM {table} WHERE archived = 0 AND lower({column}) IN \
                 (SELECT lower({column}) FROM {table} WHERE archived = 0 AND {column} <> '' \
                  GROUP BY lower({column}) HAVING COUNT(*) > 1 ORDER BY lower({column}) LIMIT ?1) \
                 ORDER BY lower({column}), id"
            ),
            params![MAX_VALUES],
        )?;
        for row in &rows {
            let (named, value) = (Named { id: row.get(0)?, name: row.get(1)? }, row.get::<String>(2)?);
            match doubles.last_mut() {
                Some(last) if (last.kind, last.field, &last.value) == (table, column, &value) => {
                    last.rows.push(named);
                }
                _ => doubles.push(Doubles { kind: table, field: column, value, rows: vec![named] }),
            }
        }
    }
    Ok(doubles)
}

/// What a merge moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Merged {
    pub marks: usize,
    pub courses: usize,
}

/// Makes one student of two: `keep` gets the marks that `double` has and they don't, and its courses; `double` is taken
/// out of every list. What belongs to `double` stays in the records, and [`part`] brings it back. A mark of
/// `double` that comes later is up for review; merging again moves it too.
///
/// # Errors
/// `not_found`, `invalid_field` when both are one, `too_many_marks`.
pub fn merge(tx: &mut WriteTx<'_>, keep: StudentId, double: StudentId) -> Result<Merged> {
    student::get(tx, keep)?;
    let name = name_of(tx, double)?;
    if keep == double {
        return Err(Error::invalid("into", "Choose another student to merge this one into."));
    }
    let rows = tx.query(
        "SELECT DISTINCT a.session_id, a.status FROM enrolment e \
         JOIN session s ON s.course_id = e.course_id AND s.archived = 0 \
         JOIN attendance a ON a.session_id = s.id AND a.student_id = e.student_id AND a.status IS NOT NULL \
         LEFT JOIN attendance k ON k.session_id = s.id AND k.student_id = ?2 \
         WHERE e.student_id = ?1 AND k.status IS NULL ORDER BY a.session_id LIMIT ?3",
        params![double, keep, i64::try_from(MAX_MARKS).unwrap_or(i64::MAX) + 1],
    )?;
    if rows.len() > MAX_MARKS {
        return Err(Error::conflict(
            "too_many_marks",
            format!("Students with more than {MAX_MARKS} marks to move can't be merged."),
        ));
    }
    let courses = share_courses(tx, keep, double)?;
    let reason = Some(reason_of(&name));
    for row in &rows {
        let (session, status): (SessionId, String) = (row.get(0)?, row.get(1)?);
        let mark = Mark {
            status: Status::parse(&status),
            source: Source::Correction,
            observed_at: tx.now(),
            reason: reason.clone(),
        };
        tx.append_mark(session, keep, &mark)?;
    }
    let records = review::records_of(tx, Reviewed::Student(double))?;
    let fields = op::fields([
        ("archived", json!(1)),
        ("merged_into", json!(keep)),
        (review::ARCHIVED_RECORDS, json!(records)),
    ]);
    tx.put(&Cell::of(Kind::Student, double), fields, None)?;
    Ok(Merged { marks: rows.len(), courses })
}

/// Takes a merge back: the student is in every list again, and the marks that the merge gave the other one go. The
/// other one stays in the courses.
///
/// # Errors
/// `not_found` for a student who isn't merged.
pub fn part(tx: &mut WriteTx<'_>, double: StudentId) -> Result<Merged> {
    let cell = Cell::of(Kind::Student, double);
    let fields = arise_core::register::fold(&op::of_cell(tx, &cell)?);
    let into = fields.get("merged_into").and_then(|field| field.value.as_str()?.parse::<StudentId>().ok());
    let keep = into.ok_or_else(|| Error::not_found("student"))?;
    let name = name_of(tx, double)?;
    let rows = tx.query(
        "SELECT DISTINCT a.session_id FROM enrolment e JOIN session s ON s.course_id = e.course_id \
         JOIN attendance a ON a.session_id = s.id AND a.student_id = e.student_id \
         WHERE e.student_id = ?1 AND a.source = 'correction' AND a.reason = ?2 ORDER BY a.session_id",
        params![keep, reason_of(&name)],
    )?;
    for row in &rows {
        let nothing = Mark { status: None, source: Source::Correction, observed_at: tx.now(), reason: None };
        tx.append_mark(row.get(0)?, keep, &nothing)?;
    }
    let fields = op::fields([("archived", json!(0)), ("merged_into", json!(null))]);
    tx.put(&cell, fields, None)?;
    Ok(Merged { marks: rows.len(), courses: 0 })
}

/// By which the marks of a merge are known.
fn reason_of(name: &str) -> String {
    format!("Merged: {name}")
}

/// Name and roll number, also of a student who was deleted.
fn name_of(tx: &mut Tx<'_>, id: StudentId) -> Result<String> {
    let row =
        tx.query_opt("SELECT student_name, university_roll_no FROM student WHERE id = ?1", params![id])?;
    let row = row.ok_or_else(|| Error::not_found("student"))?;
    Ok(format!("{} ({}, {})", row.get::<String>(0)?, row.get::<String>(1)?, &id.to_string()[..13]))
}

/// Puts a student into the courses of another, for as long as either belonged to them. Answers how many changed.
fn share_courses(tx: &mut WriteTx<'_>, keep: StudentId, double: StudentId) -> Result<usize> {
    let rows = tx.query(
        "SELECT course_id, student_id, class_roll_id, from_on, until_on FROM enrolment \
         WHERE student_id IN (?1, ?2) ORDER BY course_id, from_on",
        params![keep, double],
    )?;
    type Of = (i64, Vec<Period>);
    let mut courses: BTreeMap<CourseId, (Option<Of>, Option<Of>)> = BTreeMap::new();
    for row in &rows {
        let both = courses.entry(row.get(0)?).or_default();
        let of = if row.get::<StudentId>(1)? == keep { &mut both.0 } else { &mut both.1 };
        let (_, periods) = of.get_or_insert((row.get(2)?, vec![]));
        periods.push(Period { from_on: row.get(3)?, until_on: row.get(4)? });
    }
    let mut changed = 0;
    for (course, both) in courses {
        let (roll, periods) = match both {
            (None, Some(theirs)) => theirs,
            (Some((roll, own)), Some((_, theirs))) => (roll, union(own, theirs)),
            _ => continue,
        };
        let fields = op::fields([("class_roll_id", json!(roll)), ("periods", json!(periods))]);
        changed += usize::from(tx.put(&Cell::pair(Kind::Enrolment, course, keep), fields, None)?);
    }
    Ok(changed)
}
