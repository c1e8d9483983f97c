//! Classrooms that still run the older system, each known by a key.

use arise_core::{Error, Result};
use sha2::{Digest, Sha256};

/// The keys of SYNC_API_KEY: one key for the only older server, or `room1=key1,room2=key2` for several. None is
/// known by itself: without a setting all are refused.
#[derive(Clone, Default)]
pub struct OlderNodes(Vec<(String, [u8; 32])>);

/// Which of them is calling; its name is empty where there is only one.
#[derive(Debug, Clone)]
pub(crate) struct OlderNode(pub(crate) String);

impl OlderNodes {
    /// Reads the setting; empty is none.
    pub fn parse(setting: &str) -> Self {
        let node = |part: &str| {
            let is_name = |name: &str| {
                !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            };
            // A key may end with equal signs.
            let named =
                part.split_once('=').filter(|(name, key)| is_name(name) && !key.trim_matches('=').is_empty());
            let (name, key) = named.unwrap_or(("", part));
            (!key.is_empty()).then(|| (name.to_lowercase(), Sha256::digest(key).into()))
        };
        Self(setting.split(',').map(str::trim).filter_map(node).collect())
    }

    /// The node that has this key. Every key is compared whole, so that the time tells nothing.
    ///
    /// # Errors
    /// `sync_key_unset`, or `wrong_sync_key`.
    pub(crate) fn known(&self, typed: &[u8]) -> Result<OlderNode> {
        if self.0.is_empty() {
            return Err(Error::forbidden(
                "sync_key_unset",
                "This server takes no data from the older system. Set SYNC_API_KEY to a key of your own.",
            ));
        }
        let typed: [u8; 32] = Sha256::digest(typed).into();
        let mut found = None;
        for (name, key) in &self.0 {
            let differing = key.iter().zip(&typed).fold(0, |sum, (one, other)| sum | (one ^ other));
            if std::hint::black_box(differing) == 0 {
                found = Some(name);
            }
        }
        let found = found.ok_or_else(|| {
            Error::unauthorized("wrong_sync_key", "The key in X-Sync-API-Key is missing or wrong.")
        })?;
        Ok(OlderNode(found.clone()))
    }
}

impl std::fmt::Debug for OlderNodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(setting: &str, typed: &str) -> Option<String> {
        OlderNodes::parse(setting).known(typed.as_bytes()).ok().map(|node| node.0)
    }

    #[test]
    fn one_key_or_several() {
        assert_eq!(name("secret", "secret").as_deref(), Some(""));
        assert_eq!(name("c2VjcmV0Cg==", "c2VjcmV0Cg==").as_deref(), Some(""));
        assert_eq!(name("Room1=one, room2=two==", "one").as_deref(), Some("room1"));
        assert_eq!(name("Room1=one, room2=two==", "two==").as_deref(), Some("room2"));
        for (setting, typed) in [("secret", ""), ("secret", "Secret"), ("secret", "secret "), ("a=b", "a=b")]
        {
            assert_eq!(name(setting, typed), None, "{setting} {typed}");
        }
    }

    #[test]
    fn without_a_setting_all_are_refused() {
        for setting in ["", " ", ",", "room="] {
            let refused = OlderNodes::parse(setting).known(b"").map(|node| node.0);
            assert!(refused.is_err(), "{setting:?}: {refused:?}");
        }
        assert_eq!(OlderNodes::parse("").known(b"").unwrap_err().code, "sync_key_unset");
        assert_eq!(format!("{:?}", OlderNodes::parse("a=secret")), "[\"a\"]");
    }
}
