//! Which browser a mark by code came from, and from which address: hints for the teacher, no proof of anything.

use std::net::{IpAddr, SocketAddr};

use arise_core::{Error, Result};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::app::App;
use crate::cookie;
use crate::error::ApiError;

const NAME: &str = "arise_device";
/// The roll number that was last typed here, so that it need not be typed again.
const ROLL: &str = "arise_roll";
/// As long as browsers keep a cookie (RFC 6265bis).
const KEPT_SECONDS: i64 = 400 * 86_400;

/// Signs the cookies that tell browsers apart.
pub(crate) struct Browsers {
    key: Vec<u8>,
}

impl Browsers {
    pub(crate) fn new(key: &[u8]) -> Self {
        Self { key: key.to_vec() }
    }

    fn sign(&self, id: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(b"arise online device\n");
        mac.update(id);
        mac
    }

    fn read(&self, headers: &HeaderMap) -> Option<Vec<u8>> {
        let (id, signature) = cookie::named(headers, NAME)?.split_once('.')?;
        let (id, signature) = (hex::decode(id).ok()?, hex::decode(signature).ok()?);
        self.sign(&id)
            .verify_truncated_left(&signature)
            .ok()
            .filter(|()| signature.len() == 16 && id.len() == 16)?;
        Some(id)
    }

    fn issue(&self) -> Result<(Vec<u8>, String)> {
        let mut id = [0_u8; 16];
        getrandom::fill(&mut id)
            .map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
        let signature = self.sign(&id).finalize().into_bytes();
        Ok((id.to_vec(), format!("{}.{}", hex::encode(id), hex::encode(&signature[..16]))))
    }
}

/// The browser behind a request.
pub(crate) struct Browser {
    /// What its cookie says.
    pub(crate) device: Option<Vec<u8>>,
    pub(crate) address: Option<IpAddr>,
    /// What was typed as the roll number the last time.
    pub(crate) roll: Option<String>,
    https: bool,
}

impl FromRequestParts<App> for Browser {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> std::result::Result<Self, ApiError> {
        let headers = &parts.headers;
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        Ok(Self {
            device: app.browsers.read(headers),
            address: forwarded(headers, app.config.proxies).or(peer),
            roll: cookie::named(headers, ROLL).and_then(|hex| String::from_utf8(hex::decode(hex).ok()?).ok()),
            https: cookie::is_https(headers),
        })
    }
}

impl Browser {
    /// A cookie for a browser that has none, which it then is known by.
    pub(crate) fn recognize(&mut self, app: &App) -> Result<Option<HeaderValue>> {
        if self.device.is_some() {
            return Ok(None);
        }
        let (id, value) = app.browsers.issue()?;
        self.device = Some(id);
        Ok(Some(self.cookie(NAME, &value)))
    }

    /// Keeps a roll number for the next class. It is written in hex: a cookie takes few characters.
    pub(crate) fn keep_roll(&self, roll: &str) -> HeaderValue {
        self.cookie(ROLL, &hex::encode(roll))
    }

    /// SameSite=Lax: a link from a chat must find it.
    fn cookie(&self, name: &str, value: &str) -> HeaderValue {
        let secure = if self.https { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={KEPT_SECONDS}{secure}");
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// Whom the outermost of our own proxies heard: what is further left anybody may have written.
fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let all: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let place = all.len().checked_sub(proxies.max(1))?;
    if proxies == 0 {
        return None;
    }
    all.get(place)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_proxies_are_believed() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("6.6.6.6, 198.51.100.7"));
        headers.append("x-forwarded-for", HeaderValue::from_static("203.0.113.9"));
        let told = |proxies| forwarded(&headers, proxies).map(|address| address.to_string());
        assert_eq!(told(0), None);
        assert_eq!(told(1).as_deref(), Some("203.0.113.9"));
        assert_eq!(told(2).as_deref(), Some("198.51.100.7"));
        assert_eq!(told(4), None);
    }

    #[test]
    fn a_cookie_of_one_s_own_making_is_none() {
        let browsers = Browsers::new(b"key");
        let (id, value) = browsers.issue().unwrap();
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("cookie", HeaderValue::try_from(format!("a=b; {NAME}={value}")).unwrap());
            headers
        };
        assert_eq!(browsers.read(&with(&value)), Some(id));
        let (front, back) = value.split_once('.').unwrap();
        for forged in [
            front.to_owned(),
            format!("{front}."),
            format!("{back}.{back}"),
            format!("{front}.{}", &back[..8]),
        ] {
            assert_eq!(browsers.read(&with(&forged)), None, "{forged}");
        }
        assert_eq!(Browsers::new(b"another").read(&with(&value)), None);
    }
}
