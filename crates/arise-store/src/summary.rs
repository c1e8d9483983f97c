//! Sums of the tallies: kept for whatever would otherwise add up thousands of rows to show one number. They
//! are counted anew for what a job touched, in the job's own transaction; but after sessions ended, once for
//! all that ended, by whoever reads them first.

use std::collections::BTreeSet;

use arise_core::mutant::{self, Mutant};
use arise_core::{CourseId, Result, SemesterId, StudentId};
use uuid::Uuid;

use crate::params;
use crate::scope::Scope;
use crate::tx::{Tx, WriteTx};
use crate::value::{MAX_PLACES, Value, places};
use crate::{course_summary, day_tally, standing};

/// Students of the courses that one transaction counts, which bounds how long marks wait for it.
const AT_ONCE: i64 = 500;
/// Students whom one transaction counts over all their courses.
const STUDENTS_AT_ONCE: i64 = 100;
/// More students than this are faster counted as a course than one by one.
const ONE_BY_ONE: usize = 16;
/// What is left for later of a course besides days.
const NO_DAY: &str = "";

/// What a job changed in a course.
#[derive(Debug, Clone, Default)]
pub(crate) struct Touched {
    students: BTreeSet<StudentId>,
    everybody: bool,
    days: BTreeSet<String>,
    every_day: bool,
    /// Semesters the course belonged to before.
    semesters: BTreeSet<SemesterId>,
}

impl Touched {
    /// Who belongs to it, or how they stand.
    pub(crate) fn everybody(&mut self) -> &mut Self {
        self.everybody = true;
        self
    }

    pub(crate) fn student(&mut self, student: StudentId) -> &mut Self {
        self.students.insert(student);
        self
    }

    /// How its sessions went on any day.
    pub(crate) fn every_day(&mut self) -> &mut Self {
        self.every_day = true;
        self
    }

    pub(crate) fn day(&mut self, held_on: String) -> &mut Self {
        self.days.insert(held_on);
        self
    }

    pub(crate) fn semester(&mut self, before: Option<SemesterId>) -> &mut Self {
        self.semesters.extend(before);
        self
    }
}

/// Whose standing is counted anew.
#[derive(Debug, Clone, Copy)]
pub(crate) enum People {
    Student(StudentId),
    /// Everybody who belongs, or belonged, to it.
    Course(CourseId),
    /// Those of `stale_student`, by id, up to this one.
    StaleUpTo(StudentId),
}

impl People {
    /// A condition on the ids of students, `?2` being [`People::parameter`].
    pub(crate) fn among(self, column: &str) -> String {
        match self {
            Self::Student(_) => format!("{column} = ?2"),
            // Who left without a trace is among those whose standing is still kept.
            Self::Course(_) => format!(
                "{column} IN (SELECT student_id FROM standing WHERE scope = ?2 \
                 UNION SELECT student_id FROM enrolment WHERE course_id = ?2)"
            ),
            Self::StaleUpTo(_) => {
                format!("{column} IN (SELECT student_id FROM stale_student WHERE student_id <= ?2)")
            }
        }
    }

    pub(crate) fn parameter(self) -> Value {
        match self {
            Self::Student(id) | Self::StaleUpTo(id) => id.into(),
            Self::Course(id) => id.into(),
        }
    }
}

/// Counts anew what was touched in a course.
pub(crate) fn refresh(tx: &mut WriteTx<'_>, course: CourseId, touched: &Touched) -> Result<()> {
    let row = tx.query_opt("SELECT semester_id FROM course WHERE id = ?1", params![course])?;
    let semester: Option<SemesterId> = row.map(|row| row.get(0)).transpose()?.flatten();
    let mut scopes: Vec<Scope> = vec![Scope::All];
    scopes.extend(
        semester
            .iter()
            .chain(touched.semesters.iter().filter(|s| Some(**s) != semester))
            .map(|s| Scope::Semester(*s)),
    );

    let people: Vec<People> = if touched.everybody || touched.students.len() > ONE_BY_ONE {
        // Who came and left while sums were put off isn't found by the course.
        let left = who_left(tx, course, &touched.students)?;
        left.into_iter().map(People::Student).chain([People::Course(course)]).collect()
    } else {
        touched.students.iter().copied().map(People::Student).collect()
    };
    for &scope in &scopes {
        if !people.is_empty() {
            standing::refresh(tx, scope, &people)?;
        }
        for day in &touched.days {
            day_tally::refresh_day(tx, scope, day)?;
        }
        if touched.every_day {
            day_tally::refresh_days_of(tx, scope, course)?;
        }
    }
    // The course's own standings come last: until here they say who belonged to it before.
    if !people.is_empty() {
        standing::refresh_in_course(tx, course, &people)?;
    }
    course_summary::refresh(tx, course)
}

