//! Exchanges that are walked as files.

use arise_core::{Error, Result};
use arise_link::file::{self, Writer};
use arise_store::audit;
use arise_sync::Outcome;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::{must_be_a_hub, must_be_a_node};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::extract::{Json, Raw, Who};

/// Bytes of an imported file.
pub(crate) const MAX_FILE: usize = file::MAX_FILE;

/// A file as it was written, in a body.
pub(crate) struct SyncFile(Bytes);

impl<S: Send + Sync> FromRequest<S> for SyncFile {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Raw::from_request(request, state).await.map(|Raw(bytes)| Self(bytes))
    }
}

/// What became of the hub's file.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SyncFileTaken {
    status: &'static str,
    message: &'static str,
    received: usize,
    refused: usize,
    /// Whether to walk once more.
    more: bool,
}

/// On a node: a file with all that waits, to be walked to the hub.
pub(crate) async fn export(State(app): State<App>) -> ApiResult<Response> {
    must_be_a_node(&app)?;
    let file = file::export(&app.store).await?;
    Ok(download("arise-node.sync", file))
}

/// On the hub: takes a node's file; the answer is the file that is walked back. On a node: takes that file.
pub(crate) async fn import(
    State(app): State<App>,
    Who(actor): Who,
    SyncFile(body): SyncFile,
) -> ApiResult<Response> {
    match file::writer(&body)? {
        Writer::Node => {
            must_be_a_hub(&app)?;
            let (node, answer) = file::answer(&app.store, &body).await?;
            app.store
                .write(move |tx| {
                    tx.act_as(actor);
                    let name = arise_store::sync::peer::find(tx, node)?.map(|peer| peer.name);
                    audit::note(tx, "node_file_taken", &name.unwrap_or_default(), "")
                })
                .await?;
            Ok(download("arise-hub.sync", answer))
        }
        Writer::Hub => {
            must_be_a_node(&app)?;
            let progress = file::accept(&app.store, &body).await?;
            let message = said(progress.outcome)?;
            let (received, refused, more) = (progress.received, progress.refused, progress.more);
            let status = "success";
            Ok(Json(SyncFileTaken { status, message, received, refused, more }).into_response())
        }
    }
}

/// What became of the hub's file, for people.
fn said(outcome: Outcome) -> Result<&'static str> {
    match outcome {
        Outcome::Taken => Ok("Synced"),
        Outcome::Reset => {
            Ok("The hub was restored from a backup. Walk one more file to it, with all that is here.")
        }
        Outcome::Rekeyed => {
            Ok("There is a copy of this server. Walk one more file to the hub, under its new id.")
        }
        Outcome::Ignored => Err(Error::conflict(
            "answer_unusable",
            "This file was taken already, or answers an older one. Export again and walk that.",
        )),
    }
}

fn download(name: &str, file: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, file).into_response()
}
