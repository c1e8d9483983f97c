//! Semesters, as an administrator edits them.

use arise_core::SemesterId;
use arise_store::semester::{self, Semester};
use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::answer::{Created, Done, Made};
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Who};
use crate::list::{Page, Search};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SemesterBody {
    semester_name: String,
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(search): Params<Search>,
) -> ApiResult<Page<Vec<Semester>>> {
    let (body, total) = app.store.read(move |tx| semester::list(tx, &search.into())).await?;
    Ok(Page { body, total })
}

pub(crate) async fn create(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<SemesterBody>,
) -> ApiResult<Created<Made>> {
    let id = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            semester::create(tx, &body.semester_name)
        })
        .await?;
    Ok(Made::saying("Semester added", id))
}

pub(crate) async fn update(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SemesterId>,
    Json(body): Json<SemesterBody>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            semester::update(tx, id, &body.semester_name)
        })
        .await?;
    Ok(Done::saying("Semester saved"))
}

pub(crate) async fn remove(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<SemesterId>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            semester::archive(tx, id)
        })
        .await?;
    Ok(Done::saying("Semester deleted"))
}
