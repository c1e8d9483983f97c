//! A scanner and the real server: over TCP, on both engines, in a time that only the test moves.
#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

mod support;

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use arise_core::clock::MINUTE;
use arise_scanner::{http::Answer, wire::MAX_ANSWER};
use arise_scanner_sim::{
    flash::{Random, SimFlash, Tear},
    http::Fault,
    sensor::Finger,
};
use arise_testkit::server::{Class, Engine, START, Scanner, TestServer, at};
use serde_json::{Value, json};
use support::{Answers, MORNING, World};
use tokio::runtime::Runtime;

/// The real server, with a course that chose this scanner.
struct Real {
    server: TestServer,
    class: Class,
    device: String,
    stream: TcpStream,
    /// When sessions are open, in the world's time.
    open: Vec<std::ops::Range<i64>>,
    /// Every request that the scanner made.
    received: Vec<Vec<u8>>,
    // The last field: the others are dropped while it still runs.
    runtime: Runtime,
}

impl Real {
    fn paired(engine: Engine, students: u16) -> World<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (server, class, added) = runtime.block_on(async {
            let server = TestServer::start(engine).await;
            let class = server.class("CS101", usize::from(students)).await;
            let added =
                server.admin().await.post("/api/admin/devices", json!({"name": "Room 1"})).await.json();
            (server, class, added)
        });
        let stream = connect(&server);
        let device = added["id"].as_str().unwrap().to_owned();
        let code = added["pairing_code"].as_str().unwrap().to_owned();
        let real = Self { server, class, device, stream, open: vec![], received: vec![], runtime };
        // Two fingers to a student.
        World::paired_with(2 * students, real, &code)
    }

    fn set_time(&self, now: i64) {
        self.server.clock.set(at(START) + now - MORNING);
    }

    /// Starts a session of an hour and answers its id.
    fn start(&mut self, now: i64) -> String {
        self.set_time(now);
        self.open.push(now..now + 60 * MINUTE);
        let Self { server, class, device, runtime, .. } = self;
        let started = runtime.block_on(async {
            // A login doesn't last as long as these days.
            class.teacher = server.log_in_teacher(&class.taught_by).await;
            class.start_with(json!({"device_id": device})).await
        });
        started.ok()["session_id"].as_str().unwrap().to_owned()
    }

    fn end(&self, session: &str) {
        self.runtime.block_on(self.class.end(session));
    }

    fn letters(&self, session: &str) -> String {
        self.runtime.block_on(self.class.letters(session))
    }

    /// How many records each student has in a session, whatever stands.
    fn records(&self, session: &str) -> Vec<i64> {
        let count = |student| self.runtime.block_on(self.server.records_of(session, student));
        self.class.students.iter().map(|s| count(s.id)).collect()
    }

    fn refused(&self, session: &str) -> Value {
        let path = format!("/api/teacher/session/{session}/refused-marks");
        self.runtime.block_on(self.class.teacher.get(&path)).ok()["marks"].clone()
    }

    /// Actions in the audit trail that start so.
    fn noted(&self, action: &str) -> usize {
        let trail = self
            .runtime
            .block_on(async { self.server.admin().await.get("/api/admin/audit?limit=500").await.ok() });
        trail["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] == action).count()
    }

    fn exchange(&mut self, bytes: &[u8]) -> std::io::Result<(u16, Vec<u8>)> {
        self.stream.write_all(bytes)?;
        let mut answer: Answer<MAX_ANSWER> = Answer::new();
        let mut buffer = [0; 4096];
        loop {
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if answer.push(&buffer[..count]).map_err(|e| std::io::Error::other(format!("{e:?}")))? {
                return Ok((answer.status(), answer.body().to_vec()));
            }
        }
    }
}

