//! arise: attendance for an institution, offline and online.

mod config;
mod demo;
mod first_run;
mod log;
mod serve;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server.
    Serve(config::Serve),
    /// Shows arise with a made-up college and a simulated scanner that marks a class live.
    Demo(demo::Demo),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Serve(options) => serve::run(&options),
        Command::Demo(options) => demo::run(&options),
    }
}
