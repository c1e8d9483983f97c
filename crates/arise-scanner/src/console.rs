//! The serial console: lines in, commands out.

use heapless::Vec;

use crate::{
    config::{MAX_PASSWORD, MAX_SSID, MAX_URL},
    http::host_and_port,
    text::{Text, clipped},
};

/// The longest line; a longer one is refused as a whole.
pub const MAX_LINE: usize = 192;
/// The longest pairing code.
pub const MAX_CODE: usize = 16;

/// What `help` prints.
pub const HELP: &str = "\
wifi \"NAME\" PASSWORD  join this network
server URL            such as http://192.168.1.20:5000
pair CODE             code from the Devices page
config                show all of this, but no secrets
reset-config          forget network, server, pairing
enroll N              two captures into slot N
delete N              empty slot N
delete-all            empty every slot
match                 say whose finger it is
test-sensor           does it answer?
sensor-info           capacity and fingers
queue                 marks not yet sent
refused               marks the server refused
clear-refused         forget those
help                  this list
Student R has slots 2R-1 and 2R.
";

/// One line, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Wifi {
        ssid: Text<MAX_SSID>,
        password: Text<MAX_PASSWORD>,
    },
    Server(Text<MAX_URL>),
    Pair(Text<MAX_CODE>),
    Config,
    ResetConfig,
    Enroll(u16),
    Delete(u16),
    DeleteAll,
    Match,
    TestSensor,
    SensorInfo,
    Queue,
    Refused,
    ClearRefused,
    Help,
    /// Agreement to what was asked.
    Yes,
}

/// Why a line wasn't understood, in words for who typed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage(pub &'static str);

/// Understands a line; `None` for an empty one.
#[must_use]
pub fn parse(line: &str) -> Option<Result<Command, Usage>> {
    let words = match split(line) {
        Ok(words) => words,
        Err(usage) => return Some(Err(usage)),
    };
    let (name, arguments) = words.split_first()?;
    Some(command(name, arguments))
}

fn command(name: &str, arguments: &[Text<MAX_LINE>]) -> Result<Command, Usage> {
    let one = || arguments.first().filter(|a| arguments.len() == 1 && !a.is_empty());
    let slot = |usage| one().and_then(|a| a.parse().ok()).filter(|slot| *slot > 0).ok_or(Usage(usage));
    let plain = match name {
        "wifi" => return wifi(arguments),
        "server" => {
            let usage = Usage("server http://HOST:PORT (https is not possible here)");
            let url = one().ok_or(usage)?;
            let url = url.strip_suffix('/').unwrap_or(url);
            if url.len() > MAX_URL || host_and_port(url).is_none() {
                return Err(usage);
            }
            return Ok(Command::Server(clipped(url)));
        }
        "pair" => {
            let code = one().filter(|c| c.len() <= MAX_CODE).ok_or(Usage("pair CODE"))?;
            return Ok(Command::Pair(clipped(code)));
        }
        "enroll" => return slot("enroll N, where N is a slot from 1").map(Command::Enroll),
        "delete" => return slot("delete N, where N is a slot from 1").map(Command::Delete),
        "config" => Command::Config,
        "reset-config" => Command::ResetConfig,
        "delete-all" => Command::DeleteAll,
        "match" => Command::Match,
        "test-sensor" => Command::TestSensor,
        "sensor-info" => Command::SensorInfo,
        "queue" => Command::Queue,
        "refused" => Command::Refused,
        "clear-refused" => Command::ClearRefused,
        "help" | "?" => Command::Help,
        "yes" => Command::Yes,
        _ => return Err(Usage("not a command; try help")),
    };
    if arguments.is_empty() { Ok(plain) } else { Err(Usage("this command takes nothing after it")) }
}

fn wifi(arguments: &[Text<MAX_LINE>]) -> Result<Command, Usage> {
    let (ssid, password) = match arguments {
        [ssid] => (ssid.as_str(), ""),
        [ssid, password] => (ssid.as_str(), password.as_str()),
        _ => return Err(Usage("wifi \"NAME\" PASSWORD")),
    };
    if ssid.is_empty() || ssid.len() > MAX_SSID {
        return Err(Usage("a network's name has 1 to 32 characters"));
    }
    // IEEE 802.11: 8 to 63 characters, or 64 hexadecimal digits; none for an open network.
    if !password.is_empty() && !(8..=MAX_PASSWORD).contains(&password.len()) {
        return Err(Usage("a password has 8 to 64 characters, or none"));
    }
    Ok(Command::Wifi { ssid: clipped(ssid), password: clipped(password) })
}

