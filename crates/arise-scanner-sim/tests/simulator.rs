//! The simulator against a server on a real socket.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use arise_scanner_sim::{
    Fingers, Script, SimConfig, SimError, Simulator, Touch,
    http::Fault,
    script::Begin,
    sensor::{Finger, Timing},
};
use support::{CODE, MAC, MORNING, Server};

struct Loopback {
    url: String,
    server: Arc<Mutex<Server>>,
    connections: Arc<AtomicUsize>,
    start: Instant,
}

impl Loopback {
    fn new(students: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Arc::new(Mutex::new(Server::new(students)));
        let connections = Arc::new(AtomicUsize::new(0));
        let start = Instant::now();
        let (shared, count) = (Arc::clone(&server), Arc::clone(&connections));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                count.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || converse(stream.unwrap(), &shared, start));
            }
        });
        Self { url, server, connections, start }
    }

    fn now(&self) -> i64 {
        MORNING + i64::try_from(self.start.elapsed().as_millis()).unwrap()
    }

    fn open(&self, n: u8) {
        let now = self.now();
        self.server.lock().unwrap().open(n, now, 50);
    }

    fn scanner(&self, slots: Vec<u16>, timing: Timing) -> Simulator {
        let config = SimConfig {
            fingers: Fingers::Simulated(timing),
            ..SimConfig::new(&self.url, "Room 1", MAC, slots)
        };
        Simulator::new(config).unwrap().pair(CODE).unwrap()
    }
}

fn converse(mut stream: TcpStream, server: &Mutex<Server>, start: Instant) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let head = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        let length = head.map(|end| {
            let text = std::str::from_utf8(&bytes[..end]).unwrap().to_lowercase();
            let length = text.lines().find_map(|l| l.strip_prefix("content-length: ")).unwrap();
            end + 4 + length.parse::<usize>().unwrap()
        });
        match length {
            Some(length) if bytes.len() >= length => {
                let now = MORNING + i64::try_from(start.elapsed().as_millis()).unwrap();
                let request: Vec<u8> = bytes.drain(..length).collect();
                let (status, body) = server.lock().unwrap().reply(now, &request);
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
                if stream.write_all(&[head.as_bytes(), &body].concat()).is_err() {
                    return;
                }
            }
            _ => match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => bytes.extend(&buffer[..count]),
            },
        }
    }
}

#[test]
fn a_class_is_marked_over_one_connection() {
    let world = Loopback::new(20);
    world.open(1);
    let slots: Vec<u16> = (1..=20).collect();
    let mut scanner = world.scanner(slots.clone(), Timing::NONE);
    assert_eq!(scanner.device_id().as_deref(), Some(support::DEVICE));
    let mut script = Script::class(&slots, 20, 3);
    script.touches.push(Touch { at: 1000, finger: Finger::clear(900) });
    let report = scanner.run(&script, &AtomicBool::new(false));
    let told = |word| report.fingers.iter().filter(|f| f.main == word).count();
    // On a busy machine an answer may come after patience has ended.
    assert!(told("Marked") > 0 && told("Marked") + told("Saved") == 20, "{report:?}");
    assert_eq!((report.queued, report.refused), (0, 0), "{report:?}");
    assert_eq!(report.fingers.last().unwrap().main, "Not recognised");
    assert_eq!(world.server.lock().unwrap().credited_in(1), slots);
    // A request that isn't answered in time ends its connection, and all that are share one.
    let connections = world.connections.load(Ordering::Relaxed);
    assert!(connections == 1 || connections < 10 && told("Saved") > 0, "{connections} connections");
}

#[test]
fn it_keeps_marks_in_a_file_while_the_network_is_away() {
    let world = Loopback::new(6);
    world.open(1);
    let folder = tempfile::tempdir().unwrap();
    let config = || SimConfig {
        flash: Some(folder.path().join("flash.bin")),
        fingers: Fingers::Simulated(Timing::NONE),
        ..SimConfig::new(&world.url, "Room 1", MAC, (1..=6).collect())
    };
    let mut scanner = Simulator::new(config()).unwrap().pair(CODE).unwrap();
    let touch = |at, id| Touch { at, finger: Finger::clear(id) };
    let first = Script { touches: vec![touch(200, 1)], begin: Begin::EachSession };
    let stop = Arc::new(AtomicBool::new(false));
    let later = Arc::clone(&stop);
    // A script for each session has no end of its own: it is over some time after the server has the mark.
    let server = Arc::clone(&world.server);
    let timer = std::thread::spawn(move || {
        while server.lock().unwrap().credited_in(1).is_empty() {
            std::thread::park_timeout(Duration::from_millis(20));
        }
        std::thread::park_timeout(Duration::from_millis(3000));
        later.store(true, Ordering::Relaxed);
    });
    assert_eq!(scanner.run(&first, &stop).fingers[0].main, "Marked");
    timer.join().unwrap();
    scanner.faults().set(Fault::Unreachable);
    let second = Script { touches: vec![touch(0, 2), touch(50, 3)], begin: Begin::Now };
    let report = scanner.run(&second, &AtomicBool::new(false));
    assert_eq!(report.queued, 2, "{report:?}");
    assert!(report.fingers.iter().all(|f| f.main == "Saved"), "{report:?}");
    drop(scanner);
    let mut scanner = Simulator::new(config()).unwrap();
    assert!(scanner.paired(), "the key is in the file");
    let third = Script { touches: vec![touch(2500, 4)], begin: Begin::Now };
    assert_eq!(scanner.run(&third, &AtomicBool::new(false)).queued, 0);
    assert_eq!(world.server.lock().unwrap().credited_in(1), [1, 2, 3, 4]);
}

/// A demonstration runs each scanner in a thread of its own.
#[test]
fn it_can_go_to_another_thread() {
    fn may_go<T: Send>() {}
    may_go::<Simulator>();
    may_go::<Script>();
    may_go::<SimConfig>();
}

#[test]
fn a_wrong_code_or_address_is_explained() {
    let world = Loopback::new(1);
    let config = SimConfig::new(&world.url, "Room 1", MAC, vec![1]);
    let error = Simulator::new(config).unwrap().pair("WRONG").unwrap_err();
    assert_eq!(error.to_string(), "not paired: 404 pairing_code");
    let config = SimConfig::new("https://example.org", "Room 1", MAC, vec![1]);
    assert!(matches!(Simulator::new(config), Err(SimError::Url)));
    // A port on which nobody listens.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = SimConfig::new(&format!("http://{free}"), "Room 1", MAC, vec![1]);
    assert!(Simulator::new(config).unwrap().pair(CODE).is_err());
}
