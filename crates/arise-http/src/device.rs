//! Scanners: proving who they are, their marks, their health.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

use arise_core::clock::{DAY, HOUR, MINUTE, SECOND};
use arise_core::session::MAX_AHEAD;
use arise_core::zone::Zone;
use arise_core::{Actor, DeviceId, Error, Result, Role, SessionId, Source, UtcMillis, signature, text};
use arise_store::device::{Credential, Device, DeviceMark, Health, RefusedMark, Told};
use arise_store::mark::Taken;
use arise_store::session::Session;
use arise_store::{Store, WriteTx, audit, device, enrolment, mark, session};
use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Id, Json, Raw, Who, from_slice};
use crate::session::of_teacher;

pub(crate) const ID_HEADER: &str = "x-arise-device";
const COUNTER_HEADER: &str = "x-arise-counter";
const SIGNATURE_HEADER: &str = "x-arise-signature";

/// Marks of one upload.
const MAX_MARKS: usize = 500;
/// Bodies of scanners are read before their signature can be checked.
const MAX_BODY: usize = 128 * 1024;
/// A mark that arrives later than this was queued.
const PROMPT: UtcMillis = 30 * SECOND;
/// How far a scanner's idea of a session's end may differ from ours.
const TOLERANCE: UtcMillis = MINUTE;
/// How long scanners keep the windows of past sessions for fingers placed without the server.
const WINDOWS_OF: UtcMillis = 14 * DAY;

/// The scanner behind a request.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Signed {
        id: DeviceId,
        pairing: i64,
        counter: i64,
    },
    /// One of the older unsigned protocol, approved and calling from where it heartbeats from.
    Legacy(DeviceId),
    /// One of the older protocol that nobody has approved: it may only make itself known.
    Stranger,
}

impl Caller {
    fn signed(&self) -> Option<DeviceId> {
        match self {
            Self::Signed { id, .. } => Some(*id),
            Self::Legacy(_) | Self::Stranger => None,
        }
    }

    /// Uses the request's counter up and answers which scanner it is.
    fn enter(&self, tx: &mut WriteTx<'_>) -> Result<DeviceId> {
        let id = match self {
            Self::Signed { id, pairing, counter } => {
                device::advance(tx, *id, *pairing, *counter)?;
                *id
            }
            Self::Legacy(id) => *id,
            Self::Stranger => return Err(not_approved()),
        };
        tx.act_as(Actor::new(Role::Device, id));
        Ok(id)
    }
}

fn not_approved() -> Error {
    Error::unauthorized("not_approved", "This scanner waits for an administrator's approval.")
}

/// Keys by scanner. A key that doesn't fit is read again before the request is refused.
#[derive(Default)]
pub(crate) struct DeviceKeys(RwLock<HashMap<DeviceId, Credential>>);

impl DeviceKeys {
    fn cached(&self, id: DeviceId) -> Option<Credential> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    async fn read(&self, store: &Store, id: DeviceId) -> Result<Option<Credential>> {
        let found = store.read(move |tx| device::credential(tx, id)).await?;
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(credential) => cache.insert(id, credential.clone()),
            None => cache.remove(&id),
        };
        Ok(found)
    }
}

