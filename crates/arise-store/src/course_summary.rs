//! Each course in numbers.

use arise_core::{CourseId, Result};

use crate::params;
use crate::scope::Scope;
use crate::summary::differences;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;

/// A course in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Who belongs to it now.
    pub enrolled: i64,
    /// Sessions that count.
    pub sessions: i64,
    pub attended: i64,
    /// Who could have attended: one for each session and student, without those who were excused.
    pub total: i64,
}

/// A course of a list, with its numbers.
#[derive(Debug, Clone)]
pub struct Summarized {
    pub id: CourseId,
    pub course_name: String,
    pub course_code: String,
    /// Empty when there is none.
    pub teacher_name: String,
    pub numbers: Numbers,
}

/// One row for each course.
const COUNTED: &str = "SELECT c.id, \
    (SELECT COUNT(*) FROM standing x WHERE x.scope = c.id), \
    (SELECT COUNT(*) FROM session s WHERE s.course_id = c.id AND s.settled = 1 AND s.archived = 0), \
    CAST(COALESCE(t.attended, 0) AS BIGINT), CAST(COALESCE(t.total, 0) AS BIGINT) \
    FROM course c LEFT JOIN (";

const TALLIES: &str = "SELECT s.course_id, SUM(t.present + t.late) AS attended, SUM(t.enrolled - t.excused) AS total \
    FROM session s JOIN session_tally t ON t.session_id = s.id WHERE s.settled = 1 AND s.archived = 0";

fn counted(of_session: &str, of_course: &str) -> String {
    format!("{COUNTED}{TALLIES} {of_session} GROUP BY s.course_id) t ON t.course_id = c.id {of_course}")
}

const INSERT: &str = "INSERT INTO course_summary (course_id, enrolled, sessions, attended, total)";

/// Counts a course anew, after its standings.
pub(crate) fn refresh(tx: &mut WriteTx<'_>, course: CourseId) -> Result<()> {
    tx.execute("DELETE FROM course_summary WHERE course_id = ?1", params![course])?;
    let select = counted("AND s.course_id = ?1", "WHERE c.id = ?1");
    tx.execute(&format!("{INSERT} {select}"), params![course])?;
    Ok(())
}

pub(crate) fn count_all(tx: &mut WriteTx<'_>) -> Result<()> {
    tx.execute("DELETE FROM course_summary", &[])?;
    tx.execute(&format!("{INSERT} {}", counted("", "")), &[])?;
    Ok(())
}

pub(crate) fn check(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let kept = "SELECT course_id, enrolled, sessions, attended, total FROM course_summary";
    differences(tx, "numbers of courses", kept, &counted("", ""), &[])
}

const COLUMNS: &str =
    "COALESCE(n.enrolled, 0), COALESCE(n.sessions, 0), COALESCE(n.attended, 0), COALESCE(n.total, 0)";

fn from_row(row: &Row, at: usize) -> Result<Numbers> {
    Ok(Numbers {
        enrolled: row.get(at)?,
        sessions: row.get(at + 1)?,
        attended: row.get(at + 2)?,
        total: row.get(at + 3)?,
    })
}

pub fn of_course(tx: &mut Tx<'_>, course: CourseId) -> Result<Numbers> {
    let row = tx.query_opt(
        &format!("SELECT {COLUMNS} FROM course_summary n WHERE course_id = ?1"),
        params![course],
    )?;
    row.map_or(Ok(Numbers::default()), |row| from_row(&row, 0))
}

/// The courses of a scope, by code.
pub fn of_scope(tx: &mut Tx<'_>, scope: Scope) -> Result<Vec<Summarized>> {
    let filter = match scope {
        Scope::All => "",
        Scope::Semester(_) => "AND c.semester_id = ?1",
        Scope::Course(_) => "AND c.id = ?1",
    };
    let params = if scope == Scope::All { vec![] } else { vec![scope.key().into()] };
    let rows = tx.query(
        &format!(
            "SELECT c.id, c.course_name, c.course_code, COALESCE(t.teacher_name, ''), {COLUMNS} FROM course c \
             LEFT JOIN teacher t ON t.id = c.teacher_id AND t.archived = 0 \
             LEFT JOIN course_summary n ON n.course_id = c.id \
             WHERE c.archived = 0 {filter} ORDER BY lower(c.course_code), c.id"
        ),
        &params,
    )?;
    rows.iter()
        .map(|row| {
            Ok(Summarized {
                id: row.get(0)?,
                course_name: row.get(1)?,
                course_code: row.get(2)?,
                teacher_name: row.get(3)?,
                numbers: from_row(row, 4)?,
            })
        })
        .collect()
}
