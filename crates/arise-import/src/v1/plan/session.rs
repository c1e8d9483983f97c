//! Sessions that were held.

use std::collections::{HashMap, HashSet};

use arise_core::UtcMillis;
use arise_core::clock::{DAY, MINUTE};
use arise_core::op::Kind;
use serde_json::{Value as Json, json};

use super::super::file::Row;
use super::super::time;
use super::{Field, Planned, PlannedSession, Planner, is};

impl Planner<'_> {
    pub(super) fn sessions(&mut self, rows: &[Row], records: &[Row], enrolled: &HashSet<(i64, i64)>) {
        const TABLE: &str = "sessions";
        let mut records_of: HashMap<i64, Vec<&Row>> = HashMap::new();
        self.import.account.count("attendance_records").read = records.len();
        for row in records {
            records_of.entry(row.int("session_id").unwrap_or(0)).or_default().push(row);
        }
        for row in rows {
            let records = records_of.remove(&row.id).unwrap_or_default();
            let course = row.int("course_id").unwrap_or(0);
            let start = row.text("start_time").and_then(|text| time::of_session(&text));
            let (Some((minutes, teacher)), Some(starts_at)) = (self.courses.get(&course).copied(), start)
            else {
                let (column, why) = match start {
                    None => ("start_time", "Its start can't be read".to_owned()),
                    Some(_) => ("course_id", format!("Course {course} doesn't exist")),
                };
                let message = format!("{why}. It was left out with its {} marks.", records.len());
                self.import.account.leave_out(TABLE, row.id, column, message);
                self.import.account.count("attendance_records").left_out += records.len();
                continue;
            };
            let ends_at = self.end(row, starts_at, minutes);
            if ends_at > self.now {
                let account = &mut self.import.account;
                account.count(TABLE).waiting += 1;
                account.count("attendance_records").waiting += records.len();
                account.tell(TABLE, row.id, "end_time", "It isn't over yet. Import again after its end.");
                continue;
            }
            let online =
                row.text("session_type").is_some_and(|kind| kind.trim().eq_ignore_ascii_case("online"));
            let marks = self.marks(course, (starts_at, ends_at), &records, enrolled);
            let session = Planned {
                table: TABLE,
                kind: Kind::Session,
                old_id: row.id,
                student: None,
                fields: vec![
                    ("session_type", is(if online { "online" } else { "offline" })),
                    ("topic", is(self.optional(TABLE, row, "topic", 200))),
                    ("starts_at", is(starts_at)),
                    ("ends_at", is(ends_at)),
                    ("course_id", Field::Of(Kind::Course, course)),
                    ("teacher_id", teacher.map_or(Field::Is(Json::Null), |id| Field::Of(Kind::Teacher, id))),
                ],
                // It is over, whatever is_active says: without a grace it closed at its end.
                once: vec![
                    ("held_on", json!(self.zone.date(starts_at))),
                    ("grace_ms", json!(0)),
                    ("late_after_ms", json!(0)),
                ],
                likeness: None,
                at: starts_at,
            };
            self.import.sessions.push(PlannedSession { session, course, starts_at, marks });
        }
        self.import.sessions.sort_by_key(|planned| (planned.starts_at, planned.session.old_id));
        let mut orphans: Vec<(&i64, usize)> = records_of.iter().map(|(id, rows)| (id, rows.len())).collect();
        orphans.sort_unstable();
        for (session, rows) in orphans {
            let account = &mut self.import.account;
            account.count("attendance_records").left_out += rows;
            account.tell(
                "attendance_records",
                *session,
                "session_id",
                format!("Session {session} doesn't exist: {rows} marks of it were left out."),
            );
        }
    }

    fn end(&mut self, row: &Row, starts_at: UtcMillis, minutes: i64) -> UtcMillis {
        let end = row.text("end_time").and_then(|text| time::of_session(&text));
        match end {
            Some(end) if end >= starts_at && end - starts_at <= DAY => end,
            _ => {
                let message = format!(
                    "It can't be, for a session of this start. {minutes} minutes after the start were taken."
                );
                self.import.account.tell("sessions", row.id, "end_time", message);
                starts_at + minutes * MINUTE
            }
        }
    }
}
