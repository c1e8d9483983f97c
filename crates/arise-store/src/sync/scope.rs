//! On the hub: which records a node is given. All, or those of some courses.
//!
//! Who is scoped gets semesters, courses, students and settings like everybody, but enrolments, sessions and marks only
//! of its courses, and only the teachers of these: other people's PIN hashes aren't there to be stolen. What it isn't
//! given, it is told the id and stamp of, so that numbers stay dense and the chain can be checked.

use std::collections::{BTreeSet, HashSet};

use arise_core::id::uuid_v7;
use arise_core::op::Kind;
use arise_core::{CourseId, Error, NodeId, Result, SessionId, TeacherId};
use uuid::Uuid;

use super::peer::Peer;
use super::{Record, peer};
use crate::params;
use crate::tx::{Tx, WriteTx};
use crate::value::{MAX_PLACES, Row, Value, places};

/// The most courses of a scope.
pub const MAX_COURSES: usize = 500;

/// The courses of a scope; nothing is all of them.
pub type Courses = Option<BTreeSet<CourseId>>;

/// What a node is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// Another one whenever something else is given than before: who counted under an earlier one begins anew. It is
    /// random: a hub that was restored would count to the same number again and mean something else. 0 is everything,
    /// from the start.
    pub version: i64,
    pub courses: Courses,
    /// Those of the courses.
    teachers: BTreeSet<TeacherId>,
}

impl Scope {
    /// What a node is given from now on.
    pub fn of(tx: &mut WriteTx<'_>, peer: &Peer) -> Result<Self> {
        let Some(courses) = &peer.courses else {
            return Ok(Self { version: peer.scope, ..Self::default() });
        };
        let teachers = teachers_of(tx, courses)?;
        let mut version = peer.scope;
        if teachers != peer.teachers {
            version = new_version(tx)?;
            tx.execute(
                "UPDATE peer SET teachers = ?2, scope = ?3 WHERE id = ?1",
                params![peer.id, written(&teachers)?, version],
            )?;
        }
        Ok(Self { version, courses: peer.courses.clone(), teachers })
    }

    /// The places of those records that the node isn't given.
    pub fn withheld(&self, tx: &mut Tx<'_>, records: &[(Record, i64)]) -> Result<HashSet<usize>> {
        let Some(courses) = &self.courses else { return Ok(HashSet::new()) };
        let sessions = sessions_of(tx, courses, records)?;
        let mut withheld = HashSet::new();
        for (place, (record, _)) in records.iter().enumerate() {
            let cell = record.cell();
            let given = match cell.kind {
                // What only a newer version knows is passed on, as to everybody.
                Kind::Semester | Kind::Course | Kind::Student | Kind::Setting | Kind::Unknown(_) => true,
                Kind::Teacher => self.teachers.contains(&TeacherId(cell.entity)),
                Kind::Enrolment => courses.contains(&CourseId(cell.entity)),
                Kind::Session | Kind::Mark => sessions.contains(&SessionId(cell.entity)),
            };
            if !given {
                withheld.insert(place);
            }
        }
        Ok(withheld)
    }
}

/// Those sessions of the records that are of the courses.
fn sessions_of(
    tx: &mut Tx<'_>,
    courses: &BTreeSet<CourseId>,
    records: &[(Record, i64)],
) -> Result<HashSet<SessionId>> {
    let cells = records.iter().map(|(record, _)| record.cell());
    let named: BTreeSet<Uuid> = cells
        .filter(|cell| matches!(cell.kind, Kind::Session | Kind::Mark))
        .map(|cell| cell.entity)
        .collect();
    let mut sessions = HashSet::new();
    for row in rows_of(tx, "SELECT id, course_id FROM session WHERE id IN", &named)? {
        let course: Option<CourseId> = row.get(1)?;
        if course.is_some_and(|course| courses.contains(&course)) {
            sessions.insert(row.get(0)?);
        }
    }
    Ok(sessions)
}

/// Who teaches the courses.
fn teachers_of(tx: &mut Tx<'_>, courses: &BTreeSet<CourseId>) -> Result<BTreeSet<TeacherId>> {
    let mut teachers = BTreeSet::new();
    for row in rows_of(tx, "SELECT teacher_id FROM course WHERE id IN", courses)? {
        teachers.extend(row.get::<Option<TeacherId>>(0)?);
    }
    Ok(teachers)
}

/// The rows of many ids.
fn rows_of<I: Copy + Into<Value>>(tx: &mut Tx<'_>, sql: &str, ids: &BTreeSet<I>) -> Result<Vec<Row>> {
    let ids: Vec<Value> = ids.iter().copied().map(Into::into).collect();
    let mut rows = vec![];
    for some in ids.chunks(MAX_PLACES) {
        rows.extend(tx.query(&format!("{sql} ({})", places(1, some.len())), some)?);
    }
    Ok(rows)
}

/// Gives a node the records of these courses from now on. What it has already, it keeps.
///
/// # Errors
/// `not_found` for a node that never joined.
pub fn set(tx: &mut WriteTx<'_>, node: NodeId, courses: &Courses) -> Result<()> {
    let peer = peer::find(tx, node)?.ok_or_else(|| Error::not_found("node"))?;
    if peer.courses == *courses {
        return Ok(());
    }
    let teachers = match courses {
        Some(courses) => teachers_of(tx, courses)?,
        None => BTreeSet::new(),
    };
    let version = new_version(tx)?;
    tx.execute(
        "UPDATE peer SET courses = ?2, teachers = ?3, scope = ?4 WHERE id = ?1",
        params![node, written_courses(courses)?, written(&teachers)?, version],
    )?;
    Ok(())
}

fn new_version(tx: &Tx<'_>) -> Result<i64> {
    const RANDOM: u128 = (1 << 62) - 1;
    let number = uuid_v7(tx.now()).as_u128() & RANDOM;
    i64::try_from(number.max(1)).map_err(|e| Error::internal(e.to_string()))
}

/// As the database keeps them: a JSON array.
pub(super) fn written_courses(courses: &Courses) -> Result<Option<String>> {
    courses.as_ref().map(written).transpose()
}

fn written<T: serde::Serialize>(ids: &BTreeSet<T>) -> Result<String> {
    serde_json::to_string(ids).map_err(|e| Error::internal(format!("a scope can't be written: {e}")))
}

pub(super) fn read<T: From<Uuid> + Ord>(text: Option<&str>) -> Result<Option<BTreeSet<T>>> {
    let Some(text) = text else { return Ok(None) };
    let ids: Vec<Uuid> =
        serde_json::from_str(text).map_err(|e| Error::internal(format!("a scope can't be read: {e}")))?;
    Ok(Some(ids.into_iter().map(T::from).collect()))
}
