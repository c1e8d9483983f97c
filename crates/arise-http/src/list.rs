//! Lists: `?q=&limit=&offset=&sort=` in, `X-Total-Count` out.

use arise_store::list::Filter;
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::extract::Json;

const TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");

/// Which rows of a list are asked for; by default all.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Search {
    #[serde(default)]
    q: String,
    limit: Option<i64>,
    #[serde(default)]
    offset: i64,
    #[serde(default)]
    sort: String,
}

impl From<Search> for Filter {
    fn from(search: Search) -> Self {
        Self { q: search.q, limit: search.limit, offset: search.offset, sort: search.sort }
    }
}

/// An answer that is part of a list, with the number of rows on all pages as a header.
pub(crate) struct Page<T> {
    pub(crate) body: T,
    pub(crate) total: i64,
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        ([(TOTAL_COUNT, HeaderValue::from(self.total))], Json(self.body)).into_response()
    }
}
