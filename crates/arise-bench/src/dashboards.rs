//! Every answer with figures, at 500,000 and at 5,000,000 marks: how long it takes at 8 connections, and how
//! much longer in the larger university. The answers that are compared have the same number of lines in both.

use std::net::SocketAddr;

use anyhow::Context;
use serde_json::{Value, json};

use crate::client;
use crate::figures::{Bar, Times, print};
use crate::server::Server;
use crate::university::{self, ADMIN_PASSWORD, PIN, STUDENT_PASSWORD, University};

const SMALL: usize = 500_000;
const LARGE: usize = 5_000_000;
const CONNECTIONS: usize = 8;
const WARM_UP: usize = 25;
const REQUESTS: usize = 500;

struct Figure {
    path: String,
    bytes: usize,
    times: Times,
}

pub(crate) async fn run() -> anyhow::Result<()> {
    let small = measure(SMALL).await?;
    let large = measure(LARGE).await?;
    println!("\n{:<54} {:>8} {:>15} {:>15} {:>6}", "", "bytes", "500,000 p50 p99", "5 million", "ratio");
    let mut bars = vec![];
    for (small, large) in small.iter().zip(&large) {
        let at = |figure: &Figure| (figure.times.percentile(50), figure.times.percentile(99));
        let ((small_50, small_99), (large_50, large_99)) = (at(small), at(large));
        let ratio = large_50 / small_50;
        println!(
            "{:<54} {:>8} {small_50:>7.2} {small_99:>7.2} {large_50:>7.2} {large_99:>7.2} {ratio:>6.2}",
            large.path, large.bytes
        );
        bars.push(Bar {
            what: large.path.clone(),
            measured: format!("{large_50:.1} · {large_99:.1} · {ratio:.2}"),
            bar: "p50 ≤ 5 ms · p99 ≤ 25 ms · ratio ≤ 1.5".into(),
            met: large_50 <= 5.0 && large_99 <= 25.0 && ratio <= 1.5,
        });
    }
    if !print(&bars) {
        println!("\nSome bars are missed.");
    }
    Ok(())
}

async fn measure(marks: usize) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir_in(".")?;
    let data = folder.path().to_owned();
    println!("Making a university with {marks} marks …");
    let university = tokio::task::spawn_blocking(move || university::make(&data, marks)).await??;
    let server = Server::arise(folder.path())?;
    let address = server.address;
    println!("University with {} marks, {CONNECTIONS} connections.", university.marks);
    let mut figures = vec![];
    for (path, tokens) in tokio::task::spawn_blocking(move || questions(address, &university)).await?? {
        figures.push(figure(address, path, &tokens).await?);
    }
    println!("{:.0} MB resident.", server.resident_mb()?);
    Ok(figures)
}

/// Every path that is measured, without what its connections differ in, and with each connection's request.
type Questions = Vec<(String, Vec<Vec<u8>>)>;

fn questions(address: SocketAddr, university: &University) -> anyhow::Result<Questions> {
    let admin =
        vec![log_in(address, "/api/admin/login", &json!({"username": "admin", "password": ADMIN_PASSWORD}))?];
    let teacher = vec![log_in(address, "/api/teacher/login", &json!({"teacher_code": "T0", "pin": PIN}))?];
    let students = (0..CONNECTIONS)
        .map(|number| {
            let body = json!({"university_roll_no": university::roll(number), "password": STUDENT_PASSWORD});
            log_in(address, "/api/student/login", &body)
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let asked: [(&[String], &[&str]); 3] = [
        (
            &admin,
            &[
                "/api/admin/analytics/overview",
                "/api/admin/analytics/overview?semester_id={semester}",
                "/api/admin/analytics/course/{course}",
                "/api/admin/analytics/student/{student}",
                "/api/admin/analytics/trends",
                "/api/admin/analytics/trends?semester_id={semester}",
            ],
        ),
        (&teacher, &["/api/teacher/analytics/{course}", "/api/teacher/history/{course}"]),
        (
            &students,
            &[
                "/api/student/dashboard",
                "/api/student/dashboard?semester_id={semester}",
                "/api/student/semesters",
                "/api/student/course/{course}",
                "/api/student/analytics",
                "/api/student/critical-alerts",
                "/api/student/leaderboard",
                "/api/student/leaderboard?limit=100",
                "/api/student/leaderboard?course_id={course}",
                "/api/student/leaderboard?semester_id={semester}",
            ],
        ),
    ];
    let mut questions = vec![];
    for (tokens, paths) in asked {
        for path in paths {
            let requests = (0..CONNECTIONS).map(|connection| {
                let path = path
                    .replace("{semester}", &university.semester.to_string())
                    .replace(
                        "{course}",
                        &university.courses[connection % university.courses.len()].to_string(),
                    )
                    .replace("{student}", &university.students[connection].to_string());
                let token = &tokens[connection % tokens.len()];
                format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n")
                    .into_bytes()
            });
            questions.push(((*path).to_owned(), requests.collect()));
        }
    }
    Ok(questions)
}

fn log_in(address: SocketAddr, path: &str, body: &Value) -> anyhow::Result<String> {
    let answer = client::post(address, path, &body.to_string())?;
    let body = answer.split("\r\n\r\n").nth(1).context("an answer has a body")?;
    let body: Value = serde_json::from_str(body).with_context(|| answer.clone())?;
    Ok(body["token"].as_str().with_context(|| answer.clone())?.to_owned())
}

async fn figure(address: SocketAddr, path: String, requests: &[Vec<u8>]) -> anyhow::Result<Figure> {
    let repeated = |times: usize| requests.iter().map(|request| vec![request.clone(); times]).collect();
    client::drive(address, repeated(WARM_UP), "{").await?;
    let (times, _) = client::drive(address, repeated(REQUESTS), "{").await?;
    let request = String::from_utf8(requests[0].clone())?;
    let (path_asked, token) =
        (request.split(' ').nth(1).unwrap_or_default(), request.split("Bearer ").nth(1));
    let bytes = client::get(address, path_asked, token.map(str::trim))?.len();
    Ok(Figure { path, bytes, times })
}
