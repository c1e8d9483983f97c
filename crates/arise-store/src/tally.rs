//! Counts kept beside the marks, so that nothing that is looked at often scans them.
//!
//! A session counts once its time has passed: it is then *settled*. No job has to run for that; whoever reads
//! tallies settles what is due first. Corrections of settled sessions are counted anew, never added up.

use arise_core::streak::Streaks;
use arise_core::{CourseId, Result, SessionId, Status, StudentId, Tally};

use crate::params;
use crate::summary;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;

/// Sessions settled by one transaction, which bounds how long marks wait for it.
const SETTLE_AT_ONCE: i64 = 8;

/// Whether there is something to count: a session's time has passed, or sums were left for later.
pub fn is_due(tx: &mut Tx<'_>) -> Result<bool> {
    let now = tx.now();
    let due = tx.query_one(
        "SELECT EXISTS (SELECT 1 FROM session WHERE settled = 0 AND archived = 0 AND closes_at <= ?1) \
             OR EXISTS (SELECT 1 FROM stale) OR EXISTS (SELECT 1 FROM stale_course)",
        params![now],
    )?;
    due.get(0)
}

/// Counts some of the sessions whose time has passed. When there are none any more, adds up what was counted.
pub fn settle_due(tx: &mut WriteTx<'_>) -> Result<()> {
    let now = tx.now();
    let due = tx.query(
        "SELECT id FROM session WHERE settled = 0 AND archived = 0 AND closes_at <= ?1 ORDER BY closes_at LIMIT ?2",
        params![now, SETTLE_AT_ONCE],
    )?;
    if due.is_empty() {
        return summary::refresh_stale(tx);
    }
    for row in due {
        settle(tx, row.get(0)?)?;
    }
    Ok(())
}

/// A session's students of its day, each with what their mark says.
const OF_SESSION: &str = "FROM session s \
    JOIN enrolment e ON e.course_id = s.course_id AND e.from_on <= s.held_on \
        AND (e.until_on IS NULL OR s.held_on < e.until_on) \
    JOIN student st ON st.id = e.student_id AND st.archived = 0 \
    LEFT JOIN attendance a ON a.session_id = s.id AND a.student_id = e.student_id";

const COUNTS: &str = "CAST(COUNT(*) AS INTEGER), \
    CAST(COUNT(*) FILTER (WHERE a.status = 'present') AS INTEGER), \
    CAST(COUNT(*) FILTER (WHERE a.status = 'late') AS INTEGER), \
    CAST(COUNT(*) FILTER (WHERE a.status = 'excused') AS INTEGER)";

const ATTENDED: &str = "CAST(COUNT(*) FILTER (WHERE a.status IN ('present', 'late')) AS INTEGER)";

/// The marks as letters, in the order in which the sessions were held.
const HISTORY: &str = "string_agg(CASE a.status WHEN 'present' THEN 'P' WHEN 'late' THEN 'L' WHEN 'excused' THEN 'E' \
    ELSE 'A' END, '' ORDER BY s.starts_at, s.id)";

const INSERT_OF_COURSE: &str =
    "INSERT INTO course_tally (course_id, student_id, sessions, present, late, excused, history)";

/// [`Streaks::of`] after one more session, in SQL: `excluded.ongoing` is 1 when it was attended.
const STREAKS_GO_ON: &str = "ongoing = CASE WHEN excluded.ongoing = 1 THEN course_tally.ongoing + 1 \
        WHEN excluded.excused = 1 THEN course_tally.ongoing ELSE 0 END, \
    current_streak = CASE WHEN excluded.ongoing = 1 THEN course_tally.ongoing + 1 \
        ELSE course_tally.current_streak END, \
    longest_streak = CASE WHEN excluded.ongoing = 1 AND course_tally.ongoing >= course_tally.longest_streak \
        THEN course_tally.ongoing + 1 ELSE course_tally.longest_streak END";

