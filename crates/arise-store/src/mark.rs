//! Marks of a session, and taking a new one.

use std::collections::HashMap;

use arise_core::op::{Cell, Kind};
use arise_core::session::Window;
use arise_core::{Error, Mark, Result, SessionId, Source, Status, StudentId, UtcMillis};
use serde_json::Value as Json;

use crate::session::Session;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;
use crate::{op, params};

/// The current mark of a student in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    pub student_id: StudentId,
    pub status: Status,
    pub source: Source,
    pub reason: Option<String>,
    pub observed_at: UtcMillis,
    pub recorded_at: UtcMillis,
}

const COLUMNS: &str = "student_id, status, source, reason, observed_at, recorded_at";

fn from_row(row: &Row) -> Result<Current> {
    let unreadable = || Error::internal("a mark's status or source can't be read");
    Ok(Current {
        student_id: row.get(0)?,
        status: Status::parse(&row.get::<String>(1)?).ok_or_else(unreadable)?,
        source: Source::parse(&row.get::<String>(2)?).ok_or_else(unreadable)?,
        reason: row.get(3)?,
        observed_at: row.get(4)?,
        recorded_at: row.get(5)?,
    })
}

pub fn find(tx: &mut Tx<'_>, session: SessionId, student: StudentId) -> Result<Option<Current>> {
    let row = tx.query_opt(
        &format!("SELECT {COLUMNS} FROM attendance WHERE session_id = ?1 AND student_id = ?2 AND status IS NOT NULL"),
        params![session, student],
    )?;
    row.as_ref().map(from_row).transpose()
}

pub fn of_session(tx: &mut Tx<'_>, session: SessionId) -> Result<HashMap<StudentId, Current>> {
    let rows = tx.query(
        &format!("SELECT {COLUMNS} FROM attendance WHERE session_id = ?1 AND status IS NOT NULL"),
        params![session],
    )?;
    rows.iter().map(|row| from_row(row).map(|mark| (mark.student_id, mark))).collect()
}

/// How many are present or late in a session.
pub fn attended_count(tx: &mut Tx<'_>, session: SessionId) -> Result<i64> {
    tx.query_one(
        "SELECT COUNT(*) FROM attendance WHERE session_id = ?1 AND status IN ('present', 'late')",
        params![session],
    )?
    .get(0)
}

/// As much of the current mark as a new observation has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub status: Status,
    pub source: Source,
    pub observed_at: UtcMillis,
}

/// What a new observation has to know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    pub known: Option<Known>,
    /// Whether tallies count the session.
    pub settled: bool,
}

impl Before {
    /// From the columns `status`, `source` and `observed_at` of the mark and `settled` of the session, beginning
    /// at `index`.
    pub(crate) fn from_row(row: &Row, index: usize) -> Result<Self> {
        let unreadable = || Error::internal("a mark's status or source can't be read");
        let known = match row.text(index) {
            None => None,
            Some(status) => Some(Known {
                status: Status::parse(status).ok_or_else(unreadable)?,
                source: row.text(index + 1).and_then(Source::parse).ok_or_else(unreadable)?,
                observed_at: row.get(index + 2)?,
            }),
        };
        Ok(Self { known, settled: row.get(index + 3)? })
    }
}

/// What became of an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is on record.
    New,
    /// The student was marked already.
    Duplicate,
}

/// Takes what a device or code observed. Only what shows that the student came earlier than any observation
/// on record is written, and it is written even when a person has decided already: should they take that
/// back, it counts.
pub fn observe(
    tx: &mut WriteTx<'_>,
    session: SessionId,
    window: &Window,
    student: StudentId,
    source: Source,
    observed_at: UtcMillis,
) -> Result<Taken> {
    let before = before(tx, session, student)?;
    observe_after(tx, session, window, student, source, observed_at, before)
}

/// [`observe`], where what was before was read already in this transaction.
pub fn observe_after(
    tx: &mut WriteTx<'_>,
    session: SessionId,
    window: &Window,
    student: StudentId,
    source: Source,
    observed_at: UtcMillis,
    before: Before,
) -> Result<Taken> {
    let known = before.known;
    let earliest = match &known {
        None => None,
        Some(known) if known.source.is_human() => earliest_observation(tx, session, student)?,
        Some(known) => Some(known.observed_at),
    };
    if earliest.is_some_and(|earliest| earliest <= observed_at) {
        return Ok(Taken::Duplicate);
    }
    let status = Some(window.status_at(observed_at));
    tx.append_mark(session, student, &Mark { status, source, observed_at, reason: None })?;
    // No tally counts it yet: nothing has to be looked up for them. An open session may be counted all the same,
    // if the clock went back since.
    if !before.settled {
        tx.effects.dirty_marks.remove(&(session, student));
    }
    let stood = known.is_some_and(|known| known.source.is_human() && known.status.attended());
    Ok(if stood { Taken::Duplicate } else { Taken::New })
}

fn before(tx: &mut Tx<'_>, session: SessionId, student: StudentId) -> Result<Before> {
    let row = tx.query_opt(
        "SELECT a.status, a.source, a.observed_at, s.settled FROM session s \
         LEFT JOIN attendance a ON a.session_id = s.id AND a.student_id = ?2 AND a.status IS NOT NULL \
         WHERE s.id = ?1",
        params![session, student],
    )?;
    row.map_or(Ok(Before::default()), |row| Before::from_row(&row, 0))
}

/// When the student was first observed, whatever people decided since.
fn earliest_observation(
    tx: &mut Tx<'_>,
    session: SessionId,
    student: StudentId,
) -> Result<Option<UtcMillis>> {
    let ops = op::of_cell(tx, &Cell::pair(Kind::Mark, session, student))?;
    let marks = ops.into_iter().filter_map(|op| serde_json::from_value::<Mark>(Json::Object(op.body)).ok());
    Ok(marks
        .filter(|mark| !mark.source.is_human() && mark.status.is_some())
        .map(|mark| mark.observed_at)
        .min())
}

/// Writes what a person decided. `None` takes their earlier decisions back. Deciding what already stands
/// writes nothing.
pub fn decide(
    tx: &mut WriteTx<'_>,
    session: &Session,
    student: StudentId,
    status: Option<Status>,
    source: Source,
    reason: &str,
) -> Result<Taken> {
    let known = find(tx, session.id, student)?;
    let stands = match (&known, status) {
        (None, None) => true,
        (Some(known), Some(status)) => {
            known.status == status
                && known.source == source
                && known.reason.as_deref().unwrap_or_default() == reason
        }
        (Some(known), None) => !known.source.is_human(),
        (None, Some(_)) => false,
    };
    if stands {
        return Ok(Taken::Duplicate);
    }
    let observed_at = tx.now();
    let reason = (!reason.is_empty()).then(|| reason.to_owned());
    tx.append_mark(session.id, student, &Mark { status, source, observed_at, reason })?;
    Ok(Taken::New)
}