/// Words at spaces; `"two words"` is one, and `\"` and `\\` inside are the characters themselves.
fn split(line: &str) -> Result<Vec<Text<MAX_LINE>, 4>, Usage> {
    let mut words: Vec<Text<MAX_LINE>, 4> = Vec::new();
    let mut word: Option<Text<MAX_LINE>> = None;
    let mut quoted = false;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        let c = match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
                continue;
            }
            '\\' if quoted => characters.next().ok_or(Usage("a quote is missing"))?,
            ' ' | '\t' if !quoted => {
                if let Some(word) = word.take() {
                    words.push(word).map_err(|_| Usage("too many words"))?;
                }
                continue;
            }
            c => c,
        };
        word.get_or_insert_default().push(c).or(Err(Usage("the line is too long")))?;
    }
    if quoted {
        return Err(Usage("a quote is missing"));
    }
    if let Some(word) = word {
        words.push(word).map_err(|_| Usage("too many words"))?;
    }
    Ok(words)
}

/// Collects bytes from a terminal into lines.
#[derive(Debug, Default)]
pub struct Editor {
    bytes: Vec<u8, MAX_LINE>,
    overflow: bool,
    last: u8,
}

/// What a byte did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    Nothing,
    /// Shown back to who types.
    Echo(u8),
    /// A character was taken back.
    Erased,
    Line(Text<MAX_LINE>),
    /// A line that was too long or not UTF-8; none of it counts.
    Refused,
}

impl Editor {
    /// Takes a byte.
    pub fn push(&mut self, byte: u8) -> Edited {
        let previous = core::mem::replace(&mut self.last, byte);
        match byte {
            // A terminal ends lines by CR, LF or both.
            b'\n' if previous == b'\r' => Edited::Nothing,
            b'\r' | b'\n' => {
                let bytes = core::mem::take(&mut self.bytes);
                if core::mem::take(&mut self.overflow) {
                    return Edited::Refused;
                }
                core::str::from_utf8(&bytes).map_or(Edited::Refused, |line| Edited::Line(clipped(line)))
            }
            0x08 | 0x7F => {
                // Backspace takes back a whole character, which in UTF-8 may be several bytes.
                while let Some(byte) = self.bytes.pop() {
                    if byte & 0xC0 != 0x80 {
                        return Edited::Erased;
                    }
                }
                Edited::Nothing
            }
            0..=0x1F => Edited::Nothing,
            byte => {
                self.overflow |= self.bytes.push(byte).is_err();
                Edited::Echo(byte)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ok(line: &str) -> Command {
        parse(line).unwrap().unwrap()
    }

    #[test]
    fn every_command_in_help_is_understood() {
        for line in HELP.lines().filter(|l| !l.starts_with("Student")) {
            let name = line.split_whitespace().next().unwrap();
            let arguments = match name {
                "wifi" => " \"My \\\"net\" password1",
                "server" => " http://10.0.0.1:5000/",
                "pair" => " ABCD-1234",
                "enroll" | "delete" => " 7",
                _ => "",
            };
            assert!(matches!(parse(&std::format!(" {name} {arguments} ")), Some(Ok(_))), "{name}");
        }
        assert_eq!(ok("delete 7"), Command::Delete(7));
        assert_eq!(ok("server http://10.0.0.1:5000/"), Command::Server(clipped("http://10.0.0.1:5000")));
        assert_eq!(
            ok("wifi \"My \\\"net\" pass word".replace("pass word", "password1").as_str()),
            Command::Wifi { ssid: clipped("My \"net"), password: clipped("password1") }
        );
    }

    #[test]
    fn nonsense_is_explained() {
        assert_eq!(parse("  "), None);
        for line in [
            "enroll",
            "enroll 0",
            "enroll x",
            "enroll 70000",
            "delete 1 2",
            "match 3",
            "wifi",
            "wifi a short",
            "server https://a",
            "server",
            "pair",
            "pair 12345678901234567",
            "wifi \"a",
            "frobnicate",
        ] {
            assert!(matches!(parse(line), Some(Err(_))), "{line}");
        }
    }

    #[test]
    fn lines_are_edited() {
        let mut editor = Editor::default();
        let lines: std::vec::Vec<_> = "helq\x08p\r\n\nqueue\n"
            .bytes()
            .filter_map(|b| match editor.push(b) {
                Edited::Line(line) => Some(line.as_str().to_owned()),
                _ => None,
            })
            .collect();
        assert_eq!(lines, ["help", "", "queue"]);
        for _ in 0..300 {
            editor.push(b'x');
        }
        assert_eq!(editor.push(b'\r'), Edited::Refused);
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "\\PC{0,250}") {
            let _ = parse(&line);
        }
    }
}
