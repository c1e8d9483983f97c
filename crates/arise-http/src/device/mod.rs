//! Scanners: how teachers and administrators see and manage them.

mod older;
pub(crate) mod slots;
mod talk;
mod trust;
mod upload;

use arise_core::clock::{DAY, HOUR};
use arise_core::zone::Zone;
use arise_core::{DeviceId, Error, Result, SessionId, UtcMillis, text};
use arise_store::device::{Device, RefusedMark};
use arise_store::{audit, device};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::answer::{Created, Done};
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};
use crate::session::of_teacher;
pub(crate) use older::{
    Answer as OlderAnswer, BulkAnswer as OlderQueueAnswer, legacy_bulk, legacy_mark, legacy_status,
};
pub(crate) use talk::{Heartbeat, heartbeat, pair, state};
pub(crate) use trust::{DeviceKeys, ID_HEADER, check_legacy, check_signature};
pub(crate) use upload::{Upload, marks};

/// Marks of one upload.
const MAX_MARKS: usize = 500;

/// The status of a mark that is on record.
const SUCCESS: &str = "success";

// Words on a scanner's display: at most 20 characters.
const MARKED: &str = "Marked";
const ALREADY_MARKED: &str = "Already Marked";
const NOT_ENROLLED: &str = "Not Enrolled";
const NO_SESSION: &str = "No Active Session";
const CHOOSE_SCANNER: &str = "Choose scanner";
const UNREADABLE: &str = "Not readable";

/// A scanner as screens see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Scanner")]
pub(crate) struct DeviceView {
    id: DeviceId,
    name: String,
    room: String,
    mac_address: String,
    #[schemars(extend("enum" = ["signed", "legacy"]))]
    protocol: &'static str,
    approved: bool,
    paired: bool,
    /// Waiting is for pairing or approval.
    #[schemars(extend("enum" = ["online", "offline", "waiting"]))]
    status: &'static str,
    battery: Option<i64>,
    wifi_strength: Option<i64>,
    queue_count: Option<i64>,
    sync_count: Option<i64>,
    firmware: String,
    /// Fingers in its sensor.
    enrolled_count: Option<usize>,
    last_seen: Option<String>,
}

impl DeviceView {
    pub(crate) fn new(device: &Device, zone: &Zone, now: UtcMillis) -> Self {
        let status = match (device.is_trusted(), device.is_online(now)) {
            (false, _) => "waiting",
            (true, true) => "online",
            (true, false) => "offline",
        };
        Self {
            id: device.id,
            name: device.name.clone(),
            room: device.room.clone(),
            mac_address: device.mac_address.clone(),
            protocol: if device.signed { "signed" } else { "legacy" },
            approved: device.approved,
            paired: device.paired,
            status,
            battery: device.health.battery,
            wifi_strength: device.health.wifi_strength,
            queue_count: device.health.queue_count,
            sync_count: device.health.sync_count,
            firmware: device.firmware.clone(),
            enrolled_count: device.enrolled_slots.as_ref().map(Vec::len),
            last_seen: device.last_seen.map(|at| zone.iso(at)),
        }
    }
}

async fn views(app: &App) -> ApiResult<Vec<DeviceView>> {
    let zone = app.zone();
    let devices = app
        .store
        .read(move |tx| {
            let now = tx.now();
            Ok(device::list(tx)?.iter().map(|d| DeviceView::new(d, &zone, now)).collect::<Vec<_>>())
        })
        .await?;
    Ok(devices)
}

pub(crate) async fn list(State(app): State<App>) -> ApiResult<Json<Vec<DeviceView>>> {
    Ok(Json(views(&app).await?))
}

/// A scanner with the slots of its sensor, so that the administrator sees whose finger lacks.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "AdminScanner")]
pub(crate) struct AdminDeviceView {
    #[serde(flatten)]
    view: DeviceView,
    enrolled_slots: Option<Vec<u16>>,
    slot_capacity: Option<u16>,
    /// Whether the slots belong to students; else two slots to a class roll id.
    slot_map: bool,
}

