//! What syncing costs over HTTP: bytes on the wire, both ways and headers included, and what marks feel of it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use arise_core::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::client;
use crate::college::{self, College};
use crate::figures::{Bar, Times, print};
use crate::server::Server;

/// Past sessions of 1,200 students: 14,400 and 518,400 marks.
const SMALL: usize = 12;
const LARGE: usize = 432;
/// Scanners that mark during an exchange, each one finger in this time.
const SCANNERS: usize = 64;
const FINGER_EVERY: Duration = Duration::from_millis(250);
const MARKING: Duration = Duration::from_secs(4);
/// How often they do, with an exchange and without.
const TURNS: usize = 4;
/// Sessions of 1,200 marks that a node brings which the hub never heard of.
const AWAY: usize = 108;

pub(crate) async fn run() -> anyhow::Result<()> {
    let mut bars = Vec::new();
    measure(SMALL, &mut bars).await?;
    measure(LARGE, &mut bars).await?;
    if !print(&bars) {
        println!("\nSome bars are missed.");
    }
    Ok(())
}

async fn measure(past_sessions: usize, bars: &mut Vec<Bar>) -> anyhow::Result<()> {
    let folder = crate::server::folder()?;
    let nodes = elsewhere()?;
    let data = folder.path().join("hub");
    std::fs::create_dir(&data)?;
    println!("Making a college …");
    let place = data.clone();
    let college = tokio::task::spawn_blocking(move || college::make(&place, past_sessions)).await??;
    let name = format!("{} marks", college.past_marks);
    println!("Hub with {name}.");
    if past_sessions == LARGE {
        whole_file(&data.join("arise.db"), folder.path())?;
    }

    let hub = Server::arise_with(&data, &[("IS_CLOUD_SERVER", "true")])?;
    let wire = Wire::to(hub.address).await?;
    let node = Node::join(&nodes.path().join("node"), "node", &hub, wire.address)?;
    wire.take();
    let (start, hub_before, node_before) = (Instant::now(), hub.cpu()?, node.server.cpu()?);
    node.sync_all().await?;
    let (up, down, requests) = wire.take();
    println!(
        "first join of {name}: {} records, {:.2} MB down, {:.2} MB up, {requests} exchanges, {:.1} s \
         (processor: hub {:.1} s, node {:.1} s)",
        node.exchanged()?,
        mb(down),
        mb(up),
        start.elapsed().as_secs_f64(),
        (hub.cpu()? - hub_before).as_secs_f64(),
        (node.server.cpu()? - node_before).as_secs_f64(),
    );
    for time in ["first", "second"] {
        let start = Instant::now();
        body(&client::get(node.server.address, "/api/admin/analytics/overview", Some(&node.token))?)?;
        println!("the {time} look at its overview: {:.2} s", start.elapsed().as_secs_f64());
    }

    node.push()?;
    let (up, down, requests) = wire.take();
    println!("nothing changed: {up} bytes up, {down} down, {requests} request");
    bars.push(bar(format!("{name}: nothing changed, bytes up"), up, 400));
    bars.push(bar(format!("{name}: nothing changed, bytes down"), down, 400));

    node.rename_a_student()?;
    wire.take();
    node.push()?;
    let (up, down, requests) = wire.take();
    println!("one changed record: {up} bytes up, {down} down, {requests} request");
    bars.push(bar(format!("{name}: one changed record, bytes up"), up, 2_048));
    bars.push(bar(format!("{name}: one changed record, bytes both ways"), up + down, 2_048));
    bars.push(bar(format!("{name}: one changed record, requests"), requests, 1));

    if past_sessions == LARGE {
        let other = Node::join(&nodes.path().join("other"), "other", &hub, hub.address)?;
        let what = format!("{name}: marks' p99 while a node joins");
        bars.push(feel(&hub, &college, 0, &other, what).await?);
        drop(other);
        // A node that has been away for long.
        println!("Making a college for a node …");
        let data = nodes.path().join("away");
        std::fs::create_dir(&data)?;
        let place = data.clone();
        tokio::task::spawn_blocking(move || college::make(&place, AWAY)).await??;
        let away = Node::join(&data, "away", &hub, hub.address)?;
        let what = format!("{name}: marks' p99 while a node sends {} marks", AWAY * college::STUDENTS);
        bars.push(feel(&hub, &college, 2 * TURNS, &away, what).await?);
    }
    Ok(())
}

