//! An online class: its link, how often a code may be mistyped, and what its teacher should look at.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::SECOND;
use crate::{Error, Result, StudentId, UtcMillis};

/// Letters and digits that aren't mistaken for one another, in either case (Crockford's base 32).
const SYMBOLS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 26 symbols of 5 bits: 130 bits that nobody guesses.
pub const TOKEN_LENGTH: usize = 26;
/// Wrong codes that cost nothing: digits are mistyped, and a code runs out while it is typed.
const FREE: i64 = 5;
/// From then on, at least a code's time.
const SHORTEST: UtcMillis = 30 * SECOND;
const LONGEST: UtcMillis = 120 * SECOND;
/// From how many marks out of one network, off campus, the teacher is told. A family may share a connection.
const CROWD: usize = 5;

/// The token of a link, from as many random bytes.
pub fn token(random: &[u8; TOKEN_LENGTH]) -> String {
    random.iter().map(|byte| char::from(SYMBOLS[usize::from(byte & 31)])).collect()
}

/// How long a student's next try waits after the n-th wrong code in one class. A guesser who tries one
/// student through gets some 35 tries in an hour, of a million codes of which two are right.
pub fn delay(failures: i64) -> UtcMillis {
    if failures <= FREE {
        return 0;
    }
    let doublings = u32::try_from(failures - FREE - 1).unwrap_or(u32::MAX).min(8);
    (SHORTEST << doublings).min(LONGEST)
}

/// Networks as somebody typed them: addresses or blocks (RFC 4632), apart by commas or white space.
///
/// # Errors
/// `invalid_field` for `campus_networks`.
pub fn networks(text: &str) -> Result<Vec<IpNet>> {
    let refused = |word: &str| {
        Error::invalid("campus_networks", format!("“{word}” isn't a network, such as 203.0.113.0/24."))
    };
    let words =
        text.split(|c: char| c == ',' || c == ';' || c.is_whitespace()).filter(|word| !word.is_empty());
    let found: Vec<IpNet> = words
        .map(|word| {
            word.parse()
                .or_else(|_| word.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| refused(&word.chars().take(40).collect::<String>()))
        })
        .collect::<Result<_>>()?;
    if found.len() > 100 {
        return Err(Error::invalid("campus_networks", "Use at most 100 networks."));
    }
    Ok(found)
}

/// The network that an address tells apart from others: one IPv4 address, or the /64 that an IPv6 connection
/// is given (RFC 6177).
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpNet::new(v6.into(), 64).map_or(address, |net| net.network()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// On campus; or private, which the hub sees only of its own network or of a proxy in front of it.
fn is_near(address: IpAddr, campus: &[IpNet]) -> bool {
    let private = match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_loopback() || v6.is_unicast_link_local(),
    };
    private || campus.iter().any(|net| net.contains(&address))
}

/// Where a mark by code came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    pub student_id: StudentId,
    /// The browser's own cookie; nothing when it keeps none.
    pub device: Option<Vec<u8>>,
    pub address: Option<IpAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlagKind {
    /// One device marked several students.
    OneDevice,
    /// Many marks came out of one network that isn't the institution's.
    OneNetwork,
    /// Somebody tried many wrong codes for a student.
    WrongCodes,
}

/// Something for the teacher to look at. It changes no mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Flag {
    pub kind: FlagKind,
    pub student_ids: Vec<StudentId>,
}

