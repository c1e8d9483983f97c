//! A whole scanner that talks to a real server.

use std::{
    path::PathBuf,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, TryRecvError, channel},
    },
    time::{Duration, Instant},
};

use arise_scanner::{
    device::{Device, Event, Info, MAX_REQUEST, Outputs},
    flash::Layout,
    http::host_and_port,
    link::REQUEST_TIMEOUT,
    screen::View,
    session::SessionId,
    text::clipped,
};

use crate::{
    display::Panel,
    flash::SimFlash,
    http::{Faults, Job, Outcome, serve},
    play::{Manners, Play, Report},
    pty::PortSensor,
    script::{Begin, Script, Touch},
    sensor::{Finger, Timing, VirtualSensor},
};

/// How often the device looks at the time while nothing happens.
const TICK: Duration = Duration::from_millis(5);
/// How long pairing may take.
const PAIRING: Duration = Duration::from_secs(15);

/// Where fingers come from.
#[derive(Debug, Clone)]
pub enum Fingers {
    /// A simulated sensor with this timing, in which finger *n* is enrolled in slot *n*.
    Simulated(Timing),
    /// A real sensor on this serial port, such as `/dev/ttyUSB0`.
    Port(PathBuf),
}

/// Called with every new picture on the display.
pub type OnScreen = Box<dyn FnMut(&Panel) + Send>;

/// A scanner to be simulated.
pub struct SimConfig {
    /// Such as `http://127.0.0.1:5000`.
    pub server_url: String,
    /// For people, in messages and logs.
    pub name: String,
    /// `aa:bb:cc:dd:ee:ff`
    pub mac: String,
    /// Slots that hold a finger, from 1: two to a student, 2R−1 and 2R for roll R.
    pub slots: Vec<u16>,
    /// The file that is the flash; `None` for flash that is forgotten.
    pub flash: Option<PathBuf>,
    pub fingers: Fingers,
    pub manners: Manners,
    pub on_screen: Option<OnScreen>,
}

impl SimConfig {
    /// A scanner with a simulated sensor and nothing kept.
    #[must_use]
    pub fn new(server_url: &str, name: &str, mac: &str, slots: Vec<u16>) -> Self {
        Self {
            server_url: server_url.to_owned(),
            name: name.to_owned(),
            mac: mac.to_owned(),
            slots,
            flash: None,
            fingers: Fingers::Simulated(Timing::REAL),
            manners: Manners::HUMAN,
            on_screen: None,
        }
    }
}

