//! What two servers did without knowing of each other, and how an administrator decides about it.

use arise_testkit::server::{Answer, Client, Engine, Method, TestServer, for_both_hubs};
use serde_json::{Value, json};

const PATH: &str = "/api/admin/conflicts";

async fn classroom(hub: &TestServer) -> TestServer {
    let (_, code) = hub.join_code("Room 1").await;
    let node = TestServer::start(Engine::Sqlite).await;
    node.admin().await.post("/api/sync/hub", json!({"url": hub.anyone.url(), "code": code})).await.ok();
    node
}

async fn push(node: &TestServer) {
    for _ in 0..2 {
        node.admin().await.post("/api/sync/push", json!({})).await.ok();
    }
}

async fn student_of(admin: &Client, roll: &str) -> Vec<Value> {
    let list = admin.get("/api/admin/students").await.ok();
    list.as_array().unwrap().iter().filter(|s| s["university_roll_no"] == roll).cloned().collect()
}

async fn new_student(admin: &Client, name: &str, roll: &str) -> String {
    let body = json!({"student_name": name, "university_roll_no": roll, "password": "chalk-and-duster"});
    admin.post("/api/admin/students", body).await.expect(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_was_changed_in_two_places_has_both_values_until_somebody_decides() {
    for_both_hubs(async |hub| {
        let node = classroom(&hub).await;
        let (admin, there) = (hub.admin().await, node.admin().await);
        let id = new_student(&admin, "Asha", "R-1").await;
        push(&node).await;
        assert_eq!(there.get(PATH).await.ok()["conflicts"], json!([]));
        let path = format!("/api/admin/students/{id}");
        there.put(&path, json!({"student_name": "Asha Rao", "email1": "asha@example.edu", "password": "another-secret"})).await.ok();
        admin.put(&path, json!({"student_name": "Asha R.", "email1": "asha@example.edu", "password": "third-secret"})).await.ok();
        push(&node).await;

        let listed = admin.get(PATH).await.ok();
        // Both gave her the same address: about that there is nothing to decide.
        assert_eq!(listed["total_conflicts"], 2);
        assert_eq!(listed["conflicts"].as_array().unwrap().len(), 2);
        let of = |field: &str| {
            let all = listed["conflicts"].as_array().unwrap();
            all.iter().find(|one| one["field"] == field).unwrap_or_else(|| panic!("{listed}")).clone()
        };
        let name = of("student_name");
        assert_eq!(
            (&name["kind"], &name["id"], &name["subject_id"]),
            (&json!("student"), &json!(id), &Value::Null)
        );
        let values = name["values"].as_array().unwrap();
        assert_eq!(values.len(), 2);
        let shown = &admin.get("/api/admin/students").await.ok()[0]["student_name"];
        assert_eq!((&values[0]["value"], &values[0]["shows"]), (shown, &json!(true)));
        assert_eq!((&name["label"], &values[1]["shows"]), (shown, &json!(false)));
        assert_eq!(values[0]["actor_role"], "admin");
        // Nobody sees what a password became.
        let secret = of("password_hash");
        assert!(secret["values"].as_array().unwrap().iter().all(|one| one["value"] == "changed"), "{secret}");
        // Administrators belong to one server: who it was is known there.
        let without_names = |mut list: Value| {
            for value in
                list.as_array_mut().unwrap().iter_mut().flat_map(|one| one["values"].as_array_mut().unwrap())
            {
                value["actor_name"] = Value::Null;
            }
            list
        };
        let at_node = there.get(PATH).await.ok()["conflicts"].clone();
        assert_eq!(without_names(at_node), without_names(listed["conflicts"].clone()));

        // The one that doesn't show was right.
        let choice = json!({"record_id": values[1]["record_id"], "field": "student_name"});
        admin.post(PATH, choice.clone()).await.ok();
        assert_eq!(admin.get("/api/admin/students").await.ok()[0]["student_name"], values[1]["value"]);
        admin.post(PATH, choice).await.refused(409, "conflict_settled");
        admin.post(PATH, json!({"record_id": id, "field": "student_name"})).await.refused(404, "not_found");
        // An edit decides as well.
        admin.put(&path, json!({"password": "fourth-secret"})).await.ok();
        push(&node).await;
        for server in [&admin, &there] {
            assert_eq!(server.get(PATH).await.ok()["total_conflicts"], 0);
        }
        assert_eq!(student_of(&there, "R-1").await[0]["student_name"], values[1]["value"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_student_who_was_made_twice_is_merged_and_parted_again() {
    for_both_hubs(async |hub| {
        let node = classroom(&hub).await;
        let (admin, there) = (hub.admin().await, node.admin().await);
        let class = node.class("CS101", 2).await;
        let (roll, double) = (&class.students[0].university_roll_no, class.students[0].id.to_string());
        let keep = new_student(&admin, "Same Person", roll).await;
        let session = class.start().await;
        let mark = json!({"student_id": double, "status": "present", "reason": "was there"});
        class.teacher.post(&format!("/api/teacher/session/{session}/mark"), mark).await.ok();
        push(&node).await;
        assert_eq!(student_of(&admin, roll).await.len(), 2);
        let doubles = admin.get(PATH).await.ok()["doubles"].clone();
        assert_eq!(doubles[0]["kind"], "student");
        assert_eq!(
            (&doubles[0]["field"], &doubles[0]["value"]),
            (&json!("university_roll_no"), &json!(roll.to_lowercase()))
        );
        assert_eq!(doubles[0]["rows"].as_array().unwrap().len(), 2);
        assert_eq!(doubles.as_array().unwrap().len(), 1);

        let path = format!("/api/admin/students/{double}/merge");
        admin.post(&path, json!({"into": double})).await.refused(422, "invalid_field");
        let merged = admin.post(&path, json!({"into": keep})).await.ok();
        assert_eq!((&merged["marks"], &merged["courses"]), (&json!(1), &json!(1)));
        let after = admin.get(PATH).await.ok();
        assert_eq!(after["doubles"], json!([]));
        let parts = &after["merged_students"][0];
        assert_eq!(
            (&parts["id"], &parts["merged_into"], &parts["into_name"]),
            (&json!(double), &json!(keep), &json!("Same Person"))
        );
        push(&node).await;
        for server in [&admin, &there] {
            let left = student_of(server, roll).await;
            assert_eq!((left.len(), left[0]["id"].as_str()), (1, Some(keep.as_str())));
        }
        let status = async |server: &TestServer, student: &str| {
            let sql = format!(
                "SELECT COUNT(*) FROM attendance a JOIN student s ON s.id = a.student_id \
                 WHERE a.status = 'present' AND s.student_name = '{student}'"
            );
            server.count(&sql, &[]).await
        };
        assert_eq!((status(&hub, "Same Person").await, status(&node, "Same Person").await), (1, 1));

        // A mark that comes later for the one who is gone is up for review, and can be moved as well.
        class.end(&session).await;
        let later = class.start().await;
        push(&node).await;
        node.store()
            .write({
                let (session, student) = (later.parse().unwrap(), class.students[0].id);
                move |tx| {
                    let window = arise_store::session::get(tx, session)?.window;
                    let at = tx.now();
                    arise_store::mark::observe(
                        tx,
                        session,
                        &window,
                        student,
                        arise_core::Source::Fingerprint,
                        at,
                    )
                }
            })
            .await
            .unwrap();
        push(&node).await;
        let review = admin.get(PATH).await.ok()["deleted_students"].clone();
        assert_eq!((&review[0]["id"], &review[0]["merged_into"]), (&json!(double), &json!(keep)));
        assert_eq!((&review[0]["records_then"], &review[0]["records_now"]), (&json!(1), &json!(2)));
        assert_eq!(admin.post(&path, json!({"into": keep})).await.ok()["marks"], 1);
        assert_eq!(admin.get(PATH).await.ok()["deleted_students"], json!([]));
        assert_eq!(status(&hub, "Same Person").await, 2);

        let parted = admin.delete(&path).await.ok();
        assert_eq!(parted["marks"], 2);
        admin.delete(&path).await.refused(404, "not_found");
        assert_eq!(admin.get(PATH).await.ok()["merged_students"], json!([]));
        push(&node).await;
        assert_eq!((student_of(&there, roll).await.len(), status(&node, "Same Person").await), (2, 0));
        let wrong = node.read(arise_store::tally::check).await;
        assert_eq!(wrong, [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn marks_of_a_session_that_was_deleted_elsewhere_are_up_for_review() {
    for_both_hubs(async |hub| {
        let node = classroom(&hub).await;
        let (admin, there) = (hub.admin().await, node.admin().await);
        let class = node.class("CS101", 3).await;
        let session = class.start().await;
        push(&node).await;
        // The hub sees an empty session and deletes it, while the classroom marks.
        let id = session.parse().unwrap();
        hub.store()
            .write(move |tx| {
                let session = arise_store::session::get(tx, id)?;
                arise_store::session::end(tx, &session)?;
                let session = arise_store::session::get(tx, id)?;
                arise_store::session::archive(tx, &session, "it looked empty")
            })
            .await
            .unwrap();
        for student in &class.students[..2] {
            let mark = json!({"student_id": student.id, "status": "present", "reason": "was there"});
            class.teacher.post(&format!("/api/teacher/session/{session}/mark"), mark).await.ok();
        }
        push(&node).await;
        let listed = admin.get(PATH).await.ok()["deleted_sessions"].clone();
        assert_eq!(listed.as_array().unwrap().len(), 1);
        assert_eq!((&listed[0]["id"], &listed[0]["course_code"]), (&json!(session), &json!("CS101")));
        assert_eq!((&listed[0]["records_then"], &listed[0]["records_now"]), (&json!(0), &json!(2)));
        assert_eq!(there.get(PATH).await.ok()["deleted_sessions"], listed);

        let path = format!("/api/admin/sessions/{session}/review");
        admin.post(&path, json!({"decision": "perhaps"})).await.invalid("decision");
        admin.post(&path, json!({"decision": "restore"})).await.ok();
        admin.post(&path, json!({"decision": "restore"})).await.refused(404, "not_found");
        push(&node).await;
        for server in [&admin, &there] {
            assert_eq!(server.get(PATH).await.ok()["deleted_sessions"], json!([]));
        }
        class.teacher.get(&format!("/api/teacher/session-detail/{session}")).await.ok();

        // Deleted by somebody who sees the marks, there is nothing to look at.
        let path = format!("/api/teacher/session/{session}/delete");
        let request = class.teacher.request(Method::DELETE, &path).json(&json!({"reason": "a mistake"}));
        Answer::of(request).await.ok();
        push(&node).await;
        assert_eq!(admin.get(PATH).await.ok()["deleted_sessions"], json!([]));
    })
    .await;
}
