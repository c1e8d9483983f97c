//! The SQLite file of the system that arise succeeds, as its servers left it or push it.
//!
//! The whole file is read and understood first ([`read`]); a file that can't be trusted is refused before anything
//! changes. What it holds then becomes records ([`Import::run`]) with ids that follow from the older server's name, the
//! table and the older id. Importing the same file again, or a later one of the same server, adds what is new
//! and replaces nothing: an edit made in arise meanwhile stands beside the older server's as a concurrent one.

mod account;
mod compare;
mod file;
mod link;
mod origin;
mod plan;
mod text;
mod time;
mod write;

pub use account::{Account, Count, Problem};
pub use origin::Origin;
pub use plan::{Import, read};
pub use write::Scope;
