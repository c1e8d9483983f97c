//! Marks of paired scanners.

use arise_core::clock::{MINUTE, SECOND};
use arise_core::session::MAX_AHEAD;
use arise_core::slot::default_roll;
use arise_core::{Actor, DeviceId, Error, Result, Role, SessionId, Source, UtcMillis};
use arise_store::device::{DeviceMark, Told};
use arise_store::mark::Taken;
use arise_store::placement::{self, Placed, Placement};
use arise_store::{WriteTx, device, mark, session, slot};
use axum::Extension;
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::talk::number;
use super::trust::{Caller, note_replay};
use super::{ALREADY_MARKED, MARKED, MAX_MARKS, NO_SESSION, NOT_ENROLLED, SUCCESS, UNREADABLE};
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Raw, from_slice};
/// A mark that arrives later than this was queued.
const PROMPT: UtcMillis = 30 * SECOND;
/// How far a scanner's idea of a session's end may differ from ours.
const TOLERANCE: UtcMillis = MINUTE;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Upload {
    marks: Vec<UploadedMark>,
    /// The scanner's present start and the time since it, which date marks that have no wall clock.
    boot: Option<i64>,
    uptime_ms: Option<i64>,
}

/// One mark of an upload. What can't be used makes this mark invalid, not the upload.
#[derive(Deserialize, JsonSchema)]
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
    /// Whom the mark names: by the class roll id, or by the slot under the scanner's map or the default rule.
    fn finger(&self, slot_map: bool) -> Option<Finger> {
        let slot = self.slot.filter(|slot| *slot >= 1);
        match (self.class_roll_id, slot) {
            (Some(roll), _) => (roll >= 1).then_some(Finger::Roll(roll)),
            (None, Some(slot)) if slot_map => Some(Finger::Slot(slot)),
            (None, Some(slot)) => Some(Finger::Roll(default_roll(slot))),
            (None, None) => None,
        }
    }

    /// When the finger was placed, if that can be known.
    fn observed_at(&self, upload: &Upload, now: UtcMillis) -> Option<UtcMillis> {
        if let Some(at) = self.observed_at.filter(|at| *at > 0) {
            return Some(at.min(now));
        }
        let same_boot = self.boot.is_some() && self.boot == upload.boot;
        let age = upload.uptime_ms?.checked_sub(self.uptime_ms?)?;
        (same_boot && (0..=now).contains(&age)).then(|| now - age)
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Uploaded {
    results: Vec<MarkResult>,
}

#[derive(Serialize, JsonSchema)]
struct MarkResult {
    seq: i64,
    #[schemars(extend("enum" = ["success", "duplicate", "not_enrolled", "no_session", "invalid"]))]
    status: String,
    /// For the display.
    message: String,
    /// The first time that the mark is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    student_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class_roll_id: Option<i64>,
}

/// Whose finger was placed.
enum Finger {
    Roll(i64),
    /// The student to whom this slot belongs.
    Slot(i64),
}

/// Who has sent an upload.
struct Sender {
    id: DeviceId,
    pairing: i64,
    slot_map: bool,
}

/// Takes up to 500 marks. Each is answered by its number, and the same way however often it is sent.
pub(crate) async fn marks(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Raw(body): Raw,
) -> ApiResult<Json<Uploaded>> {
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
            let device::Upload { mut seen, slot_map } = device::begin_upload(tx, id, pairing, counter)?;
            let sender = Sender { id, pairing, slot_map };
            tx.act_as(Actor::new(Role::Device, id));
            let mut results = Vec::with_capacity(upload.marks.len());
            for mark in &upload.marks {
                let (told, student) = if seen.insert(mark.seq) {
                    take(tx, &sender, mark, &upload)?
                } else {
                    // Whatever has become of rolls and sessions since. Who waited to read a name has long gone.
                    (device::told(tx, id, pairing, mark.seq)?.unwrap_or_else(|| say(SUCCESS, MARKED)), None)
                };
                results.push(MarkResult {
                    seq: mark.seq,
                    status: told.status,
                    message: told.message,
                    class_roll_id: student.as_ref().map(|student| student.class_roll_id),
                    student_name: student.map(|student| student.student_name),
                });
            }
            device::end_upload(tx, id, counter, &seen)?;
            Ok(results)
        })
        .await;
    note_replay(&app, Some(id), &outcome).await;
    let results = outcome?;
    Ok(Json(Uploaded { results }))
}

