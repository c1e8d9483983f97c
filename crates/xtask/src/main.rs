//! The chores of the project. `cargo xtask` lists them.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod apt;
mod bench;
mod ci;
mod deny;
mod dist;
mod firmware;
mod gen_api;
mod new_migration;
mod proc;
mod report;
mod schemathesis;
mod screenshots;
mod simulate;
mod test;
mod workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of the project")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run every test: Rust, web, and the real program in a browser
    Test(test::Args),
    /// All that a change has to pass: format, lints, dependencies, tests
    Ci(ci::Args),
    /// Run a benchmark of `crates/arise-bench`, in release mode
    Bench(bench::Args),
    /// Write docs/openapi.json from the routes, and the types that the UI makes of it
    GenApi,
    /// Run syncing under every fault there is, for many seeds
    Simulate(simulate::Args),
    /// Break syncing in each known way and show what notices
    MutantsOfSync(simulate::MutantArgs),
    /// Add an empty migration with the next number
    NewMigration(new_migration::Args),
    /// Build the archive that is handed out
    Dist(dist::Args),
    /// Build the scanner's images and run its self-test on an emulated machine
    Firmware(firmware::Args),
    /// Ask the running server whatever its API document allows, and more, with Schemathesis
    Schemathesis(schemathesis::Args),
    /// Take a picture of every screen, into the folder `screenshots`
    Screenshots(screenshots::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().chore {
        Chore::Test(args) => return test::run(&args),
        Chore::Ci(args) => return ci::run(&args),
        Chore::Firmware(args) => return firmware::run(&args),
        Chore::Schemathesis(args) => return schemathesis::run(&args),
        Chore::Screenshots(args) => return screenshots::run(&args),
        Chore::Bench(args) => bench::run(&args),
        Chore::GenApi => gen_api::run(),
        Chore::Simulate(args) => simulate::run(&args),
        Chore::MutantsOfSync(args) => simulate::mutants(&args),
        Chore::NewMigration(args) => new_migration::run(&args),
        Chore::Dist(args) => dist::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e:#}");
            ExitCode::FAILURE
        }
    }
}
