//! The database of the older system, as a file.

use std::path::PathBuf;

use arise_core::{Error, Result};
use arise_import::v1::{self, Account, Import, Origin, Scope};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Json, Params, Who};
use crate::import_job;
use crate::upload::{self, broken, is_on};

/// In bytes; larger files are imported on the server itself.
pub(crate) const MAX_BODY: usize = 256 * 1024 * 1024;
/// The longest word of the form.
const MAX_WORD: usize = 200;

/// What the address or the form may say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Wishes {
    /// Change nothing, and say what would come of it.
    dry_run: String,
    /// The older server's name, where there are several.
    node: String,
    /// Don't wait for the end.
    background: String,
}

pub(crate) async fn create(
    State(app): State<App>,
    Who(actor): Who,
    Params(mut wishes): Params<Wishes>,
    request: Request,
) -> ApiResult<Response> {
    let turn = turn(&app)?;
    let mut form = upload::form(request, &app).await?;
    let mut file = None;
    while let Some(mut field) = form.next_field().await.map_err(|error| broken(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            file = Some(upload::to_file(&mut field).await?);
            continue;
        }
        let word = field.text().await.map_err(|error| broken(&error))?;
        let word = word.chars().take(MAX_WORD).collect();
        match name.as_str() {
            "dry_run" => wishes.dry_run = word,
            "node" => wishes.node = word,
            "background" => wishes.background = word,
            _ => {}
        }
    }
    let file = file.ok_or_else(|| Error::invalid("file", "Choose a file."))?;
    let import = read(&app, file.path().to_owned(), Origin::named(&wishes.node)?).await?;
    drop(file);
    let today = app.zone().date(app.now());
    if is_on(&wishes.dry_run) {
        let account = import.preview(&app.store, &today).await?;
        return Ok(Json(Imported { status: "success", account, dry_run: Some(true) }).into_response());
    }
    let (store, total) = (app.store.clone(), import.total());
    let ran =
        import_job::run(&app, actor, "arise_v1", total, is_on(&wishes.background), move |job| async move {
            let _turn = turn;
            answer(import.run(&store, actor, Some(job), Scope::File, &today).await?)
        });
    Ok(ran.await?.into_response())
}

/// # Errors
/// `import_running` while another one comes in.
pub(crate) fn turn(app: &App) -> Result<OwnedSemaphorePermit> {
    app.v1_imports.clone().try_acquire_owned().map_err(|_| {
        let mut busy = Error::unavailable(
            "import_running",
            "Another database of the older system is being imported. Try again when it is done.",
        );
        busy.retry_after = Some(30);
        busy
    })
}

pub(crate) async fn read(app: &App, path: PathBuf, origin: Origin) -> Result<Import> {
    let (zone, now) = (app.zone(), app.now());
    tokio::task::spawn_blocking(move || v1::read(&path, origin, &zone, now))
        .await
        .map_err(|e| Error::internal(format!("a file couldn't be read: {e}")))?
}

/// What became of the older system's rows.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportedDatabase")]
pub(crate) struct Imported {
    status: &'static str,
    #[serde(flatten)]
    account: Account,
    /// There, and true, when nothing was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

pub(crate) fn answer(account: Account) -> Result<Value> {
    let imported = Imported { status: "success", account, dry_run: None };
    serde_json::to_value(imported).map_err(|e| Error::internal(format!("an import couldn't be written: {e}")))
}
