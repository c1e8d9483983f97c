//! The part of HTTP/1.1 (RFC 9112) that a scanner needs, without sockets: a request as bytes, an answer from bytes.
//!
//! One connection is kept open and carries one request at a time. An answer's body must have a `Content-Length` or come in
//! chunks; a body that ends with the connection is accepted only when the caller says that it ended.

use core::fmt::Write;

use heapless::Vec;

use crate::text::Text;

/// The longest head of a request.
pub const MAX_REQUEST_HEAD: usize = 512;
/// The longest line in an answer's head; the rest of a longer one is dropped.
const MAX_LINE: usize = 128;

/// A request that is ready to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub method: &'static str,
    /// Path with query, beginning with `/`.
    pub path: &'a str,
    /// Names with values, without `Host`, `Content-Length` and `Content-Type`.
    pub headers: &'a [(&'static str, &'a str)],
    pub body: &'a [u8],
}

impl Request<'_> {
    /// The bytes before the body; `None` if they don't fit, which no path and header of this crate can cause.
    #[must_use]
    pub fn head(&self, host: &str) -> Option<Text<MAX_REQUEST_HEAD>> {
        let mut out = Text::new();
        write!(
            out,
            "{} {} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n",
            self.method,
            self.path,
            self.body.len()
        )
        .ok()?;
        if !self.body.is_empty() {
            out.push_str("Content-Type: application/json\r\n").ok()?;
        }
        for (name, value) in self.headers {
            write!(out, "{name}: {value}\r\n").ok()?;
        }
        out.push_str("\r\n").ok()?;
        Some(out)
    }
}

/// Why an answer can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerError {
    /// Not HTTP/1.x, or a head that makes no sense.
    Malformed,
    /// The body is longer than the device's memory for it.
    TooLong,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Status,
    Headers,
    Body(usize),
    UntilClosed,
    ChunkSize,
    Chunk(usize),
    ChunkEnd,
    Trailers,
    Done,
}

/// Collects one answer, whose body may be up to `N` bytes.
#[derive(Debug)]
pub struct Answer<const N: usize> {
    part: Part,
    line: Text<MAX_LINE>,
    status: u16,
    length: Option<usize>,
    chunked: bool,
    keep: bool,
    body: Vec<u8, N>,
}

impl<const N: usize> Default for Answer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Answer<N> {
    #[must_use]
    pub const fn new() -> Self {
        Self {
            part: Part::Status,
            line: Text::new(),
            status: 0,
            length: None,
            chunked: false,
            keep: true,
            body: Vec::new(),
        }
    }

    /// Takes bytes as they come; true once the answer is complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, AnswerError> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self.part {
                Part::Done => break,
                Part::Body(left) | Part::Chunk(left) => {
                    let take = left.min(rest.len());
                    self.body.extend_from_slice(&rest[..take]).map_err(|_| AnswerError::TooLong)?;
                    rest = &rest[take..];
                    self.part = match (self.part, left - take) {
                        (Part::Body(_), 0) => Part::Done,
                        (Part::Body(_), left) => Part::Body(left),
                        (_, 0) => Part::ChunkEnd,
                        (_, left) => Part::Chunk(left),
                    };
                    continue;
                }
                Part::UntilClosed => {
                    self.body.extend_from_slice(rest).map_err(|_| AnswerError::TooLong)?;
                    break;
                }
                _ if byte == b'\n' => self.end_line()?,
                _ if byte == b'\r' => {}
                _ => {
                    // A header line beyond the limit is one that this device doesn't read.
                    let _ = self.line.push(char::from(byte));
                }
            }
            rest = after;
        }
        Ok(self.part == Part::Done)
    }

    /// Says that the peer closed the connection; true if that completed the answer.
    #[must_use]
    pub fn closed(&self) -> bool {
        matches!(self.part, Part::Done | Part::UntilClosed)
    }

    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether the connection may carry the next request.
    #[must_use]
    pub fn keep_alive(&self) -> bool {
        self.keep && self.part == Part::Done
    }

    fn end_line(&mut self) -> Result<(), AnswerError> {
        self.part = match self.part {
            Part::Status => {
                let mut words = self.line.split(' ');
                let version = words.next().unwrap_or_default();
                if !version.starts_with("HTTP/1.") {
                    return Err(AnswerError::Malformed);
                }
                self.keep = version == "HTTP/1.1";
                self.status = words.next().and_then(|s| s.parse().ok()).ok_or(AnswerError::Malformed)?;
                Part::Headers
            }
            Part::Headers if self.line.is_empty() => self.after_head()?,
            Part::Headers => {
                self.header()?;
                Part::Headers
            }
            Part::ChunkSize => {
                let digits = self.line.split(';').next().unwrap_or_default().trim();
                match usize::from_str_radix(digits, 16).map_err(|_| AnswerError::Malformed)? {
                    0 => Part::Trailers,
                    size if size > N => return Err(AnswerError::TooLong),
                    size => Part::Chunk(size),
                }
            }
            Part::ChunkEnd => Part::ChunkSize,
            Part::Trailers if self.line.is_empty() => Part::Done,
            part => part,
        };
        self.line.clear();
        Ok(())
    }

    fn after_head(&mut self) -> Result<Part, AnswerError> {
        Ok(match self.status {
            // An interim answer (RFC 9110, 15.2): the real one follows.
            100..=199 => Part::Status,
            204 | 304 => Part::Done,
            _ if self.chunked => Part::ChunkSize,
            _ => match self.length {
                Some(0) => Part::Done,
                Some(length) if length > N => return Err(AnswerError::TooLong),
                Some(length) => Part::Body(length),
                None => Part::UntilClosed,
            },
        })
    }

    fn header(&mut self) -> Result<(), AnswerError> {
        let (name, value) = self.line.split_once(':').ok_or(AnswerError::Malformed)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            self.length = Some(value.parse().map_err(|_| AnswerError::Malformed)?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            self.chunked = value.eq_ignore_ascii_case("chunked");
        } else if name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close") {
            self.keep = false;
        }
        Ok(())
    }
}

