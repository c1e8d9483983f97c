//! Taking an import of a list of students back.

use arise_core::{Error, StudentId};
use arise_store::import_job::{self as job, STUDENTS_UNDONE};
use arise_store::import_undo::{self, Made, Since};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};
use crate::import_job::{self, JobId};

/// The most students who are named.
const MAX_NAMED: usize = 100;

/// What taking it back does, or did.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "ImportUndo")]
pub(crate) struct Account {
    /// Whom the import added.
    added: usize,
    /// With whom nothing was done since: they are deleted.
    removed: usize,
    marked: usize,
    changed: usize,
    /// Who were deleted before.
    deleted: usize,
    /// Who stay, because they have marks or were changed since; at most 100 of them.
    kept: Vec<Kept>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportUndoKept")]
struct Kept {
    id: StudentId,
    student_name: String,
    university_roll_no: String,
    since: Since,
}

impl Account {
    fn add(&mut self, some: Vec<Made>) {
        for Made { id, student_name, university_roll_no, since } in some {
            self.added += 1;
            match since {
                Since::Nothing => self.removed += 1,
                Since::Marked => self.marked += 1,
                Since::Changed => self.changed += 1,
                Since::Deleted => self.deleted += 1,
            }
            if matches!(since, Since::Marked | Since::Changed) && self.kept.len() < MAX_NAMED {
                self.kept.push(Kept { id, student_name, university_roll_no, since });
            }
        }
    }
}

/// What became of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ImportUndone")]
pub(crate) struct Undone {
    status: &'static str,
    #[serde(flatten)]
    account: Account,
}

/// What it would do. Changes nothing.
pub(crate) async fn preview(State(app): State<App>, Id(id): Id<JobId>) -> ApiResult<Json<Account>> {
    let id = id.uuid();
    app.store.read(move |tx| import_undo::must_be_undoable(tx, id)).await?;
    let (mut account, mut after) = (Account::default(), StudentId(Uuid::nil()));
    loop {
        let some = app.store.read(move |tx| import_undo::some(tx, id, after)).await?;
        let Some(last) = some.last() else { return Ok(Json(account)) };
        after = last.id;
        account.add(some);
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewImportUndo")]
pub(crate) struct Wishes {
    /// Whether the answer is not to wait.
    #[serde(default)]
    background: bool,
}

/// Deletes whom an import added, some at a time, as a job of its own that can be followed and stopped.
pub(crate) async fn create(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<JobId>,
    Json(wishes): Json<Wishes>,
) -> ApiResult<Response> {
    let id = id.uuid();
    let total = app
        .store
        .read(move |tx| {
            import_undo::must_be_undoable(tx, id)?;
            import_undo::count(tx, id)
        })
        .await?;
    let (store, total) = (app.store.clone(), usize::try_from(total).unwrap_or_default());
    let ran =
        import_job::run(&app, actor, STUDENTS_UNDONE, total, wishes.background, move |own| async move {
            let (mut account, mut after) = (Account::default(), StudentId(Uuid::nil()));
            loop {
                let before = i64::try_from(account.added).unwrap_or(i64::MAX);
                let some = store
                    .write(move |tx| {
                        tx.act_as(actor);
                        let some = import_undo::undo_some(tx, id, after)?;
                        job::advance(tx, own, before + i64::try_from(some.len()).unwrap_or_default())?;
                        Ok(some)
                    })
                    .await?;
                let Some(last) = some.last() else { break };
                after = last.id;
                account.add(some);
            }
            serde_json::to_value(Undone { status: "success", account })
                .map_err(|e| Error::internal(format!("what an import's undo did couldn't be written: {e}")))
        });
    Ok(ran.await?.into_response())
}
