//! The rules of attendance.
