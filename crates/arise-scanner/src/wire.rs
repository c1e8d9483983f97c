//! The bodies of the signed device endpoints.

use heapless::Vec;

use crate::{
    json::{Malformed, Reader, Writer},
    mark::Mark,
    session::{MAX_COURSE, SessionId, Window, Windows},
    store::BATCH,
    text::Text,
};

/// The longest body of a request: a batch of marks, or a heartbeat with the slots of a full sensor.
pub const MAX_BODY: usize = 6144;
/// The longest body of an answer that is read.
pub const MAX_ANSWER: usize = 8192;

pub const PAIR: &str = "/api/device/pair";
pub const STATE: &str = "/api/device/state";
pub const MARKS: &str = "/api/device/marks";
pub const HEARTBEAT: &str = "/api/device/heartbeat";

/// A body being written.
pub type Body = Vec<u8, MAX_BODY>;

/// What became of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Success,
    Duplicate,
    NotEnrolled,
    NoSession,
    Invalid,
    /// A word that this version doesn't know; it is treated as refused, so that nothing is retried for ever.
    Unknown,
}

const STATUSES: [(Status, u8, &str); 6] = [
    (Status::Success, 0, "success"),
    (Status::Duplicate, 1, "duplicate"),
    (Status::NotEnrolled, 2, "not_enrolled"),
    (Status::NoSession, 3, "no_session"),
    (Status::Invalid, 4, "invalid"),
    (Status::Unknown, 255, "unknown"),
];

impl Status {
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        STATUSES.iter().find(|s| s.2 == word).map_or(Self::Unknown, |s| s.0)
    }

    #[must_use]
    pub fn from_code(code: u8) -> Self {
        STATUSES.iter().find(|s| s.1 == code).map_or(Self::Unknown, |s| s.0)
    }

    #[must_use]
    pub fn code(self) -> u8 {
        STATUSES.iter().find(|s| s.0 == self).map_or(255, |s| s.1)
    }

    #[must_use]
    pub fn word(self) -> &'static str {
        STATUSES.iter().find(|s| s.0 == self).map_or("unknown", |s| s.2)
    }

    /// Whether the server has the mark.
    #[must_use]
    pub const fn accepted(self) -> bool {
        matches!(self, Self::Success | Self::Duplicate)
    }
}

/// `POST /api/device/pair`; false if the body didn't fit.
#[must_use]
pub fn write_pair(body: &mut Body, code: &str, mac: &str, firmware: &str) -> bool {
    let mut w = Writer::new(body);
    w.open('{');
    for (key, value) in [("code", code), ("mac_address", mac), ("firmware", firmware)] {
        w.key(key);
        w.string(value);
    }
    w.close('}');
    w.whole()
}

/// `POST /api/device/marks`; false if the body didn't fit.
#[must_use]
pub fn write_marks(body: &mut Body, firmware: &str, marks: &[Mark], boot: u32, uptime_ms: u64) -> bool {
    let mut w = Writer::new(body);
    let uptime = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    w.open('{');
    w.key("firmware");
    w.string(firmware);
    w.key("boot");
    w.integer(boot.into());
    w.key("uptime_ms");
    w.integer(uptime(uptime_ms));
    w.key("marks");
    w.open('[');
    for mark in marks {
        w.open('{');
        w.key("seq");
        w.integer(mark.seq.into());
        if let Some(session) = mark.session {
            w.key("session_id");
            w.string(&session.text());
        }
        w.key("slot");
        w.integer(mark.slot.into());
        if let Some(time) = mark.observed_at {
            w.key("observed_at");
            w.integer(time);
        }
        w.key("boot");
        w.integer(mark.boot.into());
        w.key("uptime_ms");
        w.integer(uptime(mark.uptime_ms));
        w.close('}');
    }
    w.close(']');
    w.close('}');
    w.whole()
}

/// What a heartbeat says.
#[derive(Debug, Clone, Copy)]
pub struct Heartbeat<'a> {
    pub mac: &'a str,
    /// Received signal, dBm.
    pub wifi_strength: i8,
    /// Percent; `None` before it was measured, and then left out.
    pub battery: Option<u8>,
    pub queue_count: usize,
    /// Marks that the server has confirmed since this start.
    pub sync_count: u32,
    pub firmware: &'a str,
    /// Slots that hold a finger, from 1; `None` when they haven't changed since the server was told.
    pub enrolled_slots: Option<&'a crate::sensor::Slots>,
    /// How many slots the sensor has; told with those that hold a finger.
    pub slot_capacity: u16,
}

