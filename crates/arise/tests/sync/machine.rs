//! A real arise: one process, or two on one PostgreSQL.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arise_store::Location;
use serde_json::{Value, json};

pub(crate) const ADMIN_PASSWORD: &str = "sync-test-password";
pub(crate) const PIN: &str = "246810";

pub(crate) struct Machine {
    pub(crate) name: String,
    /// Logs, and SQLite's file.
    pub(crate) data: PathBuf,
    pub(crate) location: Mutex<Location>,
    is_hub: bool,
    /// How wrong its clock is, in milliseconds.
    clock: i64,
    processes: usize,
    /// More settings of its programs.
    pub(crate) settings: Vec<(&'static str, String)>,
    running: Mutex<Vec<Process>>,
    /// Set while somebody looks at what it has.
    pub(crate) paused: AtomicBool,
    pub(crate) working: AtomicBool,
    /// What people were told is on record.
    pub(crate) acknowledged: Mutex<Vec<String>>,
    pub(crate) kills: AtomicUsize,
}

struct Process {
    child: Child,
    address: String,
}

impl Drop for Process {
    /// SIGKILL: nothing is flushed, nothing is said.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Machine {
    pub(crate) fn new(name: &str, folder: &Path, hub: Option<(usize, Location)>, clock: i64) -> Self {
        let data = folder.join(name);
        std::fs::create_dir_all(&data).unwrap();
        let is_hub = hub.is_some();
        let (processes, location) = hub.unwrap_or_else(|| (1, Location::File(data.join("arise.db"))));
        Self {
            name: name.to_owned(),
            data,
            location: Mutex::new(location),
            is_hub,
            clock,
            processes,
            settings: vec![],
            running: Mutex::new(vec![]),
            paused: AtomicBool::new(false),
            working: AtomicBool::new(false),
            acknowledged: Mutex::new(vec![]),
            kills: AtomicUsize::new(0),
        }
    }

    pub(crate) fn start(&self) {
        let started: Vec<Process> = (0..self.processes).map(|_| self.spawn()).collect();
        *self.running.lock().unwrap() = started;
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arise"));
        command
            .env("ARISE_DATA", &self.data)
            .env("ADMIN_DEFAULT_PASSWORD", ADMIN_PASSWORD)
            .env("ARISE_LOG", "warn")
            .env("SYNC_INTERVAL_SECONDS", "1")
            .env("IS_CLOUD_SERVER", self.is_hub.to_string())
            .env("ARISE_TEST_CLOCK_MS", self.clock.to_string())
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped());
        if let Location::Postgres(url) = &*self.location.lock().unwrap() {
            command.env("DATABASE_URL", url);
        }
        command
    }

    fn spawn(&self) -> Process {
        let mut command = self.command();
        let mut child = command.args(["serve", "--host", "127.0.0.1", "--port", "0"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.rsplit("http://").next().unwrap().trim().to_owned();
        assert!(address.starts_with("127."), "{} doesn't start: {line}", self.name);
        Process { child, address }
    }

    /// Runs `arise` with these arguments on this machine's data.
    pub(crate) fn arise(&self, args: &[&str]) -> String {
        self.try_arise(args).unwrap_or_else(|said| panic!("arise {args:?}: {said}"))
    }

    /// As [`Machine::arise`]; what it says of it when it fails.
    pub(crate) fn try_arise(&self, args: &[&str]) -> Result<String, String> {
        let output = self.command().args(args).stderr(Stdio::piped()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    pub(crate) fn kill(&self) {
        let killed = std::mem::take(&mut *self.running.lock().unwrap());
        self.kills.fetch_add(killed.len(), Ordering::SeqCst);
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.running.lock().unwrap().iter().map(|process| process.address.clone()).collect()
    }

    /// Stops those who write on it, and waits until they have.
    pub(crate) fn pause(&self) {
        self.paused.store(true, Ordering::SeqCst);
        while self.working.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    pub(crate) fn resume(&self) {
        self.paused.store(false, Ordering::SeqCst);
    }

    pub(crate) fn admin(&self) -> Option<String> {
        self.log_in("/api/admin/login", &json!({"username": "admin", "password": ADMIN_PASSWORD}))
    }

    pub(crate) fn log_in(&self, path: &str, body: &Value) -> Option<String> {
        let (_, answer) = self.call("POST", path, "", body).filter(|(status, _)| *status == 200)?;
        Some(answer["token"].as_str()?.to_owned())
    }

    /// One request; nothing when there was no whole answer.
    pub(crate) fn call(&self, method: &str, path: &str, token: &str, body: &Value) -> Option<(u16, Value)> {
        let addresses = self.addresses();
        let address = addresses.get(fastrand::usize(0..addresses.len().max(1)))?;
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        let body = body.to_string();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\n\
             Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8(answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, serde_json::from_str(body).ok()?))
    }
}

/// Copies a folder of a program that doesn't run.
pub(crate) fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}
