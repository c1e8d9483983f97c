//! One error type for every layer.

use std::collections::BTreeMap;
use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a caller can act on it. Each maps to one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request can't be read (400).
    Malformed,
    /// Fields were read but their values can't be accepted (422).
    Invalid,
    /// Nobody is logged in, or the signature is wrong (401).
    Unauthorized,
    /// Logged in, but this isn't theirs (403).
    Forbidden,
    NotFound,
    /// The present state forbids it; the message says what to do (409).
    Conflict,
    /// It is over: an ended session, a used code (410).
    Gone,
    TooLarge,
    /// Too many tries; wait (429).
    TooMany,
    /// Can't be done now; trying later may help (503).
    Unavailable,
    /// A fault of arise itself (500). The message is logged and never shown.
    Internal,
}

/// An error with a stable `code` for programs and a `message` for people that says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub kind: ErrorKind,
    /// A stable word in `snake_case`, such as `session_ended`.
    pub code: &'static str,
    pub message: String,
    /// For [`ErrorKind::Invalid`]: what is wrong, by the field's name.
    pub fields: BTreeMap<String, String>,
    /// For [`ErrorKind::TooMany`] and [`ErrorKind::Unavailable`]: seconds to wait.
    pub retry_after: Option<u64>,
    /// Extra members of the JSON answer, such as the `session_id` of the session that is already open.
    pub extra: BTreeMap<&'static str, String>,
}

impl Error {
    pub fn new(kind: ErrorKind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
            fields: BTreeMap::new(),
            retry_after: None,
            extra: BTreeMap::new(),
        }
    }

    pub fn malformed(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Malformed, code, message)
    }

    /// One field that can't be accepted.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut error = Self::new(ErrorKind::Invalid, "invalid_field", message.clone());
        error.fields.insert(field.to_owned(), message);
        error
    }

    pub fn unauthorized(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unauthorized, code, message)
    }

    pub fn forbidden(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Forbidden, code, message)
    }

    /// `noun` as it is called on screen, such as "session".
    pub fn not_found(noun: &str) -> Self {
        Self::new(ErrorKind::NotFound, "not_found", format!("This {noun} doesn't exist, or was deleted."))
    }

    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, code, message)
    }

    pub fn gone(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Gone, code, message)
    }

    pub fn too_many(retry_after: u64, message: impl Into<String>) -> Self {
        let mut error = Self::new(ErrorKind::TooMany, "too_many_tries", message);
        error.retry_after = Some(retry_after);
        error
    }

    pub fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, code, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "internal", message)
    }

    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.extra.insert(key, value.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Error {}
