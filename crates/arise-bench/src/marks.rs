//! A scanner's mark over loopback HTTP, with real signatures and every commit synced to the disk, on a small
//! and on a large college.

use std::time::Duration;

use arise_core::{Clock, SystemClock};

use crate::college::{self, SCANNERS, Scanner};
use crate::figures::{Bar, Times, print};
use crate::server::Server;
use crate::{client, floor, footprint, live};

/// Past sessions of 1,200 students: 14,400 and 518,400 marks.
const SMALL: usize = 12;
const LARGE: usize = 432;
/// The floor and arise take turns, so that both see the machine as it is.
const ROUNDS: usize = 5;
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
    let folder = crate::server::folder()?;
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

    let bare = Server::floor()?;
    let server = Server::arise(&data)?;
    let crowd = crowd(&college.crowd);
    let (mut of_bare, mut of_arise) = (Phase::default(), Phase::default());
    for round in 0..ROUNDS {
        of_bare.drive(&bare, share(&crowd, round), "success").await?;
        of_arise.drive(&server, share(&crowd, round), "\"success\"").await?;
    }
    drop(bare);
    let bare_rate = of_bare.report("bare axum, 256 connections");
    let rate = of_arise.report("arise, 256 connections");
    let times = Times::new(of_arise.times);
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

    let mut alone = Phase::default();
    alone.drive(&server, vec![single(&college.single)], "\"success\"").await?;
    alone.report("arise, 1 connection");
    let times = Times::new(alone.times);
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
pub(crate) fn crowd(scanners: &[Scanner]) -> Vec<Vec<Vec<u8>>> {
    let now = SystemClock.now();
    scanners
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

/// Each connection's requests of one round.
fn share(crowd: &[Vec<Vec<u8>>], round: usize) -> Vec<Vec<Vec<u8>>> {
    crowd
        .iter()
        .map(|requests| {
            let size = requests.len() / ROUNDS;
            requests[round * size..(round + 1) * size].to_vec()
        })
        .collect()
}

/// What one server did in all its turns.
#[derive(Default)]
struct Phase {
    times: Vec<Duration>,
    took: Duration,
    cpu: Duration,
}

impl Phase {
    async fn drive(
        &mut self,
        server: &Server,
        connections: Vec<Vec<Vec<u8>>>,
        expected: &'static str,
    ) -> anyhow::Result<()> {
        let cpu = server.cpu()?;
        let (times, took) = client::drive(server.address, connections, expected).await?;
        self.cpu += server.cpu()?.saturating_sub(cpu);
        self.times.extend(times);
        self.took += took;
        Ok(())
    }

    /// Prints a row and answers the rate in requests per second.
    fn report(&self, name: &str) -> f64 {
        let times = Times::new(self.times.clone());
        #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
        let count = times.len() as f64;
        let rate = count / self.took.as_secs_f64();
        println!(
            "{name}: {rate:.0} requests/s, p50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms; {:.1} µs of the server's CPU each",
            times.percentile(50),
            times.percentile(99),
            times.longest(),
            self.cpu.as_secs_f64() * 1e6 / count,
        );
        rate
    }
}

/// Prints a row.
pub(crate) fn describe(name: &str, times: &Times) {
    println!(
        "{name}: {} requests, p50 {:.2} ms, p99 {:.2} ms, longest {:.1} ms",
        times.len(),
        times.percentile(50),
        times.percentile(99),
        times.longest()
    );
}
