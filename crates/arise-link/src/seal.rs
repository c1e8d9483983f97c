//! Signed messages: Ed25519 (RFC 8032) around the frames of `arise-sync`.
//!
//! ```text
//! asking    node 16 | counter 8 | 0 | signature 64 | frame
//!           node 16 | counter 8 | 1 | formerly 16 | public key 32 | its former signature 64 | signature 64 | frame
//! answering signature 64 | frame
//! ```
//!
//! A signature covers what the message is for, the hub's key, and every other byte; that of an answer covers
//! what it answers. So nothing can be changed, answered by somebody else, or sent to another hub.

use arise_core::{Error, NodeId, Result};
use arise_store::sync::key::Secret;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The most that a seal adds to a frame.
pub const MAX_SEAL: usize = HEAD + SUCCESSION + SIGNATURE;

const HEAD: usize = 16 + 8 + 1;
const SUCCESSION: usize = 16 + 32 + SIGNATURE;
const SIGNATURE: usize = 64;

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Exchange,
    /// A file that is walked.
    File,
}

impl Purpose {
    fn word(self) -> &'static [u8] {
        match self {
            Self::Exchange => b"arise exchange",
            Self::File => b"arise file",
        }
    }
}

/// Ed25519, 32 bytes.
pub type PublicKey = [u8; 32];

pub fn public_key(secret: &Secret) -> PublicKey {
    SigningKey::from_bytes(secret).verifying_key().to_bytes()
}

/// Who asks.
#[derive(Debug, Clone)]
pub struct Asker {
    pub node: NodeId,
    pub secret: Secret,
    /// Its id and secret before it was told that there is a copy of it, until the hub knows the new ones.
    pub formerly: Option<(NodeId, Secret)>,
}

impl Asker {
    /// Signs a request to the hub.
    pub fn seal(&self, purpose: Purpose, hub: &PublicKey, counter: i64, frame: &[u8]) -> Vec<u8> {
        let key = SigningKey::from_bytes(&self.secret);
        let mut body = Vec::with_capacity(MAX_SEAL + frame.len());
        body.extend(self.node.0.as_bytes());
        body.extend(counter.to_be_bytes());
        body.push(u8::from(self.formerly.is_some()));
        if let Some((formerly, secret)) = &self.formerly {
            let public = key.verifying_key().to_bytes();
            let signature =
                SigningKey::from_bytes(secret).sign(&succession(*formerly, self.node, &public)).to_bytes();
            body.extend(formerly.0.as_bytes());
            body.extend(public);
            body.extend(signature);
        }
        let signature = key.sign(&covered(purpose, hub, &body, frame)).to_bytes();
        body.extend(signature);
        body.extend(frame);
        body
    }
}

/// A request before anybody believes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a> {
    pub node: NodeId,
    pub counter: i64,
    pub formerly: Option<Successor<'a>>,
    head: &'a [u8],
    signature: &'a [u8; SIGNATURE],
    pub frame: &'a [u8],
}

/// What a node says that was told to take another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Successor<'a> {
    pub formerly: NodeId,
    pub public_key: &'a PublicKey,
    signature: &'a [u8; SIGNATURE],
}

impl<'a> Sealed<'a> {
    /// # Errors
    /// `not_signed` for a body that isn't a signed request.
    pub fn read(body: &'a [u8]) -> Result<Self> {
        Self::split(body)
            .ok_or_else(|| Error::unauthorized("not_signed", "This request isn't signed by a node."))
    }

    fn split(body: &'a [u8]) -> Option<Self> {
        let (node, rest) = body.split_first_chunk::<16>()?;
        let (counter, rest) = rest.split_first_chunk::<8>()?;
        let (flag, rest) = rest.split_first()?;
        let (formerly, rest) = match flag {
            0 => (None, rest),
            1 => {
                let (formerly, rest) = rest.split_first_chunk::<16>()?;
                let (public_key, rest) = rest.split_first_chunk::<32>()?;
                let (signature, rest) = rest.split_first_chunk::<SIGNATURE>()?;
                let formerly = NodeId(Uuid::from_bytes(*formerly));
                (Some(Successor { formerly, public_key, signature }), rest)
            }
            _ => return None,
        };
        let head = &body[..body.len() - rest.len()];
        let (signature, frame) = rest.split_first_chunk::<SIGNATURE>()?;
        let node = NodeId(Uuid::from_bytes(*node));
        let counter = i64::from_be_bytes(*counter);
        Some(Self { node, counter, formerly, head, signature, frame })
    }

    /// Whether whoever has the secret of `key` wrote this, for this hub.
    pub fn is_by(&self, purpose: Purpose, hub: &PublicKey, key: &[u8]) -> bool {
        verify(key, &covered(purpose, hub, self.head, self.frame), self.signature)
    }
}

impl Successor<'_> {
    /// Whether whoever has the secret of `key`, the former one, handed over to `node`.
    pub fn is_by(&self, node: NodeId, key: &[u8]) -> bool {
        verify(key, &succession(self.formerly, node, self.public_key), self.signature)
    }
}