/// `POST /api/device/heartbeat`; false if the body didn't fit.
#[must_use]
pub fn write_heartbeat(body: &mut Body, beat: &Heartbeat<'_>) -> bool {
    let mut w = Writer::new(body);
    w.open('{');
    w.key("mac_address");
    w.string(beat.mac);
    w.key("wifi_strength");
    w.integer(beat.wifi_strength.into());
    if let Some(battery) = beat.battery {
        w.key("battery");
        w.integer(battery.into());
    }
    w.key("queue_count");
    w.count(beat.queue_count);
    w.key("sync_count");
    w.integer(beat.sync_count.into());
    w.key("firmware");
    w.string(beat.firmware);
    if let Some(slots) = beat.enrolled_slots {
        w.key("enrolled_slots");
        w.open('[');
        for slot in slots.iter() {
            w.integer(slot.into());
        }
        w.close(']');
        w.key("slot_capacity");
        w.integer(beat.slot_capacity.into());
    }
    w.close('}');
    w.whole()
}

/// Device id and key, as text.
#[derive(Debug, Default)]
pub struct Paired {
    pub device_id: Text<40>,
    pub key: Text<64>,
}

pub fn read_paired(body: &[u8]) -> Result<Paired, Malformed> {
    let mut out = Paired::default();
    Reader::new(body).object(|r, name| {
        match name {
            "device_id" => out.device_id = r.string()?,
            "key" => out.key = r.string()?,
            _ => r.skip()?,
        }
        Ok(())
    })?;
    Ok(out)
}

/// What the server says about now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// UTC ms.
    pub server_time: i64,
    /// The session that this scanner marks for.
    pub session: Option<Window>,
    /// What to show when there is none, such as "Choose scanner".
    pub message: Option<Text<20>>,
    pub windows: Windows,
    /// Whether the server has a map of its own for the sensor's slots; `None` when it doesn't say.
    pub slot_map: Option<bool>,
}

pub fn read_state(body: &[u8]) -> Result<State, Malformed> {
    let mut out = State::default();
    let mut timed = false;
    Reader::new(body).object(|r, name| {
        match name {
            "server_time" => {
                out.server_time = r.integer()?;
                timed = true;
            }
            "session" => {
                if !r.null()? {
                    out.session = read_window(r)?;
                }
            }
            "message" => out.message = r.optional_string()?,
            "slot_map" => out.slot_map = Some(r.flag()?),
            "windows" => {
                if !r.null()? {
                    r.array(|r| {
                        if let Some(window) = read_window(r)? {
                            out.windows.add(window);
                        }
                        Ok(())
                    })?;
                }
            }
            _ => r.skip()?,
        }
        Ok(())
    })?;
    if !timed {
        return Err(Malformed(0));
    }
    // The chosen session has no start in the answer: it is open now, and that is what the window is for.
    if let Some(session) = &mut out.session {
        match out.windows.get(session.id) {
            Some(window) => session.starts_at = window.starts_at,
            None => {
                session.starts_at = out.server_time;
                out.windows.add(session.clone());
            }
        }
    }
    Ok(out)
}

fn read_window(r: &mut Reader<'_>) -> Result<Option<Window>, Malformed> {
    let mut id = None;
    let mut course: Text<MAX_COURSE> = Text::new();
    let (mut starts_at, mut ends_at) = (0, 0);
    r.object(|r, name| {
        match name {
            "id" | "session_id" => id = SessionId::parse(&r.string::<40>()?),
            "course_code" => course = r.string()?,
            "starts_at" => starts_at = r.integer()?,
            "ends_at" => ends_at = r.integer()?,
            _ => r.skip()?,
        }
        Ok(())
    })?;
    Ok(id.map(|id| Window { id, course, starts_at, ends_at }))
}

/// The server's word on one mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkResult {
    pub seq: u32,
    pub status: Status,
    pub message: Text<20>,
    pub student: Option<Text<64>>,
    /// The student's number in the class.
    pub roll: Option<i64>,
}

