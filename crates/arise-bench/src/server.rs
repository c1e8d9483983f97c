//! Servers in processes of their own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// A server process, ended when this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first healthy answer.
    pub(crate) started_in: Duration,
}

/// The released program, built beside this one.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let program = own.with_file_name("arise");
    if !program.exists() {
        bail!("build the program first: cargo build --release -p arise");
    }
    Ok(program)
}

/// A folder for a database, beside the program: temporary folders may be in memory, and cost nothing to sync.
pub(crate) fn folder() -> anyhow::Result<tempfile::TempDir> {
    let place = program()?.with_file_name("bench-data");
    std::fs::create_dir_all(&place)?;
    Ok(tempfile::tempdir_in(place)?)
}

impl Server {
    pub(crate) fn arise(data: &Path) -> anyhow::Result<Self> {
        Self::arise_with(data, &[])
    }

    /// With further settings, by the names of their variables. It doesn't sync by itself.
    pub(crate) fn arise_with(data: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::run(Command::new(program()?), data, settings)
    }

    /// One of another machine: it gets what the servers that are measured leave of the processor, and none of it while
    /// they want it. With mere niceness it would keep them waiting for the rest of its slice, some milliseconds.
    pub(crate) fn elsewhere(data: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new("chrt");
        command.args(["--idle", "0"]).arg(program()?);
        Self::run(command, data, &[])
    }

    fn run(mut command: Command, data: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Self> {
        let start = Instant::now();
        command.args(["serve", "--host", "127.0.0.1", "--port", "0", "--data"]).arg(data);
        command.env("ARISE_LOG", "warn").env("ADMIN_DEFAULT_PASSWORD", "bench-password");
        command.env("SYNC_INTERVAL_SECONDS", "0").envs(settings.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().context("arise can't be started")?;
        let line = first_line(&mut child)?;
        let address = line.rsplit("http://").next().unwrap_or_default().trim().parse()?;
        let mut server = Self { child, address, started_in: Duration::ZERO };
        let answer = crate::client::get(address, "/api/health", None)?;
        if !answer.contains("\"healthy\"") {
            bail!("arise isn't healthy: {answer}");
        }
        server.started_in = start.elapsed();
        Ok(server)
    }

    pub(crate) fn floor() -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg("floor").stdout(Stdio::piped()).spawn()?;
        let address = first_line(&mut child)?.trim().parse()?;
        Ok(Self { child, address, started_in: Duration::ZERO })
    }

    /// Stops the process where it is.
    pub(crate) fn pause(&self) -> anyhow::Result<()> {
        self.signal("-STOP")
    }

    pub(crate) fn go_on(&self) -> anyhow::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status()?;
        if !status.success() {
            bail!("kill {signal}: {status}");
        }
        Ok(())
    }

    /// The processor time it has used, which Linux counts in hundredths of a second.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit(") ").next().context("no fields")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Memory that is resident, in MB, as Linux counts it.
    pub(crate) fn resident_mb(&self) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        let kb: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kb / 1_024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, or it ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_line(child: &mut Child) -> anyhow::Result<String> {
    let out = child.stdout.take().context("no output")?;
    let mut reader = BufReader::new(out);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    // Whatever it prints later goes nowhere, but must be read.
    std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
    Ok(line)
}
