//! Where an observed mark belongs: its session, and the student in it. All that a scanner's
//! finger needs to know is read at once, because a class marks in bursts.

use arise_core::session::Window;
use arise_core::{DeviceId, Result, SessionId, StudentId};

use crate::mark::Before;
use crate::params;
use crate::tx::Tx;
use crate::value::{Row, Value};

#[derive(Debug, Clone)]
pub struct Placement {
    pub window: Window,
    /// The scanner that the session chose.
    pub device_id: Option<DeviceId>,
    pub student: Option<Placed>,
}

/// A student of the course on the session's day.
#[derive(Debug, Clone)]
pub struct Placed {
    pub student_id: StudentId,
    pub student_name: String,
    pub class_roll_id: i64,
    /// How they are marked already.
    pub before: Before,
}

/// Rows of students who were archived, or share the roll, are few; more than this name nobody anyway.
const MAX_SHARING: i64 = 16;

/// By class roll id. Two students may have come to share one, each given on another node: then it names nobody,
/// since a mark must not go to the wrong one. `None` for a session that doesn't exist, was deleted, or whose
/// course was.
pub fn of_roll(tx: &mut Tx<'_>, session: SessionId, class_roll_id: i64) -> Result<Option<Placement>> {
    find(tx, session, "e.class_roll_id", class_roll_id.into())
}

/// By student, or of nobody in particular.
pub fn of_student(
    tx: &mut Tx<'_>,
    session: SessionId,
    student: Option<StudentId>,
) -> Result<Option<Placement>> {
    find(tx, session, "e.student_id", student.into())
}

fn find(tx: &mut Tx<'_>, session: SessionId, column: &str, whom: Value) -> Result<Option<Placement>> {
    let rows = tx.query(
        &format!(
            "SELECT s.starts_at, s.ends_at, s.grace_ms, s.late_after_ms, s.ended_at, s.device_id, \
             st.id, st.student_name, e.class_roll_id, a.status, a.source, a.observed_at, s.settled \
             FROM session s JOIN course c ON c.id = s.course_id AND c.archived = 0 \
             LEFT JOIN enrolment e ON e.course_id = s.course_id AND {column} = ?2 \
                 AND e.from_on <= s.held_on AND (e.until_on IS NULL OR s.held_on < e.until_on) \
             LEFT JOIN student st ON st.id = e.student_id AND st.archived = 0 \
             LEFT JOIN attendance a ON a.session_id = s.id AND a.student_id = st.id AND a.status IS NOT NULL \
             WHERE s.id = ?1 AND s.archived = 0 LIMIT ?3"
        ),
        params![session, whom, MAX_SHARING],
    )?;
    let Some(first) = rows.first() else { return Ok(None) };
    let window = Window {
        starts_at: first.get(0)?,
        ends_at: first.get(1)?,
        grace: first.get(2)?,
        late_after: first.get(3)?,
        ended_at: first.get(4)?,
    };
    let device_id = first.get(5)?;
    let mut students = rows.iter().filter_map(|row| student(row).transpose());
    let student = match (students.next().transpose()?, students.next()) {
        (Some(student), None) => Some(student),
        _ => None,
    };
    Ok(Some(Placement { window, device_id, student }))
}

fn student(row: &Row) -> Result<Option<Placed>> {
    let Some(student_id) = row.get(6)? else { return Ok(None) };
    let (student_name, class_roll_id) = (row.get(7)?, row.get(8)?);
    Ok(Some(Placed { student_id, student_name, class_roll_id, before: Before::from_row(row, 9)? }))
}
