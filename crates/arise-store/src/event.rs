//! What live screens are told of, after it is committed.

use arise_core::{CourseId, DeviceId, SessionId, Source, Status, StudentId, UtcMillis};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The current mark of a student changed; `status` is `None` when nothing says anything any more.
    Mark {
        session_id: SessionId,
        student_id: StudentId,
        status: Option<Status>,
        source: Option<Source>,
        reason: Option<String>,
        observed_at: UtcMillis,
        recorded_at: UtcMillis,
    },
    Session(SessionId),
    /// The roster of a course changed.
    Roster(CourseId),
    Device(DeviceId),
    Settings,
    /// Events may have been missed: whoever listens should look at the database again.
    Resync,
}
