//! The page on which students mark themselves. It is written by the server and works without scripts, on any
//! phone: a form, and what became of it.

use arise_core::{Error, ErrorKind, Result, Status};
use arise_store::{enrolment, online};
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use schemars::JsonSchema;
use serde::Deserialize;

use super::attend::{Attend, Attended, Outcome, attend, must_log_in};
use super::browser::Browser;
use super::words::{Language, Words};
use super::{OnlineInfo, Token, look, open_class};
use crate::app::App;
use crate::error::status_of;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct View {
    lang: Option<String>,
    /// Whether another student is to be marked on a device that has marked one.
    again: Option<String>,
}

/// What the page says above its form.
enum Notice {
    Done(Attended),
    /// This device has marked them in this class already.
    Here(Vec<String>),
    Refused(Error),
}

/// The page as it is opened.
pub(crate) async fn page(
    State(app): State<App>,
    mut browser: Browser,
    Path(token): Path<String>,
    view: std::result::Result<Query<View>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let view = view.map(|Query(view)| view).unwrap_or_default();
    let language = Language::choose(view.lang.as_deref(), &headers);
    let cookie = browser.recognize(&app).unwrap_or_default();
    let notice = match must_log_in(&app, &headers).await {
        Err(error) => Some(Notice::Refused(error)),
        Ok(_) if view.again.is_some() => None,
        Ok(_) => marked_here(&app, &token, &browser).await,
    };
    let mut response = show(&app, token, language, notice, browser.roll.unwrap_or_default()).await;
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The form, sent.
pub(crate) async fn submit(
    State(app): State<App>,
    mut browser: Browser,
    Path(token): Path<String>,
    view: std::result::Result<Query<View>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    form: std::result::Result<Form<Attend>, FormRejection>,
) -> Response {
    let view = view.map(|Query(view)| view).unwrap_or_default();
    let language = Language::choose(view.lang.as_deref(), &headers);
    let typed = form.map(|Form(typed)| typed).unwrap_or_default();
    let roll = typed.university_roll_no.trim().to_owned();
    let mut cookies: Vec<HeaderValue> = browser.recognize(&app).ok().flatten().into_iter().collect();
    let attended = async {
        let login = must_log_in(&app, &headers).await?;
        attend(&app, token.parse()?, typed, &browser, login).await
    };
    let notice = match attended.await {
        Ok(attended) => {
            cookies.push(browser.keep_roll(&attended.university_roll_no));
            Notice::Done(attended)
        }
        Err(error) => Notice::Refused(error),
    };
    let mut response = show(&app, token, language, Some(notice), roll).await;
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whom this device has marked in this class.
async fn marked_here(app: &App, token: &str, browser: &Browser) -> Option<Notice> {
    let (device, token) = (browser.device.clone()?, token.parse().ok()?);
    let names = app.store.read(move |tx| {
        let (class, session) = open_class(tx, &token)?;
        let mut names = Vec::new();
        // A device marks its owner, and seldom a second one.
        for student in online::marked_by(tx, class.session_id, &device)?.into_iter().take(5) {
            let student = enrolment::find_on(tx, session.course_id, student, &session.held_on)?;
            names.extend(student.map(|s| format!("{} ({})", s.student_name, s.university_roll_no)));
        }
        Ok(names)
    });
    names.await.ok().filter(|names| !names.is_empty()).map(Notice::Here)
}

async fn show(
    app: &App,
    token: String,
    language: Language,
    notice: Option<Notice>,
    roll: String,
) -> Response {
    let settings = app.settings();
    let login_required = settings.0.online_login_required;
    let info: Result<OnlineInfo> = async {
        app.must_be_hub()?;
        let token: Token = token.parse()?;
        app.store
            .read(move |tx| {
                let (_, session) = open_class(tx, &token)?;
                look(tx, &session, login_required)
            })
            .await
    }
    .await;
    let (status, retry_after) = match (&info, &notice) {
        (Err(error), _) | (Ok(_), Some(Notice::Refused(error))) => (status_of(error.kind), error.retry_after),
        _ => (StatusCode::OK, None),
    };
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!("the marking page failed by a fault of arise");
    }
    let path = format!("/online/{token}");
    let body = write(language, &settings.0.institution_name, &path, info.as_ref(), notice.as_ref(), &roll);
    let mut response = (status, body.into_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn write(
    language: Language,
    institution: &str,
    path: &str,
    info: std::result::Result<&OnlineInfo, &Error>,
    notice: Option<&Notice>,
    roll: &str,
) -> Markup {
    let words = language.words();
    let (other, other_name) = language.other();
    html! {
        (DOCTYPE)
        html lang=(language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title {
                    @if let Ok(info) = info { (info.course_code) " · " }
                    (words.title) " · arise"
                }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/online.css";
            }
            body {
                header {
                    p { @if institution.is_empty() { "arise" } @else { (institution) } }
                    a href={ "?lang=" (other.tag()) } lang=(other.tag()) hreflang=(other.tag()) { (other_name) }
                }
                main {
                    @match info {
                        Ok(info) => (class(words, language, path, info, notice, roll)),
                        Err(error) => {
                            h1 { (words.title) }
                            p.notice.bad role="alert" { (refusal(words, error)) }
                            @if let Some(url) = error.extra.get("cloud_url") { p { a href=(url) { (url) } } }
                        },
                    }
                }
            }
        }
    }
}

fn class(
    words: &Words,
    language: Language,
    path: &str,
    info: &OnlineInfo,
    notice: Option<&Notice>,
    roll: &str,
) -> Markup {
    let about = [&info.course_code, &info.topic, &info.teacher_name];
    let about: Vec<&str> = about.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let again = format!("?lang={}&again=1", language.tag());
    let minutes = (info.time_remaining_seconds + 59) / 60;
    html! {
        h1 { (info.course_name) }
        p.about { (about.join(" · ")) }
        @match notice {
            Some(Notice::Done(attended)) => {
                p.notice.ok role="status" { (told(words, attended)) }
                p { (words.done) }
                p { a href=(again) { (words.another) } }
            },
            Some(Notice::Here(names)) => {
                div.notice.ok role="status" {
                    p { (words.here) }
                    ul { @for name in names { li { (name) } } }
                }
                p { a href=(again) { (words.another) } }
            },
            Some(Notice::Refused(error)) if error.code == "login_required" => {
                p.notice { (words.log_in_first) }
                p { a.button href={ "/login?as=student&next=" (path) } { (words.log_in) } }
            },
            other => {
                @if let Some(Notice::Refused(error)) = other {
                    p.notice.bad role="alert" { (refusal(words, error)) }
                }
                form method="post" action={ (path) "?lang=" (language.tag()) } {
                    label for="otp" { (words.code) }
                    input #otp name="otp" type="text" inputmode="numeric" autocomplete="one-time-code"
                        maxlength="7" required autofocus aria-describedby="otp-hint";
                    p.hint #otp-hint { (words.code_hint) }
                    @if !info.login_required {
                        label for="roll" { (words.roll) }
                        input #roll name="university_roll_no" type="text" value=(roll) autocomplete="username"
                            autocapitalize="characters" spellcheck="false" maxlength="50" required;
                    }
                    button type="submit" { (words.submit) }
                }
            },
        }
        p.counts {
            (words.marked_of.replace("{n}", &info.marked_count.to_string())
                .replace("{total}", &info.total_students.to_string()))
            " · "
            @if minutes > 0 { (words.minutes_left.replace("{n}", &minutes.to_string())) }
            @else { (words.in_extra_time) }
        }
    }
}

fn told(words: &Words, attended: &Attended) -> String {
    let text = match attended.outcome {
        Outcome::Marked(Status::Late) => words.late,
        Outcome::Marked(_) => words.present,
        Outcome::Already => words.already,
        Outcome::Overruled => words.overruled,
    };
    text.replace("{name}", &attended.student_name)
}

fn refusal(words: &Words, error: &Error) -> String {
    match error.code {
        "wrong_code" => words.wrong_code.to_owned(),
        "code_expired" => words.code_expired.to_owned(),
        "not_enrolled" => words.not_enrolled.to_owned(),
        "session_ended" => words.ended.to_owned(),
        "hub_only" => words.hub_only.to_owned(),
        "login_required" => words.log_in_first.to_owned(),
        _ => match error.kind {
            ErrorKind::NotFound => words.unknown.to_owned(),
            ErrorKind::TooMany => {
                words.wait.replace("{n}", &error.retry_after.unwrap_or_default().to_string())
            }
            _ => words.failed.to_owned(),
        },
    }
}
