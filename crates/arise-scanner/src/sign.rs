//! Signing of requests: HMAC-SHA256 (RFC 2104, FIPS 180-4).
//!
//! `signature = hex(HMAC(key, METHOD "\n" path-with-query "\n" counter "\n" hex(SHA-256(body))))`. The LAN link has no TLS, so
//! this proves who sent a request and that nobody changed or repeated it; it hides nothing.

use core::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::text::{Text, push_hex};

/// A device's secret, 32 bytes from the server at pairing.
pub type Key = [u8; 32];

/// The value of `X-Arise-Signature`: 64 lower-case hexadecimal digits.
#[must_use]
pub fn signature(key: &Key, method: &str, path: &str, counter: u64, body: &[u8]) -> Text<64> {
    // HMAC takes a key of any length, so the error can't happen for 32 bytes.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Text::new() };
    let mut number: Text<20> = Text::new();
    let _ = write!(number, "{counter}");
    let mut digest: Text<64> = Text::new();
    push_hex(&mut digest, &Sha256::digest(body));
    for part in [method, "\n", path, "\n", number.as_str(), "\n", digest.as_str()] {
        mac.update(part.as_bytes());
    }
    let mut out = Text::new();
    push_hex(&mut out, &mac.finalize().into_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with Python's hmac and hashlib over the same text.
    #[test]
    fn agrees_with_another_implementation() {
        let key: Key = core::array::from_fn(|i| u8::try_from(i).unwrap());
        assert_eq!(
            signature(&key, "POST", "/api/device/marks", 7, b"{\"marks\":[]}").as_str(),
            "5f747ada1f2c25f4043a02a1fd3e74f71c89b7da1eaa2d56a55f4b0d8cd2d78c"
        );
    }

    #[test]
    fn every_part_counts() {
        let base = signature(&[1; 32], "GET", "/a", 1, b"");
        assert_ne!(base, signature(&[2; 32], "GET", "/a", 1, b""));
        assert_ne!(base, signature(&[1; 32], "POST", "/a", 1, b""));
        assert_ne!(base, signature(&[1; 32], "GET", "/b", 1, b""));
        assert_ne!(base, signature(&[1; 32], "GET", "/a", 2, b""));
        assert_ne!(base, signature(&[1; 32], "GET", "/a", 1, b" "));
    }
}
