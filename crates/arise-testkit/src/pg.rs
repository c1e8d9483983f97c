//! A real PostgreSQL for tests and benchmarks, from the machine's own programs, in a temporary folder.
//!
//! ```no_run
//! use arise_testkit::pg::Postgres;
//!
//! let url = Postgres::shared().fresh_database(); // an empty database nobody else has
//! ```
//!
//! [`Postgres::shared`] is what a test wants. With `ARISE_TEST_POSTGRES` in the environment (`cargo xtask test` sets
//! it, having started one server for the whole run) it uses that server; otherwise it starts one for this process.
//!
//! No server outlives its owner. It is started by a small shell that holds the reading end of a pipe from the owner:
//! when the owner ends, in whatever way (`kill -9` included), the pipe ends, and the shell stops the server and removes
//! its folder.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use postgres::{Client, NoTls};
use tempfile::TempDir;
use uuid::Uuid;

/// The variable that names a server shared by all the processes of a test run: the URL of a database of it in which
/// databases may be created.
pub const SHARED_URL: &str = "ARISE_TEST_POSTGRES";

/// The programs of PostgreSQL this needs; they live in one folder.
const PROGRAMS: [&str; 2] = ["postgres", "initdb"];

/// Where Debian's packages put them: `/usr/lib/postgresql/15/bin`.
const PACKAGED: &str = "/usr/lib/postgresql";

/// The owner of the server and of every test database.
const ROLE: &str = "arise";

/// Arguments: the folder of the programs, the role. Works in the current folder, which holds `password` and `extra.conf`.
///
/// Says `ready` or `failed` on its output, once. PIPE is ignored because an owner that is gone by then must not keep the
/// shell from getting to the clean-up. The server is asked to stop at once (QUIT): its data is thrown away.
const KEEPER: &str = r#"
bin=$1 role=$2 dir=$PWD pid=
clean_up() {
    trap '' HUP INT TERM
    [ -z "$pid" ] || { kill -QUIT "$pid"; wait "$pid"; }
    cd / && rm -rf "$dir"
}
start() {
    "$bin/initdb" -D "$dir/data" -U "$role" -A scram-sha-256 --pwfile=password -E UTF8 --locale=C --no-sync || return
    cat extra.conf >>data/postgresql.conf || return
    "$bin/postgres" -D "$dir/data" &
    pid=$!
    until grep -q '^ready' data/postmaster.pid; do
        kill -0 "$pid" || { pid=; return 1; }
        sleep 0.02
    done 2>/dev/null
}
trap '' PIPE
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
if start >server.log 2>&1; then echo ready; else echo failed; fi
while read -r _; do :; done
"#;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "PostgreSQL's server is not installed (looked for {} on PATH and in {PACKAGED}/*/bin).\n\
         Install it with: apt-get install postgresql",
        PROGRAMS.join(", ")
    )]
    NotInstalled,
    #[error("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as")]
    NoUser,
    #[error("PostgreSQL did not start:\n{0}")]
    Failed(String),
    #[error("cannot {0}")]
    Io(String, #[source] io::Error),
}

/// How a server is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Wait for the disk at each commit, as a server in use does. Tests leave it off: their data is thrown away, and
    /// each commit is many times faster. A benchmark wants it on.
    pub fsync: bool,
}

/// A running PostgreSQL server in which databases can be made.
#[derive(Debug)]
pub struct Postgres {
    /// The URL of the maintenance database.
    url: String,
    /// None when the server belongs to another process.
    server: Option<Server>,
}

impl Postgres {
    /// Starts a server for tests. It stops, and its folder goes, when the value is dropped or the process ends.
    ///
    /// # Panics
    /// When it can't be started: a test that needs PostgreSQL fails without it, it isn't skipped.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(Options::default()).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Starts a server, as [`Postgres::start`] does, and says why when it can't.
    pub fn start_with(options: Options) -> Result<Self, StartError> {
        let server = Server::start(options)?;
        Ok(Self { url: server.url(), server: Some(server) })
    }

