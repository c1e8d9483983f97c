//! Enrolments: who belongs to a course, since when, and under which class roll id.

use std::collections::{BTreeMap, HashMap, HashSet};

use arise_core::enrolment::{self as rules, Period};
use arise_core::op::{Cell, Kind};
use arise_core::zone::Zone;
use arise_core::{CourseId, Error, Result, SemesterId, StudentId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::list::{Filter, Listing, MAX_ROWS};
use crate::tx::{Tx, WriteTx};
use crate::value::Row;
use crate::{course, op, params, semester, student};

pub const MAX_CLASS_ROLL_ID: i64 = 100_000;

/// A student of a course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Enrolled {
    pub student_id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    pub enrollment_no: String,
    pub class_roll_id: i64,
}

const COLUMNS: &str = "st.id, st.student_name, st.university_roll_no, st.enrollment_no, e.class_roll_id";

const LIVE: &str = "FROM enrolment e JOIN student st ON st.id = e.student_id AND st.archived = 0";

/// Enrolled on the day `?2`.
const ON_DAY: &str = "e.from_on <= ?2 AND (e.until_on IS NULL OR ?2 < e.until_on)";

fn from_row(row: &Row) -> Result<Enrolled> {
    Ok(Enrolled {
        student_id: row.get(0)?,
        student_name: row.get(1)?,
        university_roll_no: row.get(2)?,
        enrollment_no: row.get(3)?,
        class_roll_id: row.get(4)?,
    })
}

/// Those who came to share a class roll id are put in order here: for their sake SQLite would sort everybody, whom its
/// index has in order.
fn by_roll(rows: &[Row]) -> Result<Vec<Enrolled>> {
    let mut enrolled = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
    enrolled.sort_by_key(|student| (student.class_roll_id, student.student_id));
    Ok(enrolled)
}

/// Who belongs to a course now, by class roll id.
pub fn roster(tx: &mut Tx<'_>, course: CourseId) -> Result<Vec<Enrolled>> {
    let rows = tx.query(
        &format!(
            "SELECT {COLUMNS} {LIVE} WHERE e.course_id = ?1 AND e.until_on IS NULL ORDER BY e.class_roll_id LIMIT ?2"
        ),
        params![course, MAX_ROWS],
    )?;
    by_roll(&rows)
}

/// Who belonged to a course on a local date, by class roll id.
pub fn roster_on(tx: &mut Tx<'_>, course: CourseId, day: &str) -> Result<Vec<Enrolled>> {
    let rows = tx.query(
        &format!(
            "SELECT {COLUMNS} {LIVE} WHERE e.course_id = ?1 AND {ON_DAY} ORDER BY e.class_roll_id LIMIT ?3"
        ),
        params![course, day, MAX_ROWS],
    )?;
    by_roll(&rows)
}

/// The student whom a scanner knows by this class roll id. Two students may have come to share one, each
/// given on another node: then it names nobody, since a mark must not go to the wrong one.
pub fn student_by_roll(
    tx: &mut Tx<'_>,
    course: CourseId,
    class_roll_id: i64,
    day: &str,
) -> Result<Option<Enrolled>> {
    let rows = tx.query(
        &format!(
            "SELECT {COLUMNS} {LIVE} WHERE e.course_id = ?1 AND {ON_DAY} AND e.class_roll_id = ?3 LIMIT 2"
        ),
        params![course, day, class_roll_id],
    )?;
    match rows.as_slice() {
        [row] => from_row(row).map(Some),
        _ => Ok(None),
    }
}

pub fn is_enrolled(tx: &mut Tx<'_>, course: CourseId, student: StudentId, day: &str) -> Result<bool> {
    let row = tx.query_opt(
        &format!("SELECT 1 {LIVE} WHERE e.course_id = ?1 AND {ON_DAY} AND e.student_id = ?3 LIMIT 1"),
        params![course, day, student],
    )?;
    Ok(row.is_some())
}

