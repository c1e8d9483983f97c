//! A college to measure on: open sessions whose students haven't been marked, and past ones that have.

use std::path::Path;
use std::sync::Arc;

use arise_core::clock::{DAY, HOUR};
use arise_core::session::SessionType;
use arise_core::signature::{self, Key};
use arise_core::{
    Actor, Clock, CourseId, DeviceId, Mark, Role, SessionId, Source, Status, StudentId, SystemClock,
    TeacherId, TestClock, UtcMillis,
};
use arise_store::course::CourseFields;
use arise_store::session::NewSession;
use arise_store::student::StudentFields;
use arise_store::{Location, Store, course, device, enrolment, semester, session, student, tally, teacher};
use serde_json::json;

pub(crate) const STUDENTS: usize = 1_200;
const COURSES: usize = 65;
/// Scanners that mark at the same time, each over its own connection.
pub(crate) const SCANNERS: usize = 256;
pub(crate) const PIN: &str = "246810";

/// A scanner with its class and the class roll ids that come to it.
pub(crate) struct Scanner {
    pub(crate) id: DeviceId,
    key: Key,
    pub(crate) session: SessionId,
    pub(crate) rolls: std::ops::Range<i64>,
}

pub(crate) struct College {
    /// 256 scanners, four a class, that share the students of their class.
    pub(crate) crowd: Vec<Scanner>,
    /// One more scanner with a class of its own, for what one connection gets and for the live stream.
    pub(crate) single: Scanner,
    pub(crate) single_course: String,
    pub(crate) past_marks: usize,
}

/// Makes a college in an empty folder. `past_sessions` sessions of
/// 1,200 marks each have been held.
pub(crate) fn make(folder: &Path, past_sessions: usize) -> anyhow::Result<College> {
    let now = SystemClock.now();
    let clock = Arc::new(TestClock::at(now - 200 * DAY));
    let store = Store::open(&Location::File(folder.join("arise.db")), Arc::clone(&clock) as Arc<dyn Clock>)?;
    let pin = arise_http::hash_password(PIN)?;
    let (teacher, courses, students) = store.write_blocking(move |tx| {
        let teacher = teacher::create(tx, "Bench", "BENCH", &pin)?;
        let semester = semester::create(tx, "Bench")?;
        let students = (0..STUDENTS)
            .map(|index| {
                let fields = StudentFields {
                    student_name: format!("Student {index}"),
                    university_roll_no: format!("R{index:05}"),
                    ..StudentFields::default()
                };
                student::create(tx, &fields, "-")
            })
            .collect::<arise_core::Result<Vec<StudentId>>>()?;
        let courses = (0..COURSES)
            .map(|index| {
                let fields = CourseFields {
                    course_name: format!("Course {index}"),
                    course_code: code(index),
                    default_duration_minutes: 60,
                    semester_id: Some(semester),
                    teacher_id: Some(teacher),
                };
                course::create(tx, &fields)
            })
            .collect::<arise_core::Result<Vec<CourseId>>>()?;
        Ok((teacher, courses, students))
    })?;
    let students = Arc::new(students);
    for &course in &courses {
        let students = Arc::clone(&students);
        store.write_blocking(move |tx| {
            let roster: Vec<(StudentId, i64)> = students.iter().copied().zip(1..).collect();
            enrolment::set_roster(tx, course, &roster, "2020-01-01", None).map(|_| ())
        })?;
    }
    for number in 0..past_sessions {
        let course = courses[number % COURSES];
        clock.set(now - 180 * DAY + i64::try_from(number / COURSES)? * 2 * HOUR);
        let students = Arc::clone(&students);
        store.write_blocking(move |tx| hold(tx, course, teacher, &students))?;
    }
    clock.set(now);
    while store.read_blocking(tally::is_due)? {
        store.write_blocking(tally::settle_due)?;
    }
    let mut scanners = Vec::with_capacity(SCANNERS + 1);
    for index in 0..=SCANNERS {
        let (class, part) = (index / 4, i64::try_from(index % 4)?);
        let rolls = if index == SCANNERS { 1..1_201 } else { part * 300 + 1..part * 300 + 301 };
        let course = courses[class];
        let scanner = store.write_blocking(move |tx| {
            let key = [u8::try_from(index % 251).unwrap_or(1); 32];
            let id = device::create(tx, &format!("Scanner {index}"), "")?;
            let pairing = format!("CODE{index:04}");
            device::offer_pairing(tx, id, &pairing)?;
            device::pair(tx, &pairing, "", "bench", &key)?;
            let open = match session::open_of_course(tx, course)? {
                Some(open) => open.id,
                None => start(tx, course, teacher, tx.now(), 240)?,
            };
            Ok(Scanner { id, key, session: open, rolls })
        })?;
        scanners.push(scanner);
    }
    let single = scanners.remove(SCANNERS);
    Ok(College {
        crowd: scanners,
        single,
        single_course: code(SCANNERS / 4),
        past_marks: past_sessions * STUDENTS,
    })
}

fn code(index: usize) -> String {
    format!("BENCH{index}")
}

fn start(
    tx: &mut arise_store::WriteTx<'_>,
    course: CourseId,
    teacher: TeacherId,
    at: UtcMillis,
    minutes: i64,
) -> arise_core::Result<SessionId> {
    let new = NewSession {
        course_id: course,
        starts_at: at,
        duration_minutes: minutes,
        session_type: SessionType::Offline,
        topic: String::new(),
        device_id: None,
        online: None,
    };
    session::start(tx, &new, Some(teacher))
}

fn hold(
    tx: &mut arise_store::WriteTx<'_>,
    course: CourseId,
    teacher: TeacherId,
    students: &[StudentId],
) -> arise_core::Result<()> {
    let at = tx.now();
    let id = start(tx, course, teacher, at, 50)?;
    tx.act_as(Actor::new(Role::Teacher, teacher));
    for &student in students {
        let mark = Mark {
            status: Some(Status::Present),
            source: Source::Fingerprint,
            observed_at: at + 1_000,
            reason: None,
        };
        tx.append_mark(id, student, &mark)?;
    }
    Ok(())
}

impl Scanner {
    /// The signed request that marks one student, ready to be sent.
    pub(crate) fn request(&self, counter: u64, roll: i64, at: UtcMillis) -> Vec<u8> {
        const PATH: &str = "/api/device/marks";
        let body = json!({
            "marks": [{
                "seq": counter, "session_id": self.session, "slot": roll * 2 - 1, "observed_at": at, "boot": 1,
                "uptime_ms": 60_000,
            }],
        })
        .to_string();
        let signature = signature::sign(&self.key, "POST", PATH, counter, body.as_bytes());
        format!(
            "POST {PATH} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             X-Arise-Device: {}\r\nX-Arise-Counter: {counter}\r\nX-Arise-Signature: {signature}\r\n\r\n{body}",
            body.len(),
            self.id,
        )
        .into_bytes()
    }
}
