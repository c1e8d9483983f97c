//! Identifiers: UUIDv7 (RFC 9562), made where the row is made and the same on every node. Canonical text
//! in JSON, 16 bytes in the database.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, UtcMillis, chance};

/// A UUIDv7 whose time part is `now`, so that ids made later sort later.
pub fn uuid_v7(now: UtcMillis) -> Uuid {
    let millis = u64::try_from(now).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
}

fn random() -> [u8; 10] {
    let random = chance::bytes();
    // Bytes 6 and 8 of a version 4 id carry its version and variant and aren't random.
    [
        random[0], random[1], random[2], random[3], random[4], random[5], random[9], random[10], random[11],
        random[12],
    ]
}

impl OpId {
    /// The id of a record with this stamp, in microseconds: ids of later stamps sort later, however close
    /// (RFC 9562, 6.2, method 3).
    pub fn stamped(hlc: i64) -> Self {
        Self(stamped(hlc, random()))
    }

    /// The smallest id of a record with this stamp.
    pub fn first_stamped(hlc: i64) -> Self {
        Self(stamped(hlc, [0; 10]))
    }
}

fn stamped(hlc: i64, mut tail: [u8; 10]) -> Uuid {
    let micros = u64::try_from(hlc).unwrap_or_default();
    // The first 12 bits of the tail become the fraction of a millisecond.
    let fraction = micros % 1_000 * 4_096 / 1_000;
    let [.., high, low] = fraction.to_be_bytes();
    (tail[0], tail[1]) = (high, low);
    uuid::Builder::from_unix_timestamp_millis(micros / 1_000, &tail).into_uuid()
}

/// The smallest UUID whose time part is `at`: every id made then or later is above it.
pub fn first_at(at: UtcMillis) -> Uuid {
    let millis = u128::try_from(at).unwrap_or_default() & 0xffff_ffff_ffff;
    Uuid::from_u128(millis << 80)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $noun:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            pub fn new(now: UtcMillis) -> Self {
                Self(uuid_v7(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            /// An id that can't be read names nothing: the answer is the same as for one that isn't there.
            fn from_str(text: &str) -> Result<Self, Error> {
                Uuid::parse_str(text).map(Self).map_err(|_| Error::not_found($noun))
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

ids! {
    AdminId, "administrator";
    SemesterId, "semester";
    TeacherId, "teacher";
    StudentId, "student";
    CourseId, "course";
    SessionId, "session";
    DeviceId, "scanner";
    NodeId, "node";
    OpId, "record";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let (early, late) = (SessionId::new(1_700_000_000_000), SessionId::new(1_700_000_000_001));
        assert!(early < late);
        assert_eq!(early.0.get_version_num(), 7);
        assert!(first_at(1_700_000_000_001) > early.0 && first_at(1_700_000_000_001) <= late.0);
        assert_ne!(SessionId::new(5), SessionId::new(5));
    }

    #[test]
    fn ids_of_records_sort_by_their_stamps() {
        let stamps = [0, 1, 999, 1_000, 1_700_000_000_000_998, 1_700_000_000_000_999, 1_700_000_000_001_000];
        for pair in stamps.windows(2) {
            assert!(OpId::stamped(pair[0]) < OpId::first_stamped(pair[1]));
            assert!(OpId::first_stamped(pair[1]) <= OpId::stamped(pair[1]));
        }
        assert_eq!(OpId::stamped(7).0.get_version_num(), 7);
        assert_ne!(OpId::stamped(7), OpId::stamped(7));
    }

    #[test]
    fn a_malformed_id_names_nothing() {
        assert_eq!("seven".parse::<StudentId>().unwrap_err().code, "not_found");
    }
}