/// What is out of the ordinary: the devices first, then the networks, then wrong codes.
pub fn flags(origins: &[Origin], failures: &[(StudentId, i64)], campus: &[IpNet]) -> Vec<Flag> {
    let mut devices: BTreeMap<&[u8], Vec<StudentId>> = BTreeMap::new();
    let mut crowds: BTreeMap<IpAddr, Vec<StudentId>> = BTreeMap::new();
    for origin in origins {
        if let Some(device) = &origin.device {
            devices.entry(device).or_default().push(origin.student_id);
        }
        let address = origin.address.map(|address| address.to_canonical());
        if let Some(address) = address.filter(|address| !is_near(*address, campus)) {
            crowds.entry(network_of(address)).or_default().push(origin.student_id);
        }
    }
    let of = |kind| move |student_ids| Flag { kind, student_ids };
    let one_device = devices.into_values().filter(|who| who.len() > 1).map(of(FlagKind::OneDevice));
    let one_network = crowds.into_values().filter(|who| who.len() >= CROWD).map(of(FlagKind::OneNetwork));
    let wrong: Vec<StudentId> =
        failures.iter().filter(|(_, failures)| *failures > FREE).map(|(student, _)| *student).collect();
    let wrong = (!wrong.is_empty()).then_some(wrong).into_iter().map(of(FlagKind::WrongCodes));
    one_device.chain(one_network).chain(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn student(n: u128) -> StudentId {
        StudentId(Uuid::from_u128(n))
    }

    fn origin(n: u128, device: u8, address: &str) -> Origin {
        Origin { student_id: student(n), device: Some(vec![device]), address: address.parse().ok() }
    }

    #[test]
    fn a_link_keeps_all_its_randomness() {
        let all: [u8; TOKEN_LENGTH] = std::array::from_fn(|i| u8::try_from(i).unwrap() + 6);
        assert_eq!(token(&all), "6789abcdefghjkmnpqrstvwxyz");
        assert_eq!(token(&[255; TOKEN_LENGTH]), "z".repeat(26));
    }

    #[test]
    fn wrong_codes_cost_time_and_never_more_than_two_minutes() {
        assert_eq!(delay(5), 0);
        assert_eq!(delay(6), 30 * SECOND);
        assert_eq!(delay(7), 60 * SECOND);
        assert_eq!(delay(8), 120 * SECOND);
        assert_eq!(delay(i64::MAX), 120 * SECOND);
    }

    #[test]
    fn networks_as_they_are_typed() {
        let typed = networks(" 203.0.113.0/24, 10.1.2.3;\n2001:db8::/32 ").unwrap();
        assert_eq!(typed.len(), 3);
        assert!(typed[1].contains(&"10.1.2.3".parse::<IpAddr>().unwrap()));
        assert!(networks("").unwrap().is_empty());
        for wrong in ["campus", "10.0.0.0/33", "10.0.0.0/8, x"] {
            assert_eq!(networks(wrong).unwrap_err().code, "invalid_field", "{wrong}");
        }
    }

    #[test]
    fn one_device_for_several() {
        let origins =
            [origin(1, 1, "198.51.100.1"), origin(2, 1, "198.51.100.2"), origin(3, 2, "198.51.100.1")];
        let found = flags(&origins, &[], &[]);
        assert_eq!(found, [Flag { kind: FlagKind::OneDevice, student_ids: vec![student(1), student(2)] }]);
        // A browser without cookies isn't taken for another one.
        let unknown = Origin { device: None, ..origins[0].clone() };
        assert!(flags(&[unknown.clone(), unknown], &[], &[]).is_empty());
    }

    #[test]
    fn a_crowd_off_campus() {
        let crowd: Vec<Origin> =
            (1..=5).map(|n| origin(n, u8::try_from(n).unwrap(), "198.51.100.1")).collect();
        assert_eq!(flags(&crowd, &[], &[])[0].kind, FlagKind::OneNetwork);
        assert!(flags(&crowd[..4], &[], &[]).is_empty());
        assert!(flags(&crowd, &[], &networks("198.51.0.0/16").unwrap()).is_empty());
        let near: Vec<Origin> =
            crowd.iter().map(|o| Origin { address: "192.168.0.7".parse().ok(), ..o.clone() }).collect();
        assert!(flags(&near, &[], &[]).is_empty());
        // Addresses of one IPv6 connection; an IPv4 address as IPv6 is itself.
        let v6: Vec<Origin> =
            (1..=5).map(|n| origin(n, u8::try_from(n).unwrap(), &format!("2001:db8::{n}"))).collect();
        assert_eq!(flags(&v6, &[], &[])[0].student_ids.len(), 5);
        let mapped: Vec<Origin> =
            (1..=5).map(|n| origin(n, u8::try_from(n).unwrap(), "::ffff:198.51.100.1")).collect();
        assert!(flags(&mapped, &[], &networks("198.51.100.0/24").unwrap()).is_empty());
    }

    #[test]
    fn many_wrong_codes() {
        let found = flags(&[], &[(student(1), 5), (student(2), 6)], &[]);
        assert_eq!(found, [Flag { kind: FlagKind::WrongCodes, student_ids: vec![student(2)] }]);
    }
}
