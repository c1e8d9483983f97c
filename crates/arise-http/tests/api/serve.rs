//! What holds for every answer.

use std::collections::HashSet;

use arise_testkit::server::{Answer, Engine, Method, TestServer, for_both};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_have_a_size_a_form_and_types() {
    for_both(async |server| {
        let admin = server.admin().await;
        let path = "/api/admin/semesters";
        let of_size = |size: usize| {
            let body = json!({"semester_name": ""}).to_string();
            body.replace(":\"\"", &format!(":\"{}\"", "x".repeat(size - body.len())))
        };
        admin.post_text(path, of_size(256 * 1024)).await.invalid("semester_name");
        for size in [256 * 1024 + 1, 1_000_000, 5_000_000] {
            let refused = admin.post_text(path, of_size(size)).await;
            assert!(refused.refused(413, "too_large")["request_id"].is_string());
        }
        // Refused before it is read, and told all the same.
        server.anyone.post_text(path, of_size(5_000_000)).await.refused(401, "not_logged_in");

        for body in [
            "{",
            "{\"semester_name\": \"S\"",
            "semester_name=S",
            "\u{feff}{}",
            "{\"semester_name\": \"S\"} {}",
        ] {
            admin.post_text(path, body).await.refused(400, "not_json");
        }
        admin.post_text(path, "").await.invalid("semester_name");
        admin.post_text(path, vec![0xff, 0xfe, 0x00]).await.refused(400, "not_json");
        admin.post_text(path, "{\"semester_name\": 7}").await.invalid("semester_name");
        let invalid = admin.post_text(path, "{\"semester_name\": \" \"}").await.expect(422);
        assert_eq!(
            (&invalid["error"], &invalid["message"]),
            (&json!("Fill this in."), &json!("Fill this in."))
        );
        assert_eq!(invalid["fields"], json!({"semester_name": "Fill this in."}));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_said_in_json() {
    for_both(async |server| {
        let admin = server.admin().await;
        for path in ["/api/nothing", "/api/", "/api/admin/semesters/", "/api/teacher/session/7/nothing"] {
            server.anyone.get(path).await.refused(404, "not_found");
            server.anyone.post(path, json!({})).await.refused(404, "not_found");
        }
        admin.get("/api/admin/login").await.refused(405, "method_not_allowed");
        let refused = admin.delete("/api/admin/semesters").await;
        refused.refused(405, "method_not_allowed");
        assert!(refused.header("allow").contains("GET"), "{}", refused.header("allow"));
        assert_eq!(server.anyone.get("/nothing").await.status, 404);
        assert_eq!(server.anyone.post("/login", json!({})).await.status, 405);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_names_its_request() {
    let server = TestServer::start(Engine::Sqlite).await;
    let mut seen = HashSet::new();
    for path in ["/api/health", "/api/session", "/api/nothing", "/login", "/nothing"] {
        let answer = server.anyone.get(path).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(!id.is_empty() && seen.insert(id.clone()), "{path}");
        if answer.status >= 400 && path.starts_with("/api/") {
            let body = answer.json();
            assert_eq!((&body["request_id"], &body["status"]), (&json!(id), &json!("error")));
            assert_eq!(body["error"], body["message"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_let_nothing_in_from_elsewhere() {
    let server = TestServer::start(Engine::Sqlite).await;
    let root = server.anyone.get("/").await;
    assert_eq!((root.status, root.header("location")), (303, "/login"));
    for path in ["/login", "/teacher", "/nothing"] {
        let page = server.anyone.get(path).await;
        let policy = page.header("content-security-policy");
        for rule in ["default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(page.header("x-frame-options"), "DENY");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "same-origin");
    }
    let api = server.anyone.get("/api/health").await;
    assert_eq!((api.header("cache-control"), api.header("x-content-type-options")), ("no-store", "nosniff"));
    assert_eq!(api.header("content-type"), "application/json");
    let head = Answer::of(server.anyone.request(Method::HEAD, "/login")).await;
    assert_eq!((head.status, head.bytes.len()), (200, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_what_is_running() {
    for_both(async |server| {
        let health = server.anyone.get("/api/health").await.ok();
        assert_eq!((&health["status"], &health["database"]), (&json!("healthy"), &json!("connected")));
        assert_eq!(health["environment"], "local");
        assert!(health["version"].is_string());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_under_way_finish_when_the_server_stops() {
    for_both(async |mut server| {
        let class = server.class("CS101", 1).await;
        let requests: Vec<_> = (0..20)
            .map(|_| {
                let class = class.clone();
                // Those that got in are answered; the others are turned away by the closed door.
                tokio::spawn(async move {
                    let path = "/api/teacher/courses";
                    let request = class.teacher.request(Method::GET, path).send().await;
                    request.map(|response| response.status().as_u16()).ok()
                })
            })
            .collect();
        server.stop().await;
        for request in requests {
            assert!(matches!(request.await.unwrap(), None | Some(200)));
        }
        assert!(server.anyone.request(Method::GET, "/api/health").send().await.is_err());
    })
    .await;
}
