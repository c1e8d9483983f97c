//! The device: takes one event at a time and says what is to be done.

mod answer;
pub mod face;
mod marking;
mod operator;
mod request;

use embedded_storage::nor_flash::MultiwriteNorFlash;
use heapless::Vec;

use crate::{
    battery::Battery,
    clock::Clock,
    console::{Editor, MAX_CODE},
    finger::{Finger, FingerEvent},
    flash::{FlashError, Layout},
    frame::MAX_FRAME,
    http::{MAX_REQUEST_HEAD, host_and_port},
    link::{HEARTBEAT_EVERY, Link, WIFI_EVERY},
    mark::Mark,
    screen::{Status, View, bars},
    session::{SessionId, Window},
    store::{BATCH, Store},
    text::Text,
    wire::{Body, MAX_BODY},
};

/// The longest request, head and body.
pub const MAX_REQUEST: usize = MAX_REQUEST_HEAD + MAX_BODY;
/// How long a result stays on the display, ms.
const SHOW: u64 = 2500;
/// How long a finger waits for the server to say whether there is a session, ms.
const HOLD: u64 = 1500;
/// Pause between writing down the time, ms; it bounds how old the time is after a restart without network.
const TIME_EVERY: u64 = 60_000;
/// For so long after the start, silence from the server is normal, ms.
const START: u64 = 8000;
/// Bytes of console text that wait to be printed.
const CONSOLE: usize = 2048;

/// What happened to the device.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Nothing but time.
    Tick,
    /// From the fingerprint sensor's serial line.
    SensorBytes(&'a [u8]),
    /// From the operator's serial line.
    ConsoleBytes(&'a [u8]),
    /// Joined to the network; also whenever the received signal (dBm) is measured again.
    WifiUp(i8),
    WifiDown,
    /// The server's answer to the request with this id.
    Answer {
        id: u32,
        status: u16,
        body: &'a [u8],
    },
    /// The request with this id got no answer.
    NoAnswer {
        id: u32,
    },
    /// The cell's voltage, and whether external power is present.
    Power {
        millivolts: u16,
        usb: bool,
    },
}

/// What is to be done now. Everything may be done at leisure; nothing has to be waited for.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// Send these to the sensor.
    pub sensor: Vec<u8, MAX_FRAME>,
    /// A request is ready in [`Device::request`].
    pub request: bool,
    /// The display shows something else now: [`Device::status`], [`Device::view`].
    pub redraw: bool,
    /// Join the network in the configuration.
    pub join_wifi: bool,
    /// Print [`Device::take_console`].
    pub console: bool,
    /// Make a sound, so that someone can find the device.
    pub beep: bool,
    /// Turn off now, and wake when external power comes or after [`RETRY_POWER`].
    pub power_off: bool,
}

/// After turning itself off for want of power the device looks again so often, seconds.
pub const RETRY_POWER: u32 = 900;

/// What the device is, besides what it keeps in flash.
#[derive(Debug, Clone)]
pub struct Info {
    /// `aa:bb:cc:dd:ee:ff`
    pub mac: Text<17>,
    /// A version, such as `0.1.0`.
    pub firmware: &'static str,
}

/// A finger that waits for the server to say whether there is a session.
#[derive(Debug, Clone, Copy)]
struct Held {
    slot: u16,
    uptime_ms: u64,
    deadline: u64,
}

/// What an answer of `yes` would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    DeleteAll,
    ResetConfig,
}

/// A result or prompt that is on the display for a while.
#[derive(Debug)]
struct Shown {
    view: View,
    until: u64,
}

