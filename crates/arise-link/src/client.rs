//! HTTP to the hub: what goes over the wire, and what its refusals mean.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use arise_core::{Error, ErrorKind, NodeId, Result};
use arise_store::sync::{hub, key};
use arise_store::{Store, node};
use reqwest::{Certificate, RequestBuilder, Response, Url};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::code::{Shared, check_hub_proof, node_proof};
use crate::seal::{PublicKey, public_key};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);
/// Of one exchange, from the first byte to the last. The hub gives up sooner.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Answers that aren't frames.
const MAX_JSON: usize = 64 * 1_024;

/// An HTTP client for the hub. There is one TLS in the program: rustls, with ring. `ca` is a file with certificates, in
/// PEM, of authorities that are trusted besides those of the operating system.
///
/// # Errors
/// `hub_ca_unusable` for the file. When the system can't make a client.
pub(crate) fn http(ca: Option<&Path>) -> Result<reqwest::Client> {
    // Whoever was first has set the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authorities = ca.map(authorities).transpose()?.unwrap_or_default();
    let client = || {
        reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            // A redirect to another machine wouldn't be the hub that was joined.
            .redirect(reqwest::redirect::Policy::none())
    };
    let merged =
        if authorities.is_empty() { client() } else { client().tls_certs_merge(authorities.clone()) };
    merged
        .build()
        .or_else(|error| {
            // A small container, or a machine from a stick, may know no authority. It serves all the same; only a hub
            // over HTTPS can't be believed then, unless its authority is given.
            if authorities.is_empty() {
                tracing::warn!(%error, "this machine trusts no certificates; install them (ca-certificates) for a hub over HTTPS");
            }
            client().tls_certs_only(authorities).build()
        })
        .map_err(|e| Error::internal(format!("no HTTP client: {e}")))
}

fn authorities(ca: &Path) -> Result<Vec<Certificate>> {
    let unusable = |why: &dyn std::fmt::Display| {
        Error::conflict(
            "hub_ca_unusable",
            format!(
                "CLOUD_SERVER_CA: {} has no certificate that can be used: {why}. It has to be a file in PEM, with the \
                 certificate of the authority that signed the hub's.",
                ca.display()
            ),
        )
    };
    let pem = std::fs::read(ca).map_err(|e| unusable(&e))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|e| unusable(&e))?;
    if certificates.is_empty() { Err(unusable(&"there is none in it")) } else { Ok(certificates) }
}

