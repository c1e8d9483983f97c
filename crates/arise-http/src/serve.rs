//! Connections: accepting them, bounding them, and letting them finish when the server stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arise_core::{Error, ErrorKind};
use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::app::App;
use crate::error::{self, ApiError};
use crate::{asset, drain, router};

/// Connections at once. A class of 60 with six each, several times over.
const MAX_CONNECTIONS: usize = 4_096;
/// How long a file that comes in may take, from a stick or over a slow line.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(600);
/// Bodies, unless a route says otherwise.
const MAX_BODY: usize = 256 * 1024;

/// Serves until `stop` resolves, then lets open requests finish.
///
/// # Errors
/// When the listener fails.
pub async fn serve(app: App, listener: TcpListener, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let service = service(&app);
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    tokio::pin!(stop);
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await.map_err(std::io::Error::other)?;
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                tokio::spawn(connection(app.clone(), service.clone(), stream, peer, slot));
            }
            // Out of file handles, or the peer has gone already: the next one may work.
            Err(error) => {
                tracing::warn!(%error, "a connection couldn't be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    app.stop();
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    if tokio::time::timeout(app.config.limits.stop, slots.acquire_many(all)).await.is_err() {
        tracing::warn!("some requests didn't finish in time");
    }
    Ok(())
}

async fn connection(
    app: App,
    service: Router,
    stream: TcpStream,
    peer: SocketAddr,
    _slot: tokio::sync::OwnedSemaphorePermit,
) {
    // Answers are small and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let service = service.map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.config.limits.header)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    tokio::select! {
        // A peer that goes away is no fault.
        _ = &mut connection => {}
        () = app.stopped() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

fn service(app: &App) -> Router {
    router::build(app)
        .into_router()
        .fallback(asset::fallback)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn_with_state(app.clone(), envelope))
        .with_state(app.clone())
}

/// Milliseconds from which a request is worth a line.
const SLOW: u128 = 2_000;

static REQUESTS: AtomicU64 = AtomicU64::new(1);

/// What every answer has: a time limit, a request id, the body of errors, and security headers.
async fn envelope(State(app): State<App>, request: Request, next: Next) -> Response {
    let limits = app.config.limits;
    let request_id = format!("{:08x}", REQUESTS.fetch_add(1, Ordering::Relaxed));
    let is_api = request.uri().path().starts_with("/api/");
    let is_upload = router::UPLOADS.contains(&request.uri().path());
    let limit = if is_upload { UPLOAD_TIMEOUT } else { limits.request };
    let (method, uri, start) = (request.method().clone(), request.uri().clone(), Instant::now());
    let (request, rest) = drain::tap(request);
    let response = match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError(Error::new(
            ErrorKind::Unavailable,
            "timed_out",
            "This took too long and was given up. Try again in a moment.",
        ))
        .into_response(),
    };
    rest.read(limits.drain).await;
    let response = if response.status() == axum::http::StatusCode::METHOD_NOT_ALLOWED && is_api {
        let mut refused =
            ApiError(Error::malformed("method_not_allowed", "This address doesn't take this method."))
                .into_response();
        *refused.status_mut() = axum::http::StatusCode::METHOD_NOT_ALLOWED;
        if let Some(allowed) = response.headers().get(header::ALLOW) {
            refused.headers_mut().insert(header::ALLOW, allowed.clone());
        }
        refused
    } else {
        response
    };
    let mut response = error::finish(response, &request_id);
    let (status, ms) = (response.status().as_u16(), start.elapsed().as_millis());
    if status >= 500 || (ms >= SLOW && !is_upload) {
        let path = shown(uri.path());
        tracing::warn!(request_id, %method, path, status, ms, "a request failed or was slow");
    } else {
        tracing::debug!(request_id, %method, path = shown(uri.path()), status, ms, "a request");
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    let is_page =
        headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_api || is_page {
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    response
}

/// A path as it may be logged: without what follows the `?`, and without the word that lets students into an
/// online class.
fn shown(path: &str) -> String {
    match path.split_once("/online/") {
        Some((before, _)) => format!("{before}/online/…"),
        None => path.chars().take(200).collect(),
    }
}

/// Nothing from anywhere but here, and no text ever becomes markup: the one policy allowed makes
/// the address of the worker that shares a live stream among tabs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types arise-worker";
