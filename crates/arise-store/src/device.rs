//! Scanners of this node.

use std::cmp::Reverse;
use std::ops::Range;

use arise_core::clock::{MINUTE, SECOND};
use arise_core::seen::Seen;
use arise_core::signature::Key;
use arise_core::{DeviceId, Error, Result, SessionId, StudentId, UtcMillis};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::event::Event;
use crate::params;
use crate::session::Session;
use crate::slot;
use crate::tx::{Tx, WriteTx};
use crate::value::Row;

/// A scanner that hasn't been heard of for longer is offline.
pub const STALE_AFTER: UtcMillis = 15 * SECOND;
/// Scanners of the unsigned protocol that may wait for approval: anybody on the network can add one.
const MAX_WAITING: i64 = 50;
/// How long a pairing code can be used, once.
pub const PAIRING_CODE_LASTS: UtcMillis = 10 * MINUTE;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub id: DeviceId,
    pub name: String,
    pub room: String,
    pub mac_address: String,
    pub signed: bool,
    pub approved: bool,
    pub paired: bool,
    pub address: String,
    pub firmware: String,
    pub health: Health,
    /// Slots of its sensor that hold a finger, from 1; `None` when it hasn't said.
    pub enrolled_slots: Option<Vec<u16>>,
    /// How many slots its sensor has; `None` when it hasn't said.
    pub slot_capacity: Option<u16>,
    /// Whether its slots belong to students, see [`crate::slot`]; else they follow the default rule.
    pub slot_map: bool,
    pub last_seen: Option<UtcMillis>,
    pub created_at: UtcMillis,
}

/// What a scanner says of itself with each heartbeat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// dBm.
    pub wifi_strength: Option<i64>,
    /// Percent.
    pub battery: Option<i64>,
    pub queue_count: Option<i64>,
    pub sync_count: Option<i64>,
}

impl Device {
    pub fn is_online(&self, now: UtcMillis) -> bool {
        self.last_seen.is_some_and(|seen| now - seen <= STALE_AFTER)
    }

    /// Whether it may mark.
    pub fn is_trusted(&self) -> bool {
        if self.signed { self.paired } else { self.approved }
    }
}

const COLUMNS: &str = "id, name, room, mac_address, protocol, approved, device_key IS NOT NULL, address, firmware, \
                       wifi_strength, battery, queue_count, sync_count, last_seen, created_at, enrolled_slots, slot_capacity, slot_map";

fn from_row(row: &Row) -> Result<Device> {
    Ok(Device {
        id: row.get(0)?,
        name: row.get(1)?,
        room: row.get(2)?,
        mac_address: row.get(3)?,
        signed: row.get::<String>(4)? == "signed",
        approved: row.get(5)?,
        paired: row.get(6)?,
        address: row.get(7)?,
        firmware: row.get(8)?,
        health: Health {
            wifi_strength: row.get(9)?,
            battery: row.get(10)?,
            queue_count: row.get(11)?,
            sync_count: row.get(12)?,
        },
        last_seen: row.get(13)?,
        created_at: row.get(14)?,
        enrolled_slots: row
            .get::<Option<String>>(15)?
            .map(|slots| {
                serde_json::from_str(&slots).map_err(|e| Error::internal(format!("a scanner's slots: {e}")))
            })
            .transpose()?,
        slot_capacity: row.get::<Option<i64>>(16)?.and_then(|capacity| u16::try_from(capacity).ok()),
        slot_map: row.get(17)?,
    })
}

pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Device>> {
    let rows = tx.query(
        &format!("SELECT {COLUMNS} FROM device WHERE archived = 0 ORDER BY lower(name), id LIMIT 1000"),
        &[],
    )?;
    rows.iter().map(from_row).collect()
}

/// # Errors
/// `not_found`.
pub fn get(tx: &mut Tx<'_>, id: DeviceId) -> Result<Device> {
    let row =
        tx.query_opt(&format!("SELECT {COLUMNS} FROM device WHERE id = ?1 AND archived = 0"), params![id])?;
    row.as_ref().map(from_row).transpose()?.ok_or_else(|| Error::not_found("scanner"))
}

/// Adds a scanner that speaks the signed protocol. It can do nothing until it is paired.
pub fn create(tx: &mut WriteTx<'_>, name: &str, room: &str) -> Result<DeviceId> {
    insert(tx, name, room, "", "signed", "")
}

fn insert(
    tx: &mut WriteTx<'_>,
    name: &str,
    room: &str,
    mac_address: &str,
    protocol: &str,
    address: &str,
) -> Result<DeviceId> {
    let now = tx.now();
    let id = DeviceId::new(now);
    tx.execute(
        "INSERT INTO device (id, name, room, mac_address, protocol, approved, archived, pairing, counter, seen, address, \
         firmware, created_at) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, '', ?6, '', ?7)",
        params![id, name, room, mac_address, protocol, address, now],
    )?;
    tx.emit(Event::Device(id));
    Ok(id)
}

