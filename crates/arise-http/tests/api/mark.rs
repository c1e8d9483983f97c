use std::sync::Arc;

use arise_core::clock::{HOUR, MINUTE};
use arise_testkit::server::{Class, Student, for_both};
use serde_json::{Value, json};

use crate::NO_ID;

async fn set(class: &Class, session: &str, student: &Student, status: Value) -> Value {
    let body = json!({"student_id": student.id, "status": status, "reason": "seen"});
    class.teacher.post(&format!("/api/teacher/session/{session}/mark"), body).await.ok()["mark"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_teacher_marks_by_roll_number() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let (session, student) = (class.start().await, &class.students[0]);
        let mark = async |roll: &str| {
            let body = json!({"session_id": session, "univ_roll_no": roll, "reason": "finger hurt"});
            class.teacher.post("/api/teacher/manual-override", body).await
        };
        let marked = mark(&format!(" {} ", student.university_roll_no.to_lowercase())).await.ok();
        assert_eq!(marked["status"], "success");
        assert!(marked["message"].as_str().unwrap().contains(&student.student_name));
        assert_eq!(mark(&student.university_roll_no).await.ok()["status"], "duplicate");
        assert_eq!(class.letters(&session).await, "P–");
        let status = class.teacher.get(&format!("/api/teacher/session/{session}/status")).await.ok();
        assert_eq!(
            status,
            json!({
                "session_active": true, "marked_students": [student.university_roll_no], "absent_students": [],
            })
        );

        let elsewhere = server.class("MA201", 1).await;
        mark(&elsewhere.students[0].university_roll_no).await.refused(403, "not_enrolled");
        mark("nobody").await.refused(403, "not_enrolled");
        let body = json!({"session_id": NO_ID, "univ_roll_no": "x"});
        class.teacher.post("/api/teacher/manual-override", body).await.refused(404, "not_found");
        class.teacher.post("/api/teacher/manual-override", json!({})).await.invalid("session_id");
        assert_eq!(server.records_of(&session, student.id).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_is_set_and_taken_back() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let (session, student) = (class.start().await, &class.students[0]);
        let scanner = server.scanner("A").await;
        assert_eq!(scanner.finger(1).await, "success");

        for (status, letter) in [("absent", "A"), ("late", "L"), ("excused", "E"), ("present", "P")] {
            let mark = set(&class, &session, student, json!(status)).await;
            assert_eq!((&mark["status"], &mark["source"]), (&json!(status), &json!("teacher")));
            assert_eq!((&mark["reason"], &mark["class_roll_id"]), (&json!("seen"), &json!(1)));
            assert_eq!(class.letters(&session).await, letter);
        }
        // What stands already is written once.
        let before = server.records().await;
        set(&class, &session, student, json!("present")).await;
        assert_eq!(server.records().await, before);

        // Without the teacher's word the finger's counts again.
        set(&class, &session, student, json!("absent")).await;
        let undone = set(&class, &session, student, Value::Null).await;
        assert_eq!((&undone["status"], &undone["source"]), (&json!("present"), &json!("fingerprint")));
        let before = server.records().await;
        set(&class, &session, student, Value::Null).await;
        assert_eq!(server.records().await, before);

        let path = format!("/api/teacher/session/{session}/mark");
        for (body, field) in [
            // Saying nothing isn't the same as taking back.
            (json!({"student_id": student.id}), "status"),
            (json!({"student_id": student.id, "status": "here"}), "status"),
            (json!({"student_id": student.id, "status": "late", "reason": "x".repeat(501)}), "reason"),
            (json!({"status": "late"}), "student_id"),
        ] {
            class.teacher.post(&path, body).await.invalid(field);
        }
        let stranger = server.student("Stranger").await;
        let body = json!({"student_id": stranger.id, "status": "present"});
        class.teacher.post(&path, body).await.refused(403, "not_enrolled");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_class_is_marked_when_scanners_fail() {
    for_both(async |server| {
        let class = server.class("CS101", 6).await;
        let session = class.start().await;
        let roll = |n: usize| class.students[n].university_roll_no.clone();
        let body = json!({
            "session_id": session, "reason": "no power",
            "students": [
                roll(0), {"roll": roll(1), "status": "absent"}, {"university_roll_no": roll(2), "status": "late"},
                {"univ_roll_no": roll(3), "status": "excused"}, "nobody", roll(0),
            ],
        });
        let marked = class.teacher.post("/api/teacher/emergency-bulk-mark", body.clone()).await.ok();
        let counts = [&marked["present_count"], &marked["absent_count"], &marked["skipped_count"]];
        assert_eq!(counts, [&json!(2), &json!(2), &json!(2)]);
        assert_eq!(class.letters(&session).await, "PALE––");
        let again = class.teacher.post("/api/teacher/emergency-bulk-mark", body).await.ok();
        assert_eq!(again["skipped_count"], 6);

        let rolls = vec!["x"; 2_001];
        for (body, field) in [
            (json!({"session_id": session, "reason": "", "students": []}), "reason"),
            (json!({"session_id": session, "students": []}), "reason"),
            (json!({"session_id": session, "reason": "no power", "students": rolls}), "students"),
            (json!({"session_id": session, "reason": "no power", "students": [7]}), "students[0]"),
        ] {
            class.teacher.post("/api/teacher/emergency-bulk-mark", body).await.invalid(field);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_are_corrected_long_after() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let (session, student) = (class.start().await, &class.students[0]);
        class.end(&session).await;
        server.advance(10 * HOUR);
        let update = async |action: &str, reason: Value| {
            let body = json!({
                "session_id": session, "student_id": student.id, "action": action, "manual_reason": reason,
            });
            class.teacher.post("/api/teacher/update-attendance", body).await
        };
        for (action, letter) in
            [("mark_present", "P–"), ("mark_late", "L–"), ("mark_excused", "E–"), ("mark_absent", "A–")]
        {
            update(action, json!("checked the paper list")).await.ok();
            assert_eq!(class.letters(&session).await, letter);
        }
        let detail = class.teacher.get(&format!("/api/teacher/session-detail/{session}")).await.ok();
        let line = &detail["absent_students"][0];
        assert_eq!(
            (&line["method"], &line["reason"], &line["is_marked_absent"]),
            (&json!("correction"), &json!("checked the paper list"), &json!(true))
        );
        assert_eq!(detail["absent_students"][1]["is_marked_absent"], false);
        update("mark_present", json!("")).await.invalid("manual_reason");
        update("mark_present", Value::Null).await.invalid("manual_reason");
        update("mark_here", json!("a reason")).await.invalid("action");
        // The same through the live screen's route is a correction, too.
        let mark = set(&class, &session, student, json!("present")).await;
        assert_eq!(mark["source"], "correction");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_late_is_late_and_who_is_excused_counts_neither_way() {
    for_both(async |server| {
        let class = server.class("CS101", 3).await;
        let session = class.start().await;
        let scanner = server.scanner("A").await;
        server.advance(10 * MINUTE - 1);
        assert_eq!(scanner.finger(1).await, "success");
        server.advance(1);
        assert_eq!(scanner.finger(2).await, "success");
        // A second finger doesn't make a punctual student late.
        assert_eq!(scanner.finger(1).await, "duplicate");
        set(&class, &session, &class.students[2], json!("excused")).await;
        assert_eq!(class.letters(&session).await, "PLE");
        class.end(&session).await;

        let history = class.teacher.get(&format!("/api/teacher/history/{}", class.course)).await.ok();
        let held = &history["sessions"][0];
        assert_eq!((&held["present_count"], &held["excused_count"]), (&json!(2), &json!(1)));
        assert_eq!((&held["total_students"], &held["attendance_percent"]), (&json!(3), &json!(100.0)));
        let report = class.teacher.get(&format!("/api/teacher/report/{}", class.course)).await.ok();
        let total = &report["totals"][2];
        assert_eq!((&total["excused"], &total["total"], &total["absent"]), (&json!(1), &json!(0), &json!(0)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_double_marks_at_once_are_one_each() {
    const SCANNERS: usize = 100;
    const STUDENTS: i64 = 50;
    for_both(async |server| {
        let class = server.class("CS101", usize::try_from(STUDENTS).unwrap()).await;
        let session = class.start().await;
        let mut scanners = vec![];
        for number in 0..SCANNERS {
            scanners.push(server.scanner(&format!("Scanner {number}")).await);
        }
        // Every scanner sees ten students, each finger twice: 2,000 requests, a hundred at a time.
        let start = Arc::new(tokio::sync::Barrier::new(SCANNERS));
        let all = scanners.into_iter().enumerate().map(|(number, scanner)| {
            let start = Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                let mut told = vec![];
                for student in 0..10 {
                    let roll = (i64::try_from(number).unwrap() * 7 + student) % STUDENTS + 1;
                    told.push((roll, scanner.finger(roll).await));
                    told.push((roll, scanner.finger(roll).await));
                }
                told
            })
        });
        let mut successes = vec![0; usize::try_from(STUDENTS).unwrap() + 1];
        let mut told = 0;
        for task in all.collect::<Vec<_>>() {
            for (roll, status) in task.await.unwrap() {
                assert!(["success", "duplicate"].contains(&status.as_str()), "{status}");
                successes[usize::try_from(roll).unwrap()] += usize::from(status == "success");
                told += 1;
            }
        }
        assert_eq!(told, 2_000);
        assert_eq!(successes[1..], [1; 50]);
        let id: arise_core::SessionId = session.parse().unwrap();
        let sql = "SELECT COUNT(*) FROM attendance WHERE session_id = ?1";
        assert_eq!(server.count(sql, &[id.into()]).await, STUDENTS);
        for student in &class.students {
            assert_eq!(server.records_of(&session, student.id).await, 1);
        }
        assert_eq!(class.letters(&session).await, "P".repeat(50));
    })
    .await;
}
