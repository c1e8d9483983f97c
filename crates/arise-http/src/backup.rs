//! Backups of this node: making them, listing them, and putting one in the place of the records.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arise_core::clock::HOUR;
use arise_core::{Actor, Error, Result};
use arise_store::backup::{self, Backup, Backups, Reason};
use arise_store::{Tx, node};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::answer::Done;
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};

/// How long an answer waits for the work's end; what takes longer goes on by itself.
const PATIENCE: Duration = Duration::from_secs(20);

/// The one backup or restore that is under way, and how the last one ended.
#[derive(Default)]
pub(crate) struct Work {
    status: Mutex<Status>,
    /// Somebody asked for the one that is under way to end.
    stopping: AtomicBool,
}

#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[schemars(rename = "BackupProgress")]
pub(crate) struct Status {
    running: Option<Running>,
    last: Option<Value>,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "BackupRunning")]
struct Running {
    what: &'static str,
    percent: u8,
    started_at: String,
    /// Whether it can be stopped: a restore that has begun goes on to its end.
    can_stop: bool,
}

const BACKUP: &str = "backup";

impl Work {
    fn status(&self) -> std::sync::MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_at(&self, percent: u8) {
        if let Some(running) = &mut self.status().running {
            running.percent = percent;
        }
    }

    /// As [`Self::is_at`].
    ///
    /// # Errors
    /// `backup_stopped` once somebody asked for that.
    fn goes_on_at(&self, percent: u8) -> Result<()> {
        self.is_at(percent);
        if self.stopping.load(Ordering::SeqCst) {
            return Err(Error::conflict("backup_stopped", "The backup was stopped. Nothing of it is kept."));
        }
        Ok(())
    }

    /// # Errors
    /// `not_running`, and `cannot_stop` for a restore.
    fn stop(&self) -> Result<()> {
        let status = self.status();
        match &status.running {
            None => Err(Error::conflict("not_running", "Nothing is being done that could be stopped.")),
            Some(running) if !running.can_stop => Err(Error::conflict(
                "cannot_stop",
                format!("A {} that has begun goes on to its end.", running.what),
            )),
            Some(_) => {
                self.stopping.store(true, Ordering::SeqCst);
                Ok(())
            }
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Backup")]
pub(crate) struct BackupView {
    name: String,
    /// Bytes.
    size: u64,
    created_at: String,
    verified: bool,
    reason: Reason,
    records: i64,
}

impl App {
    fn backups(&self) -> Result<Backups> {
        self.config.backups.clone().ok_or_else(|| {
            Error::conflict("no_backups", "This server was started without a folder for backups.")
        })
    }

    fn view(&self, backup: Backup) -> BackupView {
        BackupView {
            name: backup.name,
            size: backup.size,
            created_at: self.zone().iso(backup.created_at),
            verified: backup.verified,
            reason: backup.reason,
            records: backup.records,
        }
    }

    /// Runs `job` in a thread of its own, alone. Answers what it comes to, or `None` when that takes long.
    async fn work(
        &self,
        what: &'static str,
        job: impl FnOnce(&App, Backups) -> Result<Value> + Send + 'static,
    ) -> Result<Option<Value>> {
        let backups = self.backups()?;
        {
            let mut status = self.work.status();
            if let Some(running) = &status.running {
                return Err(Error::conflict(
                    "busy",
                    format!("A {} is being done. Wait until it has ended.", running.what),
                ));
            }
            let started_at = self.zone().iso(self.now());
            self.work.stopping.store(false, Ordering::SeqCst);
            status.running = Some(Running { what, percent: 0, started_at, can_stop: what == BACKUP });
        }
        let app = self.clone();
        let work = spawn_blocking(move || {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job(&app, backups)))
                .unwrap_or_else(|_| Err(Error::internal(format!("a {what} panicked"))));
            let mut last = match &done {
                Ok(value) => value.clone(),
                Err(error) => {
                    if error.code == "backup_stopped" {
                        tracing::info!("a {what} was stopped");
                    } else {
                        tracing::error!(%error, "a {what} failed");
                    }
                    json!({"status": "error", "error": error.message, "code": error.code})
                }
            };
            last["what"] = json!(what);
            last["ended_at"] = json!(app.zone().iso(app.now()));
            *app.work.status() = Status { running: None, last: Some(last) };
            done
        });
        match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(done)) => done.map(Some),
            Ok(Err(error)) => Err(Error::internal(error.to_string())),
            Err(_) => Ok(None),
        }
    }

    async fn back_up(&self, reason: Reason, by: Actor) -> Result<Option<Value>> {
        self.work(BACKUP, move |app, backups| {
            let watch = |percent| app.work.goes_on_at(percent);
            let made = backups.make(app.store.location(), app.now(), reason, &watch)?;
            let name = made.name.clone();
            // Its being noted isn't what makes it good.
            let noted = app.store.write_blocking(move |tx| {
                tx.act_as(by);
                arise_store::audit::note(tx, "backed_up", &name, "")
            });
            if let Err(error) = noted {
                tracing::warn!(%error, "a backup couldn't be noted");
            }
            let mut answer = json!(app.view(made));
            answer["status"] = json!("success");
            Ok(answer)
        })
        .await
    }

    /// Makes a backup unless there is one that is younger than so many hours.
    ///
    /// # Errors
    /// Those of making it.
    pub async fn back_up_when_due(&self, hours: u64) -> Result<()> {
        let backups = self.backups()?;
        let list =
            spawn_blocking(move || backups.list()).await.map_err(|e| Error::internal(e.to_string()))??;
        let regular = |backup: &&Backup| matches!(backup.reason, Reason::Manual | Reason::Automatic);
        let newest = list.iter().find(regular).map(|backup| backup.created_at);
        let period = i64::try_from(hours).unwrap_or(i64::MAX).saturating_mul(HOUR);
        // One of the future was made while the clock was wrong, and says nothing.
        if newest.is_some_and(|at| (self.now() - at).abs() < period) {
            return Ok(());
        }
        self.back_up(Reason::Automatic, Actor::SYSTEM).await.map(|_| ())
    }
}

