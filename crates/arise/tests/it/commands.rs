//! Backup, restore, doctor and a lost password, as they are typed.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use crate::support::{Class, PASSWORD, Server, arise, exchange, mark_request, open, run, text};
use arise_store::backup::Backups;
use serde_json::json;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    (folder, data)
}

fn newest(data: &std::path::Path) -> String {
    Backups { folder: data.join("backups"), kept: 10 }.list().unwrap()[0].name.clone()
}

#[test]
fn a_backup_is_made_and_restored_while_the_server_runs_and_while_it_does_not() {
    let (_folder, data) = folder();
    let class = Class::make(&data, 1, 300);
    let session = class.start(&data);
    let server = Server::start(&data, &[("ARISE_BACKUP_HOURS", "0")]);
    // While marks are taken.
    let (address, (id, key)) = (server.address.clone(), class.scanners[0]);
    let marking = std::thread::spawn(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        for (roll, counter) in (1..=200).zip(1..) {
            let answer = exchange(&mut stream, &mark_request(id, &key, session, roll, counter)).unwrap();
            assert!(answer.contains("\"success\""), "{answer}");
        }
    });
    let made = run(&data, &["backup"]);
    assert!(made.status.success() && text(&made).contains("was read back"), "{}", text(&made));
    marking.join().unwrap();
    let rolls: Vec<i64> = (1..=200).collect();
    let full = newest(&data);
    run(&data, &["backup"]);
    let full_too = newest(&data);
    assert_ne!(full, full_too);
    // What the server has nobody else opens.
    let second = run(&data, &["serve", "--port", "0"]);
    assert!(
        !second.status.success() && text(&second).contains("arise runs on this database already"),
        "{}",
        text(&second)
    );

    let token = server.log_in();
    server.call("POST", "/api/admin/semesters", Some(&token), &json!({"semester_name": "Mistake"}));
    let unsure = run(&data, &["restore", "latest"]);
    assert!(!unsure.status.success() && text(&unsure).contains("nothing was changed"), "{}", text(&unsure));
    let restored = run(&data, &["restore", "latest", "--yes"]);
    assert!(
        restored.status.success() && text(&restored).contains("1 records that aren't in it"),
        "{}",
        text(&restored)
    );
    let (_, semesters) = server.get("/api/admin/semesters", Some(&server.log_in()));
    assert_eq!(semesters.as_array().unwrap().len(), 1, "{semesters}");
    let doctor = run(&data, &["doctor"]);
    assert!(doctor.status.success() && text(&doctor).contains("The server runs."), "{}", text(&doctor));
    server.stop();
    class.check(&data, session, &rolls);
    assert!(!data.join("running.json").exists());

    let made = run(&data, &["backup"]);
    assert!(made.status.success(), "{}", text(&made));
    let listed = text(&run(&data, &["backup", "--list"]));
    assert_eq!(listed.lines().filter(|line| line.ends_with("whole")).count(), 4, "{listed}");
    let restored = run(&data, &["restore", &newest(&data), "--yes"]);
    assert!(
        restored.status.success() && text(&restored).contains("0 records that aren't in it"),
        "{}",
        text(&restored)
    );
    class.check(&data, session, &rolls);
    let none = run(&data, &["restore", "no-such.db", "--yes"]);
    assert!(!none.status.success() && text(&none).contains("doesn't exist"), "{}", text(&none));
}

#[test]
fn a_damaged_database_is_seen_and_replaced_and_kept() {
    let (_folder, data) = folder();
    let class = Class::make(&data, 1, 300);
    let session = class.start(&data);
    assert!(run(&data, &["backup"]).status.success());
    let path = data.join("arise.db");
    let mut bytes = fs::read(&path).unwrap();
    // Some pages in the middle are garbage.
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 5 * 4_096].fill(0xAA);
    fs::write(&path, &bytes).unwrap();
    let doctor = run(&data, &["doctor"]);
    assert!(!doctor.status.success() && text(&doctor).contains("damaged"), "{}", text(&doctor));
    let restored = run(&data, &["restore", "latest", "--yes"]);
    assert!(restored.status.success() && text(&restored).contains("arise.damaged.db"), "{}", text(&restored));
    let kept = fs::read(data.join("arise.damaged.db")).unwrap();
    assert_eq!(kept[middle..middle + 5 * 4_096], bytes[middle..middle + 5 * 4_096]);
    class.check(&data, session, &[]);
    let doctor = run(&data, &["doctor"]);
    assert!(
        doctor.status.success() && text(&doctor).contains("which was restored here"),
        "{}",
        text(&doctor)
    );
}

