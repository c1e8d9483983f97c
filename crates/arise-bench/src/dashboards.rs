//! Every answer with figures, at 500,000 and at 5,000,000 marks: how long it takes at 8 connections, and how
//! much longer in the larger university. The answers that are compared have the same number of lines in both,
//! and the two are asked in turns, so that what else the machine does falls on both.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client;
use crate::figures::{Bar, Times, print};
use crate::server::Server;
use crate::university::{self, ADMIN_PASSWORD, PIN, STUDENT_PASSWORD, University};

const SMALL: usize = 500_000;
const LARGE: usize = 5_000_000;
const CONNECTIONS: usize = 8;
const ROUNDS: usize = 5;
const WARM_UP: usize = 25;
/// Of each connection in each round.
const REQUESTS: usize = 100;

/// A university that is being served.
struct Served {
    server: Server,
    questions: Questions,
    _folder: TempDir,
}

pub(crate) async fn run() -> anyhow::Result<()> {
    let (small, large) = (serve(SMALL).await?, serve(LARGE).await?);
    println!("\n{:<54} {:>8} {:>15} {:>15} {:>6}", "ms", "bytes", "500,000 p50 p99", "5 million", "ratio");
    let mut bars = vec![];
    for ((path, of_small), (_, of_large)) in small.questions.iter().zip(&large.questions) {
        let (mut small_times, mut large_times) = (vec![], vec![]);
        for round in 0..=ROUNDS {
            let number = if round == 0 { WARM_UP } else { REQUESTS };
            let of_round = ask(small.server.address, of_small, number).await?;
            let of_round = (of_round, ask(large.server.address, of_large, number).await?);
            if round > 0 {
                small_times.extend(of_round.0);
                large_times.extend(of_round.1);
            }
        }
        let (small_times, large_times) = (Times::new(small_times), Times::new(large_times));
        let (small_50, small_99) = (small_times.percentile(50), small_times.percentile(99));
        let (large_50, large_99) = (large_times.percentile(50), large_times.percentile(99));
        let ratio = large_50 / small_50;
        let bytes = size(large.server.address, &of_large[0])?;
        println!(
            "{path:<54} {bytes:>8} {small_50:>7.2} {small_99:>7.2} {large_50:>7.2} {large_99:>7.2} {ratio:>6.2}"
        );
        bars.push(Bar {
            what: path.clone(),
            measured: format!("{large_50:.1} · {large_99:.1} · {ratio:.2}"),
            bar: "p50 ≤ 5 ms · p99 ≤ 25 ms · ratio ≤ 1.5".into(),
            met: large_50 <= 5.0 && large_99 <= 25.0 && ratio <= 1.5,
        });
    }
    println!("{:.0} MB and {:.0} MB resident.", small.server.resident_mb()?, large.server.resident_mb()?);
    if !print(&bars) {
        println!("\nSome bars are missed.");
    }
    Ok(())
}

async fn serve(marks: usize) -> anyhow::Result<Served> {
    let folder = crate::server::folder()?;
    let data = folder.path().to_owned();
    println!("Making a university with {marks} marks …");
    let university = tokio::task::spawn_blocking(move || university::make(&data, marks)).await??;
    println!("University with {} marks.", university.marks);
    let server = Server::arise(folder.path())?;
    let address = server.address;
    let questions = tokio::task::spawn_blocking(move || questions(address, &university)).await??;
    Ok(Served { server, questions, _folder: folder })
}

/// The times of so many requests on each connection.
async fn ask(address: SocketAddr, requests: &[Vec<u8>], number: usize) -> anyhow::Result<Vec<Duration>> {
    let repeated = requests.iter().map(|request| vec![request.clone(); number]).collect();
    let (times, _) = client::drive(address, repeated, "{").await?;
    Ok(times)
}

/// Bytes of one answer, its head included.
fn size(address: SocketAddr, request: &[u8]) -> anyhow::Result<usize> {
    let request = std::str::from_utf8(request)?;
    let path = request.split(' ').nth(1).context("a request has a path")?;
    let token = request.split("Bearer ").nth(1).map(str::trim);
    Ok(client::get(address, path, token)?.len())
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
