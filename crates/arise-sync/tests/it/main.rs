//! The exchange between real stores.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[macro_use]
mod support;

mod exchange;
mod scope;