/// Leaves what was touched in a course for later. Thousands of records that come by an exchange are about one course:
/// to count it for each few of them would take longer than all else together.
pub(crate) fn put_off_all(tx: &mut WriteTx<'_>, course: CourseId, touched: &Touched) -> Result<()> {
    if mutant::is(Mutant::ForgetsSums) {
        return Ok(());
    }
    if !touched.semesters.is_empty() {
        // Nothing will tell later where it belonged before.
        return refresh(tx, course, touched);
    }
    let students = who_left(tx, course, &touched.students)?;
    if !students.is_empty() {
        // Nor who has left without a trace.
        refresh(tx, course, &Touched { students, ..Touched::default() })?;
    }
    put_off(tx, course, NO_DAY)?;
    for day in &touched.days {
        put_off(tx, course, day)?;
    }
    if touched.every_day {
        tx.execute(
            "INSERT INTO stale (course_id, held_on) SELECT DISTINCT course_id, held_on FROM session \
             WHERE course_id = ?1 ON CONFLICT (course_id, held_on) DO NOTHING",
            params![course],
        )?;
    }
    Ok(())
}

/// Those of the students who have left the course without a trace.
fn who_left(
    tx: &mut Tx<'_>,
    course: CourseId,
    students: &BTreeSet<StudentId>,
) -> Result<BTreeSet<StudentId>> {
    let mut left = students.clone();
    for some in students.iter().collect::<Vec<_>>().chunks(MAX_PLACES) {
        let sql = format!(
            "SELECT student_id FROM enrolment WHERE course_id = ?1 AND student_id IN ({})",
            places(2, some.len())
        );
        let mut values = params![course].to_vec();
        values.extend(some.iter().map(|&&student| Value::from(student)));
        for row in tx.query(&sql, &values)? {
            left.remove(&row.get(0)?);
        }
    }
    Ok(left)
}

/// Leaves a day's sums of a course for later: many sessions end at the same bell, and nobody may be looking.
pub(crate) fn put_off(tx: &mut WriteTx<'_>, course: CourseId, held_on: &str) -> Result<()> {
    tx.execute(
        "INSERT INTO stale (course_id, held_on) VALUES (?1, ?2) ON CONFLICT (course_id, held_on) DO NOTHING",
        params![course, held_on],
    )?;
    Ok(())
}

/// Whether sums were left for later.
pub(crate) fn is_stale(tx: &mut Tx<'_>) -> Result<bool> {
    let any = "SELECT 1 WHERE EXISTS (SELECT 1 FROM stale) OR EXISTS (SELECT 1 FROM stale_course)";
    Ok(tx.query_opt(any, &[])?.is_some())
}

/// Counts some of what was put off: the days of the courses, then whoever belongs to one of them over all their
/// courses, once each, then each course by itself.
pub(crate) fn refresh_stale(tx: &mut WriteTx<'_>) -> Result<()> {
    let mut people = 0;
    while people < AT_ONCE {
        people += if let Some(course) = first(tx, "SELECT course_id FROM stale LIMIT 1")? {
            gather(tx, CourseId(course))?
        } else if first(tx, "SELECT student_id FROM stale_student LIMIT 1")?.is_some() {
            refresh_students(tx)?;
            AT_ONCE
        } else if let Some(course) = first(tx, "SELECT course_id FROM stale_course LIMIT 1")? {
            refresh_own(tx, CourseId(course))?
        } else {
            return Ok(());
        };
    }
    Ok(())
}

fn first(tx: &mut Tx<'_>, sql: &str) -> Result<Option<Uuid>> {
    tx.query_opt(sql, &[])?.map(|row| row.get(0)).transpose()
}