/// A student of a course on a local date.
pub fn find_on(tx: &mut Tx<'_>, course: CourseId, student: StudentId, day: &str) -> Result<Option<Enrolled>> {
    let row = tx.query_opt(
        &format!("SELECT {COLUMNS} {LIVE} WHERE e.course_id = ?1 AND {ON_DAY} AND e.student_id = ?3 LIMIT 1"),
        params![course, day, student],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// The student of a course, on a local date, who has this university roll number, whatever its case. Two who
/// share one, each given on another node, are nobody: a mark must not go to the wrong one.
pub fn find_by_university_roll(
    tx: &mut Tx<'_>,
    course: CourseId,
    university_roll_no: &str,
    day: &str,
) -> Result<Option<Enrolled>> {
    let rows = tx.query(
        &format!(
            "SELECT {COLUMNS} {LIVE} WHERE e.course_id = ?1 AND {ON_DAY} \
             AND lower(st.university_roll_no) = lower(?3) LIMIT 2"
        ),
        params![course, day, university_roll_no.trim()],
    )?;
    match rows.as_slice() {
        [row] => from_row(row).map(Some),
        _ => Ok(None),
    }
}

/// A student who could be enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Available {
    pub id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
}

/// Students who don't belong to a course, by roll number, and how many there are on all pages.
pub fn available(tx: &mut Tx<'_>, course: CourseId, filter: &Filter) -> Result<(Vec<Available>, i64)> {
    let listing = Listing {
        columns: "id, student_name, university_roll_no",
        from: "student WHERE archived = 0 AND NOT EXISTS (SELECT 1 FROM enrolment e \
               WHERE e.course_id = ?4 AND e.student_id = student.id AND e.until_on IS NULL)",
        searched: &["student_name", "university_roll_no"],
        order: student::BY_ROLL,
    };
    let (rows, total) = listing.page(tx, filter, params![course])?;
    let available = rows.iter().map(|row| {
        Ok(Available { id: row.get(0)?, student_name: row.get(1)?, university_roll_no: row.get(2)? })
    });
    Ok((available.collect::<Result<_>>()?, total))
}

/// A student of a semester.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SemesterStudent {
    pub student_id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    /// The smallest of the student's class roll ids.
    pub primary_class_roll_id: i64,
    /// The codes of the student's courses, with commas between them.
    pub enrolled_courses: String,
}

/// Who belongs to a course of a semester now.
///
/// # Errors
/// `not_found` for the semester.
pub fn semester_roster(tx: &mut Tx<'_>, semester: SemesterId) -> Result<Vec<SemesterStudent>> {
    semester::get(tx, semester)?;
    let rows = tx.query(
        "SELECT st.id, st.student_name, st.university_roll_no, r.primary_class_roll_id, r.enrolled_courses \
         FROM (SELECT e.student_id AS student_id, MIN(e.class_roll_id) AS primary_class_roll_id, \
               string_agg(c.course_code, ',' ORDER BY lower(c.course_code), c.id) AS enrolled_courses \
               FROM course c JOIN enrolment e ON e.course_id = c.id AND e.until_on IS NULL \
               WHERE c.semester_id = ?1 AND c.archived = 0 GROUP BY e.student_id) r \
         JOIN student st ON st.id = r.student_id AND st.archived = 0 \
         ORDER BY r.primary_class_roll_id, lower(st.student_name), st.id LIMIT ?2",
        params![semester, MAX_ROWS],
    )?;
    rows.iter()
        .map(|row| {
            Ok(SemesterStudent {
                student_id: row.get(0)?,
                student_name: row.get(1)?,
                university_roll_no: row.get(2)?,
                primary_class_roll_id: row.get(3)?,
                enrolled_courses: row.get(4)?,
            })
        })
        .collect()
}

/// What [`set_roster`] changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Changes {
    pub joined: usize,
    pub left: usize,
    /// Students who stayed and got another class roll id.
    pub renumbered: usize,
}

