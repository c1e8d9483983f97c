//! Who attends most: by percentage, then by sessions attended, then by name.

use arise_core::streak::Streaks;
use arise_core::{Result, StudentId, Tally};

use crate::params;
use crate::scope::Scope;
use crate::standing;
use crate::tx::Tx;

/// The most places that are shown.
pub const MAX_PLACES: i64 = 100;

#[derive(Debug, Clone)]
pub struct Place {
    pub student_id: StudentId,
    pub student_name: String,
    pub attended: i64,
    pub total: i64,
    /// The best of the student's courses in the scope.
    pub streaks: Streaks,
}

/// The first places.
pub fn top(tx: &mut Tx<'_>, scope: Scope, limit: i64) -> Result<Vec<Place>> {
    let rows = tx.query(
        "SELECT s.student_id, st.student_name, s.attended, s.total, s.current_streak, s.longest_streak \
         FROM standing s JOIN student st ON st.id = s.student_id WHERE s.scope = ?1 \
         ORDER BY s.hundredths DESC, s.attended DESC, lower(st.student_name), s.student_id LIMIT ?2",
        params![scope.key(), limit.clamp(1, MAX_PLACES)],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Place {
                student_id: row.get(0)?,
                student_name: row.get(1)?,
                attended: row.get(2)?,
                total: row.get(3)?,
                streaks: Streaks { ongoing: 0, current: row.get(4)?, longest: row.get(5)? },
            })
        })
        .collect()
}

/// A student's rank, from 1, and how many are ranked; no rank for who belongs to no course of the scope.
pub fn rank(tx: &mut Tx<'_>, scope: Scope, student: StudentId) -> Result<(Option<i64>, i64)> {
    let total = standing::students(tx, scope)?;
    let before = tx.query_opt(
        "SELECT (SELECT COUNT(*) FROM standing o WHERE o.scope = ?1 \
                 AND (o.hundredths, o.attended) > (m.hundredths, m.attended)) \
             + (SELECT COUNT(*) FROM standing o JOIN student st ON st.id = o.student_id WHERE o.scope = ?1 \
                AND o.hundredths = m.hundredths AND o.attended = m.attended \
                AND (lower(st.student_name), o.student_id) < (lower(me.student_name), m.student_id)) \
         FROM standing m JOIN student me ON me.id = m.student_id WHERE m.scope = ?1 AND m.student_id = ?2",
        params![scope.key(), student],
    )?;
    let rank = before.map(|row| row.get::<i64>(0)).transpose()?.map(|before| before + 1);
    Ok((rank, total))
}

impl Place {
    pub fn tally(&self) -> Tally {
        Tally { sessions: self.total, present: self.attended, ..Tally::default() }
    }
}
