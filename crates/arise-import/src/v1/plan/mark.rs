//! Who was there, and who was not.

use std::collections::{BTreeMap, HashSet};

use arise_core::{Mark, Source, Status, UtcMillis};

use super::super::file::Row;
use super::super::time;
use super::{PlannedMark, Planner};

impl Planner<'_> {
    /// One mark for each student of a session.
    pub(super) fn marks(
        &mut self,
        course: i64,
        session: (UtcMillis, UtcMillis),
        records: &[&Row],
        enrolled: &HashSet<(i64, i64)>,
    ) -> Vec<PlannedMark> {
        const TABLE: &str = "attendance_records";
        let mut of_student: BTreeMap<i64, Vec<PlannedMark>> = BTreeMap::new();
        for row in records {
            let student = row.int("student_id").unwrap_or(0);
            if !self.students.contains(&student) {
                self.import.account.leave_out(
                    TABLE,
                    row.id,
                    "student_id",
                    format!("Student {student} doesn't exist."),
                );
                continue;
            }
            let mark = self.mark(row, session);
            of_student.entry(student).or_default().push(PlannedMark { old_id: row.id, student, mark });
        }
        let mut marks = Vec::with_capacity(of_student.len());
        for (student, all) in of_student {
            self.import.account.count(TABLE).duplicates += all.len() - 1;
            let Some(stands) = standing(all) else { continue };
            if !enrolled.contains(&(course, student)) {
                let message = format!(
                    "Student {student} isn't enrolled in course {course}. The mark is kept and counts nowhere."
                );
                self.import.account.tell(TABLE, stands.old_id, "student_id", message);
            }
            let day = self.zone.date(session.0);
            let first = self.import.first_marked.entry((course, student)).or_insert_with(|| day.clone());
            if day < *first {
                *first = day;
            }
            marks.push(stands);
        }
        marks
    }

    fn mark(&mut self, row: &Row, session: (UtcMillis, UtcMillis)) -> Mark {
        const TABLE: &str = "attendance_records";
        let observed_at =
            row.text("timestamp").and_then(|text| time::of_mark(&text, session)).unwrap_or_else(|| {
                self.import.account.tell(
                    TABLE,
                    row.id,
                    "timestamp",
                    "It can't be read. The session's start was taken.",
                );
                session.0
            });
        let method = row.text("override_method").unwrap_or_default();
        let (status, source) = match method.trim() {
            "" | "biometric" => (Status::Present, Source::Fingerprint),
            "biometric_queue" => (Status::Present, Source::ScannerQueue),
            "online_otp" => (Status::Present, Source::Code),
            "manual" | "teacher_manual" => (Status::Present, Source::Teacher),
            "retroactive_manual" => (Status::Present, Source::Correction),
            "emergency_mode" => (Status::Present, Source::Emergency),
            "emergency_mode_absent" => (Status::Absent, Source::Emergency),
            other => {
                let other: String = other.chars().filter(|c| !c.is_control()).take(40).collect();
                self.import.account.tell(
                    TABLE,
                    row.id,
                    "override_method",
                    format!("“{other}” isn't known. It was taken for present."),
                );
                (Status::Present, Source::Import)
            }
        };
        let reason = self.optional(TABLE, row, "manual_reason", 500);
        Mark {
            status: Some(status),
            source,
            observed_at: observed_at.min(self.now),
            reason: (!reason.is_empty()).then_some(reason),
        }
    }
}

/// What several records of one student in one session come to: absent if the last one says so, else the
/// earliest presence.
fn standing(mut all: Vec<PlannedMark>) -> Option<PlannedMark> {
    all.sort_by_key(|planned| (planned.mark.observed_at, planned.old_id));
    let last = all.last()?;
    let place = if last.mark.status == Some(Status::Absent) {
        all.len() - 1
    } else {
        all.iter().position(|planned| planned.mark.status == Some(Status::Present))?
    };
    Some(all.swap_remove(place))
}
