//! An op: one immutable record. The state of a node is a pure fold of its set of ops.

use std::fmt;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Actor, NodeId, OpId, UtcMillis};

/// The noun an op is about. Kinds of newer versions are kept and passed on as they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Semester,
    Teacher,
    Student,
    Course,
    /// `entity` is the course, `subject` the student.
    Enrolment,
    Session,
    /// `entity` is the session, `subject` the student.
    Mark,
    Setting,
    Unknown(String),
}

impl Kind {
    pub fn as_str(&self) -> &str {
        match self {
            Self::Semester => "semester",
            Self::Teacher => "teacher",
            Self::Student => "student",
            Self::Course => "course",
            Self::Enrolment => "enrolment",
            Self::Session => "session",
            Self::Mark => "mark",
            Self::Setting => "setting",
            Self::Unknown(word) => word,
        }
    }

    pub fn parse(word: &str) -> Self {
        [
            Self::Semester,
            Self::Teacher,
            Self::Student,
            Self::Course,
            Self::Enrolment,
            Self::Session,
            Self::Mark,
            Self::Setting,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
        .unwrap_or_else(|| Self::Unknown(word.to_owned()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The cell an op belongs to. `subject` is nil unless the kind says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    pub kind: Kind,
    pub entity: Uuid,
    pub subject: Uuid,
}

impl Cell {
    pub fn of(kind: Kind, entity: impl Into<Uuid>) -> Self {
        Self { kind, entity: entity.into(), subject: Uuid::nil() }
    }

    pub fn pair(kind: Kind, entity: impl Into<Uuid>, subject: impl Into<Uuid>) -> Self {
        Self { kind, entity: entity.into(), subject: subject.into() }
    }

    /// All settings of the institution share one cell.
    pub fn settings() -> Self {
        Self::of(Kind::Setting, Uuid::nil())
    }
}

/// How far the wall clock of the writer could be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WallQuality {
    /// As the machine's clock said.
    Claimed = 0,
    /// The clock was behind a stamp already seen, so the stamp was moved forward.
    Behind = 1,
}

impl WallQuality {
    pub fn from_i64(number: i64) -> Self {
        if number == 1 { Self::Behind } else { Self::Claimed }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Op {
    pub id: OpId,
    pub cell: Cell,
    /// The fields it sets, by name. For [`Kind::Mark`] the mark itself.
    pub body: Map<String, Value>,
    /// Every op the writer saw as a head of a field that this op sets.
    pub parents: Vec<OpId>,
    pub actor: Actor,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    pub node: NodeId,
    /// How often that node had been started.
    pub boot: i64,
    /// Hybrid logical time in microseconds: max(wall, every stamp known) + 1.
    pub hlc: i64,
    /// What the writer's wall clock said.
    pub wall_at: UtcMillis,
    pub wall_quality: WallQuality,
    /// The hub's dense number; `None` until the hub has it.
    pub gsn: Option<i64>,
    /// The time the hub gives it: min(hlc, the hub's monotone time), in microseconds.
    pub eff: Option<i64>,
}
