//! Whatever is typed into any field is refused in plain words, or kept and given back as it is.

use arise_testkit::server::{Answer, Class, Client, TestServer, for_both};
use axum::http::Method;
use serde_json::{Value, json};

/// What a field may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Any text.
    Text,
    /// Any text, and it is never shown again.
    Secret,
    /// Only certain words.
    Words,
}
use Takes::{Secret, Text, Words};

/// A request of the table. `#` in its body is another number each time.
struct Line {
    admin: bool,
    method: Method,
    path: String,
    body: Value,
    fields: &'static [(&'static str, Takes)],
    /// Where what was kept is shown.
    shown: String,
}

/// What people and attackers type: the text, and whether a field of text must keep it.
pub(crate) fn typed() -> Vec<(String, bool)> {
    vec![
        ("x".repeat(10_000), false),
        ("a\0b".to_owned(), false),
        ("a\u{1b}[31mb".to_owned(), false),
        ("\u{202e}مرحبا \u{200f}عالم".to_owned(), true),
        ("👩🏽‍🎓🏳️‍🌈".to_owned(), true),
        ("'\";-- DROP TABLE op".to_owned(), true),
        ("<script>alert(1)</script>".to_owned(), true),
        ("%00 ${7*7} {{7*7}} \\".to_owned(), true),
        ("é e\u{301} ﬁ İ ß ﷽".to_owned(), true),
        // Half of a pair: JSON can say it, and no text is it.
        ("LONE".to_owned(), false),
    ]
}

fn has(json: &Value, text: &str) -> bool {
    match json {
        Value::String(string) => string == text,
        Value::Array(items) => items.iter().any(|item| has(item, text)),
        Value::Object(members) => members.values().any(|member| has(member, text)),
        _ => false,
    }
}

fn line(
    method: Method,
    path: impl Into<String>,
    body: Value,
    fields: &'static [(&'static str, Takes)],
    shown: impl Into<String>,
) -> Line {
    let path = path.into();
    Line { admin: path.starts_with("/api/admin"), method, path, body, fields, shown: shown.into() }
}

async fn table(server: &TestServer, class: &Class, session: &str) -> Vec<Line> {
    let admin = server.admin().await;
    let device =
        admin.post("/api/admin/devices", json!({"name": "D", "room": "R"})).await.json()["id"].clone();
    let device = device.as_str().unwrap().to_owned();
    let spare = server.student("Spare").await;
    let lone = server.teacher("Lone", "LONE-1").await;
    let other = server.course("OTHER", class.semester, &class.taught_by).await;
    let semester = server.semester("Another").await;
    let [s1, s2] = [0, 1].map(|n| class.students[n].id);
    let roll = &class.students[1].university_roll_no;
    let (post, put) = (Method::POST, Method::PUT);
    let course = json!({"course_name": "C#", "course_code": "C-#", "semester_id": class.semester,
        "teacher_id": class.taught_by.id, "default_duration_minutes": 60});
    let student = json!({"student_name": "S#", "university_roll_no": "R-#", "enrollment_no": "E-#",
        "email1": "", "email2": "", "password": "long enough"});
    let teacher = json!({"teacher_name": "T#", "teacher_code": "T-#", "pin": "246813"});
    const STUDENT: &[(&str, Takes)] = &[
        ("student_name", Text),
        ("university_roll_no", Text),
        ("enrollment_no", Text),
        ("email1", Words),
        ("email2", Words),
        ("password", Secret),
    ];
    const TEACHER: &[(&str, Takes)] = &[("teacher_name", Text), ("teacher_code", Text), ("pin", Words)];
    const COURSE: &[(&str, Takes)] =
        &[("course_name", Text), ("course_code", Text), ("semester_id", Words), ("teacher_id", Words)];
    let detail = format!("/api/teacher/session-detail/{session}");
    vec![
        line(
            post.clone(),
            "/api/admin/semesters",
            json!({"semester_name": "N#"}),
            &[("semester_name", Text)],
            "/api/admin/semesters",
        ),
        line(
            put.clone(),
            format!("/api/admin/semesters/{semester}"),
            json!({"semester_name": "N#"}),
            &[("semester_name", Text)],
            "/api/admin/semesters",
        ),
        line(post.clone(), "/api/admin/teachers", teacher.clone(), TEACHER, "/api/admin/teachers"),
        line(
            put.clone(),
            format!("/api/admin/teachers/{}", lone.id),
            teacher,
            TEACHER,
            "/api/admin/teachers",
        ),
        line(post.clone(), "/api/admin/students", student.clone(), STUDENT, "/api/admin/students"),
        line(
            put.clone(),
            format!("/api/admin/students/{}", spare.id),
            student,
            STUDENT,
            "/api/admin/students",
        ),
        line(post.clone(), "/api/admin/courses", course.clone(), COURSE, "/api/admin/courses"),
        line(put.clone(), format!("/api/admin/courses/{other}"), course, COURSE, "/api/admin/courses"),
        line(
            post.clone(),
            "/api/admin/config",
            json!({"batch_name": "B#"}),
            &[("batch_name", Text), ("institution_name", Text), ("time_zone", Words)],
            "/api/admin/config",
        ),
        line(
            post.clone(),
            "/api/admin/devices",
            json!({"name": "D#", "room": "R#"}),
            &[("name", Text), ("room", Text)],
            "/api/admin/devices",
        ),
        line(
            put,
            format!("/api/admin/devices/{device}"),
            json!({"name": "D#", "room": "R#"}),
            &[("name", Text), ("room", Text)],
            "/api/admin/devices",
        ),
        line(
            post.clone(),
            format!("/api/admin/enrollments/{}", class.course),
            json!([{"student_id": s1, "class_roll_id": 1}]),
            &[("student_id", Words)],
            "",
        ),
        line(
            post.clone(),
            "/api/admin/password",
            json!({"current_password": "wrong", "new_password": "x"}),
            &[("current_password", Words), ("new_password", Words)],
            "",
        ),
        line(
            post.clone(),
            format!("/api/teacher/session/{session}/mark"),
            json!({"student_id": s1, "status": "present", "reason": "r#"}),
            &[("student_id", Words), ("status", Words), ("reason", Text)],
            detail.clone(),
        ),
        line(
            post.clone(),
            "/api/teacher/manual-override",
            json!({"session_id": session, "univ_roll_no": roll, "reason": "r#"}),
            &[("session_id", Words), ("univ_roll_no", Words), ("reason", Text)],
            detail.clone(),
        ),
        line(
            post.clone(),
            "/api/teacher/emergency-bulk-mark",
            json!({"session_id": session, "students": [roll], "reason": "r#"}),
            &[("session_id", Words), ("reason", Text)],
            detail.clone(),
        ),
        line(
            post.clone(),
            "/api/teacher/update-attendance",
            json!({"session_id": session, "student_id": s2, "action": "mark_present", "manual_reason": "r#"}),
            &[("session_id", Words), ("student_id", Words), ("action", Words), ("manual_reason", Text)],
            detail,
        ),
        line(
            post,
            format!("/api/teacher/session/{session}/device"),
            json!({"device_id": null}),
            &[("device_id", Words)],
            "",
        ),
    ]
}

