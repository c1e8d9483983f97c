//! How the counted sessions of each day went, in a semester and in all.

use arise_core::session::SessionType;
use arise_core::{CourseId, Result};

use crate::params;
use crate::scope::Scope;
use crate::summary::differences;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;

/// Sessions of one kind, and the marks in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayTally {
    pub held_on: String,
    pub session_type: SessionType,
    pub sessions: i64,
    pub attended: i64,
    /// Who could have attended: one for each session and student, without those who were excused.
    pub total: i64,
}

const INSERT: &str = "INSERT INTO day_tally (scope, held_on, session_type, sessions, attended, total)";

/// `scope` is a column with a comma, or nothing.
fn counted(prefix: &str, scope: &str, filter: &str) -> String {
    format!(
        "SELECT {prefix} s.held_on, s.session_type, COUNT(*), CAST(COALESCE(SUM(t.present + t.late), 0) AS BIGINT), \
         CAST(COALESCE(SUM(t.enrolled - t.excused), 0) AS BIGINT) \
         FROM session s JOIN course c ON c.id = s.course_id AND c.archived = 0 \
         LEFT JOIN session_tally t ON t.session_id = s.id \
         WHERE s.settled = 1 AND s.archived = 0 AND {filter} GROUP BY {scope} s.held_on, s.session_type"
    )
}

fn of_scope(scope: Scope) -> &'static str {
    if scope == Scope::All { "" } else { " AND c.semester_id = ?1" }
}

pub(crate) fn refresh_day(tx: &mut WriteTx<'_>, scope: Scope, held_on: &str) -> Result<()> {
    refresh(tx, scope, "held_on = ?2", params![scope.key(), held_on])
}

/// Counts the days anew on which a course had sessions.
pub(crate) fn refresh_days_of(tx: &mut WriteTx<'_>, scope: Scope, course: CourseId) -> Result<()> {
    let filter = "held_on IN (SELECT held_on FROM session WHERE course_id = ?2)";
    refresh(tx, scope, filter, params![scope.key(), course])
}

fn refresh(tx: &mut WriteTx<'_>, scope: Scope, filter: &str, params: &[crate::Value]) -> Result<()> {
    tx.execute(&format!("DELETE FROM day_tally WHERE scope = ?1 AND {filter}"), params)?;
    let filter = format!("s.{filter}{}", of_scope(scope));
    tx.execute(&format!("{INSERT} {}", counted("?1,", "", &filter)), params)?;
    Ok(())
}

pub(crate) fn count_all(tx: &mut WriteTx<'_>) -> Result<()> {
    tx.execute("DELETE FROM day_tally", &[])?;
    tx.execute(&format!("{INSERT} {}", counted("?1,", "", "1 = 1")), params![Scope::All.key()])?;
    tx.execute(&format!("{INSERT} {}", of_semesters()), &[])?;
    Ok(())
}

fn of_semesters() -> String {
    counted("c.semester_id,", "c.semester_id,", "c.semester_id IS NOT NULL")
}

pub(crate) fn check(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    const KEPT: &str = "held_on, session_type, sessions, attended, total FROM day_tally WHERE scope";
    let all = params![Scope::All.key()];
    let semesters = format!("SELECT scope, {KEPT} <> ?1");
    let mut wrong = differences(tx, "tallies of days in semesters", &semesters, &of_semesters(), all)?;
    let counted = counted("", "", "1 = 1");
    wrong.extend(differences(tx, "tallies of days", &format!("SELECT {KEPT} = ?1"), &counted, all)?);
    Ok(wrong)
}

/// The days of a scope that had sessions, from `since` on, the first first.
pub fn since(tx: &mut Tx<'_>, scope: Scope, since: &str) -> Result<Vec<DayTally>> {
    let rows = tx.query(
        "SELECT held_on, session_type, sessions, attended, total FROM day_tally WHERE scope = ?1 AND held_on >= ?2 \
         ORDER BY held_on, session_type",
        params![scope.key(), since],
    )?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<DayTally> {
    Ok(DayTally {
        held_on: row.get(0)?,
        session_type: SessionType::parse(&row.get::<String>(1)?).unwrap_or(SessionType::Offline),
        sessions: row.get(2)?,
        attended: row.get(3)?,
        total: row.get(4)?,
    })
}
