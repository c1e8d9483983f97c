//! The sensor's frames (ZFM-20, AS608, R307 family; ZFM-20 user manual, section "Data package format").
//!
//! `EF01 | address32 | PID | length16 | payload | sum16`, all big-endian; length = payload + 2;
//! sum = PID + the two length bytes + payload, modulo 2¹⁶.

use heapless::Vec;

/// Bytes before the payload: start code, address, packet identifier, length.
pub const HEAD: usize = 9;
/// The longest payload that this device sends or understands; `ReadIndex` answers with 33 bytes.
pub const MAX_PAYLOAD: usize = 64;
/// The longest frame on the wire.
pub const MAX_FRAME: usize = HEAD + MAX_PAYLOAD + 2;
/// The address of a module that nobody has renamed.
pub const BROADCAST: u32 = 0xFFFF_FFFF;

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Command,
    Data,
    Ack,
    End,
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Command => 1,
            Self::Data => 2,
            Self::Ack => 7,
            Self::End => 8,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Command,
            2 => Self::Data,
            7 => Self::Ack,
            8 => Self::End,
            _ => return None,
        })
    }
}

/// One frame whose checksum was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: Kind,
    pub address: u32,
    pub payload: Vec<u8, MAX_PAYLOAD>,
}

/// Why bytes were not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// The sum at the end doesn't agree with the bytes.
    Checksum,
    /// A packet identifier that the manual doesn't know.
    Kind(u8),
    /// A length below 2, or a payload beyond [`MAX_PAYLOAD`].
    Length(u16),
}

/// Writes a frame. A payload beyond [`MAX_PAYLOAD`] is an error and leaves nothing written.
pub fn encode(kind: Kind, address: u32, payload: &[u8]) -> Result<Vec<u8, MAX_FRAME>, FrameError> {
    let length = u16::try_from(payload.len() + 2).unwrap_or(u16::MAX);
    if payload.len() > MAX_PAYLOAD {
        return Err(FrameError::Length(length));
    }
    let mut out = Vec::new();
    let too_long = |_| FrameError::Length(length);
    out.extend_from_slice(&[0xEF, 0x01]).map_err(too_long)?;
    out.extend_from_slice(&address.to_be_bytes()).map_err(too_long)?;
    out.push(kind.code()).map_err(|_| FrameError::Length(length))?;
    out.extend_from_slice(&length.to_be_bytes()).map_err(too_long)?;
    out.extend_from_slice(payload).map_err(too_long)?;
    let sum = checksum(&out[6..]);
    out.extend_from_slice(&sum.to_be_bytes()).map_err(too_long)?;
    Ok(out)
}

fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)))
}

/// Finds frames in a stream of bytes that may begin anywhere and contain noise.
#[derive(Debug, Default)]
pub struct Decoder {
    bytes: Vec<u8, MAX_FRAME>,
}

impl Decoder {
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Forgets a half-received frame, before a new command is sent.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// Takes one byte. Answers with a frame, or why one was thrown away, when that byte ended it.
    pub fn push(&mut self, byte: u8) -> Option<Result<Frame, FrameError>> {
        // The buffer is emptied at every whole frame and no longer frame is let in, so there is room.
        let _ = self.bytes.push(byte);
        let start = match self.bytes.as_slice() {
            [0xEF] | [0xEF, 0x01, ..] => true,
            [0xEF, 0xEF] => {
                self.bytes.truncate(1);
                true
            }
            _ => false,
        };
        if !start {
            self.bytes.clear();
            return None;
        }
        if self.bytes.len() < HEAD {
            return None;
        }
        let length = u16::from_be_bytes([self.bytes[7], self.bytes[8]]);
        if length < 2 || usize::from(length) > MAX_PAYLOAD + 2 {
            self.bytes.clear();
            return Some(Err(FrameError::Length(length)));
        }
        if self.bytes.len() < HEAD + usize::from(length) {
            return None;
        }
        let frame = self.whole();
        self.bytes.clear();
        Some(frame)
    }

    fn whole(&self) -> Result<Frame, FrameError> {
        let end = self.bytes.len() - 2;
        let sent = u16::from_be_bytes([self.bytes[end], self.bytes[end + 1]]);
        if sent != checksum(&self.bytes[6..end]) {
            return Err(FrameError::Checksum);
        }
        let kind = Kind::from_code(self.bytes[6]).ok_or(FrameError::Kind(self.bytes[6]))?;
        let address = u32::from_be_bytes([self.bytes[2], self.bytes[3], self.bytes[4], self.bytes[5]]);
        let payload = Vec::from_slice(&self.bytes[HEAD..end]).map_err(|_| FrameError::Length(u16::MAX))?;
        Ok(Frame { kind, address, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> std::vec::Vec<Result<Frame, FrameError>> {
        let mut decoder = Decoder::new();
        bytes.iter().filter_map(|b| decoder.push(*b)).collect()
    }

    #[test]
    fn the_manuals_example_of_verify_password() {
        // ZFM-20 manual, VfyPwd with password 0.
        let frame = encode(Kind::Command, BROADCAST, &[0x13, 0, 0, 0, 0]).unwrap();
        assert_eq!(frame.as_slice(), [0xEF, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 7, 0x13, 0, 0, 0, 0, 0, 0x1B]);
    }

    #[test]
    fn an_impossible_length_is_refused_at_once() {
        let found = decode(&[0xEF, 1, 0xFF, 0xFF, 0xFF, 0xFF, 7, 0xFF, 0xFF]);
        assert_eq!(found, [Err(FrameError::Length(0xFFFF))]);
        assert!(encode(Kind::Data, BROADCAST, &[0; MAX_PAYLOAD + 1]).is_err());
    }

    proptest! {
        #[test]
        fn frames_survive_noise_before_and_after(
            noise in prop::collection::vec(prop_oneof![Just(0xEF_u8), 2_u8..=0xEE], 0..20),
            payload in prop::collection::vec(any::<u8>(), 0..=MAX_PAYLOAD),
            address: u32,
        ) {
            let mut bytes = noise.clone();
            bytes.extend_from_slice(&encode(Kind::Ack, address, &payload).unwrap());
            bytes.extend_from_slice(&noise);
            let frames = decode(&bytes);
            prop_assert_eq!(frames.len(), 1);
            let frame = frames[0].clone().unwrap();
            prop_assert_eq!(frame.kind, Kind::Ack);
            prop_assert_eq!(frame.address, address);
            prop_assert_eq!(frame.payload.as_slice(), payload.as_slice());
        }

        #[test]
        fn a_flipped_payload_bit_is_never_taken_for_an_answer(
            payload in prop::collection::vec(any::<u8>(), 1..=MAX_PAYLOAD),
            at: prop::sample::Index,
            bit in 0_u8..8,
        ) {
            let mut bytes = encode(Kind::Ack, BROADCAST, &payload).unwrap();
            let index = HEAD + at.index(payload.len());
            bytes[index] ^= 1 << bit;
            prop_assert_eq!(decode(&bytes), [Err(FrameError::Checksum)]);
        }
    }
}
