use arise_core::clock::MINUTE;
use arise_testkit::server::for_both;
use serde_json::json;

use crate::TYPED;

const PATH: &str = "/api/admin/config";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn some_settings_are_changed_and_the_others_stay() {
    for_both(async |server| {
        let admin = server.admin().await;
        let before = json!({
            "batch_name": "", "institution_name": "", "time_zone": "Asia/Kolkata", "session_grace_minutes": 5,
            "late_after_minutes": 10, "leaderboard": "opt_in", "min_attendance_percent": 75, "critical_percent": 60,
            "allow_legacy_scanners": true, "online_login_required": false, "campus_networks": "",
        });
        assert_eq!(admin.get(PATH).await.ok(), before);
        let answer = admin.post(PATH, json!({"batch_name": "2026", "late_after_minutes": 0})).await.ok();
        assert!(answer["message"].is_string());
        let mut after = before;
        after["batch_name"] = json!("2026");
        after["late_after_minutes"] = json!(0);
        assert_eq!(admin.get(PATH).await.ok(), after);
        for text in TYPED {
            admin.post(PATH, json!({"batch_name": text, "institution_name": text})).await.ok();
            assert_eq!(admin.get(PATH).await.ok()["batch_name"], json!(text));
            assert_eq!(server.anyone.get("/api/health").await.ok()["institution"], json!(text));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_have_bounds() {
    for_both(async |server| {
        let admin = server.admin().await;
        let before = server.records().await;
        for (field, value) in [
            ("batch_name", json!("x".repeat(201))),
            ("batch_name", json!(2026)),
            ("institution_name", json!("a\u{0}")),
            ("time_zone", json!("Mars/Olympus")),
            ("time_zone", json!("")),
            ("session_grace_minutes", json!(-1)),
            ("session_grace_minutes", json!(61)),
            ("late_after_minutes", json!(241)),
            ("late_after_minutes", json!("ten")),
            ("min_attendance_percent", json!(0)),
            ("min_attendance_percent", json!(101)),
            ("critical_percent", json!(76)),
            ("critical_percent", json!(-1)),
            ("allow_legacy_scanners", json!("no")),
            ("online_login_required", json!("yes")),
            ("campus_networks", json!("10.0.0.0/33")),
            ("campus_networks", json!("the library")),
        ] {
            admin.post(PATH, json!({field: value})).await.invalid(field);
        }
        // One that can't be used keeps the others out, too.
        admin
            .post(PATH, json!({"batch_name": "x", "late_after_minutes": -1}))
            .await
            .invalid("late_after_minutes");
        assert_eq!(server.records().await, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_hold_from_the_moment_of_the_answer() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 1).await;
        let settings =
            json!({"time_zone": "Europe/London", "session_grace_minutes": 0, "late_after_minutes": 1});
        admin.post(PATH, settings).await.ok();
        let started = class.start_with(json!({})).await.ok();
        // 10:00 in Kolkata.
        assert_eq!(started["end_time"], "2026-03-09T05:30:00+00:00");
        assert_eq!(started["closes_at"], started["end_time"]);

        // A session keeps what held when it started.
        admin.post(PATH, json!({"late_after_minutes": 60, "session_grace_minutes": 30})).await.ok();
        let session = started["session_id"].as_str().unwrap();
        let scanner = server.scanner("A").await;
        server.advance(2 * MINUTE);
        assert_eq!(scanner.finger(1).await, "success");
        assert_eq!(class.letters(session).await, "L");
        server.advance(58 * MINUTE);
        let status = class.teacher.get(&format!("/api/teacher/session/{session}/status")).await.ok();
        assert_eq!(status["session_active"], json!(false));
    })
    .await;
}
