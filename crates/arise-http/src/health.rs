//! Whether the server works.

use arise_store::space::{Room, Space};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::{App, NodeType};
use crate::extract::Json;

#[derive(Serialize, JsonSchema)]
pub(crate) struct Health {
    /// `healthy`, or `degraded` with 503.
    #[schemars(extend("enum" = ["healthy", "degraded"]))]
    status: &'static str,
    version: &'static str,
    environment: &'static str,
    #[schemars(extend("enum" = ["local", "cloud"]))]
    node_type: &'static str,
    #[schemars(extend("enum" = ["connected", "unreachable"]))]
    database: &'static str,
    /// The room on the database's disk.
    #[schemars(extend("enum" = ["enough", "low", "full", "missing"]))]
    disk: &'static str,
    institution: String,
    /// Where the hub is, of a classroom's server that knows one: online classes are held there.
    cloud_url: Option<String>,
}

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
    let body = Health {
        status,
        version: env!("CARGO_PKG_VERSION"),
        environment: node_type,
        node_type,
        database,
        disk,
        institution: settings.0.institution_name.clone(),
        cloud_url: app.config.cloud_url.clone(),
    };
    (code, Json(body)).into_response()
}
