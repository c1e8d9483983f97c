//! Nodes and their hub over real HTTP.

use arise_core::NodeId;
use arise_core::clock::DAY;
use arise_http::Config;
use arise_link::seal::Asker;
use arise_testkit::server::{Answer, Engine, Method, TestServer, for_both_hubs, join};
use serde_json::{Value, json};

const EXCHANGE: &str = "/api/sync/exchange";

/// A server of a classroom that joined the hub.
async fn classroom(hub: &TestServer, name: &str) -> TestServer {
    let (_, code) = hub.join_code(name).await;
    let node = TestServer::start(Engine::Sqlite).await;
    let joined =
        node.admin().await.post("/api/sync/hub", json!({"url": hub.anyone.url(), "code": code})).await.ok();
    assert_eq!((joined["name"].as_str(), joined["cloud_url"].as_str()), (Some(name), Some(hub.anyone.url())));
    node
}

async fn push(node: &TestServer) -> Value {
    node.admin().await.post("/api/sync/push", json!({})).await.ok()
}

/// Everything that nodes share, as far as it doesn't depend on who numbered it.
async fn shared(server: &TestServer) -> Vec<String> {
    server
        .read(|tx| {
            let mut rows = vec![];
            for sql in [
                "SELECT id, kind, entity, subject, body, parents, actor, node, hlc, gsn, eff FROM op ORDER BY id",
                "SELECT session_id, student_id, status, source, observed_at FROM attendance \
                 ORDER BY session_id, student_id",
                "SELECT id, student_name, university_roll_no, archived FROM student ORDER BY id",
                "SELECT course_id, student_id, sessions, present, late FROM course_tally \
                 ORDER BY course_id, student_id",
            ] {
                rows.extend(tx.query(sql, &[])?.iter().map(|row| format!("{row:?}")));
            }
            Ok(rows)
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_classroom_writes_is_on_the_hub_and_the_other_way_around() {
    for_both_hubs(async |hub| {
        let at_hub = hub.class("HUB1", 3).await;
        let node = classroom(&hub, "Room 12").await;
        let class = node.class("CS101", 3).await;
        let session = class.start().await;
        let before = node.admin().await.get("/api/sync/status").await.ok();
        assert_eq!(before["node_type"], "local");
        assert_eq!((&before["joined"], &before["last_success"]), (&json!(true), &Value::Null));
        assert_eq!(before["cloud_reachable"], true);
        assert!(before["pending"].as_i64().unwrap() >= 10, "{before}");
        assert!(before["database_size_bytes"].as_i64().unwrap() > 10_000, "{before}");
        assert!(before["database_size_human"].as_str().unwrap().ends_with('B'), "{before}");

        let pushed = push(&node).await;
        assert_eq!((&pushed["status"], &pushed["cloud_response"]["pending"]), (&json!("success"), &json!(0)));
        assert_eq!(shared(&node).await, shared(&hub).await);
        let names = |list: &Value| super::names(list, "course_code");
        let admin = hub.admin().await;
        let courses = admin.get("/api/admin/courses").await.ok();
        let courses = names(if courses.is_array() { &courses } else { &courses["items"] });
        assert!(courses.contains(&class.course_code) && courses.contains(&at_hub.course_code), "{courses:?}");

        // A person's decision on the hub shows in the classroom.
        let mark = json!({"student_id": class.students[0].id, "status": "present", "reason": "was there"});
        class.teacher.post(&format!("/api/teacher/session/{session}/mark"), mark).await.ok();
        push(&node).await;
        push(&node).await;
        assert_eq!(shared(&node).await, shared(&hub).await);
        assert_eq!(hub.records_of(&session, class.students[0].id).await, 1);

        let after = node.admin().await.get("/api/sync/status").await.ok();
        assert_eq!((&after["pending"], &after["last_error"]), (&json!(0), &Value::Null));
        assert!(after["last_success"].is_string());
        assert_eq!(after["received"], after["hub_records"]);
        let nodes = admin.get("/api/admin/nodes").await.ok();
        assert_eq!((&nodes[0]["name"], &nodes[0]["status"]), (&json!("Room 12"), &json!("joined")));
        assert_eq!((&nodes[0]["pending"], &nodes[0]["behind"]), (&json!(0), &json!(0)));
        let at_hub = admin.get("/api/sync/status").await.ok();
        assert_eq!((&at_hub["node_type"], &at_hub["peers"]), (&json!("cloud"), &nodes));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_classroom_is_given_some_courses_only() {
    for_both_hubs(async |hub| {
        let (theirs, other) = (hub.class("CS101", 3).await, hub.class("MA101", 2).await);
        let admin = hub.admin().await;
        let (id, code) = hub.join_code("Room 12").await;
        let path = format!("/api/admin/nodes/{id}");
        admin.put(&path, json!({"course_ids": []})).await.invalid("course_ids");
        let nowhere = json!({"course_ids": [NodeId::new(1)]});
        admin.put(&path, nowhere.clone()).await.refused(404, "not_found");
        let unknown = format!("/api/admin/nodes/{}", NodeId::new(1));
        admin.put(&unknown, json!({"course_ids": null})).await.refused(404, "not_found");
        admin
            .post("/api/admin/nodes", json!({"name": "Room 13", "course_ids": [NodeId::new(1)]}))
            .await
            .refused(404, "not_found");
        // Said before the node is there, so that nothing else ever reaches it.
        admin.put(&path, json!({"course_ids": [theirs.course]})).await.ok();
        let node = TestServer::start(Engine::Sqlite).await;
        let hub_to_join = json!({"url": hub.anyone.url(), "code": code});
        node.admin().await.post("/api/sync/hub", hub_to_join).await.ok();
        push(&node).await;
        let holds = async |node: &TestServer| {
            let sql = "SELECT (SELECT COUNT(*) FROM enrolment), (SELECT COUNT(*) FROM teacher)";
            node.read(move |tx| {
                let row = tx.query_one(sql, &[])?;
                Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))
            })
            .await
        };
        assert_eq!(holds(&node).await, (3, 1));
        let told = node.admin().await.get("/api/sync/status").await.ok();
        assert_eq!(told["course_ids"], json!([theirs.course]));
        assert_eq!(told["received"], told["hub_records"]);
        let list = admin.get("/api/admin/nodes").await.ok();
        assert_eq!(list[0]["course_ids"], json!([theirs.course]));

        // What is written there is on the hub all the same.
        let class = node.class("PH101", 1).await;
        class.start().await;
        push(&node).await;
        let courses = admin.get("/api/admin/courses").await.ok();
        assert_eq!(courses.as_array().unwrap().len(), 3);

        admin.put(&path, json!({"course_ids": [theirs.course, other.course]})).await.ok();
        push(&node).await;
        assert_eq!(holds(&node).await, (6, 3));
        admin.put(&path, json!({"course_ids": null})).await.ok();
        push(&node).await;
        assert_eq!(shared(&node).await, shared(&hub).await);
        let trail = admin.get("/api/admin/audit").await.text();
        assert!(trail.contains("node_scope_changed"));
        node.admin().await.put(&path, json!({"course_ids": null})).await.refused(403, "not_a_hub");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_admits_one_node_for_a_day() {
    for_both_hubs(async |hub| {
        let admin = hub.admin().await;
        let asker = |secret| Asker { node: NodeId::new(1), secret: [secret; 32], formerly: None };
        let (first, second) = (asker(1), asker(2));
        let ask = async |body: Value| hub.anyone.post("/api/sync/join", body).await;

        let (id, code) = hub.join_code("Room 1").await;
        ask(join(&first, "WRONG-WRONG-WRONG")).await.refused(401, "join_code_wrong");
        let mut stolen = join(&first, &code);
        stolen["public_key"] = join(&second, &code)["public_key"].clone();
        ask(stolen).await.refused(401, "join_code_wrong");
        let joined = ask(join(&first, &code.to_lowercase())).await.ok();
        assert_eq!(joined["name"], "Room 1");
        // Who didn't hear the answer asks again.
        assert_eq!(ask(join(&first, &code)).await.ok(), joined);
        ask(join(&second, &code)).await.refused(401, "join_code_wrong");

        let (late, code) = hub.join_code("Room 2").await;
        let list = admin.get("/api/admin/nodes").await.ok();
        let status = |list: &Value, id: &str| {
            let row = list.as_array().unwrap().iter().find(|row| row["id"] == id);
            row.map_or(String::new(), |row| row["status"].as_str().unwrap().to_owned())
        };
        assert_eq!((status(&list, &id), status(&list, &late)), ("joined".into(), "invited".into()));
        hub.advance(DAY + 1);
        let admin = hub
            .log_in("/api/admin/login", json!({"username": "admin", "password": "chalk-and-duster"}))
            .await;
        ask(join(&second, &code)).await.refused(401, "join_code_wrong");
        assert_eq!(status(&admin.get("/api/admin/nodes").await.ok(), &late), "expired");
        admin.delete(&format!("/api/admin/nodes/{late}")).await.ok();
        assert_eq!(status(&admin.get("/api/admin/nodes").await.ok(), &late), "");
        admin.delete(&format!("/api/admin/nodes/{late}")).await.refused(404, "not_found");
        admin.post("/api/admin/nodes", json!({"name": " "})).await.invalid("name");
        let trail = admin.get("/api/admin/audit").await.text();
        for word in ["node_code_given", "node_joined", "node_refused", "node_revoked"] {
            assert!(trail.contains(word), "{word}");
        }
        assert!(!trail.contains(&code));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_node_itself_is_heard_and_only_once() {
    for_both_hubs(async |hub| {
        let node = hub.node("Room 1").await;
        let other = hub.node("Room 2").await;
        let frame = request_of(&node.asker).await;
        node.exchange(&frame).await.expect(200);

        let body = node.seal(&frame);
        let send =
            async |body: Vec<u8>| Answer::of(hub.anyone.request(Method::POST, EXCHANGE).body(body)).await;
        send(body.clone()).await.expect(200);
        let replayed = send(body.clone()).await.refused(401, "replayed");
        assert_eq!(replayed["counter"], "2", "whoever has the key can go on from there");
        let mut changed = body;
        *changed.last_mut().unwrap() ^= 1;
        send(changed).await.refused(401, "signature_wrong");
        send(vec![]).await.refused(401, "not_signed");
        send(vec![0; 5 * 1_024 * 1_024]).await.refused(413, "too_large");
        node.exchange(b"no frame").await.refused(400, "sync_unreadable");
        // Signed by one, written by another.
        other.exchange(&frame).await.refused(401, "signature_wrong");
        let stranger = node.pretending(Asker { node: NodeId::new(9), ..node.asker.clone() });
        stranger.exchange(&frame).await.refused(401, "unknown_node");
        let mut elsewhere = node.pretending(node.asker.clone());
        elsewhere.hub = [3; 32];
        elsewhere.exchange(&frame).await.refused(401, "signature_wrong");

        hub.admin().await.delete(&format!("/api/admin/nodes/{}", node.id)).await.ok();
        node.exchange(&frame).await.refused(403, "node_revoked");
        let trail = hub.admin().await.get("/api/admin/audit").await.text();
        assert!(trail.contains("node_refused"));
    })
    .await;
}

/// What a node with an empty database asks, under the id of `asker`.
async fn request_of(asker: &Asker) -> Vec<u8> {
    let empty = TestServer::start(Engine::Sqlite).await;
    let node = asker.node;
    let set = move |tx: &mut arise_store::WriteTx<'_>| {
        tx.execute("UPDATE node SET id = ?1", &[node.into()]).map(|_| ())
    };
    empty.store().write(set).await.unwrap();
    arise_sync::request(empty.store()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_classroom_says_what_hinders_its_syncing() {
    let mut hub = TestServer::start_with(Engine::Sqlite, arise_testkit::server::hub()).await;
    let alone = TestServer::start(Engine::Sqlite).await;
    let admin = alone.admin().await;
    admin.post("/api/sync/push", json!({})).await.refused(409, "not_joined");
    admin.post("/api/sync/hub", json!({"url": "hub.example.org", "code": "A"})).await.invalid("url");
    let wrong = json!({"url": hub.anyone.url(), "code": "WRONG-WRONG-WRONG"});
    admin.post("/api/sync/hub", wrong).await.refused(401, "join_code_wrong");
    // Another classroom's server isn't a hub.
    let other = TestServer::start(Engine::Sqlite).await;
    let wrong = json!({"url": other.anyone.url(), "code": "WRONG-WRONG-WRONG"});
    admin.post("/api/sync/hub", wrong).await.refused(403, "not_a_hub");
    admin.get("/api/admin/nodes").await.refused(403, "not_a_hub");
    let hub_admin = hub.admin().await;
    hub_admin.post("/api/sync/push", json!({})).await.refused(409, "is_hub");

    let node = classroom(&hub, "Room 1").await;
    push(&node).await;
    let nodes = hub_admin.get("/api/admin/nodes").await.ok();
    hub_admin.delete(&format!("/api/admin/nodes/{}", nodes[0]["id"].as_str().unwrap())).await.ok();
    let admin = node.admin().await;
    admin.post("/api/sync/push", json!({})).await.refused(403, "node_revoked");
    assert_eq!(admin.get("/api/sync/status").await.ok()["last_error"]["code"], "node_revoked");
    // A new code lets it in again, under the same id.
    let (_, code) = hub.join_code("Room 1 again").await;
    admin.post("/api/sync/hub", json!({"url": hub.anyone.url(), "code": code})).await.ok();
    push(&node).await;
    let nodes = hub_admin.get("/api/admin/nodes").await.ok();
    assert_eq!(nodes.as_array().unwrap().len(), 1);
    assert_eq!((&nodes[0]["name"], &nodes[0]["status"]), (&json!("Room 1 again"), &json!("joined")));

    hub.stop().await;
    let offline = admin.post("/api/sync/push", json!({})).await.refused(503, "hub_unreachable");
    assert_eq!(offline["status"], "offline");
    let status = admin.get("/api/sync/status").await.ok();
    assert_eq!(
        (&status["cloud_reachable"], &status["last_error"]["code"]),
        (&json!(false), &json!("hub_unreachable"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stick_carries_what_no_network_does() {
    for_both_hubs(async |hub| {
        hub.class("HUB1", 2).await;
        let node = classroom(&hub, "Room 1").await;
        let class = node.class("CS101", 5).await;
        class.start().await;
        let (at_node, at_hub) = (node.admin().await, hub.admin().await);
        let walk = async |file: Vec<u8>| at_hub.post_text("/api/sync/import", file).await;

        let out = at_node.post_text("/api/sync/export", "").await;
        out.expect(200);
        let back = walk(out.bytes.clone()).await;
        back.expect(200);
        let mut damaged = back.bytes.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        at_node.post_text("/api/sync/import", damaged).await.refused(409, "answer_unsigned");
        let taken = at_node.post_text("/api/sync/import", back.bytes.clone()).await.ok();
        assert_eq!((&taken["status"], &taken["more"]), (&json!("success"), &json!(false)));
        assert_eq!(shared(&node).await, shared(&hub).await);
        at_node.post_text("/api/sync/import", back.bytes.clone()).await.refused(409, "answer_unusable");

        // A file that is taken twice, or whose answer is lost, changes nothing; the next one goes on.
        walk(out.bytes.clone()).await.expect(200);
        node.class("CS102", 1).await;
        let out = at_node.post_text("/api/sync/export", "").await.bytes;
        walk(out.clone()).await.expect(200);
        let mut damaged = out;
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        walk(damaged).await.refused(401, "signature_wrong");
        walk(b"arise node 1\n".to_vec()).await.refused(400, "sync_unreadable");
        walk(b"something".to_vec()).await.refused(400, "sync_unreadable");
        let again = at_node.post_text("/api/sync/export", "").await.bytes;
        let back = walk(again).await;
        at_node.post_text("/api/sync/import", back.bytes).await.ok();
        assert_eq!(shared(&node).await, shared(&hub).await);
        // Over the network again, as the same node.
        assert_eq!(push(&node).await["cloud_response"]["pending"], 0);
        assert_eq!(at_hub.get("/api/admin/nodes").await.ok().as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_programs_of_the_machine_may_ask_for_syncing_alone() {
    let config = Config { operator_key: Some("a key of this machine".to_owned()), ..Config::default() };
    let server = TestServer::start_with(Engine::Sqlite, config).await;
    let program = server.anyone.bearer("a key of this machine");
    program.get("/api/sync/status").await.ok();
    program.get("/api/admin/students").await.expect(401);
    server.anyone.bearer("another key").get("/api/sync/status").await.expect(401);
    // Nobody has the key of a server without one.
    let server = TestServer::start(Engine::Sqlite).await;
    server.anyone.bearer("").get("/api/sync/status").await.expect(401);
}
