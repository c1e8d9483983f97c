//! The rules of attendance: who may mark, what a set of marks means, what counts, and how codes and
//! signatures are made. Pure types and functions: no I/O, no clock of its own, no randomness of its own.

pub mod actor;
pub mod badge;
pub mod chance;
pub mod clock;
pub mod day;
pub mod enrolment;
pub mod error;
pub mod id;
pub mod mark;
pub mod mutant;
pub mod online;
pub mod op;
pub mod plan;
pub mod register;
pub mod seen;
pub mod session;
pub mod setting;
pub mod signature;
pub mod slot;
pub mod standing;
pub mod streak;
pub mod tally;
pub mod text;
pub mod totp;
pub mod trend;
pub mod zone;

pub use actor::{Actor, Role};
pub use clock::{Clock, SystemClock, TestClock, UtcMillis};
pub use error::{Error, ErrorKind, Result};
pub use id::{AdminId, CourseId, DeviceId, NodeId, OpId, SemesterId, SessionId, StudentId, TeacherId};
pub use mark::{Mark, Source, Status};
pub use standing::Standing;
pub use tally::Tally;
