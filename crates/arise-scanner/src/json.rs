//! JSON (RFC 8259) in a fixed amount of memory: a writer that stops when full, and a reader that pulls values one by one.
//!
//! The reader takes what it wants and skips the rest, so a server may add fields. Texts longer than the place
//! they go to are clipped, because a long name must not make an answer unreadable.

use core::fmt::Write;

use heapless::Vec;

use crate::text::Text;

/// How deep a skipped value may nest before it is taken for an attack on the stack.
const MAX_DEPTH: u8 = 16;

/// Writes one JSON text into a buffer of `N` bytes.
#[derive(Debug)]
pub struct Writer<'a, const N: usize> {
    out: &'a mut Vec<u8, N>,
    comma: bool,
    full: bool,
}

impl<'a, const N: usize> Writer<'a, N> {
    /// Starts a text; what was in `out` is forgotten.
    pub fn new(out: &'a mut Vec<u8, N>) -> Self {
        out.clear();
        Self { out, comma: false, full: false }
    }

    /// Whether everything fitted.
    #[must_use]
    pub const fn whole(&self) -> bool {
        !self.full
    }

    /// Begins `{` or `[`.
    pub fn open(&mut self, bracket: char) {
        self.value(|w| w.raw(bracket.encode_utf8(&mut [0; 4])));
        self.comma = false;
    }

    /// Ends with `}` or `]`.
    pub fn close(&mut self, bracket: char) {
        self.raw(bracket.encode_utf8(&mut [0; 4]));
        self.comma = true;
    }

    /// A member's name; its value must follow.
    pub fn key(&mut self, name: &str) {
        self.value(|w| w.quoted(name));
        self.raw(":");
        self.comma = false;
    }

    /// A text value.
    pub fn string(&mut self, text: &str) {
        self.value(|w| w.quoted(text));
    }

    /// An integer value.
    pub fn integer(&mut self, number: i64) {
        self.value(|w| {
            let mut digits: Text<20> = Text::new();
            let _ = write!(digits, "{number}");
            w.raw(&digits);
        });
    }

    /// A value that came from a count.
    pub fn count(&mut self, number: usize) {
        self.integer(i64::try_from(number).unwrap_or(i64::MAX));
    }

    fn value(&mut self, write: impl FnOnce(&mut Self)) {
        if self.comma {
            self.raw(",");
        }
        write(self);
        self.comma = true;
    }

    fn raw(&mut self, text: &str) {
        self.full |= self.out.extend_from_slice(text.as_bytes()).is_err();
    }

    fn quoted(&mut self, text: &str) {
        self.raw("\"");
        for c in text.chars() {
            match c {
                '"' => self.raw("\\\""),
                '\\' => self.raw("\\\\"),
                c if c < ' ' => {
                    let mut escape: Text<6> = Text::new();
                    let _ = write!(escape, "\\u{:04x}", u32::from(c));
                    self.raw(&escape);
                }
                c => self.raw(c.encode_utf8(&mut [0; 4])),
            }
        }
        self.raw("\"");
    }
}

/// The text was not the JSON that was expected, at this byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub usize);

