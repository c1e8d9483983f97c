//! The store, driven through its public functions on both engines.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[macro_use]
mod support;

mod audit;
mod backup;
mod course;
mod enrolment;
mod mark;
mod op;
mod place;
mod semester;
mod session;
mod shared;
mod student;
mod tally;
mod teacher;
mod writer;