/// Counts the days of a course, and notes whom it is about. Answers how many belong to it.
fn gather(tx: &mut WriteTx<'_>, course: CourseId) -> Result<i64> {
    let row = tx.query_opt("SELECT semester_id FROM course WHERE id = ?1", params![course])?;
    let semester: Option<SemesterId> = row.map(|row| row.get(0)).transpose()?.flatten();
    for row in
        tx.query("SELECT held_on FROM stale WHERE course_id = ?1 AND held_on <> ?2", params![course, NO_DAY])?
    {
        let day: String = row.get(0)?;
        for scope in [Some(Scope::All), semester.map(Scope::Semester)].into_iter().flatten() {
            day_tally::refresh_day(tx, scope, &day)?;
        }
    }
    tx.execute(
        "INSERT INTO stale_student (student_id) SELECT student_id FROM enrolment WHERE course_id = ?1 \
         UNION SELECT student_id FROM standing WHERE scope = ?1 ON CONFLICT (student_id) DO NOTHING",
        params![course],
    )?;
    tx.execute(
        "INSERT INTO stale_course (course_id) VALUES (?1) ON CONFLICT (course_id) DO NOTHING",
        params![course],
    )?;
    tx.execute("DELETE FROM stale WHERE course_id = ?1", params![course])?;
    let row = tx.query_one("SELECT COUNT(*) FROM standing WHERE scope = ?1", params![course])?;
    Ok(row.get::<i64>(0)?.max(1))
}

/// Counts some of the students over all their courses and those of the semesters that something was put off of.
fn refresh_students(tx: &mut WriteTx<'_>) -> Result<()> {
    let last = tx.query_one(
        "SELECT student_id FROM (SELECT student_id FROM stale_student ORDER BY student_id LIMIT ?1) s \
         ORDER BY student_id DESC LIMIT 1",
        params![STUDENTS_AT_ONCE],
    )?;
    let people = [People::StaleUpTo(last.get(0)?)];
    standing::refresh(tx, Scope::All, &people)?;
    let semesters = tx.query(
        "SELECT DISTINCT semester_id FROM course WHERE semester_id IS NOT NULL \
         AND id IN (SELECT course_id FROM stale_course)",
        &[],
    )?;
    for row in &semesters {
        standing::refresh(tx, Scope::Semester(row.get(0)?), &people)?;
    }
    tx.execute("DELETE FROM stale_student WHERE student_id <= ?1", &[people[0].parameter()])?;
    Ok(())
}

/// Counts a course by itself. Answers how many belong to it.
fn refresh_own(tx: &mut WriteTx<'_>, course: CourseId) -> Result<i64> {
    standing::refresh_in_course(tx, course, &[People::Course(course)])?;
    course_summary::refresh(tx, course)?;
    tx.execute("DELETE FROM stale_course WHERE course_id = ?1", params![course])?;
    Ok(course_summary::of_course(tx, course)?.enrolled.max(1))
}

/// Counts everything anew.
pub(crate) fn count_all(tx: &mut WriteTx<'_>) -> Result<()> {
    for table in ["stale", "stale_student", "stale_course"] {
        tx.execute(&format!("DELETE FROM {table}"), &[])?;
    }
    standing::count_all(tx)?;
    day_tally::count_all(tx)?;
    course_summary::count_all(tx)
}

/// Where the kept sums differ from sums of the tallies; empty is as it should be.
pub(crate) fn check(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let mut wrong = standing::check(tx)?;
    wrong.extend(day_tally::check(tx)?);
    wrong.extend(course_summary::check(tx)?);
    Ok(wrong)
}

/// A complaint when two queries don't have the same rows. They share `params`.
pub(crate) fn differences(
    tx: &mut Tx<'_>,
    what: &str,
    kept: &str,
    counted: &str,
    params: &[Value],
) -> Result<Vec<String>> {
    for (one, other) in [(kept, counted), (counted, kept)] {
        let sql =
            format!("SELECT 1 FROM (SELECT * FROM ({one}) x EXCEPT SELECT * FROM ({other}) y) z LIMIT 1");
        if tx.query_opt(&sql, params)?.is_some() {
            return Ok(vec![format!("kept {what} differ from those counted")]);
        }
    }
    Ok(vec![])
}
