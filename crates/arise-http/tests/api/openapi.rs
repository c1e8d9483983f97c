//! The API document says what the routes do, all of them and nothing else.

use std::collections::BTreeSet;
use std::path::PathBuf;

use arise_http::{Access, routes};
use arise_testkit::server::{Engine, TestServer};
use serde_json::Value;

/// The document in the repository, of which the UI's types are made.
fn checked_in() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

async fn document(server: &TestServer) -> Value {
    server.anyone.get("/api/openapi.json").await.ok()
}

/// Every operation as `GET /api/health`, with what it says.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
        })
        .collect()
}

/// `cargo xtask gen-api` writes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_in_the_repository_is_this_one() {
    let server = TestServer::start(Engine::Sqlite).await;
    let written = serde_json::to_string_pretty(&document(&server).await).unwrap() + "\n";
    if std::env::var_os("ARISE_TEST_WRITE_API").is_some() {
        std::fs::write(checked_in(), &written).unwrap();
    }
    let known = std::fs::read_to_string(checked_in()).unwrap_or_default();
    let differs = known.lines().zip(written.lines()).find(|(known, written)| known != written);
    assert!(known == written, "docs/openapi.json is another one; run `cargo xtask gen-api`: {differs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_documented_and_nothing_else() {
    let server = TestServer::start(Engine::Sqlite).await;
    let document = document(&server).await;
    assert_eq!(document["x-unknown"], Value::Null, "openapi/said.rs names routes that there aren't");
    let table: BTreeSet<String> =
        routes(&server.app).iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    let documented: BTreeSet<String> = operations(&document).into_iter().map(|(line, _)| line).collect();
    assert_eq!(table, documented);

    let mut lacking = vec![];
    let mut names = BTreeSet::new();
    for (line, operation) in operations(&document) {
        assert!(names.insert(operation["operationId"].as_str().unwrap().to_owned()), "{line}");
        if operation["summary"].as_str().unwrap().is_empty() {
            lacking.push(format!("{line}: what it is for"));
        }
        let answers = operation["responses"].as_object().unwrap();
        let good: Vec<_> = answers.iter().filter(|(status, _)| status.starts_with('2')).collect();
        if good.is_empty() {
            lacking.push(format!("{line}: what it answers"));
        }
        for (status, answer) in good {
            for (kind, content) in answer["content"].as_object().into_iter().flatten() {
                // The document itself may say anything.
                let anything =
                    content["schema"] == Value::Bool(true) || content["schema"] == serde_json::json!({});
                if kind == "application/json" && anything && line != "GET /api/openapi.json" {
                    lacking.push(format!("{line}: the type of its {status}"));
                }
            }
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        if *body == serde_json::json!({}) {
            lacking.push(format!("{line}: what it takes"));
        }
    }
    assert!(lacking.is_empty(), "say in openapi/said.rs:\n{}", lacking.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_says_who_may_call() {
    let server = TestServer::start(Engine::Sqlite).await;
    let document = document(&server).await;
    for route in routes(&server.app) {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let security = operation["security"].as_array().unwrap();
        let expected: &[&str] = match route.access {
            Access::Public => &[],
            Access::Device => &["scanner"],
            Access::AnyDevice => &["", "scanner"],
            Access::OlderNode => &["olderNode"],
            Access::Node => &["node"],
            _ => &["bearer", "cookie"],
        };
        let proofs: BTreeSet<&str> = security
            .iter()
            .map(|proof| proof.as_object().unwrap().keys().next().map_or("", String::as_str))
            .collect();
        assert_eq!(proofs, expected.iter().copied().collect(), "{} {}", route.method, route.path);
        let role = &security.first().map(|proof| proof["bearer"].clone()).unwrap_or_default();
        match route.access {
            Access::Admin | Access::Operator => assert_eq!(role[0], "admin"),
            Access::Teacher => assert_eq!(role[0], "teacher"),
            Access::Student => assert_eq!(role[0], "student"),
            _ => {}
        }
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.contains_key("401") || route.access == Access::Public, "{}", route.path);
    }
}

/// A name with a number at its end is one that two types want.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_type_has_a_name_of_its_own() {
    let server = TestServer::start(Engine::Sqlite).await;
    let document = document(&server).await;
    let types = document["components"]["schemas"].as_object().unwrap();
    assert!(types.len() > 60, "{} types", types.len());
    let shared: Vec<&String> =
        types.keys().filter(|name| name.ends_with(|c: char| c.is_ascii_digit())).collect();
    assert!(shared.is_empty(), "rename with #[schemars(rename)]: {shared:?}");
    // Every reference leads somewhere.
    let text = document.to_string();
    for part in text.split("\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(types.contains_key(name), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_every_route_and_loads_nothing_from_elsewhere() {
    let server = TestServer::start(Engine::Sqlite).await;
    let page = server.anyone.get("/api/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let text = page.text();
    for route in routes(&server.app) {
        assert!(text.contains(&format!("<b>{}</b> {}", route.method, route.path)), "{}", route.path);
    }
    assert!(!text.contains("<script") && !text.contains("http://") && !text.contains("https://"));
}
