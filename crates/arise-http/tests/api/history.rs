use arise_core::clock::{HOUR, MINUTE};
use arise_testkit::server::for_both;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_sessions_with_their_counts() {
    for_both(async |server| {
        let class = server.class("CS101", 3).await;
        let scanner = server.scanner("A").await;
        let first = class.start().await;
        assert_eq!(scanner.finger(1).await, "success");
        server.advance(15 * MINUTE);
        assert_eq!(scanner.finger(2).await, "success");
        class.end(&first).await;
        server.advance(HOUR);
        let second = class.start_with(json!({"topic": "Graphs", "duration_minutes": 30})).await.ok();
        assert_eq!(scanner.finger(3).await, "success");

        let path = format!("/api/teacher/history/{}", class.course);
        let history = class.teacher.get(&path).await.ok();
        assert_eq!(history["total_count"], 2);
        assert_eq!(
            history["sessions"],
            json!([
                {
                    "id": second["session_id"], "date": "2026-03-09", "time": "11:15",
                    "start_time": "2026-03-09T11:15:00+05:30", "end_time": "2026-03-09T11:45:00+05:30",
                    "session_type": "offline", "topic": "Graphs", "is_active": true,
                    "present_count": 1, "excused_count": 0, "total_students": 3, "attendance_percent": 33.33,
                },
                {
                    "id": first, "date": "2026-03-09", "time": "10:00",
                    "start_time": "2026-03-09T10:00:00+05:30", "end_time": "2026-03-09T11:00:00+05:30",
                    "session_type": "offline", "topic": "Trees", "is_active": false,
                    "present_count": 2, "excused_count": 0, "total_students": 3, "attendance_percent": 66.67,
                },
            ])
        );
        let page = class.teacher.get(&format!("{path}?limit=1&offset=1")).await.ok();
        assert_eq!((&page["total_count"], &page["sessions"][0]["id"]), (&json!(2), &json!(first)));
        assert_eq!(
            class.teacher.get(&format!("{path}?offset=-1&limit=-1")).await.ok()["sessions"][0]["topic"],
            "Graphs"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_session_in_detail() {
    for_both(async |server| {
        let class = server.class("CS101", 4).await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        scanner.finger(2).await;
        let mark = |n: usize, status: &str| {
            json!({"student_id": class.students[n].id, "status": status, "reason": "a <b> reason"})
        };
        let path = format!("/api/teacher/session/{session}/mark");
        class.teacher.post(&path, mark(2, "excused")).await.ok();
        class.teacher.post(&path, mark(3, "absent")).await.ok();

        let detail = class.teacher.get(&format!("/api/teacher/session-detail/{session}")).await.ok();
        assert_eq!((&detail["session_id"], &detail["is_active"]), (&json!(session), &json!(true)));
        let counts =
            ["present_count", "absent_count", "excused_count", "total_students"].map(|name| detail[name].clone());
        assert_eq!(counts, [json!(1), json!(2), json!(1), json!(4)]);
        let line = |n: usize, status: &str, method: serde_json::Value, reason: serde_json::Value| {
            let student = &class.students[n];
            json!({
                "student_id": student.id, "student_name": student.student_name, "class_roll_id": n + 1,
                "university_roll_no": student.university_roll_no, "status": status, "method": method,
                "reason": reason, "is_marked_absent": reason != json!(null) && status == "absent",
                "observed_at": if method == json!(null) { json!(null) } else { json!("2026-03-09T10:00:00+05:30") },
            })
        };
        let null = json!(null);
        assert_eq!(detail["present_students"], json!([line(1, "present", json!("fingerprint"), null.clone())]));
        assert_eq!(
            detail["absent_students"],
            json!([
                line(0, "absent", null.clone(), null),
                line(2, "excused", json!("teacher"), json!("a <b> reason")),
                line(3, "absent", json!("teacher"), json!("a <b> reason")),
            ])
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_student_counts_in_no_session() {
    for_both(async |server| {
        let class = server.class("CS101", 3).await;
        let ended = class.start().await;
        class.end(&ended).await;
        server.advance(MINUTE);
        let open = class.start().await;
        let scanner = server.scanner("A").await;
        assert_eq!((scanner.finger(1).await, scanner.finger(3).await), ("success".into(), "success".into()));
        let path = format!("/api/admin/students/{}", class.students[2].id);
        server.admin().await.delete(&path).await.ok();

        let history = class.teacher.get(&format!("/api/teacher/history/{}", class.course)).await.ok();
        for (session, id, present) in [(0, &open, 1), (1, &ended, 0)] {
            let line = &history["sessions"][session];
            assert_eq!(line["id"], json!(id));
            assert_eq!((&line["total_students"], &line["present_count"]), (&json!(2), &json!(present)));
        }
        let detail = class.teacher.get(&format!("/api/teacher/session-detail/{open}")).await.ok();
        assert_eq!((&detail["total_students"], &detail["present_count"]), (&json!(2), &json!(1)));
        assert_eq!(class.letters(&open).await, "P–");
        // Nor is their finger known.
        assert_eq!(scanner.finger(3).await, "not_enrolled");
    })
    .await;
}
