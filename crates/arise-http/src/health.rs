//! Whether the server works.

use arise_core::Error;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::{App, NodeType};
use crate::extract::Json;

/// `healthy`, or `degraded` with 503 when the database can't be read.
pub(crate) async fn get(State(app): State<App>) -> Response {
    let read = app.store.read(|tx| tx.query("SELECT 1", &[]).map(|_| ())).await;
    let (code, status, database) = match &read {
        Ok(()) => (StatusCode::OK, "healthy", "connected"),
        Err(Error { .. }) => (StatusCode::SERVICE_UNAVAILABLE, "degraded", "unreachable"),
    };
    let node_type = if app.config.node_type == NodeType::Cloud { "cloud" } else { "local" };
    let settings = app.settings();
    let body = json!({
        "status": status,
        "version": env!("CARGO_PKG_VERSION"),
        "environment": node_type,
        "node_type": node_type,
        "database": database,
        "institution": settings.0.institution_name,
    });
    (code, Json(body)).into_response()
}
