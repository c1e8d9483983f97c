//! The floors: a bare axum handler that reads JSON and answers JSON, and one bare SQLite commit.

use std::time::{Duration, Instant};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::figures::Times;

/// Serves `POST /api/device/marks` without doing anything but JSON, and prints its address.
pub(crate) async fn serve() -> anyhow::Result<()> {
    async fn answer(Json(body): Json<Value>) -> Json<Value> {
        let seq = &body["marks"][0]["seq"];
        Json(json!({"results": [{"seq": seq, "status": "success", "message": "Marked"}]}))
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/api/device/marks", post(answer))).await?;
    Ok(())
}

/// One row a commit in WAL mode with `synchronous = FULL`, in a folder on the same disk.
pub(crate) fn commits(folder: &std::path::Path, count: usize) -> anyhow::Result<Times> {
    let connection = rusqlite::Connection::open(folder.join("floor.db"))?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB) STRICT;",
    )?;
    let mut times: Vec<Duration> = Vec::with_capacity(count);
    let mut insert = connection.prepare("INSERT INTO t (body) VALUES (?1)")?;
    for _ in 0..count {
        let start = Instant::now();
        insert.execute([[7_u8; 200].as_slice()])?;
        times.push(start.elapsed());
    }
    Ok(Times::new(times))
}
