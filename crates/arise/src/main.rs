//! arise: attendance for an institution, offline and online.

mod admin;
mod backup;
mod clock;
mod config;
mod demo;
mod doctor;
mod export;
mod first_run;
mod hold;
mod import;
mod log;
mod running;
mod scanner;
mod serve;
mod sync;

use std::process::ExitCode;

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
    /// Joins a hub with the code that its administrator gave.
    Join(sync::Join),
    /// Exchanges records with the hub, over the network or as files.
    #[command(subcommand)]
    Sync(sync::Sync),
    /// Copies all records into the folder of backups, while the server runs or not.
    Backup(backup::Backup),
    /// Puts a backup in the place of all records, and keeps a copy of them.
    Restore(backup::Restore),
    /// Looks at everything that may go wrong, and says what to do.
    Doctor(doctor::Doctor),
    /// Helps an administrator who can't log in.
    Admin(admin::Admin),
    /// Shows the settings that hold here and where each comes from.
    Config(config::Flags),
    /// Writes every record into CSV files.
    Export(export::Export),
    /// Imports records of another system.
    Import(import::Import),
    /// Shows arise with a made-up college and a simulated scanner that marks a class live.
    Demo(demo::Demo),
    /// Runs a classroom's scanner on this machine, with a real sensor or a simulated one.
    Scanner(scanner::Scanner),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(options) => serve::run(&options),
        Command::Config(flags) => config::show(&flags),
        Command::Export(options) => export::run(&options),
        Command::Join(options) => sync::join(&options),
        Command::Sync(command) => sync::run(&command),
        Command::Import(options) => import::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Scanner(options) => scanner::run(&options),
        Command::Backup(options) => backup::make(&options),
        Command::Restore(options) => backup::restore(&options),
        Command::Doctor(options) => return doctor::run(&options),
        Command::Admin(options) => admin::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // For people: what went wrong, and why, on one line.
            eprintln!("arise: {error:#}");
            ExitCode::FAILURE
        }
    }
}