#[test]
fn the_doctor_says_what_is_wrong() {
    let (_folder, data) = folder();
    let nothing = run(&data, &["doctor"]);
    assert!(!nothing.status.success(), "{}", text(&nothing));
    assert!(
        text(&nothing).contains("There are no records") && text(&nothing).contains("no backup"),
        "{}",
        text(&nothing)
    );
    for command in [&["backup"][..], &["admin", "reset-password"]] {
        let refused = run(&data, command);
        assert!(!refused.status.success() && text(&refused).contains("no records"), "{}", text(&refused));
    }
    assert!(!data.join("arise.db").exists(), "looking made something");

    Class::make(&data, 1, 3);
    assert!(run(&data, &["backup"]).status.success());
    let well = run(&data, &["doctor"]);
    assert!(well.status.success() && text(&well).contains("All is well"), "{}", text(&well));
    let said = |environment: &[(&str, &str)]| {
        let output = arise(&data, &["doctor"]).envs(environment.iter().copied()).output().unwrap();
        assert!(!output.status.success(), "{}", text(&output));
        text(&output)
    };
    assert!(said(&[("SECRET_KEY", "short")]).contains("SECRET_KEY is shorter"));
    assert!(said(&[("ADMIN_DEFAULT_PASSWORD", "admin")]).contains("ADMIN_DEFAULT_PASSWORD is"));
    assert!(said(&[("ARISE_PROT", "1")]).contains("ARISE_PROT"));
    assert!(said(&[("ARISE_MIN_FREE_MB", "1000000")]).contains("nearly full"));
    // A count that isn't what the marks say.
    open(&data)
        .write_blocking(|tx| tx.execute("UPDATE course_summary SET enrolled = enrolled + 1", &[]))
        .unwrap();
    assert!(said(&[]).contains("A count is wrong"), "{}", said(&[]));
}

#[test]
fn a_lost_password_is_replaced() {
    let (_folder, data) = folder();
    let server = Server::start(&data, &[]);
    let token = server.log_in();
    let refused = run(&data, &["admin", "reset-password"]);
    assert!(!refused.status.success() && text(&refused).contains("running already"), "{}", text(&refused));
    server.stop();

    let reset = run(&data, &["admin", "reset-password"]);
    let printed = text(&reset);
    assert!(reset.status.success(), "{printed}");
    let password = printed.lines().find_map(|line| line.strip_prefix("password: ")).unwrap().to_owned();
    let server = Server::start(&data, &[]);
    let log_in = |server: &Server, password: &str| {
        server.call("POST", "/api/admin/login", None, &json!({"username": "admin", "password": password}))
    };
    assert_eq!(log_in(&server, PASSWORD).0, 401);
    let (status, answer) = log_in(&server, &password);
    assert_eq!((status, &answer["must_change_password"]), (200, &json!(true)));
    assert_eq!(server.get("/api/admin/semesters", Some(&token)).0, 401, "an old login goes on");
    server.stop();

    let mut child = arise(&data, &["admin", "reset-password", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"chosen by a person\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && !text(&output).contains("chosen by"), "{}", text(&output));
    let server = Server::start(&data, &[]);
    assert_eq!(log_in(&server, "chosen by a person").0, 200);
    let unknown = run(&data, &["admin", "reset-password", "nobody"]);
    assert!(!unknown.status.success());
}

#[test]
fn starting_again_changes_nothing() {
    let (_folder, data) = folder();
    let server = Server::start(&data, &[]);
    let token = server.log_in();
    let body = json!({"semester_name": "Kept"});
    assert_eq!(server.call("POST", "/api/admin/semesters", Some(&token), &body).0, 201);
    server.stop();
    // With a password and a time zone that are for the first start alone.
    let again = [("ADMIN_DEFAULT_PASSWORD", "another password"), ("TIMEZONE", "Asia/Tokyo")];
    let server = Server::start(&data, &again);
    let (status, semesters) = server.get("/api/admin/semesters", Some(&token));
    assert_eq!((status, &semesters[0]["semester_name"]), (200, &json!("Kept")), "the login goes on, too");
    assert_ne!(server.get("/api/admin/config", Some(&server.log_in())).1["time_zone"], "Asia/Tokyo");
    server.stop();
}

/// As in a small container. Only a hub over HTTPS can't be believed there.
#[test]
fn a_machine_that_trusts_no_certificates_serves() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let none = folder.path().join("none");
    let none = none.to_str().unwrap();
    let server = Server::start(&data, &[("SSL_CERT_FILE", none), ("SSL_CERT_DIR", none)]);
    assert_eq!(server.call("GET", "/api/health", None, &serde_json::Value::Null).0, 200);
    server.stop();
}
