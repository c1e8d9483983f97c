//! A mark that the server refused, kept for the teacher and not sent again.

use crate::{
    mark::{Mark, RECORD},
    text::{Text, clipped},
    wire::Status,
};

/// Bytes of a refused mark in flash.
pub const REFUSED_RECORD: usize = RECORD + 2 + MESSAGE;
/// The server's messages are at most this long.
const MESSAGE: usize = 20;

/// The mark and the server's reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub mark: Mark,
    pub status: Status,
    pub message: Text<MESSAGE>,
}

impl Refused {
    #[must_use]
    pub fn encode(&self) -> [u8; REFUSED_RECORD] {
        let mut out = [0; REFUSED_RECORD];
        out[..RECORD].copy_from_slice(&self.mark.encode());
        out[RECORD] = self.status.code();
        out[RECORD + 1] = u8::try_from(self.message.len()).unwrap_or(0);
        out[RECORD + 2..RECORD + 2 + self.message.len()].copy_from_slice(self.message.as_bytes());
        out
    }

    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (mark, rest) = bytes.split_at_checked(RECORD)?;
        let (&[status, length], text) = rest.split_first_chunk()?;
        let message = core::str::from_utf8(text.get(..usize::from(length))?).ok()?;
        Some(Self { mark: Mark::decode(mark)?, status: Status::from_code(status), message: clipped(message) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flash_gives_it_back() {
        let mark = Mark { seq: 3, session: None, slot: 9, boot: 1, uptime_ms: 5, observed_at: Some(77) };
        let refused = Refused { mark, status: Status::NotEnrolled, message: clipped("Not Enrolled") };
        assert_eq!(Refused::decode(&refused.encode()), Some(refused));
        assert_eq!(Refused::decode(&[0; 10]), None);
    }
}
