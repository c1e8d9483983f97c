//! A whole class logs in at once, again and again, while another class is being marked: marks must hardly notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arise_core::SystemClock;
use arise_store::{Location, Store, student};
use serde_json::json;

use crate::college::{self, College};
use crate::figures::{Bar, Times, print};
use crate::server::Server;
use crate::{client, marks};

/// Students who log in at once.
const STUDENTS: usize = 32;
const PASSWORD: &str = "notebook-7";
/// Past sessions, of 1,200 marks each.
const PAST: usize = 12;
/// Classes that are marked by turns without and with logins, by four scanners each.
const CLASSES: usize = 12;
const SCANNERS_OF_CLASS: usize = 4;

pub(crate) async fn run() -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(".")?;
    let data = folder.path().to_owned();
    println!("Making a college …");
    let college = tokio::task::spawn_blocking(move || {
        let college = college::make(&data, PAST)?;
        let store = Store::open(&Location::File(data.join("arise.db")), Arc::new(SystemClock))?;
        let hash = arise_http::hash_password(PASSWORD)?;
        store.write_blocking(move |tx| {
            for number in 0..STUDENTS {
                let student = student::by_roll(tx, &roll(number))?
                    .ok_or_else(|| arise_core::Error::not_found("student"))?;
                student::set_password_hash(tx, student.id, &hash)?;
            }
            Ok(())
        })?;
        anyhow::Ok(college)
    })
    .await??;
    let server = Server::arise(folder.path())?;
    let address = server.address;

    let (mut quiet, mut busy, mut logins) = (vec![], vec![], vec![]);
    let mut waves = 0;
    for class in 0..CLASSES {
        let requests = requests(&college, class);
        if class % 2 == 0 {
            let (times, _) = client::drive(address, requests, "\"success\"").await?;
            quiet.extend(times);
            continue;
        }
        let over = Arc::new(AtomicBool::new(false));
        let storm = tokio::spawn({
            let over = Arc::clone(&over);
            async move {
                let mut all: Vec<Duration> = vec![];
                let mut waves = 0;
                while !over.load(Ordering::Relaxed) {
                    let wave = (0..STUDENTS).map(|number| vec![log_in(number)]).collect();
                    let (times, _) = client::drive(address, wave, "\"token\"").await?;
                    all.extend(times);
                    waves += 1;
                }
                anyhow::Ok((all, waves))
            }
        });
        let (times, _) = client::drive(address, requests, "\"success\"").await?;
        over.store(true, Ordering::Relaxed);
        busy.extend(times);
        let (times, more) = storm.await??;
        logins.extend(times);
        waves += more;
    }
    let (quiet, busy, logins) = (Times::new(quiet), Times::new(busy), Times::new(logins));
    marks::describe("marks without logins", &quiet);
    marks::describe("marks with logins", &busy);
    marks::describe(&format!("logins, {STUDENTS} at once, {waves} times"), &logins);
    let ratio = busy.percentile(99) / quiet.percentile(99);
    let bars = [Bar {
        what: format!("p99 of a mark while {STUDENTS} students log in, to its p99 without"),
        measured: format!("{:.2} · {:.2} ms · {ratio:.2}", busy.percentile(99), quiet.percentile(99)),
        bar: "≤ 2".into(),
        met: ratio <= 2.0,
    }];
    if !print(&bars) {
        println!("\nThe bar is missed.");
    }
    Ok(())
}

fn roll(number: usize) -> String {
    format!("R{number:05}")
}

/// Each of the four scanners of a class marks its share of it.
fn requests(college: &College, class: usize) -> Vec<Vec<Vec<u8>>> {
    let first = class * SCANNERS_OF_CLASS;
    marks::crowd(&college.crowd[first..first + SCANNERS_OF_CLASS])
}

fn log_in(number: usize) -> Vec<u8> {
    let body = json!({"university_roll_no": roll(number), "password": PASSWORD}).to_string();
    format!(
        "POST /api/student/login HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
