use arise_core::clock::DAY;
use arise_testkit::server::{Class, Student, TestServer, for_both};
use serde_json::{Value, json};

use crate::{NO_ID, names};

fn path(class: &Class) -> String {
    format!("/api/admin/enrollments/{}", class.course)
}

fn place(student: &Student, class_roll_id: i64) -> Value {
    json!({"student_id": student.id, "class_roll_id": class_roll_id})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_list_is_the_roster() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 0).await;
        let path = path(&class);
        let (a, b, c) = (server.student("A").await, server.student("B").await, server.student("C").await);
        let got = admin.get(&path).await;
        assert_eq!(got.ok()["enrolled"], json!([]));
        assert_eq!(names(&got.ok()["available"], "student_name"), ["A", "B", "C"]);
        assert_eq!(got.header("x-total-count"), "3");

        let saved = admin.post(&path, json!([place(&a, 7), place(&b, 3)])).await.ok();
        assert_eq!((&saved["status"], &saved["joined"]), (&json!("success"), &json!(2)));
        let got = admin.get(&path).await.ok();
        assert_eq!(
            got["enrolled"][0],
            json!({
                "student_id": b.id, "student_name": "B", "university_roll_no": b.university_roll_no,
                "class_roll_id": 3,
            })
        );
        assert_eq!(
            got["available"],
            json!([{"id": c.id, "student_name": "C", "university_roll_no": c.university_roll_no}])
        );

        // One leaves, one comes, one gets another number; the form with a date says the same.
        let body = json!({"students": [place(&a, 8), place(&c, 3)]});
        let saved = admin.post(&path, body.clone()).await.ok();
        assert_eq!(
            (&saved["joined"], &saved["left"], &saved["renumbered"]),
            (&json!(1), &json!(1), &json!(1))
        );
        let before = server.records().await;
        let saved = admin.post(&path, body).await.ok();
        assert_eq!(
            (&saved["joined"], &saved["left"], &saved["renumbered"]),
            (&json!(0), &json!(0), &json!(0))
        );
        assert_eq!(server.records().await, before);

        let found = admin.get(&format!("{path}?q=b&limit=1")).await;
        assert_eq!(names(&found.ok()["available"], "student_name"), ["B"]);
        admin.get(&format!("/api/admin/enrollments/{NO_ID}")).await.refused(404, "not_found");
        admin.post(&format!("/api/admin/enrollments/{NO_ID}"), json!([])).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_refused_whole() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 2).await;
        let path = path(&class);
        let (a, b) = (&class.students[0], &class.students[1]);
        let before = server.records().await;
        let gone = json!({"student_id": NO_ID, "class_roll_id": 4});
        for (body, field) in [
            (json!([place(a, 1), gone]), "student_id"),
            (json!([place(a, 1), place(a, 2)]), "student_id"),
            (json!([place(a, 0)]), "class_roll_id"),
            (json!([place(a, 100_001)]), "class_roll_id"),
            (json!([{"student_id": a.id, "class_roll_id": "one"}]), "[0].class_roll_id"),
            (json!([{"student_id": a.id}]), "[0].class_roll_id"),
            (json!([{"student_id": "x", "class_roll_id": 1}]), "[0].student_id"),
            (json!({"students": [place(a, 1)], "from_on": "yesterday"}), "from_on"),
            (json!({"students": [place(a, 1), place(b, 2), {}]}), "students[2].student_id"),
            (json!({}), "students"),
            (json!(7), "body"),
        ] {
            if field == "from_on" {
                // It is looked at when somebody joins.
                admin
                    .post(&path, json!({"students": [place(a, 1)], "from_on": "2026-13-01"}))
                    .await
                    .invalid(field);
            }
            admin.post(&path, body).await.invalid(field);
        }
        let shared = admin.post(&path, json!([place(a, 5), place(b, 5)])).await;
        let text = shared.refused(409, "duplicate_class_roll_id")["error"].to_string();
        assert!(text.contains(&a.student_name) && text.contains(&b.student_name), "{text}");
        assert_eq!(server.records().await, before);
    })
    .await;
}

async fn detail(class: &Class, session: &str) -> Vec<String> {
    let detail = class.teacher.get(&format!("/api/teacher/session-detail/{session}")).await.ok();
    let mut all = names(&detail["present_students"], "student_name");
    all.extend(names(&detail["absent_students"], "student_name"));
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_later_or_left_before_isn_t_absent() {
    for_both(async |server: TestServer| {
        let class = server.class("CS101", 2).await;
        let (stays, leaves) = (&class.students[0], &class.students[1]);
        let first = class.start().await;
        class.end(&first).await;

        server.advance(DAY);
        let admin = server.admin().await;
        let late = server.student("Late").await;
        admin.post(&path(&class), json!([place(stays, 1), place(&late, 2)])).await.ok();
        // A login lasts a working day.
        let class = Class { teacher: server.log_in_teacher(&class.taught_by).await, ..class.clone() };
        let second = class.start().await;
        class.end(&second).await;

        assert_eq!(detail(&class, &first).await, [stays.student_name.clone(), leaves.student_name.clone()]);
        assert_eq!(detail(&class, &second).await, [stays.student_name.clone(), "Late".to_owned()]);
        let report = class.teacher.get(&format!("/api/teacher/report/{}", class.course)).await.ok();
        let totals = report["totals"].as_array().unwrap();
        let total_of = |student: &Student| {
            let line = totals.iter().find(|line| line["student_id"] == json!(student.id)).unwrap();
            line["total"].as_i64().unwrap()
        };
        assert_eq!((total_of(stays), total_of(leaves), total_of(&late)), (2, 1, 1));

        // Enrolled since the first day after all.
        let body = json!({"students": [place(stays, 1), place(&late, 2), place(leaves, 3)], "from_on": "2026-03-01"});
        admin.post(&path(&class), body).await.ok();
        assert_eq!(detail(&class, &second).await.len(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_roster_of_a_semester() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 2).await;
        let other = server.course("CS102", class.semester, &class.taught_by).await;
        let (a, b) = (&class.students[0], &class.students[1]);
        let list = json!([place(b, 9), place(a, 4)]);
        admin.post(&format!("/api/admin/enrollments/{other}"), list).await.ok();
        let roster = admin.get(&format!("/api/admin/enrollment-roster/{}", class.semester)).await.ok();
        assert_eq!(
            roster[0],
            json!({
                "student_id": a.id, "student_name": a.student_name, "university_roll_no": a.university_roll_no,
                "primary_class_roll_id": 1, "enrolled_courses": "CS101,CS102",
            })
        );
        assert_eq!(roster.as_array().unwrap().len(), 2);
        admin.get(&format!("/api/admin/enrollment-roster/{NO_ID}")).await.refused(404, "not_found");
    })
    .await;
}
