//! How those stand who belong to a course now: in each course, over the courses of a semester, and over all.
//!
//! A standing over several courses covers every session that counted for the student, also those of a course
//! they have left since; who is in no course of the scope any more has none.

use arise_core::{CourseId, Result};

use crate::params;
use crate::scope::Scope;
use crate::summary::{People, differences};
use crate::tx::{Tx, WriteTx};

/// [`arise_core::tally::hundredths`], in SQL, because it is sorted by.
const HUNDREDTHS: &str = "CASE WHEN total > 0 THEN (20000 * attended + total) / (2 * total) ELSE 0 END";

const INSERT: &str = "INSERT INTO standing (scope, student_id, attended, total, hundredths, lowest)";

/// Standings over several courses. `scope` is a column of the inner query, with a comma, or nothing.
fn over_courses(prefix: &str, scope: &str, filter: &str) -> String {
    format!(
        "SELECT {prefix} student_id, attended, total, {HUNDREDTHS}, lowest FROM ( \
             SELECT {scope} m.student_id, CAST(COALESCE(SUM(t.present + t.late), 0) AS BIGINT) AS attended, \
                 CAST(COALESCE(SUM(t.sessions - t.excused), 0) AS BIGINT) AS total, \
                 MIN(CASE WHEN m.is_current = 1 AND t.sessions > t.excused \
                     THEN 10000 * (t.present + t.late) / (t.sessions - t.excused) END) AS lowest \
             FROM (SELECT c.semester_id AS semester_id, e.course_id, e.student_id, \
                       MAX(CASE WHEN e.until_on IS NULL THEN 1 ELSE 0 END) AS is_current \
                   FROM enrolment e JOIN student st ON st.id = e.student_id AND st.archived = 0 \
                   JOIN course c ON c.id = e.course_id AND c.archived = 0 \
                   WHERE {filter} GROUP BY c.semester_id, e.course_id, e.student_id) m \
             LEFT JOIN course_tally t ON t.course_id = m.course_id AND t.student_id = m.student_id \
             GROUP BY {scope} m.student_id HAVING MAX(m.is_current) = 1) s"
    )
}

/// Standings in courses, each over that one.
fn in_courses(filter: &str) -> String {
    format!(
        "SELECT course_id, student_id, attended, total, {HUNDREDTHS}, \
             CASE WHEN total > 0 THEN 10000 * attended / total END FROM ( \
             SELECT e.course_id, e.student_id, COALESCE(t.present + t.late, 0) AS attended, \
                 COALESCE(t.sessions - t.excused, 0) AS total \
             FROM enrolment e JOIN student st ON st.id = e.student_id AND st.archived = 0 \
             LEFT JOIN course_tally t ON t.course_id = e.course_id AND t.student_id = e.student_id \
             WHERE e.until_on IS NULL AND {filter}) s"
    )
}

/// Counts anew how `people` stand in a semester or in all.
pub(crate) fn refresh(tx: &mut WriteTx<'_>, scope: Scope, people: People) -> Result<()> {
    let params = params![scope.key(), people.parameter()];
    tx.execute(&format!("DELETE FROM standing WHERE scope = ?1 AND {}", people.among("student_id")), params)?;
    let mut filter = people.among("e.student_id");
    if scope != Scope::All {
        filter.push_str(" AND c.semester_id = ?1");
    }
    tx.execute(&format!("{INSERT} {}", over_courses("?1,", "", &filter)), params)?;
    Ok(())
}

pub(crate) fn refresh_in_course(tx: &mut WriteTx<'_>, course: CourseId, people: People) -> Result<()> {
    let only = match people {
        People::Student(_) => " AND student_id = ?2",
        People::Course(_) => "",
    };
    let mut params = params![course].to_vec();
    if let People::Student(_) = people {
        params.push(people.parameter());
    }
    tx.execute(&format!("DELETE FROM standing WHERE scope = ?1{only}"), &params)?;
    let select = in_courses(&format!("e.course_id = ?1{}", only.replace("student_id", "e.student_id")));
    tx.execute(&format!("{INSERT} {select}"), &params)?;
    Ok(())
}

pub(crate) fn count_all(tx: &mut WriteTx<'_>) -> Result<()> {
    tx.execute("DELETE FROM standing", &[])?;
    tx.execute(&format!("{INSERT} {}", over_courses("?1,", "", "1 = 1")), params![Scope::All.key()])?;
    tx.execute(&format!("{INSERT} {}", of_semesters()), &[])?;
    tx.execute(&format!("{INSERT} {}", in_courses("1 = 1")), &[])?;
    Ok(())
}

fn of_semesters() -> String {
    over_courses("semester_id,", "m.semester_id,", "c.semester_id IS NOT NULL")
}

/// Where what is kept differs from a count of the tallies.
pub(crate) fn check(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    const KEPT: &str = "student_id, attended, total, hundredths, lowest FROM standing WHERE scope";
    let all = params![Scope::All.key()];
    let several = format!("SELECT scope, {KEPT} <> ?1");
    let counted = format!("{} UNION ALL {}", of_semesters(), in_courses("1 = 1"));
    let mut wrong = differences(tx, "standings in courses and semesters", &several, &counted, all)?;
    let counted = over_courses("", "", "1 = 1");
    wrong.extend(differences(tx, "standings over all", &format!("SELECT {KEPT} = ?1"), &counted, all)?);
    Ok(wrong)
}
