//! What a teacher sees first: their courses, and which of them they most likely came for.

use std::collections::HashMap;

use arise_core::{CourseId, Result, TeacherId, UtcMillis};

use crate::course::{self, Course};
use crate::params;
use crate::session::{self, Session};
use crate::tx::Tx;

/// Sessions that are looked at for a course's habits: a few weeks.
const RECENT: i64 = 24;

#[derive(Debug, Clone)]
pub struct TaughtCourse {
    pub course: Course,
    pub enrolled_count: i64,
    /// Sessions that have ended.
    pub session_count: i64,
    /// When its latest sessions began, the newest first.
    pub recent_starts: Vec<UtcMillis>,
    pub open: Option<Session>,
}

/// A teacher's courses by code.
pub fn courses(tx: &mut Tx<'_>, teacher: TeacherId) -> Result<Vec<TaughtCourse>> {
    let now = tx.now();
    let counts = tx.query(
        "SELECT c.id, \
         (SELECT COUNT(*) FROM enrolment e JOIN student st ON st.id = e.student_id AND st.archived = 0 \
          WHERE e.course_id = c.id AND e.until_on IS NULL), \
         (SELECT COUNT(*) FROM session s WHERE s.course_id = c.id AND s.archived = 0 AND s.closes_at <= ?2) \
         FROM course c WHERE c.teacher_id = ?1 AND c.archived = 0",
        params![teacher, now],
    )?;
    let mut counts: HashMap<CourseId, (i64, i64)> =
        counts.iter().map(|row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).collect::<Result<_>>()?;

    let starts = tx.query(
        "SELECT course_id, starts_at FROM ( \
             SELECT s.course_id, s.starts_at, \
                 ROW_NUMBER() OVER (PARTITION BY s.course_id ORDER BY s.starts_at DESC) AS place \
             FROM session s JOIN course c ON c.id = s.course_id \
             WHERE c.teacher_id = ?1 AND c.archived = 0 AND s.archived = 0) recent \
         WHERE place <= ?2 ORDER BY starts_at DESC",
        params![teacher, RECENT],
    )?;
    let mut recent: HashMap<CourseId, Vec<UtcMillis>> = HashMap::new();
    for row in &starts {
        recent.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    let mut open: HashMap<CourseId, Session> =
        session::open_of_teacher(tx, teacher)?.into_iter().map(|s| (s.course_id, s)).collect();

    Ok(course::of_teacher(tx, teacher)?
        .into_iter()
        .map(|course| {
            let (enrolled_count, session_count) = counts.remove(&course.id).unwrap_or_default();
            TaughtCourse {
                enrolled_count,
                session_count,
                recent_starts: recent.remove(&course.id).unwrap_or_default(),
                open: open.remove(&course.id),
                course,
            }
        })
        .collect())
}
