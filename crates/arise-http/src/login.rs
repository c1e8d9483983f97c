//! Logging in and out, and who is logged in.

use arise_core::{Actor, CourseId, Error, Role, TeacherId, text};
use arise_store::course::Course;
use arise_store::{admin, audit, course, login, student, teacher};
use axum::extract::State;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::authorize;
use crate::cookie;
use crate::error::ApiResult;
use crate::extract::{Json, Who};
use crate::password::Verdict;

/// An account as it is looked up for a login.
struct Account<More> {
    actor: Actor,
    name: String,
    hash: String,
    /// Goes into the answer.
    more: More,
}

/// Who has logged in. The token goes into the header `Authorization: Bearer …`; browsers also get it as a cookie.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{More}LoggedIn")]
pub(crate) struct LoggedIn<More> {
    status: &'static str,
    token: String,
    role: Role,
    name: String,
    expires_at: String,
    #[serde(flatten)]
    more: More,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Admin")]
pub(crate) struct OfAdmin {
    /// Whether a new password must be chosen before anything else works.
    must_change_password: bool,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Teacher")]
pub(crate) struct OfTeacher {
    /// The course whose code was given, else the first of their courses.
    course_id: Option<CourseId>,
    course_name: Option<String>,
    course_code: Option<String>,
    default_duration: Option<i64>,
    teacher: LoggedInTeacher,
    courses: Vec<Course>,
}

#[derive(Serialize, JsonSchema)]
struct LoggedInTeacher {
    id: TeacherId,
    teacher_name: String,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Student")]
pub(crate) struct OfStudent {
    student_name: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminLogin {
    username: String,
    password: String,
}

pub(crate) async fn admin(
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<AdminLogin>,
) -> ApiResult<Response> {
    let username = body.username.clone();
    let account = app
        .store
        .read(move |tx| {
            Ok(admin::by_username(tx, &username)?.map(|admin| Account {
                actor: Actor::new(Role::Admin, admin.id),
                name: admin.username,
                hash: admin.password_hash,
                more: OfAdmin { must_change_password: admin.must_change_password },
            }))
        })
        .await?;
    enter(
        &app,
        &headers,
        &format!("admin {}", body.username),
        account,
        body.password,
        "The name or password is wrong.",
    )
    .await
}

/// By the code of one of their courses, or by their own code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeacherLogin {
    course_code: Option<String>,
    teacher_code: Option<String>,
    pin: String,
}

pub(crate) async fn teacher(
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<TeacherLogin>,
) -> ApiResult<Response> {
    let (course_code, teacher_code) = (body.course_code.clone(), body.teacher_code.clone());
    if course_code.is_none() && teacher_code.is_none() {
        return Err(Error::invalid("course_code", "Give a course code or a teacher code.").into());
    }
    let account = app
        .store
        .read(move |tx| {
            let course = match &course_code {
                Some(code) => course::by_code(tx, code)?,
                None => None,
            };
            let found = match (&course, &teacher_code) {
                (Some(course), _) => course.teacher_id,
                (None, Some(code)) => teacher::by_code(tx, code)?.map(|teacher| teacher.id),
                (None, None) => None,
            };
            let Some((id, name, hash)) = found.map(|id| teacher::pin_hash(tx, id)).transpose()?.flatten()
            else {
                return Ok(None);
            };
            let courses = course::of_teacher(tx, id)?;
            let chosen = course.or_else(|| courses.first().cloned());
            let more = OfTeacher {
                course_id: chosen.as_ref().map(|c| c.id),
                course_name: chosen.as_ref().map(|c| c.course_name.clone()),
                course_code: chosen.as_ref().map(|c| c.course_code.clone()),
                default_duration: chosen.as_ref().map(|c| c.default_duration_minutes),
                teacher: LoggedInTeacher { id, teacher_name: name.clone() },
                courses,
            };
            Ok(Some(Account { actor: Actor::new(Role::Teacher, id), name, hash, more }))
        })
        .await?;
    // One count per teacher, whichever of their codes is tried.
    let key = match &account {
        Some(account) => format!("teacher {}", account.actor.id),
        None => format!("teacher {:?} {:?}", body.course_code, body.teacher_code),
    };
    enter(&app, &headers, &key, account, body.pin, "The code or PIN is wrong.").await
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StudentLogin {
    university_roll_no: String,
    password: String,
}

pub(crate) async fn student(
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<StudentLogin>,
) -> ApiResult<Response> {
    let roll = body.university_roll_no.clone();
    let account = app
        .store
        .read(move |tx| {
            let Some(student) = student::by_roll(tx, &roll)? else { return Ok(None) };
            Ok(student::password_hash(tx, student.id)?.map(|(id, name, hash)| Account {
                actor: Actor::new(Role::Student, id),
                more: OfStudent { student_name: name.clone() },
                name,
                hash,
            }))
        })
        .await?;
    let key = match &account {
        Some(account) => format!("student {}", account.actor.id),
        None => format!("student {}", body.university_roll_no),
    };
    enter(&app, &headers, &key, account, body.password, "The roll number or password is wrong.").await
}

/// Checks the password and answers with a token, in the body and as a cookie.
async fn enter<More: Serialize>(
    app: &App,
    headers: &HeaderMap,
    key: &str,
    account: Option<Account<More>>,
    typed: String,
    refusal: &'static str,
) -> ApiResult<Response> {
    // Keys of accounts that don't exist come from outside and have any length.
    let key: String = key.to_lowercase().chars().take(200).collect();
    let counted = key.clone();
    app.store
        .write(move |tx| {
            login::check(tx, &counted)?;
            login::failed(tx, &counted)
        })
        .await?;
    let hash = account.as_ref().map(|account| account.hash.clone());
    let verdict = app.hasher.verify(hash, typed.clone()).await?;
    let who = account.as_ref().map(|account| format!("{} {}", account.actor.role.as_str(), account.name));
    let (Some(mut account), true) = (account, verdict != Verdict::Wrong) else {
        // What was typed isn't kept: it may have been a password in the wrong field.
        let who = who.unwrap_or_else(|| "an account that doesn't exist".to_owned());
        app.store.write(move |tx| login::note_refused(tx, &who)).await?;
        return Err(Error::unauthorized("wrong_login", refusal).into());
    };
    let renewed = match verdict {
        Verdict::RightButOld => Some(app.hasher.hash(typed).await?),
        _ => None,
    };
    let (actor, new_hash) = (account.actor, renewed.clone());
    app.store
        .write(move |tx| {
            login::succeeded(tx, &key)?;
            tx.act_as(actor);
            login::note_entered(tx)?;
            match new_hash {
                Some(hash) => set_hash(tx, actor, &hash),
                None => Ok(()),
            }
        })
        .await?;
    if let Some(hash) = renewed {
        account.hash = hash;
    }
    let now = app.now();
    let token = app.tokens.issue(account.actor, &account.hash, now)?;
    let cookie = cookie::set(&token.text, token.expires_at, now, cookie::is_https(headers));
    let answer = LoggedIn {
        status: "success",
        token: token.text,
        role: account.actor.role,
        name: account.name,
        expires_at: app.zone().iso(token.expires_at),
        more: account.more,
    };
    Ok(([(header::SET_COOKIE, cookie)], Json(answer)).into_response())
}

fn set_hash(tx: &mut arise_store::WriteTx<'_>, actor: Actor, hash: &str) -> arise_core::Result<()> {
    use arise_core::{AdminId, StudentId};
    match actor.role {
        Role::Admin => {
            // The same password, hashed anew: whether it must be changed stays as it was.
            let must_change =
                admin::get(tx, AdminId(actor.id))?.is_some_and(|admin| admin.must_change_password);
            admin::set_password(tx, AdminId(actor.id), hash, must_change)
        }
        Role::Teacher => teacher::set_pin_hash(tx, TeacherId(actor.id), hash),
        Role::Student => student::set_password_hash(tx, StudentId(actor.id), hash),
        Role::Device | Role::System => Ok(()),
    }
}

/// All but the last are nothing when nobody is logged in.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "WhoAmI")]
pub(crate) struct Me {
    role: Option<Role>,
    id: Option<uuid::Uuid>,
    name: Option<String>,
    expires_at: Option<String>,
    must_change_password: bool,
}

/// Who is logged in. A browser that has no login yet asks this too, and that is no fault of anybody.
pub(crate) async fn me(State(app): State<App>, method: Method, headers: HeaderMap) -> ApiResult<Json<Me>> {
    if !authorize::shows_login(&headers) {
        return Ok(Json(Me::default()));
    }
    let login = authorize::identify(&app, &method, &headers).await?;
    Ok(Json(Me {
        role: Some(login.actor.role),
        id: Some(login.actor.id),
        name: Some(login.name),
        expires_at: Some(app.zone().iso(login.expires * 1_000)),
        must_change_password: login.must_change_password,
    }))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct LoggedOut {
    status: &'static str,
}

/// Forgets the browser's cookie. Answers the same whether or not there was one.
pub(crate) async fn logout() -> Response {
    ([(header::SET_COOKIE, cookie::clear())], Json(LoggedOut { status: "success" })).into_response()
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    current_password: String,
    new_password: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct NewToken {
    status: &'static str,
    token: String,
}

/// An administrator chooses a new password. Every other login under the old one ends.
pub(crate) async fn change_admin_password(
    State(app): State<App>,
    Who(actor): Who,
    headers: HeaderMap,
    Json(body): Json<NewPassword>,
) -> ApiResult<Response> {
    if actor.role != Role::Admin {
        return Err(Error::forbidden("wrong_role", "Your account can't do this.").into());
    }
    let new = text::password("new_password", &body.new_password)?;
    if new.eq_ignore_ascii_case("admin") || new == body.current_password {
        return Err(Error::invalid("new_password", "Choose a password that wasn't used here before.").into());
    }
    let id = arise_core::AdminId(actor.id);
    let admin = app.store.read(move |tx| admin::get(tx, id)).await?;
    let admin = admin.ok_or_else(|| Error::not_found("administrator"))?;
    let (key, username) = (format!("admin {}", admin.username.to_lowercase()), admin.username);
    let counted = key.clone();
    app.store
        .write(move |tx| {
            login::check(tx, &counted)?;
            login::failed(tx, &counted)
        })
        .await?;
    if app.hasher.verify(Some(admin.password_hash), body.current_password).await? == Verdict::Wrong {
        return Err(Error::unauthorized("wrong_login", "The current password is wrong.").into());
    }
    let hash = app.hasher.hash(new).await?;
    let stored = hash.clone();
    app.store
        .write(move |tx| {
            login::succeeded(tx, &key)?;
            tx.act_as(actor);
            audit::note(tx, "password_changed", &username, "")?;
            admin::set_password(tx, id, &stored, false)
        })
        .await?;
    let now = app.now();
    let token = app.tokens.issue(actor, &hash, now)?;
    let cookie = cookie::set(&token.text, token.expires_at, now, cookie::is_https(&headers));
    Ok(([(header::SET_COOKIE, cookie)], Json(NewToken { status: "success", token: token.text }))
        .into_response())
}