/// Makes `list` the roster of a course: who isn't on it leaves today, who is new joins today, or on `from_on`.
/// Only differences are written, so that what another node changes at the same time isn't undone.
///
/// # Errors
/// `not_found` for the course; `invalid_field` for a student who doesn't exist or is listed twice, a class
/// roll id out of bounds, or a `from_on` that isn't a date; `duplicate_class_roll_id` naming both students.
pub fn set_roster(
    tx: &mut WriteTx<'_>,
    course: CourseId,
    list: &[(StudentId, i64)],
    today: &str,
    from_on: Option<&str>,
) -> Result<Changes> {
    course::get(tx, course)?;
    let from_on = from_on.map(checked_day).transpose()?.unwrap_or(today);
    let known = history(tx, course)?;
    check(tx, list, &known)?;

    let mut changes = Changes::default();
    let listed: HashSet<StudentId> = list.iter().map(|(student, _)| *student).collect();
    for (&student, (_, periods)) in known.iter().filter(|(student, _)| !listed.contains(student)) {
        if is_current(periods) {
            changes.left += 1;
            let fields = op::fields([("periods", json!(rules::leave(periods.clone(), today)))]);
            tx.put(&Cell::pair(Kind::Enrolment, course, student), fields, None)?;
        }
    }
    for &(student, roll) in list {
        let before = known.get(&student);
        let mut fields = op::fields([("class_roll_id", json!(roll))]);
        match before {
            Some((old_roll, periods)) if is_current(periods) => {
                if *old_roll == roll {
                    continue;
                }
                changes.renumbered += 1;
            }
            _ => {
                changes.joined += 1;
                let periods = before.map(|(_, periods)| periods.clone()).unwrap_or_default();
                fields.insert("periods".to_owned(), json!(rules::join(periods, from_on)));
            }
        }
        tx.put(&Cell::pair(Kind::Enrolment, course, student), fields, None)?;
    }
    Ok(changes)
}

fn checked_day(day: &str) -> Result<&str> {
    let zone = Zone::utc();
    if zone.start_of(day).is_some_and(|start| zone.date(start) == day) {
        return Ok(day);
    }
    Err(Error::invalid("from_on", "Use a date such as 2026-03-07."))
}

fn is_current(periods: &[Period]) -> bool {
    periods.last().is_some_and(|last| last.until_on.is_none())
}

/// The class roll id and periods of every student who ever belonged to a course. Archived students are left
/// out: they are on no roster, so that a roster without them says nothing about them.
fn history(tx: &mut Tx<'_>, course: CourseId) -> Result<BTreeMap<StudentId, (i64, Vec<Period>)>> {
    let rows = tx.query(
        &format!(
            "SELECT e.student_id, e.class_roll_id, e.from_on, e.until_on {LIVE} WHERE e.course_id = ?1 \
             ORDER BY e.student_id, e.from_on"
        ),
        params![course],
    )?;
    let mut history: BTreeMap<StudentId, (i64, Vec<Period>)> = BTreeMap::new();
    for row in &rows {
        let (_, periods) = history.entry(row.get(0)?).or_insert((row.get(1)?, vec![]));
        periods.push(Period { from_on: row.get(2)?, until_on: row.get(3)? });
    }
    Ok(history)
}

fn check(
    tx: &mut Tx<'_>,
    list: &[(StudentId, i64)],
    known: &BTreeMap<StudentId, (i64, Vec<Period>)>,
) -> Result<()> {
    if i64::try_from(list.len()).map_or(true, |len| len > MAX_ROWS) {
        return Err(Error::invalid("students", format!("A course has at most {MAX_ROWS} students.")));
    }
    let mut students = HashSet::new();
    let mut rolls: HashMap<i64, StudentId> = HashMap::new();
    for &(student, roll) in list {
        if !known.contains_key(&student) && student::find(tx, student)?.is_none() {
            return Err(Error::invalid(
                "student_id",
                "One of these students doesn't exist, or was deleted. Reload the list and try again.",
            ));
        }
        if !students.insert(student) {
            let name = student::get(tx, student)?.student_name;
            return Err(Error::invalid("student_id", format!("{name} is listed twice.")));
        }
        if !(1..=MAX_CLASS_ROLL_ID).contains(&roll) {
            let name = student::get(tx, student)?.student_name;
            return Err(Error::invalid(
                "class_roll_id",
                format!("The class roll id of {name} must be a number from 1 to {MAX_CLASS_ROLL_ID}."),
            ));
        }
        if let Some(other) = rolls.insert(roll, student) {
            let (one, other) = (student::get(tx, other)?, student::get(tx, student)?);
            return Err(Error::conflict(
                "duplicate_class_roll_id",
                format!(
                    "{} and {} both have the class roll id {roll}. Give one of them another number.",
                    one.student_name, other.student_name
                ),
            ));
        }
    }
    Ok(())
}
