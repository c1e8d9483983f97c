//! The fingerprint sensor: its commands, its answers, and one exchange at a time.
//!
//! Numbers are from the ZFM-20 user manual, section "System instructions"; AS608 and R307 modules answer the same way.
//! `Search` (04) is used and not `HighSpeedSearch` (1B), which some modules lack.

use heapless::Vec;

use crate::frame::{BROADCAST, Decoder, Kind, MAX_FRAME, encode};

/// Slots that a [`Slots`] can tell of; the largest modules hold 1,000.
pub const MAX_SLOTS: u16 = 1024;
/// Slots in one answer to `ReadIndex`.
pub const INDEX_BLOCK: u16 = 256;
/// Capacity assumed when the module doesn't say: the smallest of the family (ZFM-20 manual, "storage capacity").
pub const FALLBACK_CAPACITY: u16 = 120;
/// Attempts at one command when bytes were damaged on the way.
const ATTEMPTS: u8 = 3;
/// Silence kept after a command timed out, so that its late answer isn't taken for the next one's, ms.
const QUIET: u64 = 250;

/// What the sensor is asked. Pages are slots on the wire, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// `VfyPwd` with the factory's password 0.
    VerifyPassword,
    /// `GenImg`: take a picture.
    Capture,
    /// `Img2Tz`: picture to features in buffer 1 or 2.
    Convert(u8),
    /// `Search` for buffer 1 among the first `count` pages.
    Search {
        count: u16,
    },
    /// `RegModel`: both buffers to one template.
    Combine,
    /// `Store` buffer 1.
    Store {
        page: u16,
    },
    /// `Load` into buffer 1.
    Load {
        page: u16,
    },
    Delete {
        page: u16,
    },
    /// `Empty`: delete everything.
    DeleteAll,
    /// `ReadSysPara`.
    Parameters,
    /// `TemplateNum`.
    Count,
    /// `ReadIndexTable` for a block of 256 pages.
    Index(u8),
}

impl Command {
    /// The payload of the command frame.
    #[must_use]
    pub fn payload(self) -> Vec<u8, 8> {
        let mut out = Vec::new();
        let mut put = |bytes: &[u8]| {
            // The longest is Search with 6 bytes.
            let _ = out.extend_from_slice(bytes);
        };
        match self {
            Self::VerifyPassword => put(&[0x13, 0, 0, 0, 0]),
            Self::Capture => put(&[0x01]),
            Self::Convert(buffer) => put(&[0x02, buffer]),
            Self::Search { count } => {
                put(&[0x04, 1, 0, 0]);
                put(&count.to_be_bytes());
            }
            Self::Combine => put(&[0x05]),
            Self::Store { page } => {
                put(&[0x06, 1]);
                put(&page.to_be_bytes());
            }
            Self::Load { page } => {
                put(&[0x07, 1]);
                put(&page.to_be_bytes());
            }
            Self::Delete { page } => {
                put(&[0x0C]);
                put(&page.to_be_bytes());
                put(&[0, 1]);
            }
            Self::DeleteAll => put(&[0x0D]),
            Self::Parameters => put(&[0x0F]),
            Self::Count => put(&[0x1D]),
            Self::Index(block) => put(&[0x1F, block]),
        }
        out
    }

    /// How long an answer may take, ms: several times what the manuals give, for worn modules.
    #[must_use]
    pub const fn timeout(self) -> u64 {
        match self {
            Self::Capture | Self::Convert(_) | Self::Combine => 1500,
            Self::Search { .. } => 2000,
            Self::DeleteAll => 4000,
            _ => 1000,
        }
    }

    /// Bytes that a good answer has after the code.
    const fn answer(self) -> usize {
        match self {
            Self::Search { .. } => 4,
            Self::Parameters => 16,
            Self::Count => 2,
            Self::Index(_) => 32,
            _ => 0,
        }
    }
}

/// The sensor's confirmation code, where it is not 00.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 02
    NoFinger,
    /// 03: the picture could not be taken.
    CaptureFailed,
    /// 06, 07, 15: too messy, too few features, no picture.
    BadImage,
    /// 09
    NotFound,
    /// 0A: the two captures don't belong together.
    Mismatch,
    /// 0B
    BadPage,
    /// 0C: the page is empty or unreadable.
    Empty,
    /// 10, 11, 18: deleting or writing failed in the sensor's flash.
    Flash,
    /// 13
    Password,
    /// Any other code.
    Other(u8),
}

