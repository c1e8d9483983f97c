//! The classroom scanner without its pins and sockets.
//!
//! A scanner has a fingerprint sensor, a 128×64 display, flash, a battery and Wi-Fi. This crate holds everything it
//! decides: [`device::Device`] takes one [`device::Event`] at a time with the present uptime and says what is to be
//! done. It never waits and allocates nothing, so the same code runs on a microcontroller, on a PC with a sensor on
//! a serial port, and in tests that invent the time.
//!
//! Times are milliseconds: *uptime* counts from the start of the present boot (`u64`), *wall clock* is UTC since 1970
//! (`i64`) and is known only once the server has told it.
#![cfg_attr(not(test), no_std)]

pub mod battery;
pub mod clock;
pub mod config;
pub mod console;
pub mod counter;
pub mod device;
pub mod finger;
pub mod flash;
pub mod frame;
pub mod http;
pub mod json;
pub mod link;
pub mod mark;
pub mod queue;
pub mod refused;
pub mod screen;
pub mod sensor;
pub mod session;
pub mod settings;
pub mod sign;
pub mod store;
pub mod text;
pub mod wire;
