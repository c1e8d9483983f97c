use arise_testkit::server::for_both;
use serde_json::{Value, json};

use crate::{NO_ID, TYPED, names};

const PATH: &str = "/api/admin/courses";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_course_from_its_creation_to_its_deletion() {
    for_both(async |server| {
        let admin = server.admin().await;
        let (semester, teacher) = (server.semester("S1").await, server.teacher("Asha", "T1").await);
        let body = json!({
            "course_name": "Data Structures", "course_code": "CS101", "default_duration_minutes": 50,
            "semester_id": semester, "teacher_id": teacher.id,
        });
        let made = admin.post(PATH, body).await.expect(201);
        let id = made["id"].as_str().unwrap();
        let course = admin.get(&format!("{PATH}/{id}")).await.ok();
        let expected = json!({
            "id": id, "course_name": "Data Structures", "course_code": "CS101", "default_duration_minutes": 50,
            "semester_id": semester, "semester_name": "S1", "teacher_id": teacher.id, "teacher_name": "Asha",
        });
        assert_eq!(course, expected);
        assert_eq!(admin.get(PATH).await.ok(), json!([expected]));
        assert_eq!(admin.get("/api/admin/courses-view").await.ok(), json!([expected]));

        let path = format!("{PATH}/{id}");
        admin.put(&path, json!({"default_duration_minutes": 90})).await.ok();
        let course = admin.get(&path).await.ok();
        assert_eq!((&course["default_duration_minutes"], &course["teacher_name"]), (&json!(90), &json!("Asha")));
        // Without a teacher until somebody is found.
        admin.put(&path, json!({"teacher_id": null})).await.ok();
        assert_eq!(admin.get(&path).await.ok()["teacher_id"], Value::Null);

        admin.delete(&path).await.ok();
        admin.get(&path).await.refused(404, "not_found");
        admin.put(&path, json!({})).await.refused(404, "not_found");
        admin.delete(&path).await.refused(404, "not_found");
        assert_eq!(admin.get("/api/admin/courses-view").await.ok(), json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_have_bounds_and_ids_name_something() {
    for_both(async |server| {
        let admin = server.admin().await;
        let (semester, teacher) = (server.semester("S1").await, server.teacher("Asha", "T1").await);
        let gone = server.teacher("Gone", "T2").await;
        admin.delete(&format!("/api/admin/teachers/{}", gone.id)).await.ok();
        let with = |field: &str, value: Value| {
            let mut body = json!({
                "course_name": "Data Structures", "course_code": "CS101", "default_duration_minutes": 50,
                "semester_id": semester, "teacher_id": teacher.id,
            });
            body[field] = value;
            body
        };
        for (field, value) in [
            ("course_name", json!("")),
            ("course_name", json!("x".repeat(201))),
            ("course_code", json!("")),
            ("course_code", json!("x".repeat(51))),
            ("default_duration_minutes", json!(0)),
            ("default_duration_minutes", json!(481)),
            ("default_duration_minutes", json!("an hour")),
            ("default_duration_minutes", json!(1.5)),
            ("semester_id", json!(null)),
            ("semester_id", json!("7")),
            ("semester_id", json!(NO_ID)),
            // Of another kind.
            ("semester_id", json!(teacher.id)),
            ("teacher_id", json!(NO_ID)),
            ("teacher_id", json!(gone.id)),
            ("teacher_id", json!(7)),
        ] {
            admin.post(PATH, with(field, value.clone())).await.invalid(field);
        }
        assert_eq!(admin.get(PATH).await.ok(), json!([]));

        let made = admin.post(PATH, with("course_code", json!("CS101"))).await.expect(201);
        admin.post(PATH, with("course_code", json!("cs101"))).await.refused(409, "duplicate_course_code");
        let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
        admin.put(&path, json!({"semester_id": NO_ID})).await.invalid("semester_id");
        // An hour, and nobody yet, unless something else is said.
        let few = json!({"course_name": "Logic", "course_code": "MA1", "semester_id": semester});
        let few = admin.post(PATH, few).await.expect(201);
        let course = admin.get(&format!("{PATH}/{}", few["id"].as_str().unwrap())).await.ok();
        assert_eq!((&course["default_duration_minutes"], &course["teacher_id"]), (&json!(60), &Value::Null));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_comes_back_as_typed() {
    for_both(async |server| {
        let admin = server.admin().await;
        let semester = server.semester("S1").await;
        for (number, text) in TYPED.iter().enumerate() {
            let code = format!("{number} {text}");
            let body = json!({"course_name": text, "course_code": code, "semester_id": semester});
            admin.post(PATH, body).await.expect(201);
        }
        assert_eq!(names(&admin.get(PATH).await.ok(), "course_name"), TYPED);
        // Anybody may see these before they log in.
        let codes = server.anyone.get("/api/teacher/course-codes").await.ok();
        assert_eq!(names(&codes, "name"), TYPED);
        assert_eq!(codes[0], json!({"code": format!("0 {}", TYPED[0]), "name": TYPED[0]}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_course_with_an_open_session_stays_and_a_deleted_one_takes_no_marks() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let admin = server.admin().await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        let path = format!("{PATH}/{}", class.course);
        assert_eq!(admin.delete(&path).await.refused(409, "session_open")["session_id"], json!(session));
        class.end(&session).await;
        admin.delete(&path).await.ok();
        assert_eq!(scanner.finger(1).await, "no_session");
        class.teacher.get(&format!("/api/teacher/report/{}", class.course)).await.refused(404, "not_found");
        let path = format!("/api/teacher/session-detail/{session}");
        class.teacher.get(&path).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_course_that_changes_hands_is_the_new_teacher_s_alone() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let session = class.start().await;
        let next = server.teacher("Next", "NEXT").await;
        let path = format!("{PATH}/{}", class.course);
        server.admin().await.put(&path, json!({"teacher_id": next.id})).await.ok();
        let status = format!("/api/teacher/session/{session}/status");
        class.teacher.get(&status).await.refused(403, "not_your_course");
        server.log_in_teacher(&next).await.get(&status).await.ok();
    })
    .await;
}