/// Changes the name and room, and for a scanner of the unsigned protocol whether it may mark.
pub fn update(tx: &mut WriteTx<'_>, id: DeviceId, name: &str, room: &str, approved: bool) -> Result<()> {
    let changed = tx.execute(
        "UPDATE device SET name = ?2, room = ?3, approved = ?4 WHERE id = ?1 AND archived = 0",
        params![id, name, room, approved],
    )?;
    if changed == 0 {
        return Err(Error::not_found("scanner"));
    }
    tx.emit(Event::Device(id));
    Ok(())
}

/// Forgets a scanner's key and takes it out of the lists.
pub fn archive(tx: &mut WriteTx<'_>, id: DeviceId) -> Result<()> {
    let changed = tx.execute(
        "UPDATE device SET archived = 1, approved = 0, device_key = NULL, pairing_code_hash = NULL \
         WHERE id = ?1 AND archived = 0",
        params![id],
    )?;
    if changed == 0 {
        return Err(Error::not_found("scanner"));
    }
    slot::clear(tx, id)
}

/// Keeps the print of a new pairing code, which replaces an earlier one.
pub fn offer_pairing(tx: &mut WriteTx<'_>, id: DeviceId, code: &str) -> Result<UtcMillis> {
    let expires_at = tx.now() + PAIRING_CODE_LASTS;
    tx.execute(
        "UPDATE device SET pairing_code_hash = ?2, pairing_expires_at = ?3, protocol = 'signed' WHERE id = ?1",
        params![id, code_hash(code), expires_at],
    )?;
    Ok(expires_at)
}

/// Uses a pairing code up and gives the scanner its key.
///
/// # Errors
/// `pairing_code_wrong` for one that was never given, was used, or is older than ten minutes.
pub fn pair(
    tx: &mut WriteTx<'_>,
    code: &str,
    mac_address: &str,
    firmware: &str,
    key: &Key,
) -> Result<DeviceId> {
    let now = tx.now();
    let row = tx.query_opt(
        "UPDATE device SET device_key = ?2, pairing = pairing + 1, counter = 0, seen = '', pairing_code_hash = NULL, \
         mac_address = ?3, firmware = ?4, last_seen = ?5 \
         WHERE pairing_code_hash = ?1 AND pairing_expires_at > ?5 AND archived = 0 RETURNING id",
        params![code_hash(code), *key, mac_address, firmware, now],
    )?;
    let Some(row) = row else {
        return Err(Error::unauthorized(
            "pairing_code_wrong",
            "This pairing code isn't valid. Codes work once, for ten minutes: make a new one.",
        ));
    };
    let id = row.get(0)?;
    tx.emit(Event::Device(id));
    Ok(id)
}

fn code_hash(code: &str) -> String {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    hex::encode(Sha256::digest(code.to_ascii_uppercase()))
}

/// What is needed to believe a signed request.
#[derive(Debug, Clone)]
pub struct Credential {
    pub key: Key,
    pub pairing: i64,
}

pub fn credential(tx: &mut Tx<'_>, id: DeviceId) -> Result<Option<Credential>> {
    let row = tx.query_opt(
        "SELECT device_key, pairing FROM device WHERE id = ?1 AND archived = 0 AND device_key IS NOT NULL",
        params![id],
    )?;
    let Some(row) = row else { return Ok(None) };
    let key: Vec<u8> = row.get(0)?;
    let key = Key::try_from(key).map_err(|_| Error::internal("a scanner's key has the wrong length"))?;
    Ok(Some(Credential { key, pairing: row.get(1)? }))
}

/// Uses a request's counter up, in the transaction of what the request does.
///
/// # Errors
/// `replayed` when the counter isn't above the last one, or the scanner was removed or paired anew.
pub fn advance(tx: &mut WriteTx<'_>, id: DeviceId, pairing: i64, counter: i64) -> Result<()> {
    let now = tx.now();
    let changed = tx.execute(
        "UPDATE device SET counter = ?3, last_seen = ?4 \
         WHERE id = ?1 AND pairing = ?2 AND counter < ?3 AND archived = 0",
        params![id, pairing, counter, now],
    )?;
    if changed == 1 { Ok(()) } else { Err(replayed()) }
}

/// What has to be known of a scanner whose marks are being taken.
#[derive(Debug)]
pub struct Upload {
    /// Numbers that were answered since it was paired.
    pub seen: Seen,
    /// Whether its slots belong to students.
    pub slot_map: bool,
}

