//! How errors leave the server.

use arise_core::{Error, ErrorKind};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// An error on its way out. [`finish`] writes its body, which names the request.
#[derive(Debug, Clone)]
pub(crate) struct ApiError(pub(crate) Error);

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = status_of(self.0.kind).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub(crate) fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Malformed => StatusCode::BAD_REQUEST,
        ErrorKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Gone => StatusCode::GONE,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::TooMany => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Writes the body of an error: `error` and `message` (the same text; older clients read the second),
/// `code`, `request_id`, and `fields` of a 422. A fault of arise itself is logged and not shown.
pub(crate) fn finish(mut response: Response, request_id: &str) -> Response {
    let Some(ApiError(error)) = response.extensions_mut().remove::<ApiError>() else { return response };
    let text = if error.kind == ErrorKind::Internal {
        tracing::error!(request_id, error = %error.message, "a request failed by a fault of arise");
        "Something went wrong inside arise. It was logged; tell your administrator the request id.".to_owned()
    } else {
        error.message
    };
    let mut body = Map::new();
    body.insert("status".into(), json!("error"));
    body.insert("error".into(), json!(text));
    body.insert("message".into(), json!(text));
    body.insert("code".into(), json!(error.code));
    body.insert("request_id".into(), json!(request_id));
    if !error.fields.is_empty() {
        body.insert("fields".into(), json!(error.fields));
    }
    for (key, value) in error.extra {
        body.insert(key.into(), json!(value));
    }
    let mut answer = (response.status(), axum::Json(Value::Object(body))).into_response();
    if let Some(allowed) = response.headers_mut().remove(header::ALLOW) {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    if let Some(seconds) = error.retry_after {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}
