//! `POST /api/sync/exchange`: what a node sends, and what the hub answers.

use arise_core::clock::MINUTE;
use arise_core::{Error, ErrorKind, NodeId, Result};
use arise_link::hub::{Believed, believe};
use arise_link::seal::{MAX_SEAL, Purpose, Sealed, answer};
use arise_store::{WriteTx, audit};
use arise_sync::{MAX_BODY, Request as Asked};
use axum::Extension;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{hub_key, must_be_a_hub};
use crate::app::App;
use crate::error::{ApiError, ApiResult};

/// A request whose signature holds.
#[derive(Clone)]
pub(crate) struct Signed {
    believed: Believed,
    body: Bytes,
}

/// Checks the signature of a node's request, before anything else of it is read.
pub(crate) async fn check_signature(app: &App, request: Request) -> ApiResult<Request> {
    must_be_a_hub(app)?;
    let (mut parts, body) = request.into_parts();
    let body = to_bytes(body, MAX_BODY + MAX_SEAL).await.map_err(|_| {
        ApiError(Error::new(
            ErrorKind::TooLarge,
            "too_large",
            "This sync message is too large, or broke off.",
        ))
    })?;
    let node = Sealed::read(&body)?.node;
    let (_, hub) = hub_key(app).await?;
    let whole = body.clone();
    let believed =
        app.store.read(move |tx| believe(tx, Purpose::Exchange, &hub, &Sealed::read(&whole)?)).await;
    let believed = note_refused(app, node, believed).await?;
    parts.extensions.insert(Signed { believed, body });
    Ok(Request::from_parts(parts, Body::empty()))
}

/// Takes the node's records and answers with what it lacks.
pub(crate) async fn exchange(
    State(app): State<App>,
    Extension(Signed { believed, body }): Extension<Signed>,
) -> ApiResult<Response> {
    let _slot = app.hub_state.slots.acquire().await.map_err(|e| Error::internal(e.to_string()))?;
    let (secret, _) = hub_key(&app).await?;
    let node = believed.node;
    let done = take(&app, believed, body.clone()).await;
    let frame = note_refused(&app, node, done).await?;
    let sealed = answer(Purpose::Exchange, &secret, &body, &frame);
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], sealed).into_response())
}

async fn take(app: &App, believed: Believed, body: Bytes) -> Result<Vec<u8>> {
    // Where nobody waits for the milliseconds that a large one takes.
    let asked = app.store.read_patiently(move |_| Asked::decode(Sealed::read(&body)?.frame)).await?;
    if asked.node != believed.node {
        return Err(Error::unauthorized("signature_wrong", "This request was signed by another node."));
    }
    if let Some(space) = app.store.space() {
        // The node has its records still, and sends them again.
        space.must_have_room()?;
    }
    let enter = move |tx: &mut WriteTx<'_>| {
        believed.enter(tx)?;
        believed.use_counter(tx)
    };
    arise_sync::answer_after(&app.store, asked, enter).await
}

/// Puts a refused node into the audit trail, at most once a minute for each, and those that aren't known together.
pub(super) async fn note_refused<T>(app: &App, node: NodeId, done: Result<T>) -> Result<T> {
    let Err(error) = &done else { return done };
    if !matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Forbidden) {
        return done;
    }
    // A node whose clock was set back is told where to go on.
    if error.code == "replayed" {
        tracing::info!(%node, "a counter didn't rise");
        return done;
    }
    let code = error.code;
    let noted = app
        .store
        .write(move |tx| {
            let known = arise_store::sync::peer::find(tx, node)?;
            let (who, detail) = match known {
                Some(peer) => (peer.name, code.to_owned()),
                None => ("unknown node".to_owned(), format!("{code} {node}")),
            };
            let since = tx.now() - MINUTE;
            if audit::noted_since(tx, "node_refused", &who, since)? {
                return Ok(());
            }
            audit::note(tx, "node_refused", &who, &detail)
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(%error, %node, "a refused node couldn't be noted");
    }
    done
}
