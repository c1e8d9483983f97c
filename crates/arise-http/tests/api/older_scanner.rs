//! The older unsigned protocol, to the byte.

use arise_core::clock::{MINUTE, SECOND};
use arise_testkit::server::{Client, TestServer, for_both};
use serde_json::{Value, json};

const MAC: &str = "24:6F:28:AE:52:7C";

async fn beat(scanner: &Client) -> arise_testkit::server::Answer {
    let body =
        json!({"mac_address": MAC, "wifi_strength": -58, "battery": 91, "queue_count": 0, "sync_count": 12});
    scanner.post("/api/device/heartbeat", body).await
}

async fn approve(server: &TestServer, approved: bool) {
    let admin = server.admin().await;
    let devices = admin.get("/api/admin/devices").await.ok();
    let waiting = devices.as_array().unwrap().iter().find(|d| d["mac_address"] == MAC).unwrap();
    let path = format!("/api/admin/devices/{}", waiting["id"].as_str().unwrap());
    admin.put(&path, json!({"approved": approved})).await.ok();
}

/// What every request without approval gets; it changes nothing.
async fn turned_away(server: &TestServer, scanner: &Client, code: &str) {
    let before = server.records().await;
    scanner.get("/api/session-status").await.refused(401, code);
    scanner.post("/api/mark-attendance-by-roll-id", json!({"class_roll_id": 1})).await.refused(401, code);
    scanner.post("/api/bulk-mark-attendance", json!({"roll_ids": [1]})).await.refused(401, code);
    assert_eq!(server.records().await, before);
}

async fn mark(scanner: &Client, class_roll_id: i64) -> (u16, String) {
    let body = json!({"class_roll_id": class_roll_id});
    let answer = scanner.post("/api/mark-attendance-by-roll-id", body).await;
    (answer.status, answer.text())
}

async fn bulk(scanner: &Client, roll_ids: Value) -> (u16, String) {
    let answer = scanner.post("/api/bulk-mark-attendance", json!({"roll_ids": roll_ids})).await;
    (answer.status, answer.text())
}

