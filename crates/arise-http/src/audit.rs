//! The audit trail.

use arise_core::Role;
use arise_store::audit::{self, Entry};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Params};

const DEFAULT_LIMIT: i64 = 100;

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Place {
    cursor: Option<Uuid>,
    limit: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub(crate) struct EntryView {
    id: Uuid,
    at: String,
    actor_role: Role,
    actor_id: Uuid,
    actor_name: String,
    action: String,
    entity_kind: String,
    entity_id: Option<Uuid>,
    entity_label: String,
    old: Map<String, Value>,
    new: Map<String, Value>,
    reason: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AuditTrail")]
pub(crate) struct Trail {
    entries: Vec<EntryView>,
    /// Where the next page begins; `null` on the last.
    next_cursor: Option<Uuid>,
}

pub(crate) async fn list(State(app): State<App>, Params(place): Params<Place>) -> ApiResult<Json<Trail>> {
    let zone = app.zone();
    let limit = place.limit.unwrap_or(DEFAULT_LIMIT);
    let (entries, next_cursor) = app.store.read(move |tx| audit::page(tx, place.cursor, limit)).await?;
    let view = |entry: Entry| EntryView {
        id: entry.id,
        at: zone.iso(entry.at),
        actor_role: entry.actor_role,
        actor_id: entry.actor_id,
        actor_name: entry.actor_name,
        action: entry.action,
        entity_kind: entry.entity_kind,
        entity_id: entry.entity_id,
        entity_label: entry.entity_label,
        old: entry.old,
        new: entry.new,
        reason: entry.reason,
    };
    Ok(Json(Trail { entries: entries.into_iter().map(view).collect(), next_cursor }))
}