    /// The server of this test run: the one named by `ARISE_TEST_POSTGRES`, else one for this process.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        // A static is never dropped; the end of the process ends the server.
        SHARED.get_or_init(|| match env::var(SHARED_URL) {
            Ok(url) => Self { url, server: None },
            Err(_) => Self::start(),
        })
    }

    /// The URL of the maintenance database, with the password: `postgres://arise:…@127.0.0.1:PORT/postgres`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder of the server's Unix socket, when this process started the server.
    #[must_use]
    pub fn socket_dir(&self) -> Option<&Path> {
        self.server.as_ref().map(|s| s.dir.path())
    }

    /// Makes an empty database with a name of its own and gives its URL. It lives at least as long as this process.
    ///
    /// # Panics
    /// When the server can't be reached.
    #[must_use]
    pub fn fresh_database(&self) -> String {
        let name = format!("{}{}", prefix(std::process::id()), Uuid::now_v7().simple());
        let admin = &self.url;
        let made = std::thread::scope(|scope| {
            // The client blocks on a runtime of its own, which may not be done on a thread of an async test's runtime.
            scope.spawn(|| make_database(admin, &name)).join()
        });
        match made {
            Ok(Ok(())) => with_database(admin, &name),
            Ok(Err(e)) => panic!("no database could be made on the test server: {}", with_sources(&e)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn make_database(admin: &str, name: &str) -> Result<(), postgres::Error> {
    let mut client = Client::connect(admin, NoTls)?;
    client.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))?;
    // Each takes some 7 MB, so those of processes that have ended don't wait for the end of the run.
    for row in client.query("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'", &[])? {
        let old: String = row.get(0);
        if owner_has_ended(&old) {
            // Another process may do the same at this moment, or a program the test has left behind may still be
            // connected: then it isn't ours to remove.
            let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {old}"));
        }
    }
    Ok(())
}

fn prefix(pid: u32) -> String {
    format!("test_{pid}_")
}

fn owner_has_ended(database: &str) -> bool {
    let proc = Path::new("/proc");
    let owner = database.split('_').nth(1).and_then(|pid| pid.parse::<u32>().ok());
    // Without /proc nothing is known of other processes.
    owner.is_some_and(|pid| proc.join("self").exists() && !proc.join(pid.to_string()).exists())
}

fn with_database(url: &str, name: &str) -> String {
    let server = url.rfind('/').map_or(url, |slash| &url[..slash]);
    format!("{server}/{name}")
}

fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(e) = source {
        text = format!("{text}: {e}");
        source = e.source();
    }
    text
}

/// A server process, through the shell that keeps it.
#[derive(Debug)]
struct Server {
    keeper: Child,
    /// Its end tells the keeper to stop the server.
    leash: Option<ChildStdin>,
    dir: TempDir,
    port: u16,
    password: String,
}

