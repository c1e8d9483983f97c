//! Whose records are imported.

use arise_core::op::Kind;
use arise_core::{Error, NodeId, OpId, Result, UtcMillis, text};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A server of the older system, by its name. The ids of its rows follow from it, so that a file has one name
/// for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    name: String,
}

impl Origin {
    /// `name` is empty where there is only one older server.
    ///
    /// # Errors
    /// `invalid_field` for a name that is too long.
    pub fn named(name: &str) -> Result<Self> {
        let name = text::optional("node", name, 60)?.to_lowercase();
        if name.contains(char::is_control) {
            return Err(Error::invalid("node", "Use letters and digits."));
        }
        Ok(Self { name })
    }

    /// As people name it.
    pub(super) fn label(&self) -> String {
        if self.name.is_empty() {
            "the older system".to_owned()
        } else {
            format!("the older server {}", self.name)
        }
    }

    /// As the records name it.
    pub(super) fn node(&self) -> NodeId {
        NodeId(self.digest_id("node", 0))
    }

    /// The id of one of its rows.
    pub(super) fn id(&self, kind: &Kind, old_id: i64) -> Uuid {
        self.digest_id(kind.as_str(), old_id)
    }

    fn digest_id(&self, table: &str, old_id: i64) -> Uuid {
        let digest = self.digest(&[table.as_bytes(), &old_id.to_be_bytes()]);
        uuid::Builder::from_custom_bytes(first_16(&digest)).into_uuid()
    }

    /// The id of a record made at `at` that says `what`.
    pub(super) fn op_id(&self, at: UtcMillis, what: &[&[u8]]) -> OpId {
        let digest = self.digest(what);
        let mut tail = [0; 10];
        tail.copy_from_slice(&digest[..10]);
        let at = u64::try_from(at).unwrap_or_default();
        OpId(uuid::Builder::from_unix_timestamp_millis(at, &tail).into_uuid())
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for part in [b"arise-v1", self.name.as_bytes()].into_iter().chain(parts.iter().copied()) {
            hasher.update(part.len().to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

fn first_16(digest: &[u8; 32]) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes
}
