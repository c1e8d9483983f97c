//! The institution's time zone. Local dates and wall times come from here only.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::{Error, Result, UtcMillis};

/// An IANA time zone such as `Asia/Kolkata`.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// # Errors
    /// `invalid_field` when the name isn't an IANA time zone.
    pub fn named(name: &str) -> Result<Self> {
        TimeZone::get(name).map(Self).map_err(|_| {
            Error::invalid(
                "time_zone",
                format!("“{name}” isn't a time zone. Use a name such as Asia/Kolkata."),
            )
        })
    }

    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    fn zoned(&self, at: UtcMillis) -> Zoned {
        let at =
            Timestamp::from_millisecond(at).unwrap_or(if at < 0 { Timestamp::MIN } else { Timestamp::MAX });
        at.to_zoned(self.0.clone())
    }

    /// The local calendar date, `2026-03-07`. Every `*_on` is one.
    pub fn date(&self, at: UtcMillis) -> String {
        self.zoned(at).date().to_string()
    }

    /// ISO 8601 with the zone's offset and whole seconds: `2026-03-07T15:37:35+05:30`.
    pub fn iso(&self, at: UtcMillis) -> String {
        self.zoned(at).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// The local wall time, `15:37`.
    pub fn time_of_day(&self, at: UtcMillis) -> String {
        self.zoned(at).strftime("%H:%M").to_string()
    }

    /// 0 for Sunday to 6 for Saturday, and the minutes since local midnight.
    pub fn weekday_and_minute(&self, at: UtcMillis) -> (i8, i32) {
        let local = self.zoned(at);
        (local.weekday().to_sunday_zero_offset(), i32::from(local.hour()) * 60 + i32::from(local.minute()))
    }

    /// Reads ISO 8601, with or without an offset; without one it is local wall time. A space may stand
    /// for the `T`.
    pub fn parse(&self, text: &str) -> Option<UtcMillis> {
        let text = text.trim();
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(at.as_millisecond());
        }
        let local = text.parse::<jiff::civil::DateTime>().ok()?;
        local.to_zoned(self.0.clone()).ok().map(|z| z.timestamp().as_millisecond())
    }

    /// The first instant of a local date.
    pub fn start_of(&self, date: &str) -> Option<UtcMillis> {
        let date = date.parse::<Date>().ok()?;
        date.to_zoned(self.0.clone()).ok().map(|z| z.timestamp().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn india_and_a_zone_with_summer_time() {
        let india = Zone::named("Asia/Kolkata").unwrap();
        let at = india.parse("2026-03-07 15:37:35").unwrap();
        assert_eq!(india.iso(at), "2026-03-07T15:37:35+05:30");
        assert_eq!(india.parse("2026-03-07T10:07:35+00:00"), Some(at));
        assert_eq!(india.parse("2026-03-07 15:37:35.476622"), Some(at + 476));
        assert_eq!(india.date(at), "2026-03-07");
        assert_eq!(india.weekday_and_minute(at), (6, 15 * 60 + 37));

        let london = Zone::named("Europe/London").unwrap();
        assert_eq!(london.iso(london.parse("2026-07-01 09:00:00").unwrap()), "2026-07-01T09:00:00+01:00");
        assert_eq!(london.date(london.parse("2026-06-30T23:30:00Z").unwrap()), "2026-07-01");
        assert_eq!(Zone::named("Mars/Olympus").unwrap_err().code, "invalid_field");
    }
}
