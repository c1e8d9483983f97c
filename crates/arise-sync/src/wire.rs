//! Frames: `arx`, the version, 16 bytes of the SHA-256 of what follows, and that: CBOR (RFC 8949) in a zstd
//! frame (RFC 8878).

use std::io::Read;

use arise_core::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// The most bytes of a frame.
pub const MAX_BODY: usize = 4 * 1_024 * 1_024;
/// The most bytes of its content, which a small frame could otherwise blow up to anything.
const MAX_CONTENT: u64 = 16 * 1_024 * 1_024;
const MAGIC: &[u8; 3] = b"arx";
/// Rises when an older arise would misread a frame. New kinds and fields of records don't need that.
const VERSION: u8 = 1;
const HASH: usize = 16;
const HEAD: usize = MAGIC.len() + 1 + HASH;
/// Costs about 1 ms for 1,000 records; higher levels save little on them.
const LEVEL: i32 = 3;

pub(crate) fn encode(message: &impl Serialize) -> Result<Vec<u8>> {
    let fault = |e: &dyn std::fmt::Display| Error::internal(format!("a message can't be written: {e}"));
    let mut content = Vec::new();
    ciborium::into_writer(message, &mut content).map_err(|e| fault(&e))?;
    let packed = zstd::bulk::compress(&content, LEVEL).map_err(|e| fault(&e))?;
    let mut frame = Vec::with_capacity(HEAD + packed.len());
    frame.extend_from_slice(MAGIC);
    frame.push(VERSION);
    frame.extend_from_slice(&Sha256::digest(&packed)[..HASH]);
    frame.extend_from_slice(&packed);
    Ok(frame)
}

pub(crate) fn decode<T: DeserializeOwned>(frame: &[u8]) -> Result<T> {
    if frame.len() > MAX_BODY {
        return Err(Error::new(ErrorKind::TooLarge, "too_large", "This sync message is too large."));
    }
    let unreadable = || {
        Error::malformed(
            "sync_unreadable",
            "This sync message was damaged on its way, or is none. Try again.",
        )
    };
    let (head, packed) = frame.split_at_checked(HEAD).ok_or_else(unreadable)?;
    let (magic, rest) = head.split_at(MAGIC.len());
    let (version, hash) = rest.split_at(1);
    if magic != MAGIC {
        return Err(unreadable());
    }
    if version != [VERSION] {
        return Err(Error::conflict(
            "sync_version",
            format!(
                "The other side speaks version {} of the sync protocol, this arise version {VERSION}. Update the older of the two.",
                version[0]
            ),
        ));
    }
    if Sha256::digest(packed)[..HASH] != *hash {
        return Err(unreadable());
    }
    let mut content = Vec::new();
    let unpacked = zstd::stream::read::Decoder::new(packed)
        .and_then(|decoder| decoder.take(MAX_CONTENT + 1).read_to_end(&mut content));
    if unpacked.map_err(|_| unreadable())? as u64 > MAX_CONTENT {
        return Err(Error::new(ErrorKind::TooLarge, "too_large", "This sync message is too large."));
    }
    ciborium::from_reader(&content[..]).map_err(|_| unreadable())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_round_trips_and_any_flipped_bit_is_noticed() {
        let message = vec!["present".to_owned(); 50];
        let frame = encode(&message).unwrap();
        assert!(frame.len() < 100);
        assert_eq!(decode::<Vec<String>>(&frame).unwrap(), message);
        for at in 0..frame.len() * 8 {
            let mut damaged = frame.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert!(decode::<Vec<String>>(&damaged).is_err(), "bit {at}");
        }
        for length in 0..frame.len() {
            assert!(decode::<Vec<String>>(&frame[..length]).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn another_version_says_so() {
        let mut frame = encode(&1).unwrap();
        frame[3] = 9;
        assert_eq!(decode::<i64>(&frame).unwrap_err().code, "sync_version");
    }

    #[test]
    fn a_small_frame_of_large_content_is_refused() {
        let content = vec![0_u8; 17 * 1_024 * 1_024];
        let packed = zstd::bulk::compress(&content, LEVEL).unwrap();
        let mut frame = b"arx\x01".to_vec();
        frame.extend_from_slice(&Sha256::digest(&packed)[..HASH]);
        frame.extend_from_slice(&packed);
        assert!(frame.len() < 10_000);
        assert_eq!(decode::<Vec<u8>>(&frame).unwrap_err().code, "too_large");
    }
}
