//! How syncing stands, and the button that syncs now.

use std::collections::BTreeSet;
use std::time::Duration;

use arise_core::clock::MINUTE;
use arise_core::{CourseId, NodeId};
use arise_store::node::database_size;
use arise_store::sync::quarantine;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::node::NodeView;
use super::{must_be_a_node, node};
use crate::app::{App, NodeType};
use crate::error::ApiResult;
use crate::extract::Json;

/// How long the button waits; a longer exchange goes on behind it. Requests are given up after 30 seconds.
const PATIENCE: Duration = Duration::from_secs(20);
const PROBE: Duration = Duration::from_secs(2);

#[derive(Serialize, JsonSchema)]
pub(crate) struct SyncStatus {
    /// `cloud` on the hub, else `local`.
    node_type: &'static str,
    node_id: NodeId,
    database_exists: bool,
    database_size_bytes: i64,
    database_size_human: String,
    cloud_url: Option<String>,
    auto_sync: bool,
    interval_seconds: u64,
    cloud_reachable: bool,
    joined: bool,
    syncing: bool,
    last_success: Option<String>,
    last_attempt: Option<String>,
    last_error: Option<SyncError>,
    /// Records here that the hub doesn't have.
    pending: i64,
    /// Records here that the hub can't take.
    refused: i64,
    /// How many of the hub's records are here.
    received: i64,
    hub_records: i64,
    /// The courses whose records the hub gives this server; nothing is all of them.
    course_ids: Option<BTreeSet<CourseId>>,
    /// On the hub: records of nodes that it can't take.
    quarantined: i64,
    /// On the hub: its nodes.
    peers: Vec<NodeView>,
}

/// What the last try came to, unless it succeeded.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SyncError {
    code: &'static str,
    message: String,
}

/// The fields of old, and what tells whether anything is still here alone.
pub(crate) async fn status(State(app): State<App>) -> ApiResult<Json<SyncStatus>> {
    let zone = app.zone();
    let is_hub = app.config.node_type == NodeType::Cloud;
    let (size, status, quarantined, peers) = {
        let zone = zone.clone();
        app.store
            .read(move |tx| {
                let peers = if is_hub { node::views(tx, &zone)? } else { vec![] };
                let quarantined = if is_hub { quarantine::list(tx)?.1 } else { 0 };
                Ok((database_size(tx)?, arise_sync::status(tx)?, quarantined, peers))
            })
            .await?
    };
    let joined_url = if is_hub { None } else { app.link.hub_url().await? };
    let last = app.link.last();
    let reachable = match &joined_url {
        Some(url) if !answered_lately(&app, last.tried_at) => app.link.reaches(url, PROBE).await,
        Some(_) => last.error.as_ref().is_none_or(|error| error.code != "hub_unreachable"),
        None => is_hub,
    };
    let interval = app.link.settings().interval;
    Ok(Json(SyncStatus {
        node_type: if is_hub { "cloud" } else { "local" },
        node_id: status.node,
        database_exists: true,
        database_size_bytes: size,
        database_size_human: human(size),
        cloud_url: joined_url.clone().or_else(|| app.config.cloud_url.clone()),
        auto_sync: joined_url.is_some() && interval.is_some(),
        interval_seconds: interval.map_or(0, |interval| interval.as_secs()),
        cloud_reachable: reachable,
        joined: joined_url.is_some(),
        syncing: last.running,
        last_success: status.synced_at.map(|at| zone.iso(at)),
        last_attempt: last.tried_at.map(|at| zone.iso(at)),
        last_error: last.error.map(|error| SyncError { code: error.code, message: error.message }),
        pending: status.waiting,
        refused: status.refused,
        received: status.gsn,
        hub_records: if is_hub { status.gsn } else { status.hub_gsn },
        course_ids: status.courses,
        quarantined,
        peers,
    }))
}

fn answered_lately(app: &App, tried_at: Option<i64>) -> bool {
    tried_at.is_some_and(|at| app.now() - at < MINUTE)
}

/// `1536` as `1.5 KB`.
fn human(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit after the point")]
    let mut size = bytes as f64 / 1_024.0;
    let mut unit = 0;
    while size >= 1_024.0 && unit + 1 < UNITS.len() {
        size /= 1_024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct SyncPushed {
    status: &'static str,
    message: String,
    cloud_response: Exchanged,
}

#[derive(Serialize, JsonSchema)]
struct Exchanged {
    /// Records that came, this server's own included, which the hub confirmed.
    received: usize,
    refused: usize,
    exchanges: usize,
    /// Whether it goes on in the background.
    going_on: bool,
    pending: i64,
    hub_records: i64,
}

/// Syncs now.
pub(crate) async fn push(State(app): State<App>) -> ApiResult<Json<SyncPushed>> {
    must_be_a_node(&app)?;
    let pushed = app.link.push(PATIENCE).await.map_err(|error| {
        let is_offline = error.code == "hub_unreachable";
        if is_offline { error.with("status", "offline") } else { error }
    })?;
    let status = app.link.status().await?;
    let message = if pushed.going_on {
        "There is much to sync. It goes on.".to_owned()
    } else if status.refused > 0 {
        format!("Synced. The hub couldn't take {} records.", status.refused)
    } else {
        "Synced".to_owned()
    };
    Ok(Json(SyncPushed {
        status: "success",
        message,
        cloud_response: Exchanged {
            received: pushed.received,
            refused: pushed.refused,
            exchanges: pushed.exchanges,
            going_on: pushed.going_on,
            pending: status.waiting,
            hub_records: status.hub_gsn,
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn sizes_are_said_as_people_say_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KB"),
            (1_536, "1.5 KB"),
            (85_983_232, "82.0 MB"),
            (5_000_000_000_000_000, "4547.5 TB"),
        ] {
            assert_eq!(human(bytes), text);
        }
    }
}
