use arise_http::{Config, NodeType, OlderNodes};
use arise_testkit::older_system::OlderSystem;
use arise_testkit::server::{Answer, Engine, TestServer};
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

const PATH: &str = "/api/sync/receive";

async fn hub(engine: Engine, keys: &str) -> TestServer {
    let config =
        Config { node_type: NodeType::Cloud, older_nodes: OlderNodes::parse(keys), ..Config::default() };
    TestServer::start_with(engine, config).await
}

/// What an older node sends.
fn snapshot(more: &str) -> Value {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("attendance.db");
    OlderSystem::college(&path).sql(more);
    let bytes = std::fs::read(path).unwrap();
    json!({
        "timestamp": "2026-03-09T10:00:00", "db_size": bytes.len(), "db_data": STANDARD.encode(&bytes),
        "log_data": STANDARD.encode("a log"), "source": "local_server",
    })
}

async fn push(server: &TestServer, key: Option<&str>, body: &Value) -> Answer {
    let mut request = server.anyone.request(Method::POST, PATH).json(body);
    if let Some(key) = key {
        request = request.header("X-Sync-API-Key", key);
    }
    Answer::of(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_node_pushes_its_database() {
    for engine in Engine::BOTH {
        let server = hub(engine, "secret").await;
        // The hub has an online class of its own, which no push may touch.
        let class = server.class("ON101", 2).await;
        let body = json!({"course_id": class.course, "duration_minutes": 30, "topic": "Here"});
        class.teacher.post("/api/teacher/start-online-session", body).await.ok();

        let answer = push(&server, Some("secret"), &snapshot("")).await.ok();
        assert_eq!((&answer["status"], &answer["online_sessions_preserved"]), (&json!("success"), &json!(1)));
        assert!(answer["message"].as_str().unwrap().contains("added"));
        assert_eq!(answer["timestamp"], "2026-03-09T10:00:00+05:30");
        assert_eq!(answer["tables"]["attendance_records"]["added"], 13);
        // What the machine sends makes no administrators and no settings.
        assert_eq!(server.count("SELECT COUNT(*) FROM admin", &[]).await, 1);
        assert_eq!(server.admin().await.get("/api/admin/config").await.ok()["batch_name"], "");

        let records = server.records().await;
        push(&server, Some("secret"), &snapshot("")).await.ok();
        assert_eq!(server.records().await, records, "a second push changes nothing");

        // What the hub changed, and what the node lacks, stays.
        let admin = server.admin().await;
        let students = admin.get("/api/admin/students").await.ok();
        let asha = students.as_array().unwrap().iter().find(|s| s["student_name"] == "Asha").unwrap();
        let path = format!("/api/admin/students/{}", asha["id"].as_str().unwrap());
        admin.put(&path, json!({"student_name": "Asha Rao"})).await.ok();
        let records = server.records().await;
        let less = "DELETE FROM attendance_records; DELETE FROM students WHERE id = 4; DELETE FROM sessions WHERE id = 2";
        push(&server, Some("secret"), &snapshot(less)).await.ok();
        assert_eq!(server.records().await, records);
        let students = admin.get("/api/admin/students").await.ok();
        assert!(crate::names(&students, "student_name").contains(&"Asha Rao".to_owned()));
        assert!(crate::names(&students, "student_name").contains(&"Nowhere".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_with_names_of_their_own_are_told_apart() {
    let server = hub(Engine::Sqlite, "room1=one, room2=two").await;
    push(&server, Some("one"), &snapshot("")).await.ok();
    // The same numbers, other people.
    let others = "UPDATE students SET student_name = 'Other ' || id, university_roll_no = 'OT' || id;
        UPDATE courses SET course_code = 'X' || course_code, course_name = 'X';
        UPDATE teachers SET teacher_name = 'Other', teacher_code = 'X' || id;";
    let answer = push(&server, Some("two"), &snapshot(others)).await.ok();
    assert_eq!(answer["tables"]["students"]["added"], 4);
    assert_eq!(server.count("SELECT COUNT(*) FROM student", &[]).await, 8);
    // Under one name they would be mixed up.
    push(&server, Some("one"), &snapshot(others)).await.refused(409, "another_server");
    assert_eq!(server.count("SELECT COUNT(*) FROM student", &[]).await, 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_that_are_refused() {
    let server = hub(Engine::Sqlite, "secret").await;
    let before = server.records().await;
    let good = snapshot("");
    for key in [None, Some(""), Some("Secret"), Some("secre"), Some("your-secret-sync-key-change-this")] {
        push(&server, key, &good).await.refused(401, "wrong_sync_key");
    }
    // A login is no key.
    let admin = server.admin().await;
    admin.post(PATH, good.clone()).await.refused(401, "wrong_sync_key");

    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    push(&server, Some("secret"), &with("db_data", json!("not base64 !"))).await.invalid("db_data");
    push(&server, Some("secret"), &with("db_data", json!(null))).await.invalid("db_data");
    push(&server, Some("secret"), &with("db_size", json!(7))).await.invalid("db_size");
    let text = json!({"db_data": STANDARD.encode("no database")});
    push(&server, Some("secret"), &text).await.refused(400, "not_arise_v1");
    let view = snapshot("CREATE VIEW v AS SELECT 1");
    push(&server, Some("secret"), &view).await.refused(400, "not_arise_v1");
    assert_eq!(server.records().await, before);

    // Without a key of its own a server takes nothing.
    let server = hub(Engine::Sqlite, "").await;
    for key in [None, Some(""), Some("secret")] {
        push(&server, key, &good).await.refused(403, "sync_key_unset");
    }
}