impl Server {
    fn start(options: Options) -> Result<Self, StartError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let bin = programs(&path, Path::new(PACKAGED))?;
        // The port is free when it is chosen and may be taken when the server gets to it. That is rare enough for a few
        // attempts to be certain, and the only failure that another attempt can mend.
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = free_port().map_err(io_error("find a free port"))?;
            match Self::attempt(&bin, port, options) {
                Err(StartError::Failed(log)) if attempts < 5 && log.contains("could not bind") => {}
                other => return other,
            }
        }
    }

    fn attempt(bin: &Path, port: u16, options: Options) -> Result<Self, StartError> {
        let dir = tempfile::Builder::new()
            .prefix("arise-pg-")
            .tempdir()
            .map_err(io_error("make a temporary folder for PostgreSQL"))?;
        let password = Uuid::now_v7().simple().to_string();
        write(&dir.path().join("password"), &password)?;
        write(&dir.path().join("extra.conf"), &settings(dir.path(), port, options))?;

        let mut keeper = Command::new("/bin/sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(bin).arg(ROLE).current_dir(dir.path());
        // A process group of its own: Ctrl-C in the terminal ends the tests, and the keeper must survive that to clean up.
        keeper.process_group(0);
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            keeper.env_remove(name);
        }
        if let Some((uid, gid)) = user_for(dir.path())? {
            for path in ["", "password", "extra.conf"] {
                chown(dir.path().join(path), Some(uid), Some(gid))
                    .map_err(io_error("give PostgreSQL its folder"))?;
            }
            keeper.uid(uid).gid(gid);
        }
        // Nothing of the owner's may be inherited: a reader of its output would wait for the server to end.
        let mut keeper = keeper
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(io_error("run /bin/sh"))?;
        let leash = keeper.stdin.take();
        let said = keeper.stdout.take();
        let mut server = Self { keeper, leash, dir, port, password };
        let mut answer = [0; 6];
        match said.map(|mut s| s.read_exact(&mut answer)) {
            Some(Ok(())) if answer.starts_with(b"ready") => Ok(server),
            _ => {
                let log = server.log();
                server.stop();
                Err(StartError::Failed(log))
            }
        }
    }

    fn url(&self) -> String {
        format!("postgres://{ROLE}:{}@{}:{}/postgres", self.password, Ipv4Addr::LOCALHOST, self.port)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_else(|e| e.to_string())
    }

    fn stop(&mut self) {
        drop(self.leash.take());
        let _ = self.keeper.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn settings(dir: &Path, port: u16, options: Options) -> String {
    let fsync = if options.fsync { "on" } else { "off" };
    let dir = dir.display();
    format!(
        "listen_addresses = '{}'\n\
         port = {port}\n\
         unix_socket_directories = '{dir}'\n\
         fsync = {fsync}\n\
         full_page_writes = {fsync}\n\
         max_connections = 600\n",
        Ipv4Addr::LOCALHOST
    )
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The folder with the server's programs: the one on the search path, else the newest of those in `packaged`, which holds
/// one folder for each major version.
fn programs(path: &OsStr, packaged: &Path) -> Result<PathBuf, StartError> {
    let on_path = env::split_paths(path)
        .filter_map(|dir| fs::canonicalize(dir.join(PROGRAMS[0])).ok())
        .filter_map(|program| program.parent().map(Path::to_owned));
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(packaged)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some((e.file_name().to_str()?.parse().ok()?, e.path().join("bin"))))
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    on_path
        .chain(versions.into_iter().map(|(_, dir)| dir))
        .find(|dir| PROGRAMS.iter().all(|program| dir.join(program).is_file()))
        .ok_or(StartError::NotInstalled)
}

/// The user the server has to run as, when the one we are is root. `ours` is a folder we have just made.
fn user_for(ours: &Path) -> Result<Option<(u32, u32)>, StartError> {
    let me = fs::metadata(ours).map_err(io_error("look at the temporary folder"))?.uid();
    if me != 0 {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let (Some(uid), Some(gid)) = (id("-u", name), id("-g", name)) {
            return Ok(Some((uid, gid)));
        }
    }
    Err(StartError::NoUser)
}

fn id(which: &str, user: &str) -> Option<u32> {
    let output = Command::new("id").args([which, user]).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn write(path: &Path, text: &str) -> Result<(), StartError> {
    File::create(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(io_error("write PostgreSQL's settings"))
}

fn io_error(what: &'static str) -> impl FnOnce(io::Error) -> StartError {
    move |e| StartError::Io(what.to_owned(), e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        let url = with_database("postgres://arise:x@127.0.0.1:5432/postgres", "test_1_ab");
        assert_eq!(url, "postgres://arise:x@127.0.0.1:5432/test_1_ab");
    }

    #[test]
    fn only_databases_of_ended_processes_are_swept() {
        assert!(!owner_has_ended(&format!("{}ab", prefix(std::process::id()))));
        // Above the highest pid the kernel gives.
        assert!(owner_has_ended("test_4294967295_ab"));
        assert!(!owner_has_ended("test_x_ab"));
        assert!(!owner_has_ended("postgres"));
    }

    fn install(dir: &Path, programs: &[&str]) {
        fs::create_dir_all(dir).unwrap();
        for program in programs {
            File::create(dir.join(program)).unwrap();
        }
    }

    #[test]
    fn the_programs_on_the_path_come_first_then_the_newest_packaged() {
        let tmp = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(tmp.path()).unwrap();
        let (path, packaged) = (root.join("path"), root.join("packaged"));
        for version in ["9", "15"] {
            install(&packaged.join(version).join("bin"), &PROGRAMS);
        }
        // A newer version without its server: only the client is installed.
        install(&packaged.join("17/bin"), &["initdb"]);
        assert_eq!(programs(path.as_os_str(), &packaged).unwrap(), packaged.join("15/bin"));
        install(&path, &PROGRAMS);
        assert_eq!(programs(path.as_os_str(), &packaged).unwrap(), path);
    }

    #[test]
    fn a_server_that_fails_says_why() {
        let bin = programs(&env::var_os("PATH").unwrap(), Path::new(PACKAGED)).unwrap();
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Server::attempt(&bin, port, Options::default()).unwrap_err();
        assert!(error.to_string().contains("could not bind"), "{error}");
    }

    #[test]
    fn a_missing_server_says_what_to_install() {
        let tmp = tempfile::tempdir().unwrap();
        let error = programs(tmp.path().as_os_str(), tmp.path()).unwrap_err();
        assert!(error.to_string().contains("apt-get install postgresql"), "{error}");
    }
}
