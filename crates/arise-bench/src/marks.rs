//! A scanner's mark over loopback HTTP, with real signatures and every commit synced to the disk, on a small
//! and on a large college.

use arise_core::{Clock, SystemClock};

use crate::college::{self, College, SCANNERS, Scanner};
use crate::figures::{Bar, Times, print};
use crate::server::Server;
use crate::{client, floor, footprint, live};

/// Past sessions of 1,200 students: 14,400 and 518,400 marks.
const SMALL: usize = 12;
const LARGE: usize = 432;
/// Marks sent over a single connection.
const SINGLE: i64 = 1_000;

pub(crate) async fn run() -> anyhow::Result<()> {
    let mut bars = Vec::new();
    let small = measure(SMALL, &mut bars).await?;
    let large = measure(LARGE, &mut bars).await?;
    let fall = 1.0 - large / small;
    bars.push(Bar {
        what: "rate lost from the small to the large college".into(),
        measured: format!("{:.0} %", fall * 100.0),
        bar: "≤ 20 %".into(),
        met: fall <= 0.20,
    });
    if !print(&bars) {
        println!("\nSome bars are missed.");
    }
    Ok(())
}

async fn measure(past_sessions: usize, bars: &mut Vec<Bar>) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir_in(".")?;
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    println!("Making a college …");
    let place = data.clone();
    let college = tokio::task::spawn_blocking(move || college::make(&place, past_sessions)).await??;
    let name = format!("{} past marks", college.past_marks);
    println!("College with {name}, {SCANNERS} scanners.");

    let commit = floor::commits(folder.path(), 1_000)?;
    println!(
        "one SQLite FULL commit: p50 {:.3} ms, p99 {:.3} ms",
        commit.percentile(50),
        commit.percentile(99)
    );

    let bare_rate = {
        let bare = Server::floor()?;
        let (times, took) = client::drive(bare.address, crowd(&college), "success").await?;
        report("bare axum, 256 connections", &times, took)
    };
    let server = Server::arise(&data)?;
    let (times, took) = client::drive(server.address, crowd(&college), "\"success\"").await?;
    let rate = report("arise, 256 connections", &times, took);
    bars.push(Bar {
        what: format!("{name}: rate at 256 connections to bare axum's"),
        measured: format!("{:.2}", rate / bare_rate),
        bar: "≥ 0.35".into(),
        met: rate / bare_rate >= 0.35,
    });
    let p99 = times.percentile(99);
    bars.push(Bar {
        what: format!("{name}: p99 at 256 connections"),
        measured: format!("{p99:.1} ms"),
        bar: "≤ 60 ms".into(),
        met: p99 <= 60.0,
    });

    let (times, took) = client::drive(server.address, vec![single(&college.single)], "\"success\"").await?;
    report("arise, 1 connection", &times, took);
    let ratio = times.percentile(50) / commit.percentile(50);
    bars.push(Bar {
        what: format!("{name}: p50 at 1 connection to one FULL commit"),
        measured: format!("{ratio:.2}"),
        bar: "≤ 2.5".into(),
        met: ratio <= 2.5,
    });

    let address = server.address;
    let counter = u64::try_from(SINGLE)? + 1;
    let (times, college) = tokio::task::spawn_blocking(move || {
        live::measure(address, &college, counter).map(|times| (times, college))
    })
    .await??;
    let p95 = times.percentile(95);
    println!(
        "POST to live event: p50 {:.1} ms, p95 {p95:.1} ms, longest {:.1} ms",
        times.percentile(50),
        times.longest()
    );
    bars.push(Bar {
        what: format!("{name}: scanner's POST to the live event, 60 in 5 s, p95"),
        measured: format!("{p95:.1} ms"),
        bar: "≤ 50 ms".into(),
        met: p95 <= 50.0,
    });
    drop((server, college));
    bars.extend(footprint::measure(&data)?);
    Ok(rate)
}

/// Every scanner marks its share of its class, one request a student.
fn crowd(college: &College) -> Vec<Vec<Vec<u8>>> {
    let now = SystemClock.now();
    college
        .crowd
        .iter()
        .map(|scanner| {
            scanner.rolls.clone().zip(1..).map(|(roll, n)| scanner.request(n, roll, now)).collect()
        })
        .collect()
}

fn single(scanner: &Scanner) -> Vec<Vec<u8>> {
    let now = SystemClock.now();
    (1..=SINGLE).zip(1..).map(|(roll, counter)| scanner.request(counter, roll, now)).collect()
}

/// Prints a row and answers the rate in requests per second.
fn report(name: &str, times: &Times, took: std::time::Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    let rate = times.len() as f64 / took.as_secs_f64();
    println!(
        "{name}: {rate:.0} requests/s, p50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms",
        times.percentile(50),
        times.percentile(99),
        times.longest()
    );
    rate
}
