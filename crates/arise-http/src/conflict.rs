//! What syncing brings that somebody should look at: fields with several values, rows that are there twice, and marks of
//! what was deleted.

use arise_core::{OpId, Result, SessionId, StudentId};
use arise_store::conflict::{self, Conflict};
use arise_store::double::{self, Doubles, Merged};
use arise_store::review::{self, DeletedSession, DeletedStudent, MergedStudent, Reviewed};
use arise_store::sync::{peer, quarantine};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::answer::Done;
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};

/// All that waits for an administrator's decision.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ToDecide {
    /// At most 200; the first come first.
    conflicts: Vec<Conflict>,
    total_conflicts: i64,
    doubles: Vec<Doubles>,
    deleted_sessions: Vec<DeletedSession>,
    deleted_students: Vec<DeletedStudent>,
    /// Those who can be parted again, the latest 200.
    merged_students: Vec<MergedStudent>,
    /// On the hub: records of nodes that it can't take, the latest 500.
    quarantined: Vec<QuarantinedView>,
    total_quarantined: i64,
}

/// A record that the hub can't take.
#[derive(Serialize, JsonSchema)]
struct QuarantinedView {
    id: OpId,
    kind: String,
    entity_id: Uuid,
    subject_id: Option<Uuid>,
    /// too_large, invalid_text, malformed, missing_parent, missing_session, missing_student, missing_course or unusable.
    code: String,
    node_name: String,
    received_at: String,
}

pub(crate) async fn list(State(app): State<App>) -> ApiResult<Json<ToDecide>> {
    let zone = app.zone();
    let all = app
        .store
        .read(move |tx| {
            let (conflicts, total_conflicts) = conflict::list(tx)?;
            let (records, total_quarantined) = quarantine::list(tx)?;
            let peers = if records.is_empty() { vec![] } else { peer::list(tx)? };
            let quarantined = records.into_iter().map(|one| QuarantinedView {
                id: one.record.id,
                kind: one.record.kind,
                entity_id: one.record.entity,
                subject_id: (!one.record.subject.is_nil()).then_some(one.record.subject),
                code: one.code,
                node_name: peers
                    .iter()
                    .find(|peer| peer.id == one.peer)
                    .map(|peer| peer.name.clone())
                    .unwrap_or_default(),
                received_at: zone.iso(one.received_at),
            });
            Ok(ToDecide {
                conflicts,
                total_conflicts,
                doubles: double::list(tx)?,
                deleted_sessions: review::sessions(tx)?,
                deleted_students: review::students(tx)?,
                merged_students: review::merged(tx)?,
                quarantined: quarantined.collect(),
                total_quarantined,
            })
        })
        .await?;
    Ok(Json(all))
}

/// The value that stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Choice {
    record_id: OpId,
    field: String,
}

/// Keeps one of a field's values.
pub(crate) async fn settle(
    State(app): State<App>,
    Who(actor): Who,
    Json(choice): Json<Choice>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            conflict::settle(tx, choice.record_id, &choice.field)
        })
        .await?;
    Ok(Done::saying("Value kept"))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merge {
    /// The student who stays.
    into: StudentId,
}

/// What a merge moved, or what taking it back did.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MergeDone {
    status: &'static str,
    message: &'static str,
    #[serde(flatten)]
    moved: Merged,
}

/// Makes one student of two.
pub(crate) async fn merge(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<StudentId>,
    Json(body): Json<Merge>,
) -> ApiResult<Json<MergeDone>> {
    let moved = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            double::merge(tx, body.into, id)
        })
        .await?;
    Ok(Json(MergeDone { status: "success", message: "Students merged", moved }))
}

/// Takes a merge back.
pub(crate) async fn part(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<StudentId>,
) -> ApiResult<Json<MergeDone>> {
    let moved = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            double::part(tx, id)
        })
        .await?;
    Ok(Json(MergeDone { status: "success", message: "Merge taken back", moved }))
}

/// What to do with something deleted that got marks afterwards.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// Bring it back.
    Restore,
    /// It stays deleted.
    Leave,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Review {
    decision: Decision,
}

pub(crate) async fn review_session(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SessionId>,
    Json(body): Json<Review>,
) -> ApiResult<Json<Done>> {
    decide(&app, actor, Reviewed::Session(id), body.decision).await?;
    Ok(Done::saying("Session reviewed"))
}

pub(crate) async fn review_student(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<StudentId>,
    Json(body): Json<Review>,
) -> ApiResult<Json<Done>> {
    decide(&app, actor, Reviewed::Student(id), body.decision).await?;
    Ok(Done::saying("Student reviewed"))
}

async fn decide(app: &App, actor: arise_core::Actor, of: Reviewed, decision: Decision) -> Result<()> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            match decision {
                Decision::Restore => review::restore(tx, of),
                Decision::Leave => review::leave(tx, of),
            }
        })
        .await
}
