//! Text in a fixed amount of memory.

use core::fmt::Write;

/// A string of at most `N` bytes.
pub type Text<const N: usize> = heapless::String<N>;

/// Copies `source`, ending at the last whole character that fits.
#[must_use]
pub fn clipped<const N: usize>(source: &str) -> Text<N> {
    let mut out = Text::new();
    for c in source.chars() {
        if out.push(c).is_err() {
            break;
        }
    }
    out
}

/// Formats into a fixed text; what doesn't fit is left off at a whole character.
pub fn format<const N: usize>(args: core::fmt::Arguments<'_>) -> Text<N> {
    struct Clip<const N: usize>(Text<N>);
    impl<const N: usize> Write for Clip<N> {
        fn write_str(&mut self, s: &str) -> core::fmt::Result {
            for c in s.chars() {
                if self.0.push(c).is_err() {
                    return Err(core::fmt::Error);
                }
            }
            Ok(())
        }
    }
    let mut out = Clip(Text::new());
    // An error only says that the text was full, which is what clipping means.
    let _ = out.write_fmt(args);
    out.0
}

/// Writes `bytes` as lower-case hexadecimal; stops when `out` is full.
pub fn push_hex<const N: usize>(out: &mut Text<N>, bytes: &[u8]) {
    for byte in bytes {
        if write!(out, "{byte:02x}").is_err() {
            return;
        }
    }
}

/// Reads exactly `N` bytes of hexadecimal, upper or lower case; `None` for any other text.
#[must_use]
pub fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(out)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clipping_keeps_whole_characters() {
        assert_eq!(clipped::<4>("añño").as_str(), "añ");
        assert_eq!(format::<5>(format_args!("{}-{}", 123, 456)).as_str(), "123-4");
    }

    #[test]
    fn hex_goes_both_ways() {
        let mut text: Text<8> = Text::new();
        push_hex(&mut text, &[0x00, 0xab, 0x7f]);
        assert_eq!(text.as_str(), "00ab7f");
        assert_eq!(parse_hex::<3>("00AB7f"), Some([0, 0xab, 0x7f]));
        assert_eq!(parse_hex::<3>("00ab7"), None);
        assert_eq!(parse_hex::<3>("00ab7g"), None);
    }
}
