use arise_core::Clock;
use arise_core::clock::{DAY, HOUR, MINUTE, SECOND};
use arise_testkit::server::{Answer, Class, Method, Scanner, TestServer, for_both};
use serde_json::{Value, json};

use crate::NO_ID;

const MARKS: &str = "/api/device/marks";

async fn choose(class: &Class, session: &str, scanner: &Scanner) {
    let body = json!({"device_id": scanner.id});
    class.teacher.post(&format!("/api/teacher/session/{session}/device"), body).await.ok();
}

fn told(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["status"].as_str().unwrap()).collect()
}

/// Results as they are repeated: a name is only for who waits to read it.
fn nameless(mut results: Vec<Value>) -> Vec<Value> {
    for result in &mut results {
        let result = result.as_object_mut().unwrap();
        result.remove("student_name");
        result.remove("class_roll_id");
    }
    results
}

/// How often the audit trail has an action.
async fn noted(server: &TestServer, action: &str) -> usize {
    let trail = server.admin().await.get("/api/admin/audit?limit=500").await.ok();
    trail["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] == action).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_classes_at_once_each_with_a_scanner() {
    for_both(async |server| {
        let (one, two) = (server.class("CS101", 30).await, server.class("MA201", 30).await);
        let (left, right) = (server.scanner("Left").await, server.scanner("Right").await);
        let first = one.start_with(json!({"device_id": left.id})).await.ok()["session_id"].clone();
        let second = two.start_with(json!({"device_id": right.id})).await.ok()["session_id"].clone();
        two.start_with(json!({"device_id": right.id})).await.refused(409, "session_open");

        for (scanner, class, session) in [(&left, &one, &first), (&right, &two, &second)] {
            let state = scanner.get("/api/device/state").await.ok();
            assert_eq!(state["session"]["id"], *session);
            assert_eq!(state["session"]["course_code"], json!(class.course_code));
            assert_eq!(state["server_time"], json!(server.clock.now()));
            // The other class's window is none of this scanner's business.
            let windows = state["windows"].as_array().unwrap();
            assert_eq!(windows.len(), 1);
            assert_eq!(windows[0]["session_id"], *session);
        }

        let odd = async {
            for roll in (1..=30).filter(|roll| roll % 2 == 1) {
                assert_eq!(left.finger(roll).await, "success");
            }
        };
        let even = async {
            for roll in (1..=30).filter(|roll| roll % 2 == 0) {
                assert_eq!(right.finger(roll).await, "success");
            }
        };
        tokio::join!(odd, even);
        assert_eq!(one.letters(first.as_str().unwrap()).await, "P–".repeat(15));
        assert_eq!(two.letters(second.as_str().unwrap()).await, "–P".repeat(15));

        // A mark that names the other class's session goes nowhere.
        let stray =
            json!({"seq": 100, "class_roll_id": 2, "session_id": second, "observed_at": server.clock.now()});
        assert_eq!(told(&left.upload(&[stray]).await), ["no_session"]);
        assert_eq!(one.letters(first.as_str().unwrap()).await, "P–".repeat(15));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_belongs_to_one_open_session() {
    for_both(async |server| {
        let (one, two) = (server.class("CS101", 1).await, server.class("MA201", 1).await);
        let scanner = server.scanner("A").await;
        let first = one.start_with(json!({"device_id": scanner.id})).await.ok()["session_id"].clone();
        let first = first.as_str().unwrap();
        two.start_with(json!({"device_id": scanner.id})).await.refused(409, "scanner_taken");
        let second = two.start().await;
        let path = format!("/api/teacher/session/{second}/device");
        two.teacher.post(&path, json!({"device_id": scanner.id})).await.refused(409, "scanner_taken");
        two.teacher.post(&path, json!({"device_id": NO_ID})).await.refused(404, "not_found");
        one.end(first).await;
        choose(&two, &second, &scanner).await;
        assert_eq!(scanner.finger(1).await, "success");
        assert_eq!(two.letters(&second).await, "P");
        // Given back, and then none is chosen by anybody.
        two.teacher.post(&path, json!({"device_id": null})).await.ok();
        let third = one.start().await;
        let state = scanner.get("/api/device/state").await.ok();
        assert_eq!((&state["session"], &state["message"]), (&Value::Null, &json!("Choose scanner")));
        let mark = json!({"seq": 50, "class_roll_id": 1});
        let results = scanner.upload(&[mark]).await;
        assert_eq!(results[0], json!({"seq": 50, "status": "no_session", "message": "No Active Session"}));
        assert_eq!(one.letters(&third).await, "–");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queued_marks_go_to_the_class_in_which_the_finger_was_placed() {
    for_both(async |server| {
        let (one, two) = (server.class("CS101", 6).await, server.class("MA201", 6).await);
        let scanner = server.scanner("A").await;
        let first = one.start().await;
        choose(&one, &first, &scanner).await;
        let then = server.clock.now() + MINUTE;
        server.advance(45 * MINUTE);
        one.end(&first).await;
        server.advance(10 * MINUTE);
        let second = two.start().await;
        choose(&two, &second, &scanner).await;
        let now = server.clock.now();

        let queue = [
            // It knew the session.
            json!({"seq": 1, "class_roll_id": 1, "session_id": first, "observed_at": then}),
            // It knew the time only.
            json!({"seq": 2, "class_roll_id": 2, "observed_at": then}),
            // It knew its own uptime: 54 minutes ago.
            json!({"seq": 3, "class_roll_id": 3, "boot": 7, "uptime_ms": 60_000}),
            // It knew the session and no time at all.
            json!({"seq": 4, "slot": 7, "session_id": first, "boot": 6, "uptime_ms": 5}),
            // Placed in the break.
            json!({"seq": 5, "class_roll_id": 5, "observed_at": now - 5 * MINUTE}),
            // Placed in the second class.
            json!({"seq": 6, "class_roll_id": 6, "observed_at": now}),
        ];
        let body = json!({"marks": queue, "boot": 7, "uptime_ms": 60_000 + 54 * MINUTE});
        let answer = scanner.post(MARKS, &body).await.ok();
        let statuses = told(answer["results"].as_array().unwrap());
        assert_eq!(statuses, ["success", "success", "success", "success", "no_session", "success"]);
        assert_eq!(one.letters(&first).await, "PPPP––");
        assert_eq!(two.letters(&second).await, "–––––P");
        let detail = one.teacher.get(&format!("/api/teacher/session-detail/{first}")).await.ok();
        assert_eq!(detail["present_students"][0]["method"], "scanner_queue");
        assert_eq!(detail["present_students"][0]["observed_at"], "2026-03-09T10:01:00+05:30");
    })
    .await;
}

/// A scanner that started anew without a clock knows neither the class nor the time of an older mark.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_that_nobody_can_date_is_not_given_to_the_class_open_now() {
    for_both(async |server| {
        let class = server.class("CS101", 5).await;
        let scanner = server.scanner("A").await;
        let session = class.start_with(json!({"device_id": scanner.id})).await.ok()["session_id"].clone();
        let session = session.as_str().unwrap();
        let queue = [
            // Another start of the scanner.
            json!({"seq": 1, "class_roll_id": 1, "boot": 6, "uptime_ms": 5_000}),
            // No word of when at all.
            json!({"seq": 2, "class_roll_id": 2}),
            // Later than the upload itself.
            json!({"seq": 3, "class_roll_id": 3, "boot": 7, "uptime_ms": 90_001}),
            // This start: half a minute ago, which was before the class.
            json!({"seq": 4, "class_roll_id": 4, "boot": 7, "uptime_ms": 60_000}),
            // This start, now.
            json!({"seq": 5, "class_roll_id": 5, "boot": 7, "uptime_ms": 90_000}),
        ];
        let body = json!({"marks": queue, "boot": 7, "uptime_ms": 90_000});
        let answer = scanner.post(MARKS, &body).await.ok();
        let results = answer["results"].as_array().unwrap();
        assert_eq!(told(results), ["no_session", "no_session", "no_session", "no_session", "success"]);
        assert_eq!(results[0]["message"], "No Active Session");
        assert_eq!(class.letters(session).await, "––––P");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_teacher_sees_which_marks_were_refused() {
    for_both(async |server| {
        let (mut one, two) = (server.class("CS101", 2).await, server.class("MA201", 2).await);
        let (left, right) = (server.scanner("Left").await, server.scanner("Right").await);
        let first = one.start_with(json!({"device_id": left.id})).await.ok()["session_id"].clone();
        let second = two.start_with(json!({"device_id": right.id})).await.ok()["session_id"].clone();
        let now = server.clock.now();
        let queue = [
            json!({"seq": 1, "class_roll_id": 1, "observed_at": now}),
            json!({"seq": 2, "class_roll_id": 1, "observed_at": now}),
            json!({"seq": 3, "class_roll_id": 9, "observed_at": now}),
            json!({"seq": 4, "class_roll_id": 2}),
            json!({"seq": 5, "class_roll_id": 2, "observed_at": now - DAY}),
            // The class of the other scanner.
            json!({"seq": 6, "class_roll_id": 2, "session_id": second, "observed_at": now}),
        ];
        let results = left.upload(&queue).await;
        let expected = ["success", "duplicate", "not_enrolled", "no_session", "no_session", "no_session"];
        assert_eq!(told(&results), expected);

        let of = async |class: &Class, session: &Value| {
            let path = format!("/api/teacher/session/{}/refused-marks", session.as_str().unwrap());
            class.teacher.get(&path).await.ok()["marks"].as_array().unwrap().clone()
        };
        let seqs = |marks: &[Value]| marks.iter().map(|mark| mark["seq"].clone()).collect::<Vec<_>>();
        let marks = of(&one, &first).await;
        // Neither what counts, nor another day's, nor another class's.
        assert_eq!(seqs(&marks), [4, 3]);
        assert_eq!(
            marks[1],
            json!({
                "seq": 3, "class_roll_id": 9, "slot": null, "student_name": null, "session_id": first, "status": "not_enrolled",
                "message": "Not Enrolled", "observed_at": "2026-03-09T10:00:00+05:30",
                "received_at": "2026-03-09T10:00:00+05:30", "device_name": "Left",
            })
        );
        assert_eq!(marks[0]["observed_at"], Value::Null);
        assert_eq!(seqs(&of(&two, &second).await), [6]);
        let path = format!("/api/teacher/session/{}/refused-marks", first.as_str().unwrap());
        assert!([403, 404].contains(&two.teacher.get(&path).await.status));

        // Another day's session of the course has its own.
        one.end(first.as_str().unwrap()).await;
        server.advance(DAY);
        one.teacher = server.log_in_teacher(&one.taught_by).await;
        let next = one.start_with(json!({"device_id": left.id})).await.ok()["session_id"].clone();
        assert_eq!(of(&one, &next).await, Vec::<Value>::new());
        assert_eq!(seqs(&of(&one, &first).await), [4, 3]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_says_whose_fingers_it_knows_and_can_be_called() {
    const BEAT: &str = "/api/device/heartbeat";
    for_both(async |server| {
        let admin = server.admin().await;
        let scanner = server.scanner("A").await;
        let shown = async || {
            let device = admin.get("/api/admin/devices").await.ok()[0].clone();
            (device["enrolled_slots"].clone(), device["enrolled_count"].clone())
        };
        scanner.post(BEAT, &json!({})).await.ok();
        assert_eq!(shown().await, (Value::Null, Value::Null));
        scanner.post(BEAT, &json!({"enrolled_slots": [3, 1, 1, 0, -4, "x", 70_000, 2]})).await.ok();
        assert_eq!(shown().await, (json!([1, 2, 3]), json!(3)));
        // Said only when it changes.
        scanner.post(BEAT, &json!({"enrolled_slots": null})).await.ok();
        scanner.post(BEAT, &json!({"enrolled_slots": 7})).await.ok();
        assert_eq!(shown().await, (json!([1, 2, 3]), json!(3)));
        scanner.post(BEAT, &json!({"enrolled_slots": []})).await.ok();
        assert_eq!(shown().await, (json!([]), json!(0)));

        let call = format!("/api/admin/devices/{}/beep", scanner.id);
        admin.post(&call, json!({})).await.ok();
        admin.post(&call, json!({})).await.ok();
        assert_eq!(scanner.post(BEAT, &json!({})).await.ok(), json!({"status": "ok", "beep": true}));
        assert_eq!(scanner.post(BEAT, &json!({})).await.ok(), json!({"status": "ok"}));
        let unpaired = admin.post("/api/admin/devices", json!({"name": "B"})).await.expect(201);
        let path = format!("/api/admin/devices/{}/beep", unpaired["id"].as_str().unwrap());
        admin.post(&path, json!({})).await.refused(409, "cannot_beep");
        admin.post(&format!("/api/admin/devices/{NO_ID}/beep"), json!({})).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_upload_ten_times_is_answered_alike_and_changes_nothing() {
    for_both(async |server| {
        let class = server.class("CS101", 3).await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        let now = server.clock.now();
        let queue = [
            json!({"seq": 1, "class_roll_id": 1, "observed_at": now}),
            json!({"seq": 2, "class_roll_id": 1, "observed_at": now}),
            json!({"seq": 3, "class_roll_id": 9, "observed_at": now}),
            json!({"seq": 4, "class_roll_id": 2, "observed_at": now - DAY}),
            json!({"seq": 5, "slot": 0}),
        ];
        let first = scanner.upload(&queue).await;
        assert_eq!(told(&first), ["success", "duplicate", "not_enrolled", "no_session", "invalid"]);
        for result in &first {
            assert!(result["message"].as_str().unwrap().chars().count() <= 20);
        }
        let names: Vec<&Value> = first.iter().map(|result| &result["student_name"]).collect();
        let student = json!(class.students[0].student_name);
        assert_eq!(names, [&student, &student, &Value::Null, &Value::Null, &Value::Null]);
        let first = nameless(first);
        let before = server.records().await;
        for _ in 0..9 {
            assert_eq!(nameless(scanner.upload(&queue).await), first);
        }
        // Also after the session, when the same marks would be judged otherwise.
        class.end(&session).await;
        let ended = server.records().await;
        server.advance(HOUR);
        assert_eq!(nameless(scanner.upload(&queue).await), first);
        assert_eq!((server.records().await, ended), (ended, before + 1));
        assert_eq!(class.letters(&session).await, "P––");
        // A number once used means that mark for ever.
        let other = json!({"seq": 1, "class_roll_id": 2, "observed_at": now});
        assert_eq!(nameless(scanner.upload(&[other]).await)[0], first[0]);
        assert_eq!(class.letters(&session).await, "P––");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_there_before_the_time_is_in_time() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let scanner = server.scanner("A").await;
        let started = class.start_with(json!({"start_datetime": "2026-03-09T10:20:00"})).await.ok();
        let session = scanner.get("/api/device/state").await.ok()["session"]["id"].clone();
        assert_eq!(session, started["session_id"]);
        let mark =
            json!({"seq": 1, "class_roll_id": 1, "session_id": session, "observed_at": server.clock.now()});
        assert_eq!(told(&scanner.upload(&[mark]).await), ["success"]);
        assert_eq!(class.letters(session.as_str().unwrap()).await, "P");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_need_not_come_in_order() {
    for_both(async |server| {
        let class = server.class("CS101", 4).await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        let now = server.clock.now();
        let mark = |seq: i64, roll: i64| json!({"seq": seq, "class_roll_id": roll, "observed_at": now});
        assert_eq!(told(&scanner.upload(&[mark(50, 1), mark(50, 2)]).await), ["success", "success"]);
        assert_eq!(class.letters(&session).await, "P–––");
        // Lower ones, nought and less are new all the same.
        assert_eq!(told(&scanner.upload(&[mark(49, 2), mark(0, 3), mark(-7, 4)]).await), ["success"; 3]);
        assert_eq!(class.letters(&session).await, "PPPP");
        assert_eq!(told(&scanner.upload(&[mark(-7, 1), mark(48, 1)]).await), ["success", "duplicate"]);
    })
    .await;
}

/// The answer to the first upload was lost; until the second, rolls and sessions have changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_mark_is_the_same_student_s_whatever_has_changed() {
    for_both(async |server| {
        let class = server.class("CS101", 3).await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        let queue = [
            json!({"seq": 1, "class_roll_id": 1, "observed_at": server.clock.now()}),
            json!({"seq": 2, "class_roll_id": 1, "observed_at": server.clock.now()}),
        ];
        let first = nameless(scanner.upload(&queue).await);
        assert_eq!(told(&first), ["success", "duplicate"]);

        // The first student's number is the second's now.
        let mut swapped = class.students.clone();
        swapped.swap(0, 1);
        server.enrol(class.course, &mut swapped).await;
        let before = server.records().await;
        assert_eq!(nameless(scanner.upload(&queue).await), first);
        assert_eq!(server.records().await, before);
        let marked = class.teacher.get(&format!("/api/teacher/session/{session}/status")).await.ok();
        assert_eq!(marked["marked_students"], json!([class.students[0].university_roll_no]));

        // The student has left the course.
        server.enrol(class.course, &mut swapped[..1]).await;
        assert_eq!(nameless(scanner.upload(&queue).await), first);
        // The whole session is gone.
        class.end(&session).await;
        let request =
            class.teacher.request(Method::DELETE, &format!("/api/teacher/session/{session}/delete"));
        Answer::of(request.json(&json!({"reason": "by mistake"}))).await.ok();
        assert_eq!(nameless(scanner.upload(&queue).await), first);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_mark_spoils_only_itself() {
    for_both(async |server| {
        let class = server.class("CS101", 4).await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        let queue = [
            json!({"seq": 1, "slot": 1, "observed_at": server.clock.now()}),
            json!({"seq": 2, "class_roll_id": "two"}),
            json!({"seq": 3, "class_roll_id": -1}),
            json!({"seq": 4, "class_roll_id": 2, "session_id": "no id"}),
            json!({"seq": 5, "class_roll_id": 2, "session_id": 7}),
            json!({"seq": 6, "class_roll_id": 2, "session_id": NO_ID}),
            json!({"seq": 7}),
            json!({"seq": 8, "class_roll_id": 3, "observed_at": "noon"}),
            json!({"seq": 9, "class_roll_id": 4, "observed_at": -5, "boot": null, "uptime_ms": i64::MIN}),
        ];
        let answer =
            scanner.post(MARKS, &json!({"marks": queue, "boot": 1, "uptime_ms": i64::MAX})).await.ok();
        let results = answer["results"].as_array().unwrap();
        assert_eq!(
            told(results),
            [
                "success",
                "invalid",
                "invalid",
                "invalid",
                "invalid",
                "no_session",
                "invalid",
                "no_session",
                "no_session"
            ]
        );
        assert_eq!(class.letters(&session).await, "P–––");
        let numbers: Vec<&Value> = results.iter().map(|result| &result["seq"]).collect();
        assert_eq!(json!(numbers), json!([1, 2, 3, 4, 5, 6, 7, 8, 9]));

        // Without numbers nothing could be answered.
        scanner.post(MARKS, &json!({"marks": [{"class_roll_id": 2}]})).await.invalid("marks[0].seq");
        scanner.post(MARKS, &json!({})).await.invalid("marks");
        let many: Vec<Value> = (0..501).map(|seq| json!({"seq": seq, "class_roll_id": 2})).collect();
        scanner.post(MARKS, &json!({"marks": many})).await.invalid("marks");
        let large = "x".repeat(132_000);
        scanner.post(MARKS, &json!({"marks": [], "note": large})).await.refused(413, "too_large");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_request_is_refused_and_noted() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let scanner = server.scanner("A").await;
        let session = class.start().await;
        let mark = |roll: i64| {
            json!({"marks": [{"seq": roll, "class_roll_id": roll, "observed_at": server.clock.now()}]})
        };
        scanner.post_as(5, MARKS, &mark(1)).await.ok();
        let before = server.records().await;
        for counter in [5, 4, 0] {
            scanner.post_as(counter, MARKS, &mark(2)).await.refused(401, "replayed");
        }
        // Its number is part of what is signed.
        let stolen = scanner.request(Method::POST, MARKS, 6, mark(2).to_string().into_bytes());
        let stolen = stolen.build().unwrap();
        let mut later = stolen.try_clone().unwrap();
        later.headers_mut().insert("x-arise-counter", "7".parse().unwrap());
        let sent = server.anyone.request(Method::POST, MARKS).headers(later.headers().clone());
        Answer::of(sent.body(mark(2).to_string())).await.refused(401, "signature_wrong");
        // So are the body and the path.
        let sent = server.anyone.request(Method::POST, MARKS).headers(stolen.headers().clone());
        Answer::of(sent.body(mark(1).to_string())).await.refused(401, "signature_wrong");
        let sent =
            server.anyone.request(Method::POST, "/api/device/marks?a").headers(stolen.headers().clone());
        Answer::of(sent.body(mark(2).to_string())).await.refused(401, "signature_wrong");

        assert_eq!(server.records().await, before);
        assert_eq!(class.letters(&session).await, "P–");
        // At most once a minute each, so that nobody fills the disk.
        assert_eq!((noted(&server, "replayed").await, noted(&server, "signature_wrong").await), (1, 1));
        server.advance(MINUTE + 1);
        scanner.post_as(5, MARKS, &mark(2)).await.refused(401, "replayed");
        assert_eq!(noted(&server, "replayed").await, 2);
        // What was refused by its counter can still be done.
        scanner.post_as(6, MARKS, &mark(2)).await.ok();
        // The largest there is ends it.
        scanner.post_as(u64::MAX, MARKS, &mark(2)).await.ok();
        scanner.post_as(u64::MAX, MARKS, &mark(2)).await.refused(401, "replayed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_scanner_of_ours_is_refused_and_noted() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let session = class.start().await;
        let scanner = server.scanner("A").await;
        let body = json!({"marks": [{"seq": 1, "class_roll_id": 1}]});
        let before = server.records().await;

        scanner.pretending(&scanner.id, [9; 32]).post(MARKS, &body).await.refused(401, "signature_wrong");
        assert_eq!(noted(&server, "signature_wrong").await, 1);
        // Another node's scanner, and any number of made-up ones, are one entry.
        for id in [NO_ID, "019cd0db-0000-7000-8000-000000000001"] {
            scanner.pretending(id, scanner.key).post(MARKS, &body).await.refused(401, "signature_wrong");
        }
        assert_eq!(noted(&server, "signature_wrong").await, 2);
        scanner.pretending("no id", scanner.key).post(MARKS, &body).await.refused(401, "not_signed");
        server.anyone.post(MARKS, body.clone()).await.refused(401, "not_signed");
        // Added, and not paired yet.
        let added = server.admin().await.post("/api/admin/devices", json!({"name": "B"})).await.expect(201);
        let unpaired = scanner.pretending(added["id"].as_str().unwrap(), [0; 32]);
        unpaired.post(MARKS, &body).await.refused(401, "signature_wrong");

        assert_eq!(server.records().await, before);
        assert_eq!(class.letters(&session).await, "–");
        // None of this is held against the scanner whose name was used.
        scanner.post(MARKS, &body).await.ok();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pairing_anew_ends_the_old_key() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 2).await;
        let session = class.start().await;
        let old = server.scanner("A").await;
        let now = server.clock.now();
        old.upload(&[json!({"seq": 1, "class_roll_id": 1, "observed_at": now})]).await;
        let path = format!("/api/admin/devices/{}", old.id);
        let code = admin.post(&format!("{path}/pairing-code"), json!({})).await.ok();
        // Until the code is used the old key works.
        old.get("/api/device/state").await.ok();
        let new = server.pair(code["pairing_code"].as_str().unwrap()).await;
        assert_eq!(new.id, old.id);
        assert_eq!(old.get("/api/device/state").await.status, 401);
        let body = json!({"marks": [{"seq": 1, "class_roll_id": 2}]});
        assert_eq!(old.post(MARKS, &body).await.status, 401);
        assert_eq!(class.letters(&session).await, "P–");
        // Counters and numbers begin anew with the key.
        let results = new.upload(&[json!({"seq": 1, "class_roll_id": 2, "observed_at": now})]).await;
        assert_eq!(told(&results), ["success"]);

        admin.delete(&path).await.ok();
        assert_eq!(new.get("/api/device/state").await.status, 401);
        admin.post(&format!("{path}/pairing-code"), json!({})).await.refused(404, "not_found");
        assert_eq!(admin.get("/api/admin/devices").await.ok(), json!([]));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pairing_code_works_once_and_for_ten_minutes() {
    for_both(async |server| {
        let admin = server.admin().await;
        let added =
            admin.post("/api/admin/devices", json!({"name": "<b>Door</b>", "room": "1"})).await.expect(201);
        let code = added["pairing_code"].as_str().unwrap().to_owned();
        assert_eq!(code.len(), 9);
        assert_eq!(added["expires_at"], "2026-03-09T10:10:00+05:30");
        let pair = async |code: &str| server.anyone.post("/api/device/pair", json!({"code": code})).await;
        for wrong in ["", "AAAA-AAAA", "' OR 1=1 --"] {
            pair(wrong).await.refused(401, "pairing_code_wrong");
        }
        // As it is read out, without its dash and in small letters.
        let paired = pair(&code.replace('-', " ").to_lowercase()).await.ok();
        assert_eq!(paired["device_id"], added["id"]);
        assert_eq!(paired["key"].as_str().unwrap().len(), 64);
        pair(&code).await.refused(401, "pairing_code_wrong");

        let path = format!("/api/admin/devices/{}/pairing-code", added["id"].as_str().unwrap());
        let old = admin.post(&path, json!({})).await.ok()["pairing_code"].clone();
        let new = admin.post(&path, json!({})).await.ok()["pairing_code"].clone();
        // A new code replaces the old one.
        pair(old.as_str().unwrap()).await.refused(401, "pairing_code_wrong");
        server.advance(10 * MINUTE);
        pair(new.as_str().unwrap()).await.refused(401, "pairing_code_wrong");

        for (field, value) in
            [("name", json!("")), ("name", json!("x".repeat(61))), ("room", json!("x".repeat(61)))]
        {
            let mut body = json!({"name": "A", "room": "1"});
            body[field] = value;
            admin.post("/api/admin/devices", body).await.invalid(field);
        }
        // The key is told to the scanner and to nobody else.
        let list = admin.get("/api/admin/devices").await;
        assert!(!list.text().contains(paired["key"].as_str().unwrap()));
        assert_eq!(list.ok()[0]["name"], "<b>Door</b>");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heartbeats_show_how_a_scanner_is() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let none = class.teacher.get("/api/teacher/device-status").await.ok();
        assert_eq!((&none["status"], &none["mac_address"]), (&json!("offline"), &Value::Null));

        let scanner = server.scanner("A").await;
        let beat = json!({"wifi_strength": -61, "battery": 80.6, "queue_count": 3, "sync_count": "?", "firmware": "1.2"});
        assert_eq!(scanner.post("/api/device/heartbeat", &beat).await.ok(), json!({"status": "ok"}));
        let status = class.teacher.get("/api/teacher/device-status").await.ok();
        let names = ["status", "mac_address", "wifi_strength", "battery", "queue_count", "sync_count"];
        let shown = names.map(|name| status[name].clone());
        let expected =
            [json!("online"), json!("AA:BB:CC:00:11:22"), json!(-61), json!(81), json!(3), Value::Null];
        assert_eq!(shown, expected);
        let device = &status["devices"][0];
        assert_eq!((&device["protocol"], &device["firmware"]), (&json!("signed"), &json!("1.2")));
        assert_eq!(class.teacher.get("/api/teacher/devices").await.ok()[0], *device);

        server.advance(15 * SECOND);
        assert_eq!(class.teacher.get("/api/teacher/device-status").await.ok()["status"], "online");
        server.advance(SECOND);
        assert_eq!(class.teacher.get("/api/teacher/device-status").await.ok()["status"], "offline");
        scanner.post("/api/device/heartbeat", &json!({"firmware": "x".repeat(41)})).await.invalid("firmware");
    })
    .await;
}