pub(crate) async fn list_with_slots(State(app): State<App>) -> ApiResult<Json<Vec<AdminDeviceView>>> {
    let zone = app.zone();
    let devices = app
        .store
        .read(move |tx| {
            let now = tx.now();
            let with_slots = |device: Device| AdminDeviceView {
                view: DeviceView::new(&device, &zone, now),
                enrolled_slots: device.enrolled_slots,
                slot_capacity: device.slot_capacity,
                slot_map: device.slot_map,
            };
            Ok(device::list(tx)?.into_iter().map(with_slots).collect::<Vec<_>>())
        })
        .await?;
    Ok(Json(devices))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct DeviceStatus {
    #[schemars(extend("enum" = ["online", "offline"]))]
    status: &'static str,
    message: String,
    mac_address: Option<String>,
    wifi_strength: Option<i64>,
    battery: Option<i64>,
    queue_count: Option<i64>,
    sync_count: Option<i64>,
    last_seen: Option<String>,
    devices: Vec<DeviceView>,
}

/// The scanner heard of last, in the fields of old, and all scanners.
pub(crate) async fn status(State(app): State<App>) -> ApiResult<Json<DeviceStatus>> {
    let devices = views(&app).await?;
    let last = devices.iter().filter(|d| d.status != "waiting").max_by(|a, b| a.last_seen.cmp(&b.last_seen));
    let online = devices.iter().filter(|d| d.status == "online").count();
    Ok(Json(DeviceStatus {
        status: if online > 0 { "online" } else { "offline" },
        message: format!("{online} of {} scanners online", devices.len()),
        mac_address: last.map(|d| d.mac_address.clone()),
        wifi_strength: last.and_then(|d| d.wifi_strength),
        battery: last.and_then(|d| d.battery),
        queue_count: last.and_then(|d| d.queue_count),
        sync_count: last.and_then(|d| d.sync_count),
        last_seen: last.and_then(|d| d.last_seen.clone()),
        devices,
    }))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDevice {
    name: String,
    #[serde(default)]
    room: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct NewScanner {
    status: &'static str,
    message: &'static str,
    id: DeviceId,
    /// Good for one pairing.
    pairing_code: String,
    expires_at: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct PairingCode {
    id: DeviceId,
    /// Good for one pairing.
    pairing_code: String,
    expires_at: String,
}

/// Adds a scanner and gives the code that pairs it.
pub(crate) async fn create(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<NewDevice>,
) -> ApiResult<Created<NewScanner>> {
    let name = text::required("name", &body.name, 60)?;
    let room = text::optional("room", &body.room, 60)?;
    let code = pairing_code()?;
    let shown = code.clone();
    let (id, expires_at) = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let id = device::create(tx, &name, &room)?;
            audit::note(tx, "scanner_added", &name, "")?;
            Ok((id, device::offer_pairing(tx, id, &code)?))
        })
        .await?;
    Ok(Created(NewScanner {
        status: "success",
        message: "Scanner added",
        id,
        pairing_code: shown,
        expires_at: app.zone().iso(expires_at),
    }))
}

/// Gives a new pairing code, for a scanner whose code ran out or that was replaced.
pub(crate) async fn offer_pairing(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<DeviceId>,
) -> ApiResult<Json<PairingCode>> {
    let code = pairing_code()?;
    let shown = code.clone();
    let expires_at = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let known = device::get(tx, id)?;
            audit::note(tx, "scanner_code_given", &known.name, "")?;
            device::offer_pairing(tx, id, &code)
        })
        .await?;
    Ok(Json(PairingCode { id, pairing_code: shown, expires_at: app.zone().iso(expires_at) }))
}

/// Eight letters and digits without those that look alike: 40 bits, for ten minutes, once.
fn pairing_code() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
    let letters: Vec<char> = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect();
    Ok(format!("{}-{}", letters[..4].iter().collect::<String>(), letters[4..].iter().collect::<String>()))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangedDevice {
    name: Option<String>,
    room: Option<String>,
    approved: Option<bool>,
}

pub(crate) async fn update(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<DeviceId>,
    Json(body): Json<ChangedDevice>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            let known = device::get(tx, id)?;
            let name = text::required("name", body.name.as_deref().unwrap_or(&known.name), 60)?;
            let room = text::optional("room", body.room.as_deref().unwrap_or(&known.room), 60)?;
            let approved = body.approved.unwrap_or(known.approved);
            let action = match (known.approved, approved) {
                (false, true) => "scanner_approved",
                (true, false) => "scanner_disapproved",
                _ => "scanner_changed",
            };
            tx.act_as(actor);
            audit::note(tx, action, &name, "")?;
            device::update(tx, id, &name, &room, approved)
        })
        .await?;
    Ok(Done::saying("Scanner saved"))
}

pub(crate) async fn remove(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<DeviceId>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let known = device::get(tx, id)?;
            audit::note(tx, "scanner_removed", &known.name, "")?;
            device::archive(tx, id)
        })
        .await?;
    Ok(Done::saying("Scanner removed"))
}

/// Lets a scanner beep with its next heartbeat, for who looks for it.
pub(crate) async fn beep(State(app): State<App>, Id(id): Id<DeviceId>) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            let known = device::get(tx, id)?;
            if !(known.signed && known.paired) {
                return Err(Error::conflict(
                    "cannot_beep",
                    "Only a paired scanner of the new protocol beeps.",
                ));
            }
            device::call(tx, id)
        })
        .await?;
    Ok(Done::saying("The scanner beeps with its next heartbeat"))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct RefusedMarks {
    marks: Vec<RefusedMarkView>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RefusedMark")]
struct RefusedMarkView {
    seq: i64,
    class_roll_id: Option<i64>,
    slot: Option<i64>,
    student_name: Option<String>,
    session_id: Option<SessionId>,
    status: String,
    message: String,
    observed_at: Option<String>,
    received_at: String,
    device_name: String,
}

/// The marks that scanners sent on a session's day and that count nowhere, for its teacher.
pub(crate) async fn refused_marks(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<RefusedMarks>> {
    let zone = app.zone();
    let marks = app
        .store
        .read(move |tx| {
            let session = of_teacher(tx, id, actor)?;
            let start = zone.start_of(&session.held_on).unwrap_or(session.window.starts_at);
            // Where clocks change, a day has an hour more or less; the next day's date says where it ends.
            let end = zone.start_of(&zone.date(start + DAY + 2 * HOUR)).unwrap_or(start + DAY);
            let marks = device::refused_marks(tx, &session, start..end)?;
            let view = |refused: RefusedMark| RefusedMarkView {
                seq: refused.mark.seq,
                class_roll_id: refused.mark.class_roll_id,
                slot: refused.mark.slot,
                student_name: refused.student_name,
                session_id: refused.mark.session_id,
                status: refused.status,
                message: refused.message,
                observed_at: refused.mark.observed_at.map(|at| zone.iso(at)),
                received_at: zone.iso(refused.received_at),
                device_name: refused.device_name,
            };
            Ok(marks.into_iter().map(view).collect::<Vec<_>>())
        })
        .await?;
    Ok(Json(RefusedMarks { marks }))
}