/// Sends a line with this text in this field.
async fn send(client: &Client, line: &Line, field: &str, text: &str, number: usize) -> Answer {
    let body: Value = serde_json::from_str(&line.body.to_string().replace('#', &number.to_string())).unwrap();
    let mut body = body;
    match &mut body {
        Value::Array(rows) => rows[0][field] = json!(text),
        body => body[field] = json!(text),
    }
    let body = body.to_string().replace("\"LONE\"", "\"\\ud800\"");
    let request = client.request(line.method.clone(), &line.path);
    Answer::of(request.header("content-type", "application/json").body(body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_keeps_or_refuses_what_is_typed() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let session = class.start().await;
        let admin = server.admin().await;
        let (mut number, mut kept, mut refused) = (0, 0, 0);
        for line in table(&server, &class, &session).await {
            let client = if line.admin { &admin } else { &class.teacher };
            for (field, takes) in line.fields {
                for (text, is_text) in typed() {
                    number += 1;
                    // Who is marked already keeps the reason of then.
                    if line.path.starts_with("/api/teacher") {
                        for student in &class.students {
                            let body = json!({"student_id": student.id, "status": null});
                            class
                                .teacher
                                .post(&format!("/api/teacher/session/{session}/mark"), body)
                                .await
                                .ok();
                        }
                    }
                    // Numbers, codes and names belong to one.
                    let text = if is_text { format!("{text} {number}") } else { text };
                    let what = format!(
                        "{} {} {field} {:.30}",
                        line.method,
                        line.path,
                        text.escape_debug().to_string()
                    );
                    let answer = send(client, &line, field, &text, number).await;
                    let body = answer.json();
                    if answer.status < 300 {
                        kept += 1;
                        assert!(*takes != Words, "{what} was taken: {}", answer.text());
                        assert_ne!(text, "LONE", "{what}");
                        if *takes == Text {
                            let shown = client.get(&line.shown).await.ok();
                            assert!(has(&shown, &text), "{what} came back otherwise");
                        }
                    } else {
                        refused += 1;
                        assert!((400..500).contains(&answer.status), "{what}: {}", answer.text());
                        let words = |name: &str| !body[name].as_str().unwrap_or_default().is_empty();
                        assert!(words("code") && words("message"), "{what}: {}", answer.text());
                        if text == "LONE" {
                            assert_eq!((answer.status, answer.code().as_str()), (400, "not_json"), "{what}");
                        }
                        assert!(!(is_text && *takes != Words), "{what}: {}", answer.text());
                    }
                }
            }
        }
        assert!(kept > 150 && refused > 250, "{kept} kept, {refused} refused");

        // A topic, and the moment of a start.
        class.end(&session).await;
        for (text, is_text) in typed() {
            let answer = class.start_with(json!({"topic": text})).await;
            if is_text {
                let id = answer.ok()["session_id"].as_str().unwrap().to_owned();
                let detail = class.teacher.get(&format!("/api/teacher/session-detail/{id}")).await.ok();
                assert_eq!(detail["topic"], *text);
                class.end(&id).await;
                // Why it is deleted.
                let delete =
                    class.teacher.request(Method::DELETE, &format!("/api/teacher/session/{id}/delete"));
                assert_eq!(Answer::of(delete.json(&json!({"reason": text}))).await.ok()["reason"], *text);
            } else if text != "LONE" {
                answer.invalid("topic");
            } else {
                class.end(answer.ok()["session_id"].as_str().unwrap()).await;
            }
            for field in ["start_datetime", "session_type", "course_id"] {
                let answer = class.start_with(json!({field: text})).await;
                assert!((400..500).contains(&answer.status), "{field} {text:.30}: {}", answer.text());
            }
        }
        server.log_in_student(&class.students[0].university_roll_no).await;
    })
    .await;
}
