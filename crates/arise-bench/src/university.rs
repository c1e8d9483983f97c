//! A university to look at: 5,000 students in 100 courses, with years' worth of marks. It is written straight
//! into the tables that answers are read from; the records behind them, which no answer reads, are left out.

use std::path::Path;
use std::sync::Arc;

use arise_core::clock::{DAY, HOUR, MINUTE};
use arise_core::zone::Zone;
use arise_core::{
    Clock, CourseId, OpId, Result, SemesterId, SessionId, StudentId, SystemClock, TeacherId, UtcMillis,
};
use arise_store::{Location, Store, WriteTx, admin, params, tally};

pub(crate) const ADMIN_PASSWORD: &str = "chalk-and-duster";
pub(crate) const PIN: &str = "246810";
pub(crate) const STUDENT_PASSWORD: &str = "notebook-7";

const STUDENTS: usize = 5_000;
/// Each of them takes the same ten courses as the rest of their year.
const YEARS: usize = 10;
const COURSES_A_YEAR: usize = 10;
const SEMESTERS: usize = 5;
const SESSIONS_A_COURSE: usize = 100;
const MARKS_A_YEAR: usize = STUDENTS / YEARS * COURSES_A_YEAR * SESSIONS_A_COURSE;

/// Those whose answers are measured: one year, whose courses have met.
pub(crate) struct University {
    pub(crate) marks: usize,
    pub(crate) semester: SemesterId,
    pub(crate) courses: Vec<CourseId>,
    pub(crate) students: Vec<StudentId>,
}

/// Makes one with so many marks, a multiple of those of a year. The courses of the other years have met once, so that
/// as many students are ranked however many marks there are.
pub(crate) fn make(folder: &Path, marks: usize) -> anyhow::Result<University> {
    let store = Store::open(&Location::File(folder.join("arise.db")), Arc::new(SystemClock))?;
    let now = SystemClock.now();
    let password = arise_http::hash_password(ADMIN_PASSWORD)?;
    store.write_blocking(move |tx| admin::create(tx, "admin", &password, false).map(|_| ()))?;

    let years_that_met = marks / MARKS_A_YEAR;
    let semesters: Vec<SemesterId> = (0..SEMESTERS).map(|_| SemesterId::new(now)).collect();
    let mut students: Vec<StudentId> = (0..STUDENTS).map(|_| StudentId::new(now)).collect();
    students.sort_unstable();
    let mut first = vec![];
    let (pin, password) = (arise_http::hash_password(PIN)?, arise_http::hash_password(STUDENT_PASSWORD)?);
    let people = (semesters.clone(), students.clone());
    store.write_blocking(move |tx| fill(tx, &people.0, &people.1, &password))?;
    for year in 0..YEARS {
        let teacher = TeacherId::new(now);
        let pin = pin.clone();
        store.write_blocking(move |tx| {
            let row = params![teacher, format!("Teacher {year}"), format!("T{year}"), pin];
            tx.execute("INSERT INTO teacher VALUES (?1, ?2, ?3, ?4, 0)", row)
        })?;
        let semester = semesters[year % SEMESTERS];
        let of_year = Arc::new(students[year * (STUDENTS / YEARS)..(year + 1) * (STUDENTS / YEARS)].to_vec());
        for number in 0..COURSES_A_YEAR {
            let course = CourseId::new(now);
            let of_year = Arc::clone(&of_year);
            store.write_blocking(move |tx| {
                let code = format!("Y{year}C{number}");
                let row = params![course, format!("Course {code}"), code, semester, teacher];
                tx.execute("INSERT INTO course VALUES (?1, ?2, ?3, 60, ?4, ?5, 0)", row)?;
                enrol(tx, course, &of_year)?;
                let sessions = if year < years_that_met { SESSIONS_A_COURSE } else { 1 };
                hold(tx, course, teacher, &of_year, number, sessions)
            })?;
            if year == 0 {
                first.push(course);
            }
        }
    }
    store.write_blocking(tally::count_all)?;
    let students = students[..STUDENTS / YEARS].to_vec();
    let marks = years_that_met * MARKS_A_YEAR + (YEARS - years_that_met) * MARKS_A_YEAR / SESSIONS_A_COURSE;
    Ok(University { marks, semester: semesters[0], courses: first, students })
}

