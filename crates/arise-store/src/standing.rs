//! How those stand who belong to a course now: in each course, over the courses of a semester, and over all.
//!
//! A standing over several courses covers every session that counted for the student, also those of a course
//! they have left since; who is in no course of the scope any more has none.

use arise_core::{CourseId, Result};

use crate::params;
use crate::scope::Scope;
use crate::summary::{People, differences};
use crate::tx::{Tx, WriteTx};
use crate::value::Value;

/// [`arise_core::tally::hundredths`], in SQL, because it is sorted by.
const HUNDREDTHS: &str = "CASE WHEN total > 0 THEN (20000 * attended + total) / (2 * total) ELSE 0 END";

const COLUMNS: &str = "student_id, attended, total, hundredths, lowest, current_streak, longest_streak";

/// Standings over several courses. `prefix` and `scope` are columns with a comma, or nothing: of the whole and
/// of each group.
fn over_courses(prefix: &str, scope: &str, filter: &str, of_course: &str) -> String {
    format!(
        "SELECT {prefix} student_id, attended, total, {HUNDREDTHS}, lowest, current_streak, longest_streak FROM ( \
             SELECT {scope} m.student_id, CAST(COALESCE(SUM(t.present + t.late), 0) AS BIGINT) AS attended, \
                 CAST(COALESCE(SUM(t.sessions - t.excused), 0) AS BIGINT) AS total, \
                 MIN(CASE WHEN m.is_current = 1 AND t.sessions > t.excused \
                     THEN 10000 * (t.present + t.late) / (t.sessions - t.excused) END) AS lowest, \
                 COALESCE(MAX(t.current_streak), 0) AS current_streak, \
                 COALESCE(MAX(t.longest_streak), 0) AS longest_streak \
             FROM (SELECT e.course_id, e.student_id, MAX(CASE WHEN e.until_on IS NULL THEN 1 ELSE 0 END) AS is_current \
                   FROM enrolment e WHERE {filter} GROUP BY e.student_id, e.course_id) m \
             JOIN course c ON c.id = m.course_id AND c.archived = 0 {of_course} \
             LEFT JOIN course_tally t ON t.course_id = m.course_id AND t.student_id = m.student_id \
             GROUP BY {scope} m.student_id HAVING MAX(m.is_current) = 1) s \
         WHERE EXISTS (SELECT 1 FROM student st WHERE st.id = s.student_id AND st.archived = 0)"
    )
}

/// Standings in courses, each over that one.
fn in_courses(filter: &str) -> String {
    format!(
        "SELECT course_id, student_id, attended, total, {HUNDREDTHS}, \
             CASE WHEN total > 0 THEN 10000 * attended / total END, current_streak, longest_streak FROM ( \
             SELECT e.course_id, e.student_id, COALESCE(t.present + t.late, 0) AS attended, \
                 COALESCE(t.sessions - t.excused, 0) AS total, COALESCE(t.current_streak, 0) AS current_streak, \
                 COALESCE(t.longest_streak, 0) AS longest_streak \
             FROM enrolment e JOIN student st ON st.id = e.student_id AND st.archived = 0 \
             LEFT JOIN course_tally t ON t.course_id = e.course_id AND t.student_id = e.student_id \
             WHERE e.until_on IS NULL AND {filter}) s"
    )
}

fn insert(tx: &mut WriteTx<'_>, select: &str, params: &[Value]) -> Result<()> {
    tx.execute(&format!("INSERT INTO standing (scope, {COLUMNS}) {select}"), params).map(|_| ())
}

const SPREAD: &str = "COALESCE(lowest / 100, -1), COUNT(*) FROM standing";

fn spread(tx: &mut WriteTx<'_>, scope: Scope) -> Result<()> {
    tx.execute("DELETE FROM standing_spread WHERE scope = ?1", params![scope.key()])?;
    tx.execute(
        &format!(
            "INSERT INTO standing_spread (scope, lowest, students) SELECT scope, {SPREAD} WHERE scope = ?1 GROUP BY 1, 2"
        ),
        params![scope.key()],
    )?;
    Ok(())
}

