//! The access rules of [`Access`], before any handler runs.

use std::net::SocketAddr;

use arise_core::{Actor, AdminId, Error, Result, Role, StudentId, TeacherId};
use arise_store::{Tx, admin, student, teacher};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::cookie;
use crate::device;
use crate::error::ApiResult;
use crate::route::Access;
use crate::sync;
use crate::token::Claims;

/// Who is calling, as long as they are: a live account whose password is still the one of the login.
#[derive(Debug, Clone)]
pub(crate) struct Login {
    pub(crate) actor: Actor,
    pub(crate) name: String,
    /// Seconds since 1970.
    pub(crate) expires: i64,
    pub(crate) must_change_password: bool,
    pub(crate) claims: Claims,
}

/// Lets people through whose role the route asks for.
pub(crate) async fn person(
    State((app, access)): State<(App, Access)>,
    mut request: Request,
    next: Next,
) -> ApiResult<Response> {
    if access == Access::Operator && is_operator(&app, request.headers()) {
        request.extensions_mut().insert(Actor::SYSTEM);
        return Ok(next.run(request).await);
    }
    let login = identify(&app, request.method(), request.headers()).await?;
    let fits = match access {
        Access::Admin | Access::Operator => login.actor.role == Role::Admin,
        Access::Teacher => login.actor.role == Role::Teacher,
        Access::Student => login.actor.role == Role::Student,
        Access::LoggedIn => true,
        Access::Public | Access::Device | Access::AnyDevice | Access::OlderNode | Access::Node => false,
    };
    if !fits {
        return Err(Error::forbidden("wrong_role", "Your account can't do this.").into());
    }
    if login.must_change_password && access != Access::LoggedIn {
        return Err(Error::forbidden("password_change_needed", "Choose a new password first.").into());
    }
    if access == Access::Admin
        && matches!(*request.method(), Method::POST | Method::PUT)
        && let Some(space) = app.store.space()
    {
        // What administrators add can wait, so that there is room for marks.
        space.must_have_room()?;
    }
    request.extensions_mut().insert(login.actor);
    request.extensions_mut().insert(login);
    Ok(next.run(request).await)
}

/// The token of the `Authorization` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer "))
}

/// Whether the program's own command calls, with the key from the data folder.
fn is_operator(app: &App, headers: &HeaderMap) -> bool {
    // Prints are compared, so that the time it takes tells nothing.
    match (&app.config.operator_key, bearer(headers)) {
        (Some(key), Some(token)) => Sha256::digest(key) == Sha256::digest(token),
        _ => false,
    }
}

/// Whether the caller shows any login at all, good or not.
pub(crate) fn shows_login(headers: &HeaderMap) -> bool {
    bearer(headers).is_some() || cookie::read(headers).is_some()
}

/// Who is logged in.
///
/// # Errors
/// `not_logged_in`, `login_expired`, `login_ended`, `other_site`.
pub(crate) async fn identify(app: &App, method: &Method, headers: &HeaderMap) -> Result<Login> {
    let token = match bearer(headers) {
        Some(token) => token,
        None => {
            let token =
                cookie::read(headers).ok_or_else(|| Error::unauthorized("not_logged_in", "Log in first."))?;
            must_be_same_origin(app, method, headers)?;
            token
        }
    };
    let claims = app.tokens.verify(token, app.now())?;
    app.store.read(move |tx| live_account(tx, &claims)).await
}

/// SameSite=Strict keeps a cookie from other sites already; this covers browsers and ports for which it doesn't.
fn must_be_same_origin(app: &App, method: &Method, headers: &HeaderMap) -> Result<()> {
    if method.is_safe() {
        return Ok(());
    }
    let Some(origin) = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let same = origin.split_once("://").is_some_and(|(_, rest)| rest == host);
    if same || app.config.allowed_origins.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    Err(Error::forbidden("other_site", "This request came from a page of another site."))
}

/// Looks whether the account still is what its login was for.
pub(crate) fn live_account(tx: &mut Tx<'_>, claims: &Claims) -> Result<Login> {
    let actor = claims.actor();
    let mut must_change_password = false;
    let account = match actor.role {
        Role::Admin => admin::get(tx, AdminId(actor.id))?.map(|admin| {
            must_change_password = admin.must_change_password;
            (admin.username, admin.password_hash)
        }),
        Role::Teacher => teacher::pin_hash(tx, TeacherId(actor.id))?.map(|(_, name, hash)| (name, hash)),
        Role::Student => student::password_hash(tx, StudentId(actor.id))?.map(|(_, name, hash)| (name, hash)),
        Role::Device | Role::System => None,
    };
    match account {
        Some((name, hash)) if claims.is_of(&hash) => {
            Ok(Login { actor, name, expires: claims.exp, must_change_password, claims: claims.clone() })
        }
        _ => Err(Error::unauthorized("login_ended", "This login has ended. Log in again.")),
    }
}

/// Lets scanners through: by signature, or by address where the older protocol is allowed.
pub(crate) async fn device(
    State((app, access)): State<(App, Access)>,
    request: Request,
    next: Next,
) -> ApiResult<Response> {
    let request = if request.headers().contains_key(device::ID_HEADER) {
        device::check_signature(&app, request).await?
    } else if access == Access::AnyDevice {
        let ConnectInfo(address) = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .copied()
            .ok_or_else(|| Error::internal("the connection's address is unknown"))?;
        device::check_legacy(&app, request, address.ip()).await?
    } else {
        return Err(Error::unauthorized("not_signed", "This scanner must be paired first.").into());
    };
    Ok(next.run(request).await)
}

/// Lets a server of the older system through that knows a key, and says which it is.
pub(crate) async fn older_node(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> ApiResult<Response> {
    let typed = request.headers().get("x-sync-api-key").map_or(&[][..], HeaderValue::as_bytes);
    let node = app.config.older_nodes.known(typed)?;
    if let Some(space) = app.store.space() {
        // It has its records still, and pushes them again.
        space.must_have_room()?;
    }
    request.extensions_mut().insert(node);
    Ok(next.run(request).await)
}

/// Lets nodes through, by signature.
pub(crate) async fn node(State(app): State<App>, request: Request, next: Next) -> ApiResult<Response> {
    let request = sync::check_signature(&app, request).await?;
    Ok(next.run(request).await)
}
