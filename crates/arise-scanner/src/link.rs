//! When to talk to the server, and what about.
//!
//! One request is under way at a time: counters must reach the server in rising order, which two connections wouldn't
//! promise.

/// Pause between two questions for the session, ms.
pub const STATE_EVERY: u64 = 5000;
/// Pause between two heartbeats, ms.
pub const HEARTBEAT_EVERY: u64 = 10_000;
/// Pause before joining a lost network again, ms.
pub const WIFI_EVERY: u64 = 10_000;
/// A request that hasn't been answered after this long is given up, ms.
pub const REQUEST_TIMEOUT: u64 = 3000;
/// Pause after a request failed, ms; a student's mark waits in the queue meanwhile.
const BACKOFF: u64 = 2000;
/// Pause after the server didn't accept who we are, or said that it has too much to do, ms.
const LONG_BACKOFF: u64 = 10_000;
/// The server counts as present so long after its last answer, ms.
const FRESH: u64 = 15_000;

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Pair,
    State,
    Marks,
    Heartbeat,
}

/// What there is to talk about.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wants {
    /// The device has a key.
    pub paired: bool,
    /// An administrator gave a pairing code.
    pub pair: bool,
    /// A student is waiting for an answer.
    pub live: bool,
    /// A finger lies there and the session isn't sure.
    pub state: bool,
    /// Marks wait.
    pub backlog: bool,
}

/// How an answer was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// 2xx
    Good,
    /// 401: wrong key, unknown device, or a counter that the server has seen.
    Distrusted,
    /// 400, 413, 422: what was sent makes no sense to the server, and asking the same again can't help.
    Rejected,
    /// Anything else, such as 429 and 5xx: it may be different later.
    Busy,
}

impl Verdict {
    #[must_use]
    pub const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Good,
            401 | 403 => Self::Distrusted,
            400 | 413 | 422 => Self::Rejected,
            _ => Self::Busy,
        }
    }
}

/// A request that was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flight {
    pub kind: Kind,
    /// Tells its answer from that of an earlier one that was given up.
    pub id: u32,
    /// Uptime.
    pub sent: u64,
}

/// The link to the server.
#[derive(Debug, Default)]
pub struct Link {
    /// Received signal, dBm, while joined to the network.
    pub rssi: Option<i8>,
    flight: Option<Flight>,
    ids: u32,
    state_at: u64,
    heartbeat_at: u64,
    retry_at: u64,
    marks_at: u64,
    last_answer: Option<u64>,
    /// Answers with 401 in a row.
    pub distrusted: u8,
    /// The longest that a due heartbeat had to wait while the server was there, ms.
    pub heartbeat_lag: u64,
}

impl Link {
    /// Whether the server answered lately.
    #[must_use]
    pub fn online(&self, now: u64) -> bool {
        self.rssi.is_some() && self.last_answer.is_some_and(|at| now < at + FRESH) && now >= self.retry_at
    }

    #[must_use]
    pub const fn flight(&self) -> Option<Flight> {
        self.flight
    }

    /// What to ask next, if anything.
    #[must_use]
    pub fn choose(&self, now: u64, wants: Wants) -> Option<Kind> {
        if self.rssi.is_none() || self.flight.is_some() || now < self.retry_at {
            return None;
        }
        if wants.pair {
            return Some(Kind::Pair);
        }
        if !wants.paired {
            return None;
        }
        let choices = [
            (wants.live, Kind::Marks),
            (wants.state, Kind::State),
            (now >= self.heartbeat_at, Kind::Heartbeat),
            (now >= self.state_at, Kind::State),
            (wants.backlog && now >= self.marks_at, Kind::Marks),
        ];
        choices.into_iter().find(|c| c.0).map(|c| c.1)
    }

    /// Notes that a request is handed out.
    pub fn sent(&mut self, now: u64, kind: Kind) {
        self.ids = self.ids.wrapping_add(1);
        self.flight = Some(Flight { kind, id: self.ids, sent: now });
        match kind {
            Kind::State => self.state_at = now + STATE_EVERY,
            Kind::Heartbeat => {
                if self.online(now) && self.heartbeat_at > 0 {
                    let due = self.heartbeat_at.max(self.retry_at);
                    self.heartbeat_lag = self.heartbeat_lag.max(now.saturating_sub(due));
                }
                self.heartbeat_at = now + HEARTBEAT_EVERY;
            }
            Kind::Pair | Kind::Marks => {}
        }
    }

    /// Takes the flight that an answer belongs to; `None` for an answer to a request that was given up.
    pub fn landed(&mut self, id: u32) -> Option<Flight> {
        self.flight.take_if(|f| f.id == id)
    }

    /// Gives up a request that has taken too long.
    pub fn overdue(&mut self, now: u64) -> Option<Flight> {
        self.flight.take_if(|f| now >= f.sent + REQUEST_TIMEOUT)
    }

    /// Notes an answer.
    pub fn answered(&mut self, now: u64, verdict: Verdict) {
        match verdict {
            Verdict::Good | Verdict::Rejected => {
                self.last_answer = Some(now);
                self.distrusted = 0;
            }
            Verdict::Distrusted => {
                self.distrusted = self.distrusted.saturating_add(1);
                self.retry_at = now + if self.distrusted < 3 { BACKOFF } else { LONG_BACKOFF };
            }
            Verdict::Busy => self.retry_at = now + BACKOFF,
        }
    }

    /// Notes that no answer came.
    pub fn failed(&mut self, now: u64) {
        self.retry_at = now + BACKOFF;
    }

    /// Notes that the server didn't say anything about the marks sent, so that they aren't sent again at once.
    pub fn stalled(&mut self, now: u64) {
        self.marks_at = now + STATE_EVERY;
    }

    /// A fresh start with the server, after pairing or a new address.
    pub fn renew(&mut self) {
        self.distrusted = 0;
        self.retry_at = 0;
        self.state_at = 0;
        self.heartbeat_at = 0;
    }
}
