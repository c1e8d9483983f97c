//! Settings of the institution. They are replicated; what belongs to one machine is configuration instead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::MINUTE;
use crate::zone::Zone;
use crate::{Error, Result, UtcMillis, online, text};

/// Whom the leaderboard shows to other students.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaderboardMode {
    /// Who chose to be shown.
    #[default]
    OptIn,
    /// Everybody who didn't choose to be hidden.
    Everybody,
    /// Nobody: there is none.
    Off,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    pub batch_name: String,
    pub institution_name: String,
    /// An IANA name.
    pub time_zone: String,
    /// How long after its planned end a session still takes marks, in minutes.
    pub session_grace_minutes: i64,
    /// From how many minutes after the start a student is late; 0 for never.
    pub late_after_minutes: i64,
    /// Below this a student is warned, in percent.
    pub min_attendance_percent: i64,
    /// Below this a student is critical, in percent.
    pub critical_percent: i64,
    /// Whether scanners that speak the older unsigned protocol may be approved at all.
    pub allow_legacy_scanners: bool,
    /// Whether students must log in to mark themselves in an online class.
    pub online_login_required: bool,
    /// The institution's networks, such as `203.0.113.0/24, 10.0.0.0/8`: many marks from one address of these
    /// are no surprise.
    pub campus_networks: String,
    pub leaderboard: LeaderboardMode,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch_name: String::new(),
            institution_name: String::new(),
            time_zone: "Asia/Kolkata".to_owned(),
            session_grace_minutes: 5,
            late_after_minutes: 10,
            min_attendance_percent: 75,
            critical_percent: 60,
            allow_legacy_scanners: true,
            online_login_required: false,
            campus_networks: String::new(),
            leaderboard: LeaderboardMode::OptIn,
        }
    }
}

impl Settings {
    /// Settings from stored values; what is missing or unreadable keeps its default.
    pub fn from_stored(stored: impl IntoIterator<Item = (String, Value)>) -> Self {
        let mut whole = Self::default().to_map();
        for (key, value) in stored {
            let mut changed = whole.clone();
            changed.insert(key, value);
            if serde_json::from_value::<Self>(Value::Object(changed.clone())).is_ok() {
                whole = changed;
            }
        }
        serde_json::from_value(Value::Object(whole)).unwrap_or_default()
    }

    pub fn to_map(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        }
    }

    /// # Errors
    /// `invalid_field` naming the first setting whose value can't be used.
    pub fn check(&self) -> Result<()> {
        text::optional("batch_name", &self.batch_name, 200)?;
        text::optional("institution_name", &self.institution_name, 200)?;
        Zone::named(&self.time_zone)?;
        within("session_grace_minutes", self.session_grace_minutes, 0, 60)?;
        within("late_after_minutes", self.late_after_minutes, 0, 240)?;
        within("min_attendance_percent", self.min_attendance_percent, 1, 100)?;
        within("critical_percent", self.critical_percent, 0, self.min_attendance_percent)?;
        online::networks(&self.campus_networks).map(|_| ())
    }

    /// The institution's zone. A stored name was checked, so the fallback is for a database of another
    /// machine whose zone this one doesn't know.
    pub fn zone(&self) -> Zone {
        Zone::named(&self.time_zone).unwrap_or_else(|_| Zone::utc())
    }

    pub fn grace(&self) -> UtcMillis {
        self.session_grace_minutes * MINUTE
    }

    pub fn late_after(&self) -> UtcMillis {
        self.late_after_minutes * MINUTE
    }
}

fn within(field: &str, value: i64, min: i64, max: i64) -> Result<()> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Error::invalid(field, format!("Use a number from {min} to {max}.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unreadable_value_keeps_its_default() {
        let stored = [
            ("batch_name".to_owned(), json!("2026")),
            ("session_grace_minutes".to_owned(), json!("soon")),
            ("from_a_newer_version".to_owned(), json!(1)),
        ];
        let settings = Settings::from_stored(stored);
        assert_eq!((settings.batch_name.as_str(), settings.session_grace_minutes), ("2026", 5));
    }

    #[test]
    fn bounds() {
        assert!(Settings::default().check().is_ok());
        let critical = Settings { critical_percent: 80, ..Settings::default() };
        assert!(critical.check().unwrap_err().fields.contains_key("critical_percent"));
        let zone = Settings { time_zone: "Nowhere".into(), ..Settings::default() };
        assert!(zone.check().unwrap_err().fields.contains_key("time_zone"));
        let campus = Settings { campus_networks: "the library".into(), ..Settings::default() };
        assert!(campus.check().unwrap_err().fields.contains_key("campus_networks"));
    }
}
