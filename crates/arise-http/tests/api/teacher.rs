use arise_testkit::server::{PIN, for_both};
use serde_json::json;

use crate::{NO_ID, TYPED, names};

const PATH: &str = "/api/admin/teachers";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teacher_from_their_creation_to_their_deletion() {
    for_both(async |server| {
        let admin = server.admin().await;
        let body = json!({"teacher_name": "Asha Rao", "teacher_code": "AR1", "pin": "012345"});
        let made = admin.post(PATH, body).await.expect(201);
        let id = made["id"].as_str().unwrap();
        // Neither the PIN nor its hash is ever told.
        let row = json!({"id": id, "teacher_name": "Asha Rao", "teacher_code": "AR1"});
        assert_eq!(admin.get(PATH).await.ok(), json!([row]));

        let log_in = async |pin: &str| {
            server.anyone.post("/api/teacher/login", json!({"teacher_code": "ar1", "pin": pin})).await
        };
        let teacher = log_in("012345").await.ok()["token"].as_str().unwrap().to_owned();
        let teacher = server.anyone.bearer(&teacher);

        // The name alone: the PIN and the login stay.
        let path = format!("{PATH}/{id}");
        admin.put(&path, json!({"teacher_name": "Asha Rao-Iyer", "pin": ""})).await.ok();
        assert_eq!(teacher.get("/api/session").await.ok()["name"], "Asha Rao-Iyer");
        log_in("012345").await.ok();

        admin.put(&path, json!({"pin": "543210"})).await.ok();
        teacher.get("/api/session").await.refused(401, "login_ended");
        log_in("012345").await.refused(401, "wrong_login");
        log_in("543210").await.ok();

        admin.delete(&path).await.ok();
        log_in("543210").await.refused(401, "wrong_login");
        assert_eq!(admin.get(PATH).await.ok(), json!([]));
        admin.delete(&path).await.refused(404, "not_found");
        admin.put(&path, json!({"pin": "111111"})).await.refused(404, "not_found");
        admin.put(&format!("{PATH}/{NO_ID}"), json!({})).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_have_bounds() {
    for_both(async |server| {
        let admin = server.admin().await;
        let with = |field: &str, value: serde_json::Value| {
            let mut body = json!({"teacher_name": "Asha", "teacher_code": "T1", "pin": PIN});
            body[field] = value;
            body
        };
        for (field, value) in [
            ("pin", json!("12345")),
            ("pin", json!("1234567")),
            ("pin", json!("12345a")),
            ("pin", json!("१२३४५६")),
            ("pin", json!("")),
            ("pin", json!(null)),
            ("pin", json!(123_456)),
            ("teacher_name", json!("")),
            ("teacher_name", json!("x".repeat(201))),
            ("teacher_name", json!(["Asha"])),
            ("teacher_code", json!(" ")),
            ("teacher_code", json!("x".repeat(51))),
            ("teacher_code", json!(null)),
        ] {
            admin.post(PATH, with(field, value)).await.invalid(field);
        }
        admin.post(PATH, json!({"teacher_name": "Asha", "teacher_code": "T1"})).await.invalid("pin");
        assert_eq!(admin.get(PATH).await.ok(), json!([]));

        admin.post(PATH, with("teacher_name", json!("Asha"))).await.expect(201);
        let taken = admin.post(PATH, with("teacher_code", json!("t1"))).await;
        // It says whose it is.
        let text = taken.refused(409, "duplicate_teacher_code")["error"].to_string();
        assert!(text.contains("Asha"), "{text}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_comes_back_as_typed() {
    for_both(async |server| {
        let admin = server.admin().await;
        for (number, text) in TYPED.iter().enumerate() {
            let body = json!({"teacher_name": text, "teacher_code": format!("{number}{text}"), "pin": PIN});
            admin.post(PATH, body).await.expect(201);
        }
        let list = admin.get(PATH).await.ok();
        let (listed, codes) = (names(&list, "teacher_name"), names(&list, "teacher_code"));
        for (number, text) in TYPED.iter().enumerate() {
            assert!(listed.iter().any(|name| name == text), "{text}");
            assert!(codes.contains(&format!("{number}{text}")), "{text}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn courses_of_a_deleted_teacher_stay() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let admin = server.admin().await;
        admin.delete(&format!("{PATH}/{}", class.taught_by.id)).await.ok();
        let course = admin.get(&format!("/api/admin/courses/{}", class.course)).await.ok();
        assert_eq!((&course["teacher_id"], &course["teacher_name"]), (&json!(null), &json!("")));
        let body = json!({"course_code": "CS101", "pin": PIN});
        server.anyone.post("/api/teacher/login", body).await.refused(401, "wrong_login");
    })
    .await;
}
