//! A server and a world for scanners, in which the time is invented.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(unreachable_pub, reason = "the same file is a module of several tests")]
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::collections::{BTreeMap, HashSet};

use arise_scanner::{
    device::{Device, Event, Info, MAX_REQUEST, Outputs},
    flash::Layout,
    text::clipped,
};
use arise_scanner_sim::{
    flash::{SimFlash, Tear},
    http::Fault,
    sensor::{Finger, Timing, VirtualSensor},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const DEVICE: &str = "01900000-0000-7000-8000-0000000000aa";
pub const CODE: &str = "ABCD-1234";
pub const MAC: &str = "aa:bb:cc:dd:ee:01";
/// 2027-01-15 08:00 UTC.
pub const MORNING: i64 = 1_800_000_000_000;

#[derive(Debug, Clone)]
pub struct Session {
    pub id: String,
    pub code: String,
    pub starts_at: i64,
    pub ends_at: i64,
}

/// A server that keeps to the contract of the signed endpoints.
#[derive(Debug)]
pub struct Server {
    pub key: [u8; 32],
    pub counter: u64,
    pub sessions: Vec<Session>,
    /// Names by slot.
    pub students: BTreeMap<u16, String>,
    /// What was answered to each seq the first time.
    pub answers: BTreeMap<u64, Value>,
    /// Slots credited, by session.
    pub credited: BTreeMap<String, Vec<u16>>,
    pub refused: Vec<(u64, String)>,
    /// Codes of requests that were not trusted.
    pub audit: Vec<String>,
    pub heartbeats: Vec<Value>,
    pub mark_requests: usize,
    pub received: Vec<Vec<u8>>,
    /// Sessions open without one having chosen this scanner.
    pub several: bool,
    /// A server that tells of the present session only.
    pub without_windows: bool,
    /// The server knows by itself whose finger is in which slot.
    pub slot_map: bool,
}

pub fn session_id(n: u8) -> String {
    format!("01900000-0000-7000-8000-0000000000{n:02x}")
}

impl Server {
    pub fn new(students: u16) -> Self {
        Self {
            key: [0x5A; 32],
            counter: 0,
            sessions: Vec::new(),
            students: (1..=students).map(|slot| (slot, format!("Student {slot}"))).collect(),
            answers: BTreeMap::new(),
            credited: BTreeMap::new(),
            refused: Vec::new(),
            audit: Vec::new(),
            heartbeats: Vec::new(),
            mark_requests: 0,
            received: Vec::new(),
            several: false,
            without_windows: false,
            slot_map: false,
        }
    }

    pub fn open(&mut self, n: u8, starts_at: i64, minutes: i64) {
        let ends_at = starts_at + minutes * 60_000;
        self.sessions.push(Session { id: session_id(n), code: format!("CS10{n}"), starts_at, ends_at });
    }

    fn at(&self, time: i64) -> Option<&Session> {
        self.sessions.iter().find(|s| s.starts_at <= time && time < s.ends_at)
    }

    /// Answers a request: status and body.
    pub fn reply(&mut self, now: i64, bytes: &[u8]) -> (u16, Vec<u8>) {
        self.received.push(bytes.to_vec());
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let body = &bytes[end + 4..];
        let mut lines = head.lines();
        let mut words = lines.next().unwrap().split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let headers: BTreeMap<String, &str> =
            lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_lowercase(), v)).collect();
        assert_eq!(headers["content-length"], body.len().to_string());
        if path != "/api/device/pair"
            && let Err(code) = self.trust(method, path, &headers, body)
        {
            self.audit.push(code.clone());
            let body = json!({"error": "no", "message": "no", "code": code, "last_counter": self.counter});
            return (401, body.to_string().into_bytes());
        }
        let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).unwrap() };
        let (status, answer) = match (method, path) {
            ("POST", "/api/device/pair") if body["code"] == CODE => {
                (200, json!({"device_id": DEVICE, "key": hex::encode(self.key)}))
            }
            ("POST", "/api/device/pair") => (404, json!({"error": "unknown code", "code": "pairing_code"})),
            ("GET", "/api/device/state") => (200, self.state(now)),
            ("POST", "/api/device/heartbeat") => {
                self.heartbeats.push(body);
                (200, json!({"status": "ok", "beep": false}))
            }
            ("POST", "/api/device/marks") => {
                self.mark_requests += 1;
                (200, self.marks(now, &body))
            }
            _ => panic!("{method} {path}"),
        };
        (status, answer.to_string().into_bytes())
    }

    fn trust(
        &mut self,
        method: &str,
        path: &str,
        headers: &BTreeMap<String, &str>,
        body: &[u8],
    ) -> Result<(), String> {
        if headers.get("x-arise-device") != Some(&DEVICE) {
            return Err("unknown_device".into());
        }
        let counter = headers["x-arise-counter"];
        let text = format!("{method}\n{path}\n{counter}\n{}", hex::encode(Sha256::digest(body)));
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap();
        mac.update(text.as_bytes());
        if hex::encode(mac.finalize().into_bytes()) != headers["x-arise-signature"] {
            return Err("bad_signature".into());
        }
        let counter: u64 = counter.parse().unwrap();
        if counter <= self.counter {
            return Err("replayed".into());
        }
        self.counter = counter;
        Ok(())
    }

    fn state(&self, now: i64) -> Value {
        let windows: Vec<Value> = self
            .sessions
            .iter()
            .filter(|s| s.starts_at <= now && !self.without_windows)
            .map(|s| {
                json!({"session_id": s.id, "course_code": s.code, "starts_at": s.starts_at, "ends_at": s.ends_at})
            })
            .collect();
        let session = self.at(now).filter(|_| !self.several).map(
            |s| json!({"id": s.id, "course_code": s.code, "course_name": "A course", "ends_at": s.ends_at}),
        );
        let message = if self.several { json!("Choose scanner") } else { Value::Null };
        json!({"server_time": now, "session": session, "message": message, "windows": windows, "slot_map": self.slot_map})
    }

    fn marks(&mut self, now: i64, body: &Value) -> Value {
        let (boot, uptime) = (body["boot"].as_u64().unwrap(), body["uptime_ms"].as_i64().unwrap());
        let mut results = Vec::new();
        for mark in body["marks"].as_array().unwrap() {
            let seq = mark["seq"].as_u64().unwrap();
            if let Some(first) = self.answers.get(&seq) {
                results.push(first.clone());
                continue;
            }
            let observed = mark["observed_at"].as_i64().or_else(|| {
                (mark["boot"].as_u64() == Some(boot))
                    .then(|| now - (uptime - mark["uptime_ms"].as_i64().unwrap()))
            });
            let session = match (mark["session_id"].as_str(), observed) {
                (Some(id), None) => self.sessions.iter().find(|s| s.id == id),
                (Some(id), Some(time)) => {
                    self.sessions.iter().find(|s| s.id == id && s.starts_at <= time && time < s.ends_at)
                }
                (None, Some(time)) => self.at(time),
                (None, None) => None,
            };
            let slot = u16::try_from(mark["slot"].as_u64().unwrap()).unwrap();
            let answer = match (session.map(|s| s.id.clone()), self.students.get(&slot)) {
                (None, _) => json!({"seq": seq, "status": "no_session", "message": "No Active Session"}),
                (_, None) => json!({"seq": seq, "status": "not_enrolled", "message": "Not Enrolled"}),
                (Some(id), Some(name)) => {
                    let marked = self.credited.entry(id).or_default();
                    if marked.contains(&slot) {
                        json!({"seq": seq, "status": "duplicate", "message": "Already Marked", "student_name": name})
                    } else {
                        marked.push(slot);
                        json!({"seq": seq, "status": "success", "message": "Marked", "student_name": name})
                    }
                }
            };
            let status = answer["status"].as_str().unwrap();
            if !matches!(status, "success" | "duplicate") {
                self.refused.push((seq, status.to_owned()));
            }
            self.answers.insert(seq, answer.clone());
            results.push(answer);
        }
        json!({"results": results})
    }

    pub fn credited_in(&self, n: u8) -> Vec<u16> {
        let mut slots = self.credited.get(&session_id(n)).cloned().unwrap_or_default();
        slots.sort_unstable();
        slots
    }
}