/// Checks `X-Arise-Device`, `-Counter` and `-Signature`. The counter is used up by the handler, in the
/// transaction of what the request does.
pub(crate) async fn check_signature(app: &App, request: Request) -> ApiResult<Request> {
    let (mut parts, body) = request.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let id = header(ID_HEADER).and_then(|text| text.parse::<DeviceId>().ok());
    let counter = header(COUNTER_HEADER).and_then(|text| text.parse::<u64>().ok());
    let signature = header(SIGNATURE_HEADER).map(str::to_owned);
    let (Some(id), Some(counter), Some(signature)) = (id, counter, signature) else {
        return Err(
            Error::unauthorized("not_signed", "This request's signature headers can't be read.").into()
        );
    };
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| {
        ApiError(Error::new(
            arise_core::ErrorKind::TooLarge,
            "too_large",
            "This upload is too large. Send at most 500 marks at once.",
        ))
    })?;
    let path = parts.uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let fits =
        |c: &Credential| signature::verify(&c.key, parts.method.as_str(), path, counter, &bytes, &signature);

    let credential = match app.device_keys.cached(id).filter(|c| fits(c)) {
        Some(credential) => credential,
        None => match app.device_keys.read(&app.store, id).await?.filter(|c| fits(c)) {
            Some(credential) => credential,
            None => {
                refused(app, id, "signature_wrong").await;
                return Err(Error::unauthorized(
                    "signature_wrong",
                    "The signature is wrong. Pair this scanner anew.",
                )
                .into());
            }
        },
    };
    let counter = i64::try_from(counter).unwrap_or(i64::MAX);
    parts.extensions.insert(Caller::Signed { id, pairing: credential.pairing, counter });
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Lets an approved scanner of the older protocol through, by the address of its heartbeats.
pub(crate) async fn check_legacy(app: &App, mut request: Request, address: IpAddr) -> ApiResult<Request> {
    if !app.settings().0.allow_legacy_scanners {
        return Err(
            Error::unauthorized("not_signed", "Scanners without a signature are turned off here.").into()
        );
    }
    let address = address.to_canonical().to_string();
    let wanted = address.clone();
    let known = app.store.read(move |tx| device::legacy_at(tx, &wanted)).await?;
    let is_heartbeat = request.uri().path() == "/api/device/heartbeat";
    let caller = match known {
        Some(id) => Caller::Legacy(id),
        None if is_heartbeat => Caller::Stranger,
        None => return Err(not_approved().into()),
    };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Address(address));
    Ok(request)
}

/// Where a request of the older protocol came from.
#[derive(Debug, Clone)]
pub(crate) struct Address(String);

/// Puts a refused scanner into the audit trail, at most once a minute for each so that it can't fill the disk.
/// Scanners that don't exist count as one: their ids are whatever somebody makes up.
async fn refused(app: &App, id: DeviceId, code: &'static str) {
    let noted = app
        .store
        .write(move |tx| {
            let since = tx.now() - MINUTE;
            let (who, detail) = match device::get(tx, id) {
                Ok(_) => (id.to_string(), String::new()),
                Err(error) if error.code == "not_found" => ("unknown scanner".to_owned(), id.to_string()),
                Err(error) => return Err(error),
            };
            if audit::noted_since(tx, code, &who, since)? {
                return Ok(());
            }
            tx.act_as(Actor::new(Role::Device, id));
            audit::note(tx, code, &who, &detail)
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(%error, device = %id, "a refused scanner couldn't be noted");
    }
}

/// Runs a scanner's request; one whose counter doesn't rise is noted and refused.
async fn write<T: Send + 'static>(
    app: &App,
    caller: Caller,
    job: impl FnOnce(&mut WriteTx<'_>, DeviceId) -> Result<T> + Send + 'static,
) -> ApiResult<T> {
    let signed = caller.signed();
    let outcome = app.store.write(move |tx| caller.enter(tx).and_then(|id| job(tx, id))).await;
    note_replay(app, signed, &outcome).await;
    outcome.map_err(ApiError)
}

async fn note_replay<T>(app: &App, signed: Option<DeviceId>, outcome: &Result<T>) {
    if let (Err(error), Some(id)) = (outcome, signed)
        && error.code == "replayed"
    {
        refused(app, id, "replayed").await;
    }
}

/// A scanner as screens see it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DeviceView {
    id: DeviceId,
    name: String,
    room: String,
    mac_address: String,
    protocol: &'static str,
    approved: bool,
    paired: bool,
    /// online, offline, or waiting for pairing or approval.
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
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AdminDeviceView {
    #[serde(flatten)]
    view: DeviceView,
    enrolled_slots: Option<Vec<u16>>,
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
            };
            Ok(device::list(tx)?.into_iter().map(with_slots).collect::<Vec<_>>())
        })
        .await?;
    Ok(Json(devices))
}

