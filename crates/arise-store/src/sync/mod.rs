//! What syncing needs of the store: records as they travel, the numbering of the hub, and how a node takes
//! what was numbered. The exchange itself is in `arise-sync`; its design is in docs/SYNC.md.
//!
//! The hub gives each record a dense number (`gsn`) and a stamp (`eff`), and chains the numbers by hashes.
//! A node's position is the last number it has, and the chain up to it. What has no number yet waits to be
//! sent; a *negative* number was given by a hub that has forgotten it, and waits as well, in that order.

mod adopt;
pub mod hub;
pub mod key;
mod number;
pub mod peer;
pub mod place;
pub mod quarantine;
mod record;
pub mod scope;
mod state;
mod touched;
mod unsent;

pub use adopt::{Incoming, adopt, refuse, rekey, reset};
pub use number::{Numbering, after, chain_at};
pub use record::{MAX_BYTES, Record};
pub use state::{Chain, Position, State, answered, scoped, state};
pub use unsent::{count as count_unsent, count_after as count_unsent_after, unsent, unsent_after};
