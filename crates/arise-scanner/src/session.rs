//! What the device knows of sessions, so that it can go on without the server.

use heapless::Vec;

use crate::text::{Text, clipped, parse_hex, push_hex};

/// Sessions remembered; the server sends the recent and open ones.
pub const MAX_WINDOWS: usize = 8;
/// Bytes of a course code that are kept: what fits on the display's main line.
pub const MAX_COURSE: usize = 20;
/// Bytes of all windows in flash.
pub const MAX_ENCODED: usize = 1 + MAX_WINDOWS * (16 + 8 + 8 + 1 + MAX_COURSE);

/// A session's UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionId(pub [u8; 16]);

impl SessionId {
    /// Reads a UUID, with or without hyphens.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut digits: Text<32> = Text::new();
        for c in text.chars().filter(|c| *c != '-') {
            digits.push(c).ok()?;
        }
        parse_hex(&digits).map(Self)
    }

    /// The UUID in its canonical form, RFC 9562 section 4.
    #[must_use]
    pub fn text(&self) -> Text<36> {
        let mut out = Text::new();
        for (i, part) in [0..4, 4..6, 6..8, 8..10, 10..16].into_iter().enumerate() {
            if i > 0 {
                let _ = out.push('-');
            }
            push_hex(&mut out, &self.0[part]);
        }
        out
    }
}

/// When a session takes marks, UTC ms, the end not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub id: SessionId,
    pub course: Text<MAX_COURSE>,
    pub starts_at: i64,
    pub ends_at: i64,
}

impl Window {
    #[must_use]
    pub const fn covers(&self, utc_ms: i64) -> bool {
        self.starts_at <= utc_ms && utc_ms < self.ends_at
    }
}

/// The sessions that the server last told of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    list: Vec<Window, MAX_WINDOWS>,
}

impl Windows {
    /// Remembers a session; when there is no room the one that ended first is forgotten.
    pub fn add(&mut self, window: Window) {
        if let Some(known) = self.list.iter_mut().find(|w| w.id == window.id) {
            *known = window;
            return;
        }
        if let Err(window) = self.list.push(window)
            && let Some(oldest) = self.list.iter_mut().min_by_key(|w| w.ends_at)
            && oldest.ends_at < window.ends_at
        {
            *oldest = window;
        }
    }

    /// The only session open at a time; `None` also when several are, because then only the server can choose.
    #[must_use]
    pub fn only_open(&self, utc_ms: i64) -> Option<&Window> {
        let mut open = self.list.iter().filter(|w| w.covers(utc_ms));
        let first = open.next();
        if open.next().is_some() { None } else { first }
    }

    #[must_use]
    pub fn get(&self, id: SessionId) -> Option<&Window> {
        self.list.iter().find(|w| w.id == id)
    }

    /// The form in flash.
    #[must_use]
    pub fn encode(&self) -> Vec<u8, MAX_ENCODED> {
        let mut out = Vec::new();
        // `MAX_ENCODED` is the sum of these parts at their longest, so nothing is left off.
        let _ = out.push(u8::try_from(self.list.len()).unwrap_or(0));
        for w in &self.list {
            let _ = out.extend_from_slice(&w.id.0);
            let _ = out.extend_from_slice(&w.starts_at.to_le_bytes());
            let _ = out.extend_from_slice(&w.ends_at.to_le_bytes());
            let _ = out.push(u8::try_from(w.course.len()).unwrap_or(0));
            let _ = out.extend_from_slice(w.course.as_bytes());
        }
        out
    }

    /// Reads [`Self::encode`]'s form; `None` when it isn't that.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (&count, mut rest) = bytes.split_first()?;
        let mut list = Vec::new();
        for _ in 0..count {
            let (id, after) = rest.split_first_chunk()?;
            let (starts, after) = after.split_first_chunk()?;
            let (ends, after) = after.split_first_chunk()?;
            let (&length, after) = after.split_first()?;
            let (course, after) = after.split_at_checked(usize::from(length))?;
            let window = Window {
                id: SessionId(*id),
                course: clipped(core::str::from_utf8(course).ok()?),
                starts_at: i64::from_le_bytes(*starts),
                ends_at: i64::from_le_bytes(*ends),
            };
            list.push(window).ok()?;
            rest = after;
        }
        Some(Self { list })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(n: u8, starts_at: i64, ends_at: i64) -> Window {
        Window { id: SessionId([n; 16]), course: clipped("CS-101 with a long name"), starts_at, ends_at }
    }

    #[test]
    fn ids_are_canonical() {
        let text = "0190a1b2-c3d4-7e5f-8a6b-0123456789ab";
        assert_eq!(SessionId::parse(text).unwrap().text().as_str(), text);
        assert_eq!(SessionId::parse("0190a1b2"), None);
    }

    #[test]
    fn flash_gives_back_what_was_kept_and_the_oldest_goes_first() {
        let mut windows = Windows::default();
        for n in 1..=10_u8 {
            windows.add(window(n, i64::from(n) * 100, i64::from(n) * 100 + 50));
        }
        assert_eq!(Windows::decode(&windows.encode()), Some(windows.clone()));
        assert!(windows.get(SessionId([2; 16])).is_none());
        assert!(windows.get(SessionId([3; 16])).is_some());
        for cut in 1..windows.encode().len() {
            assert_eq!(Windows::decode(&windows.encode()[..cut]), None);
        }
    }

    #[test]
    fn two_open_sessions_are_not_guessed_between() {
        let mut windows = Windows::default();
        windows.add(window(1, 100, 200));
        windows.add(window(2, 150, 250));
        assert_eq!(windows.only_open(149).map(|w| w.id), Some(SessionId([1; 16])));
        assert_eq!(windows.only_open(150), None);
        assert_eq!(windows.only_open(200).map(|w| w.id), Some(SessionId([2; 16])));
        assert_eq!(windows.only_open(250), None);
    }
}
