//! The settings of the program as it is started: what holds, what is refused, what is never shown.

use std::path::Path;
use std::process::{Command, Output};

fn arise(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arise"));
    command.args(arguments).current_dir(folder).env_clear().envs(environment.iter().copied());
    command.output().unwrap()
}

#[test]
fn what_holds_is_shown_with_its_source_and_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("arise.toml"), "port = 5101\nsync_api_key = \"key-in-toml\"\n")
        .unwrap();
    std::fs::write(folder.path().join(".env"), "SECRET_KEY=key-in-dotenv\nTIMEZONE=Asia/Tokyo\n").unwrap();
    let environment = [
        ("ADMIN_DEFAULT_PASSWORD", "password-in-environment"),
        ("DATABASE_URL", "postgres://u:password-in-url@h/d"),
        ("CLOUD_SERVER_URL", "https://hub.example"),
    ];
    let shown = arise(folder.path(), &["config", "--host", "127.0.0.1"], &environment);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success(), "{text}");
    let has = |name: &str, value: &str, source: &str| {
        let line = text.lines().find(|line| line.split_whitespace().nth(1) == Some(name)).unwrap();
        assert!(line.contains(value) && line.contains(source), "{line}");
    };
    has("HOST", "127.0.0.1", "# flag");
    has("PORT", "5101", "arise.toml");
    has("TIMEZONE", "Asia/Tokyo", ".env");
    has("CLOUD_SERVER_URL", "https://hub.example", "# environment");
    has("SYNC_INTERVAL_SECONDS", "300", "# default");
    has("SECRET_KEY", "(hidden)", ".env");
    has("ARISE_DATA", "(not set)", "");
    for secret in ["key-in-toml", "key-in-dotenv", "password-in-environment", "password-in-url"] {
        assert!(!text.contains(secret), "{secret} is shown");
    }
}

#[test]
fn what_is_wrong_is_named_and_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], environment: &[(&str, &str)], parts: &[&str]| {
        let output = arise(folder.path(), arguments, environment);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?} {environment:?}");
        assert!(parts.iter().all(|part| text.contains(part)), "{parts:?}: {text}");
    };
    refused(&["serve"], &[("PORT", "five")], &["PORT", "“five”", "environment"]);
    refused(&["serve", "--port", "70000"], &[], &["--port", "65535", "“70000”"]);
    refused(&["serve"], &[("ARISE_PORT", "5000")], &["ARISE_PORT", "isn't a setting"]);
    refused(&["serve"], &[("IS_CLOUD_SERVER", "maybe")], &["IS_CLOUD_SERVER", "true or false"]);
    refused(&["serve"], &[("TIMEZONE", "IST")], &["TIMEZONE", "Asia/Kolkata"]);
    refused(&["serve"], &[("DATABASE_URL", "sqlite:///arise.db")], &["DATABASE_URL", "DATABASE_PATH"]);
    refused(&["serve", "--data", "d"], &[("ARISE_LOG", "a=b=c")], &["ARISE_LOG", "info"]);
    refused(&["serve", "--colour"], &[], &["--colour"]);
    refused(&["config", "--config", "nowhere.toml"], &[], &["nowhere.toml"]);
    std::fs::write(folder.path().join("arise.toml"), "databse_path = \"x\"").unwrap();
    refused(&["serve"], &[], &["“databse_path”", "database_path?"]);
}
