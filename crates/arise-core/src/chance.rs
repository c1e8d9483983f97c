//! Randomness for ids. In simulations it repeats; otherwise it is the system's.

use uuid::Uuid;

#[cfg(feature = "sim")]
thread_local! {
    static SEED: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
}

/// Makes the ids of this thread repeat.
#[cfg(feature = "sim")]
pub fn seed(seed: u64) {
    SEED.set(Some(seed));
}

/// SplitMix64 (Steele, Lea, Flood 2014).
#[cfg(feature = "sim")]
fn repeatable() -> Option<[u8; 16]> {
    let mut state = SEED.get()?;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let words = [next(), next()];
    SEED.set(Some(state));
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&words[0].to_le_bytes());
    bytes[8..].copy_from_slice(&words[1].to_le_bytes());
    Some(bytes)
}

#[cfg(not(feature = "sim"))]
const fn repeatable() -> Option<[u8; 16]> {
    None
}

pub(crate) fn bytes() -> [u8; 16] {
    repeatable().unwrap_or_else(|| *Uuid::new_v4().as_bytes())
}