fn settle(tx: &mut WriteTx<'_>, session: SessionId) -> Result<()> {
    tx.execute("UPDATE session SET settled = 1 WHERE id = ?1", params![session])?;
    count_session(tx, session)?;
    let row = tx.query_one(
        "SELECT s.course_id, s.held_on, (SELECT COUNT(*) FROM session l WHERE l.course_id = s.course_id \
             AND l.settled = 1 AND l.archived = 0 AND (l.starts_at, l.id) > (s.starts_at, s.id)) \
         FROM session s WHERE s.id = ?1",
        params![session],
    )?;
    let (course, held_on): (CourseId, String) = (row.get(0)?, row.get(1)?);
    if row.get::<i64>(2)? > 0 {
        // Its letters don't belong at the end.
        tx.effects.dirty_courses.insert(course);
        return Ok(());
    }
    summary::put_off(tx, course, &held_on)?;
    tx.execute(
        &format!(
            "INSERT INTO course_tally (course_id, student_id, sessions, present, late, excused, history, ongoing, \
             current_streak, longest_streak) \
             SELECT s.course_id, e.student_id, {COUNTS}, {HISTORY}, {ATTENDED}, {ATTENDED}, {ATTENDED} {OF_SESSION} \
             WHERE s.id = ?1 GROUP BY s.course_id, e.student_id \
             ON CONFLICT (course_id, student_id) DO UPDATE SET sessions = course_tally.sessions + excluded.sessions, \
             present = course_tally.present + excluded.present, late = course_tally.late + excluded.late, \
             excused = course_tally.excused + excluded.excused, history = course_tally.history || excluded.history, \
             {STREAKS_GO_ON}"
        ),
        params![session],
    )?;
    Ok(())
}

fn count_session(tx: &mut WriteTx<'_>, session: SessionId) -> Result<()> {
    tx.execute("DELETE FROM session_tally WHERE session_id = ?1", params![session])?;
    tx.execute(
        &format!(
            "INSERT INTO session_tally (session_id, enrolled, present, late, excused) \
             SELECT s.id, {COUNTS} {OF_SESSION} WHERE s.id = ?1 GROUP BY s.id"
        ),
        params![session],
    )?;
    Ok(())
}

/// Counts one student in one course anew.
fn count_pair(tx: &mut WriteTx<'_>, course: CourseId, student: StudentId) -> Result<()> {
    tx.execute(
        "DELETE FROM course_tally WHERE course_id = ?1 AND student_id = ?2",
        params![course, student],
    )?;
    tx.execute(
        &format!(
            "{INSERT_OF_COURSE} SELECT s.course_id, e.student_id, {COUNTS}, {HISTORY} {OF_SESSION} \
             WHERE s.course_id = ?1 AND e.student_id = ?2 AND s.settled = 1 AND s.archived = 0 \
             GROUP BY s.course_id, e.student_id"
        ),
        params![course, student],
    )?;
    let row = tx.query_opt(
        "SELECT history FROM course_tally WHERE course_id = ?1 AND student_id = ?2",
        params![course, student],
    )?;
    row.map_or(Ok(()), |row| put_streaks(tx, course, student, &row.get::<String>(0)?))
}

fn put_streaks(tx: &mut WriteTx<'_>, course: CourseId, student: StudentId, history: &str) -> Result<()> {
    let streaks = streaks_of(history);
    tx.execute(
        "UPDATE course_tally SET ongoing = ?3, current_streak = ?4, longest_streak = ?5 \
         WHERE course_id = ?1 AND student_id = ?2",
        params![course, student, streaks.ongoing, streaks.current, streaks.longest],
    )?;
    Ok(())
}

fn streaks_of(history: &str) -> Streaks {
    Streaks::of(history.chars().filter_map(Status::from_letter))
}

/// Counts a whole course anew.
fn count_course(tx: &mut WriteTx<'_>, course: CourseId) -> Result<()> {
    tx.execute("DELETE FROM course_tally WHERE course_id = ?1", params![course])?;
    tx.execute(
        &format!(
            "{INSERT_OF_COURSE} SELECT s.course_id, e.student_id, {COUNTS}, {HISTORY} {OF_SESSION} \
             WHERE s.course_id = ?1 AND s.settled = 1 AND s.archived = 0 GROUP BY s.course_id, e.student_id"
        ),
        params![course],
    )?;
    for row in
        tx.query("SELECT student_id, history FROM course_tally WHERE course_id = ?1", params![course])?
    {
        put_streaks(tx, course, row.get(0)?, &row.get::<String>(1)?)?;
    }
    tx.execute(
        "DELETE FROM session_tally WHERE session_id IN (SELECT id FROM session WHERE course_id = ?1)",
        params![course],
    )?;
    tx.execute(
        &format!(
            "INSERT INTO session_tally (session_id, enrolled, present, late, excused) \
             SELECT s.id, {COUNTS} {OF_SESSION} \
             WHERE s.course_id = ?1 AND s.settled = 1 AND s.archived = 0 GROUP BY s.id"
        ),
        params![course],
    )?;
    Ok(())
}

