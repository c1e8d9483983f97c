use std::sync::atomic::{AtomicI64, Ordering};

use arise_core::clock::{HOUR, SECOND};
use arise_testkit::server::{Answer, Class, Live, LiveEvent, Method, Scanner, for_both};
use serde_json::{Value, json};

fn path(session: &str) -> String {
    format!("/api/teacher/session/{session}/live")
}

/// The next event that isn't about scanners, which make themselves known in between: an event of theirs shows them
/// as they are when it is told, so that an earlier one may show what a later one is about.
async fn next(live: &mut Live, name: &str) -> LiveEvent {
    loop {
        let event = live.next().await.unwrap();
        if event.name != "device" {
            assert_eq!(event.name, name, "{}", event.data);
            return event;
        }
    }
}

async fn next_mark(live: &mut Live) -> LiveEvent {
    next(live, "mark").await
}

/// Opens a stream, reads its snapshot, and everything that was on its way to the stream before. Answers the
/// snapshot and the id of the last event.
async fn open(class: &Class, session: &str, scanner: &Scanner) -> (Live, LiveEvent, String) {
    // Every heartbeat is another one.
    static QUEUED: AtomicI64 = AtomicI64::new(1);
    let mut live = class.teacher.live(&path(session), None).await;
    let snapshot = next(&mut live, "snapshot").await;
    let queued = QUEUED.fetch_add(1, Ordering::SeqCst);
    scanner.post("/api/device/heartbeat", &json!({"queue_count": queued})).await.ok();
    loop {
        let event = live.next().await.unwrap();
        if event.name == "device" && event.data["queue_count"] == json!(queued) {
            return (live, snapshot, event.id);
        }
    }
}

/// Reads a stream that must have ended. Scanners may have made themselves known before.
async fn ended(live: &mut Live) {
    while let Some(event) = live.next().await {
        assert_eq!(event.name, "device", "{}", event.data);
    }
}

