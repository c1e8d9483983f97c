//! The HTTP server of arise. [`router`] has every route on one page; each noun has one file.

mod app;
mod asset;
mod audit;
mod authorize;
mod cookie;
mod course;
mod device;
mod drain;
mod enrolment;
mod error;
mod extract;
mod health;
mod history;
mod list;
mod live;
mod login;
mod mark;
mod password;
mod report;
mod route;
mod router;
mod semester;
mod serve;
mod session;
mod setting;
mod student;
mod teacher;
mod token;
mod workbook;

pub use app::{App, Config, NodeType};
pub use password::hash_blocking as hash_password;
pub use route::{Access, Route};
pub use router::routes;
pub use serve::serve;
