//! What is logged, and what never is.

use std::fs;

use crate::support::{PASSWORD, Server};
use serde_json::{Value, json};

#[test]
fn no_secret_is_in_the_logs_however_much_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let key = "a signing key of 32 letters and more";
    let sync_key = "a key of classrooms with an older system";
    let environment = [("ARISE_LOG", "trace"), ("SECRET_KEY", key), ("SYNC_API_KEY", sync_key)];
    let server = Server::start(&data, &environment);
    let running: Value = serde_json::from_slice(&fs::read(data.join("running.json")).unwrap()).unwrap();
    let mut secrets = vec![PASSWORD.to_owned(), key.to_owned(), sync_key.to_owned()];
    secrets.push(running["key"].as_str().unwrap().to_owned());

    let token = server.log_in();
    let post = |path: &str, token: Option<&str>, body: Value| server.call("POST", path, token, &body);
    let admin = |path: &str, body: Value| {
        let (status, answer) = post(path, Some(&token), body);
        assert!((200..300).contains(&status), "{path}: {answer}");
        answer
    };
    assert_eq!(
        post("/api/admin/login", None, json!({"username": "admin", "password": "wrong-guess-1"})).0,
        401
    );
    secrets.extend([token.clone(), "wrong-guess-1".into(), "864209".into(), "notebook-of-tests".into()]);

    let teacher =
        admin("/api/admin/teachers", json!({"teacher_name": "T", "teacher_code": "T1", "pin": "864209"}));
    let semester = admin("/api/admin/semesters", json!({"semester_name": "S"}));
    let course = admin(
        "/api/admin/courses",
        json!({"course_name": "C", "course_code": "C1", "default_duration_minutes": 60,
               "semester_id": semester["id"], "teacher_id": teacher["id"]}),
    );
    let student = admin(
        "/api/admin/students",
        json!({"student_name": "Asha", "university_roll_no": "R1", "enrollment_no": "E1", "email1": "a@b.example",
               "password": "notebook-of-tests"}),
    );
    let path = format!("/api/admin/enrollments/{}", course["id"].as_str().unwrap());
    admin(&path, json!([{"student_id": student["id"], "class_roll_id": 1}]));
    let (_, entered) = post("/api/teacher/login", None, json!({"course_code": "C1", "pin": "864209"}));
    let teacher = entered["token"].as_str().unwrap().to_owned();
    let body = json!({"university_roll_no": "R1", "password": "notebook-of-tests"});
    let (_, entered) = post("/api/student/login", None, body);
    secrets.extend([teacher.clone(), entered["token"].as_str().unwrap().to_owned()]);

    let device = admin("/api/admin/devices", json!({"name": "Scanner", "room": "1"}));
    let code = device["pairing_code"].as_str().unwrap().to_owned();
    let body = json!({"code": code, "mac_address": "02:00:00:00:00:01", "firmware": "test"});
    let (_, paired) = post("/api/device/pair", None, body);
    secrets.extend([code, paired["key"].as_str().unwrap().to_owned()]);
    let body =
        json!({"course_id": course["id"], "duration_minutes": 60, "session_type": "offline", "topic": "x"});
    let (status, session) = post("/api/teacher/start-session", Some(&teacher), body);
    assert_eq!(status, 200, "{session}");
    let body = json!({"session_id": session["session_id"], "univ_roll_no": "R1", "reason": "seen"});
    assert_eq!(post("/api/teacher/manual-override", Some(&teacher), body).0, 200);
    // An address that doesn't exist, with a secret where none belongs.
    assert_eq!(server.get(&format!("/api/nothing?token={token}"), None).0, 404);

    let printed = std::sync::Arc::clone(&server.printed);
    server.stop();
    let log = fs::read_to_string(data.join("logs/arise_server.log")).unwrap();
    let printed = printed.lock().unwrap().clone();
    for (place, text) in [("the log", &log), ("the output", &printed)] {
        assert!(text.contains("arise is ready"), "{place}: {text}");
        // Each request is there, with its id.
        assert!(
            text.contains("/api/teacher/start-session") && text.contains("request_id"),
            "{place}: {text}"
        );
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{place} has the secret {secret}");
        }
    }
}
