use arise_core::clock::SECOND;
use arise_testkit::server::{PIN, for_both};
use serde_json::{Value, json};

const PATH: &str = "/api/admin/audit";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_who_did_what_when_and_why() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 1).await;
        // What happens in the same millisecond has no order.
        server.advance(SECOND);
        let session = class.start().await;
        server.advance(SECOND);
        let student = &class.students[0];
        let mark = json!({"student_id": student.id, "status": "excused", "reason": "At the <dentist>"});
        class.teacher.post(&format!("/api/teacher/session/{session}/mark"), mark).await.ok();
        server.advance(SECOND);
        admin.put(&format!("/api/admin/students/{}", student.id), json!({"student_name": "New"})).await.ok();

        let trail = admin.get(&format!("{PATH}?limit=2")).await.ok();
        let renamed = &trail["entries"][0];
        assert_eq!(renamed["action"], "changed");
        assert_eq!((&renamed["actor_role"], &renamed["actor_name"]), (&json!("admin"), &json!("admin")));
        assert_eq!((&renamed["entity_kind"], &renamed["entity_id"]), (&json!("student"), &json!(student.id)));
        assert_eq!(renamed["old"], json!({"student_name": student.student_name}));
        assert_eq!(renamed["new"], json!({"student_name": "New"}));
        assert_eq!(renamed["at"], "2026-03-09T10:00:03+05:30");
        let excused = &trail["entries"][1];
        assert_eq!((&excused["action"], &excused["actor_role"]), (&json!("marked"), &json!("teacher")));
        assert_eq!(excused["actor_name"], "Teacher of CS101");
        assert_eq!(excused["reason"], "At the <dentist>");
        assert_eq!(excused["new"]["status"], "excused");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_cover_everything_once() {
    for_both(async |server| {
        let admin = server.admin().await;
        for number in 0..12 {
            server.semester(&format!("Semester {number}")).await;
        }
        let all = admin.get(PATH).await.ok();
        assert_eq!(all["next_cursor"], Value::Null);
        let all = all["entries"].as_array().unwrap().clone();
        let (mut paged, mut query) = (vec![], "?limit=5".to_owned());
        loop {
            let page = admin.get(&format!("{PATH}{query}")).await.ok();
            let entries = page["entries"].as_array().unwrap();
            assert!(entries.len() <= 5);
            paged.extend(entries.clone());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            query = format!("?limit=5&cursor={cursor}");
        }
        assert_eq!(paged, all);
        assert!(all.len() >= 12);
        admin.get(&format!("{PATH}?cursor=first")).await.refused(400, "bad_query");
        assert_eq!(admin.get(&format!("{PATH}?limit=0")).await.ok()["entries"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_has_no_secrets() {
    for_both(async |server| {
        let admin = server.admin().await;
        let body = json!({"teacher_name": "Asha", "teacher_code": "T9", "pin": "998877"});
        let id = admin.post("/api/admin/teachers", body).await.expect(201);
        let path = format!("/api/admin/teachers/{}", id["id"].as_str().unwrap());
        admin.put(&path, json!({"pin": PIN})).await.ok();
        server.scanner("A").await;
        let trail = admin.get(PATH).await;
        let entries = trail.ok()["entries"].clone();
        assert!(entries.as_array().unwrap().iter().any(|e| e["new"]["pin_hash"] == "changed"), "{entries}");
        for secret in ["$argon2", "998877", PIN] {
            assert!(!trail.text().contains(secret), "{secret}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scanners_are_let_in_on_record() {
    for_both(async |server| {
        let admin = server.admin().await;
        let scanner = server.scanner("Door").await;
        let path = format!("/api/admin/devices/{}", scanner.id);
        for change in [json!({"room": "Lab 2"}), json!({"approved": true}), json!({"approved": false})] {
            server.advance(SECOND);
            admin.put(&path, change).await.ok();
        }
        server.advance(SECOND);
        admin.post(&format!("{path}/pairing-code"), json!({})).await.ok();
        server.advance(SECOND);
        admin.delete(&path).await.ok();
        let trail = admin.get(PATH).await.ok();
        let mut actions: Vec<&str> = vec![];
        let logins = |entry: &&Value| entry["action"] == "logged_in";
        for entry in trail["entries"].as_array().unwrap().iter().filter(|entry| !logins(entry)) {
            assert_eq!((&entry["entity_label"], &entry["actor_name"]), (&json!("Door"), &json!("admin")));
            actions.push(entry["action"].as_str().unwrap());
        }
        actions.reverse();
        assert_eq!(
            actions,
            [
                "scanner_added",
                "scanner_changed",
                "scanner_approved",
                "scanner_disapproved",
                "scanner_code_given",
                "scanner_removed",
            ]
        );
    })
    .await;
}
