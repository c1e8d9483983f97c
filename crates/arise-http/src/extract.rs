//! Extractors whose refusals are errors of arise.

use std::str::FromStr;

use arise_core::{Actor, Error, ErrorKind};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
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
        let bytes = axum::body::Bytes::from_request(request, state)
            .await
            .map_err(|refused| unreadable_body(&refused))?;
        from_slice(&bytes).map(Self)
    }
}

pub(crate) fn unreadable_body(refused: &axum::extract::rejection::BytesRejection) -> ApiError {
    if refused.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        return Error::new(ErrorKind::TooLarge, "too_large", "This request is too large. Send less at once.")
            .into();
    }
    Error::malformed("unreadable_body", "The request's body broke off. Send it again.").into()
}

/// Reads JSON. A body that isn't JSON is malformed (400); one whose fields don't fit is invalid (422).
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let bytes = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { bytes };
    serde_json::from_slice(bytes).map_err(|error| {
        if error.is_data() {
            // serde names the field: "missing field `pin` at line 1 column 2".
            let text = error.to_string();
            let mut refused = Error::invalid("body", format!("The request's fields don't fit: {text}."));
            if let Some(field) = text.split('`').nth(1) {
                refused.fields.insert(field.to_owned(), text.clone());
            }
            refused.into()
        } else {
            Error::malformed("not_json", "The request's body isn't JSON.").into()
        }
    })
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
