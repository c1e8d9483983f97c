//! The institution, or a semester of it, in a few numbers.

use arise_core::Result;
use arise_core::session::SessionType;

use crate::course_summary::{self, Summarized};
use crate::params;
use crate::scope::Scope;
use crate::standing;
use crate::tx::Tx;

/// Sessions of one kind that count, and the marks in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub session_type: SessionType,
    pub sessions: i64,
    pub this_week: i64,
    pub this_month: i64,
    pub attended: i64,
    /// Who could have attended: one for each session and student, without those who were excused.
    pub total: i64,
}

#[derive(Debug, Clone)]
pub struct Overview {
    /// Of the institution, or those who belong to a course of the semester.
    pub students: i64,
    /// Students who are below the minimum in one of their courses or more.
    pub at_risk: i64,
    pub held: Vec<Held>,
    pub courses: Vec<Summarized>,
}

/// `week` and `month` are the dates on which they began.
pub fn get(tx: &mut Tx<'_>, scope: Scope, minimum: i64, week: &str, month: &str) -> Result<Overview> {
    let students = match scope {
        Scope::All => tx.query_one("SELECT COUNT(*) FROM student WHERE archived = 0", &[])?.get(0)?,
        _ => standing::students(tx, scope)?,
    };
    let at_risk = standing::below(tx, scope, minimum)?;
    let held = tx.query(
        "SELECT session_type, CAST(SUM(sessions) AS BIGINT), \
         CAST(SUM(CASE WHEN held_on >= ?2 THEN sessions ELSE 0 END) AS BIGINT), \
         CAST(SUM(CASE WHEN held_on >= ?3 THEN sessions ELSE 0 END) AS BIGINT), \
         CAST(SUM(attended) AS BIGINT), CAST(SUM(total) AS BIGINT) \
         FROM day_tally WHERE scope = ?1 GROUP BY session_type ORDER BY session_type",
        params![scope.key(), week, month],
    )?;
    let held = held.iter().map(|row| {
        Ok(Held {
            session_type: SessionType::parse(&row.get::<String>(0)?).unwrap_or(SessionType::Offline),
            sessions: row.get(1)?,
            this_week: row.get(2)?,
            this_month: row.get(3)?,
            attended: row.get(4)?,
            total: row.get(5)?,
        })
    });
    Ok(Overview {
        students,
        at_risk,
        held: held.collect::<Result<_>>()?,
        courses: course_summary::of_scope(tx, scope)?,
    })
}