impl Refusal {
    const fn from_code(code: u8) -> Self {
        match code {
            0x02 => Self::NoFinger,
            0x03 => Self::CaptureFailed,
            0x06 | 0x07 | 0x15 => Self::BadImage,
            0x09 => Self::NotFound,
            0x0A => Self::Mismatch,
            0x0B => Self::BadPage,
            0x0C => Self::Empty,
            0x10 | 0x11 | 0x18 => Self::Flash,
            0x13 => Self::Password,
            code => Self::Other(code),
        }
    }

    /// A few words for display and console.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoFinger => "No finger",
            Self::CaptureFailed => "No picture",
            Self::BadImage => "Press firmly",
            Self::NotFound => "Not known",
            Self::Mismatch => "Fingers differ",
            Self::BadPage => "No such slot",
            Self::Empty => "Slot is empty",
            Self::Flash => "Sensor memory fails",
            Self::Password => "Sensor is locked",
            Self::Other(_) => "Sensor error",
        }
    }
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Code 00, with the bytes after it.
    Done(Vec<u8, 32>),
    Refused(Refusal),
    /// No usable answer: nothing came in time, or what came was damaged at every attempt.
    Lost,
}

#[derive(Debug, Clone, Copy)]
struct Exchange {
    command: Command,
    deadline: u64,
    attempt: u8,
}

/// One exchange at a time over a serial line at 57600 baud, 8N1.
#[derive(Debug, Default)]
pub struct Driver {
    decoder: Decoder,
    exchange: Option<Exchange>,
    quiet_until: u64,
    out: Vec<u8, MAX_FRAME>,
}

impl Driver {
    /// Whether a command may be sent now.
    #[must_use]
    pub const fn ready(&self, now: u64) -> bool {
        self.exchange.is_none() && now >= self.quiet_until
    }

    /// The command under way.
    #[must_use]
    pub fn command(&self) -> Option<Command> {
        self.exchange.map(|e| e.command)
    }

    /// Starts an exchange; the bytes to send are in [`Self::take_output`]. Ignored unless [`ready`](Self::ready).
    pub fn send(&mut self, now: u64, command: Command) {
        if self.ready(now) {
            self.transmit(now, command, 1);
        }
    }

    /// Bytes for the sensor.
    pub fn take_output(&mut self) -> Vec<u8, MAX_FRAME> {
        core::mem::take(&mut self.out)
    }

    /// Takes a byte from the sensor.
    pub fn receive(&mut self, now: u64, byte: u8) -> Option<Outcome> {
        let exchange = self.exchange?;
        let frame = match self.decoder.push(byte)? {
            Ok(frame) if frame.kind == Kind::Ack => frame,
            // Not an answer; the right one may still come.
            Ok(_) => return None,
            Err(_) => return self.damaged(now, exchange),
        };
        let Some((&code, data)) = frame.payload.split_first() else {
            return self.damaged(now, exchange);
        };
        match code {
            // 01: the sensor received the command damaged.
            0x01 => self.damaged(now, exchange),
            0x00 if data.len() < exchange.command.answer() => self.damaged(now, exchange),
            0x00 => {
                self.exchange = None;
                Some(Outcome::Done(Vec::from_slice(&data[..exchange.command.answer()]).unwrap_or_default()))
            }
            code => {
                self.exchange = None;
                Some(Outcome::Refused(Refusal::from_code(code)))
            }
        }
    }

    /// Looks at the time.
    pub fn tick(&mut self, now: u64) -> Option<Outcome> {
        let exchange = self.exchange?;
        if now < exchange.deadline {
            return None;
        }
        self.exchange = None;
        self.decoder.clear();
        self.quiet_until = now + QUIET;
        Some(Outcome::Lost)
    }

    fn damaged(&mut self, now: u64, exchange: Exchange) -> Option<Outcome> {
        if exchange.attempt < ATTEMPTS {
            self.transmit(now, exchange.command, exchange.attempt + 1);
            return None;
        }
        self.exchange = None;
        self.quiet_until = now + QUIET;
        Some(Outcome::Lost)
    }

    fn transmit(&mut self, now: u64, command: Command, attempt: u8) {
        self.decoder.clear();
        // A command's payload is at most 8 bytes, so it always fits.
        self.out = encode(Kind::Command, BROADCAST, &command.payload()).unwrap_or_default();
        self.exchange = Some(Exchange { command, deadline: now + command.timeout(), attempt });
    }
}