/// Brings the tallies up to date with what the job changed. Part of the job's own transaction.
pub(crate) fn refresh_dirty(tx: &mut WriteTx<'_>) -> Result<()> {
    let courses = std::mem::take(&mut tx.effects.dirty_courses);
    let marks = std::mem::take(&mut tx.effects.dirty_marks);
    for &course in &courses {
        count_course(tx, course)?;
        tx.effects.touch(course).everybody().every_day();
    }
    let mut last: Option<(SessionId, Option<(CourseId, String)>)> = None;
    let mut sessions = std::collections::BTreeSet::new();
    for (session, student) in marks {
        // A job's marks are mostly of one session, which is looked up once.
        let settled = match last {
            Some((known, settled)) if known == session => settled,
            _ => {
                let settled = tx.query_opt(
                    "SELECT course_id, held_on FROM session WHERE id = ?1 AND settled = 1 AND archived = 0",
                    params![session],
                )?;
                settled.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()?
            }
        };
        if let Some((course, held_on)) = &settled
            && !courses.contains(course)
        {
            count_pair(tx, *course, student)?;
            sessions.insert(session);
            tx.effects.touch(*course).student(student).day(held_on.clone());
        }
        last = Some((session, settled));
    }
    for session in sessions {
        count_session(tx, session)?;
    }
    for (course, touched) in std::mem::take(&mut tx.effects.touched) {
        if tx.effects.sums_wait {
            summary::put_off_all(tx, course, &touched)?;
        } else {
            summary::refresh(tx, course, &touched)?;
        }
    }
    Ok(())
}

/// Counts every session whose time has passed, and everything anew. Reads every mark.
pub fn count_all(tx: &mut WriteTx<'_>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE session SET settled = 1 WHERE settled = 0 AND archived = 0 AND closes_at <= ?1",
        params![now],
    )?;
    tx.execute("DELETE FROM course_tally", &[])?;
    tx.execute("DELETE FROM session_tally", &[])?;
    for row in tx.query("SELECT DISTINCT course_id FROM session WHERE settled = 1", &[])? {
        count_course(tx, row.get(0)?)?;
    }
    summary::count_all(tx)
}

/// Where the kept tallies differ from a count of the marks; empty is as it should be. Reads everything.
pub fn check(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let counted = tx.query(
        &format!(
            "SELECT s.course_id, e.student_id, {COUNTS}, {HISTORY} {OF_SESSION} \
             WHERE s.settled = 1 AND s.archived = 0 GROUP BY s.course_id, e.student_id ORDER BY 1, 2"
        ),
        &[],
    )?;
    let kept = tx.query(
        "SELECT course_id, student_id, sessions, present, late, excused, history FROM course_tally \
         WHERE sessions > 0 ORDER BY 1, 2",
        &[],
    )?;
    if counted != kept {
        wrong.push(format!("{} kept tallies of students differ from {} counted", kept.len(), counted.len()));
    }
    let streaks =
        tx.query("SELECT history, ongoing, current_streak, longest_streak FROM course_tally", &[])?;
    for row in &streaks {
        let kept = Streaks { ongoing: row.get(1)?, current: row.get(2)?, longest: row.get(3)? };
        let history: String = row.get(0)?;
        if kept != streaks_of(&history) {
            wrong.push(format!("the streaks kept for {history} are {kept:?}"));
        }
    }
    let counted = tx.query(
        &format!(
            "SELECT s.id, {COUNTS} {OF_SESSION} WHERE s.settled = 1 AND s.archived = 0 GROUP BY s.id ORDER BY 1"
        ),
        &[],
    )?;
    let kept = tx.query(
        "SELECT session_id, enrolled, present, late, excused FROM session_tally WHERE enrolled > 0 ORDER BY 1",
        &[],
    )?;
    if counted != kept {
        wrong.push(format!("{} kept tallies of sessions differ from {} counted", kept.len(), counted.len()));
    }
    if !summary::is_stale(tx)? {
        wrong.extend(summary::check(tx)?);
    }
    Ok(wrong)
}

/// How a student stands in every course that counted them.
pub fn of_student(tx: &mut Tx<'_>, student: StudentId) -> Result<Vec<(CourseId, Tally)>> {
    let rows = tx.query(
        "SELECT course_id, sessions, present, late, excused FROM course_tally WHERE student_id = ?1",
        params![student],
    )?;
    rows.iter().map(|row| Ok((row.get(0)?, from_row(row, 1)?))).collect()
}

/// How every student stands in a course.
pub fn of_course(tx: &mut Tx<'_>, course: CourseId) -> Result<Vec<(StudentId, Tally)>> {
    let rows = tx.query(
        "SELECT student_id, sessions, present, late, excused FROM course_tally WHERE course_id = ?1",
        params![course],
    )?;
    rows.iter().map(|row| Ok((row.get(0)?, from_row(row, 1)?))).collect()
}

pub(crate) fn from_row(row: &Row, at: usize) -> Result<Tally> {
    Ok(Tally {
        sessions: row.get(at)?,
        present: row.get(at + 1)?,
        late: row.get(at + 2)?,
        excused: row.get(at + 3)?,
    })
}
