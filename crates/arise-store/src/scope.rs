//! What figures are about.

use arise_core::{CourseId, SemesterId};
use uuid::Uuid;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    All,
    Semester(SemesterId),
    Course(CourseId),
}

impl Scope {
    /// As the tables name it. Ids never meet, and none is nil.
    pub(crate) fn key(self) -> Uuid {
        match self {
            Self::All => Uuid::nil(),
            Self::Semester(id) => id.0,
            Self::Course(id) => id.0,
        }
    }
}

impl From<Option<SemesterId>> for Scope {
    fn from(semester: Option<SemesterId>) -> Self {
        semester.map_or(Self::All, Self::Semester)
    }
}
