//! How a node talks with its hub over HTTP. What is said is made and understood by `arise-sync`; this crate signs
//! it, carries it, and decides when. docs/SYNC.md has the design.

mod client;
pub mod code;
pub mod file;
pub mod hub;
mod link;
pub mod seal;

pub use client::{Join, Joined, hub_url};
pub use link::{Last, Link, Pushed, Settings};
