//! Online classes: their links, codes mistyped, and where marks came from. All of it is the hub's own: nothing
//! here is a record that other nodes get, but the marks are.

use std::net::IpAddr;

use arise_core::clock::{DAY, SECOND};
use arise_core::online::{Origin, delay};
use arise_core::{Error, Result, SessionId, StudentId, UtcMillis};

use crate::params;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;

/// How long it is known where a mark came from.
const KEPT: UtcMillis = 30 * DAY;

/// What opens an online class.
#[derive(Debug, Clone)]
pub struct OnlineClass {
    pub session_id: SessionId,
    /// In its link.
    pub token: String,
    /// Of its code.
    pub seed: Vec<u8>,
}

fn from_row(row: &Row) -> Result<OnlineClass> {
    Ok(OnlineClass { session_id: row.get(0)?, token: row.get(1)?, seed: row.get(2)? })
}

/// Keeps the link of a session that has just started, and forgets what is no longer of use.
pub(crate) fn open(tx: &mut WriteTx<'_>, session: SessionId, token: &str, seed: &[u8]) -> Result<()> {
    let before = tx.now() - KEPT;
    tx.execute("DELETE FROM online_mark WHERE marked_at < ?1", params![before])?;
    tx.execute("DELETE FROM online_failure WHERE allowed_at < ?1", params![before])?;
    tx.execute(
        "INSERT INTO online_class (session_id, token, otp_seed) VALUES (?1, ?2, ?3)",
        params![session, token, seed],
    )
    .map(|_| ())
}

/// # Errors
/// `not_online` for a session in a classroom, or whose link another node has.
pub fn of_session(tx: &mut Tx<'_>, session: SessionId) -> Result<OnlineClass> {
    let row = tx.query_opt(
        "SELECT session_id, token, otp_seed FROM online_class WHERE session_id = ?1",
        params![session],
    )?;
    row.as_ref().map(from_row).transpose()?.ok_or_else(|| {
        Error::conflict(
            "not_online",
            "This session isn't an online class. Start an online one to get a code.",
        )
    })
}

/// # Errors
/// `not_found`.
pub fn by_token(tx: &mut Tx<'_>, token: &str) -> Result<OnlineClass> {
    let row = tx.query_opt(
        "SELECT session_id, token, otp_seed FROM online_class WHERE token = ?1",
        params![token.trim().to_lowercase()],
    )?;
    row.as_ref().map(from_row).transpose()?.ok_or_else(|| Error::not_found("online class"))
}

/// # Errors
/// `too_many_tries` while this student has to wait.
pub fn check_tries(tx: &mut Tx<'_>, session: SessionId, student: StudentId) -> Result<()> {
    let now = tx.now();
    let row = tx.query_opt(
        "SELECT allowed_at FROM online_failure WHERE session_id = ?1 AND student_id = ?2",
        params![session, student],
    )?;
    let allowed_at: UtcMillis = row.map(|row| row.get(0)).transpose()?.unwrap_or_default();
    if allowed_at <= now {
        return Ok(());
    }
    let seconds = u64::try_from((allowed_at - now + SECOND - 1) / SECOND).unwrap_or(1);
    Err(Error::too_many(seconds, format!("Too many wrong codes. Wait {seconds} s and try again.")))
}

/// Counts a wrong code.
pub fn count_wrong(tx: &mut WriteTx<'_>, session: SessionId, student: StudentId) -> Result<()> {
    let now = tx.now();
    let row = tx.query_one(
        "INSERT INTO online_failure (session_id, student_id, failures, allowed_at) VALUES (?1, ?2, 1, ?3) \
         ON CONFLICT (session_id, student_id) DO UPDATE SET failures = online_failure.failures + 1 \
         RETURNING failures",
        params![session, student, now],
    )?;
    tx.execute(
        "UPDATE online_failure SET allowed_at = ?3 WHERE session_id = ?1 AND student_id = ?2",
        params![session, student, now + delay(row.get(0)?)],
    )
    .map(|_| ())
}

/// Wrong codes of each student of a session.
pub fn failures(tx: &mut Tx<'_>, session: SessionId) -> Result<Vec<(StudentId, i64)>> {
    let rows = tx.query(
        "SELECT student_id, failures FROM online_failure WHERE session_id = ?1 ORDER BY student_id LIMIT 5000",
        params![session],
    )?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Notes where a student's mark came from: the first time only.
pub fn note_origin(tx: &mut WriteTx<'_>, session: SessionId, origin: &Origin) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO online_mark (session_id, student_id, device, address, marked_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (session_id, student_id) DO NOTHING",
        params![
            session,
            origin.student_id,
            origin.device.clone(),
            origin.address.map(|address| address.to_string()).unwrap_or_default(),
            now
        ],
    )
    .map(|_| ())
}

/// Where the marks of a session came from, the earliest first.
pub fn origins(tx: &mut Tx<'_>, session: SessionId) -> Result<Vec<Origin>> {
    let rows = tx.query(
        "SELECT student_id, device, address FROM online_mark WHERE session_id = ?1 \
         ORDER BY marked_at, student_id LIMIT 5000",
        params![session],
    )?;
    rows.iter()
        .map(|row| {
            let address: String = row.get(2)?;
            Ok(Origin {
                student_id: row.get(0)?,
                device: row.get(1)?,
                address: address.parse::<IpAddr>().ok(),
            })
        })
        .collect()
}

/// Whom this device has marked in a session.
pub fn marked_by(tx: &mut Tx<'_>, session: SessionId, device: &[u8]) -> Result<Vec<StudentId>> {
    let rows = tx.query(
        "SELECT student_id FROM online_mark WHERE session_id = ?1 AND device = ?2 ORDER BY marked_at, student_id LIMIT 100",
        params![session, device],
    )?;
    rows.iter().map(|row| row.get(0)).collect()
}