/// Begins an upload of marks. The counter
/// is used up when the upload ends, with [`end_upload`] in the same transaction.
///
/// # Errors
/// Those of [`advance`].
pub fn begin_upload(tx: &mut Tx<'_>, id: DeviceId, pairing: i64, counter: i64) -> Result<Upload> {
    let row = tx.query_opt(
        "SELECT seen, slot_map FROM device WHERE id = ?1 AND pairing = ?2 AND counter < ?3 AND archived = 0",
        params![id, pairing, counter],
    )?;
    let row = row.ok_or_else(replayed)?;
    Ok(Upload { seen: Seen::parse(&row.get::<String>(0)?), slot_map: row.get(1)? })
}

/// Uses an upload's counter up and remembers which numbers are answered by now.
pub fn end_upload(tx: &mut WriteTx<'_>, id: DeviceId, counter: i64, seen: &Seen) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE device SET counter = ?2, last_seen = ?3, seen = ?4 WHERE id = ?1",
        params![id, counter, now, seen.to_string()],
    )
    .map(|_| ())
}

fn replayed() -> Error {
    Error::unauthorized("replayed", "This request was sent before. Its counter must rise.")
}

pub fn heartbeat(tx: &mut WriteTx<'_>, id: DeviceId, health: &Health, firmware: Option<&str>) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "UPDATE device SET wifi_strength = ?2, battery = ?3, queue_count = ?4, sync_count = ?5, last_seen = ?6 \
         WHERE id = ?1",
        params![id, health.wifi_strength, health.battery, health.queue_count, health.sync_count, now],
    )?;
    if let Some(firmware) = firmware {
        tx.execute("UPDATE device SET firmware = ?2 WHERE id = ?1", params![id, firmware])?;
    }
    tx.emit(Event::Device(id));
    Ok(())
}

/// Whether a scanner's slots belong to students.
pub fn has_slot_map(tx: &mut Tx<'_>, id: DeviceId) -> Result<bool> {
    tx.query_one("SELECT slot_map FROM device WHERE id = ?1", params![id])?.get(0)
}

/// Remembers which slots of a scanner's sensor hold a finger, and how many it has if that is known.
pub fn set_enrolled_slots(
    tx: &mut WriteTx<'_>,
    id: DeviceId,
    slots: &[u16],
    capacity: Option<u16>,
) -> Result<()> {
    let slots =
        serde_json::to_string(slots).map_err(|e| Error::internal(format!("a scanner's slots: {e}")))?;
    tx.execute(
        "UPDATE device SET enrolled_slots = ?2, slot_capacity = coalesce(?3, slot_capacity) WHERE id = ?1",
        params![id, slots, capacity.map(i64::from)],
    )
    .map(|_| ())
}

/// Calls a scanner: [`take_call`] answers it once.
pub fn call(tx: &mut WriteTx<'_>, id: DeviceId) -> Result<()> {
    tx.execute("UPDATE device SET beep = 1 WHERE id = ?1", params![id]).map(|_| ())
}

/// Whether somebody has called this scanner since this was last asked.
pub fn take_call(tx: &mut WriteTx<'_>, id: DeviceId) -> Result<bool> {
    Ok(tx.execute("UPDATE device SET beep = 0 WHERE id = ?1 AND beep = 1", params![id])? > 0)
}

/// The scanner of the unsigned protocol with this MAC address; a new one waits for approval.
///
/// # Errors
/// `address_taken` while an approved scanner with this MAC address is heard from another network address:
/// anybody can claim a MAC address. `too_many_scanners` when many wait already.
pub fn legacy(tx: &mut WriteTx<'_>, mac_address: &str, address: &str) -> Result<DeviceId> {
    let known = tx.query_opt(
        "SELECT id, approved, address, last_seen FROM device \
         WHERE mac_address = ?1 AND protocol = 'legacy' AND archived = 0 LIMIT 1",
        params![mac_address],
    )?;
    let Some(known) = known else {
        let waiting = tx.query_one(
            "SELECT COUNT(*) FROM device WHERE protocol = 'legacy' AND approved = 0 AND archived = 0",
            &[],
        )?;
        if waiting.get::<i64>(0)? >= MAX_WAITING {
            return Err(Error::unauthorized("too_many_scanners", "Too many scanners wait for approval."));
        }
        return insert(tx, &format!("Scanner {mac_address}"), "", mac_address, "legacy", address);
    };
    let heard = known.get::<Option<i64>>(3)?.is_some_and(|seen| tx.now() - seen <= STALE_AFTER);
    if known.get::<bool>(1)? && heard && known.get::<String>(2)? != address {
        return Err(Error::unauthorized("address_taken", "This scanner is heard from another address."));
    }
    let id = known.get(0)?;
    tx.execute("UPDATE device SET address = ?2 WHERE id = ?1", params![id, address])?;
    Ok(id)
}

