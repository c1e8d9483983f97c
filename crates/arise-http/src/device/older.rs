//! The older, unsigned protocol of scanners in the field.

use std::collections::BTreeMap;

use arise_core::{Error, Result, Source};
use arise_store::mark::Taken;
use arise_store::session::Session;
use arise_store::{WriteTx, enrolment, mark, session};
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::trust::{Caller, write};
use super::{ALREADY_MARKED, CHOOSE_SCANNER, MARKED, MAX_MARKS, NO_SESSION, NOT_ENROLLED};
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::Json;
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OlderSessionStatus")]
pub(crate) struct OpenNow {
    #[serde(rename = "isSessionActive")]
    is_active: bool,
    #[serde(rename = "sessionName")]
    name: String,
}

pub(crate) async fn legacy_status(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> ApiResult<Json<OpenNow>> {
    let session = match &caller {
        // Nothing is written, so that a poll every few seconds costs no commit.
        Caller::Legacy(id) => {
            let id = *id;
            app.store.read(move |tx| Ok(session::for_device(tx, id))).await?
        }
        _ => write(&app, caller, |tx, id| Ok(session::for_device(tx, id))).await?,
    };
    match session {
        Ok(session) => Ok(Json(OpenNow { is_active: true, name: session.course_code })),
        Err(error) if error.code == "choose_scanner" => {
            Ok(Json(OpenNow { is_active: false, name: CHOOSE_SCANNER.to_owned() }))
        }
        Err(error) if error.code == "no_session" => {
            Ok(Json(OpenNow { is_active: false, name: String::new() }))
        }
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct LegacyMark {
    class_roll_id: i64,
}

/// What an older scanner is told, with 400 when there is no session.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OlderAnswer")]
pub(crate) struct Answer {
    // Scanners in the field get the very bytes of old, in this order.
    #[schemars(extend("enum" = ["success", "duplicate", "not_enrolled", "error"]))]
    status: &'static str,
    /// For the display.
    message: &'static str,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let code = if self.status == "error" { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        (code, Json(self)).into_response()
    }
}

fn answer(status: &'static str, message: &'static str) -> Answer {
    Answer { status, message }
}

pub(crate) async fn legacy_mark(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(body): Json<LegacyMark>,
) -> ApiResult<Answer> {
    let outcome = write(&app, caller, move |tx, id| {
        let session = match session::for_device(tx, id) {
            Ok(session) => session,
            Err(error) if error.code == "choose_scanner" => return Ok(Err(CHOOSE_SCANNER)),
            Err(error) if error.code == "no_session" => return Ok(Err(NO_SESSION)),
            Err(error) => return Err(error),
        };
        legacy_take(tx, &session, body.class_roll_id, Source::Fingerprint).map(Ok)
    })
    .await?;
    Ok(match outcome {
        Ok(Some(Taken::New)) => answer("success", MARKED),
        Ok(Some(Taken::Duplicate)) => answer("duplicate", ALREADY_MARKED),
        Ok(None) => answer("not_enrolled", NOT_ENROLLED),
        Err(message) => answer("error", message),
    })
}

/// `None` when nobody in the course has this roll.
fn legacy_take(tx: &mut WriteTx<'_>, session: &Session, roll: i64, source: Source) -> Result<Option<Taken>> {
    let Some(student) = enrolment::student_by_roll(tx, session.course_id, roll, &session.held_on)? else {
        return Ok(None);
    };
    let now = tx.now();
    mark::observe(tx, session.id, &session.window, student.student_id, source, now).map(Some)
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct LegacyBulk {
    roll_ids: Vec<Value>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OlderQueueAnswer")]
pub(crate) struct BulkAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    success_count: i64,
    /// As they were sent.
    failed: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    /// What became of each, by what was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<BTreeMap<String, &'static str>>,
}

impl IntoResponse for BulkAnswer {
    fn into_response(self) -> Response {
        let code = if self.error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        (code, Json(self)).into_response()
    }
}

/// The queue of a scanner of the older protocol. It has no times, so it goes to the session open now.
pub(crate) async fn legacy_bulk(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Json(body): Json<LegacyBulk>,
) -> ApiResult<BulkAnswer> {
    if body.roll_ids.len() > MAX_MARKS {
        return Err(Error::invalid("roll_ids", format!("Send at most {MAX_MARKS} rolls at once.")).into());
    }
    let answer = write(&app, caller, move |tx, id| {
        let session = match session::for_device(tx, id) {
            Ok(session) => session,
            Err(error) if error.code == "choose_scanner" || error.code == "no_session" => {
                let message = if error.code == "no_session" { NO_SESSION } else { CHOOSE_SCANNER };
                return Ok(BulkAnswer {
                    error: Some(message),
                    message: Some(message),
                    success_count: 0,
                    failed: body.roll_ids,
                    details: None,
                });
            }
            Err(error) => return Err(error),
        };
        let mut success = 0;
        let mut failed = Vec::new();
        let mut details = BTreeMap::new();
        for given in &body.roll_ids {
            let name = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
            let roll =
                given.as_i64().or_else(|| given.as_str()?.trim().parse().ok()).filter(|roll| *roll >= 1);
            let word = match roll {
                None => "invalid_roll_id",
                Some(roll) => match legacy_take(tx, &session, roll, Source::ScannerQueue)? {
                    Some(Taken::New) => "success",
                    Some(Taken::Duplicate) => "already_marked",
                    None => "not_enrolled",
                },
            };
            if word == "success" || word == "already_marked" {
                success += 1;
            } else {
                failed.push(given.clone());
            }
            details.insert(name, word);
        }
        Ok(BulkAnswer { error: None, message: None, success_count: success, failed, details: Some(details) })
    })
    .await?;
    Ok(answer)
}
