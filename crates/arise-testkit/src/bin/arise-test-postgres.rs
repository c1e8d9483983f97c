//! Starts a temporary PostgreSQL, prints its URL, and keeps it until its standard input ends.
//!
//! `cargo xtask test` holds one for a whole test run; by hand: `cargo run -p arise-testkit --bin arise-test-postgres`
//! and Ctrl-D. With `--fsync` it is as durable as a server in use.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use arise_testkit::pg::{Options, Postgres};

fn main() -> ExitCode {
    let fsync = std::env::args().any(|arg| arg == "--fsync");
    let server = match Postgres::start_with(Options { fsync }) {
        Ok(server) => server,
        Err(e) => {
            eprintln!("{e}");
            return ExitCode::FAILURE;
        }
    };
    // Whoever has stopped reading doesn't want the server either.
    if writeln!(io::stdout(), "{}", server.url()).is_ok() {
        let mut stdin = io::stdin();
        let mut ignored = [0; 256];
        while stdin.read(&mut ignored).is_ok_and(|n| n > 0) {}
    }
    ExitCode::SUCCESS
}
