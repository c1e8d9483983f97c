//! A mark: one student's finger at one moment.

use crate::{
    clock::Clock,
    session::{SessionId, Windows},
};

/// Bytes of a mark in flash.
pub const RECORD: usize = 40;
/// Tells this record from one of a later form.
const FORM: u8 = 1;

/// A mark as it is kept in flash, complete enough to be credited days later by a server that was away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Unique on this device for its life; the server answers a repeated one as it did the first time.
    pub seq: u32,
    /// The session that this device believed to be open.
    pub session: Option<SessionId>,
    /// The sensor's slot, from 1.
    pub slot: u16,
    /// Which start of the device, from 1.
    pub boot: u32,
    /// Uptime at the finger, ms, 48 bits kept.
    pub uptime_ms: u64,
    /// UTC ms at the finger, 48 bits kept; `None` if the clock was unknown.
    pub observed_at: Option<i64>,
}

impl Mark {
    /// The form in flash: flags, seq, session, slot, boot, uptime, wall clock, form; little-endian.
    #[must_use]
    pub fn encode(&self) -> [u8; RECORD] {
        let mut out = [0; RECORD];
        out[0] = u8::from(self.session.is_some()) | u8::from(self.observed_at.is_some()) << 1;
        out[1..5].copy_from_slice(&self.seq.to_le_bytes());
        out[5..21].copy_from_slice(&self.session.map_or([0; 16], |s| s.0));
        out[21..23].copy_from_slice(&self.slot.to_le_bytes());
        out[23..27].copy_from_slice(&self.boot.to_le_bytes());
        out[27..33].copy_from_slice(&self.uptime_ms.to_le_bytes()[..6]);
        out[33..39].copy_from_slice(&self.observed_at.unwrap_or(0).to_le_bytes()[..6]);
        out[39] = FORM;
        out
    }

    /// Reads [`Self::encode`]'s form; `None` when it isn't that.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; RECORD] = bytes.try_into().ok()?;
        if bytes[39] != FORM {
            return None;
        }
        let mut uptime = [0; 8];
        uptime[..6].copy_from_slice(&bytes[27..33]);
        let mut observed = [0; 8];
        observed[..6].copy_from_slice(&bytes[33..39]);
        Some(Self {
            seq: u32::from_le_bytes(bytes[1..5].try_into().ok()?),
            session: (bytes[0] & 1 != 0).then_some(SessionId(bytes[5..21].try_into().ok()?)),
            slot: u16::from_le_bytes(bytes[21..23].try_into().ok()?),
            boot: u32::from_le_bytes(bytes[23..27].try_into().ok()?),
            uptime_ms: u64::from_le_bytes(uptime),
            observed_at: (bytes[0] & 2 != 0).then_some(i64::from_le_bytes(observed)),
        })
    }

    /// The mark with what has become known since: if the clock was learnt later in the same boot the time of the
    /// finger is known after all, and a session that wasn't open at that time is no longer claimed.
    #[must_use]
    pub fn resolved(mut self, boot: u32, clock: &Clock, windows: &Windows) -> Self {
        if self.observed_at.is_none() && self.boot == boot {
            self.observed_at = clock.at(self.uptime_ms);
            if let Some(time) = self.observed_at {
                let still = |id: &SessionId| windows.get(*id).is_some_and(|w| w.covers(time));
                self.session = self.session.filter(still).or_else(|| windows.only_open(time).map(|w| w.id));
            }
        }
        self
    }
}

/// The student's number in class under the default map of two slots to a student.
#[must_use]
pub const fn default_roll(slot: u16) -> u16 {
    slot.saturating_sub(1) / 2 + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{session::Window, text::clipped};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn flash_gives_back_the_mark(
            seq: u32, session in prop::option::of(any::<[u8; 16]>()), slot: u16, boot: u32,
            uptime_ms in 0_u64..1 << 48, observed_at in prop::option::of(0_i64..1 << 47),
        ) {
            let mark = Mark { seq, session: session.map(SessionId), slot, boot, uptime_ms, observed_at };
            prop_assert_eq!(Mark::decode(&mark.encode()), Some(mark));
        }
    }

    #[test]
    fn two_slots_make_one_student() {
        assert_eq!([1, 2, 3, 4, 199].map(default_roll), [1, 1, 2, 2, 100]);
    }

    #[test]
    fn a_guess_made_without_a_clock_is_mended() {
        let mut windows = Windows::default();
        for n in [1_u8, 2] {
            let starts_at = i64::from(n) * 1_000_000;
            windows.add(Window {
                id: SessionId([n; 16]),
                course: clipped("X"),
                starts_at,
                ends_at: starts_at + 500_000,
            });
        }
        let mut clock = Clock::default();
        clock.learn(2_100_000, 60_000, 60_000);
        let guessed = Mark {
            seq: 1,
            session: Some(SessionId([1; 16])),
            slot: 1,
            boot: 7,
            uptime_ms: 30_000,
            observed_at: None,
        };
        let mended = guessed.resolved(7, &clock, &windows);
        assert_eq!((mended.session, mended.observed_at), (Some(SessionId([2; 16])), Some(2_070_000)));
        // A mark of another boot says nothing about this clock.
        assert_eq!(guessed.resolved(8, &clock, &windows), guessed);
    }
}
