//! What a scanner says of itself, and what it has to know.

use arise_core::clock::DAY;
use arise_core::{DeviceId, Error, Result, SessionId, UtcMillis, slot, text};
use arise_store::device::Health;
use arise_store::{WriteTx, device, session};
use axum::Extension;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::CHOOSE_SCANNER;
use super::trust::{Address, Caller, not_approved, write};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Json, Raw, from_slice};
/// How long scanners keep the windows of past sessions for fingers placed without the server.
const WINDOWS_OF: UtcMillis = 14 * DAY;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Pair {
    code: String,
    #[serde(default)]
    mac_address: String,
    #[serde(default)]
    firmware: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Paired {
    device_id: DeviceId,
    /// Hexadecimal; shown this once.
    key: String,
    /// Milliseconds since 1970.
    server_time: UtcMillis,
}

/// Gives a scanner its key, once, for a pairing code.
pub(crate) async fn pair(State(app): State<App>, Json(body): Json<Pair>) -> ApiResult<Json<Paired>> {
    let mac_address = text::optional("mac_address", &body.mac_address, 40)?;
    let firmware = text::optional("firmware", &body.firmware, 40)?;
    let mut key = [0_u8; 32];
    getrandom::fill(&mut key).map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
    let id = app.store.write(move |tx| device::pair(tx, &body.code, &mac_address, &firmware, &key)).await?;
    Ok(Json(Paired { device_id: id, key: hex::encode(key), server_time: app.now() }))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Heartbeat {
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
    #[serde(default, deserialize_with = "number")]
    slot_capacity: Option<i64>,
}

/// A whole number, or nothing: a scanner with a strange figure still works.
pub(super) fn number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<i64>, D::Error> {
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

    fn slot_capacity(&self) -> Option<u16> {
        u16::try_from(self.slot_capacity?).ok().filter(|capacity| (1..=slot::MAX).contains(capacity))
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Heard {
    /// There when somebody looks for the scanner.
    #[serde(skip_serializing_if = "Option::is_none")]
    beep: Option<bool>,
    status: &'static str,
}

/// Takes a scanner's word of its own health. One of the older protocol makes itself known with it.
pub(crate) async fn heartbeat(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    address: Option<Extension<Address>>,
    Raw(body): Raw,
) -> ApiResult<Json<Heard>> {
    let beat: Result<Heartbeat, ApiError> = from_slice(&body);
    let Some(Extension(Address(address))) = address else {
        let beat = beat?;
        let called = write(&app, caller, move |tx, id| {
            if let Some(slots) = beat.slots() {
                device::set_enrolled_slots(tx, id, &slots, beat.slot_capacity())?;
            }
            beat.keep(tx, id)?;
            device::take_call(tx, id)
        })
        .await?;
        return Ok(Json(Heard { status: "ok", beep: called.then_some(true) }));
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
    Ok(Json(Heard { status: "ok", beep: None }))
}

/// Times are milliseconds since 1970.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ScannerState {
    server_time: UtcMillis,
    session: Option<ScannerSession>,
    /// For the display.
    message: &'static str,
    windows: Vec<ScannerWindow>,
    /// Whether its slots belong to students. Then the display doesn't speak of class roll ids, which don't follow
    /// from the slots.
    slot_map: bool,
}

#[derive(Serialize, JsonSchema)]
struct ScannerSession {
    id: SessionId,
    course_code: String,
    course_name: String,
    ends_at: UtcMillis,
}

/// When a session takes marks.
#[derive(Serialize, JsonSchema)]
struct ScannerWindow {
    session_id: SessionId,
    course_code: String,
    starts_at: UtcMillis,
    ends_at: UtcMillis,
}

/// What a scanner has to know: the time, its session, and the windows of recent ones.
pub(crate) async fn state(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<ScannerState>> {
    let answer = write(&app, caller, |tx, id| {
        let now = tx.now();
        let (session, message) = match session::for_device(tx, id) {
            Ok(session) => (
                Some(ScannerSession {
                    ends_at: session.window.closes_at(),
                    id: session.id,
                    course_code: session.course_code,
                    course_name: session.course_name,
                }),
                "",
            ),
            Err(error) if error.code == "choose_scanner" => (None, CHOOSE_SCANNER),
            Err(error) if error.code == "no_session" => (None, ""),
            Err(error) => return Err(error),
        };
        let windows = session::recent(tx, now - WINDOWS_OF, 32)?
            .into_iter()
            .filter(|s| s.device_id.is_none_or(|chosen| chosen == id))
            .map(|s| ScannerWindow {
                starts_at: s.window.starts_at,
                ends_at: s.window.closes_at(),
                session_id: s.id,
                course_code: s.course_code,
            })
            .collect();
        let slot_map = device::has_slot_map(tx, id)?;
        Ok(ScannerState { server_time: now, session, message, windows, slot_map })
    })
    .await?;
    Ok(Json(answer))
}
