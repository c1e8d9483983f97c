//! The real server over real TCP, on both engines. One file per noun, as in the crate.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod access;
mod audit;
mod backup;
mod conflict;
mod course;
mod device;
mod enrolment;
mod fields;
mod history;
mod leaderboard;
mod limits;
mod live;
mod login;
mod mark;
mod mended;
mod older_scanner;
mod online;
mod openapi;
mod report;
mod report_file;
mod semester;
mod serve;
mod session;
mod setting;
mod slots;
mod snapshot;
mod student;
mod student_import;
mod sync;
mod teacher;
mod typed;
mod v1_import;

/// What people may type, and what must come back as it is.
const TYPED: [&str; 7] = [
    "<script>alert('x')</script>",
    "Zoë 🎓 नमस्ते",
    "\u{202e}مرحبا",
    "O'Neill \"; DROP TABLE student; --",
    "=1+1",
    "%_\\ &amp; %20",
    "ﷺ",
];

/// A name in `list`, one field of each row.
fn names(list: &serde_json::Value, field: &str) -> Vec<String> {
    let rows = list.as_array().unwrap();
    rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

/// An id that nothing has.
const NO_ID: &str = "019cd0db-0000-7000-8000-000000000000";
