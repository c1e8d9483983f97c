//! Whether the server works.

use arise_store::space::{Room, Space};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::{App, NodeType};
use crate::extract::Json;

/// `healthy`, or `degraded` with 503 when the database can't be read or its disk is short of room.
pub(crate) async fn get(State(app): State<App>) -> Response {
    let read = app.store.read(|tx| tx.query("SELECT 1", &[]).map(|_| ())).await;
    let database = if read.is_ok() { "connected" } else { "unreachable" };
    let disk = match app.store.space().map(Space::room) {
        None | Some(Room::Enough) => "enough",
        Some(Room::Low) => "low",
        Some(Room::None) => "full",
        Some(Room::Missing) => "missing",
    };
    let (code, status) = if read.is_ok() && disk == "enough" {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "degraded")
    };
    let node_type = if app.config.node_type == NodeType::Cloud { "cloud" } else { "local" };
    let settings = app.settings();
    let body = json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "environment": node_type,
        "node_type": node_type,
        "database": database,
        "disk": disk,
        "institution": settings.0.institution_name,
    });
    (code, Json(body)).into_response()
}
