//! How a course goes: everybody who belongs to it now, and session by session.

use std::collections::HashMap;

use arise_core::session::SessionType;
use arise_core::{CourseId, Result, SessionId, StudentId, Tally, UtcMillis};

use crate::list::MAX_ROWS;
use crate::params;
use crate::tally;
use crate::tx::Tx;

/// The latest sessions that a curve shows.
const MAX_POINTS: i64 = 200;

#[derive(Debug, Clone)]
pub struct Member {
    pub student_id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    pub class_roll_id: i64,
    pub tally: Tally,
}

/// Who belongs to a course now and how they stand in it, by class roll id.
pub fn members(tx: &mut Tx<'_>, course: CourseId) -> Result<Vec<Member>> {
    // The course's tallies lie side by side: reading them in one go costs less than to look each up.
    let tallies: HashMap<StudentId, Tally> = tally::of_course(tx, course)?.into_iter().collect();
    let rows = tx.query(
        "SELECT st.id, st.student_name, st.university_roll_no, e.class_roll_id \
         FROM enrolment e JOIN student st ON st.id = e.student_id AND st.archived = 0 \
         WHERE e.course_id = ?1 AND e.until_on IS NULL ORDER BY e.class_roll_id LIMIT ?2",
        params![course, MAX_ROWS],
    )?;
    let members = rows.iter().map(|row| {
        let student_id = row.get(0)?;
        Ok(Member {
            student_id,
            student_name: row.get(1)?,
            university_roll_no: row.get(2)?,
            class_roll_id: row.get(3)?,
            tally: tallies.get(&student_id).copied().unwrap_or_default(),
        })
    });
    let mut members = members.collect::<Result<Vec<_>>>()?;
    // Sorting by the id too would sort everybody in SQLite, whose index has all but those who share a number in order.
    members.sort_by_key(|member| (member.class_roll_id, member.student_id));
    Ok(members)
}

/// How a session went, over those enrolled on its day.
#[derive(Debug, Clone)]
pub struct Point {
    pub session_id: SessionId,
    pub starts_at: UtcMillis,
    pub topic: String,
    pub session_type: SessionType,
    pub enrolled: i64,
    pub attended: i64,
    pub excused: i64,
}

/// The latest sessions that count, in the order in which they were held.
pub fn points(tx: &mut Tx<'_>, course: CourseId) -> Result<Vec<Point>> {
    let rows = tx.query(
        "SELECT s.id, s.starts_at, s.topic, s.session_type, COALESCE(t.enrolled, 0), \
         COALESCE(t.present + t.late, 0), COALESCE(t.excused, 0) \
         FROM session s LEFT JOIN session_tally t ON t.session_id = s.id \
         WHERE s.course_id = ?1 AND s.settled = 1 AND s.archived = 0 \
         ORDER BY s.starts_at DESC, s.id DESC LIMIT ?2",
        params![course, MAX_POINTS],
    )?;
    rows.iter()
        .rev()
        .map(|row| {
            Ok(Point {
                session_id: row.get(0)?,
                starts_at: row.get(1)?,
                topic: row.get(2)?,
                session_type: SessionType::parse(&row.get::<String>(3)?).unwrap_or(SessionType::Offline),
                enrolled: row.get(4)?,
                attended: row.get(5)?,
                excused: row.get(6)?,
            })
        })
        .collect()
}