/// Which slots hold a finger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots([u8; MAX_SLOTS as usize / 8]);

impl Default for Slots {
    fn default() -> Self {
        Self([0; MAX_SLOTS as usize / 8])
    }
}

impl Slots {
    /// Takes the 32 bytes of an index block: the lowest page is the lowest bit of the first byte.
    pub fn set_block(&mut self, block: u8, bits: &[u8]) {
        let start = usize::from(block) * 32;
        for (to, from) in self.0.iter_mut().skip(start).zip(bits.iter().take(32)) {
            *to = *from;
        }
    }

    /// Notes that a slot, from 1, was filled or emptied.
    pub fn set(&mut self, slot: u16, occupied: bool) {
        if let Some((byte, bit)) = self.place(slot) {
            if occupied {
                self.0[byte] |= bit;
            } else {
                self.0[byte] &= !bit;
            }
        }
    }

    #[must_use]
    pub fn contains(&self, slot: u16) -> bool {
        self.place(slot).is_some_and(|(byte, bit)| self.0[byte] & bit != 0)
    }

    /// Occupied slots, rising, from 1.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (1..=MAX_SLOTS).filter(|slot| self.contains(*slot))
    }

    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.iter().map(|byte| byte.count_ones()).sum()
    }

    fn place(&self, slot: u16) -> Option<(usize, u8)> {
        let page = usize::from(slot.checked_sub(1)?);
        (page / 8 < self.0.len()).then_some((page / 8, 1 << (page % 8)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(driver: &mut Driver, now: u64, bytes: &[u8]) -> Option<Outcome> {
        bytes.iter().find_map(|b| driver.receive(now, *b))
    }

    fn ack(payload: &[u8]) -> Vec<u8, MAX_FRAME> {
        encode(Kind::Ack, BROADCAST, payload).unwrap()
    }

    #[test]
    fn an_answer_gives_its_data() {
        let mut driver = Driver::default();
        driver.send(0, Command::Search { count: 300 });
        assert_eq!(&driver.take_output()[9..15], [0x04, 1, 0, 0, 0x01, 0x2C]);
        let outcome = feed(&mut driver, 10, &ack(&[0, 0, 5, 0, 90]));
        assert_eq!(outcome, Some(Outcome::Done(Vec::from_slice(&[0, 5, 0, 90]).unwrap())));
        assert!(driver.ready(10));
    }

    #[test]
    fn damage_is_repeated_and_then_given_up() {
        let mut driver = Driver::default();
        driver.send(0, Command::Capture);
        let mut bad = ack(&[2]);
        let end = bad.len() - 1;
        bad[end] ^= 1;
        for _ in 0..2 {
            assert!(!driver.take_output().is_empty());
            assert_eq!(feed(&mut driver, 1, &bad), None);
        }
        assert!(!driver.take_output().is_empty());
        assert_eq!(feed(&mut driver, 1, &bad), Some(Outcome::Lost));
        assert!(driver.take_output().is_empty());
    }

    #[test]
    fn a_short_answer_is_damage_not_data() {
        let mut driver = Driver::default();
        driver.send(0, Command::Index(0));
        driver.take_output();
        assert_eq!(feed(&mut driver, 1, &ack(&[0, 1, 2])), None);
        assert!(!driver.take_output().is_empty());
    }

    #[test]
    fn a_late_answer_is_not_taken_for_the_next_ones() {
        let mut driver = Driver::default();
        driver.send(0, Command::Capture);
        driver.take_output();
        assert_eq!(driver.tick(1499), None);
        assert_eq!(driver.tick(1500), Some(Outcome::Lost));
        driver.send(1510, Command::Convert(1));
        assert!(driver.take_output().is_empty());
        assert_eq!(feed(&mut driver, 1600, &ack(&[0])), None);
        driver.send(1750, Command::Convert(1));
        assert!(!driver.take_output().is_empty());
        assert_eq!(feed(&mut driver, 1760, &ack(&[6])), Some(Outcome::Refused(Refusal::BadImage)));
    }

    #[test]
    fn slots_are_counted_from_one() {
        let mut slots = Slots::default();
        slots.set_block(0, &[0b0000_0101]);
        slots.set_block(1, &[0x80]);
        slots.set(2, true);
        slots.set(3, false);
        slots.set(0, true);
        assert!(slots.iter().eq([1, 2, 264]));
        assert_eq!(slots.count(), 3);
    }
}
