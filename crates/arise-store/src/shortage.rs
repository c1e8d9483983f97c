//! Who is short of attendance.

use arise_core::{CourseId, Result, SemesterId, StudentId};

use crate::list::MAX_ROWS;
use crate::params;
use crate::student::BY_ROLL;
use crate::tx::Tx;

/// A student below the minimum in a course they belong to.
#[derive(Debug, Clone)]
pub struct Shortage {
    pub student_id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    pub enrollment_no: String,
    pub course_id: CourseId,
    pub course_code: String,
    pub course_name: String,
    pub class_roll_id: i64,
    pub attended: i64,
    /// Sessions that count for them.
    pub total: i64,
}

/// Everybody below `minimum` percent in a course of the semester, by roll number, and how many there are.
pub fn of_semester(tx: &mut Tx<'_>, semester: SemesterId, minimum: i64) -> Result<(Vec<Shortage>, i64)> {
    // Shares are kept in hundredths of a percent, rounded down: comparing them with a whole one is exact.
    let from = "FROM course c JOIN standing s ON s.scope = c.id AND s.lowest < ?2 \
        JOIN student st ON st.id = s.student_id AND st.archived = 0 \
        JOIN enrolment e ON e.course_id = c.id AND e.student_id = s.student_id AND e.until_on IS NULL \
        WHERE c.semester_id = ?1 AND c.archived = 0";
    let order = BY_ROLL.replace(", id", ", st.id");
    let rows = tx.query(
        &format!(
            "SELECT st.id, st.student_name, st.university_roll_no, st.enrollment_no, c.id, c.course_code, \
             c.course_name, e.class_roll_id, s.attended, s.total {from} \
             ORDER BY {order}, lower(c.course_code), c.id LIMIT ?3"
        ),
        params![semester, minimum * 100, MAX_ROWS],
    )?;
    let found = rows
        .iter()
        .map(|row| {
            Ok(Shortage {
                student_id: row.get(0)?,
                student_name: row.get(1)?,
                university_roll_no: row.get(2)?,
                enrollment_no: row.get(3)?,
                course_id: row.get(4)?,
                course_code: row.get(5)?,
                course_name: row.get(6)?,
                class_roll_id: row.get(7)?,
                attended: row.get(8)?,
                total: row.get(9)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let total = i64::try_from(found.len()).unwrap_or(MAX_ROWS);
    if total < MAX_ROWS {
        return Ok((found, total));
    }
    let total = tx.query_one(&format!("SELECT COUNT(*) {from}"), params![semester, minimum * 100])?.get(0)?;
    Ok((found, total))
}
