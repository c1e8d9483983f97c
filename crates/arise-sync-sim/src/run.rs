//! Running seeds.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use arise_core::mutant::{self, Mutant};

use crate::check;
use crate::counts::Counts;
use crate::world::{Outcomes, World};

/// A seed whose invariants don't hold.
#[derive(Debug, Clone)]
pub struct Failure {
    pub seed: u64,
    pub why: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}", self.seed, self.why)
    }
}

/// Runs one seed.
///
/// # Errors
/// The first invariant that doesn't hold.
pub fn run(seed: u64, broken: Option<Mutant>) -> Result<Counts, Failure> {
    guarded(broken, || whole(seed)).map_err(|why| Failure { seed, why })
}

/// Runs one of the told histories.
///
/// # Errors
/// The first invariant that doesn't hold.
pub fn run_directed(history: fn(&mut World) -> Outcomes<()>, broken: Option<Mutant>) -> Outcomes<()> {
    guarded(broken, || {
        let dir = folder()?;
        history(&mut World::calm(dir.path())?)
    })
}

fn guarded<T>(broken: Option<Mutant>, job: impl FnOnce() -> Outcomes<T>) -> Outcomes<T> {
    mutant::set(broken);
    let done = panic::catch_unwind(AssertUnwindSafe(job));
    mutant::set(None);
    done.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(format!("a panic: {}", text.unwrap_or_default()))
    })
}

fn folder() -> Outcomes<tempfile::TempDir> {
    tempfile::Builder::new().prefix("arise-sim-").tempdir_in(fast()).map_err(|e| e.to_string())
}

fn whole(seed: u64) -> Outcomes<Counts> {
    let dir = folder()?;
    let mut world = World::new(seed, dir.path())?;
    let steps = world.rng.usize(40..110);
    for _ in 0..steps {
        world.step()?;
        if world.rng.u32(0..12) == 0 {
            let index = world.rng.usize(0..world.machines.len());
            check::at_any_time(&mut world, index)?;
        }
    }
    world.heal()?;
    world.converge()?;
    check::after_convergence(&mut world)?;
    check::newest_shows(&mut world)?;
    check::states_are_equal(&mut world)?;
    check::after_convergence(&mut world)?;
    world.counts.add("seeds");
    world.counts.many("steps", steps as u64);
    Ok(world.counts)
}

/// A place in memory, where there is one: the files of a seed live for less than a second.
fn fast() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// Runs the seeds from `first` on as many threads as there are cores. Stops at the first failures.
///
/// # Errors
/// The failure with the lowest seed of those found.
pub fn run_all(first: u64, seeds: u64, broken: Option<Mutant>) -> Result<Counts, Failure> {
    let next = AtomicU64::new(first);
    let stop = AtomicBool::new(false);
    let total = Mutex::new(Counts::default());
    let failures = Mutex::new(Vec::new());
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let mut mine = Counts::default();
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        break;
                    }
                    match run(seed, broken) {
                        Ok(counts) => mine.merge(&counts),
                        Err(failure) => {
                            stop.store(true, Ordering::Relaxed);
                            failures.lock().expect("no thread panics while it holds this").push(failure);
                        }
                    }
                }
                total.lock().expect("no thread panics while it holds this").merge(&mine);
            });
        }
    });
    let failures = failures.into_inner().expect("no thread panics while it holds this");
    match failures.into_iter().min_by_key(|failure| failure.seed) {
        Some(failure) => Err(failure),
        None => Ok(total.into_inner().expect("no thread panics while it holds this")),
    }
}

/// Broken engines panic, and that is all one wants to know of it.
pub fn silence_panics() {
    panic::set_hook(Box::new(|_| {}));
}