/// Counts anew how `people` stand in a semester or in all.
pub(crate) fn refresh(tx: &mut WriteTx<'_>, scope: Scope, people: &[People]) -> Result<()> {
    for people in people {
        let params = params![scope.key(), people.parameter()];
        let among = people.among("student_id");
        tx.execute(&format!("DELETE FROM standing WHERE scope = ?1 AND {among}"), params)?;
        let of_course = if scope == Scope::All { "" } else { "AND c.semester_id = ?1" };
        insert(tx, &over_courses("?1,", "", &people.among("e.student_id"), of_course), params)?;
    }
    spread(tx, scope)
}

pub(crate) fn refresh_in_course(tx: &mut WriteTx<'_>, course: CourseId, people: &[People]) -> Result<()> {
    for people in people {
        let (only, of_enrolment, params) = match people {
            People::Course(_) => (String::new(), String::new(), params![course].to_vec()),
            some => (
                format!(" AND {}", some.among("student_id")),
                format!(" AND {}", some.among("e.student_id")),
                params![course, some.parameter()].to_vec(),
            ),
        };
        tx.execute(&format!("DELETE FROM standing WHERE scope = ?1{only}"), &params)?;
        insert(tx, &in_courses(&format!("e.course_id = ?1{of_enrolment}")), &params)?;
    }
    spread(tx, Scope::Course(course))
}

pub(crate) fn count_all(tx: &mut WriteTx<'_>) -> Result<()> {
    tx.execute("DELETE FROM standing", &[])?;
    tx.execute("DELETE FROM standing_spread", &[])?;
    insert(tx, &over_courses("?1,", "", "1 = 1", ""), params![Scope::All.key()])?;
    insert(tx, &of_semesters(), &[])?;
    insert(tx, &in_courses("1 = 1"), &[])?;
    tx.execute(
        &format!(
            "INSERT INTO standing_spread (scope, lowest, students) SELECT scope, {SPREAD} GROUP BY 1, 2"
        ),
        &[],
    )?;
    Ok(())
}

fn of_semesters() -> String {
    over_courses("semester_id,", "c.semester_id,", "1 = 1", "AND c.semester_id IS NOT NULL")
}

/// Where what is kept differs from a count of the tallies.
pub(crate) fn check(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let all = params![Scope::All.key()];
    let kept = |which: &str| format!("{COLUMNS} FROM standing WHERE scope {which} ?1");
    let counted = format!("{} UNION ALL {}", of_semesters(), in_courses("1 = 1"));
    let several = format!("SELECT scope, {}", kept("<>"));
    let mut wrong = differences(tx, "standings in courses and semesters", &several, &counted, all)?;
    let counted = over_courses("", "", "1 = 1", "");
    wrong.extend(differences(tx, "standings over all", &format!("SELECT {}", kept("=")), &counted, all)?);
    let kept = "SELECT scope, lowest, students FROM standing_spread";
    let counted = format!("SELECT scope, {SPREAD} GROUP BY 1, 2");
    wrong.extend(differences(tx, "spreads of standings", kept, &counted, &[])?);
    Ok(wrong)
}

/// How many belong to a course of the scope.
pub(crate) fn students(tx: &mut Tx<'_>, scope: Scope) -> Result<i64> {
    sum(tx, "SELECT students FROM standing_spread WHERE scope = ?1", params![scope.key()])
}

/// How many of them are below so many percent in one of their courses or more.
pub(crate) fn below(tx: &mut Tx<'_>, scope: Scope, minimum: i64) -> Result<i64> {
    let sql = "SELECT students FROM standing_spread WHERE scope = ?1 AND lowest >= 0 AND lowest < ?2";
    sum(tx, sql, params![scope.key(), minimum])
}

fn sum(tx: &mut Tx<'_>, sql: &str, params: &[Value]) -> Result<i64> {
    tx.query(sql, params)?.iter().map(|row| row.get::<i64>(0)).sum()
}
