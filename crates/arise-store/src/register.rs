//! The register of a course: its ended sessions, everybody who belonged to it, and what each was marked.

use std::collections::{BTreeMap, HashMap};

use arise_core::session::SessionType;
use arise_core::{CourseId, Result, SessionId, Status, StudentId, Tally, UtcMillis};

use crate::params;
use crate::tx::Tx;

/// The sessions a register shows at most: the latest ones.
const MAX_SESSIONS: i64 = 1_000;

#[derive(Debug, Clone)]
pub struct RegisterSession {
    pub id: SessionId,
    pub starts_at: UtcMillis,
    pub ends_at: UtcMillis,
    pub held_on: String,
    pub topic: String,
    pub session_type: SessionType,
}

#[derive(Debug, Clone)]
pub struct RegisterStudent {
    pub id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    pub enrollment_no: String,
    pub class_roll_id: i64,
    /// What is in the register's row for each of its sessions; `None` is a day without enrolment.
    pub cells: Vec<Option<Cell>>,
    /// Over the sessions of the register.
    pub tally: Tally,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Absent when nobody marked the student.
    pub status: Status,
    /// Whether somebody or something said so.
    pub marked: bool,
}

#[derive(Debug, Clone)]
pub struct Register {
    pub sessions: Vec<RegisterSession>,
    pub students: Vec<RegisterStudent>,
}

/// Reads a course's register; sessions in the order in which they were held, students by class roll.
pub fn of_course(tx: &mut Tx<'_>, course: CourseId) -> Result<Register> {
    let now = tx.now();
    let rows = tx.query(
        "SELECT id, starts_at, ends_at, held_on, topic, session_type FROM session \
         WHERE course_id = ?1 AND archived = 0 AND closes_at <= ?2 ORDER BY starts_at DESC, id DESC LIMIT ?3",
        params![course, now, MAX_SESSIONS],
    )?;
    let mut sessions = rows
        .iter()
        .map(|row| {
            Ok(RegisterSession {
                id: row.get(0)?,
                starts_at: row.get(1)?,
                ends_at: row.get(2)?,
                held_on: row.get(3)?,
                topic: row.get(4)?,
                session_type: SessionType::parse(&row.get::<String>(5)?).unwrap_or(SessionType::Offline),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    sessions.reverse();

    let rows = tx.query(
        "SELECT a.session_id, a.student_id, a.status FROM session s JOIN attendance a ON a.session_id = s.id \
         WHERE s.course_id = ?1 AND s.archived = 0 AND s.closes_at <= ?2 AND a.status IS NOT NULL",
        params![course, now],
    )?;
    let mut marks: HashMap<(SessionId, StudentId), Status> = HashMap::with_capacity(rows.len());
    for row in &rows {
        if let Some(status) = Status::parse(&row.get::<String>(2)?) {
            marks.insert((row.get(0)?, row.get(1)?), status);
        }
    }

    let rows = tx.query(
        "SELECT e.student_id, s.student_name, s.university_roll_no, s.enrollment_no, e.class_roll_id, e.from_on, \
         e.until_on FROM enrolment e JOIN student s ON s.id = e.student_id AND s.archived = 0 \
         WHERE e.course_id = ?1 ORDER BY e.class_roll_id, s.university_roll_no, e.student_id, e.from_on",
        params![course],
    )?;
    let mut students: Vec<RegisterStudent> = Vec::new();
    let mut places: BTreeMap<StudentId, usize> = BTreeMap::new();
    for row in &rows {
        let id: StudentId = row.get(0)?;
        let place = *places.entry(id).or_insert(students.len());
        if place == students.len() {
            students.push(RegisterStudent {
                id,
                student_name: row.get(1)?,
                university_roll_no: row.get(2)?,
                enrollment_no: row.get(3)?,
                class_roll_id: row.get(4)?,
                cells: vec![None; sessions.len()],
                tally: Tally::default(),
            });
        }
        let (from, until): (String, Option<String>) = (row.get(5)?, row.get(6)?);
        let student = &mut students[place];
        for (cell, session) in student.cells.iter_mut().zip(&sessions) {
            let enrolled =
                from <= session.held_on && until.as_ref().is_none_or(|until| session.held_on < *until);
            if enrolled {
                let status = marks.get(&(session.id, id)).copied();
                student.tally.add(status);
                *cell = Some(Cell { status: status.unwrap_or(Status::Absent), marked: status.is_some() });
            }
        }
    }
    Ok(Register { sessions, students })
}

/// One session in a course's history.
#[derive(Debug, Clone)]
pub struct Past {
    pub session: RegisterSession,
    pub closes_at: UtcMillis,
    pub enrolled: i64,
    pub attended: i64,
    pub excused: i64,
}

/// A course's sessions, the latest first, open ones included, with counts and how many there are in all.
pub fn history(tx: &mut Tx<'_>, course: CourseId, limit: i64, offset: i64) -> Result<(Vec<Past>, i64)> {
    let total = tx
        .query_one("SELECT COUNT(*) FROM session WHERE course_id = ?1 AND archived = 0", params![course])?
        .get(0)?;
    // Settled sessions have their counts; only open ones are counted here.
    let rows = tx.query(
        "SELECT s.id, s.starts_at, s.ends_at, s.held_on, s.topic, s.session_type, s.closes_at, \
         t.enrolled, t.present + t.late, t.excused \
         FROM session s LEFT JOIN session_tally t ON t.session_id = s.id \
         WHERE s.course_id = ?1 AND s.archived = 0 ORDER BY s.starts_at DESC, s.id DESC LIMIT ?2 OFFSET ?3",
        params![course, limit, offset],
    )?;
    let mut past = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: SessionId = row.get(0)?;
        let counted: Option<i64> = row.get(7)?;
        let (enrolled, attended, excused) = match counted {
            Some(enrolled) => (enrolled, row.get(8)?, row.get(9)?),
            None => count_now(tx, id)?,
        };
        past.push(Past {
            session: RegisterSession {
                id,
                starts_at: row.get(1)?,
                ends_at: row.get(2)?,
                held_on: row.get(3)?,
                topic: row.get(4)?,
                session_type: SessionType::parse(&row.get::<String>(5)?).unwrap_or(SessionType::Offline),
            },
            closes_at: row.get(6)?,
            enrolled,
            attended,
            excused,
        });
    }
    Ok((past, total))
}

fn count_now(tx: &mut Tx<'_>, session: SessionId) -> Result<(i64, i64, i64)> {
    let row = tx.query_one(
        "SELECT COUNT(*), COUNT(*) FILTER (WHERE a.status IN ('present', 'late')), \
         COUNT(*) FILTER (WHERE a.status = 'excused') \
         FROM session s JOIN enrolment e ON e.course_id = s.course_id AND e.from_on <= s.held_on \
             AND (e.until_on IS NULL OR s.held_on < e.until_on) \
         JOIN student st ON st.id = e.student_id AND st.archived = 0 \
         LEFT JOIN attendance a ON a.session_id = s.id AND a.student_id = e.student_id WHERE s.id = ?1",
        params![session],
    )?;
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}
