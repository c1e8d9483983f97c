//! Disks that are full or gone, played with real file systems of a few megabytes. Mounting them needs root; for
//! anybody else these tests say so and end.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Class, Server, exchange, mark_request, run, text, until};
use arise_core::SessionId;
use serde_json::json;

/// A file system of its own, as long as this lives.
struct Mount {
    at: PathBuf,
    _folder: tempfile::TempDir,
    image: PathBuf,
}

impl Mount {
    /// An ext4 in a file, of so many megabytes.
    fn ext4(megabytes: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (image, at) = (folder.path().join("image"), folder.path().join("stick"));
        fs::create_dir(&at).unwrap();
        File::create(&image).unwrap().set_len(megabytes * 1024 * 1024).unwrap();
        let made = Command::new("mkfs.ext4").args(["-q", "-m", "0"]).arg(&image).status();
        let mount = Self { at, _folder: folder, image };
        if made.is_ok_and(|status| status.success()) && mount.plug_in() {
            return Some(mount);
        }
        println!("skipped: this needs root, mkfs.ext4 and a loop device");
        None
    }

    fn plug_in(&self) -> bool {
        let mounted = Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at).status();
        mounted.is_ok_and(|status| status.success())
    }

    /// The folder is empty from one moment to the next.
    fn pull_out(&self) {
        assert!(Command::new("umount").arg("-l").arg(&self.at).status().unwrap().success());
    }

    fn data(&self) -> PathBuf {
        self.at.join("data")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).stderr(std::process::Stdio::null()).status();
    }
}

/// Takes the room that is left but for so many bytes.
fn fill(path: &Path, leave: u64) {
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    let folder = path.parent().unwrap();
    let mut size = 256 * 1024;
    while size >= 4_096 {
        let free = arise_store::space::free_bytes(folder).unwrap();
        if free < leave + size || file.write_all(&vec![1; usize::try_from(size).unwrap()]).is_err() {
            size /= 2;
        }
    }
    let _ = file.sync_all();
}

/// A scanner that marks one student after the other.
struct Marking<'a> {
    class: &'a Class,
    session: SessionId,
    counter: u64,
    next: i64,
    acknowledged: Vec<i64>,
}

impl Marking<'_> {
    /// Whether the next student was marked; the answer's code when not.
    fn mark(&mut self, server: &Server) -> Result<(), String> {
        self.counter += 1;
        let (id, key) = self.class.scanners[0];
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let request = mark_request(id, &key, self.session, self.next, self.counter);
        let answer = exchange(&mut stream, &request).expect("an answer");
        if answer.starts_with("HTTP/1.1 200 ") {
            assert!(answer.contains("\"success\""), "{answer}");
            self.acknowledged.push(self.next);
            self.next += 1;
            return Ok(());
        }
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        let json: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        Err(json["code"].as_str().unwrap().to_owned())
    }
}

#[test]
fn a_full_disk_takes_marks_as_long_as_it_can_and_loses_none() {
    let Some(mount) = Mount::ext4(24) else { return };
    let data = mount.data();
    fs::create_dir(&data).unwrap();
    let class = Class::make(&data, 1, 2_000);
    let session = class.start(&data);
    let mut server = Server::start(&data, &[("ARISE_MIN_FREE_MB", "4"), ("ARISE_BACKUP_HOURS", "0")]);
    let mut marking = Marking { class: &class, session, counter: 0, next: 1, acknowledged: vec![] };
    let token = server.log_in();
    let health = |server: &Server| server.get("/api/health", None);
    let semester = |server: &Server, name: &str| {
        let body = json!({"semester_name": name});
        let (status, answer) = server.call("POST", "/api/admin/semesters", Some(&token), &body);
        (status, answer["code"].as_str().unwrap_or_default().to_owned())
    };
    until("room is set aside", || data.join("ballast").exists());
    assert_eq!(health(&server).1["disk"], "enough");
    marking.mark(&server).unwrap();

    // Little is left: what can wait is refused, marks are taken.
    let filler = mount.at.join("somebody-else.bin");
    fill(&filler, 2_000_000);
    until("the shortage is seen", || health(&server).0 == 503);
    let (_, about) = health(&server);
    assert_eq!((&about["status"], &about["disk"]), (&json!("degraded"), &json!("low")));
    assert_eq!(semester(&server, "Later"), (503, "low_space".to_owned()));
    for _ in 0..100 {
        marking.mark(&server).unwrap();
    }
    assert!(data.join("ballast").exists());

    // Nothing is left: the room that was set aside is given up, and taken again by somebody else, until a mark fails.
    let mut refused = String::new();
    for _ in 0..200 {
        fill(&filler, 0);
        match marking.mark(&server) {
            Ok(()) => {}
            Err(code) => {
                refused = code;
                if !data.join("ballast").exists() {
                    break;
                }
            }
        }
    }
    assert_eq!(refused, "disk_full");
    let at_full = marking.acknowledged.len();
    println!("{at_full} marks were taken until the disk was full");
    for _ in 0..20 {
        fill(&filler, 0);
        // Each is either kept or refused.
        let _ = marking.mark(&server);
    }
    assert!(server.alive());
    assert_ne!(health(&server).1["disk"], "enough");

    // Room comes back, and with it everything.
    fs::remove_file(&filler).unwrap();
    until("the room is seen", || health(&server).0 == 200);
    for _ in 0..50 {
        marking.mark(&server).unwrap();
    }
    assert_eq!(semester(&server, "Now").0, 201);
    until("room is set aside again", || data.join("ballast").exists());
    server.kill();
    class.check(&data, session, &marking.acknowledged);

    // A database on a full disk can be opened, too.
    fill(&filler, 0);
    let server = Server::start(&data, &[("ARISE_MIN_FREE_MB", "4"), ("ARISE_BACKUP_HOURS", "0")]);
    assert_eq!(server.get("/api/health", None).1["database"], "connected");
    let doctor = run(&data, &["doctor"]);
    assert!(!doctor.status.success() && text(&doctor).contains("nearly full"), "{}", text(&doctor));
    server.stop();
    class.check(&data, session, &marking.acknowledged);
}

#[test]
fn a_stick_that_is_pulled_out_and_put_back_is_gone_on_with() {
    let Some(mount) = Mount::ext4(32) else { return };
    let data = mount.data();
    fs::create_dir(&data).unwrap();
    let class = Class::make(&data, 1, 500);
    let session = class.start(&data);
    let mut server = Server::start(&data, &[("ARISE_MIN_FREE_MB", "1")]);
    let mut marking = Marking { class: &class, session, counter: 0, next: 1, acknowledged: vec![] };
    for _ in 0..4 {
        for _ in 0..20 {
            marking.mark(&server).unwrap();
        }
        mount.pull_out();
        for _ in 0..3 {
            assert_eq!(marking.mark(&server).unwrap_err(), "data_missing");
        }
        let (status, health) = server.get("/api/health", None);
        assert_eq!((status, &health["database"]), (503, &json!("unreachable")));
        assert_eq!(fs::read_dir(&mount.at).unwrap().count(), 0, "something was made where the stick was");
        assert!(mount.plug_in());
        until("the stick is found", || marking.mark(&server).is_ok());
        until("all is well", || server.get("/api/health", None).0 == 200);
    }
    assert!(server.alive());
    server.stop();
    class.check(&data, session, &marking.acknowledged);
    println!("{} marks, 4 times pulled out, 0 lost", marking.acknowledged.len());
}