/// Pulls values out of a JSON text.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads an object, calling `member` with each name; `member` must read or [`skip`](Self::skip) the value.
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.list(b'{', b'}', |r| {
            let name: Text<32> = r.string()?;
            r.expect(b':')?;
            member(r, &name)
        })
    }

    /// Reads an array, calling `item` at each value, which must be read or skipped.
    pub fn array(&mut self, item: impl FnMut(&mut Self) -> Result<(), Malformed>) -> Result<(), Malformed> {
        self.list(b'[', b']', item)
    }

    /// Reads a text, clipped to `N` bytes.
    pub fn string<const N: usize>(&mut self) -> Result<Text<N>, Malformed> {
        let mut out = Text::new();
        let mut open = true;
        self.characters(|c| {
            open = open && out.push(c).is_ok();
        })?;
        Ok(out)
    }

    /// Reads a text, or `null` as `None`.
    pub fn optional_string<const N: usize>(&mut self) -> Result<Option<Text<N>>, Malformed> {
        if self.null()? { Ok(None) } else { self.string().map(Some) }
    }

    /// Reads an integer; a fraction is cut off and an exponent is malformed.
    pub fn integer(&mut self) -> Result<i64, Malformed> {
        self.space();
        let negative = self.eat(b'-');
        let start = self.at;
        let mut value: i64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(i64::from(digit - b'0')))
                .ok_or(Malformed(self.at))?;
            self.at += 1;
        }
        if self.at == start {
            return Err(Malformed(start));
        }
        if self.eat(b'.') {
            while let Some(b'0'..=b'9') = self.peek() {
                self.at += 1;
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            return Err(Malformed(self.at));
        }
        Ok(if negative { -value } else { value })
    }

    /// Reads `true` or `false`; anything else is skipped and counts as false.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        self.space();
        if self.word(b"true") {
            return Ok(true);
        }
        self.skip()?;
        Ok(false)
    }

    /// Takes `null` if it is next.
    pub fn null(&mut self) -> Result<bool, Malformed> {
        self.space();
        Ok(self.word(b"null"))
    }

    /// Passes over any value.
    pub fn skip(&mut self) -> Result<(), Malformed> {
        self.skip_below(MAX_DEPTH)
    }

    fn skip_below(&mut self, depth: u8) -> Result<(), Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed(self.at))?;
        self.space();
        match self.peek() {
            Some(b'{') => self.list(b'{', b'}', |r| {
                r.characters(|_| {})?;
                r.expect(b':')?;
                r.skip_below(depth)
            }),
            Some(b'[') => self.list(b'[', b']', |r| r.skip_below(depth)),
            Some(b'"') => self.characters(|_| {}),
            Some(b'-' | b'0'..=b'9') => {
                while let Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9') = self.peek() {
                    self.at += 1;
                }
                Ok(())
            }
            _ if self.word(b"true") || self.word(b"false") || self.word(b"null") => Ok(()),
            _ => Err(Malformed(self.at)),
        }
    }

    fn list(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.expect(open)?;
        self.space();
        if self.eat(close) {
            return Ok(());
        }
        loop {
            item(self)?;
            self.space();
            if self.eat(close) {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }

    fn characters(&mut self, mut each: impl FnMut(char)) -> Result<(), Malformed> {
        self.expect(b'"')?;
        let mut high: Option<u32> = None;
        loop {
            let start = self.at;
            let byte = self.next()?;
            let code = match byte {
                b'"' => return Ok(()),
                b'\\' => match self.next()? {
                    b'n' => u32::from('\n'),
                    b't' => u32::from('\t'),
                    b'r' => u32::from('\r'),
                    b'b' => 8,
                    b'f' => 12,
                    b'u' => {
                        let mut code = 0;
                        for _ in 0..4 {
                            let at = self.at;
                            let digit = char::from(self.next()?).to_digit(16).ok_or(Malformed(at))?;
                            code = code << 4 | digit;
                        }
                        code
                    }
                    c @ (b'"' | b'\\' | b'/') => u32::from(c),
                    _ => return Err(Malformed(start)),
                },
                byte if byte < b' ' => return Err(Malformed(start)),
                byte if byte < 0x80 => u32::from(byte),
                _ => {
                    while self.peek().is_some_and(|b| b & 0xC0 == 0x80) {
                        self.at += 1;
                    }
                    let text =
                        core::str::from_utf8(&self.bytes[start..self.at]).map_err(|_| Malformed(start))?;
                    text.chars().for_each(&mut each);
                    continue;
                }
            };
            // RFC 8259, section 7: a character beyond U+FFFF is escaped as a pair of surrogates.
            match (high.take(), code) {
                (_, 0xD800..=0xDBFF) => high = Some(code),
                (Some(first), 0xDC00..=0xDFFF) => {
                    let joined = 0x1_0000 + ((first - 0xD800) << 10) + (code - 0xDC00);
                    each(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                _ => each(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)),
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        self.space();
        if self.eat(byte) { Ok(()) } else { Err(Malformed(self.at)) }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn next(&mut self) -> Result<u8, Malformed> {
        let byte = self.peek().ok_or(Malformed(self.at))?;
        self.at += 1;
        Ok(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_what_it_was_told() {
        let mut out: Vec<u8, 64> = Vec::new();
        let mut w = Writer::new(&mut out);
        w.open('{');
        w.key("a");
        w.open('[');
        w.integer(-1);
        w.string("q\"\\\n");
        w.close(']');
        w.key("b");
        w.count(2);
        w.close('}');
        assert!(w.whole());
        assert_eq!(core::str::from_utf8(&out), Ok(r#"{"a":[-1,"q\"\\\u000a"],"b":2}"#));
    }

    #[test]
    fn a_full_buffer_is_not_whole() {
        let mut out: Vec<u8, 4> = Vec::new();
        let mut w = Writer::new(&mut out);
        w.string("abcdef");
        assert!(!w.whole());
    }

    #[test]
    fn skips_what_it_does_not_know_and_clips_long_text() {
        let text = br#" {"x":[{"deep":[1,2.5e3,null,"\u00e9\ud83d\ude00"]}],"name":"Zo\u00eb Very Long","n":-12.9} "#;
        let mut name: Text<5> = Text::new();
        let mut number = 0;
        Reader::new(text)
            .object(|r, key| {
                match key {
                    "name" => name = r.string()?,
                    "n" => number = r.integer()?,
                    _ => r.skip()?,
                }
                Ok(())
            })
            .unwrap();
        assert_eq!((name.as_str(), number), ("Zoë ", -12));
    }

    #[test]
    fn nesting_has_an_end() {
        assert!(Reader::new(&[b'['; 10_000]).skip().is_err());
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC{0,40}", controls in "[\\x00-\\x1f\"\\\\]{0,10}") {
            let text = std::format!("{text}{controls}");
            let mut out: Vec<u8, 1024> = Vec::new();
            Writer::new(&mut out).string(&text);
            let back: Text<512> = Reader::new(&out).string().unwrap();
            prop_assert_eq!(back.as_str(), text.as_str());
        }

        #[test]
        fn no_input_panics(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\u09aentrf .-\xC3".to_vec()), 0..60)) {
            let _ = Reader::new(&bytes).skip();
            let _ = Reader::new(&bytes).integer();
            let _ = Reader::new(&bytes).object(|r, _| r.skip());
        }
    }
}
