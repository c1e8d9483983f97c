//! From a scanner's POST to the event on an open live stream.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use arise_core::{Clock, SystemClock};

use crate::client;
use crate::college::{College, PIN};
use crate::figures::Times;

const MARKS: u32 = 60;
const WITHIN: Duration = Duration::from_secs(5);

/// Marks 60 students within five seconds and times each one's way to the stream.
pub(crate) fn measure(address: SocketAddr, college: &College, first_counter: u64) -> anyhow::Result<Times> {
    let login = format!("{{\"course_code\":\"{}\",\"pin\":\"{PIN}\"}}", college.single_course);
    let answer = client::post(address, "/api/teacher/login", &login)?;
    let body = answer.split("\r\n\r\n").nth(1).context("no body")?;
    let body: serde_json::Value = serde_json::from_str(body)?;
    let token = body["token"].as_str().with_context(|| format!("no token in {answer}"))?;

    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET /api/teacher/session/{}/live HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n",
        college.single.session
    )?;
    let mut lines = BufReader::new(stream).lines();
    for line in lines.by_ref() {
        let line = line?;
        if line.starts_with("HTTP/1.1") && !line.contains("200") {
            bail!("the live stream was refused: {line}");
        }
        if line.contains("event: snapshot") || line.contains("event:snapshot") {
            break;
        }
    }
    let (arrived, arrivals) = mpsc::channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if (line.contains("event: mark") || line.contains("event:mark"))
                && arrived.send(Instant::now()).is_err()
            {
                return;
            }
        }
    });

    let scanner = &college.single;
    let mut times = Vec::new();
    let start = Instant::now();
    for number in 0..MARKS {
        let due = start + WITHIN * number / MARKS;
        std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
        let roll = scanner.rolls.end - 1 - i64::from(number);
        let request = scanner.request(first_counter + u64::from(number), roll, SystemClock.now());
        let sent = Instant::now();
        let mut connection = TcpStream::connect(address)?;
        connection.write_all(&request)?;
        let arrived =
            arrivals.recv_timeout(Duration::from_secs(10)).context("a mark never reached the stream")?;
        times.push(arrived - sent);
    }
    Ok(Times::new(times))
}
