//! How a scanner proves who it is: by signature, or, of the older protocol, by its address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{PoisonError, RwLock};

use arise_core::clock::MINUTE;
use arise_core::{Actor, DeviceId, Error, Result, Role, signature};
use arise_store::device::Credential;
use arise_store::{Store, WriteTx, audit, device};
use axum::body::{Body, to_bytes};
use axum::extract::Request;

use crate::app::App;
use crate::error::{ApiError, ApiResult};
pub(crate) const ID_HEADER: &str = "x-arise-device";
const COUNTER_HEADER: &str = "x-arise-counter";
const SIGNATURE_HEADER: &str = "x-arise-signature";
/// Bodies of scanners are read before their signature can be checked.
const MAX_BODY: usize = 128 * 1024;

/// The scanner behind a request.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Signed {
        id: DeviceId,
        pairing: i64,
        counter: i64,
    },
    /// One of the older unsigned protocol, approved and calling from where it heartbeats from.
    Legacy(DeviceId),
    /// One of the older protocol that nobody has approved: it may only make itself known.
    Stranger,
}

impl Caller {
    fn signed(&self) -> Option<DeviceId> {
        match self {
            Self::Signed { id, .. } => Some(*id),
            Self::Legacy(_) | Self::Stranger => None,
        }
    }

    /// Uses the request's counter up and answers which scanner it is.
    fn enter(&self, tx: &mut WriteTx<'_>) -> Result<DeviceId> {
        let id = match self {
            Self::Signed { id, pairing, counter } => {
                device::advance(tx, *id, *pairing, *counter)?;
                *id
            }
            Self::Legacy(id) => *id,
            Self::Stranger => return Err(not_approved()),
        };
        tx.act_as(Actor::new(Role::Device, id));
        Ok(id)
    }
}

pub(super) fn not_approved() -> Error {
    Error::unauthorized("not_approved", "This scanner waits for an administrator's approval.")
}

/// Keys by scanner. A key that doesn't fit is read again before the request is refused.
#[derive(Default)]
pub(crate) struct DeviceKeys(RwLock<HashMap<DeviceId, Credential>>);

impl DeviceKeys {
    fn cached(&self, id: DeviceId) -> Option<Credential> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    /// Reads all of them again: other records took the place of these.
    pub(crate) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn read(&self, store: &Store, id: DeviceId) -> Result<Option<Credential>> {
        let found = store.read(move |tx| device::credential(tx, id)).await?;
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(credential) => cache.insert(id, credential.clone()),
            None => cache.remove(&id),
        };
        Ok(found)
    }
}

/// Checks `X-Arise-Device`, `-Counter` and `-Signature`. The counter is used up by the handler, in the
/// transaction of what the request does.
pub(crate) async fn check_signature(app: &App, request: Request) -> ApiResult<Request> {
    let (mut parts, body) = request.into_parts();
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let id = header(ID_HEADER).and_then(|text| text.parse::<DeviceId>().ok());
    let counter = header(COUNTER_HEADER).and_then(|text| text.parse::<u64>().ok());
    let signature = header(SIGNATURE_HEADER).map(str::to_owned);
    let (Some(id), Some(counter), Some(signature)) = (id, counter, signature) else {
        return Err(
            Error::unauthorized("not_signed", "This request's signature headers can't be read.").into()
        );
    };
    let bytes = to_bytes(body, MAX_BODY).await.map_err(|_| {
        ApiError(Error::new(
            arise_core::ErrorKind::TooLarge,
            "too_large",
            "This upload is too large. Send at most 500 marks at once.",
        ))
    })?;
    let path = parts.uri.path_and_query().map_or("/", axum::http::uri::PathAndQuery::as_str);
    let fits =
        |c: &Credential| signature::verify(&c.key, parts.method.as_str(), path, counter, &bytes, &signature);

    let credential = match app.device_keys.cached(id).filter(|c| fits(c)) {
        Some(credential) => credential,
        None => match app.device_keys.read(&app.store, id).await?.filter(|c| fits(c)) {
            Some(credential) => credential,
            None => {
                refused(app, id, "signature_wrong").await;
                return Err(Error::unauthorized(
                    "signature_wrong",
                    "The signature is wrong. Pair this scanner anew.",
                )
                .into());
            }
        },
    };
    let counter = i64::try_from(counter).unwrap_or(i64::MAX);
    parts.extensions.insert(Caller::Signed { id, pairing: credential.pairing, counter });
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Lets an approved scanner of the older protocol through, by the address of its heartbeats.
pub(crate) async fn check_legacy(app: &App, mut request: Request, address: IpAddr) -> ApiResult<Request> {
    if !app.settings().0.allow_legacy_scanners {
        return Err(
            Error::unauthorized("not_signed", "Scanners without a signature are turned off here.").into()
        );
    }
    let address = address.to_canonical().to_string();
    let wanted = address.clone();
    let known = app.store.read(move |tx| device::legacy_at(tx, &wanted)).await?;
    let is_heartbeat = request.uri().path() == "/api/device/heartbeat";
    let caller = match known {
        Some(id) => Caller::Legacy(id),
        None if is_heartbeat => Caller::Stranger,
        None => return Err(not_approved().into()),
    };
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Address(address));
    Ok(request)
}

/// Where a request of the older protocol came from.
#[derive(Debug, Clone)]
pub(crate) struct Address(pub(super) String);

/// Puts a refused scanner into the audit trail, at most once a minute for each so that it can't fill the disk.
/// Scanners that don't exist count as one: their ids are whatever somebody makes up.
async fn refused(app: &App, id: DeviceId, code: &'static str) {
    let noted = app
        .store
        .write(move |tx| {
            let since = tx.now() - MINUTE;
            let (who, detail) = match device::get(tx, id) {
                Ok(_) => (id.to_string(), String::new()),
                Err(error) if error.code == "not_found" => ("unknown scanner".to_owned(), id.to_string()),
                Err(error) => return Err(error),
            };
            if audit::noted_since(tx, code, &who, since)? {
                return Ok(());
            }
            tx.act_as(Actor::new(Role::Device, id));
            audit::note(tx, code, &who, &detail)
        })
        .await;
    if let Err(error) = noted {
        tracing::warn!(%error, device = %id, "a refused scanner couldn't be noted");
    }
}

/// Runs a scanner's request; one whose counter doesn't rise is noted and refused.
pub(super) async fn write<T: Send + 'static>(
    app: &App,
    caller: Caller,
    job: impl FnOnce(&mut WriteTx<'_>, DeviceId) -> Result<T> + Send + 'static,
) -> ApiResult<T> {
    let signed = caller.signed();
    let outcome = app.store.write(move |tx| caller.enter(tx).and_then(|id| job(tx, id))).await;
    note_replay(app, signed, &outcome).await;
    outcome.map_err(ApiError)
}

pub(super) async fn note_replay<T>(app: &App, signed: Option<DeviceId>, outcome: &Result<T>) {
    if let (Err(error), Some(id)) = (outcome, signed)
        && error.code == "replayed"
    {
        refused(app, id, "replayed").await;
    }
}
