//! Signatures of scanners' requests: HMAC-SHA-256 (RFC 2104) over method, path, counter and body.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// A scanner's key.
pub type Key = [u8; 32];

/// `HMAC(key, METHOD "\n" path-with-query "\n" counter "\n" hex(SHA-256(body)))`, in hex.
pub fn sign(key: &Key, method: &str, path: &str, counter: u64, body: &[u8]) -> String {
    hex::encode(mac(key, method, path, counter, body).finalize().into_bytes())
}

/// Whether `signature` (hex) belongs to this request. Takes the same time for every wrong one.
pub fn verify(key: &Key, method: &str, path: &str, counter: u64, body: &[u8], signature: &str) -> bool {
    hex::decode(signature)
        .is_ok_and(|bytes| mac(key, method, path, counter, body).verify_slice(&bytes).is_ok())
}

fn mac(key: &Key, method: &str, path: &str, counter: u64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    let body_hash = hex::encode(Sha256::digest(body));
    for part in [method, "\n", path, "\n", &counter.to_string(), "\n", &body_hash] {
        mac.update(part.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_signed() {
        let key = [1; 32];
        let good = sign(&key, "POST", "/api/device/marks", 7, b"{}");
        assert!(verify(&key, "POST", "/api/device/marks", 7, b"{}", &good));
        assert!(!verify(&[2; 32], "POST", "/api/device/marks", 7, b"{}", &good));
        assert!(!verify(&key, "GET", "/api/device/marks", 7, b"{}", &good));
        assert!(!verify(&key, "POST", "/api/device/marks?a", 7, b"{}", &good));
        assert!(!verify(&key, "POST", "/api/device/marks", 8, b"{}", &good));
        assert!(!verify(&key, "POST", "/api/device/marks", 7, b"{} ", &good));
        assert!(!verify(&key, "POST", "/api/device/marks", 7, b"{}", "zz"));
    }
}