/// When an answer arrives, to which request, and what it is.
type Flying = (u64, u32, Option<(u16, Vec<u8>)>);

/// A server, real or not.
pub trait Answers {
    /// Answers a request at a time of the world's: status and body.
    fn answer(&mut self, now: i64, bytes: &[u8]) -> (u16, Vec<u8>);
    /// Whether a session is open then.
    fn is_open(&self, now: i64) -> bool;
}

impl Answers for Server {
    fn answer(&mut self, now: i64, bytes: &[u8]) -> (u16, Vec<u8>) {
        self.reply(now, bytes)
    }

    fn is_open(&self, now: i64) -> bool {
        self.at(now).is_some()
    }
}

/// One scanner, one server, and a clock that only the test moves.
pub struct World<S = Server> {
    pub device: Option<Device<SimFlash>>,
    pub sensor: VirtualSensor,
    pub server: S,
    pub fault: Fault,
    /// Time of the world, ms.
    pub time: u64,
    booted: u64,
    flying: Option<Flying>,
    /// The network's latency there and back, ms.
    pub latency: u64,
    /// Everything that the display showed: world time, main line, both sub lines.
    pub shown: Vec<(u64, String, String)>,
    pub console: String,
    pub beeps: usize,
    pub powered_off: bool,
}

pub const STEP: u64 = 5;