/// The scanner heard of last, in the fields of old, and all scanners.
pub(crate) async fn status(State(app): State<App>) -> ApiResult<Json<Value>> {
    let devices = views(&app).await?;
    let last = devices.iter().filter(|d| d.status != "waiting").max_by(|a, b| a.last_seen.cmp(&b.last_seen));
    let online = devices.iter().filter(|d| d.status == "online").count();
    Ok(Json(json!({
        "status": if online > 0 { "online" } else { "offline" },
        "message": format!("{online} of {} scanners online", devices.len()),
        "mac_address": last.map(|d| &d.mac_address),
        "wifi_strength": last.and_then(|d| d.wifi_strength),
        "battery": last.and_then(|d| d.battery),
        "queue_count": last.and_then(|d| d.queue_count),
        "sync_count": last.and_then(|d| d.sync_count),
        "last_seen": last.and_then(|d| d.last_seen.clone()),
        "devices": devices,
    })))
}

#[derive(Deserialize)]
pub(crate) struct NewDevice {
    name: String,
    #[serde(default)]
    room: String,
}

/// Adds a scanner and gives the code that pairs it.
pub(crate) async fn create(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<NewDevice>,
) -> ApiResult<(StatusCode, Json<Value>)> {
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
    let answer = json!({
        "status": "success",
        "message": "Scanner added",
        "id": id,
        "pairing_code": shown,
        "expires_at": app.zone().iso(expires_at),
    });
    Ok((StatusCode::CREATED, Json(answer)))
}

/// Gives a new pairing code, for a scanner whose code ran out or that was replaced.
pub(crate) async fn offer_pairing(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<DeviceId>,
) -> ApiResult<Json<Value>> {
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
    Ok(Json(json!({"id": id, "pairing_code": shown, "expires_at": app.zone().iso(expires_at)})))
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

#[derive(Deserialize)]
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
) -> ApiResult<Json<Value>> {
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
    Ok(Json(json!({"status": "success", "message": "Scanner saved"})))
}

pub(crate) async fn remove(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<DeviceId>,
) -> ApiResult<Json<Value>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let known = device::get(tx, id)?;
            audit::note(tx, "scanner_removed", &known.name, "")?;
            device::archive(tx, id)
        })
        .await?;
    Ok(Json(json!({"status": "success", "message": "Scanner removed"})))
}

/// Lets a scanner beep with its next heartbeat, for who looks for it.
pub(crate) async fn beep(State(app): State<App>, Id(id): Id<DeviceId>) -> ApiResult<Json<Value>> {
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
    Ok(Json(json!({"status": "success", "message": "The scanner beeps with its next heartbeat"})))
}

/// The marks that scanners sent on a session's day and that count nowhere, for its teacher.
pub(crate) async fn refused_marks(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<Value>> {
    let zone = app.zone();
    let marks = app
        .store
        .read(move |tx| {
            let session = of_teacher(tx, id, actor)?;
            let start = zone.start_of(&session.held_on).unwrap_or(session.window.starts_at);
            // Where clocks change, a day has an hour more or less; the next day's date says where it ends.
            let end = zone.start_of(&zone.date(start + DAY + 2 * HOUR)).unwrap_or(start + DAY);
            let marks = device::refused_marks(tx, &session, start..end)?;
            let view = |refused: RefusedMark| {
                json!({
                    "seq": refused.mark.seq,
                    "class_roll_id": refused.mark.class_roll_id,
                    "session_id": refused.mark.session_id,
                    "status": refused.status,
                    "message": refused.message,
                    "observed_at": refused.mark.observed_at.map(|at| zone.iso(at)),
                    "received_at": zone.iso(refused.received_at),
                    "device_name": refused.device_name,
                })
            };
            Ok(marks.into_iter().map(view).collect::<Vec<_>>())
        })
        .await?;
    Ok(Json(json!({"marks": marks})))
}

#[derive(Deserialize)]
pub(crate) struct Pair {
    code: String,
    #[serde(default)]
    mac_address: String,
    #[serde(default)]
    firmware: String,
}

/// Gives a scanner its key, once, for a pairing code.
pub(crate) async fn pair(State(app): State<App>, Json(body): Json<Pair>) -> ApiResult<Json<Value>> {
    let mac_address = text::optional("mac_address", &body.mac_address, 40)?;
    let firmware = text::optional("firmware", &body.firmware, 40)?;
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
    let id = app.store.write(move |tx| device::pair(tx, &body.code, &mac_address, &firmware, &key)).await?;
    Ok(Json(json!({"device_id": id, "key": hex::encode(key), "server_time": app.now()})))
}

#[derive(Deserialize)]
struct Heartbeat {
    #[serde(default)]
    mac_address: String,
    #[serde(default, deserialize_with = "number")]
    wifi_strength: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    battery: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    queue_count: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    sync_count: Option<i64>,
    firmware: Option<String>,
    /// Only after it changed; an array of numbers, from 1.
    enrolled_slots: Option<Value>,
}

/// A whole number, or nothing: a scanner with a strange figure still works.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<i64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
    Ok(value.as_i64().or_else(|| value.as_f64().map(|float| float.round() as i64)))
}