/// A folder for nodes, which are other machines: their disks aren't the hub's, so theirs are in memory where that can
/// be. Of its processor they get what it leaves ([`Server::elsewhere`]).
fn elsewhere() -> anyhow::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        return Ok(tempfile::Builder::new().prefix("arise-bench-").tempdir_in(memory)?);
    }
    println!("There is no disk in memory: nodes share the hub's, which no real one does.");
    crate::server::folder()
}

/// How marks fare at a class's pace while a node exchanges with the hub, against how they fare while it is stopped, in
/// turns: a disk isn't as fast in one moment as in the next. Of the turns the median counts, so that one in which the disk
/// stood still decides nothing.
async fn feel(
    hub: &Server,
    college: &College,
    first: usize,
    node: &Node,
    what: String,
) -> anyhow::Result<Bar> {
    let known = node.exchanged()?;
    node.push_in_background();
    let (mut alone, mut during) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        node.server.pause()?;
        alone.push(marks(hub, college, first + 2 * turn).await?);
        node.server.go_on()?;
        during.push(marks(hub, college, first + 2 * turn + 1).await?);
    }
    let exchanged = node.exchanged()? - known;
    if node.status()?["syncing"] != true {
        println!("The exchange ended before the marks did: its effect is only partly in them.");
    }
    let (without, with) = (median(&alone, 99), median(&during, 99));
    println!(
        "marks' p50 {:.2} ms, p99 {without:.2} ms alone; p50 {:.2} ms, p99 {with:.2} ms while {exchanged} records were exchanged",
        median(&alone, 50),
        median(&during, 50),
    );
    println!("p99 of each turn, alone and during: {}", turns(&alone, &during));
    Ok(Bar {
        what,
        measured: format!("{:.2} ×", with / without),
        bar: "≤ 2 ×".into(),
        // Without an exchange it would say nothing.
        met: with <= without * 2.0 && exchanged > 0,
    })
}

fn median(turns: &[Times], percent: usize) -> f64 {
    let mut all: Vec<f64> = turns.iter().map(|times| times.percentile(percent)).collect();
    all.sort_unstable_by(f64::total_cmp);
    let middle = all.len() / 2;
    (all[middle] + all[all.len() - 1 - middle]) / 2.0
}

fn turns(alone: &[Times], during: &[Times]) -> String {
    let pair = |(alone, during): (&Times, &Times)| {
        format!("{:.2}, {:.2}", alone.percentile(99), during.percentile(99))
    };
    alone.iter().zip(during).map(pair).collect::<Vec<_>>().join(" · ")
}

fn bar(what: String, measured: u64, most: u64) -> Bar {
    Bar { what, measured: measured.to_string(), bar: format!("≤ {most}"), met: measured <= most }
}

#[expect(clippy::cast_precision_loss, reason = "a size for people")]
fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// What sending the whole database would cost, as a fresh copy in zstd.
fn whole_file(database: &Path, folder: &Path) -> anyhow::Result<()> {
    let copy = folder.join("whole.db");
    let start = Instant::now();
    let connection = rusqlite::Connection::open(database)?;
    connection.execute("VACUUM INTO ?1", [copy.to_str().context("a path that isn't text")?])?;
    let packed = zstd::bulk::compress(&std::fs::read(&copy)?, 3)?;
    println!(
        "VACUUM INTO and zstd of the same database: {:.2} MB, packed {:.2} MB, {:.1} s",
        mb(std::fs::metadata(&copy)?.len()),
        mb(packed.len() as u64),
        start.elapsed().as_secs_f64()
    );
    std::fs::remove_file(copy)?;
    Ok(())
}

/// Marks at a class's pace. Answers how long each took.
async fn marks(hub: &Server, college: &College, go: usize) -> anyhow::Result<Times> {
    let fingers = usize::try_from(MARKING.as_millis() / FINGER_EVERY.as_millis())?;
    let mut tasks = Vec::new();
    for (index, scanner) in college.crowd.iter().step_by(4).take(SCANNERS).enumerate() {
        let rolls = scanner.rolls.clone().zip(1..).skip(go * fingers).take(fingers);
        let requests: Vec<_> =
            rolls.map(|(roll, counter)| scanner.request(counter, roll, SystemClock.now())).collect();
        let address = hub.address;
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut next = tokio::time::Instant::now()
                + FINGER_EVERY
                    .mul_f64(f64::from(u32::try_from(index)?) / f64::from(u32::try_from(SCANNERS)?));
            let mut times = Vec::new();
            let mut buffer = Vec::new();
            for request in requests {
                tokio::time::sleep_until(next).await;
                next += FINGER_EVERY;
                let start = Instant::now();
                stream.write_all(&request).await?;
                client::read_answer(&mut stream, &mut buffer, "\"success\"").await?;
                times.push(start.elapsed());
            }
            anyhow::Ok(times)
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await??);
    }
    Ok(Times::new(all))
}

