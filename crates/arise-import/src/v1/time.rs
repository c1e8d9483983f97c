//! Times as the older system wrote them, in several ways.

use arise_core::UtcMillis;
use arise_core::clock::{DAY, HOUR, MINUTE};
use arise_core::zone::Zone;

/// Where the older system ran, whatever a clock said: times without a zone are local there.
pub(super) fn zone() -> Zone {
    Zone::named("Asia/Kolkata").unwrap_or_else(|_| Zone::utc())
}

/// 2000-01-01 to 2100-01-01: what is outside isn't a time of a class.
const BOUNDS: std::ops::Range<UtcMillis> = 10_957 * DAY..47_482 * DAY;

fn within(at: Option<UtcMillis>) -> Option<UtcMillis> {
    at.filter(|at| BOUNDS.contains(at))
}

/// The start or end of a session: with its own offset, or local.
pub(super) fn of_session(text: &str) -> Option<UtcMillis> {
    within(zone().parse(text))
}

/// When a mark was made. The database wrote UTC, the program local time, both without a zone: what falls into
/// the session is meant. Where neither does (a correction days later), fractions of a second or a `T` tell the
/// program's.
pub(super) fn of_mark(text: &str, session: (UtcMillis, UtcMillis)) -> Option<UtcMillis> {
    let local = within(zone().parse(text))?;
    let Some(utc) = within(Zone::utc().parse(text)) else { return Some(local) };
    if local == utc {
        return Some(local);
    }
    let near = |at: UtcMillis| (session.0 - 30 * MINUTE..session.1 + HOUR).contains(&at);
    match (near(utc), near(local)) {
        (true, false) => Some(utc),
        (false, true) => Some(local),
        _ if text.contains(['T', '.']) => Some(local),
        _ => Some(utc),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UtcMillis {
        text.parse::<String>().ok().and_then(|text| zone().parse(&text)).unwrap()
    }

    #[test]
    fn every_way_in_which_sessions_were_written() {
        for (text, iso) in [
            ("2025-09-29 05:42:59+00:00", "2025-09-29T11:12:59+05:30"),
            ("2026-03-07 15:37:35", "2026-03-07T15:37:35+05:30"),
            ("2026-03-07 15:37:35.476622", "2026-03-07T15:37:35+05:30"),
            ("2026-03-07T15:37:35.476622+05:30", "2026-03-07T15:37:35+05:30"),
            ("2026-03-07T10:07:35Z", "2026-03-07T15:37:35+05:30"),
            ("2026-03-07 15:37", "2026-03-07T15:37:00+05:30"),
        ] {
            assert_eq!(of_session(text).map(|at| zone().iso(at)).as_deref(), Some(iso), "{text}");
        }
        for text in ["", "soon", "0000-00-00 00:00:00", "1970-01-01 00:00:00", "9999-12-31 23:59:59", "15:37"]
        {
            assert_eq!(of_session(text), None, "{text}");
        }
    }

    #[test]
    fn a_mark_s_time_is_told_by_its_session() {
        let session = (at("2026-03-07 15:30:00"), at("2026-03-07 16:30:00"));
        let meant = Some(at("2026-03-07 15:37:35"));
        assert_eq!(of_mark("2026-03-07 10:07:35", session), meant);
        assert_eq!(of_mark("2026-03-07 15:37:35", session), meant);
        assert_eq!(of_mark("2026-03-07 10:07:35+00:00", session), meant);
        // Two days later: the database's own, or the program's.
        assert_eq!(of_mark("2026-03-09 10:00:00", session), Some(at("2026-03-09 15:30:00")));
        assert_eq!(of_mark("2026-03-09 10:00:00.5", session), Some(at("2026-03-09 10:00:00.5")));
        assert_eq!(of_mark("yesterday", session), None);
    }
}