impl Heartbeat {
    fn keep(&self, tx: &mut WriteTx<'_>, id: DeviceId) -> Result<()> {
        let health = Health {
            wifi_strength: self.wifi_strength,
            battery: self.battery,
            queue_count: self.queue_count,
            sync_count: self.sync_count,
        };
        let firmware =
            self.firmware.as_deref().map(|text| text::optional("firmware", text, 40)).transpose()?;
        device::heartbeat(tx, id, &health, firmware.as_deref())
    }

    /// The slots it says hold a finger. What isn't one is left off.
    fn slots(&self) -> Option<Vec<u16>> {
        let slot = |value: &Value| u16::try_from(value.as_u64()?).ok().filter(|slot| *slot >= 1);
        let mut slots: Vec<u16> = self.enrolled_slots.as_ref()?.as_array()?.iter().filter_map(slot).collect();
        slots.sort_unstable();
        slots.dedup();
        Some(slots)
    }
}

/// Takes a scanner's word of its own health. One of the older protocol makes itself known with it.
pub(crate) async fn heartbeat(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    address: Option<Extension<Address>>,
    Raw(body): Raw,
) -> ApiResult<Json<Value>> {
    let beat: Result<Heartbeat, ApiError> = from_slice(&body);
    let Some(Extension(Address(address))) = address else {
        let beat = beat?;
        let called = write(&app, caller, move |tx, id| {
            if let Some(slots) = beat.slots() {
                device::set_enrolled_slots(tx, id, &slots)?;
            }
            beat.keep(tx, id)?;
            device::take_call(tx, id)
        })
        .await?;
        let answer = if called { json!({"status": "ok", "beep": true}) } else { json!({"status": "ok"}) };
        return Ok(Json(answer));
    };
    // What isn't a heartbeat doesn't make a scanner known.
    let beat = match (beat, &caller) {
        (Ok(beat), _) if !beat.mac_address.trim().is_empty() => beat,
        (Err(error), Caller::Legacy(_)) => return Err(error),
        _ => return Err(not_approved().into()),
    };
    let approved = app
        .store
        .write(move |tx| {
            let mac = text::required("mac_address", &beat.mac_address, 40)?;
            let id = device::legacy(tx, &mac, &address)?;
            beat.keep(tx, id)?;
            Ok(device::get(tx, id)?.approved)
        })
        .await?;
    if !approved {
        return Err(not_approved().into());
    }
    Ok(Json(json!({"status": "ok"})))
}