/// A hub's address as it was typed, checked and without a slash at its end.
///
/// # Errors
/// `invalid_field` for what isn't an address.
pub fn hub_url(typed: &str) -> Result<String> {
    let wrong = || {
        Error::invalid(
            "url",
            "The hub's address begins with https:// or http://, as in https://hub.example.org.",
        )
    };
    let url = Url::parse(typed.trim()).map_err(|_| wrong())?;
    let fits =
        ["http", "https"].contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty());
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !fits || !plain || url.fragment().is_some() || typed.len() > 500 {
        return Err(wrong());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Sends a request and answers the body of a 200, of at most `most` bytes.
///
/// # Errors
/// `hub_unreachable`, or the hub's refusal.
pub(crate) async fn send(request: RequestBuilder, url: &str, most: usize) -> Result<Vec<u8>> {
    let mut response = request.send().await.map_err(|error| unreachable(url, &error))?;
    if response.status().as_u16() != 200 {
        return Err(refusal(response, url).await);
    }
    read(&mut response, url, most).await
}

async fn read(response: &mut Response, url: &str, most: usize) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(url, &error))? {
        if body.len() + chunk.len() > most {
            return Err(Error::conflict(
                "answer_unsigned",
                format!("What answers at {url} isn't the hub. Check the hub's address."),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(url: &str, error: &reqwest::Error) -> Error {
    if let Some(why) = distrust(error) {
        return Error::conflict(
            "hub_certificate",
            format!(
                "The hub's certificate at {url} isn't one that this server trusts: {why}. Check the address. If the hub's \
                 certificate was signed by an authority of your own, give its certificate with CLOUD_SERVER_CA."
            ),
        );
    }
    tracing::debug!(%error, "the hub can't be reached");
    Error::unavailable(
        "hub_unreachable",
        format!("The hub at {url} can't be reached. What waits here is sent as soon as it can be."),
    )
}

/// Why the hub's certificate isn't believed, if that is it.
fn distrust(error: &reqwest::Error) -> Option<String> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(why.to_string());
        }
        // Its own `source` leaves out what it holds.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    None
}

/// What the hub may say that somebody can act on; whatever else it says is shown in its words.
const CODES: &[&str] = &[
    "unknown_node",
    "node_revoked",
    "signature_wrong",
    "not_signed",
    "replayed",
    "sync_version",
    "sync_unreadable",
    "too_large",
    "join_code_wrong",
    "not_a_hub",
    "too_many_tries",
];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Refusal {
    code: String,
    message: String,
    counter: Option<String>,
}

async fn refusal(mut response: Response, url: &str) -> Error {
    let status = response.status().as_u16();
    let body = match read(&mut response, url, MAX_JSON).await {
        Ok(body) => body,
        Err(error) => return error,
    };
    let said: Refusal = serde_json::from_slice(&body).unwrap_or_default();
    if said.code == "low_space" {
        return Error::unavailable(
            "hub_low_space",
            "The hub's disk is nearly full. What waits here is sent once there is room on it.",
        );
    }
    // Too busy, or something before it can't reach it: the same later.
    if matches!(status, 502..=504) || (status == 500 && said.code.is_empty()) {
        return Error::unavailable(
            "hub_unreachable",
            format!(
                "The hub at {url} doesn't answer at the moment. What waits here is sent as soon as it can be."
            ),
        );
    }
    let kind = match status {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        429 => ErrorKind::TooMany,
        _ => ErrorKind::Conflict,
    };
    let code = CODES.iter().find(|code| **code == said.code).copied().unwrap_or("hub_refused");
    let message = if said.message.is_empty() {
        format!("What answers at {url} isn't an arise hub. Check the hub's address.")
    } else {
        said.message
    };
    let error = Error::new(kind, code, message);
    match said.counter {
        Some(counter) => error.with("counter", counter),
        None => error,
    }
}

/// What a node sends to take its place.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "NodeJoin")]
pub struct Join {
    /// What the hub finds the code by.
    pub print: String,
    pub node: NodeId,
    /// Ed25519, in hex.
    pub public_key: String,
    /// That the node knows the code, in hex.
    pub proof: String,
}

/// What the hub answers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "NodeJoined")]
pub struct Joined {
    /// What the administrator called the node.
    pub name: String,
    pub public_key: String,
    pub proof: String,
}

/// Takes a place at a hub with its code, and remembers the hub.
///
/// # Errors
/// `hub_unreachable`, `join_code_wrong`, `hub_unproven`.
pub(crate) async fn join(store: &Store, http: &reqwest::Client, url: &str, code: &str) -> Result<Joined> {
    let url = hub_url(url)?;
    let (node, secret) = store.write(|tx| Ok((node::id(tx)?, key::own(tx)?))).await?;
    let shared = Shared::of(code);
    let own = public_key(&secret);
    let ask = Join {
        print: shared.print,
        node,
        public_key: hex::encode(own),
        proof: hex::encode(node_proof(&shared.key, node, &own)),
    };
    let request = http.post(format!("{url}/api/sync/join")).json(&ask);
    let body = send(request, &url, MAX_JSON).await?;
    let not_a_hub = || {
        Error::conflict(
            "hub_refused",
            format!("What answers at {url} isn't an arise hub. Check the address."),
        )
    };
    let joined: Joined = serde_json::from_slice(&body).map_err(|_| not_a_hub())?;
    let hub_key = hex::decode(&joined.public_key).ok().and_then(|key| PublicKey::try_from(key).ok());
    let hub_key = hub_key.ok_or_else(not_a_hub)?;
    let proof = hex::decode(&joined.proof).map_err(|_| not_a_hub())?;
    check_hub_proof(&shared.key, node, &hub_key, &proof)?;
    store.write(move |tx| hub::joined(tx, &url, &hub_key)).await?;
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_hubs() {
        for (typed, url) in [
            (" https://hub.example.org/ ", Some("https://hub.example.org")),
            ("http://192.168.1.7:5000", Some("http://192.168.1.7:5000")),
            ("https://example.org/arise/", Some("https://example.org/arise")),
            ("hub.example.org", None),
            ("192.168.1.7:5000", None),
            ("ftp://hub.example.org", None),
            ("https://me:secret@hub.example.org", None),
            ("https://hub.example.org/?a=b", None),
            ("", None),
        ] {
            assert_eq!(hub_url(typed).ok().as_deref(), url, "{typed}");
        }
    }
}
