//! A student's mark by code.

use arise_core::online::Origin;
use arise_core::totp::{self, Verdict};
use arise_core::{Actor, Error, Result, Role, Source, Status, StudentId};
use arise_store::mark::{self, Taken};
use arise_store::{WriteTx, enrolment, online};
use axum::extract::State;
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::browser::Browser;
use super::{Token, open_class};
use crate::app::App;
use crate::authorize;
use crate::error::ApiResult;
use crate::extract::Json;

/// What a student types.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub(crate) struct Attend {
    /// Not needed of a student who is logged in.
    #[serde(default)]
    pub(super) university_roll_no: String,
    #[serde(default)]
    pub(super) otp: String,
}

/// What became of it.
#[derive(Debug, Clone)]
pub(super) struct Attended {
    pub(super) outcome: Outcome,
    pub(super) student_name: String,
    pub(super) university_roll_no: String,
    pub(super) course_name: String,
    pub(super) course_code: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Marked(Status),
    Already,
    /// The teacher has said otherwise, and that stands.
    Overruled,
}

impl Attended {
    fn message(&self) -> String {
        let (name, course) = (&self.student_name, &self.course_name);
        match self.outcome {
            Outcome::Marked(Status::Late) => format!("{name}, you are marked late in {course}."),
            Outcome::Marked(_) => format!("{name}, you are marked present in {course}."),
            Outcome::Already => format!("{name}, you are marked already in {course}."),
            Outcome::Overruled => {
                format!("{name}, your teacher has decided your mark in {course}. Ask them.")
            }
        }
    }
}

/// Marks whoever has the right code: the logged-in student if there is one, else who the roll number names.
pub(super) async fn attend(
    app: &App,
    token: Token,
    typed: Attend,
    browser: &Browser,
    login: Option<StudentId>,
) -> Result<Attended> {
    app.must_be_hub()?;
    let (device, address) = (browser.device.clone(), browser.address);
    // A wrong code must be counted, and only what succeeds is kept: so the refusal comes out as a success.
    app.store.write_checked(move |tx| judge(tx, &token, &typed, device, address, login)).await?
}

fn judge(
    tx: &mut WriteTx<'_>,
    token: &Token,
    typed: &Attend,
    device: Option<Vec<u8>>,
    address: Option<std::net::IpAddr>,
    login: Option<StudentId>,
) -> Result<Result<Attended>> {
    let (class, session) = open_class(tx, token)?;
    let day = &session.held_on;
    let student = match login {
        Some(student) => enrolment::find_on(tx, session.course_id, student, day)?,
        None => enrolment::find_by_university_roll(tx, session.course_id, &typed.university_roll_no, day)?,
    };
    // Before the code is looked at: otherwise any roll number that nobody has would tell whether a code is right.
    let student = student.ok_or_else(|| {
        Error::forbidden(
            "not_enrolled",
            "This roll number isn't enrolled in this course. Check it, or ask your teacher.",
        )
    })?;
    let attended = |outcome| Attended {
        outcome,
        student_name: student.student_name.clone(),
        university_roll_no: student.university_roll_no.clone(),
        course_name: session.course_name.clone(),
        course_code: session.course_code.clone(),
    };
    let id = student.student_id;
    if let Some(device) = &device
        && online::marked_by(tx, session.id, device)?.contains(&id)
    {
        return Ok(Ok(attended(Outcome::Already)));
    }
    online::check_tries(tx, session.id, id)?;
    let now = tx.now();
    let refused = match totp::judge(&class.seed, &typed.otp, now) {
        Verdict::Right => None,
        Verdict::Expired => {
            Some(Error::forbidden("code_expired", "This code has run out. Type the one that is shown now."))
        }
        Verdict::Wrong => {
            Some(Error::forbidden("wrong_code", "This code is wrong. Type the one that is shown now."))
        }
    };
    if let Some(refused) = refused {
        online::count_wrong(tx, session.id, id)?;
        return Ok(Err(refused));
    }
    tx.act_as(Actor::new(Role::Student, id));
    let taken = mark::observe(tx, session.id, &session.window, id, Source::Code, now)?;
    if taken == Taken::New {
        online::note_origin(tx, session.id, &Origin { student_id: id, device, address })?;
    }
    let standing = mark::find(tx, session.id, id)?.map(|mark| mark.status);
    Ok(Ok(attended(match (taken, standing) {
        (_, Some(status)) if !status.attended() => Outcome::Overruled,
        (Taken::New, Some(status)) => Outcome::Marked(status),
        _ => Outcome::Already,
    })))
}

/// The student who is logged in, where the institution wants that.
///
/// # Errors
/// `login_required`.
pub(super) async fn must_log_in(app: &App, headers: &HeaderMap) -> Result<Option<StudentId>> {
    if !app.settings().0.online_login_required {
        return Ok(None);
    }
    let login = authorize::identify(app, &Method::POST, headers).await;
    login
        .ok()
        .and_then(|login| login.actor.student().ok())
        .map(Some)
        .ok_or_else(|| Error::unauthorized("login_required", "Log in as a student, then type the code."))
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkAttendance {
    token: String,
    #[serde(default)]
    university_roll_no: String,
    otp: String,
}

/// What a student is told.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MarkedByCode {
    status: MarkedStatus,
    message: String,
    student_name: String,
    course_name: String,
    course_code: String,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MarkedStatus {
    Success,
    /// Marked already, or decided by the teacher.
    Duplicate,
}

/// Marks a student by the code that is shown in class.
pub(crate) async fn mark(
    State(app): State<App>,
    mut browser: Browser,
    headers: HeaderMap,
    Json(body): Json<MarkAttendance>,
) -> ApiResult<Response> {
    let token: Token = body.token.parse()?;
    let login = must_log_in(&app, &headers).await?;
    let cookie = browser.recognize(&app)?;
    let typed = Attend { university_roll_no: body.university_roll_no, otp: body.otp };
    let attended = attend(&app, token, typed, &browser, login).await?;
    let status = match attended.outcome {
        Outcome::Marked(_) => MarkedStatus::Success,
        Outcome::Already | Outcome::Overruled => MarkedStatus::Duplicate,
    };
    let answer = Json(MarkedByCode {
        status,
        message: attended.message(),
        student_name: attended.student_name,
        course_name: attended.course_name,
        course_code: attended.course_code,
    });
    let mut response = answer.into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