/// A classroom scanner, over any flash.
#[derive(Debug)]
pub struct Device<F> {
    store: Store<F>,
    info: Info,
    clock: Clock,
    battery: Battery,
    finger: Finger,
    link: Link,
    editor: Editor,
    console: Text<CONSOLE>,
    ask: Option<Ask>,
    pair_code: Option<Text<MAX_CODE>>,
    /// The session that the server chose for this scanner.
    session: Option<Window>,
    /// What the server wants shown while there is none.
    message: Option<Text<20>>,
    /// What the server last said of the sensor's slots.
    slots: face::Slots,
    /// Uptime at which the newest state was asked for.
    state_sent: Option<u64>,
    touched_at: u64,
    want_state: bool,
    held: Option<Held>,
    /// The mark whose student is looking at the display.
    live: Option<Mark>,
    /// Numbers of the marks in the request under way.
    sent: Vec<u32, BATCH>,
    batch: usize,
    confirmed: u32,
    slots_told: bool,
    slots_sending: bool,
    body: Body,
    counter: Option<u64>,
    shown: Option<Shown>,
    view: View,
    status: Status,
    sensor_gone: bool,
    wifi_at: u64,
    time_at: u64,
    off: bool,
}

impl<F: MultiwriteNorFlash> Device<F> {
    /// Starts a device from what its flash holds. Fails only if the flash can't be read or written.
    pub fn new(flash: F, layout: &Layout, info: Info) -> Result<Self, FlashError> {
        let store = Store::open(flash, layout)?;
        Ok(Self {
            clock: Clock::restarted(store.last_time),
            store,
            info,
            battery: Battery::default(),
            finger: Finger::new(),
            link: Link::default(),
            editor: Editor::default(),
            console: Text::new(),
            ask: None,
            pair_code: None,
            session: None,
            message: None,
            slots: face::Slots::default(),
            state_sent: None,
            touched_at: 0,
            want_state: false,
            held: None,
            live: None,
            sent: Vec::new(),
            batch: BATCH,
            confirmed: 0,
            slots_told: false,
            slots_sending: false,
            body: Body::new(),
            counter: None,
            shown: None,
            view: View::default(),
            status: Status::default(),
            sensor_gone: false,
            wifi_at: 0,
            time_at: 0,
            off: false,
        })
    }

    /// Takes an event at an uptime (ms, never falling) and says what to do. To be called with [`Event::Tick`] at least every
    /// 20 ms or so.
    pub fn step(&mut self, now: u64, event: Event<'_>) -> Outputs {
        let mut out = Outputs::default();
        match event {
            Event::Tick => {}
            Event::SensorBytes(bytes) => {
                for byte in bytes {
                    if let Some(event) = self.finger.receive(now, *byte) {
                        self.on_finger(now, event);
                    }
                }
            }
            Event::ConsoleBytes(bytes) => self.on_console(now, bytes),
            Event::WifiUp(rssi) => {
                if self.link.rssi.replace(rssi).is_none() {
                    self.link.renew();
                }
            }
            Event::WifiDown => {
                if self.link.rssi.take().is_some() {
                    self.wifi_at = now;
                }
            }
            Event::Answer { id, status, body } => {
                if let Some(flight) = self.link.landed(id) {
                    self.on_answer(now, flight, status, body, &mut out);
                }
            }
            Event::NoAnswer { id } => {
                if let Some(flight) = self.link.landed(id) {
                    self.on_silence(now, flight.kind);
                }
            }
            Event::Power { millivolts, usb } => self.off |= self.battery.read(millivolts, usb),
        }
        self.on_time(now, &mut out);
        out
    }

    /// Host and port of the server, once configured.
    #[must_use]
    pub fn server(&self) -> Option<(&str, u16)> {
        host_and_port(&self.store.config.server)
    }

    /// Name and password of the network to join; an empty name if none is configured.
    #[must_use]
    pub fn network(&self) -> (&str, &str) {
        (&self.store.config.ssid, &self.store.config.password)
    }

    /// The status bar.
    #[must_use]
    pub const fn status(&self) -> &Status {
        &self.status
    }

    /// The lines below it.
    #[must_use]
    pub const fn view(&self) -> &View {
        &self.view
    }

    /// Whether the display shows a state, and not a result or a prompt that will pass.
    #[must_use]
    pub const fn at_rest(&self) -> bool {
        self.shown.is_none()
    }

    /// Text for the operator.
    pub fn take_console(&mut self) -> Text<CONSOLE> {
        core::mem::take(&mut self.console)
    }

    /// What the device keeps.
    #[must_use]
    pub const fn store(&self) -> &Store<F> {
        &self.store
    }

