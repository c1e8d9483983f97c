//! Teachers, as an administrator edits them. PINs come in and never go out.

use arise_core::{Error, TeacherId, text};
use arise_store::teacher::{self, Teacher};
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Who};
use crate::list::{Page, Search};

/// What isn't said stays as it is.
#[derive(Deserialize)]
pub(crate) struct TeacherBody {
    teacher_name: Option<String>,
    teacher_code: Option<String>,
    pin: Option<String>,
}

impl TeacherBody {
    /// The hash of the new PIN. An empty one is a form's field that was left alone.
    async fn pin_hash(&self, app: &App) -> ApiResult<Option<String>> {
        let Some(pin) = self.pin.as_deref().filter(|pin| !pin.is_empty()) else { return Ok(None) };
        let pin = text::pin("pin", pin)?;
        Ok(Some(app.hasher.hash(pin).await?))
    }
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(search): Params<Search>,
) -> ApiResult<Page<Vec<Teacher>>> {
    let (body, total) = app.store.read(move |tx| teacher::list(tx, &search.into())).await?;
    Ok(Page { body, total })
}

pub(crate) async fn create(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<TeacherBody>,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let hash =
        body.pin_hash(&app).await?.ok_or_else(|| Error::invalid("pin", "Choose a PIN of six digits."))?;
    let id = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let name = body.teacher_name.unwrap_or_default();
            teacher::create(tx, &name, &body.teacher_code.unwrap_or_default(), &hash)
        })
        .await?;
    Ok((StatusCode::CREATED, Json(json!({"status": "success", "message": "Teacher added", "id": id}))))
}

/// A new PIN ends every login under the old one.
pub(crate) async fn update(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<TeacherId>,
    Json(body): Json<TeacherBody>,
) -> ApiResult<Json<Value>> {
    let hash = body.pin_hash(&app).await?;
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let known = teacher::get(tx, id)?;
            let name = body.teacher_name.unwrap_or(known.teacher_name);
            let code = body.teacher_code.unwrap_or(known.teacher_code);
            teacher::update(tx, id, &name, &code, hash.as_deref())
        })
        .await?;
    Ok(Json(json!({"status": "success", "message": "Teacher saved"})))
}

pub(crate) async fn remove(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<TeacherId>,
) -> ApiResult<Json<Value>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            teacher::archive(tx, id)
        })
        .await?;
    Ok(Json(json!({"status": "success", "message": "Teacher deleted"})))
}
