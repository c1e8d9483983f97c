//! What the sensor is used for: watching for fingers, and the tasks of an administrator.
//!
//! Each is a chain of exchanges with [`Driver`]; every wait has an end, and nothing here waits itself.

use heapless::Vec;

use crate::{
    frame::MAX_FRAME,
    sensor::{Command, Driver, FALLBACK_CAPACITY, INDEX_BLOCK, MAX_SLOTS, Outcome, Refusal, Slots},
};

/// Pause between looks for a finger, ms.
const POLL: u64 = 100;
/// How long an administrator's task waits for a finger, ms.
const PATIENCE: u64 = 20_000;
/// Pause before a lost sensor is tried again, ms.
const RECOVERY: u64 = 2000;
/// Lost exchanges in a row before the sensor counts as gone.
const LOSSES: u8 = 3;

/// A task besides watching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Two captures of one finger into a slot, from 1.
    Enroll(u16),
    Delete(u16),
    DeleteAll,
    /// Say who it is, without marking.
    Match,
    /// Say whether it answers.
    Test,
    /// Read parameters and index again.
    Info,
}

/// What an administrator should do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    Place,
    Lift,
    PlaceAgain,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    Enrolled(u16),
    Deleted(u16),
    DeletedAll,
    Matched {
        slot: u16,
        score: u16,
    },
    TestPassed,
    Info {
        capacity: u16,
        enrolled: u32,
    },
    /// The slot to enrol already holds a finger.
    Occupied(u16),
    /// The finger to enrol is known in another slot.
    Known(u16),
    /// The slot is beyond the sensor's capacity.
    NoSuchSlot(u16),
    Refused(Refusal),
    /// Nobody placed a finger.
    TooLate,
    Lost,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FingerEvent {
    /// The sensor answers; its capacity and occupied slots are known.
    Ready,
    /// The sensor stopped answering.
    Gone,
    /// A finger lies on it and is being read.
    Touched,
    /// A finger of this slot, from 1; `score` is the sensor's own.
    Found {
        slot: u16,
        score: u16,
    },
    /// A finger that it doesn't know.
    Unknown,
    /// The picture was no good.
    Unclear(Refusal),
    Prompt(Prompt),
    Ended(JobEnd),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Greeting a sensor that just got power or was gone.
    Hello,
    Parameters,
    Index(u8),
    Capture,
    Convert,
    Search,
    /// Waiting until the finger is gone.
    Lift,
    CaptureAgain,
    ConvertAgain,
    Combine,
    Store,
    Delete,
    DeleteAll,
    Test,
}

/// The sensor and what it is doing.
#[derive(Debug)]
pub struct Finger {
    driver: Driver,
    step: Step,
    /// When [`Self::step`]'s command may be sent.
    due: u64,
    job: Option<Job>,
    next_job: Option<Job>,
    /// Until when a job waits for a finger.
    patience: u64,
    /// Enrolment: the first capture is taken.
    first_taken: bool,
    losses: u8,
    ready: bool,
    capacity: u16,
    slots: Option<Slots>,
    found: Slots,
}

impl Default for Finger {
    fn default() -> Self {
        Self::new()
    }
}

