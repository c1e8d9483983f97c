//! Teachers, as an administrator edits them. PINs come in and never go out.

use arise_core::{Error, TeacherId, text};
use arise_store::teacher::{self, Teacher};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::{Created, Done, Made};
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Who};
use crate::list::{Page, Search};

/// What isn't said stays as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
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
) -> ApiResult<Created<Made>> {
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
    Ok(Made::saying("Teacher added", id))
}

/// A new PIN ends every login under the old one.
pub(crate) async fn update(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<TeacherId>,
    Json(body): Json<TeacherBody>,
) -> ApiResult<Json<Done>> {
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
    Ok(Done::saying("Teacher saved"))
}

pub(crate) async fn remove(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<TeacherId>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            teacher::archive(tx, id)
        })
        .await?;
    Ok(Done::saying("Teacher deleted"))
}
