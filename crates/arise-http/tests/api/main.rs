//! The real server over real TCP, on both engines. One file per noun, as in the crate.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod access;