impl Finger {
    /// A sensor that hasn't answered yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            driver: Driver::default(),
            step: Step::Hello,
            due: 0,
            job: None,
            next_job: None,
            patience: 0,
            first_taken: false,
            losses: 0,
            ready: false,
            capacity: FALLBACK_CAPACITY,
            slots: None,
            found: Slots::default(),
        }
    }

    /// Whether the sensor answers.
    #[must_use]
    pub const fn ready(&self) -> bool {
        self.ready
    }

    /// Slots that the sensor has.
    #[must_use]
    pub const fn capacity(&self) -> u16 {
        self.capacity
    }

    /// Occupied slots; `None` while they couldn't be read, which isn't the same as none.
    #[must_use]
    pub const fn slots(&self) -> Option<&Slots> {
        self.slots.as_ref()
    }

    /// The task under way or about to begin.
    #[must_use]
    pub fn job(&self) -> Option<Job> {
        self.job.or(self.next_job)
    }

    /// Bytes for the sensor.
    pub fn take_output(&mut self) -> Vec<u8, MAX_FRAME> {
        self.driver.take_output()
    }

    /// Begins a task when the present exchange has ended; false while another one is under way.
    pub fn start(&mut self, job: Job) -> bool {
        let free = self.job().is_none();
        if free {
            self.next_job = Some(job);
        }
        free
    }

    /// Takes a byte from the sensor.
    pub fn receive(&mut self, now: u64, byte: u8) -> Option<FingerEvent> {
        let outcome = self.driver.receive(now, byte)?;
        self.advance(now, outcome)
    }

    /// Looks at the time; with `watch` off no new finger is looked for, unless a task wants one.
    pub fn tick(&mut self, now: u64, watch: bool) -> Option<FingerEvent> {
        if let Some(outcome) = self.driver.tick(now) {
            return self.advance(now, outcome);
        }
        if now < self.due || !self.driver.ready(now) {
            return None;
        }
        if self.idle()
            && let Some(job) = self.next_job.take()
        {
            return self.begin(now, job);
        }
        let waiting = matches!(self.step, Step::Capture | Step::CaptureAgain | Step::Lift);
        if self.job.is_some() && waiting && now >= self.patience {
            return Some(self.end(now, JobEnd::TooLate));
        }
        if self.idle() && !watch && self.step == Step::Capture {
            return None;
        }
        self.driver.send(now, self.command());
        None
    }

    /// Between fingers, with no task: the only time at which a task may begin.
    fn idle(&self) -> bool {
        self.job.is_none() && (matches!(self.step, Step::Capture | Step::Lift) || !self.ready)
    }

    fn command(&self) -> Command {
        let slot = match self.job {
            Some(Job::Enroll(slot) | Job::Delete(slot)) => slot.saturating_sub(1),
            _ => 0,
        };
        match self.step {
            Step::Hello | Step::Test => Command::VerifyPassword,
            Step::Parameters => Command::Parameters,
            Step::Index(block) => Command::Index(block),
            Step::Capture | Step::CaptureAgain | Step::Lift => Command::Capture,
            Step::Convert => Command::Convert(1),
            Step::ConvertAgain => Command::Convert(2),
            Step::Search => Command::Search { count: self.capacity },
            Step::Combine => Command::Combine,
            Step::Store => Command::Store { page: slot },
            Step::Delete => Command::Delete { page: slot },
            Step::DeleteAll => Command::DeleteAll,
        }
    }

    fn begin(&mut self, now: u64, job: Job) -> Option<FingerEvent> {
        self.job = Some(job);
        self.patience = now + PATIENCE;
        self.first_taken = false;
        match job {
            Job::Enroll(slot) | Job::Delete(slot) if slot == 0 || slot > self.capacity => {
                return Some(self.end(now, JobEnd::NoSuchSlot(slot)));
            }
            Job::Enroll(slot) if self.slots.as_ref().is_some_and(|s| s.contains(slot)) => {
                return Some(self.end(now, JobEnd::Occupied(slot)));
            }
            Job::Enroll(_) | Job::Match => {
                self.go(now, Step::Capture);
                return Some(FingerEvent::Prompt(Prompt::Place));
            }
            Job::Delete(_) => self.go(now, Step::Delete),
            Job::DeleteAll => self.go(now, Step::DeleteAll),
            Job::Test => self.go(now, Step::Test),
            Job::Info => self.go(now, Step::Parameters),
        }
        None
    }

    fn go(&mut self, due: u64, step: Step) {
        self.step = step;
        self.due = due;
    }

    fn end(&mut self, now: u64, end: JobEnd) -> FingerEvent {
        self.job = None;
        // The finger may still lie there, and is not to be taken for a student's.
        self.go(now, if self.ready { Step::Lift } else { Step::Hello });
        FingerEvent::Ended(end)
    }

    fn advance(&mut self, now: u64, outcome: Outcome) -> Option<FingerEvent> {
        match outcome {
            Outcome::Lost => self.lost(now),
            Outcome::Done(data) => {
                self.losses = 0;
                self.done(now, &data)
            }
            Outcome::Refused(refusal) => {
                self.losses = 0;
                self.refused(now, refusal)
            }
        }
    }

    fn lost(&mut self, now: u64) -> Option<FingerEvent> {
        self.losses = self.losses.saturating_add(1);
        if self.job.is_some() {
            return Some(self.end(now, JobEnd::Lost));
        }
        if self.losses >= LOSSES || !self.ready {
            let was = core::mem::replace(&mut self.ready, false);
            let first = self.losses == LOSSES;
            self.slots = None;
            self.go(now + RECOVERY, Step::Hello);
            return (was || first).then_some(FingerEvent::Gone);
        }
        self.go(now, Step::Capture);
        None
    }

    fn done(&mut self, now: u64, data: &[u8]) -> Option<FingerEvent> {
        let pair = |at: usize| u16::from_be_bytes([data[at], data[at + 1]]);
        match self.step {
            Step::Hello => self.go(now, Step::Parameters),
            Step::Parameters => {
                let capacity = pair(4);
                self.capacity = if capacity == 0 { FALLBACK_CAPACITY } else { capacity.min(MAX_SLOTS) };
                self.found = Slots::default();
                self.go(now, Step::Index(0));
            }
            Step::Index(block) => {
                self.found.set_block(block, data);
                let next = block + 1;
                if u16::from(next) * INDEX_BLOCK < self.capacity {
                    self.go(now, Step::Index(next));
                } else {
                    self.slots = Some(self.found.clone());
                    return self.known(now);
                }
            }
            Step::Capture => {
                self.go(now, Step::Convert);
                return Some(FingerEvent::Touched);
            }
            Step::CaptureAgain => self.go(now, Step::ConvertAgain),
            Step::Convert => self.go(now, Step::Search),
            Step::Search => {
                let (slot, score) = (pair(0).saturating_add(1), pair(2));
                return Some(match self.job {
                    Some(Job::Enroll(_)) => self.end(now, JobEnd::Known(slot)),
                    Some(_) => self.end(now, JobEnd::Matched { slot, score }),
                    None => {
                        self.go(now + POLL, Step::Lift);
                        FingerEvent::Found { slot, score }
                    }
                });
            }
            Step::Lift => self.go(now + POLL, Step::Lift),
            Step::ConvertAgain => self.go(now, Step::Combine),
            Step::Combine => self.go(now, Step::Store),
            Step::Store => {
                let slot = self.slot();
                self.note(slot, true);
                return Some(self.end(now, JobEnd::Enrolled(slot)));
            }
            Step::Delete => {
                let slot = self.slot();
                self.note(slot, false);
                return Some(self.end(now, JobEnd::Deleted(slot)));
            }
            Step::DeleteAll => {
                self.slots = Some(Slots::default());
                return Some(self.end(now, JobEnd::DeletedAll));
            }
            Step::Test => return Some(self.end(now, JobEnd::TestPassed)),
        }
        None
    }

    fn refused(&mut self, now: u64, refusal: Refusal) -> Option<FingerEvent> {
        match (self.step, refusal) {
            (Step::Capture | Step::CaptureAgain, Refusal::NoFinger) => self.go(now + POLL, self.step),
            (Step::Lift, Refusal::NoFinger) => {
                if self.first_taken && self.job.is_some() {
                    self.go(now, Step::CaptureAgain);
                    return Some(FingerEvent::Prompt(Prompt::PlaceAgain));
                }
                self.go(now + POLL, Step::Capture);
            }
            (Step::Lift, _) => self.go(now + POLL, Step::Lift),
            (Step::Search, Refusal::NotFound) => match self.job {
                Some(Job::Enroll(_)) => {
                    self.first_taken = true;
                    self.patience = now + PATIENCE;
                    self.go(now, Step::Lift);
                    return Some(FingerEvent::Prompt(Prompt::Lift));
                }
                Some(_) => return Some(self.end(now, JobEnd::Refused(refusal))),
                None => {
                    self.go(now + POLL, Step::Lift);
                    return Some(FingerEvent::Unknown);
                }
            },
            // A bad picture is taken again: the finger is still there.
            (Step::Capture | Step::Convert, _) if self.job.is_none() => {
                self.go(now + POLL, Step::Lift);
                return Some(FingerEvent::Unclear(refusal));
            }
            (Step::Capture | Step::Convert, _) => self.go(now + POLL, Step::Capture),
            (Step::CaptureAgain | Step::ConvertAgain, _) => self.go(now + POLL, Step::CaptureAgain),
            // A module without this command: its capacity stays the assumed one.
            (Step::Parameters, _) => self.go(now, Step::Index(0)),
            (Step::Index(_), _) => {
                // Unknown isn't empty: `slots` stays `None` and enrolment can't check.
                self.slots = None;
                return self.known(now);
            }
            (Step::Hello, _) => {
                self.go(now + RECOVERY, Step::Hello);
                return Some(FingerEvent::Gone);
            }
            _ if self.job.is_some() => return Some(self.end(now, JobEnd::Refused(refusal))),
            _ => {
                self.go(now + POLL, Step::Lift);
                return Some(FingerEvent::Unclear(refusal));
            }
        }
        None
    }

    /// Capacity and index have been read.
    fn known(&mut self, now: u64) -> Option<FingerEvent> {
        let first = !core::mem::replace(&mut self.ready, true);
        if self.job == Some(Job::Info) {
            let enrolled = self.slots.as_ref().map_or(0, Slots::count);
            return Some(match self.slots {
                Some(_) => self.end(now, JobEnd::Info { capacity: self.capacity, enrolled }),
                None => self.end(now, JobEnd::Lost),
            });
        }
        self.go(now, Step::Capture);
        first.then_some(FingerEvent::Ready)
    }

    fn slot(&self) -> u16 {
        match self.job {
            Some(Job::Enroll(slot) | Job::Delete(slot)) => slot,
            _ => 0,
        }
    }

    fn note(&mut self, slot: u16, occupied: bool) {
        if let Some(slots) = &mut self.slots {
            slots.set(slot, occupied);
        }
    }
}