fn say(status: &str, message: &str) -> Told {
    Told { status: status.into(), message: message.into(), student_id: None }
}

/// What a scanner is told of a new mark, and the student it counts for.
fn take(
    tx: &mut WriteTx<'_>,
    sender: &Sender,
    mark: &UploadedMark,
    upload: &Upload,
) -> Result<(Told, Option<Placed>)> {
    let now = tx.now();
    let finger = mark.finger(sender.slot_map);
    let mut record = DeviceMark {
        seq: mark.seq,
        class_roll_id: match finger {
            Some(Finger::Roll(roll)) => Some(roll),
            _ => None,
        },
        slot: mark.slot,
        session_id: None,
        observed_at: mark.observed_at(upload, now),
    };
    let (told, student) = judge(tx, sender.id, mark, finger, &mut record)?;
    if told.status != SUCCESS {
        device::tell(tx, sender.id, sender.pairing, &record, &told)?;
    }
    Ok((told, student))
}

fn judge(
    tx: &mut WriteTx<'_>,
    id: DeviceId,
    mark: &UploadedMark,
    finger: Option<Finger>,
    record: &mut DeviceMark,
) -> Result<(Told, Option<Placed>)> {
    let Some(finger) = finger else { return Ok((say("invalid", UNREADABLE), None)) };
    let named = match &mark.session_id {
        None | Some(Value::Null) => None,
        Some(value) => match value.as_str().and_then(|text| text.parse::<SessionId>().ok()) {
            Some(session) => Some(session),
            None => return Ok((say("invalid", UNREADABLE), None)),
        },
    };
    let Some(session) = named.map_or_else(|| open_at(tx, id, record.observed_at), |named| Ok(Some(named)))?
    else {
        return Ok((say("no_session", NO_SESSION), None));
    };
    let (owner, place) = match finger {
        Finger::Roll(roll) => (None, placement::of_roll(tx, session, roll)?),
        Finger::Slot(slot) => {
            let owner = slot::student(tx, id, slot)?;
            (owner, placement::of_student(tx, session, owner)?)
        }
    };
    let Some(place) = place else { return Ok((say("no_session", NO_SESSION), None)) };
    // Should it be refused all the same, the teacher of the session sees it.
    record.session_id = Some(session);
    if named.is_some() && !fits(&place, id, record.observed_at) {
        return Ok((say("no_session", NO_SESSION), None));
    }
    let Some(student) = place.student else {
        // The teacher learns whose finger it was, if that is known.
        return Ok((Told { student_id: owner, ..say("not_enrolled", NOT_ENROLLED) }, None));
    };
    let now = tx.now();
    let window = &place.window;
    // Without any clock the student gets the benefit of the doubt: there from the start.
    let observed_at = record.observed_at.map_or(window.starts_at, |at| {
        at.clamp(window.starts_at, window.closes_at().max(window.starts_at + 1) - 1)
    });
    let prompt = record.observed_at.is_some_and(|at| now - at <= PROMPT);
    let source = if prompt { Source::Fingerprint } else { Source::ScannerQueue };
    let taken =
        mark::observe_after(tx, session, window, student.student_id, source, observed_at, student.before)?;
    let told = match taken {
        Taken::New => say(SUCCESS, MARKED),
        Taken::Duplicate => say("duplicate", ALREADY_MARKED),
    };
    Ok((Told { student_id: Some(student.student_id), ..told }, Some(student)))
}

/// The session that was open on this scanner when the finger was placed, never the one that happens to be
/// open now. A mark whose time nobody knows may be of any class.
fn open_at(tx: &mut WriteTx<'_>, id: DeviceId, observed_at: Option<UtcMillis>) -> Result<Option<SessionId>> {
    let Some(at) = observed_at else { return Ok(None) };
    Ok(session::for_device_at(tx, id, at)?.map(|session| session.id))
}

/// Whether the session that a mark names can have seen it.
fn fits(place: &Placement, id: DeviceId, observed_at: Option<UtcMillis>) -> bool {
    let window = &place.window;
    // Who is there before the time is in time.
    let inside = observed_at
        .is_none_or(|at| (window.starts_at - MAX_AHEAD..window.closes_at() + TOLERANCE).contains(&at));
    // A scanner that another open class chose doesn't mark for this one.
    inside && place.device_id.is_none_or(|chosen| chosen == id)
}