fn fill(
    tx: &mut WriteTx<'_>,
    semesters: &[SemesterId],
    students: &[StudentId],
    password: &str,
) -> Result<()> {
    for (number, &semester) in semesters.iter().enumerate() {
        let row = params![semester, format!("Semester {number}")];
        tx.execute("INSERT INTO semester VALUES (?1, ?2, 0)", row)?;
    }
    for (number, &student) in students.iter().enumerate() {
        let row = params![student, name(number), roll(number), format!("E{number:05}"), password];
        tx.execute(
            "INSERT INTO student (id, student_name, university_roll_no, enrollment_no, email1, email2, password_hash, \
             archived) VALUES (?1, ?2, ?3, ?4, '', '', ?5, 0)",
            row,
        )?;
    }
    Ok(())
}

fn enrol(tx: &mut WriteTx<'_>, course: CourseId, students: &[StudentId]) -> Result<()> {
    for (&student, class_roll) in students.iter().zip(1_i64..) {
        let row = params![course, student, class_roll];
        tx.execute("INSERT INTO enrolment VALUES (?1, ?2, '2020-01-01', NULL, ?3)", row)?;
    }
    Ok(())
}

/// Five sessions a week, until yesterday.
fn hold(
    tx: &mut WriteTx<'_>,
    course: CourseId,
    teacher: TeacherId,
    students: &[StudentId],
    number: usize,
    sessions: usize,
) -> Result<()> {
    let zone = Zone::named("Asia/Kolkata")?;
    let from_end = |place: i64| (place / 5 * 7 + place % 5) * DAY;
    for (place, since) in (0..sessions).rev().zip(0_i64..) {
        let later = HOUR * i64::from(u8::try_from(number).unwrap_or_default()) / 2;
        let starts_at: UtcMillis = tx.now() - 2 * DAY - from_end(since) + later;
        let ends_at = starts_at + 60 * MINUTE;
        let id = SessionId::new(starts_at);
        let kind = if place % 10 == 3 { "online" } else { "offline" };
        let held_on = zone.date(starts_at);
        let row =
            params![id, course, teacher, kind, held_on, starts_at, ends_at, 5 * MINUTE, ends_at + 5 * MINUTE];
        tx.execute(
            "INSERT INTO session (id, course_id, teacher_id, session_type, topic, held_on, starts_at, ends_at, \
             grace_ms, late_after_ms, closes_at, archived, settled) \
             VALUES (?1, ?2, ?3, ?4, 'A topic', ?5, ?6, ?7, ?8, 0, ?9, 0, 0)",
            row,
        )?;
        for (index, &student) in students.iter().enumerate() {
            let row = params![id, student, status(index, place + number), starts_at, OpId::new(starts_at)];
            tx.execute(
                "INSERT INTO attendance (session_id, student_id, status, source, observed_at, recorded_at, ops) \
                 VALUES (?1, ?2, ?3, 'fingerprint', ?4, ?4, ?5)",
                row,
            )?;
        }
    }
    Ok(())
}

/// Every student is marked in every session, and each comes as often as their number says.
fn status(student: usize, session: usize) -> &'static str {
    let zeal = 40 + student % 61;
    match (student * 31 + session * 17) % 100 {
        chance if chance >= zeal => "absent",
        chance if chance % 9 == 0 => "late",
        chance if chance % 40 == 7 => "excused",
        _ => "present",
    }
}

/// Some have the same name.
fn name(number: usize) -> String {
    format!("Student {}", number % 4_000)
}

pub(crate) fn roll(number: usize) -> String {
    format!("R{number:05}")
}
