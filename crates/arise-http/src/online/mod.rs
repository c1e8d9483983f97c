//! Online classes: what their teachers see, and what students are answered. They run on the hub only.

mod attend;
mod browser;
mod page;
mod words;

use std::str::FromStr;

use arise_core::online::{self as rules, FlagKind, TOKEN_LENGTH};
use arise_core::session::SessionType;
use arise_core::{CourseId, Error, Result, SessionId, Source, Status, StudentId, totp};
use arise_store::online::OnlineClass;
use arise_store::session::{NewSession, Session};
use arise_store::{Tx, course, mark, online, session};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::attend::{MarkedByCode, mark};
pub(crate) use self::browser::{Browser, Browsers};
pub(crate) use self::page::{page, submit};
use crate::app::App;
use crate::cookie;
use crate::error::ApiResult;
use crate::extract::{Id, Json, Who};
use crate::mark::roster_of;
use crate::session::{course_of_teacher, of_teacher};

/// The token of a link, as it came in an address.
pub(crate) struct Token(String);

impl FromStr for Token {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.len() > 64 {
            return Err(Error::not_found("online class"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// The token of a new link and the seed of its code.
pub(crate) fn new_secrets() -> Result<(String, Vec<u8>)> {
    let (mut link, mut seed) = ([0_u8; TOKEN_LENGTH], [0_u8; 32]);
    for bytes in [&mut link[..], &mut seed[..]] {
        getrandom::fill(bytes).map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
    }
    Ok((rules::token(&link), seed.to_vec()))
}

/// The link as students open it: at the address by which the teacher reached the hub.
fn link(headers: &HeaderMap, token: &str) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let scheme = if cookie::is_https(headers) { "https" } else { "http" };
    if host.is_empty() { format!("/online/{token}") } else { format!("{scheme}://{host}/online/{token}") }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartOnline {
    course_id: CourseId,
    /// The course's own when it isn't said.
    duration_minutes: Option<i64>,
    #[serde(default)]
    topic: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct StartedOnline {
    status: &'static str,
    message: &'static str,
    session_id: SessionId,
    /// In the link; whoever has it can try codes.
    session_token: String,
    session_url: String,
    current_otp: String,
    /// Seconds.
    otp_time_remaining: i64,
    end_time: String,
    closes_at: String,
    duration_minutes: i64,
    seconds_remaining: i64,
    course_name: String,
    course_code: String,
    total_students: usize,
}

/// Starts an online class.
pub(crate) async fn start(
    State(app): State<App>,
    Who(actor): Who,
    headers: HeaderMap,
    Json(body): Json<StartOnline>,
) -> ApiResult<Json<StartedOnline>> {
    app.must_be_hub()?;
    let zone = app.zone();
    let (token, seed) = new_secrets()?;
    let session_url = link(&headers, &token);
    let started = app
        .store
        .write(move |tx| {
            tx.act_as(actor);
            let course = course_of_teacher(tx, body.course_id, actor)?;
            let now = tx.now();
            let new = NewSession {
                course_id: course.id,
                starts_at: now,
                duration_minutes: body.duration_minutes.unwrap_or(course.default_duration_minutes),
                session_type: SessionType::Online,
                topic: body.topic,
                device_id: None,
                online: Some((token.clone(), seed.clone())),
            };
            let id = session::start(tx, &new, actor.teacher().ok())?;
            let session = session::get(tx, id)?;
            Ok(StartedOnline {
                status: "success",
                message: "Online class started",
                session_id: id,
                session_token: token,
                session_url,
                current_otp: totp::code(&seed, now),
                otp_time_remaining: totp::seconds_remaining(now),
                end_time: zone.iso(session.window.ends_at),
                closes_at: zone.iso(session.window.closes_at()),
                duration_minutes: new.duration_minutes,
                seconds_remaining: session.window.seconds_remaining(now),
                total_students: roster_of(tx, &session)?.len(),
                course_name: session.course_name,
                course_code: session.course_code,
            })
        })
        .await?;
    Ok(Json(started))
}

#[derive(Serialize, JsonSchema)]
struct OnlineStudent {
    student_id: StudentId,
    student_name: String,
    university_roll_no: String,
    class_roll_id: i64,
    status: Option<Status>,
    source: Option<Source>,
    observed_at: Option<String>,
}

/// Something for the teacher to look at. It changes no mark.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Flag")]
struct FlagView {
    kind: FlagKind,
    students: Vec<FlaggedStudent>,
}

#[derive(Serialize, JsonSchema)]
struct FlaggedStudent {
    student_id: StudentId,
    student_name: String,
    university_roll_no: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct OnlineStatus {
    is_active: bool,
    /// Present and late.
    marked_count: usize,
    total_students: usize,
    /// Nothing once the class has ended.
    current_otp: Option<String>,
    /// Seconds until the next code.
    otp_time_remaining: i64,
    seconds_remaining: i64,
    session_token: String,
    session_url: String,
    marked_students: Vec<OnlineStudent>,
    all_students: Vec<OnlineStudent>,
    flags: Vec<FlagView>,
}

/// How an online class goes, and its code. Any of the teacher's devices is shown the same.
pub(crate) async fn status(
    State(app): State<App>,
    Who(actor): Who,
    headers: HeaderMap,
    Id(id): Id<SessionId>,
) -> ApiResult<Json<OnlineStatus>> {
    let zone = app.zone();
    let campus = rules::networks(&app.settings().0.campus_networks).unwrap_or_default();
    let is_hub = app.must_be_hub();
    let status = app
        .store
        .read(move |tx| {
            let session = of_teacher(tx, id, actor)?;
            is_hub?;
            let class = online::of_session(tx, id)?;
            let now = tx.now();
            let marks = mark::of_session(tx, id)?;
            let roster = roster_of(tx, &session)?;
            let flags = rules::flags(&online::origins(tx, id)?, &online::failures(tx, id)?, &campus)
                .into_iter()
                .map(|flag| FlagView {
                    kind: flag.kind,
                    students: roster
                        .iter()
                        .filter(|student| flag.student_ids.contains(&student.student_id))
                        .map(|student| FlaggedStudent {
                            student_id: student.student_id,
                            student_name: student.student_name.clone(),
                            university_roll_no: student.university_roll_no.clone(),
                        })
                        .collect(),
                })
                .collect();
            let view = |student: &arise_store::enrolment::Enrolled| {
                let mark = marks.get(&student.student_id);
                OnlineStudent {
                    student_id: student.student_id,
                    student_name: student.student_name.clone(),
                    university_roll_no: student.university_roll_no.clone(),
                    class_roll_id: student.class_roll_id,
                    status: mark.map(|m| m.status),
                    source: mark.map(|m| m.source),
                    observed_at: mark.map(|m| zone.iso(m.observed_at)),
                }
            };
            let attended = |id: &StudentId| marks.get(id).is_some_and(|mark| mark.status.attended());
            let marked: Vec<_> =
                roster.iter().filter(|student| attended(&student.student_id)).map(view).collect();
            let is_active = session.window.is_open(now);
            Ok(OnlineStatus {
                is_active,
                marked_count: marked.len(),
                total_students: roster.len(),
                current_otp: is_active.then(|| totp::code(&class.seed, now)),
                otp_time_remaining: totp::seconds_remaining(now),
                seconds_remaining: session.window.seconds_remaining(now),
                session_url: link(&headers, &class.token),
                session_token: class.token,
                marked_students: marked,
                all_students: roster.iter().map(view).collect(),
                flags,
            })
        })
        .await?;
    Ok(Json(status))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Otp {
    otp: String,
    /// Seconds until the next code.
    time_remaining: i64,
}

/// The code that is shown now.
pub(crate) async fn otp(
    State(app): State<App>,
    Who(actor): Who,
    Id(token): Id<Token>,
) -> ApiResult<Json<Otp>> {
    app.must_be_hub()?;
    let otp = app
        .store
        .read(move |tx| {
            let class = online::by_token(tx, &token.0)?;
            of_teacher(tx, class.session_id, actor)?;
            session::get_open(tx, class.session_id)?;
            let now = tx.now();
            Ok(Otp { otp: totp::code(&class.seed, now), time_remaining: totp::seconds_remaining(now) })
        })
        .await?;
    Ok(Json(otp))
}

/// An online class as everybody who has the link sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OnlineInfo {
    course_name: String,
    course_code: String,
    teacher_name: String,
    topic: String,
    /// Until the planned end.
    time_remaining_seconds: i64,
    /// Present and late.
    marked_count: i64,
    total_students: usize,
    is_active: bool,
    /// Whether students have to log in to mark themselves.
    login_required: bool,
}

pub(crate) async fn info(State(app): State<App>, Id(token): Id<Token>) -> ApiResult<Json<OnlineInfo>> {
    app.must_be_hub()?;
    let login_required = app.settings().0.online_login_required;
    let info = app
        .store
        .read(move |tx| {
            let (_, session) = open_class(tx, &token)?;
            look(tx, &session, login_required)
        })
        .await?;
    Ok(Json(info))
}

fn look(tx: &mut Tx<'_>, session: &Session, login_required: bool) -> Result<OnlineInfo> {
    Ok(OnlineInfo {
        course_name: session.course_name.clone(),
        course_code: session.course_code.clone(),
        teacher_name: course::get(tx, session.course_id)?.teacher_name,
        topic: session.topic.clone(),
        time_remaining_seconds: session.window.seconds_remaining(tx.now()),
        marked_count: mark::attended_count(tx, session.id)?,
        total_students: roster_of(tx, session)?.len(),
        is_active: true,
        login_required,
    })
}

/// # Errors
/// `not_found` for a link of no class, `session_ended`.
fn open_class(tx: &mut Tx<'_>, token: &Token) -> Result<(OnlineClass, Session)> {
    let class = online::by_token(tx, &token.0)?;
    let session = session::get(tx, class.session_id)?;
    if !session.window.is_open(tx.now()) {
        return Err(Error::gone(
            "session_ended",
            "This class has ended. If you were there, tell your teacher.",
        ));
    }
    Ok((class, session))
}
