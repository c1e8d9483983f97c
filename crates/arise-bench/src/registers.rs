//! The register of a course as an Excel workbook: 150 students and 60 sessions.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use arise_core::clock::{DAY, HOUR};
use arise_core::session::SessionType;
use arise_core::{Clock, CourseId, Mark, Source, Status, SystemClock, TestClock};
use arise_store::course::CourseFields;
use arise_store::session::NewSession;
use arise_store::student::StudentFields;
use arise_store::{Location, Store, course, enrolment, semester, session, student, tally, teacher};
use serde_json::{Value, json};

use crate::client;
use crate::figures::{Bar, Times, print};
use crate::server::{Server, folder};

const STUDENTS: i64 = 150;
const SESSIONS: i64 = 60;
const REQUESTS: usize = 200;
const PIN: &str = "246810";

pub(crate) async fn run() -> anyhow::Result<()> {
    let folder = folder()?;
    let data = folder.path().to_owned();
    let course = tokio::task::spawn_blocking(move || make(&data)).await??;
    let server = Server::arise(folder.path())?;
    let address = server.address;
    let log_in = json!({"teacher_code": "BENCH", "pin": PIN});
    let answer = client::post(address, "/api/teacher/login", &log_in.to_string())?;
    let body: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).context("an answer has a body")?)?;
    let token = body["token"].as_str().context("a token")?.to_owned();
    let path = format!("/api/teacher/report/export/{course}");
    let mut bars = vec![];
    for (format, what) in [("xlsx", "a workbook"), ("csv", "CSV")] {
        let (path, token) = (format!("{path}?format={format}"), token.clone());
        let times = tokio::task::spawn_blocking(move || download(address, &path, &token)).await??;
        let times = Times::new(times);
        let (half, most) = (times.percentile(50), times.percentile(99));
        bars.push(Bar {
            what: format!("register of {STUDENTS} students × {SESSIONS} sessions as {what}"),
            measured: format!("{half:.1} · {most:.1}"),
            bar: "p50 ≤ 50 ms".into(),
            met: half <= 50.0,
        });
    }
    print(&bars);
    Ok(())
}

/// How long each of many downloads takes, one after the other, its connection included.
fn download(address: SocketAddr, path: &str, token: &str) -> anyhow::Result<Vec<Duration>> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        let start = Instant::now();
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(request.as_bytes())?;
        let mut answer = vec![];
        stream.read_to_end(&mut answer)?;
        if !answer.starts_with(b"HTTP/1.1 200") || answer.len() < 10_000 {
            bail!("unexpected answer: {}", String::from_utf8_lossy(&answer[..answer.len().min(300)]));
        }
        times.push(start.elapsed());
    }
    Ok(times)
}

/// A course that has met for months.
fn make(folder: &Path) -> anyhow::Result<CourseId> {
    let now = SystemClock.now();
    let clock = Arc::new(TestClock::at(now - (SESSIONS + 1) * DAY));
    let store = Store::open(&Location::File(folder.join("arise.db")), Arc::clone(&clock) as Arc<dyn Clock>)?;
    let pin = arise_http::hash_password(PIN)?;
    let (course, students) = store.write_blocking(move |tx| {
        let teacher = teacher::create(tx, "Bench", "BENCH", &pin)?;
        let semester = semester::create(tx, "Bench")?;
        let course = course::create(
            tx,
            &CourseFields {
                course_name: "Bench".into(),
                course_code: "B1".into(),
                default_duration_minutes: 60,
                semester_id: Some(semester),
                teacher_id: Some(teacher),
            },
        )?;
        let mut list = vec![];
        for roll in 1..=STUDENTS {
            let fields = StudentFields {
                student_name: format!("Student of the bench {roll}"),
                university_roll_no: format!("R{roll:05}"),
                ..StudentFields::default()
            };
            list.push((student::create(tx, &fields, "-")?, roll));
        }
        enrolment::set_roster(tx, course, &list, "2020-01-01", None)?;
        Ok((course, list))
    })?;
    for number in 0..SESSIONS {
        let students = students.clone();
        store.write_blocking(move |tx| {
            let starts_at = tx.now();
            let new = NewSession {
                course_id: course,
                starts_at,
                duration_minutes: 60,
                session_type: SessionType::Offline,
                topic: "Bench".into(),
                device_id: None,
                online: None,
            };
            let id = session::start(tx, &new, None)?;
            for (student, roll) in students {
                let status = if (roll + number) % 4 == 0 { Status::Absent } else { Status::Present };
                let mark = Mark {
                    status: Some(status),
                    source: Source::Teacher,
                    observed_at: starts_at,
                    reason: None,
                };
                tx.append_mark(id, student, &mark)?;
            }
            Ok(())
        })?;
        clock.advance(2 * HOUR);
        while store.read_blocking(tally::is_due)? {
            store.write_blocking(tally::settle_due)?;
        }
        clock.advance(DAY - 2 * HOUR);
    }
    Ok(course)
}
