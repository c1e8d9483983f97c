//! The real server in the test's own process: on a port of its own, over TCP, with a clock that only the test
//! moves, on either engine.
//!
//! ```no_run
//! use arise_testkit::server::for_both;
//!
//! # async fn test() {
//! for_both(async |server| {
//!     let class = server.class("CS101", 3).await;
//!     let session = class.start().await;
//!     class.teacher.get(&format!("/api/teacher/session/{session}/status")).await.ok();
//! })
//! .await;
//! # }
//! ```

mod class;
mod client;
mod node;
mod scanner;
mod stream;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arise_core::zone::Zone;
use arise_core::{StudentId, TestClock, UtcMillis};
use arise_http::{App, Config, Limits, NodeType};
use arise_store::{Location, Store, Tx, Value as SqlValue, admin};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, oneshot};
use tokio::task::JoinHandle;

pub use self::class::{Class, Student, Teacher};
pub use self::client::{Answer, Client};
pub use self::node::{Node, join};
pub use self::scanner::Scanner;
pub use self::stream::{Live, LiveEvent};
pub use reqwest::Method;

use crate::pg::Postgres;

pub const ADMIN_PASSWORD: &str = "chalk-and-duster";
/// Every teacher's.
pub const PIN: &str = "246810";
/// Every student's.
pub const STUDENT_PASSWORD: &str = "notebook-7";
/// When every test begins: a Monday morning.
pub const START: &str = "2026-03-09T10:00:00+05:30";

