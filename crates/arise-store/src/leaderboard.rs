//! Who attends most: by percentage, then by sessions attended, then by name.

use std::collections::HashMap;

use arise_core::streak::Streaks;
use arise_core::{Result, StudentId, Tally};

use crate::params;
use crate::scope::Scope;
use crate::student_course::statuses;
use crate::tx::Tx;
use crate::value::Value;

/// The most places that are shown.
pub const MAX_PLACES: i64 = 100;

/// Those asked for at once, so that a few statements serve every number of them.
const PAGES: [usize; 2] = [16, 128];

#[derive(Debug, Clone)]
pub struct Place {
    pub student_id: StudentId,
    pub student_name: String,
    pub attended: i64,
    pub total: i64,
}

/// The first places.
pub fn top(tx: &mut Tx<'_>, scope: Scope, limit: i64) -> Result<Vec<Place>> {
    let rows = tx.query(
        "SELECT s.student_id, st.student_name, s.attended, s.total \
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
            })
        })
        .collect()
}

/// A student's rank, from 1, and how many are ranked; no rank for who belongs to no course of the scope.
pub fn rank(tx: &mut Tx<'_>, scope: Scope, student: StudentId) -> Result<(Option<i64>, i64)> {
    let total =
        tx.query_one("SELECT COUNT(*) FROM standing WHERE scope = ?1", params![scope.key()])?.get(0)?;
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

/// The best streaks that students have in a course of the scope.
pub fn streaks(
    tx: &mut Tx<'_>,
    scope: Scope,
    students: impl IntoIterator<Item = StudentId>,
) -> Result<HashMap<StudentId, Streaks>> {
    let students: Vec<StudentId> = students.into_iter().collect();
    let Some(&last) = students.last() else { return Ok(HashMap::new()) };
    let of_scope = match scope {
        Scope::All => "",
        Scope::Semester(_) => "AND c.semester_id = ?1",
        Scope::Course(_) => "AND c.id = ?1",
    };
    let mut best: HashMap<StudentId, Streaks> = HashMap::with_capacity(students.len());
    let size = PAGES.into_iter().find(|size| students.len() <= *size).unwrap_or(PAGES[PAGES.len() - 1]);
    for page in students.chunks(size) {
        let mut params: Vec<Value> = Vec::with_capacity(size + 1);
        let mut first = 1;
        if scope != Scope::All {
            params.push(scope.key().into());
            first = 2;
        }
        params.extend((0..size).map(|place| Value::from(page.get(place).copied().unwrap_or(last))));
        let places: Vec<String> = (first..first + size).map(|place| format!("?{place}")).collect();
        let rows = tx.query(
            &format!(
                "SELECT t.student_id, t.history FROM course_tally t \
                 JOIN course c ON c.id = t.course_id AND c.archived = 0 {of_scope} WHERE t.student_id IN ({})",
                places.join(", ")
            ),
            &params,
        )?;
        for row in &rows {
            let of_course = Streaks::of(statuses(&row.get::<String>(1)?));
            let best = best.entry(row.get(0)?).or_default();
            *best = best.best(of_course);
        }
    }
    Ok(best)
}

impl Place {
    pub fn tally(&self) -> Tally {
        Tally { sessions: self.total, present: self.attended, ..Tally::default() }
    }
}
