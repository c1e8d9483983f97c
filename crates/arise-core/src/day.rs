//! Arithmetic of local calendar dates, which are ISO text such as `2026-03-07`.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// `number` days in a row of which `last` is the last.
pub fn up_to(last: &str, number: i32) -> Vec<String> {
    let Ok(last) = last.parse::<Date>() else { return vec![] };
    (0..number)
        .rev()
        .filter_map(|back| last.checked_sub(back.days()).ok())
        .map(|day| day.to_string())
        .collect()
}

/// The Monday of a day's week.
pub fn monday_of(day: &str) -> Option<String> {
    let date = day.parse::<Date>().ok()?;
    let since_monday = i32::from(date.weekday().since(Weekday::Monday));
    date.checked_sub(since_monday.days()).ok().map(|monday| monday.to_string())
}

pub fn first_of_month(day: &str) -> Option<String> {
    day.parse::<Date>().ok().map(|date| date.first_of_month().to_string())
}

/// 0 for Sunday to 6 for Saturday.
pub fn weekday(day: &str) -> Option<usize> {
    let number = day.parse::<Date>().ok()?.weekday().to_sunday_zero_offset();
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        assert_eq!(monday_of("2026-03-02").unwrap(), "2026-03-02");
        assert_eq!(monday_of("2026-03-08").unwrap(), "2026-03-02");
        assert_eq!(monday_of("2026-01-01").unwrap(), "2025-12-29");
        assert_eq!((weekday("2026-03-08"), weekday("2026-03-07")), (Some(0), Some(6)));
    }

    #[test]
    fn months_and_rows_of_days() {
        assert_eq!(first_of_month("2026-02-28").unwrap(), "2026-02-01");
        assert_eq!(up_to("2026-03-01", 3), ["2026-02-27", "2026-02-28", "2026-03-01"]);
        assert_eq!(up_to("soon", 3), Vec::<String>::new());
        assert_eq!(monday_of("2026-02-30"), None);
    }
}