/// The approved scanner of the unsigned protocol that heartbeats from this address.
pub fn legacy_at(tx: &mut Tx<'_>, address: &str) -> Result<Option<DeviceId>> {
    let row = tx.query_opt(
        "SELECT id FROM device WHERE address = ?1 AND protocol = 'legacy' AND approved = 1 AND archived = 0 \
         ORDER BY last_seen DESC LIMIT 1",
        params![address],
    )?;
    row.map(|row| row.get(0)).transpose()
}

/// What a scanner was told of one of its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub status: String,
    pub message: String,
    pub student_id: Option<StudentId>,
}

pub fn told(tx: &mut Tx<'_>, id: DeviceId, pairing: i64, seq: i64) -> Result<Option<Told>> {
    let row = tx.query_opt(
        "SELECT status, message, student_id FROM device_mark WHERE device_id = ?1 AND pairing = ?2 AND seq = ?3",
        params![id, pairing, seq],
    )?;
    row.map(|row| Ok(Told { status: row.get(0)?, message: row.get(1)?, student_id: row.get(2)? })).transpose()
}

/// One numbered mark of a scanner, as it is remembered.
#[derive(Debug, Clone)]
pub struct DeviceMark {
    pub seq: i64,
    pub class_roll_id: Option<i64>,
    pub slot: Option<i64>,
    pub session_id: Option<SessionId>,
    pub observed_at: Option<UtcMillis>,
}

pub fn tell(tx: &mut WriteTx<'_>, id: DeviceId, pairing: i64, mark: &DeviceMark, told: &Told) -> Result<()> {
    let now = tx.now();
    tx.execute(
        "INSERT INTO device_mark (device_id, pairing, seq, status, message, class_roll_id, session_id, student_id, \
         observed_at, received_at, slot) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            id,
            pairing,
            mark.seq,
            &told.status,
            &told.message,
            mark.class_roll_id,
            mark.session_id,
            told.student_id,
            mark.observed_at,
            now,
            mark.slot,
        ],
    )
    .map(|_| ())
}

/// A mark that a scanner was told is refused, as the teacher sees it.
#[derive(Debug, Clone)]
pub struct RefusedMark {
    pub mark: DeviceMark,
    pub status: String,
    pub message: String,
    pub received_at: UtcMillis,
    pub device_name: String,
    /// Whose finger it was, where the scanner's slots belong to students.
    pub student_name: Option<String>,
}

const REFUSED: &str = "SELECT m.seq, m.class_roll_id, m.session_id, m.observed_at, m.status, m.message, m.received_at, d.name, \
    m.slot, st.student_name FROM device_mark m JOIN device d ON d.id = m.device_id \
    LEFT JOIN student st ON st.id = m.student_id";
/// More than a scanner keeps, and than anybody reads.
const MAX_REFUSED: usize = 500;

/// The marks refused on the day of a session: those for its course, and those of no known session from a scanner that may
/// have marked for it. The newest come first.
pub fn refused_marks(tx: &mut Tx<'_>, session: &Session, day: Range<UtcMillis>) -> Result<Vec<RefusedMark>> {
    let placed = tx.query(
        &format!(
            "{REFUSED} JOIN session s ON s.id = m.session_id \
             WHERE s.course_id = ?1 AND s.held_on = ?2 AND m.status <> 'success' AND m.status <> 'duplicate' \
             ORDER BY m.received_at DESC, m.seq DESC LIMIT {MAX_REFUSED}"
        ),
        params![session.course_id, &session.held_on],
    )?;
    let unplaced = tx.query(
        &format!(
            "{REFUSED} WHERE m.session_id IS NULL AND m.status <> 'success' AND m.status <> 'duplicate' \
             AND coalesce(m.observed_at, m.received_at) >= ?1 AND coalesce(m.observed_at, m.received_at) < ?2 \
             AND m.device_id = coalesce(?3, m.device_id) ORDER BY m.received_at DESC, m.seq DESC LIMIT {MAX_REFUSED}"
        ),
        params![day.start, day.end, session.device_id],
    )?;
    let mut marks = placed.iter().chain(&unplaced).map(refused_from_row).collect::<Result<Vec<_>>>()?;
    marks.sort_by_key(|refused| Reverse((refused.received_at, refused.mark.seq)));
    marks.truncate(MAX_REFUSED);
    Ok(marks)
}

fn refused_from_row(row: &Row) -> Result<RefusedMark> {
    let mark = DeviceMark {
        seq: row.get(0)?,
        class_roll_id: row.get(1)?,
        session_id: row.get(2)?,
        observed_at: row.get(3)?,
        slot: row.get(8)?,
    };
    Ok(RefusedMark {
        mark,
        status: row.get(4)?,
        message: row.get(5)?,
        received_at: row.get(6)?,
        device_name: row.get(7)?,
        student_name: row.get(9)?,
    })
}
