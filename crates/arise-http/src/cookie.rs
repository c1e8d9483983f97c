//! The cookie that carries a token in browsers.

use arise_core::UtcMillis;
use axum::http::{HeaderMap, HeaderValue, header};

const NAME: &str = "arise_token";

/// The token of a request's cookie, if it has one.
pub(crate) fn read(headers: &HeaderMap) -> Option<&str> {
    named(headers, NAME)
}

/// What a request's cookie of this name says, if it says anything.
pub(crate) fn named<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .filter(|value| !value.is_empty())
}

/// HttpOnly keeps scripts from reading it, SameSite=Strict other sites from sending it.
pub(crate) fn set(token: &str, expires_at: UtcMillis, now: UtcMillis, https: bool) -> HeaderValue {
    let seconds = ((expires_at - now) / 1_000).max(0);
    let secure = if https { "; Secure" } else { "" };
    HeaderValue::try_from(format!(
        "{NAME}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}"
    ))
    .unwrap_or_else(|_| clear())
}

pub(crate) fn clear() -> HeaderValue {
    HeaderValue::from_static("arise_token=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
}

/// Whether the browser reached us over HTTPS, as a proxy in front says.
pub(crate) fn is_https(headers: &HeaderMap) -> bool {
    headers.get("x-forwarded-proto").is_some_and(|proto| proto.as_bytes() == b"https")
}
