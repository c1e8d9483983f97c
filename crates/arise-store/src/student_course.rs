//! The courses of a student, how the student stands in each, and what each session was for them.

use std::collections::HashMap;

use arise_core::enrolment::Period;
use arise_core::session::SessionType;
use arise_core::{CourseId, Error, Result, SemesterId, SessionId, Status, StudentId, Tally, UtcMillis};

use crate::params;
use crate::tally;
use crate::tx::Tx;

#[derive(Debug, Clone)]
pub struct StudentCourse {
    pub course_id: CourseId,
    pub course_name: String,
    pub course_code: String,
    pub semester_id: Option<SemesterId>,
    /// Empty when there is none.
    pub semester_name: String,
    pub class_roll_id: i64,
    /// Whether the student belongs to it now.
    pub is_current: bool,
    pub tally: Tally,
    /// What each session that counts was for the student, in the order in which they were held.
    pub history: Vec<Status>,
    periods: Vec<Period>,
}

impl StudentCourse {
    fn belongs_on(&self, day: &str) -> bool {
        self.periods.iter().any(|period| period.covers(day))
    }
}

/// The courses to which a student belongs, and those left since of which a session counts, by code.
pub fn of_student(tx: &mut Tx<'_>, student: StudentId) -> Result<Vec<StudentCourse>> {
    let rows = tx.query(
        "SELECT c.id, c.course_name, c.course_code, s.id, COALESCE(s.semester_name, ''), e.class_roll_id, e.from_on, \
         e.until_on, COALESCE(t.history, ''), COALESCE(t.sessions, 0), COALESCE(t.present, 0), COALESCE(t.late, 0), \
         COALESCE(t.excused, 0) \
         FROM enrolment e JOIN course c ON c.id = e.course_id AND c.archived = 0 \
         LEFT JOIN semester s ON s.id = c.semester_id AND s.archived = 0 \
         LEFT JOIN course_tally t ON t.course_id = e.course_id AND t.student_id = e.student_id \
         WHERE e.student_id = ?1 ORDER BY lower(c.course_code), c.id, e.from_on",
        params![student],
    )?;
    let mut courses: Vec<StudentCourse> = Vec::with_capacity(rows.len());
    for row in &rows {
        let course_id = row.get(0)?;
        let period = Period { from_on: row.get(6)?, until_on: row.get(7)? };
        if let Some(course) = courses.last_mut().filter(|last| last.course_id == course_id) {
            course.is_current |= period.until_on.is_none();
            course.periods.push(period);
            continue;
        }
        let history: String = row.get(8)?;
        courses.push(StudentCourse {
            course_id,
            course_name: row.get(1)?,
            course_code: row.get(2)?,
            semester_id: row.get(3)?,
            semester_name: row.get(4)?,
            class_roll_id: row.get(5)?,
            is_current: period.until_on.is_none(),
            tally: tally::from_row(row, 9)?,
            history: history.chars().filter_map(Status::from_letter).collect(),
            periods: vec![period],
        });
    }
    courses.retain(|course| course.is_current || course.tally.sessions > 0);
    Ok(courses)
}

/// A session of a student's course, and what it was for them.
#[derive(Debug, Clone)]
pub struct Held {
    pub session_id: SessionId,
    pub starts_at: UtcMillis,
    pub held_on: String,
    pub status: Status,
}

/// The sessions that count of each of a student's courses, in the order in which they were held.
pub fn held(
    tx: &mut Tx<'_>,
    student: StudentId,
    courses: &[StudentCourse],
) -> Result<HashMap<CourseId, Vec<Held>>> {
    let by_id: HashMap<CourseId, &StudentCourse> =
        courses.iter().map(|course| (course.course_id, course)).collect();
    let rows = tx.query(
        "SELECT s.course_id, s.id, s.starts_at, s.held_on FROM course_tally t \
         JOIN session s ON s.course_id = t.course_id AND s.settled = 1 AND s.archived = 0 \
         WHERE t.student_id = ?1 ORDER BY t.course_id, s.starts_at, s.id",
        params![student],
    )?;
    let mut held: HashMap<CourseId, Vec<Held>> = HashMap::with_capacity(courses.len());
    for row in &rows {
        let course_id = row.get(0)?;
        let Some(course) = by_id.get(&course_id) else { continue };
        let held_on: String = row.get(3)?;
        if course.belongs_on(&held_on) {
            let list = held.entry(course_id).or_insert_with(|| Vec::with_capacity(course.history.len()));
            let status = status_of(course, list.len())?;
            list.push(Held { session_id: row.get(1)?, starts_at: row.get(2)?, held_on, status });
        }
    }
    Ok(held)
}

/// A line of a student's log of a course.
#[derive(Debug, Clone)]
pub struct Line {
    pub held: Held,
    pub ends_at: UtcMillis,
    pub topic: String,
    pub session_type: SessionType,
}

/// The sessions that count of one course of a student, in the order in which they were held.
pub fn log(tx: &mut Tx<'_>, course: &StudentCourse) -> Result<Vec<Line>> {
    let rows = tx.query(
        "SELECT id, starts_at, held_on, ends_at, topic, session_type FROM session \
         WHERE course_id = ?1 AND settled = 1 AND archived = 0 ORDER BY starts_at, id",
        params![course.course_id],
    )?;
    let mut log = Vec::with_capacity(rows.len());
    for row in &rows {
        let held_on: String = row.get(2)?;
        if course.belongs_on(&held_on) {
            let status = status_of(course, log.len())?;
            log.push(Line {
                held: Held { session_id: row.get(0)?, starts_at: row.get(1)?, held_on, status },
                ends_at: row.get(3)?,
                topic: row.get(4)?,
                session_type: SessionType::parse(&row.get::<String>(5)?).unwrap_or(SessionType::Offline),
            });
        }
    }
    Ok(log)
}

fn status_of(course: &StudentCourse, place: usize) -> Result<Status> {
    // To show a session with another one's letter would be worse than to show nothing.
    course.history.get(place).copied().ok_or_else(|| {
        Error::internal(format!("the history in course {} has no letter {place}", course.course_id))
    })
}
