use arise_core::clock::{HOUR, MINUTE, SECOND};
use arise_http::{Config, NodeType};
use arise_testkit::server::{Class, Engine, Method, TestServer, at, for_both};
use serde_json::{Value, json};

use crate::NO_ID;

async fn post(class: &Class, session: &str, verb: &str) -> arise_testkit::server::Answer {
    class.teacher.post(&format!("/api/teacher/session/{session}/{verb}"), json!({})).await
}

async fn is_active(class: &Class, session: &str) -> bool {
    let status = class.teacher.get(&format!("/api/teacher/session/{session}/status")).await.ok();
    status["session_active"].as_bool().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_from_its_start_to_its_end() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let validate = format!("/api/teacher/validate-session/{}", class.course);
        let before = class.teacher.get(&validate).await.ok();
        assert_eq!((&before["valid"], &before["has_active_session"]), (&json!(true), &json!(false)));
        assert_eq!(before["active_session"], Value::Null);

        let started = class.start_with(json!({"duration_minutes": 50, "topic": " Trees & <b> "})).await.ok();
        let session = started["session_id"].as_str().unwrap();
        assert_eq!(started["status"], "success");
        assert_eq!(started["duration_minutes"], 50);
        assert_eq!(started["seconds_remaining"], 50 * 60);
        assert_eq!(started["end_time"], "2026-03-09T10:50:00+05:30");
        let first = &class.students[0];
        assert_eq!(
            started["students"][0],
            json!({
                "class_roll_id": 1, "id": first.id, "student_name": first.student_name,
                "university_roll_no": first.university_roll_no,
            })
        );

        let open = class.teacher.get(&validate).await.ok();
        assert_eq!(open["has_active_session"], true);
        let active = &open["active_session"];
        assert_eq!((&active["id"], &active["topic"]), (&json!(session), &json!("Trees & <b>")));
        assert_eq!(active["seconds_remaining"], 50 * 60);
        assert_eq!(open["course"]["default_duration"], 60);
        assert_eq!(open["students"], started["students"]);

        server.advance(20 * MINUTE);
        assert!(is_active(&class, session).await);
        let ended = post(&class, session, "end").await.ok();
        assert_eq!(ended["status"], "success");
        assert!(!is_active(&class, session).await);
        // Ending it again changes nothing.
        let before = server.records().await;
        post(&class, session, "end").await.ok();
        assert_eq!(server.records().await, before);
        post(&class, session, "extend").await.refused(410, "session_ended");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_alone_ends_a_session() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        let expire = async || post(&class, &session, "check-expire").await.ok();

        server.advance(HOUR - SECOND);
        let still = expire().await;
        assert_eq!((&still["expired"], &still["seconds_remaining"]), (&json!(false), &json!(1)));
        // The planned end has passed; the grace has not.
        server.advance(5 * MINUTE);
        let grace = expire().await;
        assert_eq!((&grace["expired"], &grace["seconds_remaining"]), (&json!(false), &json!(0)));
        assert_eq!(scanner.finger(1).await, "success");

        server.advance(SECOND);
        assert_eq!(expire().await["expired"], true);
        assert!(!is_active(&class, &session).await);
        assert_eq!(scanner.finger(1).await, "no_session");
        let body = json!({"session_id": session, "univ_roll_no": class.students[0].university_roll_no});
        class.teacher.post("/api/teacher/manual-override", body).await.refused(410, "session_ended");
        // Nothing was written for it to end.
        let history = class.teacher.get(&format!("/api/teacher/history/{}", class.course)).await.ok();
        assert_eq!(
            (&history["sessions"][0]["is_active"], &history["total_count"]),
            (&json!(false), &json!(1))
        );
        // The next one can start.
        class.start().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_minutes_are_added_up_to_eight_hours() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let session = class.start().await;
        let longer = post(&class, &session, "extend").await.ok();
        assert_eq!(longer["new_end_time"], "2026-03-09T11:10:00+05:30");
        assert_eq!(longer["seconds_remaining"], 70 * 60);
        server.advance(74 * MINUTE);
        assert!(is_active(&class, &session).await);
        for _ in 0..41 {
            post(&class, &session, "extend").await.ok();
        }
        post(&class, &session, "extend").await.refused(409, "too_long");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_session_is_reopened_within_ten_minutes() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let session = class.start().await;
        server.advance(30 * MINUTE);
        class.end(&session).await;
        server.advance(9 * MINUTE);
        let reopened = post(&class, &session, "reopen").await.ok();
        // It still has its hour.
        assert_eq!(reopened["new_end_time"], "2026-03-09T11:00:00+05:30");
        assert!(is_active(&class, &session).await);
        // The second time as well, and at least for ten minutes.
        server.advance(26 * MINUTE);
        assert!(!is_active(&class, &session).await);
        let reopened = post(&class, &session, "reopen").await.ok();
        assert_eq!(reopened["seconds_remaining"], 600);
        class.end(&session).await;
        server.advance(10 * MINUTE);
        post(&class, &session, "reopen").await.refused(409, "too_late_to_reopen");

        let next = class.start().await;
        class.end(&next).await;
        let other = class.start().await;
        let refusal = post(&class, &next, "reopen").await.refused(409, "session_open");
        assert_eq!(refusal["session_id"], json!(other));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_course_has_one_open_session_and_teachers_do_not_end_each_other_s() {
    for_both(async |server| {
        let (one, two) = (server.class("CS101", 1).await, server.class("MA201", 1).await);
        let (first, second) = (one.start().await, two.start().await);
        assert_eq!(one.start_with(json!({})).await.refused(409, "session_open")["session_id"], json!(first));
        assert!(is_active(&one, &first).await && is_active(&two, &second).await);

        // Twenty at once: one starts.
        one.end(&first).await;
        let starts = (0..20).map(|_| {
            let class = one.clone();
            tokio::spawn(async move { class.start_with(json!({})).await.status })
        });
        let mut statuses = vec![];
        for start in starts.collect::<Vec<_>>() {
            statuses.push(start.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (200, &[409; 19][..]));
        assert!(is_active(&two, &second).await);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_has_bounds() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        for (field, value) in [
            ("duration_minutes", json!(0)),
            ("duration_minutes", json!(481)),
            ("duration_minutes", json!(i64::MAX)),
            ("duration_minutes", json!("an hour")),
            ("topic", json!("x".repeat(201))),
            ("topic", json!(7)),
            ("session_type", json!("hybrid")),
            ("start_datetime", json!("now")),
            ("start_datetime", json!("2026-03-09T10:30:01+05:30")),
            ("start_datetime", json!("2026-03-08T21:59:59+05:30")),
            ("start_datetime", json!("9999-12-31T23:59:59Z")),
            ("course_id", json!(null)),
            ("course_id", json!("CS101")),
            ("device_id", json!("A")),
        ] {
            class.start_with(json!({field: value})).await.invalid(field);
        }
        class.start_with(json!({"course_id": NO_ID})).await.refused(404, "not_found");
        class.start_with(json!({"device_id": NO_ID})).await.refused(404, "not_found");

        // What was begun on paper at half past nine, in local time or with an offset.
        for text in ["2026-03-09T09:30:00", "2026-03-09 09:30:00", "2026-03-09T04:00:00Z"] {
            let started =
                class.start_with(json!({"start_datetime": text, "duration_minutes": null})).await.ok();
            assert_eq!(started["end_time"], "2026-03-09T10:30:00+05:30");
            assert_eq!(started["seconds_remaining"], 1_800);
            class.end(started["session_id"].as_str().unwrap()).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_day_of_a_session_is_the_local_one() {
    for_both(async |server| {
        server.clock.set(at("2026-03-09T00:10:00+05:30"));
        let class = server.class("CS101", 1).await;
        class.start().await;
        let history = class.teacher.get(&format!("/api/teacher/history/{}", class.course)).await.ok();
        let held = &history["sessions"][0];
        assert_eq!((&held["date"], &held["time"]), (&json!("2026-03-09"), &json!("00:10")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finished_session_is_deleted_with_a_reason() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let session = class.start().await;
        let student = &class.students[0];
        let mark = json!({"session_id": session, "univ_roll_no": student.university_roll_no});
        class.teacher.post("/api/teacher/manual-override", mark).await.ok();
        let path = format!("/api/teacher/session/{session}/delete");
        let delete = async |body: Value| {
            arise_testkit::server::Answer::of(class.teacher.request(Method::DELETE, &path).json(&body)).await
        };
        delete(json!({"reason": "a mistake"})).await.refused(409, "session_open");
        class.end(&session).await;
        for reason in [json!(null), json!(""), json!("oops"), json!("    a   "), json!("x".repeat(501))] {
            delete(json!({"reason": reason})).await.invalid("reason");
        }
        delete(json!({})).await.invalid("reason");
        let deleted = delete(json!({"reason": "held by mistake"})).await.ok();
        assert_eq!(deleted["attendance_records_deleted"], 1);
        assert_eq!(
            (&deleted["reason"], &deleted["session_id"]),
            (&json!("held by mistake"), &json!(session))
        );

        delete(json!({"reason": "held by mistake"})).await.refused(404, "not_found");
        let history = class.teacher.get(&format!("/api/teacher/history/{}", class.course)).await.ok();
        assert_eq!(history, json!({"sessions": [], "total_count": 0}));
        let report = class.teacher.get(&format!("/api/teacher/report/{}", class.course)).await.ok();
        assert_eq!((&report["sessions"], &report["cells"]), (&json!([]), &json!([])));
        // Its marks stay on record, with who deleted it and why.
        assert_eq!(server.records_of(&session, student.id).await, 1);
        let trail = server.admin().await.get("/api/admin/audit").await.ok();
        let entry = trail["entries"].as_array().unwrap().iter().find(|e| e["action"] == "deleted").unwrap();
        assert_eq!((&entry["reason"], &entry["entity_kind"]), (&json!("held by mistake"), &json!("session")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_likeliest_course_comes_first() {
    for_both(async |server| {
        let class = server.class("AA1", 1).await;
        let (monday, tuesday) = (class.course, server.course("BB2", class.semester, &class.taught_by).await);
        let never = server.course("CC3", class.semester, &class.taught_by).await;
        let hold = async |course: arise_core::CourseId, day: &str| {
            server.clock.set(at(&format!("{day}T10:00:00+05:30")));
            let class =
                Class { teacher: server.log_in_teacher(&class.taught_by).await, course, ..class.clone() };
            let session = class.start().await;
            class.end(&session).await;
        };
        hold(monday, "2026-03-16").await;
        hold(tuesday, "2026-03-17").await;
        for (day, expected) in [
            ("2026-03-23", [monday, tuesday, never]),
            ("2026-03-24", [tuesday, monday, never]),
            // On no usual day, what was held last.
            ("2026-03-25", [tuesday, monday, never]),
        ] {
            server.clock.set(at(&format!("{day}T09:40:00+05:30")));
            let teacher = server.log_in_teacher(&class.taught_by).await;
            let courses = teacher.get("/api/teacher/courses").await.ok();
            let order: Vec<&Value> = courses.as_array().unwrap().iter().map(|c| &c["id"]).collect();
            assert_eq!(json!(order), json!(expected), "{day}");
        }
        // An open session comes before everything.
        let teacher = server.log_in_teacher(&class.taught_by).await;
        let open = Class { teacher: teacher.clone(), course: never, ..class.clone() };
        let session = open.start().await;
        let first = &teacher.get("/api/teacher/courses").await.ok()[0];
        assert_eq!((&first["id"], &first["open_session"]["id"]), (&json!(never), &json!(session)));
        assert_eq!((&first["enrolled_count"], &first["session_count"]), (&json!(0), &json!(0)));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn online_classes_are_the_hub_s() {
    let hub = "https://hub.college.edu.in".to_owned();
    let config = Config { cloud_url: Some(hub.clone()), ..Config::default() };
    let server = TestServer::start_with(Engine::Sqlite, config).await;
    let class = server.class("CS101", 1).await;
    let refusal = class.start_with(json!({"session_type": "online"})).await.refused(403, "hub_only");
    assert_eq!(refusal["cloud_url"], json!(hub));
    assert!(refusal["hint"].as_str().unwrap().contains(&hub));

    let config = Config { node_type: NodeType::Cloud, ..Config::default() };
    let server = TestServer::start_with(Engine::Sqlite, config).await;
    let class = server.class("CS101", 1).await;
    class.start_with(json!({"session_type": "online"})).await.ok();
}