/// Why a scanner can't be simulated.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    #[error("the server's address must look like http://127.0.0.1:5000")]
    Url,
    #[error("the flash file: {0}")]
    File(#[from] std::io::Error),
    #[error("the sensor's port: {0}")]
    Port(#[from] serialport::Error),
    #[error("the flash holds nothing that can be read: {0:?}")]
    Flash(arise_scanner::flash::FlashError),
    #[error("not paired: {0}")]
    Pairing(String),
}

enum Sensor {
    Simulated(Box<VirtualSensor>),
    Port(PortSensor),
}

/// A scanner in this process. It has a thread for its network and else runs in the caller's.
pub struct Simulator {
    name: String,
    device: Device<SimFlash>,
    sensor: Sensor,
    jobs: Sender<Job>,
    outcomes: Receiver<Outcome>,
    faults: Faults,
    manners: Manners,
    on_screen: Option<OnScreen>,
    start: Instant,
    console: String,
    /// Results and prompts since the script last looked.
    views: Vec<(u64, View)>,
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulator").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Simulator {
    /// Starts a scanner, which then knows its server but isn't paired unless its flash file says so.
    pub fn new(config: SimConfig) -> Result<Self, SimError> {
        host_and_port(&config.server_url).ok_or(SimError::Url)?;
        let layout = Layout::device();
        let flash = match &config.flash {
            Some(path) => SimFlash::open(path, layout.len())?,
            None => SimFlash::new(layout.len()),
        };
        let info = Info { mac: clipped(&config.mac), firmware: env!("CARGO_PKG_VERSION") };
        let device = Device::new(flash, &layout, info).map_err(SimError::Flash)?;
        let sensor = match config.fingers {
            Fingers::Simulated(timing) => {
                let mut sensor = VirtualSensor::new(1000, timing);
                for slot in &config.slots {
                    sensor.enrol(*slot, u32::from(*slot));
                }
                Sensor::Simulated(Box::new(sensor))
            }
            Fingers::Port(path) => Sensor::Port(PortSensor::open(&path)?),
        };
        let (jobs, to_do) = channel();
        let (done, outcomes) = channel();
        let faults = Faults::default();
        let network = faults.clone();
        std::thread::spawn(move || {
            // A little less than the device's own patience, so that it hears of a failure.
            serve(&to_do, &done, &network, Duration::from_millis(REQUEST_TIMEOUT - 200));
        });
        let mut simulator = Self {
            name: config.name,
            device,
            sensor,
            jobs,
            outcomes,
            faults,
            manners: config.manners,
            on_screen: config.on_screen,
            start: Instant::now(),
            console: String::new(),
            views: Vec::new(),
        };
        simulator.type_line("wifi \"host\"");
        simulator.type_line(&format!("server {}", config.server_url));
        simulator.event(Event::WifiUp(-50));
        simulator.event(Event::Power { millivolts: 4100, usb: true });
        Ok(simulator)
    }

    /// The network's faults, which another thread may change.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.clone()
    }

    /// Types a line at the serial console.
    pub fn type_line(&mut self, line: &str) {
        self.event(Event::ConsoleBytes(line.as_bytes()));
        self.event(Event::ConsoleBytes(b"\r"));
    }

    /// What the serial console has printed since this was last asked.
    pub fn printed(&mut self) -> String {
        std::mem::take(&mut self.console)
    }

    /// Whether it has a key for its server.
    #[must_use]
    pub const fn paired(&self) -> bool {
        self.device.store().identity.is_some()
    }

    /// The id that the server gave it.
    #[must_use]
    pub fn device_id(&self) -> Option<String> {
        self.device.store().identity.as_ref().map(|i| i.device_id.to_string())
    }

    /// What the display shows.
    #[must_use]
    pub fn panel(&self) -> Panel {
        Panel::of(self.device.status(), self.device.view())
    }

    /// Pairs with the code that the server's Devices page shows. A scanner that is paired already is paired anew.
    pub fn pair(mut self, code: &str) -> Result<Self, SimError> {
        self.pair_now(code)?;
        Ok(self)
    }

    /// The same for a scanner that is to stay when it fails: an earlier pairing then still holds.
    pub fn pair_now(&mut self, code: &str) -> Result<(), SimError> {
        self.printed();
        self.type_line(&format!("pair {code}"));
        let end = Instant::now() + PAIRING;
        while Instant::now() < end {
            self.turn();
            let failed =
                |text: &str| ["not paired:", "no answer", "pair CODE"].iter().any(|f| text.contains(f));
            if self.console.contains("\npaired") {
                return Ok(());
            }
            if failed(&self.console) {
                break;
            }
        }
        let said = self.printed();
        let reason = said.lines().rev().find(|l| !l.trim().is_empty() && !l.starts_with('>'));
        let reason = reason.unwrap_or("no answer from the server").trim();
        Err(SimError::Pairing(reason.trim_start_matches("not paired:").trim().to_owned()))
    }

    /// Plays a script and reports. Returns when `stop` is set, or when a script that begins at once has been played and all marks
    /// are sent or the server is away.
    pub fn run(&mut self, script: &Script, stop: &AtomicBool) -> Report {
        self.play(script.clone(), |_| None, stop)
    }

    /// Plays the script that `script_of` writes for each session, by its id, when the session begins. Returns when `stop` is set.
    pub fn run_sessions(&mut self, mut script_of: impl FnMut(&str) -> Script, stop: &AtomicBool) -> Report {
        self.play(Script::nobody(), |id| Some(script_of(&id.text()).in_each_session()), stop)
    }

    fn play(
        &mut self,
        script: Script,
        mut script_of: impl FnMut(SessionId) -> Option<Script>,
        stop: &AtomicBool,
    ) -> Report {
        let mut play = Play::new(script, self.manners);
        while !(stop.load(Ordering::Relaxed) || play.over() && self.settled()) {
            self.turn();
            let now = self.now();
            let online = self.device.online(now);
            for (at, view) in std::mem::take(&mut self.views) {
                play.see(at, &view, online);
            }
            let session = self.device.session(now).map(|s| s.0);
            if let Some(id) = session
                && play.session != session
                && let Some(script) = script_of(id)
            {
                play.script = script;
            }
            if let Sensor::Simulated(sensor) = &mut self.sensor {
                play.act(now, session, sensor);
            }
        }
        play.report(&self.device)
    }

    /// Runs with a person at the serial console: types `lines`, hands what is printed to `print` and what is told to who stands
    /// before it to `tell`, until `stop` is set or the sender of `lines` is gone. With a simulated sensor a line that is a number
    /// is no command but that finger, placed and lifted again.
    pub fn interact(
        &mut self,
        lines: &Receiver<String>,
        mut print: impl FnMut(&str),
        mut tell: impl FnMut(&View),
        stop: &AtomicBool,
    ) {
        let mut play = Play::new(Script { touches: Vec::new(), begin: Begin::Now }, self.manners);
        while !stop.load(Ordering::Relaxed) {
            match lines.try_recv() {
                Ok(line) => match (line.trim().parse(), &self.sensor) {
                    (Ok(finger), Sensor::Simulated(_)) => {
                        play.script.touches.push(Touch { at: 0, finger: Finger::clear(finger) });
                    }
                    _ => self.type_unseen(line.trim_end()),
                },
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return,
            }
            self.turn();
            let now = self.now();
            let online = self.device.online(now);
            for (at, view) in std::mem::take(&mut self.views) {
                play.see(at, &view, online);
                tell(&view);
            }
            if let Sensor::Simulated(sensor) = &mut self.sensor {
                play.act(now, None, sensor);
            }
            let text = self.printed();
            if !text.is_empty() {
                print(&text);
            }
        }
    }

    /// Types a line whose author has seen it already.
    fn type_unseen(&mut self, line: &str) {
        let before = self.console.len();
        self.type_line(line);
        let echo = format!("{line}\r\n");
        if self.console[before..].starts_with(&echo) {
            self.console.replace_range(before..before + echo.len(), "");
        }
    }

    /// The simulated sensor, to place fingers by hand; `None` with a real one.
    pub fn sensor(&mut self) -> Option<&mut VirtualSensor> {
        match &mut self.sensor {
            Sensor::Simulated(sensor) => Some(sensor),
            Sensor::Port(_) => None,
        }
    }

    fn settled(&self) -> bool {
        let now = self.now();
        self.device.store().queued() == 0 || !self.device.online(now)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// One turn: what came in, and the time.
    fn turn(&mut self) {
        match self.outcomes.recv_timeout(TICK) {
            Ok(Outcome { id, answer: Some((status, body)) }) => {
                self.event(Event::Answer { id, status, body: &body });
            }
            Ok(Outcome { id, answer: None }) => self.event(Event::NoAnswer { id }),
            Err(_) => {}
        }
        let now = self.now();
        let bytes = match &mut self.sensor {
            Sensor::Simulated(sensor) => sensor.output(now),
            Sensor::Port(port) => port.received(),
        };
        if bytes.is_empty() {
            self.event(Event::Tick);
        } else {
            self.event(Event::SensorBytes(&bytes));
        }
    }

    fn event(&mut self, event: Event<'_>) {
        let now = self.now();
        let out = self.device.step(now, event);
        self.carry_out(now, &out);
    }

    fn carry_out(&mut self, now: u64, out: &Outputs) {
        if !out.sensor.is_empty() {
            match &mut self.sensor {
                Sensor::Simulated(sensor) => sensor.receive(now, &out.sensor),
                Sensor::Port(port) => port.send(&out.sensor),
            }
        }
        if out.console {
            self.console.push_str(&self.device.take_console());
        }
        if out.redraw {
            if !self.device.at_rest() {
                self.views.push((now, self.device.view().clone()));
            }
            if let Some(show) = &mut self.on_screen {
                show(&Panel::of(self.device.status(), self.device.view()));
            }
        }
        if out.join_wifi {
            self.event(Event::WifiUp(-50));
        }
        if out.request {
            let mut bytes: heapless::Vec<u8, MAX_REQUEST> = heapless::Vec::new();
            if let (Some(id), Some((host, port))) = (self.device.request(&mut bytes), self.device.server()) {
                let job = Job { id, host: host.to_owned(), port, bytes: bytes.to_vec() };
                // The network's thread ends only with this simulator.
                let _ = self.jobs.send(job);
            }
        }
    }
}
