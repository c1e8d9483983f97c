//! Students, as an administrator edits them. Passwords come in and never go out.

use arise_core::{Error, StudentId, text};
use arise_store::student::{self, Student, StudentFields};
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
pub(crate) struct StudentBody {
    student_name: Option<String>,
    university_roll_no: Option<String>,
    enrollment_no: Option<String>,
    email1: Option<String>,
    email2: Option<String>,
    password: Option<String>,
}

impl StudentBody {
    /// The hash of the new password. An empty one is a form's field that was left alone.
    async fn password_hash(&self, app: &App) -> ApiResult<Option<String>> {
        let Some(password) = self.password.as_deref().filter(|password| !password.is_empty()) else {
            return Ok(None);
        };
        let password = text::password("password", password)?;
        Ok(Some(app.hasher.hash(password).await?))
    }

    fn over(self, known: StudentFields) -> StudentFields {
        StudentFields {
            student_name: self.student_name.unwrap_or(known.student_name),
            university_roll_no: self.university_roll_no.unwrap_or(known.university_roll_no),
            enrollment_no: self.enrollment_no.unwrap_or(known.enrollment_no),
            email1: self.email1.unwrap_or(known.email1),
            email2: self.email2.unwrap_or(known.email2),
        }
    }
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(search): Params<Search>,
) -> ApiResult<Page<Vec<Student>>> {
    let (body, total) = app.store.read(move |tx| student::list(tx, &search.into())).await?;
    Ok(Page { body, total })
}

pub(crate) async fn create(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<StudentBody>,
) -> ApiResult<Created<Made>> {
    let hash =
        body.password_hash(&app).await?.ok_or_else(|| Error::invalid("password", "Choose a password."))?;
    let id = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            student::create(tx, &body.over(StudentFields::default()), &hash)
        })
        .await?;
    Ok(Made::saying("Student added", id))
}

/// A new password ends every login under the old one.
pub(crate) async fn update(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<StudentId>,
    Json(body): Json<StudentBody>,
) -> ApiResult<Json<Done>> {
    let hash = body.password_hash(&app).await?;
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let known = student::get(tx, id)?;
            let known = StudentFields {
                student_name: known.student_name,
                university_roll_no: known.university_roll_no,
                enrollment_no: known.enrollment_no,
                email1: known.email1,
                email2: known.email2,
            };
            student::update(tx, id, &body.over(known), hash.as_deref())
        })
        .await?;
    Ok(Done::saying("Student saved"))
}

pub(crate) async fn remove(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<StudentId>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            student::archive(tx, id)
        })
        .await?;
    Ok(Done::saying("Student deleted"))
}
