//! `cargo xtask bench NAME`: figures of the hot paths, each as a ratio to a floor measured in the same run on
//! the same machine.

mod client;
mod college;
mod dashboards;
mod figures;
mod floor;
mod footprint;
mod live;
mod logins;
mod marks;
mod registers;
mod scanner;
mod server;
mod sync;
mod university;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// A scanner's mark: rate, latency, the live stream, cold start and memory.
    Marks,
    /// What a student waits for at a whole simulated scanner.
    Scanner,
    /// A mark while a whole class logs in.
    Logins,
    /// Every answer with figures, at 500,000 and at 5,000,000 marks.
    Dashboards,
    /// The register of a course as a file.
    Registers,
    /// What syncing costs: bytes on the wire, a first join, and what marks feel of it.
    Sync,
    /// Serves the bare handler that `marks` compares with. Prints its address.
    #[command(hide = true)]
    Floor,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match Cli::parse().bench {
        Bench::Marks => runtime.block_on(marks::run()),
        Bench::Scanner => scanner::run(),
        Bench::Logins => runtime.block_on(logins::run()),
        Bench::Dashboards => runtime.block_on(dashboards::run()),
        Bench::Registers => runtime.block_on(registers::run()),
        Bench::Sync => runtime.block_on(sync::run()),
        Bench::Floor => runtime.block_on(floor::serve()),
    }
}