/// Host and port of a server's address such as `http://192.168.1.20:5000`.
///
/// Only plain `http` is possible: a device without a heap has no TLS, which is why requests are signed.
#[must_use]
pub fn host_and_port(url: &str) -> Option<(&str, u16)> {
    let rest = url.strip_prefix("http://")?;
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, 80),
    };
    let fits = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
    fits.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], step: usize) -> Result<(u16, std::vec::Vec<u8>, bool), AnswerError> {
        let mut answer: Answer<32> = Answer::new();
        let mut done = false;
        for part in bytes.chunks(step) {
            done = answer.push(part)?;
        }
        assert!(done || answer.closed());
        Ok((answer.status(), answer.body().to_vec(), answer.keep_alive()))
    }

    #[test]
    fn reads_answers_cut_anywhere() {
        let plain = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nX: y\r\n\r\nhello";
        let chunked = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nhel\r\n2\r\nlo\r\n0\r\nTrailer: 1\r\n\r\n";
        let closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello";
        for step in 1..60 {
            assert_eq!(read(plain, step), Ok((200, b"hello".to_vec(), true)));
            assert_eq!(read(chunked, step), Ok((401, b"hello".to_vec(), true)));
            assert_eq!(read(closing, step), Ok((200, b"hello".to_vec(), false)));
        }
    }

    #[test]
    fn refuses_what_it_can_not_hold() {
        assert_eq!(read(b"HTTP/1.1 200 OK\r\ncontent-length: 33\r\n\r\n", 9), Err(AnswerError::TooLong));
        assert_eq!(read(b"SSH-2.0-OpenSSH\r\n", 99), Err(AnswerError::Malformed));
    }

    #[test]
    fn writes_a_request() {
        let request =
            Request { method: "POST", path: "/a?b=1", headers: &[("X-Arise-Counter", "7")], body: b"{}" };
        assert_eq!(
            request.head("h:5000").unwrap().as_str(),
            "POST /a?b=1 HTTP/1.1\r\nHost: h:5000\r\nContent-Length: 2\r\nContent-Type: application/json\r\nX-Arise-Counter: 7\r\n\r\n"
        );
    }

    #[test]
    fn addresses() {
        assert_eq!(host_and_port("http://10.0.0.1:5000"), Some(("10.0.0.1", 5000)));
        assert_eq!(host_and_port("http://arise.local/"), Some(("arise.local", 80)));
        for wrong in ["https://a", "a:1", "http://", "http://a:b", "http://a b", "http://a/path"] {
            assert_eq!(host_and_port(wrong), None, "{wrong}");
        }
    }
}
