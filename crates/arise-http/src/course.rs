//! Courses, as an administrator edits them.

use arise_core::{CourseId, Error, ErrorKind, Result, SemesterId, TeacherId};
use arise_store::course::{self, Course, CourseFields};
use arise_store::{Tx, semester, teacher};
use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::answer::{Created, Done, Made};
use crate::app::App;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Params, Who};
use crate::list::{Page, Search};

/// An hour, as most classes are.
const DEFAULT_MINUTES: i64 = 60;

/// What isn't said stays as it is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CourseBody {
    course_name: Option<String>,
    course_code: Option<String>,
    default_duration_minutes: Option<i64>,
    semester_id: Option<SemesterId>,
    /// `null` is a course without a teacher.
    #[serde(default, deserialize_with = "said")]
    teacher_id: Option<Option<TeacherId>>,
}

/// Tells `null` from a field that isn't there.
fn said<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<Option<TeacherId>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl CourseBody {
    fn over(self, tx: &mut Tx<'_>, known: CourseFields) -> Result<CourseFields> {
        if let Some(semester) = self.semester_id {
            names("semester_id", semester::get(tx, semester))?;
        }
        if let Some(Some(teacher)) = self.teacher_id {
            names("teacher_id", teacher::get(tx, teacher))?;
        }
        Ok(CourseFields {
            course_name: self.course_name.unwrap_or(known.course_name),
            course_code: self.course_code.unwrap_or(known.course_code),
            default_duration_minutes: self.default_duration_minutes.unwrap_or(known.default_duration_minutes),
            semester_id: self.semester_id.or(known.semester_id),
            teacher_id: self.teacher_id.unwrap_or(known.teacher_id),
        })
    }
}

/// An id in a body that names nothing is the fault of that field. Not found is for what the address names.
fn names<T>(field: &str, found: Result<T>) -> Result<T> {
    found.map_err(|error| match error.kind {
        ErrorKind::NotFound => Error::invalid(field, error.message),
        _ => error,
    })
}

pub(crate) async fn list(
    State(app): State<App>,
    Params(search): Params<Search>,
) -> ApiResult<Page<Vec<Course>>> {
    let (body, total) = app.store.read(move |tx| course::list(tx, &search.into())).await?;
    Ok(Page { body, total })
}

pub(crate) async fn get(State(app): State<App>, Id(id): Id<CourseId>) -> ApiResult<Json<Course>> {
    Ok(Json(app.store.read(move |tx| course::get(tx, id)).await?))
}

pub(crate) async fn create(
    State(app): State<App>,
    Who(actor): Who,
    Json(body): Json<CourseBody>,
) -> ApiResult<Created<Made>> {
    let id = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let blank = CourseFields {
                course_name: String::new(),
                course_code: String::new(),
                default_duration_minutes: DEFAULT_MINUTES,
                semester_id: None,
                teacher_id: None,
            };
            let fields = body.over(tx, blank)?;
            course::create(tx, &fields)
        })
        .await?;
    Ok(Made::saying("Course added", id))
}

pub(crate) async fn update(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
    Json(body): Json<CourseBody>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            let known = course::get(tx, id)?;
            let known = CourseFields {
                course_name: known.course_name,
                course_code: known.course_code,
                default_duration_minutes: known.default_duration_minutes,
                semester_id: known.semester_id,
                teacher_id: known.teacher_id,
            };
            let fields = body.over(tx, known)?;
            course::update(tx, id, &fields)
        })
        .await?;
    Ok(Done::saying("Course saved"))
}

pub(crate) async fn remove(
    State(app): State<App>,
    Who(actor): Who,
    Id(id): Id<CourseId>,
) -> ApiResult<Json<Done>> {
    app.store
        .write(move |tx| {
            tx.act_as(actor);
            course::archive(tx, id)
        })
        .await?;
    Ok(Done::saying("Course deleted"))
}