impl World {
    /// A paired scanner with fingers 1 to `fingers` in their slots.
    pub fn paired(fingers: u16) -> Self {
        Self::paired_with(fingers, Server::new(fingers), CODE)
    }

    pub fn blank(fingers: u16, flash: SimFlash) -> Self {
        Self::unpaired(fingers, flash, Server::new(fingers))
    }

    /// No slot is credited twice in a session.
    pub fn assert_exactly_once(&self) {
        for (id, slots) in &self.server.credited {
            let unique: HashSet<_> = slots.iter().collect();
            assert_eq!(unique.len(), slots.len(), "{id}: {slots:?}");
        }
    }
}

impl<S: Answers> World<S> {
    /// The same with a server of the test's choice.
    pub fn paired_with(fingers: u16, server: S, code: &str) -> Self {
        let mut world = Self::unpaired(fingers, SimFlash::new(Layout::device().len()), server);
        world.type_line("wifi \"school\" password1");
        world.type_line("server http://10.0.0.1:5000");
        world.event(Event::WifiUp(-60));
        world.type_line(&format!("pair {code}"));
        world.run(3000);
        assert!(world.console.contains("\npaired"), "{}", world.console);
        world
    }

    fn unpaired(fingers: u16, flash: SimFlash, server: S) -> Self {
        let mut sensor = VirtualSensor::new(300, Timing::REAL);
        for slot in 1..=fingers {
            sensor.enrol(slot, slot.into());
        }
        let mut world = Self {
            device: None,
            sensor,
            server,
            fault: Fault::None,
            time: 0,
            booted: 0,
            flying: None,
            latency: 8,
            shown: Vec::new(),
            console: String::new(),
            beeps: 0,
            powered_off: false,
        };
        world.boot(flash);
        world
    }

    pub fn boot(&mut self, flash: SimFlash) {
        let info = Info { mac: clipped(MAC), firmware: "0.1.0" };
        self.booted = self.time;
        self.flying = None;
        self.device = Some(Device::new(flash, &Layout::device(), info).unwrap());
    }

    /// The power goes and comes back `off` ms later.
    pub fn restart(&mut self, off: u64) {
        let flash = self.device.take().unwrap().close().restart();
        self.time += off;
        self.boot(flash);
        self.event(Event::WifiUp(-60));
    }

    /// Cuts the flash's power after so many more bytes, and with it the device's.
    pub fn cut_after(&mut self, bytes: u64, tear: Tear) {
        let mut flash = self.device.take().unwrap().close().restart();
        flash.cut_after(bytes, tear);
        let info = Info { mac: clipped(MAC), firmware: "0.1.0" };
        self.booted = self.time;
        self.flying = None;
        match Device::new(flash, &Layout::device(), info) {
            Ok(device) => self.device = Some(device),
            Err(error) => panic!("{error:?}: give it more bytes to start with"),
        }
        self.event(Event::WifiUp(-60));
    }

