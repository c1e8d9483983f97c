//! What a student can do about their attendance in a course.

use schemars::JsonSchema;
use serde::Serialize;

use crate::setting::Settings;
use crate::tally::{can_miss, needed_to_reach};
use crate::{Standing, Tally};

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Plan {
    pub current_percent: f64,
    pub status: &'static str,
    pub color: &'static str,
    /// Sessions to attend in a row to have the minimum again; nothing when no number is enough.
    pub needed_to_recover: Option<i64>,
    /// Sessions that may be missed in a row without falling below the minimum.
    pub buffer_available: i64,
    /// How things are.
    pub message: String,
    /// What to do.
    pub action_plan: String,
}

impl Plan {
    pub fn of(tally: &Tally, settings: &Settings) -> Self {
        let standing = Standing::of(tally, settings);
        let minimum = settings.min_attendance_percent;
        let (attended, total) = (tally.attended(), tally.total());
        let needed = needed_to_reach(minimum, attended, total);
        let buffer = if total > 0 { can_miss(minimum, attended, total) } else { 0 };
        let percent = tally.percentage();

        let message = match standing {
            _ if total == 0 => "No session has counted yet.".to_owned(),
            Standing::Good => format!("You are at {percent}%, and {minimum}% is the minimum."),
            Standing::Warning => format!("You are at {percent}%, below the minimum of {minimum}%."),
            Standing::Critical => format!("You are at {percent}%, far below the minimum of {minimum}%."),
        };
        let action_plan = match (needed, buffer) {
            _ if total == 0 => "Come to the first one.".to_owned(),
            (Some(0), 0) => "Attend the next session: missing it would put you below the minimum.".to_owned(),
            (Some(0), buffer) => format!("You can miss {} and keep the minimum.", sessions(buffer)),
            (Some(needed), _) => format!("Attend the next {} without a gap.", sessions(needed)),
            (None, _) => {
                format!("{minimum}% can't be reached any more. Talk to your teacher about what you missed.")
            }
        };
        Self {
            current_percent: percent,
            status: standing.as_str(),
            color: standing.color(),
            needed_to_recover: needed,
            buffer_available: buffer,
            message,
            action_plan,
        }
    }
}

fn sessions(number: i64) -> String {
    if number == 1 { "session".to_owned() } else { format!("{number} sessions") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(attended: i64, total: i64) -> Plan {
        Plan::of(&Tally { sessions: total, present: attended, ..Tally::default() }, &Settings::default())
    }

    #[test]
    fn below_the_minimum() {
        let plan = plan(10, 16);
        assert_eq!((plan.current_percent, plan.status, plan.color), (62.5, "warning", "orange"));
        assert_eq!((plan.needed_to_recover, plan.buffer_available), (Some(8), 0));
        assert_eq!(plan.message, "You are at 62.5%, below the minimum of 75%.");
        assert_eq!(plan.action_plan, "Attend the next 8 sessions without a gap.");
    }

    #[test]
    fn above_and_at_the_minimum() {
        assert_eq!(plan(9, 10).action_plan, "You can miss 2 sessions and keep the minimum.");
        assert_eq!(
            plan(8, 10).action_plan,
            "Attend the next session: missing it would put you below the minimum."
        );
        assert_eq!(plan(4, 5).buffer_available, 0);
    }

    #[test]
    fn before_the_first_session() {
        let plan = plan(0, 0);
        assert_eq!((plan.status, plan.needed_to_recover, plan.buffer_available), ("good", Some(0), 0));
        assert_eq!(plan.action_plan, "Come to the first one.");
    }

    #[test]
    fn out_of_reach() {
        let settings = Settings { min_attendance_percent: 100, ..Settings::default() };
        let plan = Plan::of(&Tally { sessions: 10, present: 9, ..Tally::default() }, &settings);
        assert_eq!((plan.needed_to_recover, plan.status), (None, "warning"));
        assert!(plan.action_plan.starts_with("100% can't be reached"));
    }
}
