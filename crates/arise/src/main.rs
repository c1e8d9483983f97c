//! arise: attendance for an institution, offline and online.

mod config;
mod demo;
mod first_run;
mod import;
mod log;
mod scanner;
mod serve;

use clap::{Parser, Subcommand};

/// Every mark allocates a few dozen small things, on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the server.
    Serve(serve::Serve),
    /// Shows the settings that hold here and where each comes from.
    Config(config::Flags),
    /// Imports records of another system.
    Import(import::Import),
    /// Shows arise with a made-up college and a simulated scanner that marks a class live.
    Demo(demo::Demo),
    /// Runs a classroom's scanner on this machine, with a real sensor or a simulated one.
    Scanner(scanner::Scanner),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Serve(options) => serve::run(&options),
        Command::Config(flags) => config::show(&flags),
        Command::Import(options) => import::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Scanner(options) => scanner::run(&options),
    }
}