    /// The session that marks go to now, and its course; `None` while there is none or it isn't known.
    #[must_use]
    pub fn session(&self, now: u64) -> Option<(SessionId, &str)> {
        let id = self.session_now(now)?;
        self.session.as_ref().map(|s| (id, s.course.as_str()))
    }

    /// Whether the server answered lately.
    #[must_use]
    pub fn online(&self, now: u64) -> bool {
        self.link.online(now)
    }

    /// Whether the sensor answers.
    #[must_use]
    pub const fn sensor_ready(&self) -> bool {
        self.finger.ready()
    }

    /// Whether the cell is empty and the device must turn itself off; see [`Outputs::power_off`].
    #[must_use]
    pub const fn must_turn_off(&self) -> bool {
        self.off
    }

    /// The longest that a due heartbeat waited for another request to end, ms.
    #[must_use]
    pub const fn heartbeat_lag(&self) -> u64 {
        self.link.heartbeat_lag
    }

    /// Ends the device and gives its flash back.
    pub fn close(self) -> F {
        self.store.close()
    }

    fn on_time(&mut self, now: u64, out: &mut Outputs) {
        if let Some(event) = self.finger.tick(now, self.store.identity.is_some()) {
            self.on_finger(now, event);
        }
        out.sensor = self.finger.take_output();
        if let Some(flight) = self.link.overdue(now) {
            self.on_silence(now, flight.kind);
        }
        if self.held.is_some_and(|h| now >= h.deadline) {
            self.release_held(now);
        }
        self.keep_time(now);
        if self.link.rssi.is_none() && !self.store.config.ssid.is_empty() && now >= self.wifi_at {
            self.wifi_at = now + WIFI_EVERY;
            out.join_wifi = true;
        }
        out.request = self.prepare(now);
        self.refresh(now, out);
        out.console = !self.console.is_empty();
        out.power_off = self.off;
    }

    fn keep_time(&mut self, now: u64) {
        let Some(time) = self.clock.at(now) else { return };
        if now >= self.time_at && self.session.is_some() {
            self.time_at = now + TIME_EVERY;
            // Only a hint for the next start is lost if this fails; marks carry their own time.
            let _ = self.store.set_last_time(time);
        }
    }

    fn refresh(&mut self, now: u64, out: &mut Outputs) {
        let status = Status {
            bars: self.link.rssi.map(bars),
            queued: self.store.queued(),
            refused: self.store.refused(),
            battery: self.battery.percent,
            usb: self.battery.usb,
        };
        self.shown.take_if(|s| now >= s.until);
        let view = self.shown.as_ref().map_or_else(|| self.resting_view(now), |s| s.view.clone());
        if status != self.status || view != self.view {
            self.status = status;
            self.view = view;
            out.redraw = true;
        }
    }

    fn show(&mut self, now: u64, view: View) {
        self.shown = Some(Shown { view, until: now + SHOW });
    }

    fn on_finger(&mut self, now: u64, event: FingerEvent) {
        match event {
            FingerEvent::Ready => {
                self.sensor_gone = false;
                self.slots_told = false;
            }
            FingerEvent::Gone => self.sensor_gone = true,
            FingerEvent::Touched => {
                self.touched_at = now;
                // The display is the next student's now; what is heard of the one before must not be taken for theirs.
                self.live = None;
                // By the time the finger is recognised the server has said whether there is a session.
                self.want_state = self.session_now(now).is_none() && self.link.online(now);
                if self.finger.job().is_none() {
                    self.show(now, face::READING.view());
                }
            }
            FingerEvent::Found { slot, .. } => self.on_student(now, slot),
            FingerEvent::Unknown => self.show(now, face::UNKNOWN.view()),
            FingerEvent::Unclear(refusal) => self.show(now, View::new(refusal.text(), face::TRY_AGAIN)),
            FingerEvent::Prompt(prompt) => self.on_prompt(prompt),
            FingerEvent::Ended(end) => self.on_job_end(now, end),
        }
    }
}

/// The heartbeat interval and the timeout of a request together bound how long the server may not hear from a device that
/// is well.
pub const STALE_AFTER: u64 = HEARTBEAT_EVERY + crate::link::REQUEST_TIMEOUT;