async fn status(scanner: &Client) -> String {
    let answer = scanner.get("/api/session-status").await;
    assert_eq!(answer.status, 200);
    answer.text()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_waits_until_an_administrator_approves_it() {
    for_both(async |server| {
        let scanner = server.from_address(2);
        server.class("CS101", 1).await.start().await;
        turned_away(&server, &scanner, "not_approved").await;
        // Without a heartbeat it isn't known at all.
        assert_eq!(server.admin().await.get("/api/admin/devices").await.ok(), json!([]));
        scanner.post("/api/device/heartbeat", json!({"battery": 9})).await.refused(401, "not_approved");
        assert_eq!(server.admin().await.get("/api/admin/devices").await.ok(), json!([]));

        beat(&scanner).await.refused(401, "not_approved");
        turned_away(&server, &scanner, "not_approved").await;
        let devices = server.admin().await.get("/api/admin/devices").await.ok();
        let waiting = &devices[0];
        assert_eq!((&waiting["mac_address"], &waiting["status"]), (&json!(MAC), &json!("waiting")));
        assert_eq!((&waiting["protocol"], &waiting["approved"]), (&json!("legacy"), &json!(false)));
        // It is one scanner however often it calls.
        beat(&scanner).await.refused(401, "not_approved");
        assert_eq!(server.admin().await.get("/api/admin/devices").await.ok().as_array().unwrap().len(), 1);

        approve(&server, true).await;
        let answer = beat(&scanner).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":"ok"}"#));
        assert_eq!(mark(&scanner, 1).await.0, 200);
        approve(&server, false).await;
        turned_away(&server, &scanner, "not_approved").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_the_old_one() {
    for_both(async |server| {
        let scanner = server.from_address(2);
        beat(&scanner).await;
        approve(&server, true).await;

        assert_eq!(status(&scanner).await, r#"{"isSessionActive":false,"sessionName":""}"#);
        let none = (400, r#"{"status":"error","message":"No Active Session"}"#.to_owned());
        assert_eq!(mark(&scanner, 1).await, none);
        let waiting =
            r#"{"error":"No Active Session","success_count":0,"failed":[42,71],"message":"No Active Session"}"#;
        assert_eq!(bulk(&scanner, json!([42, 71])).await, (400, waiting.to_owned()));

        let class = server.class("CS101", 50).await;
        let session = class.start().await;
        assert_eq!(status(&scanner).await, r#"{"isSessionActive":true,"sessionName":"CS101"}"#);
        assert_eq!(mark(&scanner, 7).await, (200, r#"{"status":"success","message":"Marked"}"#.to_owned()));
        let again = (200, r#"{"status":"duplicate","message":"Already Marked"}"#.to_owned());
        assert_eq!(mark(&scanner, 7).await, again);
        let stranger = (200, r#"{"status":"not_enrolled","message":"Not Enrolled"}"#.to_owned());
        assert_eq!(mark(&scanner, 71).await, stranger);
        assert_eq!(
            bulk(&scanner, json!([42, 71])).await,
            (200, r#"{"success_count":1,"failed":[71],"details":{"42":"success","71":"not_enrolled"}}"#.to_owned())
        );
        assert_eq!(
            bulk(&scanner, json!([42, "7", 0, "x", -1, null, 1.5])).await,
            (
                200,
                concat!(
                    r#"{"success_count":2,"failed":[0,"x",-1,null,1.5],"details":{"-1":"invalid_roll_id","0":"invalid_roll_id","#,
                    r#""1.5":"invalid_roll_id","42":"already_marked","7":"already_marked","null":"invalid_roll_id","#,
                    r#""x":"invalid_roll_id"}}"#
                )
                .to_owned()
            )
        );
        let empty = (200, r#"{"success_count":0,"failed":[],"details":{}}"#.to_owned());
        assert_eq!(bulk(&scanner, json!([])).await, empty);
        assert_eq!(bulk(&scanner, json!(vec![1; 501])).await.0, 422);
        let detail = class.teacher.get(&format!("/api/teacher/session-detail/{session}")).await.ok();
        let methods: Vec<&Value> =
            detail["present_students"].as_array().unwrap().iter().map(|s| &s["method"]).collect();
        assert_eq!(json!(methods), json!(["fingerprint", "scanner_queue"]));

        server.advance(65 * MINUTE);
        assert_eq!(status(&scanner).await, r#"{"isSessionActive":false,"sessionName":""}"#);
        assert_eq!(mark(&scanner, 8).await, none);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_marks_only_from_where_it_heartbeats() {
    for_both(async |server| {
        let (scanner, elsewhere) = (server.from_address(2), server.from_address(3));
        let class = server.class("CS101", 2).await;
        let session = class.start().await;
        beat(&scanner).await;
        approve(&server, true).await;
        assert_eq!(mark(&scanner, 1).await.0, 200);

        // A phone on the same network, with the same words.
        turned_away(&server, &elsewhere, "not_approved").await;
        beat(&elsewhere).await.refused(401, "address_taken");
        turned_away(&server, &elsewhere, "not_approved").await;
        turned_away(&server, &server.anyone, "not_approved").await;
        assert_eq!(class.letters(&session).await, "P–");

        // The network gave it another address. Its old one is nobody's then.
        server.advance(16 * SECOND);
        beat(&elsewhere).await.ok();
        assert_eq!(mark(&elsewhere, 2).await.0, 200);
        turned_away(&server, &scanner, "not_approved").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_two_open_sessions_somebody_has_to_choose() {
    for_both(async |server| {
        let scanner = server.from_address(2);
        beat(&scanner).await;
        approve(&server, true).await;
        let (one, two) = (server.class("CS101", 1).await, server.class("MA201", 1).await);
        let (first, second) = (one.start().await, two.start().await);
        assert_eq!(status(&scanner).await, r#"{"isSessionActive":false,"sessionName":"Choose scanner"}"#);
        let choose = (400, r#"{"status":"error","message":"Choose scanner"}"#.to_owned());
        assert_eq!(mark(&scanner, 1).await, choose);
        let (code, body) = bulk(&scanner, json!([1])).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((code, &body["error"], &body["failed"]), (400, &json!("Choose scanner"), &json!([1])));

        let device = server.admin().await.get("/api/admin/devices").await.ok()[0]["id"].clone();
        let path = format!("/api/teacher/session/{second}/device");
        two.teacher.post(&path, json!({"device_id": device})).await.ok();
        assert_eq!(status(&scanner).await, r#"{"isSessionActive":true,"sessionName":"MA201"}"#);
        assert_eq!(mark(&scanner, 1).await.0, 200);
        assert_eq!((one.letters(&first).await, two.letters(&second).await), ("–".to_owned(), "P".to_owned()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_turns_it_off() {
    for_both(async |server| {
        let scanner = server.from_address(2);
        let class = server.class("CS101", 1).await;
        class.start().await;
        beat(&scanner).await;
        approve(&server, true).await;
        let admin = server.admin().await;
        admin.post("/api/admin/config", json!({"allow_legacy_scanners": false})).await.ok();
        turned_away(&server, &scanner, "not_signed").await;
        beat(&scanner).await.refused(401, "not_signed");
        // A signed one may use the same addresses.
        let signed = server.scanner("A").await;
        assert_eq!(signed.get("/api/session-status").await.ok()["sessionName"], "CS101");
        let marked = signed.post("/api/mark-attendance-by-roll-id", &json!({"class_roll_id": 1})).await.ok();
        assert_eq!(marked["status"], "success");
        admin.post("/api/admin/config", json!({"allow_legacy_scanners": true})).await.ok();
        assert_eq!(mark(&scanner, 1).await.1, r#"{"status":"duplicate","message":"Already Marked"}"#);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_are_bounded() {
    for_both(async |server| {
        let stranger = server.from_address(9);
        for number in 0..60 {
            let body = json!({"mac_address": format!("00:00:00:00:00:{number:02}")});
            stranger.post("/api/device/heartbeat", body).await.expect(401);
        }
        let devices = server.admin().await.get("/api/admin/devices").await.ok();
        assert_eq!(devices.as_array().unwrap().len(), 50);
    })
    .await;
}
