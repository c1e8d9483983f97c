//! Files from elsewhere, as records: lists of students, and the database of the system that arise succeeds.
//!
//! Reading a file and writing its rows are two steps. The first looks at all of it and changes nothing; the
//! second is cut into short transactions, so that marks keep flowing.

pub mod students;
pub mod v1;
