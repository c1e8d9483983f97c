//! A whole scanner and the real program: `arise scanner` with a sensor on a serial port, and a class of sixty.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arise_core::session::SessionType;
use arise_core::{SessionId, StudentId, SystemClock};
use arise_scanner_sim::pty::PtySensor;
use arise_scanner_sim::sensor::{Finger, Timing, VirtualSensor};
use arise_scanner_sim::{Fingers, Manners, Script, SimConfig, Simulator};
use arise_store::course::CourseFields;
use arise_store::session::NewSession;
use arise_store::student::StudentFields;
use arise_store::{Location, Store, course, device, enrolment, mark, semester, session, student, teacher};
use support::Server;

const CODE: &str = "ABCD2345";

/// A course in session, and a scanner that waits to be paired.
struct Class {
    location: Location,
    session: SessionId,
    students: Vec<StudentId>,
}

impl Class {
    fn make(folder: &Path, size: usize) -> Self {
        let location = Location::File(folder.join("arise.db"));
        let (session, students) = open(&location)
            .write_blocking(move |tx| {
                let teacher = teacher::create(tx, "Teacher", "T1", "-")?;
                let semester = semester::create(tx, "Semester")?;
                let fields = CourseFields {
                    course_name: "Course".into(),
                    course_code: "C1".into(),
                    default_duration_minutes: 60,
                    semester_id: Some(semester),
                    teacher_id: Some(teacher),
                };
                let course = course::create(tx, &fields)?;
                let mut students = Vec::new();
                for number in 1..=size {
                    let fields = StudentFields {
                        student_name: format!("Student {number}"),
                        university_roll_no: format!("R{number}"),
                        ..StudentFields::default()
                    };
                    students.push(student::create(tx, &fields, "-")?);
                }
                let roster: Vec<_> = students.iter().copied().zip(1..).collect();
                enrolment::set_roster(tx, course, &roster, "2020-01-01", None)?;
                let scanner = device::create(tx, "Room 1", "")?;
                device::offer_pairing(tx, scanner, CODE)?;
                let new = NewSession {
                    course_id: course,
                    starts_at: tx.now(),
                    duration_minutes: 60,
                    session_type: SessionType::Offline,
                    topic: String::new(),
                    device_id: Some(scanner),
                    online: None,
                };
                Ok((session::start(tx, &new, Some(teacher))?, students))
            })
            .unwrap();
        Self { location, session, students }
    }

    /// Numbers of those who are on the register.
    fn present(&self) -> Vec<usize> {
        let session = self.session;
        let marks = open(&self.location).read_blocking(move |tx| mark::of_session(tx, session)).unwrap();
        let marked: HashSet<StudentId> = marks.into_keys().collect();
        (1..).zip(&self.students).filter(|(_, id)| marked.contains(id)).map(|(number, _)| number).collect()
    }
}

fn open(location: &Location) -> Store {
    Store::open(location, Arc::new(SystemClock)).unwrap()
}

/// `arise scanner`, and what it prints line by line.
struct Scanner {
    child: Child,
    typed: ChildStdin,
    lines: Receiver<String>,
    printed: Vec<String>,
}

impl Scanner {
    fn start(server: &Server, port: &str, flash: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_arise"))
            .args(["scanner", "--server", &format!("http://{}", server.address), "--port", port, "--flash"])
            .arg(flash)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (typed, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, typed, lines, printed: vec![] }
    }

    fn type_line(&mut self, line: &str) {
        writeln!(self.typed, "{line}").unwrap();
    }