/// What a scanner has to know: the time, its session, and the windows of recent ones.
pub(crate) async fn state(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<Value>> {
    let answer = write(&app, caller, |tx, id| {
        let now = tx.now();
        let (session, message) = match session::for_device(tx, id) {
            Ok(session) => (
                Some(json!({
                    "id": session.id,
                    "course_code": session.course_code,
                    "course_name": session.course_name,
                    "ends_at": session.window.closes_at(),
                })),
                "",
            ),
            Err(error) if error.code == "choose_scanner" => (None, CHOOSE_SCANNER),
            Err(error) if error.code == "no_session" => (None, ""),
            Err(error) => return Err(error),
        };
        let windows: Vec<Value> = session::recent(tx, now - WINDOWS_OF, 32)?
            .into_iter()
            .filter(|s| s.device_id.is_none_or(|chosen| chosen == id))
            .map(|s| {
                json!({
                    "session_id": s.id,
                    "course_code": s.course_code,
                    "starts_at": s.window.starts_at,
                    "ends_at": s.window.closes_at(),
                })
            })
            .collect();
        Ok(json!({"server_time": now, "session": session, "message": message, "windows": windows}))
    })
    .await?;
    Ok(Json(answer))
}

/// The status of a mark that is on record.
const SUCCESS: &str = "success";

// Words on a scanner's display: at most 20 characters.
const MARKED: &str = "Marked";
const ALREADY_MARKED: &str = "Already Marked";
const NOT_ENROLLED: &str = "Not Enrolled";
const NO_SESSION: &str = "No Active Session";
const CHOOSE_SCANNER: &str = "Choose scanner";
const UNREADABLE: &str = "Not readable";

#[derive(Deserialize)]
struct Upload {
    marks: Vec<UploadedMark>,
    /// The scanner's present start and the time since it, which date marks that have no wall clock.
    boot: Option<i64>,
    uptime_ms: Option<i64>,
}

/// One mark of an upload. What can't be used makes this mark invalid, not the upload.
#[derive(Deserialize)]
struct UploadedMark {
    seq: i64,
    session_id: Option<Value>,
    #[serde(default, deserialize_with = "number")]
    slot: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    class_roll_id: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    observed_at: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    boot: Option<i64>,
    #[serde(default, deserialize_with = "number")]
    uptime_ms: Option<i64>,
}

impl UploadedMark {
    /// Two sensor slots per student, unless the mark names the roll itself.
    fn roll(&self) -> Option<i64> {
        let roll =
            self.class_roll_id.or_else(|| self.slot.filter(|slot| *slot >= 1).map(|slot| (slot - 1) / 2 + 1));
        roll.filter(|roll| *roll >= 1)
    }

    /// When the finger was placed, if that can be known.
    fn observed_at(&self, upload: &Upload, now: UtcMillis) -> Option<UtcMillis> {
        if let Some(at) = self.observed_at.filter(|at| *at > 0) {
            return Some(at.min(now));
        }
        let same_boot = self.boot.is_some() && self.boot == upload.boot;
        let age = upload.uptime_ms?.checked_sub(self.uptime_ms?)?;
        (same_boot && (0..=now).contains(&age)).then_some(now - age)
    }
}

/// Takes up to 500 marks. Each is answered by its number, and the same way however often it is sent.
pub(crate) async fn marks(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Raw(body): Raw,
) -> ApiResult<Json<Value>> {
    let upload: Upload = from_slice(&body)?;
    if upload.marks.len() > MAX_MARKS {
        return Err(Error::invalid("marks", format!("Send at most {MAX_MARKS} marks at once.")).into());
    }
    let Caller::Signed { id, pairing, counter } = caller else {
        return Err(Error::unauthorized("not_signed", "This scanner must be paired first.").into());
    };
    // Whether the scanner may is settled before anything is written; then only the disk can fail it.
    let outcome = app
        .store
        .write_checked(move |tx| {
            let mut seen = device::begin_upload(tx, id, pairing, counter)?;
            tx.act_as(Actor::new(Role::Device, id));
            let mut results = Vec::with_capacity(upload.marks.len());
            for mark in &upload.marks {
                let (told, name) = if seen.insert(mark.seq) {
                    take(tx, id, pairing, mark, &upload)?
                } else {
                    // Whatever has become of rolls and sessions since. Who waited to read a name has long gone.
                    (device::told(tx, id, pairing, mark.seq)?.unwrap_or_else(|| say(SUCCESS, MARKED)), None)
                };
                let mut result = json!({"seq": mark.seq, "status": told.status, "message": told.message});
                if let Some(name) = name {
                    result["student_name"] = name.into();
                }
                results.push(result);
            }
            device::end_upload(tx, id, counter, &seen)?;
            Ok(results)
        })
        .await;
    note_replay(&app, Some(id), &outcome).await;
    let results = outcome?;
    Ok(Json(json!({"results": results})))
}

fn say(status: &str, message: &str) -> Told {
    Told { status: status.into(), message: message.into(), student_id: None }
}

/// What a scanner is told of a new mark, and the name of the student it counts for.
fn take(
    tx: &mut WriteTx<'_>,
    id: DeviceId,
    pairing: i64,
    mark: &UploadedMark,
    upload: &Upload,
) -> Result<(Told, Option<String>)> {
    let now = tx.now();
    let observed_at = mark.observed_at(upload, now);
    let mut record = DeviceMark { seq: mark.seq, class_roll_id: mark.roll(), session_id: None, observed_at };
    let (told, name) = judge(tx, id, mark, &mut record)?;
    if told.status != SUCCESS {
        device::tell(tx, id, pairing, &record, &told)?;
    }
    Ok((told, name))
}

fn judge(
    tx: &mut WriteTx<'_>,
    id: DeviceId,
    mark: &UploadedMark,
    record: &mut DeviceMark,
) -> Result<(Told, Option<String>)> {
    let Some(roll) = record.class_roll_id else { return Ok((say("invalid", UNREADABLE), None)) };
    let named = match &mark.session_id {
        None | Some(Value::Null) => None,
        Some(value) => match value.as_str().and_then(|text| text.parse::<SessionId>().ok()) {
            Some(session) => Some(session),
            None => return Ok((say("invalid", UNREADABLE), None)),
        },
    };
    let session = match resolve(tx, id, named, record.observed_at)? {
        Ok(session) => session,
        Err(message) => {
            // It is refused all the same; the teacher of the session that it names sees it.
            if let Some(named) = named
                && session::find(tx, named)?.is_some()
            {
                record.session_id = Some(named);
            }
            return Ok((say("no_session", message), None));
        }
    };
    record.session_id = Some(session.id);
    let Some(student) = enrolment::student_by_roll(tx, session.course_id, roll, &session.held_on)? else {
        return Ok((say("not_enrolled", NOT_ENROLLED), None));
    };
    let now = tx.now();
    let window = &session.window;
    // Without any clock the student gets the benefit of the doubt: there from the start.
    let observed_at = record.observed_at.map_or(window.starts_at, |at| {
        at.clamp(window.starts_at, window.closes_at().max(window.starts_at + 1) - 1)
    });
    let prompt = record.observed_at.is_some_and(|at| now - at <= PROMPT);
    let source = if prompt { Source::Fingerprint } else { Source::ScannerQueue };
    let taken = mark::observe(tx, session.id, window, student.student_id, source, observed_at)?;
    let told = match taken {
        Taken::New => say(SUCCESS, MARKED),
        Taken::Duplicate => say("duplicate", ALREADY_MARKED),
    };
    Ok((Told { student_id: Some(student.student_id), ..told }, Some(student.student_name)))
}

/// The session a mark belongs to: the one that was open when the finger was placed, never the one that
/// happens to be open now. `Err` is what the display says instead.
fn resolve(
    tx: &mut WriteTx<'_>,
    id: DeviceId,
    named: Option<SessionId>,
    observed_at: Option<UtcMillis>,
) -> Result<std::result::Result<Session, &'static str>> {
    if let Some(named) = named {
        let Some(session) = session::find(tx, named)? else { return Ok(Err(NO_SESSION)) };
        let window = &session.window;
        // Who is there before the time is in time.
        let inside = observed_at
            .is_none_or(|at| (window.starts_at - MAX_AHEAD..window.closes_at() + TOLERANCE).contains(&at));
        // A scanner that another open class chose doesn't mark for this one.
        let ours = session.device_id.is_none_or(|chosen| chosen == id);
        return Ok(if inside && ours { Ok(session) } else { Err(NO_SESSION) });
    }
    // A mark that names no session and whose time nobody knows may be of any class.
    let Some(at) = observed_at else { return Ok(Err(NO_SESSION)) };
    Ok(session::for_device_at(tx, id, at)?.ok_or(NO_SESSION))
}