/// A classroom's server.
struct Node {
    server: Server,
    token: String,
}

impl Node {
    /// One with the records of its folder, if any, which reaches the hub at an address.
    fn join(data: &Path, name: &str, hub: &Server, through: SocketAddr) -> anyhow::Result<Self> {
        std::fs::create_dir_all(data)?;
        let server = Server::elsewhere(data)?;
        let token = log_in(server.address)?;
        let made = call(hub.address, "/api/admin/nodes", &log_in(hub.address)?, &json!({"name": name}))?;
        let body = json!({"url": format!("http://{through}"), "code": made["join_code"]});
        call(server.address, "/api/sync/hub", &token, &body)?;
        Ok(Self { server, token })
    }

    fn push(&self) -> anyhow::Result<Value> {
        call(self.server.address, "/api/sync/push", &self.token, &json!({}))
    }

    fn push_in_background(&self) {
        let (address, token) = (self.server.address, self.token.clone());
        std::thread::spawn(move || call(address, "/api/sync/push", &token, &json!({})));
    }

    async fn sync_all(&self) -> anyhow::Result<()> {
        self.push()?;
        while self.status()?["syncing"] == true {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let status = self.status()?;
        if !status["last_error"].is_null()
            || status["received"] != status["hub_records"]
            || status["pending"] != 0
        {
            bail!("the first join isn't whole: {status}");
        }
        Ok(())
    }

    fn status(&self) -> anyhow::Result<Value> {
        body(&client::get(self.server.address, "/api/sync/status", Some(&self.token))?)
    }

    /// Records that it has in common with the hub.
    fn exchanged(&self) -> anyhow::Result<i64> {
        Ok(self.status()?["received"].as_i64().unwrap_or_default())
    }

    fn rename_a_student(&self) -> anyhow::Result<()> {
        let found =
            body(&client::get(self.server.address, "/api/admin/students?limit=1", Some(&self.token))?)?;
        let first = if found.is_array() { &found[0] } else { &found["items"][0] };
        let id = first["id"].as_str().with_context(|| format!("no student: {found}"))?;
        let answer = client::send(
            self.server.address,
            "PUT",
            &format!("/api/admin/students/{id}"),
            Some(&self.token),
            &json!({"student_name": "Renamed"}).to_string(),
        )?;
        body(&answer).map(|_| ())
    }
}

fn log_in(address: SocketAddr) -> anyhow::Result<String> {
    let login = json!({"username": "admin", "password": "bench-password"});
    let answer = body(&client::post(address, "/api/admin/login", &login.to_string())?)?;
    Ok(answer["token"].as_str().context("no token")?.to_owned())
}

fn call(address: SocketAddr, path: &str, token: &str, json: &Value) -> anyhow::Result<Value> {
    body(&client::send(address, "POST", path, Some(token), &json.to_string())?)
}

/// The JSON of an answer that must be a success.
fn body(answer: &str) -> anyhow::Result<Value> {
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
    if !head.starts_with("HTTP/1.1 2") {
        bail!("refused: {answer}");
    }
    Ok(serde_json::from_str(body)?)
}

/// The network between a node and the hub, as it is paid for.
struct Wire {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
    requests: AtomicU64,
}

impl Wire {
    async fn to(hub: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let counts = Arc::new(Counts::default());
        let counting = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((node, _)) = listener.accept().await {
                let Ok(hub) = TcpStream::connect(hub).await else { continue };
                let (from_node, to_node) = node.into_split();
                let (from_hub, to_hub) = hub.into_split();
                tokio::spawn(carry(from_node, to_hub, Arc::clone(&counting), true));
                tokio::spawn(carry(from_hub, to_node, Arc::clone(&counting), false));
            }
        });
        Ok(Self { address, counts })
    }

    /// Bytes up and down and requests since the last time.
    fn take(&self) -> (u64, u64, u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::SeqCst);
        (take(&self.counts.up), take(&self.counts.down), take(&self.counts.requests))
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    counts: Arc<Counts>,
    up: bool,
) {
    let mut chunk = vec![0; 65_536];
    while let Ok(read) = from.read(&mut chunk).await {
        if read == 0 {
            break;
        }
        let count = if up { &counts.up } else { &counts.down };
        count.fetch_add(read as u64, Ordering::SeqCst);
        if up && chunk.starts_with(b"POST ") {
            counts.requests.fetch_add(1, Ordering::SeqCst);
        }
        if to.write_all(&chunk[..read]).await.is_err() {
            break;
        }
    }
}
