//! Every message of the display, in one place.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use super::{Device, START};
use crate::{
    finger::{Job, JobEnd, Prompt},
    screen::View,
    text::{Text, format},
    wire::Status,
};

/// What the device knows of whose finger is in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Slots {
    /// Two slots to a student, in the order of the class.
    ByRoll,
    /// The server has a map of its own, or hasn't said.
    #[default]
    Mapped,
}

impl Slots {
    /// Whose mark this is, in a few words.
    #[must_use]
    pub fn owner(self, slot: u16) -> Text<21> {
        match self {
            Self::ByRoll => format(format_args!("Roll {}", crate::mark::default_roll(slot))),
            Self::Mapped => format(format_args!("Slot {slot}")),
        }
    }

    /// The slot, and whose it is where that is known.
    #[must_use]
    pub fn place(self, slot: u16) -> Text<21> {
        match self {
            Self::ByRoll => format(format_args!("Slot {slot}, roll {}", crate::mark::default_roll(slot))),
            Self::Mapped => format(format_args!("Slot {slot}")),
        }
    }
}

/// A main line and a sub line.
#[derive(Debug, Clone, Copy)]
pub struct Face(pub &'static str, pub &'static str);

impl Face {
    pub(super) fn view(self) -> View {
        View::new(self.0, self.1)
    }
}

pub const SAVED: &str = "Saved";
pub const SENT_LATER: &str = "Sent when online";
pub const TRY_AGAIN: &str = "Try again";
pub const ASK_TEACHER: &str = "Ask your teacher";
pub const LOW_BATTERY: &str = "Battery low: charge";

pub const READING: Face = Face("Hold still", "Reading finger");
pub const UNKNOWN: Face = Face("Not recognised", TRY_AGAIN);
pub const NO_SESSION_YET: Face = Face("No Session", "Wait for your teacher");
pub const MEMORY_FULL: Face = Face("Memory full", "Not saved: ask teacher");
pub const NOT_SAVED: Face = Face("Not saved", "Memory fails: ask your teacher");
pub const HERE: Face = Face("I am here", "Found by the office");
pub const NOT_PAIRED: Face = Face("Not paired", "Serial: pair CODE");
const PAIR_AGAIN: Face = Face("Pair again", "The server doesn't know this scanner");
const SENSOR_GONE: Face = Face("Sensor error", "Check its wires");
const STARTING: Face = Face("Starting", "");
const CONNECTING: Face = Face("Connecting", "Place finger");
const NO_NETWORK: Face = Face("No network", "Serial: wifi NAME PASSWORD");
const NO_SERVER: Face = Face("No server", "Serial: server URL");
const PAIRING: Face = Face("Pairing", "One moment");
const OFFLINE: Face = Face("Offline", "Place finger: marks are saved");
const EMPTY: Face = Face("Battery empty", "Charge me");

const PLACE: &str = "Place finger";
const PLACE_OFFLINE: &str = "Place finger (offline)";

/// All of them that are fixed, for looking at and for tests.
pub const ALL: [Face; 17] = [
    READING,
    UNKNOWN,
    NO_SESSION_YET,
    MEMORY_FULL,
    NOT_SAVED,
    HERE,
    NOT_PAIRED,
    PAIR_AGAIN,
    SENSOR_GONE,
    STARTING,
    CONNECTING,
    NO_NETWORK,
    NO_SERVER,
    PAIRING,
    OFFLINE,
    EMPTY,
    Face(SAVED, SENT_LATER),
];

/// What to show for a result whose answer has no message.
pub const fn word(status: Status) -> &'static str {
    match status {
        Status::Success => "Marked",
        Status::Duplicate => "Already Marked",
        Status::NotEnrolled => "Not Enrolled",
        Status::NoSession => "No Active Session",
        Status::Invalid | Status::Unknown => "Refused",
    }
}

/// What an administrator sees during a task.
#[must_use]
pub fn prompt(prompt: Prompt, job: Option<Job>, slots: Slots) -> View {
    let slot = match job {
        Some(Job::Enroll(slot)) => slots.place(slot),
        _ => Text::new(),
    };
    match prompt {
        Prompt::Place => View::new(PLACE, &slot),
        Prompt::Lift => View::new("Lift finger", &slot),
        Prompt::PlaceAgain => View::new("Same finger", &slot).with_note("Once more"),
    }
}

/// How a task ended, for the display.
#[must_use]
pub fn job_end(end: JobEnd, slots: Slots) -> View {
    let slot = |slot| slots.place(slot);
    match end {
        JobEnd::Enrolled(n) => View::new("Enrolled", &slot(n)),
        JobEnd::Deleted(n) => View::new("Deleted", &slot(n)),
        JobEnd::DeletedAll => View::new("All deleted", ""),
        JobEnd::Matched { slot: n, score } => {
            View::new("Match", &slot(n)).with_note(&format::<21>(format_args!("Score {score}")))
        }
        JobEnd::TestPassed => View::new("Sensor works", ""),
        JobEnd::Info { capacity, enrolled } => {
            View::new("Sensor", &format::<42>(format_args!("{enrolled} of {capacity} slots")))
        }
        JobEnd::Occupied(n) => View::new("Slot in use", &slot(n)).with_note("Delete it first"),
        JobEnd::Known(n) => View::new("Already known", &slot(n)),
        JobEnd::NoSuchSlot(n) => View::new("No such slot", &format::<21>(format_args!("Slot {n}"))),
        JobEnd::Refused(refusal) => View::new(refusal.text(), ""),
        JobEnd::TooLate => View::new("No finger", "Task ended"),
        JobEnd::Lost => View::new(SENSOR_GONE.0, SENSOR_GONE.1),
    }
}

impl<F: MultiwriteNorFlash> Device<F> {
    /// What the display shows while nothing happens.
    pub(super) fn resting_view(&self, now: u64) -> View {
        let view = self.resting_face(now);
        if self.battery.low() { view.with_note(LOW_BATTERY) } else { view }
    }

    fn resting_face(&self, now: u64) -> View {
        let config = &self.store.config;
        if self.off {
            return EMPTY.view();
        }
        if self.sensor_gone {
            return SENSOR_GONE.view();
        }
        if config.ssid.is_empty() {
            return NO_NETWORK.view();
        }
        if config.server.is_empty() {
            return NO_SERVER.view();
        }
        if self.pair_code.is_some() {
            return PAIRING.view();
        }
        if self.store.identity.is_none() {
            return NOT_PAIRED.view();
        }
        if self.link.distrusted >= 3 {
            return PAIR_AGAIN.view();
        }
        if !self.finger.ready() {
            return STARTING.view();
        }
        let online = self.link.online(now);
        if self.session_now(now).is_some()
            && let Some(session) = &self.session
        {
            return View::new(&session.course, if online { PLACE } else { PLACE_OFFLINE });
        }
        if online && self.state_sent.is_some() {
            return match &self.message {
                Some(message) => View::new(message, ASK_TEACHER),
                None => NO_SESSION_YET.view(),
            };
        }
        let known = self.session_offline(now).and_then(|id| self.store.windows.get(id));
        match known {
            Some(window) => View::new(&window.course, PLACE_OFFLINE),
            None if now < START => CONNECTING.view(),
            None => OFFLINE.view(),
        }
    }
}
