//! `cargo xtask simulate` and `cargo xtask mutants-of-sync`.

use std::process::ExitCode;
use std::time::Instant;

use arise_core::mutant::Mutant;
use arise_sync_sim::{DIRECTED, run_all, run_directed, silence_panics};
use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Run seeds and print what went wrong in them, on purpose
    Simulate {
        #[arg(long, default_value_t = 2_000)]
        seeds: u64,
        /// The first seed
        #[arg(long, default_value_t = 0)]
        from: u64,
    },
    /// Break the engine in each known way and see which seed notices
    Mutants {
        #[arg(long, default_value_t = 2_000)]
        seeds: u64,
        /// Only the one of this name
        #[arg(long)]
        only: Option<String>,
    },
}

fn main() -> ExitCode {
    let begun = Instant::now();
    match Cli::parse().what {
        What::Simulate { seeds, from } => match run_all(from, seeds, None) {
            Ok(counts) => {
                print!("{counts}");
                println!("All invariants held in {:.1} s.", begun.elapsed().as_secs_f64());
                ExitCode::SUCCESS
            }
            Err(failure) => {
                eprintln!("{failure}");
                ExitCode::FAILURE
            }
        },
        What::Mutants { seeds, only } => mutants(seeds, only.as_deref()),
    }
}

fn mutants(seeds: u64, only: Option<&str>) -> ExitCode {
    silence_panics();
    let mut alive = 0;
    for &mutant in Mutant::ALL {
        let name = format!("{mutant:?}");
        if only.is_some_and(|only| only != name) {
            continue;
        }
        let told = DIRECTED.iter().find(|(_, history, _)| run_directed(*history, Some(mutant)).is_err());
        if let Some((history, ..)) = told {
            println!("{name:<26} {:<80} told: {history}", mutant.about());
        }
        match run_all(0, seeds, Some(mutant)) {
            Ok(_) if told.is_some() => println!("{name:<26} {:<80} no seed of {seeds}", ""),
            Err(failure) => {
                println!("{name:<26} {:<80} seed {:>5}  {}", mutant.about(), failure.seed, failure.why);
            }
            Ok(_) => {
                alive += 1;
                println!("{name:<26} {:<80} ALIVE after {seeds} seeds", mutant.about());
            }
        }
    }
    if alive == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