    /// Waits until it has printed this.
    fn expect(&mut self, text: &str) {
        let end = Instant::now() + Duration::from_secs(120);
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.printed.push(line);
            if self.printed.last().is_some_and(|line| line.contains(text)) {
                return;
            }
        }
        panic!("{text:?} wasn't printed but {:#?}", self.printed);
    }

    /// Asks it to end, as a service manager does.
    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        // After a failed assertion; otherwise it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_sensor_on_a_serial_port_marks_a_class() {
    let folder = tempfile::tempdir().unwrap();
    let class = Class::make(folder.path(), 4);
    let mut sensor = VirtualSensor::new(300, Timing::REAL);
    for slot in 1..=7 {
        sensor.enrol(slot, slot.into());
    }
    // The finger that lies on the sensor; 0 for none.
    let finger = Arc::new(AtomicU32::new(0));
    let lying = Arc::clone(&finger);
    let seen: Arc<Mutex<Vec<u16>>> = Arc::default();
    let in_sensor = Arc::clone(&seen);
    let sensor = PtySensor::start(sensor, move |_, sensor| {
        match lying.load(Ordering::Relaxed) {
            0 => sensor.lift(),
            id => sensor.place(Finger::clear(id)),
        }
        *in_sensor.lock().unwrap() = sensor.enrolled().into_keys().collect();
    })
    .unwrap();
    let server = Server::start(folder.path());
    let flash = folder.path().join("scanner.flash");

    let mut scanner = Scanner::start(&server, sensor.path(), &flash, &["--pair", CODE]);
    scanner.expect("This scanner is ");
    let place = |scanner: &mut Scanner, id: u32, word: &str| {
        finger.store(id, Ordering::Relaxed);
        scanner.expect(word);
        finger.store(0, Ordering::Relaxed);
        // The sensor is looked at ten times a second, and less often on a busy machine.
        std::thread::park_timeout(Duration::from_millis(800));
    };
    place(&mut scanner, 3, "Marked. Student 2");
    place(&mut scanner, 3, "Already Marked. Student 2");
    place(&mut scanner, 99, "Not recognised");
    scanner.type_line("sensor-info");
    scanner.expect("7 of 300 slots");
    // A finger is enrolled at the console, and marks at once.
    scanner.type_line("enroll 8");
    scanner.expect("Place finger");
    finger.store(80, Ordering::Relaxed);
    scanner.expect("Lift finger");
    finger.store(0, Ordering::Relaxed);
    scanner.expect("Same finger");
    place(&mut scanner, 80, "Enrolled Slot 8, roll 4");
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
    std::thread::park_timeout(Duration::from_millis(2500));
    place(&mut scanner, 80, "Marked. Student 4");
    scanner.stop();

    // Started anew it is paired still.
    let mut scanner = Scanner::start(&server, sensor.path(), &flash, &[]);
    scanner.expect("This scanner is ");
    place(&mut scanner, 1, "Marked. Student 1");
    scanner.stop();
    drop(server);
    assert_eq!(class.present(), [1, 2, 4]);
}

#[test]
fn a_whole_class_is_told_by_the_server_finger_by_finger() {
    const CLASS: u16 = 60;
    let folder = tempfile::tempdir().unwrap();
    let class = Class::make(folder.path(), usize::from(CLASS));
    let server = Server::start(folder.path());
    let slots: Vec<u16> = (1..=CLASS).map(|number| 2 * number).collect();
    let config = SimConfig {
        fingers: Fingers::Simulated(Timing::NONE),
        manners: Manners::HASTY,
        ..SimConfig::new(&format!("http://{}", server.address), "Room 1", "aa:bb:cc:dd:ee:01", slots.clone())
    };
    let mut scanner = Simulator::new(config).unwrap().pair(CODE).unwrap();
    let report = scanner.run(&Script::class(&slots, 150, 5), &AtomicBool::new(false));
    drop(server);
    let told = |word: &str| report.fingers.iter().filter(|finger| finger.main == word).count();
    let (marked, saved) = (told("Marked"), told("Saved"));
    // Whoever the server, on a busy machine, left waiting longer than patience lasts has read "Saved".
    assert!(marked > 0 && marked + saved == usize::from(CLASS), "{report:?}");
    assert_eq!((report.queued, report.refused), (0, 0), "{report:?}");
    assert_eq!(class.present(), (1..=usize::from(CLASS)).collect::<Vec<_>>());
}