pub(crate) async fn list(State(app): State<App>) -> ApiResult<Json<Vec<BackupView>>> {
    let backups = app.backups()?;
    let list = spawn_blocking(move || backups.list()).await.map_err(|e| Error::internal(e.to_string()))??;
    Ok(Json(list.into_iter().map(|backup| app.view(backup)).collect()))
}

pub(crate) async fn create(State(app): State<App>, Who(actor): Who) -> ApiResult<Response> {
    if let Some(space) = app.store.space() {
        space.must_have_room()?;
    }
    let made = app.back_up(Reason::Manual, actor).await?;
    Ok(answer(made, StatusCode::CREATED))
}

/// What is under way, and how the last one ended.
pub(crate) async fn progress(State(app): State<App>) -> Json<Status> {
    Json(app.work.status().clone())
}

/// Stops the backup that is being made.
pub(crate) async fn stop(State(app): State<App>) -> ApiResult<Json<Done>> {
    app.work.stop()?;
    Ok(Done::saying("The backup is being stopped"))
}

/// The name of a backup's file. Whether there is such a one is seen later.
pub(crate) struct Name(String);

impl std::str::FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(Self(text.to_owned()))
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreBody {
    /// Only bring back what isn't there, and change nothing else.
    #[serde(default)]
    missing_only: bool,
}

/// What became of a restore.
#[derive(JsonSchema)]
#[schemars(rename = "Restored")]
#[expect(dead_code, reason = "for the API document; the work writes it")]
pub(crate) struct RestoreView {
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// Of one that only brings back what isn't there.
    #[serde(skip_serializing_if = "Option::is_none")]
    records_added: Option<i64>,
    /// In the backup.
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    records_set_aside: Option<i64>,
    /// The backup of what it replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
}

/// It takes long and goes on.
#[derive(JsonSchema)]
#[schemars(rename = "BackupWorkBegun")]
#[expect(dead_code, reason = "for the API document")]
pub(crate) struct WorkBegun {
    status: String,
    message: String,
}

pub(crate) async fn restore(
    State(app): State<App>,
    Who(actor): Who,
    Id(Name(name)): Id<Name>,
    Json(body): Json<RestoreBody>,
) -> ApiResult<Response> {
    app.backups()?.get(&name)?;
    let restored = if body.missing_only {
        app.work("restore", move |app, backups| {
            let progress = |percent| app.work.is_at(percent);
            let added = backup::add_missing(&app.store, &backups, &name, actor, &progress)?;
            Ok(json!({"status": "success", "records_added": added}))
        })
        .await?
    } else {
        app.work("restore", move |app, backups| {
            let shown = app.clone();
            let progress = move |percent| shown.work.is_at(percent);
            let restored = backup::replace(&app.store, &backups, &name, actor, progress)?;
            app.device_keys.forget();
            Ok(json!({
                "status": "success",
                "records": restored.records,
                "records_set_aside": restored.set_aside,
                "before": restored.before.name,
                "message": "The backup is in place. Who is logged in may have to log in again.",
            }))
        })
        .await?
    };
    if restored.is_some() {
        app.read_settings().await?;
    }
    Ok(answer(restored, StatusCode::OK))
}

fn answer(done: Option<Value>, status: StatusCode) -> Response {
    match done {
        Some(value) => (status, Json(value)).into_response(),
        None => {
            let message = "This takes a while and goes on. Look at its progress now and then.";
            (StatusCode::ACCEPTED, Json(json!({"status": "running", "message": message}))).into_response()
        }
    }
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Checked {
    #[schemars(extend("enum" = ["success", "error"]))]
    status: &'static str,
    problems: Vec<String>,
    /// The backup that was restored here last, if any.
    restored_from: Option<String>,
}

/// Looks whether the records are whole and counted right: `problems` is empty when all is well.
pub(crate) async fn check(State(app): State<App>) -> ApiResult<Json<Checked>> {
    let look = |tx: &mut Tx<'_>| Ok((arise_store::check::problems(tx)?, node::life(tx)?.restored));
    let (problems, restored) = app.store.read_settled(look).await?;
    let status = if problems.is_empty() { "success" } else { "error" };
    Ok(Json(Checked { status, problems, restored_from: restored.map(|(_, name)| name) }))
}
