//! Syncing under every fault there is. A scheduler whose every choice follows from a seed drives a hub and some
//! nodes: the real engine, each on a real SQLite file with its own clock. Messages get lost, doubled, reordered
//! and cut off one way; processes die at any statement; disks fill up; clocks jump; sticks are cloned, restored
//! and wiped; the hub is restored from a backup; versions differ. Then all is healed and must converge, and the
//! invariants of docs/SYNC.md must hold, seen by a fold that shares no code with the engine.

mod check;
mod counts;
mod deed;
mod directed;
mod machine;
mod model;
mod run;
mod world;

pub use counts::Counts;
pub use directed::ALL as DIRECTED;
pub use run::{Failure, run, run_all, run_directed, silence_panics};
pub use world::World;
