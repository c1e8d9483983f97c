//! `cargo xtask simulate` and `cargo xtask mutants-of-sync`: syncing under every fault there is, and whether that
//! notices engines broken on purpose. See docs/SYNC.md.

use std::process::Command;

use anyhow::Result;

use crate::proc;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// The first
    #[arg(long, default_value_t = 0)]
    from: u64,
}

#[derive(clap::Args)]
pub(crate) struct MutantArgs {
    /// After how many seeds an engine counts as unnoticed
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    seeds(args.from, args.seeds)
}

/// Optimised, with every check of a debug build.
pub(crate) fn seeds(from: u64, seeds: u64) -> Result<()> {
    simulation("simulate", &["--from", &from.to_string(), "--seeds", &seeds.to_string()])
}

pub(crate) fn mutants(args: &MutantArgs) -> Result<()> {
    simulation("mutants", &["--seeds", &args.seeds.to_string()])
}

fn simulation(what: &str, args: &[&str]) -> Result<()> {
    proc::run(cargo("run").args(["--quiet", "--", what]).args(args))
}

/// Its own tests: a few seeds, the histories that are told, and some broken engines.
pub(crate) fn tests() -> Command {
    cargo("test")
}

fn cargo(what: &str) -> Command {
    let mut cargo = proc::cargo();
    cargo.args([what, "--profile", "sim", "-p", "arise-sync-sim"]);
    cargo
}
