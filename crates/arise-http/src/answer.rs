//! Answers that many routes share.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::extract::Json;

/// That it was done.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Done {
    status: &'static str,
    /// For people.
    message: &'static str,
}

impl Done {
    pub(crate) fn saying(message: &'static str) -> Json<Self> {
        Json(Self { status: "success", message })
    }
}

/// That it was made, and its id.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Made {
    status: &'static str,
    /// For people.
    message: &'static str,
    id: Uuid,
}

impl Made {
    pub(crate) fn saying(message: &'static str, id: impl Into<Uuid>) -> Created<Self> {
        Created(Self { status: "success", message, id: id.into() })
    }
}

/// An answer with the status 201.
pub(crate) struct Created<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}
