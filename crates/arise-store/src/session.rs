//! Sessions.

use arise_core::op::{Cell, Kind};
use arise_core::session::{self, SessionType, Window};
use arise_core::{CourseId, DeviceId, Error, Result, SessionId, TeacherId, UtcMillis};
use serde_json::{Value as Json, json};

use crate::review::{self, Reviewed};
use crate::tx::{Tx, WriteTx};
use crate::value::Row;
use crate::{online, op, params, setting};

#[derive(Debug, Clone)]
pub struct Session {
    pub id: SessionId,
    pub course_id: CourseId,
    /// Who started it.
    pub teacher_id: Option<TeacherId>,
    pub session_type: SessionType,
    pub topic: String,
    /// The local date on which it started.
    pub held_on: String,
    pub window: Window,
    pub device_id: Option<DeviceId>,
    /// What its course says today.
    pub course_code: String,
    pub course_name: String,
    /// Whose course it is today.
    pub course_teacher: Option<TeacherId>,
}

const SELECT: &str = "SELECT s.id, s.course_id, s.teacher_id, s.session_type, s.topic, s.held_on, s.starts_at, \
    s.ends_at, s.grace_ms, s.late_after_ms, s.ended_at, s.device_id, \
    c.course_code, c.course_name, c.teacher_id \
    FROM session s JOIN course c ON c.id = s.course_id AND c.archived = 0";

fn from_row(row: &Row) -> Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        course_id: row.get(1)?,
        teacher_id: row.get(2)?,
        session_type: SessionType::parse(&row.get::<String>(3)?).unwrap_or(SessionType::Offline),
        topic: row.get(4)?,
        held_on: row.get(5)?,
        window: Window {
            starts_at: row.get(6)?,
            ends_at: row.get(7)?,
            grace: row.get(8)?,
            late_after: row.get(9)?,
            ended_at: row.get(10)?,
        },
        device_id: row.get(11)?,
        course_code: row.get(12)?,
        course_name: row.get(13)?,
        course_teacher: row.get(14)?,
    })
}

/// # Errors
/// `not_found` for a session that doesn't exist, was deleted, or whose course was.
pub fn get(tx: &mut Tx<'_>, id: SessionId) -> Result<Session> {
    find(tx, id)?.ok_or_else(|| Error::not_found("session"))
}

pub fn find(tx: &mut Tx<'_>, id: SessionId) -> Result<Option<Session>> {
    let row = tx.query_opt(&format!("{SELECT} WHERE s.id = ?1 AND s.archived = 0"), params![id])?;
    row.as_ref().map(from_row).transpose()
}

/// A session that still takes marks.
///
/// # Errors
/// `session_ended` once its time has passed.
pub fn get_open(tx: &mut Tx<'_>, id: SessionId) -> Result<Session> {
    let session = get(tx, id)?;
    if session.window.is_open(tx.now()) {
        return Ok(session);
    }
    Err(ended())
}

fn ended() -> Error {
    Error::gone("session_ended", "This session has ended. Correct its marks in the report instead.")
}

/// How many online classes there were.
pub fn count_online(tx: &mut Tx<'_>) -> Result<i64> {
    tx.query_one("SELECT COUNT(*) FROM session WHERE session_type = 'online' AND archived = 0", &[])?.get(0)
}

/// Every open session of the node, the oldest first.
pub fn open(tx: &mut Tx<'_>) -> Result<Vec<Session>> {
    let now = tx.now();
    let rows = tx.query(
        &format!("{SELECT} WHERE s.closes_at > ?1 AND s.archived = 0 ORDER BY s.starts_at, s.id LIMIT 500"),
        params![now],
    )?;
    rows.iter().map(from_row).collect()
}

/// The open sessions of a teacher's courses.
pub(crate) fn open_of_teacher(tx: &mut Tx<'_>, teacher: TeacherId) -> Result<Vec<Session>> {
    let now = tx.now();
    let rows = tx.query(
        &format!("{SELECT} WHERE s.closes_at > ?1 AND s.archived = 0 AND c.teacher_id = ?2 ORDER BY s.starts_at DESC"),
        params![now, teacher],
    )?;
    rows.iter().map(from_row).collect()
}

