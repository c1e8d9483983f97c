//! Whose finger is in which slot of a scanner.

use arise_core::Clock;
use arise_testkit::server::{Class, Client, Scanner, Student, for_both};
use serde_json::{Value, json};

use crate::NO_ID;

const BEAT: &str = "/api/device/heartbeat";

fn path(scanner: &Scanner) -> String {
    format!("/api/admin/devices/{}/slots", scanner.id)
}

async fn of_course(admin: &Client, scanner: &Scanner, class: &Class) -> Value {
    admin.get(&format!("{}?course_id={}", path(scanner), class.course)).await.ok()
}

/// Slots and, behind a colon, those that hold a finger; by class roll id.
fn summary(slots: &Value) -> Vec<String> {
    let students = slots["students"].as_array().unwrap();
    students.iter().map(|s| format!("{}:{}", s["slots"], s["enrolled_slots"])).collect()
}

async fn assign(admin: &Client, scanner: &Scanner, class: &Class) -> Value {
    admin.post(&path(scanner), json!({"course_id": class.course})).await.ok()["given"].clone()
}

fn placed(seq: i64, slot: i64, at: i64) -> Value {
    json!({"seq": seq, "slot": slot, "observed_at": at})
}

fn told(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["status"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_map_slots_follow_the_class_roll_ids() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 3).await;
        let scanner = server.scanner("A").await;
        let slots = of_course(&admin, &scanner, &class).await;
        assert_eq!(summary(&slots), ["[1,2]:[]", "[3,4]:[]", "[5,6]:[]"]);
        assert_eq!(
            (&slots["enrolled_known"], &slots["slot_capacity"], &slots["slot_map"]),
            (&json!(false), &Value::Null, &json!(false))
        );
        scanner.post(BEAT, &json!({"enrolled_slots": [1, 2, 4, 9], "slot_capacity": 5})).await.ok();
        let slots = of_course(&admin, &scanner, &class).await;
        // The sensor has no slot 6.
        assert_eq!(summary(&slots), ["[1,2]:[1,2]", "[3,4]:[4]", "[5]:[]"]);
        assert_eq!((&slots["lacking"], &slots["unknown_slots"]), (&json!(1), &json!([])));
        assert_eq!(scanner.get("/api/device/state").await.ok()["slot_map"], json!(false));
        admin.get(&path(&scanner)).await.expect(400);
        admin.get(&format!("{}?course_id={NO_ID}", path(&scanner))).await.refused(404, "not_found");
        let unknown = format!("/api/admin/devices/{NO_ID}/slots?course_id={}", class.course);
        admin.get(&unknown).await.refused(404, "not_found");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_courses_share_a_scanner_and_each_finger_stays_its_student_s() {
    for_both(async |server| {
        let admin = server.admin().await;
        let (one, mut two) = (server.class("CS101", 3).await, server.class("MA201", 0).await);
        // The second course: a newcomer first, then two of the first course, the last of them as number 2.
        let mut second: Vec<Student> =
            vec![server.student("Newcomer").await, one.students[2].clone(), one.students[0].clone()];
        server.enrol(two.course, &mut second).await;
        two.students = second;
        let scanner = server.scanner("A").await;
        // Before the scanner says how many fingers it holds nothing can be given.
        admin.post(&path(&scanner), json!({"course_id": one.course})).await.refused(409, "sensor_unknown");
        scanner.post(BEAT, &json!({"enrolled_slots": [1, 2, 3, 5, 8], "slot_capacity": 200})).await.ok();

        assert_eq!(assign(&admin, &scanner, &one).await, 6);
        assert_eq!(assign(&admin, &scanner, &one).await, 0);
        let slots = of_course(&admin, &scanner, &one).await;
        assert_eq!(summary(&slots), ["[1,2]:[1,2]", "[3,4]:[3]", "[5,6]:[5]"]);
        assert_eq!((&slots["lacking"], &slots["unknown_slots"]), (&json!(0), &json!([8])));
        // Slot 8 holds a finger that nobody knows: it is given to nobody.
        assert_eq!(assign(&admin, &scanner, &two).await, 2);
        let slots = of_course(&admin, &scanner, &two).await;
        assert_eq!(summary(&slots), ["[7,9]:[]", "[5,6]:[5]", "[1,2]:[1,2]"]);
        assert_eq!(slots["lacking"], 1);

        let session = two.start_with(json!({"device_id": scanner.id})).await.ok()["session_id"].clone();
        let session = session.as_str().unwrap();
        assert_eq!(scanner.get("/api/device/state").await.ok()["slot_map"], json!(true));
        let now = server.clock.now();
        let queue = [
            // By the default rule this would be number 3; it is the finger of number 2.
            placed(1, 5, now),
            placed(2, 1, now),
            // Of the other course, of nobody, of no sensor.
            placed(3, 3, now),
            placed(4, 8, now),
            placed(5, 4000, now),
            // A scanner that knows the number itself.
            json!({"seq": 6, "class_roll_id": 1, "observed_at": now}),
            placed(7, 6, now),
        ];
        let results = scanner.upload(&queue).await;
        assert_eq!(
            told(&results),
            ["success", "success", "not_enrolled", "not_enrolled", "not_enrolled", "success", "duplicate"]
        );
        assert_eq!(
            (&results[0]["student_name"], &results[0]["class_roll_id"]),
            (&json!(two.students[1].student_name), &json!(2))
        );
        assert_eq!(two.letters(session).await, "PPP");
        let refused = two.teacher.get(&format!("/api/teacher/session/{session}/refused-marks")).await.ok();
        let shown: Vec<(Value, Value, Value)> = refused["marks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|m| (m["slot"].clone(), m["student_name"].clone(), m["class_roll_id"].clone()))
            .collect();
        let other = json!(one.students[1].student_name);
        assert_eq!(
            shown,
            [
                (json!(4000), Value::Null, Value::Null),
                (json!(8), Value::Null, Value::Null),
                (json!(3), other, Value::Null)
            ]
        );
        // The same upload is answered alike.
        assert_eq!(told(&scanner.upload(&queue).await), told(&results));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_changes_the_slots_of_one_student() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 2).await;
        let scanner = server.scanner("A").await;
        scanner.post(BEAT, &json!({"enrolled_slots": [], "slot_capacity": 20})).await.ok();
        let put = async |student: &Student, slots: Value| {
            admin.put(&path(&scanner), json!({"student_id": student.id, "slots": slots})).await
        };
        put(&class.students[0], json!([9])).await.refused(409, "no_slot_map");
        assert_eq!(assign(&admin, &scanner, &class).await, 4);
        put(&class.students[0], json!([1, 9, 20, 9])).await.ok();
        assert_eq!(summary(&of_course(&admin, &scanner, &class).await), ["[1,9,20]:[]", "[3,4]:[]"]);
        let error = put(&class.students[0], json!([3])).await.refused(409, "slot_taken");
        assert!(error.to_string().contains("Student 2 of CS101"), "{error}");
        for bad in [json!([0]), json!([21]), json!([1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13])] {
            put(&class.students[0], bad).await.invalid("slots");
        }
        put(&class.students[1], json!([])).await.ok();
        put(&class.students[0], json!([3])).await.ok();
        assert_eq!(summary(&of_course(&admin, &scanner, &class).await), ["[3]:[]", "[]:[]"]);
        // Who has none gets some again, beside what is taken.
        assert_eq!(assign(&admin, &scanner, &class).await, 2);
        assert_eq!(summary(&of_course(&admin, &scanner, &class).await), ["[3]:[]", "[1,2]:[]"]);

        // A sensor that is too small takes nobody.
        let large = server.class("MA201", 10).await;
        admin.post(&path(&scanner), json!({"course_id": large.course})).await.refused(409, "sensor_full");
        assert_eq!(of_course(&admin, &scanner, &large).await["lacking"], 10);

        let trail = admin.get("/api/admin/audit?limit=500").await.ok();
        let noted = |action: &str| {
            trail["entries"].as_array().unwrap().iter().filter(|entry| entry["action"] == action).count()
        };
        assert_eq!((noted("scanner_slots_given"), noted("scanner_slots_changed")), (2, 3));

        admin.delete(&path(&scanner)).await.ok();
        assert_eq!(summary(&of_course(&admin, &scanner, &class).await), ["[1,2]:[]", "[3,4]:[]"]);
        // A removed scanner leaves nothing behind.
        assert_eq!(assign(&admin, &scanner, &class).await, 4);
        admin.delete(&format!("/api/admin/devices/{}", scanner.id)).await.ok();
        assert_eq!(server.count("SELECT COUNT(*) FROM device_slot", &[]).await, 0);
    })
    .await;
}

/// A scanner of the older protocol turns slots into numbers itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_of_the_older_protocol_has_no_map() {
    for_both(async |server| {
        let admin = server.admin().await;
        let class = server.class("CS101", 1).await;
        server
            .anyone
            .post(BEAT, json!({"mac_address": "AA:BB:CC:DD:EE:FF"}))
            .await
            .refused(401, "not_approved");
        let id = admin.get("/api/admin/devices").await.ok()[0]["id"].clone();
        let path = format!("/api/admin/devices/{}/slots", id.as_str().unwrap());
        admin.post(&path, json!({"course_id": class.course})).await.refused(409, "cannot_map");
        let body = json!({"student_id": class.students[0].id, "slots": [1]});
        admin.put(&path, body).await.refused(409, "cannot_map");
    })
    .await;
}
