use arise_http::Config;
use arise_store::backup::Backups;
use arise_testkit::server::{Engine, TestServer};
use serde_json::json;

const PATH: &str = "/api/admin/backups";
const KEY: &str = "the key of the data folder";

async fn with_backups(engine: Engine) -> (TestServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let backups = Some(Backups { folder: folder.path().join("backups"), kept: 10 });
    let config = Config { backups, operator_key: Some(KEY.into()), ..Config::default() };
    (TestServer::start_with(engine, config).await, folder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_listed_and_restored() {
    for engine in Engine::BOTH {
        let (server, _folder) = with_backups(engine).await;
        let admin = server.admin().await;
        assert_eq!(admin.get(PATH).await.ok(), json!([]));
        admin.post("/api/admin/config", json!({"institution_name": "Then"})).await.ok();
        let class = server.class("CS101", 2).await;

        let made = admin.post(PATH, json!({})).await.expect(201);
        assert_eq!((&made["status"], &made["verified"]), (&json!("success"), &json!(true)), "{made}");
        assert_eq!(made["created_at"], "2026-03-09T10:00:00+05:30");
        let name = made["name"].as_str().unwrap().to_owned();
        let listed = admin.get(PATH).await.ok();
        for field in ["name", "size", "created_at", "verified", "records", "reason"] {
            assert_eq!(listed[0][field], made[field], "{field}");
        }
        assert_eq!(listed[0]["reason"], "manual");
        let progress = admin.get(&format!("{PATH}/progress")).await.ok();
        assert_eq!(progress["running"], json!(null));
        assert_eq!((&progress["last"]["what"], &progress["last"]["name"]), (&json!("backup"), &json!(name)));

        admin.post("/api/admin/config", json!({"institution_name": "Now"})).await.ok();
        let session = class.start().await;
        let records = server.records().await;
        let restored = admin.post(&format!("{PATH}/{name}/restore"), json!({})).await.ok();
        assert_eq!(restored["records"], made["records"]);
        let aside = restored["records_set_aside"].as_i64().unwrap();
        assert_eq!(aside, records - made["records"].as_i64().unwrap());
        // What is shown is what is there now, without a restart; the login goes on.
        assert_eq!(server.anyone.get("/api/health").await.ok()["institution"], "Then");
        class.teacher.get(&format!("/api/teacher/session/{session}/status")).await.refused(404, "not_found");
        let trail = admin.get("/api/admin/audit?limit=5").await.ok();
        let restored_by =
            &trail["entries"].as_array().unwrap().iter().find(|e| e["action"] == "restored").unwrap();
        assert_eq!(
            (&restored_by["actor_role"], &restored_by["entity_label"]),
            (&json!("admin"), &json!(name))
        );

        let before = restored["before"].as_str().unwrap();
        let back = admin.post(&format!("{PATH}/{before}/restore"), json!({"missing_only": true})).await.ok();
        assert_eq!(back["records_added"], aside);
        assert_eq!(server.anyone.get("/api/health").await.ok()["institution"], "Now");
        class.teacher.get(&format!("/api/teacher/session/{session}/status")).await.ok();

        for name in ["no-such.db", "..%2Farise.db", "%2e%2e", "%00"] {
            let refused = admin.post(&format!("{PATH}/{name}/restore"), json!({})).await;
            assert!([400, 404].contains(&refused.status), "{name}: {}", refused.text());
        }
        admin
            .post(&format!("{PATH}/{name}/restore"), json!({"missing_only": 3}))
            .await
            .invalid("missing_only");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_s_own_commands_may_do_this_and_nothing_else() {
    let (server, _folder) = with_backups(Engine::Sqlite).await;
    let operator = server.anyone.bearer(KEY);
    operator.post(PATH, json!({})).await.expect(201);
    operator.get(PATH).await.ok();
    assert_eq!(operator.get("/api/admin/check").await.ok()["problems"], json!([]));
    for route in arise_http::routes(&server.app) {
        use arise_http::Access;
        let path = route.path.replace("{id}", crate::NO_ID);
        if matches!(route.access, Access::Admin | Access::Teacher | Access::Student | Access::LoggedIn) {
            let answer = arise_testkit::server::Answer::of(operator.request(route.method, &path)).await;
            assert_eq!(answer.status, 401, "{path}: {}", answer.text());
        }
    }
    for key in ["", "the key of the data folde", "the key of the data folders"] {
        server.anyone.bearer(key).get(PATH).await.expect(401);
    }
    // Without a key nobody has it.
    let server = TestServer::start(Engine::Sqlite).await;
    server.anyone.bearer("").get(PATH).await.expect(401);
    server.admin().await.get(PATH).await.refused(409, "no_backups");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_made_when_it_is_due() {
    let (server, _folder) = with_backups(Engine::Sqlite).await;
    let operator = server.anyone.bearer(KEY);
    let count = async || operator.get(PATH).await.ok().as_array().unwrap().len();
    server.app.back_up_when_due(24).await.unwrap();
    assert_eq!(count().await, 1);
    server.advance(23 * arise_core::clock::HOUR);
    server.app.back_up_when_due(24).await.unwrap();
    assert_eq!(count().await, 1);
    server.advance(arise_core::clock::HOUR);
    server.app.back_up_when_due(24).await.unwrap();
    assert_eq!(count().await, 2);
    // The clock was wrong, and is right again.
    server.advance(-300 * arise_core::clock::HOUR);
    server.app.back_up_when_due(24).await.unwrap();
    assert_eq!(count().await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_stopped() {
    for engine in Engine::BOTH {
        let (server, _folder) = with_backups(engine).await;
        let admin = server.admin().await;
        let progress = format!("{PATH}/progress");
        admin.delete(&progress).await.refused(409, "not_running");
        // A small one may be over before it hears of it: then another one is tried.
        for attempt in 0.. {
            assert!(attempt < 200, "no backup could be stopped");
            let made = tokio::spawn({
                let admin = admin.clone();
                async move { admin.post(PATH, json!({})).await }
            });
            while !made.is_finished() && admin.delete(&progress).await.status != 200 {}
            let made = made.await.unwrap();
            if made.status == 409 {
                made.refused(409, "backup_stopped");
                break;
            }
            made.expect(201);
        }
        let last = admin.get(&progress).await.ok();
        assert_eq!((&last["running"], &last["last"]["code"]), (&json!(null), &json!("backup_stopped")));
        // The next one isn't stopped by it.
        let made = admin.post(PATH, json!({})).await.expect(201);
        let listed = admin.get(PATH).await.ok();
        assert!(listed.as_array().unwrap().iter().any(|one| one["name"] == made["name"]), "{listed}");
    }
}
