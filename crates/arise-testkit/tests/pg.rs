//! The server of `arise_testkit::pg`, as the tests of other crates meet it.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use arise_testkit::pg::{Options, Postgres, SHARED_URL};
use postgres::{Client, Config, NoTls};

fn connect(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap()
}

fn show(client: &mut Client, setting: &str) -> String {
    client.query_one(&format!("SHOW {setting}"), &[]).unwrap().get(0)
}

#[test]
fn fresh_databases_share_nothing() {
    let server = Postgres::shared();
    let (one, two) = (server.fresh_database(), server.fresh_database());
    assert_ne!(one, two);
    connect(&one).batch_execute("CREATE TABLE seat (n BIGINT)").unwrap();
    connect(&two).batch_execute("CREATE TABLE seat (n BIGINT)").unwrap();
}

#[test]
fn fresh_databases_can_be_made_at_once() {
    let server = Postgres::shared();
    let urls: Vec<String> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..4).map(|_| scope.spawn(|| server.fresh_database())).collect();
        makers.into_iter().map(|m| m.join().unwrap()).collect()
    });
    for url in urls {
        connect(&url).simple_query("SELECT 1").unwrap();
    }
}

#[tokio::test]
async fn a_fresh_database_can_be_made_inside_an_async_test() {
    assert!(Postgres::shared().fresh_database().starts_with("postgres://"));
}

#[test]
fn text_is_utf8_and_sorts_by_bytes_as_in_sqlite() {
    let mut client = connect(&Postgres::shared().fresh_database());
    assert_eq!(show(&mut client, "server_encoding"), "UTF8");
    let sorted: String = client
        .query_one("SELECT string_agg(v, '' ORDER BY v) FROM unnest(ARRAY['é','b','A','a','B']) v", &[])
        .unwrap()
        .get(0);
    assert_eq!(sorted, "ABabé");
}

#[test]
fn durability_is_a_choice() {
    for fsync in [false, true] {
        let server = Postgres::start_with(Options { fsync }).unwrap();
        let mut client = connect(server.url());
        let expected = if fsync { "on" } else { "off" };
        assert_eq!(show(&mut client, "fsync"), expected);
        assert_eq!(show(&mut client, "full_page_writes"), expected);
        assert_eq!(show(&mut client, "synchronous_commit"), "on");
    }
}

#[test]
fn the_server_listens_on_its_socket_and_asks_for_the_password() {
    let server = Postgres::start();
    let mut config: Config = server.url().parse().unwrap();
    let password = config.get_password().unwrap().to_owned();
    let mut over_socket = Config::new();
    over_socket
        .host_path(server.socket_dir().unwrap())
        .port(config.get_ports()[0])
        .user("arise")
        .password(password)
        .dbname("postgres");
    over_socket.connect(NoTls).unwrap().simple_query("SELECT 1").unwrap();
    assert!(config.password("guess").connect(NoTls).is_err());
}

#[test]
fn a_dropped_server_leaves_nothing() {
    let server = Postgres::start();
    let traces = Traces::of(server.url());
    assert!(traces.folder.is_dir());
    drop(server);
    assert_eq!(traces.left(), None);
}

#[test]
fn a_server_ends_with_a_process_that_is_killed() {
    let mut owner = Owner::start();
    let traces = Traces::of(&owner.url);
    owner.process.kill().unwrap();
    owner.process.wait().unwrap();
    traces.wait_until_gone();
}

#[test]
fn a_server_ends_with_a_process_that_is_killed_while_it_starts() {
    let tmp = tempfile::tempdir().unwrap();
    // As /tmp is: the server's user, who isn't root, removes its folder itself.
    std::fs::set_permissions(tmp.path(), Permissions::from_mode(0o1777)).unwrap();
    let mut process = Owner::command().env("TMPDIR", tmp.path()).spawn().unwrap();
    let made = wait_for(Duration::from_secs(30), || {
        let mut folders = std::fs::read_dir(tmp.path()).unwrap();
        // `data` is made by initdb: by then the keeper is at work.
        folders.next().is_some_and(|f| f.unwrap().path().join("data").is_dir())
    });
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(made, "the server's folder wasn't made");
    let gone = wait_for(Duration::from_secs(60), || std::fs::read_dir(tmp.path()).unwrap().next().is_none());
    assert!(gone, "the server's folder is still there");
}

#[test]
fn the_variable_names_the_server_of_the_run() {
    let owner = Owner::start();
    // In a process of its own: the variable is read once.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "fresh_databases_share_nothing"])
        .env(SHARED_URL, &owner.url)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let count = "SELECT count(*) FROM pg_database WHERE datname LIKE 'test\\_%'";
    let databases: i64 = connect(&owner.url).query_one(count, &[]).unwrap().get(0);
    assert_eq!(databases, 2);
}

#[test]
fn databases_of_ended_processes_are_removed() {
    let server = Postgres::start();
    connect(server.url()).batch_execute("CREATE DATABASE test_4294967295_old TEMPLATE template0").unwrap();
    let mine = server.fresh_database();
    let left: Vec<String> = connect(server.url())
        .query("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'", &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(left.len(), 1);
    assert!(mine.ends_with(&left[0]));
}

/// A process that owns a server.
struct Owner {
    process: Child,
    url: String,
}

impl Owner {
    fn command() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_arise-test-postgres"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    fn start() -> Self {
        let mut process = Self::command().spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// What would show that a server is still there.
struct Traces {
    folder: PathBuf,
    port: u16,
    /// The server's first process.
    pid: u32,
}

impl Traces {
    fn of(url: &str) -> Self {
        let data = show(&mut connect(url), "data_directory");
        let config: Config = url.parse().unwrap();
        let pid_file = std::fs::read_to_string(Path::new(&data).join("postmaster.pid")).unwrap();
        Self {
            folder: Path::new(&data).parent().unwrap().to_owned(),
            port: config.get_ports()[0],
            pid: pid_file.lines().next().unwrap().parse().unwrap(),
        }
    }

    fn left(&self) -> Option<String> {
        if Path::new("/proc").join(self.pid.to_string()).exists() {
            return Some(format!("process {}", self.pid));
        }
        if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            return Some(format!("port {}", self.port));
        }
        self.folder.exists().then(|| self.folder.display().to_string())
    }

    fn wait_until_gone(&self) {
        wait_for(Duration::from_secs(30), || self.left().is_none());
        assert_eq!(self.left(), None);
    }
}

/// The keeper isn't a child of the test, so nothing tells it of the keeper's steps: it looks.
#[expect(clippy::disallowed_methods, reason = "a pause between two looks, never a wait for a time")]
fn wait_for(limit: Duration, mut reached: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !reached() {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}
