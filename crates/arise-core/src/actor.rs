//! Who does something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, Result, StudentId, TeacherId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Admin,
    Teacher,
    Student,
    Device,
    /// arise itself: set-up, imports from the command line.
    System,
}

impl Role {
    const ALL: [Self; 5] = [Self::Admin, Self::Teacher, Self::Student, Self::Device, Self::System];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Teacher => "teacher",
            Self::Student => "student",
            Self::Device => "device",
            Self::System => "system",
        }
    }

    fn tag(self) -> u8 {
        match self {
            Self::Admin => 1,
            Self::Teacher => 2,
            Self::Student => 3,
            Self::Device => 4,
            Self::System => 5,
        }
    }
}

/// The person, device or program behind a request or a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Actor {
    pub role: Role,
    /// The id of the admin, teacher, student or device; nil for [`Role::System`].
    pub id: Uuid,
}

impl Actor {
    pub const SYSTEM: Self = Self { role: Role::System, id: Uuid::nil() };

    pub fn new(role: Role, id: impl Into<Uuid>) -> Self {
        Self { role, id: id.into() }
    }

    /// A teacher acts on their own courses only.
    ///
    /// # Errors
    /// `not_your_course` for anyone but the course's teacher.
    pub fn must_teach(self, teacher: Option<TeacherId>) -> Result<()> {
        if self.role == Role::Teacher && teacher.is_some_and(|t| t.0 == self.id) {
            return Ok(());
        }
        Err(Error::forbidden("not_your_course", "This course belongs to another teacher."))
    }

    pub fn teacher(self) -> Result<TeacherId> {
        self.is(Role::Teacher).map(TeacherId)
    }

    pub fn student(self) -> Result<StudentId> {
        self.is(Role::Student).map(StudentId)
    }

    fn is(self, role: Role) -> Result<Uuid> {
        if self.role == role {
            return Ok(self.id);
        }
        Err(Error::forbidden("wrong_role", "Your account can't do this."))
    }

    /// One byte for the role and 16 for the id, as records keep it.
    pub fn to_bytes(self) -> [u8; 17] {
        let mut bytes = [self.role.tag(); 17];
        bytes[1..].copy_from_slice(self.id.as_bytes());
        bytes
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&tag, id) = bytes.split_first()?;
        let role = Role::ALL.into_iter().find(|role| role.tag() == tag)?;
        Some(Self { role, id: Uuid::from_slice(id).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_round_trip() {
        for role in Role::ALL {
            let actor = Actor::new(role, Uuid::from_u128(7));
            assert_eq!(Actor::from_bytes(&actor.to_bytes()), Some(actor));
        }
        assert_eq!(Actor::from_bytes(&[9; 17]), None);
        assert_eq!(Actor::from_bytes(&[1; 3]), None);
    }
}
