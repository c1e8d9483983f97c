//! The code of an online class: TOTP (RFC 6238) with HMAC-SHA-256, 30 s, six digits.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::UtcMillis;

/// Seconds for which one code is shown.
pub const STEP_SECONDS: i64 = 30;

/// The six digits shown at `now`.
pub fn code(seed: &[u8], now: UtcMillis) -> String {
    at_step(seed, step(now), 6)
}

/// Seconds until the shown code changes.
pub fn seconds_remaining(now: UtcMillis) -> i64 {
    STEP_SECONDS - now.div_euclid(1_000).rem_euclid(STEP_SECONDS)
}

/// What a typed code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The code of this step or of the one before it.
    Right,
    /// It was right a few minutes ago.
    Expired,
    Wrong,
}

/// How many steps back a code is told to have run out instead of being wrong: five minutes.
const REMEMBERED: i64 = 10;

/// Judges a code as somebody typed it; they may have typed the gap in the middle, too.
pub fn judge(seed: &[u8], typed: &str, now: UtcMillis) -> Verdict {
    let typed: String = typed.chars().filter(|c| !c.is_whitespace()).take(7).collect();
    let is_of = |step| equal(&at_step(seed, step, 6), &typed);
    let current = step(now);
    if [current, current - 1].map(is_of).contains(&true) {
        Verdict::Right
    } else if (current - REMEMBERED..current - 1).any(is_of) {
        Verdict::Expired
    } else {
        Verdict::Wrong
    }
}

fn step(now: UtcMillis) -> i64 {
    now.div_euclid(1_000 * STEP_SECONDS)
}

/// RFC 4226 truncation of HMAC-SHA-256 over the step (RFC 6238 section 4.2).
fn at_step(seed: &[u8], step: i64, digits: u32) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(seed).expect("HMAC takes a key of any length");
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let offset = usize::from(hash[hash.len() - 1] & 0xf);
    let word = u32::from_be_bytes([hash[offset], hash[offset + 1], hash[offset + 2], hash[offset + 3]]);
    let code = (word & 0x7fff_ffff) % 10_u32.pow(digits);
    format!("{code:0width$}", width = digits as usize)
}

/// Compares without saying by its duration how much was right.
fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |diff, (x, y)| diff | (x ^ y)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_6238_appendix_b_sha256() {
        let seed = b"12345678901234567890123456789012";
        for (seconds, expected) in [
            (59, "46119246"),
            (1_111_111_109, "68084774"),
            (1_111_111_111, "67062674"),
            (1_234_567_890, "91819424"),
            (2_000_000_000, "90698825"),
            (20_000_000_000_i64, "77737706"),
        ] {
            assert_eq!(at_step(seed, step(seconds * 1_000), 8), expected);
        }
    }

    #[test]
    fn this_step_and_the_one_before() {
        let seed = [7; 20];
        let now = 1_700_000_010_000;
        let shown = code(&seed, now);
        assert_eq!(judge(&seed, &shown, now), Verdict::Right);
        let (left, right) = shown.split_at(3);
        assert_eq!(judge(&seed, &format!(" {left} {right} "), now + 30_000), Verdict::Right);
        assert_eq!(judge(&seed, &shown, now + 60_000), Verdict::Expired);
        assert_eq!(judge(&seed, &shown, now + 300_000), Verdict::Expired);
        assert_eq!(judge(&seed, &shown, now + 330_000), Verdict::Wrong);
        assert_eq!(judge(&seed, &shown, now - 30_000), Verdict::Wrong);
        assert_eq!(judge(&seed, &format!("{shown}0"), now), Verdict::Wrong);
        assert_eq!(seconds_remaining(1_700_000_010_000), 30);
        assert_eq!(seconds_remaining(1_700_000_039_999), 1);
    }
}
