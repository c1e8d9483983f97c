//! The program as a process of its own, a class with scanners, and requests as plain text.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arise_core::session::SessionType;
use arise_core::signature::{self, Key};
use arise_core::{CourseId, DeviceId, SessionId, StudentId, SystemClock, TeacherId};
use arise_store::course::CourseFields;
use arise_store::session::NewSession;
use arise_store::student::StudentFields;
use arise_store::{
    Location, Store, course, device, enrolment, mark, semester, session, student, tally, teacher,
};
use serde_json::Value;

pub(crate) const PASSWORD: &str = "a password of tests";
/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn location(data: &Path) -> Location {
    Location::File(data.join("arise.db"))
}

pub(crate) fn open(data: &Path) -> Store {
    Store::open(&location(data), Arc::new(SystemClock)).unwrap()
}

/// The program, away from the settings of whoever runs the test.
pub(crate) fn arise(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arise"));
    command.args(arguments).arg("--data").arg(data).env_clear().current_dir(data.parent().unwrap());
    command
}

/// Runs a command to its end.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> Output {
    arise(data, arguments).output().unwrap()
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// What it wrote to its standard output.
    pub(crate) printed: Arc<Mutex<String>>,
}

impl Server {
    pub(crate) fn start(data: &Path, environment: &[(&str, &str)]) -> Self {
        let mut command = arise(data, &["serve", "--host", "127.0.0.1", "--port", "0"]);
        command.env("ADMIN_DEFAULT_PASSWORD", PASSWORD).env("ARISE_LOG", "warn");
        let mut child = command.envs(environment.iter().copied()).stdout(Stdio::piped()).spawn().unwrap();
        let printed = Arc::new(Mutex::new(String::new()));
        let (told, heard) = std::sync::mpsc::channel();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let kept = Arc::clone(&printed);
        std::thread::spawn(move || {
            for line in &mut lines {
                if let Some((_, address)) = line.split_once("arise is ready: http://") {
                    // The test may have ended.
                    let _ = told.send(address.trim().to_owned());
                }
                kept.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        let address = heard.recv_timeout(PATIENCE).expect("the server starts");
        Self { child, address, printed }
    }

    pub(crate) fn alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, as a service manager does it.
    pub(crate) fn stop(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }

    /// One request on a connection of its own: the status, and the answer's JSON.
    pub(crate) fn call(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> (u16, Value) {
        let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             {bearer}Connection: close\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let answer = exchange(&mut stream, &request).expect("an answer");
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let json = answer.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(json).unwrap_or_default())
    }

    pub(crate) fn get(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        self.call("GET", path, token, &Value::Null)
    }

    /// An administrator's token.
    pub(crate) fn log_in(&self) -> String {
        let body = serde_json::json!({"username": "admin", "password": PASSWORD});
        let (status, answer) = self.call("POST", "/api/admin/login", None, &body);
        assert_eq!(status, 200, "{answer}");
        answer["token"].as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failed assertion; otherwise it is dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A course whose students are shared among scanners.
pub(crate) struct Class {
    pub(crate) course: CourseId,
    pub(crate) teacher: TeacherId,
    pub(crate) students: Vec<StudentId>,
    pub(crate) scanners: Vec<(DeviceId, Key)>,
}

impl Class {
    pub(crate) fn make(data: &Path, scanners: usize, students_each: usize) -> Self {
        let store = open(data);
        store
            .write_blocking(move |tx| {
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
                for index in 0..scanners * students_each {
                    let fields = StudentFields {
                        student_name: format!("Student {index}"),
                        university_roll_no: format!("R{index}"),
                        ..StudentFields::default()
                    };
                    students.push(student::create(tx, &fields, "-")?);
                }
                let roster: Vec<_> = students.iter().copied().zip(1..).collect();
                enrolment::set_roster(tx, course, &roster, "2020-01-01", None)?;
                let mut paired = Vec::new();
                for index in 0..scanners {
                    let id = device::create(tx, &format!("Scanner {index}"), "")?;
                    device::offer_pairing(tx, id, &format!("CODE{index}"))?;
                    let key = [u8::try_from(index).unwrap(); 32];
                    device::pair(tx, &format!("CODE{index}"), "", "test", &key)?;
                    paired.push((id, key));
                }
                Ok(Self { course, teacher, students, scanners: paired })
            })
            .unwrap()
    }

    /// A new session of the course, in place of the last one.
    pub(crate) fn start(&self, data: &Path) -> SessionId {
        let (course, teacher) = (self.course, self.teacher);
        open(data)
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

    /// While no server runs: the file is whole, every acknowledged mark is there, and the counts agree.
    pub(crate) fn check(&self, data: &Path, session: SessionId, marked: &[i64]) {
        let (present, whole, wrong) = open(data)
            .read_blocking(move |tx| {
                let whole: String = tx.query_one("PRAGMA integrity_check", &[])?.get(0)?;
                Ok((mark::of_session(tx, session)?, whole, tally::check(tx)?))
            })
            .unwrap();
        assert_eq!(whole, "ok");
        assert_eq!(wrong, Vec::<String>::new());
        for roll in marked {
            let student = self.students[usize::try_from(*roll).unwrap() - 1];
            assert!(present.contains_key(&student), "the acknowledged mark of roll {roll} is lost");
        }
    }
}

/// A scanner's signed request that marks one student.
pub(crate) fn mark_request(id: DeviceId, key: &Key, session: SessionId, roll: i64, counter: u64) -> String {
    let body = format!(
        "{{\"marks\":[{{\"seq\":{counter},\"session_id\":\"{session}\",\"class_roll_id\":{roll},\"observed_at\":{}}}]}}",
        arise_core::Clock::now(&SystemClock)
    );
    let signature = signature::sign(key, "POST", "/api/device/marks", counter, body.as_bytes());
    format!(
        "POST /api/device/marks HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         X-Arise-Device: {id}\r\nX-Arise-Counter: {counter}\r\nX-Arise-Signature: {signature}\r\n\r\n{body}",
        body.len()
    )
}

/// One answer, or nothing when the connection broke before it was whole.
pub(crate) fn exchange(stream: &mut TcpStream, request: &str) -> Option<String> {
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
