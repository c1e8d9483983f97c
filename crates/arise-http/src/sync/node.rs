//! On the hub: the nodes that sync with it, as administrators see and manage them.

use std::collections::{BTreeSet, HashMap};

use arise_core::zone::Zone;
use arise_core::{CourseId, Error, NodeId, Result, UtcMillis, text};
use arise_link::code::{self, Shared};
use arise_store::sync::peer::{self, Peer};
use arise_store::sync::place::{self, Place};
use arise_store::sync::scope::MAX_COURSES;
use arise_store::sync::{self};
use arise_store::{Tx, audit, course};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::must_be_a_hub;
use crate::answer::{Created, Done};
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};

/// A node as screens see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct NodeView {
    id: Uuid,
    name: String,
    /// invited, expired (its code), joined, or revoked.
    status: &'static str,
    /// The one that it is a copy of.
    copy_of: Option<Uuid>,
    joined_at: Option<String>,
    /// When the code of an invited node ends.
    expires_at: Option<String>,
    last_seen: Option<String>,
    /// Records that waited there when it was last seen.
    pending: i64,
    /// Records of the hub that it didn't have then or doesn't have now.
    behind: i64,
    /// The courses whose enrolments, sessions and marks it is given; nothing is all of them.
    course_ids: Option<BTreeSet<CourseId>>,
}

/// Every node and every place that waits for one.
pub(super) fn views(tx: &mut Tx<'_>, zone: &Zone) -> Result<Vec<NodeView>> {
    let (now, hub) = (tx.now(), sync::state(tx)?.position.gsn);
    let places = place::list(tx)?;
    let place_of: HashMap<NodeId, Uuid> =
        places.iter().filter_map(|place| Some((place.peer?, place.id))).collect();
    let shown = |node: NodeId| place_of.get(&node).copied().unwrap_or(node.0);
    let waiting = places.iter().filter(|place| place.peer.is_none()).map(|place| invited(place, zone, now));
    let mut views: Vec<NodeView> = waiting.collect();
    for Peer { id, name, joined_at, revoked_at, formerly, seen_at, gsn, waiting, courses, .. } in
        peer::list(tx)?
    {
        views.push(NodeView {
            id: shown(id),
            name,
            status: if revoked_at.is_some() { "revoked" } else { "joined" },
            copy_of: formerly.map(shown),
            joined_at: Some(zone.iso(joined_at)),
            expires_at: None,
            last_seen: seen_at.map(|at| zone.iso(at)),
            pending: waiting,
            behind: (hub - gsn).max(0),
            course_ids: courses,
        });
    }
    Ok(views)
}

fn invited(place: &Place, zone: &Zone, now: UtcMillis) -> NodeView {
    NodeView {
        id: place.id,
        name: place.name.clone(),
        status: if place.expires_at > now { "invited" } else { "expired" },
        copy_of: None,
        joined_at: None,
        expires_at: Some(zone.iso(place.expires_at)),
        last_seen: None,
        pending: 0,
        behind: 0,
        course_ids: place.courses.clone(),
    }
}

pub(crate) async fn list(State(app): State<App>) -> ApiResult<Json<Vec<NodeView>>> {
    must_be_a_hub(&app)?;
    let zone = app.zone();
    Ok(Json(app.store.read(move |tx| views(tx, &zone)).await?))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNode {
    name: String,
    /// The courses whose enrolments, sessions and marks it is given; all of them unless some are named.
    course_ids: Option<BTreeSet<CourseId>>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct NodeMade {
    status: &'static str,
    message: &'static str,
    id: Uuid,
    /// Works once; it is shown only here.
    join_code: String,
    expires_at: String,
}

/// Makes a place for a node and gives the code that takes it.
pub(crate) async fn create(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<NewNode>,
) -> ApiResult<Created<NodeMade>> {
    must_be_a_hub(&app)?;
    let name = text::required("name", &body.name, 60)?;
    let mut random = [0_u8; 15];
    getrandom::fill(&mut random)
        .map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
    let code = code::write(&random);
    let shared = Shared::of(&code);
    let place = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            audit::note(tx, "node_code_given", &name, "")?;
            must_be_courses(tx, body.course_ids.as_ref())?;
            place::make(tx, &name, &shared.print, &shared.key, body.course_ids)
        })
        .await?;
    Ok(Created(NodeMade {
        status: "success",
        message: "Node added",
        id: place.id,
        join_code: code,
        expires_at: app.zone().iso(place.expires_at),
    }))
}

/// What a node is to be given.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NodeScope {
    /// The courses whose enrolments, sessions and marks it is given; nothing is all of them.
    course_ids: Option<BTreeSet<CourseId>>,
}

/// Gives a node the records of some courses, or of all. What it has already, it keeps.
pub(crate) async fn set_scope(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<NodeId>,
    Json(scope): Json<NodeScope>,
) -> ApiResult<Json<Done>> {
    must_be_a_hub(&app)?;
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            must_be_courses(tx, scope.course_ids.as_ref())?;
            let name = place::set_scope(tx, id.0, &scope.course_ids)?;
            let detail = scope.course_ids.map_or_else(String::new, |courses| courses.len().to_string());
            audit::note(tx, "node_scope_changed", &name, &detail)
        })
        .await?;
    Ok(Done::saying("Node changed"))
}

/// # Errors
/// `invalid_field` unless all of them are there, `not_found`.
fn must_be_courses(tx: &mut Tx<'_>, courses: Option<&BTreeSet<CourseId>>) -> Result<()> {
    let Some(courses) = courses else { return Ok(()) };
    if courses.is_empty() || courses.len() > MAX_COURSES {
        let message = format!("Name 1 to {MAX_COURSES} courses, or leave them out for all.");
        return Err(Error::invalid("course_ids", message));
    }
    course::must_exist(tx, courses)
}

/// Shuts a node out, with its copies, or takes its code back.
pub(crate) async fn remove(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<NodeId>,
) -> ApiResult<Json<Done>> {
    must_be_a_hub(&app)?;
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let name = place::revoke(tx, id.0)?;
            audit::note(tx, "node_revoked", &name, "")
        })
        .await?;
    Ok(Done::saying("Node revoked"))
}
