//! The program as it is started: its settings, its commands, and what it promises when disks and processes fail.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod commands;
mod config;
mod crash;
mod disk;
mod log;
mod support;