/// Signs the hub's answer to a request.
pub fn answer(purpose: Purpose, secret: &Secret, request: &[u8], frame: &[u8]) -> Vec<u8> {
    let signature = SigningKey::from_bytes(secret).sign(&answered(purpose, request, frame));
    let mut body = Vec::with_capacity(SIGNATURE + frame.len());
    body.extend(signature.to_bytes());
    body.extend(frame);
    body
}

/// The hub's answer to a request.
///
/// # Errors
/// `answer_unsigned` when it isn't the hub's, isn't to this request, or was changed on its way.
pub fn read_answer<'a>(
    purpose: Purpose,
    hub: &PublicKey,
    request: &[u8],
    body: &'a [u8],
) -> Result<&'a [u8]> {
    let wrong = || {
        Error::conflict(
            "answer_unsigned",
            "The answer isn't from the hub that this server joined, or was changed on its way. If the hub was \
             set up anew, join it again.",
        )
    };
    let (signature, frame) = body.split_first_chunk::<SIGNATURE>().ok_or_else(wrong)?;
    if verify(hub, &answered(purpose, request, frame), signature) { Ok(frame) } else { Err(wrong()) }
}

fn verify(key: &[u8], message: &[u8], signature: &[u8; SIGNATURE]) -> bool {
    let key = PublicKey::try_from(key).ok().and_then(|key| VerifyingKey::from_bytes(&key).ok());
    key.is_some_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}

fn covered(purpose: Purpose, hub: &PublicKey, head: &[u8], frame: &[u8]) -> Vec<u8> {
    [purpose.word(), b"\n", hub, head, &Sha256::digest(frame)].concat()
}

fn succession(formerly: NodeId, node: NodeId, key: &PublicKey) -> Vec<u8> {
    [b"arise succession\n".as_slice(), formerly.0.as_bytes(), node.0.as_bytes(), key].concat()
}

fn answered(purpose: Purpose, request: &[u8], frame: &[u8]) -> Vec<u8> {
    [purpose.word(), b" answer\n", &Sha256::digest(request), &Sha256::digest(frame)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: PublicKey = [9; 32];

    fn asker() -> Asker {
        Asker { node: NodeId::new(1), secret: [1; 32], formerly: None }
    }

    #[test]
    fn every_byte_of_a_request_is_signed() {
        let with_former = Asker { formerly: Some((NodeId::new(2), [2; 32])), ..asker() };
        for asker in [asker(), with_former] {
            let key = public_key(&asker.secret);
            let body = asker.seal(Purpose::Exchange, &HUB, 7, b"frame");
            let sealed = Sealed::read(&body).unwrap();
            assert_eq!((sealed.node, sealed.counter, sealed.frame), (asker.node, 7, b"frame".as_slice()));
            assert!(sealed.is_by(Purpose::Exchange, &HUB, &key));
            assert!(!sealed.is_by(Purpose::File, &HUB, &key));
            assert!(!sealed.is_by(Purpose::Exchange, &[8; 32], &key));
            assert!(!sealed.is_by(Purpose::Exchange, &HUB, &public_key(&[3; 32])));
            for at in 0..body.len() * 8 {
                let mut changed = body.clone();
                changed[at / 8] ^= 1 << (at % 8);
                let believed =
                    Sealed::read(&changed).is_ok_and(|sealed| sealed.is_by(Purpose::Exchange, &HUB, &key));
                assert!(!believed, "bit {at}");
            }
        }
    }

    #[test]
    fn only_the_former_key_hands_over() {
        let formerly = NodeId::new(2);
        let asker = Asker { formerly: Some((formerly, [2; 32])), ..asker() };
        let body = asker.seal(Purpose::Exchange, &HUB, 7, b"");
        let successor = Sealed::read(&body).unwrap().formerly.unwrap();
        assert_eq!((successor.formerly, *successor.public_key), (formerly, public_key(&asker.secret)));
        assert!(successor.is_by(asker.node, &public_key(&[2; 32])));
        assert!(!successor.is_by(asker.node, &public_key(&[1; 32])));
        assert!(!successor.is_by(formerly, &public_key(&[2; 32])));
    }

    #[test]
    fn an_answer_is_the_hub_s_and_to_one_request() {
        let hub = public_key(&[5; 32]);
        let body = answer(Purpose::Exchange, &[5; 32], b"request", b"frame");
        assert_eq!(read_answer(Purpose::Exchange, &hub, b"request", &body).unwrap(), b"frame");
        for (hub, request, body) in [
            (&public_key(&[6; 32]), b"request".as_slice(), body.clone()),
            (&hub, b"another", body.clone()),
            (&hub, b"request", [body.as_slice(), b"!"].concat()),
            (&hub, b"request", vec![]),
        ] {
            let refused = read_answer(Purpose::Exchange, hub, request, &body).unwrap_err();
            assert_eq!(refused.code, "answer_unsigned");
        }
    }
}
