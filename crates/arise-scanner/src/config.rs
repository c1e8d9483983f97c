//! What the owner of a device tells it once.

use crate::{
    sign::Key,
    text::{Text, clipped, parse_hex},
};

/// IEEE 802.11: a network name is at most 32 bytes.
pub const MAX_SSID: usize = 32;
/// WPA2: a passphrase is at most 63 characters, or 64 hexadecimal digits.
pub const MAX_PASSWORD: usize = 64;
/// The server's address.
pub const MAX_URL: usize = 64;
/// The device's id, a UUID.
pub const MAX_DEVICE_ID: usize = 36;

/// Network and server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    pub ssid: Text<MAX_SSID>,
    pub password: Text<MAX_PASSWORD>,
    pub server: Text<MAX_URL>,
}

/// Who this device is to the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    pub device_id: Text<MAX_DEVICE_ID>,
    pub key: Key,
}

impl core::fmt::Debug for Identity {
    /// Without the key, which must not get into a log.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Identity").field("device_id", &self.device_id).finish_non_exhaustive()
    }
}

impl Identity {
    /// From the server's answer to pairing: the key is 64 hexadecimal digits.
    #[must_use]
    pub fn from_answer(device_id: &str, key: &str) -> Option<Self> {
        let whole = !device_id.is_empty() && device_id.len() <= MAX_DEVICE_ID;
        whole.then_some(())?;
        Some(Self { device_id: clipped(device_id), key: parse_hex(key)? })
    }
}