pub fn open_of_course(tx: &mut Tx<'_>, course: CourseId) -> Result<Option<Session>> {
    let now = tx.now();
    let row = tx.query_opt(
        &format!("{SELECT} WHERE s.course_id = ?1 AND s.closes_at > ?2 AND s.archived = 0 ORDER BY s.starts_at LIMIT 1"),
        params![course, now],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// The session a scanner's finger belongs to: the one that chose this scanner, else the only open one.
///
/// # Errors
/// `no_session`, or `choose_scanner` when several are open and none chose it.
pub fn for_device(tx: &mut Tx<'_>, device: DeviceId) -> Result<Session> {
    let now = tx.now();
    let chosen = tx.query_opt(
        &format!("{SELECT} WHERE s.closes_at > ?1 AND s.device_id = ?2 AND s.archived = 0 ORDER BY s.starts_at LIMIT 1"),
        params![now, device],
    )?;
    if let Some(row) = chosen {
        return from_row(&row);
    }
    // A session that chose another scanner isn't this one's, even when it is the only one.
    let open = tx.query(
        &format!(
            "{SELECT} WHERE s.closes_at > ?1 AND s.device_id IS NULL AND s.archived = 0 \
             AND s.session_type = 'offline' LIMIT 2"
        ),
        params![now],
    )?;
    match open.as_slice() {
        [] => Err(Error::conflict("no_session", "No session is open.")),
        [only] => from_row(only),
        _ => Err(Error::conflict(
            "choose_scanner",
            "Several sessions are open. Choose the scanner in one of them.",
        )),
    }
}

/// The session that was open when a finger was placed on a scanner at `at`.
pub fn for_device_at(tx: &mut Tx<'_>, device: DeviceId, at: UtcMillis) -> Result<Option<Session>> {
    let rows = tx.query(
        &format!(
            "{SELECT} WHERE s.starts_at <= ?1 AND s.closes_at > ?1 AND s.archived = 0 ORDER BY s.starts_at DESC, s.id LIMIT 100"
        ),
        params![at],
    )?;
    let mut sessions = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
    if let Some(chosen) = sessions.iter().position(|s| s.device_id == Some(device)) {
        return Ok(Some(sessions.swap_remove(chosen)));
    }
    sessions.retain(|s| s.device_id.is_none() && s.session_type == SessionType::Offline);
    Ok(if sessions.len() == 1 { sessions.pop() } else { None })
}

/// Sessions that a scanner may have to know: open ones, and those that closed after `since`.
pub fn recent(tx: &mut Tx<'_>, since: UtcMillis, limit: i64) -> Result<Vec<Session>> {
    let rows = tx.query(
        &format!(
            "{SELECT} WHERE s.closes_at > ?1 AND s.archived = 0 ORDER BY s.closes_at DESC, s.id LIMIT ?2"
        ),
        params![since, limit],
    )?;
    rows.iter().map(from_row).collect()
}

/// What a teacher says of a session that starts.
#[derive(Debug, Clone)]
pub struct NewSession {
    pub course_id: CourseId,
    pub starts_at: UtcMillis,
    pub duration_minutes: i64,
    pub session_type: SessionType,
    pub topic: String,
    pub device_id: Option<DeviceId>,
    /// For an online class: the token of its link and the seed of its code. They stay on this node.
    pub online: Option<(String, Vec<u8>)>,
}

/// Starts a session. The course's teacher was checked by the caller.
///
/// # Errors
/// `session_open`, with its `session_id`, when the course has one; `scanner_taken` when another open session
/// chose the scanner; `invalid_field`.
pub fn start(tx: &mut WriteTx<'_>, new: &NewSession, teacher: Option<TeacherId>) -> Result<SessionId> {
    if let Some(open) = open_of_course(tx, new.course_id)? {
        return Err(Error::conflict(
            "session_open",
            "This course has an open session. Resume it, or end it first.",
        )
        .with("session_id", open.id.to_string()));
    }
    if let Some(device) = new.device_id {
        check_device_is_free(tx, device)?;
    }
    let settings = setting::get(tx)?;
    let minutes = session::checked_minutes("duration_minutes", new.duration_minutes)?;
    let id = SessionId::new(tx.now());
    let fields = [
        ("course_id", json!(new.course_id)),
        ("teacher_id", json!(teacher)),
        ("session_type", json!(new.session_type)),
        ("topic", json!(session::checked_topic(&new.topic)?)),
        ("held_on", json!(settings.zone().date(new.starts_at))),
        ("starts_at", json!(new.starts_at)),
        ("ends_at", json!(new.starts_at + minutes * arise_core::clock::MINUTE)),
        ("grace_ms", json!(settings.grace())),
        ("late_after_ms", json!(settings.late_after())),
        ("device_id", json!(new.device_id)),
    ];
    put(tx, id, fields, None)?;
    if let Some((token, seed)) = &new.online {
        online::open(tx, id, token, seed)?;
    }
    Ok(id)
}

fn check_device_is_free(tx: &mut Tx<'_>, device: DeviceId) -> Result<()> {
    if open(tx)?.iter().any(|s| s.device_id == Some(device)) {
        return Err(Error::conflict(
            "scanner_taken",
            "Another open session uses this scanner. Choose another one.",
        ));
    }
    Ok(())
}

/// Ends an open session now. Ending one that has ended changes nothing.
pub fn end(tx: &mut WriteTx<'_>, session: &Session) -> Result<()> {
    let now = tx.now();
    if !session.window.is_open(now) {
        return Ok(());
    }
    put(tx, session.id, [("ended_at", json!(now))], None)
}

/// Adds ten minutes and answers the new planned end.
///
/// # Errors
/// `session_ended` once its time has passed; `too_long` when it would last longer than a session may.
pub fn extend(tx: &mut WriteTx<'_>, session: &Session) -> Result<UtcMillis> {
    if !session.window.is_open(tx.now()) {
        return Err(ended());
    }
    let ends_at = session.window.ends_at + session::EXTENSION;
    if ends_at - session.window.starts_at > session::MAX_MINUTES * arise_core::clock::MINUTE {
        return Err(Error::conflict("too_long", "A session can't be extended beyond eight hours."));
    }
    put(tx, session.id, [("ends_at", json!(ends_at))], None)?;
    Ok(ends_at)
}

/// Opens a session again that ended a short while ago: for at least ten more minutes.
///
/// # Errors
/// `too_late_to_reopen`, `session_open` when the course has another open session, or `scanner_taken` when
/// another one uses its scanner by now.
pub fn reopen(tx: &mut WriteTx<'_>, session: &Session) -> Result<()> {
    let now = tx.now();
    if session.window.is_open(now) {
        return Ok(());
    }
    if session.window.can_reopen_until(now).is_none() {
        return Err(Error::conflict(
            "too_late_to_reopen",
            "A session can be reopened for ten minutes after its end. Correct its marks in the report instead.",
        ));
    }
    if let Some(open) = open_of_course(tx, session.course_id)? {
        return Err(Error::conflict("session_open", "This course has another open session. End it first.")
            .with("session_id", open.id.to_string()));
    }
    if let Some(device) = session.device_id {
        check_device_is_free(tx, device)?;
    }
    let ends_at = session.window.ends_at.max(now + session::EXTENSION);
    put(tx, session.id, [("ended_at", Json::Null), ("ends_at", json!(ends_at))], None)
}

/// Lets a session take marks from a scanner, or from any (`None`).
pub fn choose_device(tx: &mut WriteTx<'_>, session: &Session, device: Option<DeviceId>) -> Result<()> {
    if let Some(device) = device
        && session.device_id != Some(device)
    {
        check_device_is_free(tx, device)?;
    }
    put(tx, session.id, [("device_id", json!(device))], None)
}

/// Takes a finished session out of every list and count. Its marks stay in the records.
///
/// # Errors
/// `session_open` while it is open.
pub fn archive(tx: &mut WriteTx<'_>, session: &Session, reason: &str) -> Result<i64> {
    if session.window.is_open(tx.now()) {
        return Err(Error::conflict("session_open", "End the session before you delete it.")
            .with("session_id", session.id.to_string()));
    }
    let marks = tx
        .query_one(
            "SELECT COUNT(*) FROM attendance WHERE session_id = ?1 AND status IS NOT NULL",
            params![session.id],
        )?
        .get(0)?;
    let records = review::records_of(tx, Reviewed::Session(session.id))?;
    let fields = [("archived", json!(1)), (review::ARCHIVED_RECORDS, json!(records))];
    put(tx, session.id, fields, Some(reason.to_owned()))?;
    Ok(marks)
}

fn put<const N: usize>(
    tx: &mut WriteTx<'_>,
    id: SessionId,
    fields: [(&str, Json); N],
    reason: Option<String>,
) -> Result<()> {
    tx.put(&Cell::of(Kind::Session, id), op::fields(fields), reason).map(|_| ())
}