fn connect(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(server.anyone.url().strip_prefix("http://").unwrap()).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

impl Answers for Real {
    fn answer(&mut self, now: i64, bytes: &[u8]) -> (u16, Vec<u8>) {
        self.set_time(now);
        self.received.push(bytes.to_vec());
        if let Ok(answer) = self.exchange(bytes) {
            return answer;
        }
        // The server closes connections that were silent for long.
        self.stream = connect(&self.server);
        self.exchange(bytes).unwrap()
    }

    fn is_open(&self, now: i64) -> bool {
        self.open.iter().any(|window| window.contains(&now))
    }
}

const HOUR: u64 = 3_600_000;

fn three_classes_without_the_server(engine: Engine) {
    let mut world = Real::paired(engine, 6);
    let mut sessions = vec![];
    let begin = |world: &mut World<Real>, sessions: &mut Vec<String>| {
        let now = world.utc();
        sessions.push(world.server.start(now));
    };
    begin(&mut world, &mut sessions);
    world.run(6000);
    assert_eq!(world.touch(1), "Marked");
    assert_eq!(world.touch(2), "Already Marked");
    world.fault = Fault::Unreachable;
    world.run(20_000);
    assert_eq!(world.touch(3), "Saved");
    // The second class, of which the scanner never hears.
    world.run(2 * HOUR);
    begin(&mut world, &mut sessions);
    assert_eq!(world.touch(5), "Saved");
    assert_eq!(world.touch(1), "Saved");
    // Between the classes a finger goes nowhere.
    world.run(HOUR + 20 * 60_000);
    assert_eq!(world.touch(11), "Saved");
    // The power goes, and with it the time.
    world.restart(HOUR);
    begin(&mut world, &mut sessions);
    world.run(8000);
    for finger in [7, 9, 8] {
        assert_eq!(world.touch(finger), "Saved");
    }
    world.run(2 * HOUR);
    begin(&mut world, &mut sessions);
    assert_eq!(world.device().store().queued(), 7);
    // The first answer is lost: the same marks are sent again.
    world.fault = Fault::AnswerLost;
    world.run(12_000);
    world.fault = Fault::None;
    world.run(30_000);
    assert_eq!(world.touch(12), "Marked");
    world.run(10_000);
    let letters: Vec<String> = sessions.iter().map(|session| world.server.letters(session)).collect();
    assert_eq!(letters, ["PP––––", "P–P–––", "–––PP–", "–––––P"]);
    // Number 4 came with two fingers and counts once; nobody has more than one record.
    for session in &sessions {
        assert!(world.server.records(session).iter().all(|records| *records <= 1));
    }
    // The finger between the classes is refused, shown, and not sent again.
    let refused = world.server.refused(&sessions[1]);
    assert_eq!((refused[0]["slot"].clone(), refused[0]["status"].clone()), (json!(11), json!("no_session")));
    assert_eq!((world.device().store().queued(), world.device().store().refused()), (0, 1));
    let uploads = |world: &World<Real>| {
        world.server.received.iter().filter(|r| r.starts_with(b"POST /api/device/marks")).count()
    };
    let before = uploads(&world);
    world.run(120_000);
    assert_eq!(uploads(&world), before);
    assert_eq!((world.server.noted("replayed"), world.server.noted("signature_wrong")), (0, 0));
    println!("{engine:?}: {letters:?}, {before} uploads");
}

#[test]
fn each_mark_counts_in_its_own_class() {
    Engine::BOTH.into_iter().for_each(three_classes_without_the_server);
}

#[test]
fn what_the_display_acknowledged_is_on_the_register_once_after_power_cuts() {
    const SEEDS: u64 = 100;
    let (mut cuts, mut acknowledged_in_all) = (0, 0);
    let mut world = Real::paired(Engine::Sqlite, 40);
    for seed in 0..SEEDS {
        let now = world.utc();
        let session = world.server.start(now);
        // It has heard of the class: a scanner that is restarted twice without network can't date its marks otherwise, and then
        // they are refused and shown to the teacher.
        world.run(6000);
        let mut random = Random(seed);
        let mut acknowledged: Vec<usize> = Vec::new();
        for round in 0..3_u64 {
            world.fault = if (seed + round).is_multiple_of(2) { Fault::Unreachable } else { Fault::None };
            let tear =
                [Tear::Forward, Tear::Backward, Tear::Scattered(seed)][usize::try_from(round).unwrap()];
            world.cut_after(400 + random.below(900), tear);
            world.run(6000);
            for student in 1..=13 {
                let student = student + 13 * u16::try_from(round).unwrap();
                let before = world.shown.len();
                world.sensor.place(Finger::clear((2 * student).into()));
                world.run(1500);
                world.sensor.lift();
                world.run(500);
                let said = |word: &str| world.shown[before..].iter().any(|s| s.1 == word);
                if said("Saved") || said("Marked") {
                    acknowledged.push(usize::from(student));
                }
                if said("Not saved") {
                    break;
                }
            }
            cuts += 1;
            world.restart(300);
        }
        world.fault = Fault::None;
        world.run(60_000);
        assert_eq!(world.device().store().queued(), 0, "seed {seed}");
        let letters: Vec<char> = world.server.letters(&session).chars().collect();
        for student in &acknowledged {
            assert_eq!(
                letters[student - 1],
                'P',
                "seed {seed}: number {student} was acknowledged and is lost"
            );
        }
        assert!(world.server.records(&session).iter().all(|records| *records <= 1), "seed {seed}");
        acknowledged_in_all += acknowledged.len();
        world.server.end(&session);
        world.run(6000);
        world.shown.clear();
    }
    assert_eq!((world.server.noted("replayed"), world.server.noted("signature_wrong")), (0, 0));
    println!("{cuts} cuts, {acknowledged_in_all} acknowledged marks, each on the register once");
    assert!(acknowledged_in_all > 500, "{acknowledged_in_all}");
}

/// What somebody else on the network could try, and a scanner whose flash is a copy.
#[test]
fn whoever_is_not_this_scanner_is_refused_and_noted() {
    let mut world = Real::paired(Engine::Sqlite, 4);
    let now = world.utc();
    let session = world.server.start(now);
    world.run(6000);
    assert_eq!(world.touch(1), "Marked");
    let letters = "P–––";

    // The same bytes again.
    let upload =
        world.server.received.iter().rfind(|r| r.starts_with(b"POST /api/device/marks")).unwrap().clone();
    let now = world.utc();
    let (status, body) = world.server.answer(now, &upload);
    assert_eq!((status, code(&body)), (401, "replayed".to_owned()));
    assert_eq!(world.server.noted("replayed"), 1);
    println!("replay: {status} {}", code(&body));

    // A copy of yesterday's flash, whose counter is behind.
    let yesterday = world.device.take().unwrap().close();
    let copy = yesterday.bytes().to_vec();
    world.boot(yesterday.restart());
    world.event(arise_scanner::device::Event::WifiUp(-60));
    for _ in 0..4 {
        world.run(6000);
        world.restart(100);
    }
    world.run(6000);
    let last = world.device.take().unwrap().close();
    world.boot(SimFlash::from_bytes(copy));
    world.event(arise_scanner::device::Event::WifiUp(-60));
    // At most one entry a minute.
    world.run(70_000);
    assert_eq!(world.device().view().main(), "Pair again");
    let replayed = world.server.noted("replayed");
    assert!(replayed >= 2, "{replayed}");
    println!("rewound counter: {} on the display, {replayed} entries", world.device().view().main());
    world.boot(last.restart());
    world.event(arise_scanner::device::Event::WifiUp(-60));
    world.run(6000);
    assert_eq!(world.touch(3), "Marked");
    let letters = letters.replacen("P–", "PP", 1);

    // Strangers: a wrong key, no pairing, and the scanner of another room for this room's session.
    let Real { server, runtime, device, .. } = &world.server;
    runtime.block_on(async {
        let marks = json!({"marks": [{"seq": 1, "class_roll_id": 4, "session_id": session, "observed_at": at(START)}]});
        let other: Scanner = server.scanner("Room 2").await;
        let wrong = other.pretending(device, [7; 32]).post("/api/device/marks", &marks).await;
        println!("wrong key: {} {}", wrong.status, wrong.code());
        wrong.refused(401, "signature_wrong");
        let unpaired = server.admin().await.post("/api/admin/devices", json!({"name": "Room 3"})).await.json();
        let unpaired = other.pretending(unpaired["id"].as_str().unwrap(), other.key);
        let answer = unpaired.post("/api/device/marks", &marks).await;
        println!("unpaired: {} {}", answer.status, answer.code());
        answer.refused(401, "signature_wrong");
        let elsewhere = other.upload(&[marks["marks"][0].clone()]).await;
        println!("another room's: {}", elsewhere[0]);
        assert_eq!(elsewhere[0]["status"], "no_session");
    });
    assert_eq!(world.server.noted("signature_wrong"), 2);
    assert_eq!(world.server.letters(&session), letters);
}

fn code(body: &[u8]) -> String {
    serde_json::from_slice::<Value>(body).unwrap()["code"].as_str().unwrap().to_owned()
}
