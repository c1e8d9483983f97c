//! Extractors whose refusals are errors of arise.

use std::str::FromStr;

use arise_core::{Actor, Error, ErrorKind};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A JSON body, in or out.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let Raw(bytes) = Raw::from_request(request, state).await?;
        from_slice(&bytes).map(Self)
    }
}

/// A body as it came.
pub(crate) struct Raw(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Bytes::from_request(request, state).await.map(Self).map_err(|refused| {
            let error = if refused.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Error::new(ErrorKind::TooLarge, "too_large", "This request is too large. Send less at once.")
            } else {
                Error::malformed("unreadable_body", "The request's body broke off. Send it again.")
            };
            error.into()
        })
    }
}

/// Reads JSON. A body that isn't JSON is malformed (400); one whose fields don't fit is invalid (422).
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let bytes = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() {
            misfit::<T>(bytes).into()
        } else {
            Error::malformed("not_json", "The request's body isn't JSON.").into()
        }
    })
}

/// Bytes of a field's name that are repeated in a refusal.
const MAX_NAME: usize = 200;

/// Names the field that doesn't fit. The body is read a second time for that, so that one that fits costs
/// nothing more.
fn misfit<T: DeserializeOwned>(bytes: &[u8]) -> Error {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let (path, text) = match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Err(error) => (error.path().to_string(), error.inner().to_string()),
        Ok(_) => (".".to_owned(), String::new()),
    };
    let text = text.split(" at line ").next().unwrap_or_default();
    let named = |what: &str| text.strip_prefix(what)?.strip_prefix(" field `")?.split('`').next();
    let (missing, unknown) = (named("missing"), named("unknown"));
    // The path of a missing field is that of the object which lacks it; "." is the body itself.
    let mut field = match (path.as_str(), missing) {
        (".", Some(missing)) => missing.to_owned(),
        (path, Some(missing)) => format!("{path}.{missing}"),
        (".", None) => unknown.unwrap_or("body").to_owned(),
        (path, None) => path.to_owned(),
    };
    // A name that nobody knows may be as long as the body.
    field.truncate(field.floor_char_boundary(MAX_NAME));
    let why = match (missing, unknown) {
        (Some(_), _) => format!("“{field}” is missing."),
        (_, Some(_)) => {
            let known = text.split_once("`, ").map_or("none is expected", |(_, known)| known);
            format!("“{field}” isn't known here: {known}.")
        }
        _ => format!("“{field}” doesn't fit: {text}."),
    };
    Error::invalid(&field, why)
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// An id, or another word, that is the path's only variable part.
pub(crate) struct Id<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for Id<T>
where
    T: FromStr<Err = Error>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Error::malformed("bad_path", "This address can't be read."))?;
        Ok(Self(text.parse()?))
    }
}

/// The query string.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Query::from_request_parts(parts, state).await.map(|Query(query)| Self(query)).map_err(|error| {
            Error::malformed("bad_query", format!("The address's query can't be read: {error}")).into()
        })
    }
}

/// Who is logged in. The route's access rule put it there.
pub(crate) struct Who(pub(crate) Actor);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let actor = parts.extensions.get::<Actor>().copied();
        actor.map(Self).ok_or_else(|| Error::internal("this route asks for an actor but is public").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its type matters")]
        roll: i64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the types matter")]
    struct Outer {
        minutes: i64,
        students: Vec<Inner>,
    }

    fn refusal(body: &str) -> Error {
        from_slice::<Outer>(body.as_bytes()).unwrap_err().0
    }

    #[test]
    fn the_field_that_does_not_fit_is_named() {
        for (body, field) in [
            ("", "minutes"),
            (r#"{"minutes": 1}"#, "students"),
            (r#"{"minutes": "ten", "students": []}"#, "minutes"),
            (r#"{"minutes": 1, "students": [{"roll": 1}, {"roll": null}]}"#, "students[1].roll"),
            (r#"{"minutes": 1, "students": [{}]}"#, "students[0].roll"),
            ("7", "body"),
            (r#"{"minute": 1}"#, "minute"),
            (r#"{"minutes": 1, "students": [{"roll": 1, "name": "A"}]}"#, "students[0].name"),
        ] {
            let error = refusal(body);
            assert_eq!((error.kind, error.code), (ErrorKind::Invalid, "invalid_field"), "{body}");
            assert_eq!(error.fields.keys().collect::<Vec<_>>(), [field], "{body}");
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for body in ["{", "minutes=1", r#"{"minutes": 1, "students": []} x"#] {
            assert_eq!(refusal(body).code, "not_json", "{body}");
        }
    }
}