    pub fn uptime(&self) -> u64 {
        self.time - self.booted
    }

    pub fn utc(&self) -> i64 {
        MORNING.saturating_add_unsigned(self.time)
    }

    pub fn device(&self) -> &Device<SimFlash> {
        self.device.as_ref().unwrap()
    }

    pub fn type_line(&mut self, line: &str) {
        self.event(Event::ConsoleBytes(line.as_bytes()));
        self.event(Event::ConsoleBytes(b"\r"));
    }

    pub fn event(&mut self, event: Event<'_>) {
        let now = self.uptime();
        let out = self.device.as_mut().unwrap().step(now, event);
        self.carry_out(&out);
    }

    /// Lets so many ms pass.
    pub fn run(&mut self, ms: u64) {
        let end = self.time + ms;
        while self.time < end {
            self.turn();
        }
    }

    pub fn turn(&mut self) {
        self.time += STEP;
        if self.flying.as_ref().is_some_and(|(due, ..)| *due <= self.time)
            && let Some((_, id, answer)) = self.flying.take()
        {
            match answer {
                Some((status, body)) => self.event(Event::Answer { id, status, body: &body }),
                None => self.event(Event::NoAnswer { id }),
            }
        }
        let bytes = self.sensor.output(self.time);
        if bytes.is_empty() {
            self.event(Event::Tick);
        } else {
            self.event(Event::SensorBytes(&bytes));
        }
    }

    /// A student places this finger, waits for a word beyond "Hold still", and lifts it. Gives the last message.
    pub fn touch(&mut self, finger: u32) -> String {
        let before = self.shown.len();
        self.sensor.place(Finger::clear(finger));
        for _ in 0..1200 {
            self.turn();
            let word = self.shown[before..].iter().rev().map(|s| s.1.as_str()).find(|w| self.is_result(w));
            if word.is_some_and(|w| w != "Saved") {
                break;
            }
            if word == Some("Saved") && !self.device().online(self.uptime()) {
                break;
            }
        }
        self.sensor.lift();
        let shown: Vec<String> = self.shown[before..].iter().map(|s| s.1.clone()).collect();
        let last = shown.iter().rev().find(|w| self.is_result(w)).cloned();
        self.run(700);
        last.unwrap_or_else(|| panic!("nothing was shown for finger {finger}: {shown:?}"))
    }

    fn is_result(&self, word: &str) -> bool {
        let passing = ["Hold still", "Starting", "Connecting", "Offline"].contains(&word);
        let not_yet = word == "No Session" && self.server.is_open(self.utc());
        !(passing || not_yet || word.starts_with("CS10"))
    }

    fn carry_out(&mut self, out: &Outputs) {
        let time = self.time;
        self.sensor.receive(time, &out.sensor);
        self.beeps += usize::from(out.beep);
        self.powered_off |= out.power_off;
        let device = self.device.as_mut().unwrap();
        if out.console {
            self.console.push_str(&device.take_console());
        }
        if out.redraw {
            let view = device.view();
            self.shown.push((time, view.main().to_owned(), view.sub().join(" ").trim().to_owned()));
        }
        if out.request {
            let mut bytes: heapless::Vec<u8, MAX_REQUEST> = heapless::Vec::new();
            let id = device.request(&mut bytes).unwrap();
            assert!(self.flying.is_none() || self.fault != Fault::None, "two requests at once");
            let utc = self.utc();
            let mut due = time + self.latency;
            let answer = match self.fault {
                Fault::Unreachable => {
                    due = time + 1000;
                    None
                }
                Fault::AnswerLost => {
                    self.server.answer(utc, &bytes);
                    due = time + 2500;
                    None
                }
                Fault::Slow(ms) => {
                    due += ms;
                    Some(self.server.answer(utc, &bytes))
                }
                Fault::None => Some(self.server.answer(utc, &bytes)),
            };
            self.flying = Some((due, id, answer));
        }
    }
}