pub fn read_results(body: &[u8]) -> Result<Vec<MarkResult, BATCH>, Malformed> {
    let mut out = Vec::new();
    Reader::new(body).object(|r, name| {
        if name != "results" {
            return r.skip();
        }
        r.array(|r| {
            let mut seq = None;
            let mut result = MarkResult {
                seq: 0,
                status: Status::Unknown,
                message: Text::new(),
                student: None,
                roll: None,
            };
            r.object(|r, name| {
                match name {
                    "seq" => seq = u32::try_from(r.integer()?).ok(),
                    "status" => result.status = Status::from_word(&r.string::<20>()?),
                    "message" => result.message = r.optional_string()?.unwrap_or_default(),
                    "student_name" => result.student = r.optional_string()?,
                    "class_roll_id" => result.roll = if r.null()? { None } else { Some(r.integer()?) },
                    _ => r.skip()?,
                }
                Ok(())
            })?;
            if let Some(seq) = seq {
                result.seq = seq;
                // More results than marks sent are no answer to what was asked; they are left off.
                let _ = out.push(result);
            }
            Ok(())
        })
    })?;
    Ok(out)
}

/// Whether the teacher wants to find the device.
pub fn read_beep(body: &[u8]) -> Result<bool, Malformed> {
    let mut beep = false;
    Reader::new(body).object(|r, name| {
        match name {
            "beep" => beep = r.flag()?,
            _ => r.skip()?,
        }
        Ok(())
    })?;
    Ok(beep)
}

/// The stable word in an error's body, such as `replayed`; empty if there is none.
#[must_use]
pub fn read_error_code(body: &[u8]) -> Text<32> {
    let mut code = Text::new();
    let read = Reader::new(body).object(|r, name| {
        match name {
            "code" => code = r.string()?,
            _ => r.skip()?,
        }
        Ok(())
    });
    // A body that isn't JSON has no code; the HTTP status alone then says what went wrong.
    if read.is_err() {
        code.clear();
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_of_the_longest_marks_fits() {
        let mark = Mark {
            seq: u32::MAX,
            session: Some(SessionId([0xFF; 16])),
            slot: u16::MAX,
            boot: u32::MAX,
            uptime_ms: (1 << 48) - 1,
            observed_at: Some((1 << 47) - 1),
        };
        let mut body = Body::new();
        assert!(write_marks(&mut body, "0.1.0", &[mark; BATCH], u32::MAX, u64::MAX));
        assert!(body.len() < MAX_BODY - 1000, "{}", body.len());
    }

    #[test]
    fn a_state_with_a_session_and_unknown_fields() {
        let state = read_state(
            br#"{"server_time":1000,"new":{"a":[1]},"message":null,
                "session":{"id":"01900000-0000-7000-8000-000000000001","course_code":"CS101","course_name":"Intro","ends_at":5000},
                "windows":[{"session_id":"01900000-0000-7000-8000-000000000001","course_code":"CS101","starts_at":900,"ends_at":5000}]}"#,
        )
        .unwrap();
        let session = state.session.unwrap();
        assert_eq!((session.course.as_str(), session.starts_at, session.ends_at), ("CS101", 900, 5000));
        assert_eq!(state.windows.only_open(1000).map(|w| w.id), Some(session.id));
        assert!(read_state(b"{\"session\":null}").is_err());
    }

    #[test]
    fn results_with_long_names_and_new_words() {
        let results = read_results(
            br#"{"results":[{"seq":7,"status":"success","message":"Marked","student_name":"Venkata Subramanian Ramachandran Iyer of the Long Name the Second, Esq."},
                {"seq":8,"status":"teleported","message":"A message beyond twenty characters"}]}"#,
        )
        .unwrap();
        assert_eq!(results[0].student.as_ref().unwrap().len(), 64);
        assert_eq!((results[1].status, results[1].message.len()), (Status::Unknown, 20));
        assert!(!results[1].status.accepted());
    }

    #[test]
    fn errors_may_be_anything() {
        assert_eq!(
            read_error_code(br#"{"error":"x","code":"replayed","last_counter":9}"#).as_str(),
            "replayed"
        );
        assert_eq!(read_error_code(b"<html>").as_str(), "");
    }
}
