//! What lies between classrooms and their hub: a network that loses, delays, cuts and doubles what it carries.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A connection that is silent for so long is given up.
const SILENCE: Duration = Duration::from_secs(20);

/// The faces a request may meet, dealt in turn, so that none stays away by chance. The last six are no fault.
const FACES: [u8; 12] = [6, 5, 7, 2, 8, 0, 9, 3, 10, 1, 11, 4];

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) whole: AtomicUsize,
    pub(crate) refused: AtomicUsize,
    pub(crate) lost_answers: AtomicUsize,
    pub(crate) delayed: AtomicUsize,
    pub(crate) cut_requests: AtomicUsize,
    pub(crate) cut_answers: AtomicUsize,
    pub(crate) doubled: AtomicUsize,
}

#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) address: String,
    pub(crate) counts: Counts,
    faulty: AtomicBool,
    dealt: AtomicUsize,
    /// Where the hub's processes listen.
    hubs: Mutex<Vec<String>>,
}

impl Proxy {
    pub(crate) fn start(seed: u64) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Arc::new(Self {
            address: listener.local_addr().unwrap().to_string(),
            counts: Counts::default(),
            faulty: AtomicBool::new(true),
            dealt: AtomicUsize::new(0),
            hubs: Mutex::new(vec![]),
        });
        let serving = Arc::clone(&proxy);
        std::thread::spawn(move || {
            let mut random = fastrand::Rng::with_seed(seed);
            for client in listener.incoming().flatten() {
                let (proxy, random) = (Arc::clone(&serving), random.fork());
                std::thread::spawn(move || proxy.carry(client, random));
            }
        });
        proxy
    }

    pub(crate) fn lead_to(&self, hubs: Vec<String>) {
        *self.hubs.lock().unwrap() = hubs;
    }

    pub(crate) fn heal(&self) {
        self.faulty.store(false, Ordering::SeqCst);
    }

    /// Carries the requests of one connection until it breaks.
    fn carry(&self, mut client: TcpStream, mut random: fastrand::Rng) {
        client.set_read_timeout(Some(SILENCE)).unwrap();
        while self.carry_one(&mut client, &mut random).is_some() {}
    }

    fn carry_one(&self, client: &mut TcpStream, random: &mut fastrand::Rng) -> Option<()> {
        let request = read_message(client)?;
        let counted = |count: &AtomicUsize| count.fetch_add(1, Ordering::SeqCst);
        let face = if self.faulty.load(Ordering::SeqCst) {
            FACES[self.dealt.fetch_add(1, Ordering::SeqCst) % FACES.len()]
        } else {
            11
        };
        let hub = |random: &mut fastrand::Rng| {
            let hubs = self.hubs.lock().unwrap();
            let hub = hubs.get(random.usize(0..hubs.len().max(1)))?;
            let stream = TcpStream::connect(hub).ok()?;
            stream.set_read_timeout(Some(SILENCE)).ok()?;
            Some(stream)
        };
        match face {
            0 => {
                counted(&self.counts.refused);
                return None;
            }
            1 => {
                let mut hub = hub(random)?;
                hub.write_all(&request[..random.usize(1..request.len())]).ok()?;
                counted(&self.counts.cut_requests);
                return None;
            }
            2 => {
                let mut hub = hub(random)?;
                hub.write_all(&request).ok()?;
                read_message(&mut hub)?;
                counted(&self.counts.lost_answers);
                return None;
            }
            3 => {
                let mut hub = hub(random)?;
                hub.write_all(&request).ok()?;
                let answer = read_message(&mut hub)?;
                client.write_all(&answer[..random.usize(1..answer.len())]).ok()?;
                counted(&self.counts.cut_answers);
                return None;
            }
            4 => {
                std::thread::park_timeout(Duration::from_millis(random.u64(20..400)));
                counted(&self.counts.delayed);
            }
            5 => {
                // The copy overtakes, perhaps through another process of the hub.
                let mut copy = hub(random)?;
                copy.write_all(&request).ok()?;
                read_message(&mut copy)?;
                counted(&self.counts.doubled);
            }
            _ => {
                counted(&self.counts.whole);
            }
        }
        let mut hub = hub(random)?;
        hub.write_all(&request).ok()?;
        client.write_all(&read_message(&mut hub)?).ok()
    }
}

/// A whole request or answer, by its length.
pub(crate) fn read_message(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut chunk = [0; 16_384];
    loop {
        let read = stream.read(&mut chunk).ok().filter(|read| *read > 0)?;
        message.extend_from_slice(&chunk[..read]);
        let Some(end) = message.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&message[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        if message.len() >= end + 4 + length {
            return Some(message);
        }
    }
}
