//! Students who put their fingers on a scanner and read what it shows.

use arise_scanner::{device::Device, screen::View, session::SessionId};

use crate::{
    flash::SimFlash,
    script::{Begin, Script},
    sensor::VirtualSensor,
};

/// A finger that gets no answer is lifted after this, ms.
const IMPATIENCE: u64 = 6000;

/// How students take their turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// A finger is lifted so long after the display has answered, ms.
    pub reaction: u64,
    /// Between one student's finger and the next there is at least this, ms. The sensor is looked at ten times a second: a
    /// shorter gap isn't seen.
    pub change: u64,
}

impl Manners {
    pub const HUMAN: Self = Self { reaction: 600, change: 400 };
    /// For a crowd to watch, and for tests.
    pub const HASTY: Self = Self { reaction: 60, change: 150 };
}

/// What became of one finger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The finger's number.
    pub finger: u32,
    /// The last message before it was lifted.
    pub main: String,
    pub sub: String,
    /// From "Saved" on the display to the server's word there, ms; `None` if the server said nothing.
    pub answered_after: Option<u64>,
}

/// What happened in a run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    pub fingers: Vec<Shown>,
    /// Marks that still wait for the server.
    pub queued: usize,
    /// Marks that the server refused.
    pub refused: usize,
    /// The longest that a due heartbeat waited, ms.
    pub heartbeat_lag: u64,
}

/// A script being played.
pub(crate) struct Play {
    pub(crate) script: Script,
    manners: Manners,
    next: usize,
    began: Option<u64>,
    pub(crate) session: Option<SessionId>,
    /// When the sensor has been free long enough.
    free: u64,
    /// Number of the finger that lies there, and since when.
    lying: Option<(u32, u64)>,
    answered: Option<u64>,
    saved: Option<u64>,
    last: (String, String),
    answered_after: Option<u64>,
    fingers: Vec<Shown>,
}

impl Play {
    pub(crate) const fn new(script: Script, manners: Manners) -> Self {
        Self {
            script,
            manners,
            next: 0,
            began: None,
            session: None,
            free: 0,
            lying: None,
            answered: None,
            saved: None,
            last: (String::new(), String::new()),
            answered_after: None,
            fingers: Vec::new(),
        }
    }

    pub(crate) fn over(&self) -> bool {
        self.script.begin == Begin::Now && self.next >= self.script.touches.len() && self.lying.is_none()
    }

    pub(crate) fn see(&mut self, at: u64, view: &View, online: bool) {
        if self.lying.is_none() || view.main() == "Hold still" {
            return;
        }
        self.last = (view.main().to_owned(), view.sub().join(" ").trim().to_owned());
        if view.main() == "Saved" {
            self.saved.get_or_insert(at);
            if online {
                // The server's word comes next, and a student waits for it.
                return;
            }
        } else if let Some(saved) = self.saved.take() {
            self.answered_after = Some(at - saved);
        }
        self.answered = Some(at);
    }

    pub(crate) fn act(&mut self, now: u64, session: Option<SessionId>, sensor: &mut VirtualSensor) {
        if self.script.begin == Begin::EachSession && session.is_some() && session != self.session {
            self.session = session;
            self.began = Some(now);
            self.next = 0;
        }
        if self.script.begin == Begin::Now {
            self.began.get_or_insert(now);
        }
        if let Some((finger, since)) = self.lying {
            let done = self.answered.is_some_and(|at| now >= at + self.manners.reaction)
                || now >= since + IMPATIENCE;
            if done {
                sensor.lift();
                self.free = now + self.manners.change;
                self.lying = None;
                let (main, sub) = std::mem::take(&mut self.last);
                self.fingers.push(Shown { finger, main, sub, answered_after: self.answered_after.take() });
            }
            return;
        }
        let Some(touch) = self.script.touches.get(self.next) else { return };
        if now >= self.free && self.began.is_some_and(|began| now >= began + touch.at) {
            self.next += 1;
            self.lying = Some((touch.finger.id, now));
            (self.answered, self.saved) = (None, None);
            sensor.place(touch.finger);
        }
    }

    pub(crate) fn report(self, device: &Device<SimFlash>) -> Report {
        Report {
            fingers: self.fingers,
            queued: device.store().queued(),
            refused: device.store().refused(),
            heartbeat_lag: device.heartbeat_lag(),
        }
    }
}