/// For a machine that is busy with other things: no test is about how fast it is.
const PATIENT: Limits = Limits {
    header: Duration::from_secs(120),
    request: Duration::from_secs(300),
    drain: Duration::from_secs(120),
    stop: Duration::from_secs(120),
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

/// Runs a test with a fresh server on each engine.
pub async fn for_both(test: impl AsyncFn(TestServer)) {
    for engine in Engine::BOTH {
        // Shown when the test fails.
        println!("with {engine:?}:");
        test(TestServer::start(engine).await).await;
    }
}

/// [`for_both`] with a hub, behind one proxy.
pub async fn for_both_hubs(test: impl AsyncFn(TestServer)) {
    for engine in Engine::BOTH {
        println!("with {engine:?}:");
        test(TestServer::start_with(engine, hub()).await).await;
    }
}

/// A hub that a proxy stands in front of.
pub fn hub() -> Config {
    Config { node_type: NodeType::Cloud, proxies: 1, ..Config::default() }
}

/// A running server. It stops when the value is dropped.
pub struct TestServer {
    pub engine: Engine,
    location: Location,
    pub app: App,
    pub clock: Arc<TestClock>,
    /// Nobody is logged in.
    pub anyone: Client,
    admin: OnceCell<Client>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    /// SQLite's file is in it.
    _folder: Option<TempDir>,
}

impl TestServer {
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, Config::default()).await
    }

    /// # Panics
    /// When the server can't be started: the test fails.
    pub async fn start_with(engine: Engine, mut config: Config) -> Self {
        if config.limits == Limits::default() {
            config.limits = PATIENT;
        }
        let clock = Arc::new(TestClock::at(at(START)));
        let (location, folder) = match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                (Location::File(folder.path().join("arise.db")), Some(folder))
            }
            Engine::Postgres => (Location::Postgres(Postgres::shared().fresh_database()), None),
        };
        let server = Self::open(engine, location, clock, config, folder).await;
        let made = server.store().write(|tx| admin::create(tx, "admin", hash_of(ADMIN_PASSWORD), false));
        made.await.expect("an administrator can be made");
        server
    }

    /// Another process on the same database, which must be PostgreSQL: a file has one.
    ///
    /// # Panics
    /// When the server can't be started.
    pub async fn another_process(&self) -> Self {
        assert_eq!(self.engine, Engine::Postgres);
        let (location, clock) = (self.location.clone(), Arc::clone(&self.clock));
        Self::open(self.engine, location, clock, self.app.config.clone(), None).await
    }

    async fn open(
        engine: Engine,
        location: Location,
        clock: Arc<TestClock>,
        config: Config,
        folder: Option<TempDir>,
    ) -> Self {
        let (opened, time) = (location.clone(), Arc::clone(&clock));
        let store = tokio::task::spawn_blocking(move || Store::open(&opened, time))
            .await
            .expect("opening the store doesn't panic")
            .expect("the store opens");
        let app = App::new(store, config).await.expect("the server's state");

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("the port's number");
        let (stop, stopped) = oneshot::channel();
        let served = app.clone();
        let serving = tokio::spawn(async move {
            let stop = async {
                // Dropping the sender stops the server too.
                let _ = stopped.await;
            };
            arise_http::serve(served, listener, stop).await.expect("the listener works");
        });
        Self {
            engine,
            location,
            app,
            clock,
            anyone: Client::new(format!("http://{address}"), None),
            admin: OnceCell::new(),
            stop: Some(stop),
            serving,
            _folder: folder,
        }
    }

    pub fn store(&self) -> &Store {
        &self.app.store
    }

    /// Lets time pass.
    pub fn advance(&self, by: UtcMillis) {
        self.clock.advance(by);
    }

    /// Stops the server and waits until it has.
    ///
    /// # Panics
    /// When serving failed.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        (&mut self.serving).await.expect("the server doesn't panic");
    }

    /// The administrator, logged in.
    pub async fn admin(&self) -> Client {
        let log_in = || async {
            let body = json!({"username": "admin", "password": ADMIN_PASSWORD});
            self.log_in("/api/admin/login", body).await
        };
        self.admin.get_or_init(log_in).await.clone()
    }

    /// Logs in and answers with a client that carries the token.
    pub async fn log_in(&self, path: &str, body: serde_json::Value) -> Client {
        let answer = self.anyone.post(path, body).await.ok();
        self.anyone.bearer(answer["token"].as_str().expect("a token"))
    }

    pub async fn log_in_student(&self, university_roll_no: &str) -> Client {
        let body = json!({"university_roll_no": university_roll_no, "password": STUDENT_PASSWORD});
        self.log_in("/api/student/login", body).await
    }

    /// A client whose connections come from another address of this machine.
    pub fn from_address(&self, last: u8) -> Client {
        Client::new(self.anyone.url().to_owned(), Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, last))))
    }

    /// Looks into the database.
    ///
    /// # Panics
    /// When it can't be read.
    pub async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> arise_core::Result<T> + Send + 'static,
    ) -> T {
        self.store().read(job).await.expect("the database can be read")
    }

    /// The only number of a query's only row.
    pub async fn count(&self, sql: &str, params: &[SqlValue]) -> i64 {
        let (sql, params) = (sql.to_owned(), params.to_vec());
        self.read(move |tx| tx.query_one(&sql, &params)?.get(0)).await
    }

    /// How many records there are: what must not change when a request is refused.
    pub async fn records(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM op", &[]).await
    }

    /// Marks of a student that are on record, also those that don't stand.
    pub async fn records_of(&self, session: &str, student: StudentId) -> i64 {
        let session: arise_core::SessionId = session.parse().expect("a session's id");
        let params = [session.into(), student.into()];
        self.count("SELECT COUNT(*) FROM op WHERE kind = 'mark' AND entity = ?1 AND subject = ?2", &params)
            .await
    }
}

/// A moment from ISO 8601; without an offset it is India's.
///
/// # Panics
/// When it can't be read.
pub fn at(text: &str) -> UtcMillis {
    Zone::named("Asia/Kolkata").expect("a zone").parse(text).expect("a moment")
}

/// The hash of a password, made once a process: each takes tens of milliseconds.
pub(crate) fn hash_of(password: &'static str) -> &'static str {
    static HASHES: [OnceLock<String>; 3] = [const { OnceLock::new() }; 3];
    let known = [ADMIN_PASSWORD, PIN, STUDENT_PASSWORD];
    let place = known.iter().position(|known| *known == password).expect("a password of the test kit");
    HASHES[place].get_or_init(|| arise_http::hash_password(password).expect("a hash"))
}
