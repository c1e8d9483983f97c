use arise_testkit::server::{STUDENT_PASSWORD, for_both};
use serde_json::{Value, json};

use crate::{TYPED, names};

const PATH: &str = "/api/admin/students";

fn body(roll: &str) -> Value {
    json!({
        "student_name": "Meera Nair", "university_roll_no": roll, "enrollment_no": format!("E-{roll}"),
        "email1": "meera@college.edu.in", "email2": "", "password": STUDENT_PASSWORD,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_student_from_their_creation_to_their_deletion() {
    for_both(async |server| {
        let admin = server.admin().await;
        let made = admin.post(PATH, body("UR1")).await.expect(201);
        let id = made["id"].as_str().unwrap();
        let row = json!({
            "id": id, "student_name": "Meera Nair", "university_roll_no": "UR1", "enrollment_no": "E-UR1",
            "email1": "meera@college.edu.in", "email2": "",
        });
        // Exactly these: neither the password nor its hash is ever told.
        assert_eq!(admin.get(PATH).await.ok(), json!([row]));
        let student = server.log_in_student("ur1").await;

        let path = format!("{PATH}/{id}");
        admin.put(&path, json!({"email2": "m@home.in", "password": ""})).await.ok();
        let known = &admin.get(PATH).await.ok()[0];
        assert_eq!(
            (&known["email1"], &known["email2"]),
            (&json!("meera@college.edu.in"), &json!("m@home.in"))
        );
        student.get("/api/session").await.ok();

        admin.put(&path, json!({"password": "something else"})).await.ok();
        student.get("/api/session").await.refused(401, "login_ended");

        admin.delete(&path).await.ok();
        assert_eq!(admin.get(PATH).await.ok(), json!([]));
        let log_in = json!({"university_roll_no": "UR1", "password": "something else"});
        server.anyone.post("/api/student/login", log_in).await.refused(401, "wrong_login");
        admin.delete(&path).await.refused(404, "not_found");
        admin.put(&path, json!({"student_name": "X"})).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fields_have_bounds_and_numbers_belong_to_one() {
    for_both(async |server| {
        let admin = server.admin().await;
        for (field, value) in [
            ("student_name", json!("")),
            ("student_name", json!("x".repeat(201))),
            ("university_roll_no", json!(null)),
            ("university_roll_no", json!(17)),
            ("university_roll_no", json!("x".repeat(51))),
            ("enrollment_no", json!("x".repeat(51))),
            ("email1", json!("meera")),
            ("email2", json!("a b@c.in")),
            ("password", json!("12345")),
            ("password", json!("x".repeat(201))),
            ("password", json!("")),
        ] {
            let mut body = body("UR1");
            body[field] = value;
            admin.post(PATH, body).await.invalid(field);
        }
        assert_eq!(admin.get(PATH).await.ok(), json!([]));

        admin.post(PATH, body("UR1")).await.expect(201);
        let mut other = body("ur1");
        other["enrollment_no"] = json!("E2");
        let text =
            admin.post(PATH, other).await.refused(409, "duplicate_university_roll_no")["error"].to_string();
        assert!(text.contains("Meera Nair"), "{text}");
        let mut other = body("UR2");
        other["enrollment_no"] = json!("e-ur1");
        admin.post(PATH, other).await.refused(409, "duplicate_enrollment_no");

        // Only the roll number has to be there, and belongs to one.
        for roll in ["UR3", "UR4"] {
            let body = json!({"student_name": "X", "university_roll_no": roll, "password": "123456"});
            admin.post(PATH, body).await.expect(201);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_comes_back_as_typed_and_is_found() {
    for_both(async |server| {
        let admin = server.admin().await;
        for (number, text) in TYPED.iter().enumerate() {
            let mut body = body(&format!("UR{number}"));
            body["student_name"] = json!(text);
            admin.post(PATH, body).await.expect(201);
        }
        assert_eq!(names(&admin.get(PATH).await.ok(), "student_name"), TYPED);
        for text in TYPED {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let found = admin.get(&format!("{PATH}?q={encoded}")).await;
            assert_eq!(names(&found.ok(), "student_name"), [text]);
            assert_eq!(found.header("x-total-count"), "1");
        }
    })
    .await;
}
