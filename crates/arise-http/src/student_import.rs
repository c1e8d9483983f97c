//! A list of students from a file: CSV, or an Excel workbook.

use arise_core::{Error, Result, text};
use arise_import::students::{self, Outcome, Problem};
use arise_store::import_job::STUDENTS;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Who};
use crate::import_job::{self, MAX_LINES};
use crate::upload::Upload;

/// The file and the form around it, in bytes.
pub(crate) const MAX_BODY: usize = students::MAX_BYTES + 64 * 1024;

/// `file` and `default_password`; with `dry_run` nothing is changed, with `background` the answer doesn't wait.
pub(crate) async fn create(State(app): State<App>, Who(actor): Who, mut form: Upload) -> ApiResult<Response> {
    let dry_run = form.is_on("dry_run");
    let password = match form.text("default_password") {
        "" if dry_run => None,
        typed => Some(text::password("default_password", typed)?),
    };
    let file = form.take_file()?;
    let list = tokio::task::spawn_blocking(move || students::read(&file))
        .await
        .map_err(|e| Error::internal(format!("a list couldn't be read: {e}")))??;
    let (total, ignored) = (list.total, list.ignored_columns.clone());
    if dry_run {
        let outcome = list.preview(&app.store).await?;
        let answer = Imported { dry_run: Some(true), ..Imported::of(total, &ignored, &outcome) };
        return Ok(Json(answer).into_response());
    }
    let hash = app.hasher.hash(password.unwrap_or_default()).await?;
    let (store, background) = (app.store.clone(), form.is_on("background"));
    let ran = import_job::run(&app, actor, STUDENTS, total, background, move |job| async move {
        let outcome = list.add(&store, actor, job, &hash).await?;
        Imported::of(total, &ignored, &outcome).written()
    });
    Ok(ran.await?.into_response())
}

/// What became of a file of students.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportedStudents")]
pub(crate) struct Imported {
    status: &'static str,
    added: usize,
    skipped: usize,
    total: usize,
    /// What is wrong with the file, in a line each.
    errors: Vec<String>,
    /// The same, with row and column.
    row_errors: Vec<Problem>,
    /// How many there are, when not all are shown.
    errors_total: usize,
    ignored_columns: Vec<String>,
    /// There, and true, when nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

impl Imported {
    fn of(total: usize, ignored_columns: &[String], outcome: &Outcome) -> Self {
        let shown = &outcome.problems[..outcome.problems.len().min(MAX_LINES)];
        Self {
            status: "success",
            added: outcome.added,
            skipped: total - outcome.added,
            total,
            errors: shown.iter().map(Problem::line).collect(),
            row_errors: shown.to_vec(),
            errors_total: outcome.problems.len(),
            ignored_columns: ignored_columns.to_vec(),
            dry_run: None,
        }
    }

    fn written(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|e| Error::internal(format!("an import couldn't be written: {e}")))
    }
}
