//! The real program as a server.
#![allow(unreachable_pub, reason = "the same file is a module of several tests")]
#![allow(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// `arise serve` on a data folder.
pub struct Server {
    child: Child,
    /// Host and port.
    pub address: String,
}

impl Server {
    pub fn start(data: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_arise"))
            .args(["serve", "--host", "127.0.0.1", "--port", "0", "--data"])
            .arg(data)
            .env("ADMIN_DEFAULT_PASSWORD", "crash-test")
            .env("ARISE_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.rsplit("http://").next().unwrap().trim().to_owned();
        Self { child, address }
    }

    /// SIGKILL: nothing is flushed, nothing is said.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failed assertion; otherwise it is dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
