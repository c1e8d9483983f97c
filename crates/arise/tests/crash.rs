//! kill -9 a hundred times while scanners mark: every mark that was acknowledged is there afterwards, and the
//! file is whole.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use arise_core::session::SessionType;
use arise_core::signature::{self, Key};
use arise_core::{CourseId, DeviceId, SessionId, StudentId, SystemClock, TeacherId};
use arise_store::course::CourseFields;
use arise_store::session::NewSession;
use arise_store::student::StudentFields;
use arise_store::{
    Location, Store, course, device, enrolment, mark, semester, session, student, tally, teacher,
};
use support::Server;

const KILLS: usize = 100;
const SCANNERS: usize = 8;
const STUDENTS_EACH: i64 = 50;

#[test]
fn nothing_acknowledged_is_lost_by_a_hundred_kills() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("arise.db"));
    let class = Class::make(&location);
    let mut random = fastrand::Rng::with_seed(7);
    let (mut acknowledged, mut interrupted) = (0, 0);
    for round in 0..KILLS {
        let session = class.start(&location);
        let mut server = Server::start(folder.path());
        let scanners: Vec<_> = class
            .scanners
            .iter()
            .enumerate()
            .map(|(index, &(id, key))| {
                let address = server.address.clone();
                let first = i64::try_from(index).unwrap() * STUDENTS_EACH + 1;
                let counter = u64::try_from(round).unwrap() * 1_000;
                std::thread::spawn(move || mark_all(&address, id, &key, session, first, counter))
            })
            .collect();
        // Killed somewhere between the first mark and, now and then, after the last.
        std::thread::park_timeout(Duration::from_millis(random.u64(5..120)));
        server.kill();
        let marked: Vec<i64> = scanners.into_iter().flat_map(|scanner| scanner.join().unwrap()).collect();
        acknowledged += marked.len();
        let all = SCANNERS * usize::try_from(STUDENTS_EACH).unwrap();
        interrupted += usize::from(!marked.is_empty() && marked.len() < all);
        class.check(&location, session, &marked);
    }
    println!(
        "{KILLS} kills, {interrupted} in the middle of marking, {acknowledged} acknowledged marks, 0 lost"
    );
    assert!(interrupted > KILLS / 4, "only {interrupted} kills came while marks were being acknowledged");
}

struct Class {
    course: CourseId,
    teacher: TeacherId,
    students: Vec<StudentId>,
    scanners: Vec<(DeviceId, Key)>,
}

fn open(location: &Location) -> Store {
    Store::open(location, Arc::new(SystemClock)).unwrap()
}

impl Class {
    fn make(location: &Location) -> Self {
        let store = open(location);
        store
            .write_blocking(|tx| {
                let teacher = teacher::create(tx, "Teacher", "T1", "-")?;
                let semester = semester::create(tx, "Semester")?;
                let fields = CourseFields {
                    course_name: "Course".into(),
                    course_code: "C1".into(),
                    default_duration_minutes: 60,
                    semester_id: Some(semester),
                    teacher_id: Some(teacher),
                };
                let course = course::create(tx, &fields)?;
                let mut students = Vec::new();
                for index in 0..SCANNERS * usize::try_from(STUDENTS_EACH).unwrap() {
                    let fields = StudentFields {
                        student_name: format!("Student {index}"),
                        university_roll_no: format!("R{index}"),
                        ..StudentFields::default()
                    };
                    students.push(student::create(tx, &fields, "-")?);
                }
                let roster: Vec<_> = students.iter().copied().zip(1..).collect();
                enrolment::set_roster(tx, course, &roster, "2020-01-01", None)?;
                let mut scanners = Vec::new();
                for index in 0..SCANNERS {
                    let id = device::create(tx, &format!("Scanner {index}"), "")?;
                    device::offer_pairing(tx, id, &format!("CODE{index}"))?;
                    let key = [u8::try_from(index).unwrap(); 32];
                    device::pair(tx, &format!("CODE{index}"), "", "test", &key)?;
                    scanners.push((id, key));
                }
                Ok(Self { course, teacher, students, scanners })
            })
            .unwrap()
    }

    /// A new session of the course, in place of the last one.
    fn start(&self, location: &Location) -> SessionId {
        let (course, teacher) = (self.course, self.teacher);
        open(location)
            .write_blocking(move |tx| {
                if let Some(last) = session::open_of_course(tx, course)? {
                    session::end(tx, &last)?;
                }
                let new = NewSession {
                    course_id: course,
                    starts_at: tx.now(),
                    duration_minutes: 60,
                    session_type: SessionType::Offline,
                    topic: String::new(),
                    device_id: None,
                    online: None,
                };
                session::start(tx, &new, Some(teacher))
            })
            .unwrap()
    }

    /// After a kill: the file is whole, every acknowledged mark is there once, and the counts agree.
    fn check(&self, location: &Location, session: SessionId, marked: &[i64]) {
        let store = open(location);
        let (present, whole, wrong) = store
            .read_blocking(move |tx| {
                let whole: String = tx.query_one("PRAGMA integrity_check", &[])?.get(0)?;
                Ok((mark::of_session(tx, session)?, whole, tally::check(tx)?))
            })
            .unwrap();
        assert_eq!(whole, "ok");
        assert_eq!(wrong, Vec::<String>::new());
        let present: HashSet<StudentId> = present.into_keys().collect();
        for roll in marked {
            let student = self.students[usize::try_from(*roll).unwrap() - 1];
            assert!(present.contains(&student), "the acknowledged mark of roll {roll} is lost");
        }
    }
}

/// Marks students one after the other until the connection breaks. Answers the rolls that were acknowledged.
fn mark_all(
    address: &str,
    id: DeviceId,
    key: &Key,
    session: SessionId,
    first: i64,
    counter: u64,
) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    let Ok(mut stream) = TcpStream::connect(address) else { return acknowledged };
    for (roll, counter) in (first..first + STUDENTS_EACH).zip(counter + 1..) {
        let body = format!(
            "{{\"marks\":[{{\"seq\":{counter},\"session_id\":\"{session}\",\"class_roll_id\":{roll},\"observed_at\":{}}}]}}",
            arise_core::Clock::now(&SystemClock)
        );
        let signature = signature::sign(key, "POST", "/api/device/marks", counter, body.as_bytes());
        let request = format!(
            "POST /api/device/marks HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             X-Arise-Device: {id}\r\nX-Arise-Counter: {counter}\r\nX-Arise-Signature: {signature}\r\n\r\n{body}",
            body.len()
        );
        match exchange(&mut stream, &request) {
            Some(answer) => {
                assert!(answer.contains("\"success\""), "{answer}");
                acknowledged.push(roll);
            }
            None => break,
        }
    }
    acknowledged
}

/// One answer, or nothing when the connection broke before it was whole.
fn exchange(stream: &mut TcpStream, request: &str) -> Option<String> {
    stream.write_all(request.as_bytes()).ok()?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 2_048];
    loop {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
            if body.len() >= length.trim().parse().ok()? {
                return Some(text.into_owned());
            }
        }
    }
}
