//! Imports that may take a while: most are answered when they are done, long ones say how to follow them.

use std::time::Duration;

use arise_core::{Actor, Error, Result};
use arise_store::import_job::{self, Job, State};
use axum::extract::State as AppState;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};

/// How long an answer waits for its import. Well below the time limit of a request.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most lines an answer shows of what is wrong with a file.
pub(crate) const MAX_LINES: usize = 1_000;

/// An id that can't be read names no import.
pub(crate) struct JobId(Uuid);

impl JobId {
    pub(crate) fn uuid(&self) -> Uuid {
        self.0
    }
}

impl std::str::FromStr for JobId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uuid::parse_str(text).map(Self).map_err(|_| Error::not_found("import"))
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportProgress")]
pub(crate) struct Progress {
    id: Uuid,
    kind: String,
    #[schemars(extend("enum" = ["running", "done", "failed", "interrupted", "cancelled"]))]
    status: &'static str,
    /// Rows that were looked at.
    done: i64,
    total: i64,
    /// What the import would have answered, once it is done; an error when it failed.
    result: Value,
    started_at: String,
}

/// An import that goes on.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportBegun")]
pub(crate) struct Begun {
    status: &'static str,
    message: &'static str,
    job_id: Uuid,
    total: usize,
    /// Where to ask how far it is.
    progress: String,
}

/// The imports that are listed.
const MAX_LISTED: i64 = 50;

/// The latest imports.
pub(crate) async fn list(AppState(app): AppState<App>) -> ApiResult<Json<Vec<Progress>>> {
    let jobs = app.store.read(|tx| import_job::list(tx, MAX_LISTED)).await?;
    // What one answered is told to who asks for it.
    let listed = jobs.into_iter().map(|job| progress(&app, Job { result: Value::Null, ..job }));
    Ok(Json(listed.collect()))
}

pub(crate) async fn get(AppState(app): AppState<App>, Id(JobId(id)): Id<JobId>) -> ApiResult<Json<Progress>> {
    let job = app.store.read(move |tx| import_job::find(tx, id)).await?;
    Ok(Json(progress(&app, job.ok_or_else(|| Error::not_found("import"))?)))
}

pub(crate) async fn cancel(
    AppState(app): AppState<App>,
    Who(actor): Who,
    Id(JobId(id)): Id<JobId>,
) -> ApiResult<Json<Progress>> {
    let job = app.store.write(move |tx| {
        tx.act_as(actor);
        import_job::cancel(tx, id)
    });
    Ok(Json(progress(&app, job.await?)))
}

fn progress(app: &App, job: Job) -> Progress {
    let Job { id, kind, state, done, total, result, created_at } = job;
    let started_at = app.zone().iso(created_at);
    Progress { id, kind, status: state.as_str(), done, total, result, started_at }
}

/// What came of [`run`].
pub(crate) enum Ran {
    /// It is done, and this is its answer.
    Done(Value),
    /// It goes on; here is what it is.
    On { job: Uuid, total: usize },
}

impl IntoResponse for Ran {
    fn into_response(self) -> Response {
        match self {
            Self::Done(answer) => Json(answer).into_response(),
            Self::On { job, total } => {
                let body = Begun {
                    status: "running",
                    message: "The import goes on. Ask for its progress until it is done.",
                    job_id: job,
                    total,
                    progress: format!("/api/admin/imports/{job}"),
                };
                (StatusCode::ACCEPTED, Json(body)).into_response()
            }
        }
    }
}

/// Runs `work` as a job that goes on whoever waits. It is waited for a while, unless it is a `background` job.
pub(crate) async fn run<F, W>(
    app: &App,
    actor: Actor,
    kind: &'static str,
    total: usize,
    background: bool,
    work: F,
) -> Result<Ran>
where
    F: FnOnce(Uuid) -> W,
    W: Future<Output = Result<Value>> + Send + 'static,
{
    let rows = i64::try_from(total).unwrap_or(i64::MAX);
    let job = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            import_job::start(tx, kind, rows)
        })
        .await?;
    let (work, store) = (work(job), app.store.clone());
    let mut running = tokio::spawn(async move {
        let outcome = work.await;
        let (state, result) = match &outcome {
            Ok(answer) => (State::Done, answer.clone()),
            Err(error) => (State::Failed, json!({"error": error.message, "code": error.code})),
        };
        store.write(move |tx| import_job::finish(tx, job, state, &result)).await?;
        outcome
    });
    if !background && let Ok(done) = tokio::time::timeout(PATIENCE, &mut running).await {
        return done.map_err(|e| Error::internal(format!("an import broke off: {e}")))?.map(Ran::Done);
    }
    Ok(Ran::On { job, total })
}