// The older protocol.

pub(crate) async fn legacy_status(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<Value>> {
    let session = match &caller {
        // Nothing is written, so that a poll every few seconds costs no commit.
        Caller::Legacy(id) => {
            let id = *id;
            app.store.read(move |tx| Ok(session::for_device(tx, id))).await?
        }
        _ => write(&app, caller, |tx, id| Ok(session::for_device(tx, id))).await?,
    };
    match session {
        Ok(session) => Ok(Json(json!({"isSessionActive": true, "sessionName": session.course_code}))),
        Err(error) if error.code == "choose_scanner" => {
            Ok(Json(json!({"isSessionActive": false, "sessionName": CHOOSE_SCANNER})))
        }
        Err(error) if error.code == "no_session" => {
            Ok(Json(json!({"isSessionActive": false, "sessionName": ""})))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
pub(crate) struct LegacyMark {
    class_roll_id: i64,
}

type Answer = (StatusCode, Json<Value>);

fn answer(status: &str, message: &str) -> Answer {
    (StatusCode::OK, Json(json!({"status": status, "message": message})))
}

pub(crate) async fn legacy_mark(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(body): Json<LegacyMark>,
) -> ApiResult<Answer> {
    let outcome = write(&app, caller, move |tx, id| {
        let session = match session::for_device(tx, id) {
            Ok(session) => session,
            Err(error) if error.code == "choose_scanner" => return Ok(Err(CHOOSE_SCANNER)),
            Err(error) if error.code == "no_session" => return Ok(Err(NO_SESSION)),
            Err(error) => return Err(error),
        };
        legacy_take(tx, &session, body.class_roll_id, Source::Fingerprint).map(Ok)
    })
    .await?;
    Ok(match outcome {
        Ok(Some(Taken::New)) => answer("success", MARKED),
        Ok(Some(Taken::Duplicate)) => answer("duplicate", ALREADY_MARKED),
        Ok(None) => answer("not_enrolled", NOT_ENROLLED),
        Err(message) => (StatusCode::BAD_REQUEST, Json(json!({"status": "error", "message": message}))),
    })
}

/// `None` when nobody in the course has this roll.
fn legacy_take(tx: &mut WriteTx<'_>, session: &Session, roll: i64, source: Source) -> Result<Option<Taken>> {
    let Some(student) = enrolment::student_by_roll(tx, session.course_id, roll, &session.held_on)? else {
        return Ok(None);
    };
    let now = tx.now();
    mark::observe(tx, session.id, &session.window, student.student_id, source, now).map(Some)
}

#[derive(Deserialize)]
pub(crate) struct LegacyBulk {
    roll_ids: Vec<Value>,
}

/// The queue of a scanner of the older protocol. It has no times, so it goes to the session open now.
pub(crate) async fn legacy_bulk(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(body): Json<LegacyBulk>,
) -> ApiResult<Answer> {
    if body.roll_ids.len() > MAX_MARKS {
        return Err(Error::invalid("roll_ids", format!("Send at most {MAX_MARKS} rolls at once.")).into());
    }
    let answer = write(&app, caller, move |tx, id| {
        let session = match session::for_device(tx, id) {
            Ok(session) => session,
            Err(error) if error.code == "choose_scanner" || error.code == "no_session" => {
                let message = if error.code == "no_session" { NO_SESSION } else { CHOOSE_SCANNER };
                let body = json!({"error": message, "message": message, "success_count": 0, "failed": body.roll_ids});
                return Ok((StatusCode::BAD_REQUEST, Json(body)));
            }
            Err(error) => return Err(error),
        };
        let mut success = 0;
        let mut failed = Vec::new();
        let mut details = serde_json::Map::new();
        for given in &body.roll_ids {
            let name = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
            let roll = given.as_i64().or_else(|| given.as_str()?.trim().parse().ok()).filter(|roll| *roll >= 1);
            let word = match roll {
                None => "invalid_roll_id",
                Some(roll) => match legacy_take(tx, &session, roll, Source::ScannerQueue)? {
                    Some(Taken::New) => "success",
                    Some(Taken::Duplicate) => "already_marked",
                    None => "not_enrolled",
                },
            };
            if word == "success" || word == "already_marked" {
                success += 1;
            } else {
                failed.push(given.clone());
            }
            details.insert(name, json!(word));
        }
        let body = json!({"success_count": success, "failed": failed, "details": details});
        Ok((StatusCode::OK, Json(body)))
    })
    .await?;
    Ok(answer)
}
