//! Join codes. A code never travels: the hub finds it by a print, and both sides prove that they know it by a
//! MAC over their keys. So nobody between them can put another key in place, also without TLS.

use arise_core::{Error, NodeId, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::seal::PublicKey;

/// What both sides derive from a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// What the hub finds it by.
    pub print: String,
    pub key: [u8; 32],
}

/// Letters and digits that can't be mistaken for each other.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// Writes 15 random bytes' worth of a code: 75 bits, as `ABCDE-FGHJK-LMNPQ`.
pub fn write(random: &[u8; 15]) -> String {
    let letters: Vec<char> = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    letters.chunks(5).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

impl Shared {
    /// From a code as somebody typed it: case, spaces and dashes don't matter.
    pub fn of(code: &str) -> Self {
        let letters: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
        let code = letters.to_ascii_uppercase();
        let derive = |word: &str| Sha256::digest(format!("arise join {word}\n{code}"));
        Self { print: hex::encode(&derive("print")[..16]), key: derive("key").into() }
    }
}

/// The node's proof that it knows the code, and that this key is its own.
pub fn node_proof(key: &[u8], node: NodeId, public: &PublicKey) -> [u8; 32] {
    mac(key, &[b"node", node.0.as_bytes(), public]).finalize().into_bytes().into()
}

/// The hub's, to this node.
pub fn hub_proof(key: &[u8], node: NodeId, public: &PublicKey) -> [u8; 32] {
    mac(key, &[b"hub", node.0.as_bytes(), public]).finalize().into_bytes().into()
}

/// Whether the node's proof holds.
pub fn is_node_proof(key: &[u8], node: NodeId, public: &PublicKey, proof: &[u8]) -> bool {
    mac(key, &[b"node", node.0.as_bytes(), public]).verify_slice(proof).is_ok()
}

/// Whether the hub's proof holds.
///
/// # Errors
/// `hub_unproven` when it doesn't.
pub fn check_hub_proof(key: &[u8], node: NodeId, public: &PublicKey, proof: &[u8]) -> Result<()> {
    mac(key, &[b"hub", node.0.as_bytes(), public]).verify_slice(proof).map_err(|_| {
        Error::conflict(
            "hub_unproven",
            "Whoever answered doesn't know this code, so it isn't the hub that gave it. Check the address.",
        )
    })
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let code = write(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 31]);
        assert_eq!(code, "ABCDE-FGHJK-LMNP9");
        assert_eq!(Shared::of(&code), Shared::of(" abcde fghjklmnp9 "));
        assert_ne!(Shared::of(&code), Shared::of("ABCDE-FGHJK-LMNP8"));
        assert_ne!(Shared::of(&code).print, hex::encode(&Shared::of(&code).key[..16]));
    }

    #[test]
    fn proofs_are_of_one_node_one_key_and_one_side() {
        let (node, key) = (NodeId::new(1), Shared::of("A").key);
        let proof = node_proof(&key, node, &[1; 32]);
        assert!(is_node_proof(&key, node, &[1; 32], &proof));
        assert!(!is_node_proof(&key, node, &[2; 32], &proof));
        assert!(!is_node_proof(&key, NodeId::new(2), &[1; 32], &proof));
        assert!(!is_node_proof(&Shared::of("B").key, node, &[1; 32], &proof));
        check_hub_proof(&key, node, &[1; 32], &hub_proof(&key, node, &[1; 32])).unwrap();
        assert_eq!(check_hub_proof(&key, node, &[1; 32], &proof).unwrap_err().code, "hub_unproven");
    }
}
