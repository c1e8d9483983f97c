//! Who was in which course.

use std::collections::{BTreeSet, HashMap, HashSet};

use arise_core::UtcMillis;
use arise_core::op::Kind;
use arise_store::enrolment::MAX_CLASS_ROLL_ID;
use serde_json::json;

use super::super::file::Row;
use super::super::time;
use super::{Planned, Planner, is};

impl Planner<'_> {
    /// Answers who is enrolled where.
    pub(super) fn enrolments(
        &mut self,
        rows: &[Row],
        sessions: &[Row],
        began: UtcMillis,
    ) -> HashSet<(i64, i64)> {
        const TABLE: &str = "enrollments";
        let mut first_held: HashMap<i64, UtcMillis> = HashMap::new();
        for row in sessions {
            let start = row.text("start_time").and_then(|text| time::of_session(&text));
            if let (Some(course), Some(start)) = (row.int("course_id"), start) {
                let first = first_held.entry(course).or_insert(start);
                *first = start.min(*first);
            }
        }
        self.import.account.count(TABLE).read = rows.len();
        let mut enrolled = HashSet::with_capacity(rows.len());
        let mut rolls: HashMap<i64, BTreeSet<i64>> = HashMap::new();
        for row in rows {
            let (course, student) = (row.int("course_id").unwrap_or(0), row.int("student_id").unwrap_or(0));
            if !self.courses.contains_key(&course) {
                let message = format!("Course {course}, of student {student}, doesn't exist.");
                self.import.account.leave_out(TABLE, course, "course_id", message);
                continue;
            }
            if !self.students.contains(&student) {
                let message = format!("Student {student}, of course {course}, doesn't exist.");
                self.import.account.leave_out(TABLE, course, "student_id", message);
                continue;
            }
            if !enrolled.insert((course, student)) {
                self.import.account.count(TABLE).duplicates += 1;
                continue;
            }
            let given = row.int("class_roll_id").filter(|roll| (1..=MAX_CLASS_ROLL_ID).contains(roll));
            let taken = rolls.entry(course).or_default();
            let roll =
                given.unwrap_or_else(|| taken.last().map_or(1, |last| (last + 1).min(MAX_CLASS_ROLL_ID)));
            let is_shared = !taken.insert(roll);
            let trouble = match (given, is_shared) {
                (None, _) => {
                    Some(format!("Student {student} has no usable class roll id. {roll} was given."))
                }
                (_, true) => Some(format!(
                    "Student {student} shares the class roll id {roll} with another. Give one of them another number."
                )),
                _ => None,
            };
            if let Some(trouble) = trouble {
                self.import.account.tell(TABLE, course, "class_roll_id", trouble);
            }
            let at = first_held.get(&course).copied().unwrap_or(began).min(self.now);
            let periods = json!([{"from_on": self.zone.date(at)}]);
            self.import.enrolments.entry(course).or_default().push(Planned {
                table: TABLE,
                kind: Kind::Enrolment,
                old_id: course,
                student: Some(student),
                fields: vec![("class_roll_id", is(roll))],
                once: vec![("periods", periods)],
                likeness: None,
                at,
            });
        }
        enrolled
    }
}
