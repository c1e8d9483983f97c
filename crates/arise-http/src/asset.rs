//! The UI's pages and files.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use arise_core::Error;

use crate::error::ApiError;

/// Whatever isn't a route of the API: a page, a file of the UI, or nothing.
pub(crate) async fn fallback(request: Request) -> Response {
    let path = request.uri().path();
    if path.starts_with("/api/") {
        return ApiError(Error::not_found("address")).into_response();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    if path == "/" {
        return Redirect::to("/login").into_response();
    }
    let file = arise_web::page(path).unwrap_or(path);
    let Some(asset) = arise_web::asset(file) else { return StatusCode::NOT_FOUND.into_response() };
    let accepts_gzip = request
        .headers()
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    let cache = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let (body, encoding) = match asset.gzip.filter(|_| accepts_gzip) {
        Some(gzip) => (gzip, Some("gzip")),
        None => (asset.body, None),
    };
    let mut response = Response::new(Body::from(body.into_owned()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}