async fn set(class: &Class, session: &str, n: usize, status: Value) {
    let body = json!({"student_id": class.students[n].id, "status": status});
    class.teacher.post(&format!("/api/teacher/session/{session}/mark"), body).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_and_then_whatever_happens() {
    for_both(async |server| {
        let class = server.class("CS101", 2).await;
        let session = class.start().await;
        let scanner = server.scanner("A").await;
        scanner.finger(1).await;
        let (mut live, first, _) = open(&class, &session, &scanner).await;
        let snapshot = &first.data;
        assert_eq!((&snapshot["session"]["session_id"], &snapshot["session"]["is_active"]), (&json!(session), &json!(true)));
        assert_eq!(snapshot["devices"][0]["id"], json!(scanner.id));
        let (one, two) = (&snapshot["students"][0], &snapshot["students"][1]);
        assert_eq!((&one["status"], &one["source"]), (&json!("present"), &json!("fingerprint")));
        assert_eq!((&two["status"], &two["class_roll_id"]), (&Value::Null, &json!(2)));
        // The same for browsers that can't hold a stream.
        let again = class.teacher.get(&format!("/api/teacher/session/{session}/snapshot")).await.ok();
        assert_eq!((&again["session"], &again["students"]), (&snapshot["session"], &snapshot["students"]));

        server.advance(SECOND);
        scanner.finger(2).await;
        let mut mark = next_mark(&mut live).await;
        // PostgreSQL tells processes after the commit: what the snapshot shows already may still come.
        while mark.data["class_roll_id"] == 1 {
            mark = next_mark(&mut live).await;
        }
        let student = &class.students[1];
        assert_eq!(
            mark.data,
            json!({
                "student_id": student.id, "university_roll_no": student.university_roll_no, "class_roll_id": 2,
                "status": "present", "source": "fingerprint", "reason": null,
                "observed_at": "2026-03-09T10:00:01+05:30", "recorded_at": "2026-03-09T10:00:01+05:30",
            })
        );
        assert!(!first.id.is_empty() && mark.id != first.id);

        // What is taken back is told, too.
        set(&class, &session, 0, json!("absent")).await;
        let mark = next_mark(&mut live).await;
        assert_eq!((&mark.data["status"], &mark.data["reason"]), (&json!("absent"), &json!("Verified by teacher")));
        set(&class, &session, 0, Value::Null).await;
        assert_eq!(next_mark(&mut live).await.data["status"], "present");

        class.teacher.post(&format!("/api/teacher/session/{session}/extend"), json!({})).await.ok();
        assert_eq!(next(&mut live, "session").await.data["end_time"], "2026-03-09T11:10:00+05:30");
        let beat = json!({"battery": 40});
        scanner.post("/api/device/heartbeat", &beat).await.ok();
        let device = loop {
            let device = live.expect("device").await;
            if device.data["battery"] == json!(40) {
                break device;
            }
        };
        assert_eq!(device.data["id"], json!(scanner.id));

        // A student more: the roster is shown anew.
        let mut students = class.students.clone();
        students.push(server.student("Late").await);
        server.enrol(class.course, &mut students).await;
        let roster = next(&mut live, "snapshot").await;
        assert_eq!(roster.data["students"].as_array().unwrap().len(), 3);

        class.end(&session).await;
        assert_eq!(next(&mut live, "session").await.data["is_active"], false);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_marks_arrive_in_their_order() {
    for_both(async |server| {
        let class = server.class("CS101", 60).await;
        let session = class.start().await;
        let scanner = server.scanner("A").await;
        let other = server.class("MA201", 60).await;
        let elsewhere = other.start().await;
        let choose = json!({"device_id": scanner.id});
        class.teacher.post(&format!("/api/teacher/session/{session}/device"), choose).await.ok();
        let (mut live, ..) = open(&class, &session, &scanner).await;
        let taking = async {
            for roll in 1..=60 {
                assert_eq!(scanner.finger(roll).await, "success");
                // Another class's marks are no business of this screen.
                set(&other, &elsewhere, usize::try_from(roll - 1).unwrap(), json!("present")).await;
            }
        };
        let watching = async {
            let mut ids = vec![];
            for roll in 1..=60 {
                let mark = next_mark(&mut live).await;
                assert_eq!(mark.data["class_roll_id"], json!(roll));
                ids.push(mark.id);
            }
            ids.sort();
            ids.dedup();
            assert_eq!(ids.len(), 60);
        };
        tokio::join!(taking, watching);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_gets_exactly_what_they_missed() {
    for_both(async |server| {
        let class = server.class("CS101", 5).await;
        let session = class.start().await;
        let scanner = server.scanner("A").await;
        let (mut live, _, before) = open(&class, &session, &scanner).await;
        set(&class, &session, 0, json!("present")).await;
        let first = next(&mut live, "mark").await;
        drop(live);
        for n in 1..4 {
            set(&class, &session, n, json!("late")).await;
        }
        for (id, expected) in [(&first.id, &[2, 3, 4][..]), (&before, &[1, 2, 3, 4])] {
            let mut live = class.teacher.live(&path(&session), Some(id)).await;
            for roll in expected {
                assert_eq!(next(&mut live, "mark").await.data["class_roll_id"], json!(roll));
            }
        }
        // Nothing was missed: the next thing that happens comes first.
        let mut live = class.teacher.live(&path(&session), Some(&first.id)).await;
        let mut last = first.id;
        for _ in 0..3 {
            last = next(&mut live, "mark").await.id;
        }
        let mut live = class.teacher.live(&path(&session), Some(&last)).await;
        set(&class, &session, 4, json!("excused")).await;
        assert_eq!(next(&mut live, "mark").await.data["status"], "excused");

        // Of another start of the server, of the future, or no id at all: the whole picture.
        let start = last.split('-').next().unwrap();
        let future = format!("{start}-999999");
        for id in ["00000000-1", future.as_str(), "7", "", "💥".escape_default().to_string().as_str()] {
            let mut live = class.teacher.live(&path(&session), Some(id)).await;
            next(&mut live, "snapshot").await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_or_doubled_while_coming_back() {
    for_both(async |server| {
        let class = server.class("CS101", 40).await;
        let session = class.start().await;
        let scanner = server.scanner("A").await;
        let (_, _, mut last) = open(&class, &session, &scanner).await;
        let taking = async {
            for roll in 1..=40 {
                assert_eq!(scanner.finger(roll).await, "success");
            }
        };
        let watching = async {
            let mut seen = vec![];
            while seen.len() < 40 {
                // A connection that breaks after every few events.
                let mut live = class.teacher.live(&path(&session), Some(&last)).await;
                for _ in 0..3 {
                    if seen.len() < 40 {
                        let mark = next_mark(&mut live).await;
                        seen.push(mark.data["class_roll_id"].as_i64().unwrap());
                        last = mark.id;
                    }
                }
            }
            assert_eq!(seen, (1..=40).collect::<Vec<_>>());
        };
        tokio::join!(taking, watching);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_the_server_the_session_or_the_right_to_see_it() {
    for_both(async |mut server| {
        let class = server.class("CS101", 1).await;
        let admin = server.admin().await;

        let session = class.start().await;
        let scanner = server.scanner("A").await;
        let (mut deleted, ..) = open(&class, &session, &scanner).await;
        class.end(&session).await;
        next(&mut deleted, "session").await;
        let delete = format!("/api/teacher/session/{session}/delete");
        let request = class.teacher.request(Method::DELETE, &delete);
        Answer::of(request.json(&json!({"reason": "by mistake"}))).await.ok();
        ended(&mut deleted).await;

        let session = class.start().await;
        let (mut stopped, ..) = open(&class, &session, &scanner).await;
        let other = server.class("MA201", 1).await;
        let elsewhere = other.start().await;
        let (mut handed_over, ..) = open(&other, &elsewhere, &scanner).await;
        let course = format!("/api/admin/courses/{}", other.course);
        admin.put(&course, json!({"teacher_id": class.taught_by.id})).await.ok();
        other.teacher.get(&path(&elsewhere)).await.refused(403, "not_your_course");
        class.teacher.post(&format!("/api/teacher/session/{elsewhere}/extend"), json!({})).await.ok();
        ended(&mut handed_over).await;

        // Her account is deleted while she watches.
        let gone = server.class("PH301", 1).await;
        let third = gone.start().await;
        let (mut locked_out, ..) = open(&gone, &third, &scanner).await;
        admin.delete(&format!("/api/admin/teachers/{}", gone.taught_by.id)).await.ok();
        server.advance(10 * SECOND);
        scanner.post("/api/device/heartbeat", &json!({})).await.ok();
        ended(&mut locked_out).await;

        server.stop().await;
        ended(&mut stopped).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_tells_its_session_only() {
    for_both(async |server| {
        let class = server.class("CS101", 1).await;
        let session = class.start().await;
        class.end(&session).await;
        server.advance(HOUR);
        // One that has ended is shown as well.
        let mut live = class.teacher.live(&path(&session), None).await;
        assert_eq!(next(&mut live, "snapshot").await.data["session"]["is_active"], false);
        class.teacher.get("/api/teacher/session/none/live").await.refused(404, "not_found");
    })
    .await;
}
