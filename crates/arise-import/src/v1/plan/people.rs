//! Semesters, teachers, students and courses.

use std::collections::{HashMap, HashSet};

use arise_core::UtcMillis;
use arise_core::op::Kind;
use arise_core::session::{MAX_MINUTES, MIN_MINUTES};
use serde_json::Value as Json;

use super::super::file::Row;
use super::{Field, Likeness, Planned, Planner, is};

const DEFAULT_MINUTES: i64 = 60;

impl Planner<'_> {
    fn add(
        &mut self,
        table: &'static str,
        kind: Kind,
        old_id: i64,
        at: UtcMillis,
        likeness: Likeness,
        fields: Vec<(&'static str, Field)>,
    ) {
        self.import.entities.push(Planned {
            table,
            kind,
            old_id,
            student: None,
            fields,
            once: vec![],
            likeness: Some(likeness),
            at,
        });
    }

    pub(super) fn semester(&mut self, row: &Row, at: UtcMillis) {
        let name = self.required("semesters", row, "semester_name", 200, &format!("Semester {}", row.id));
        let likeness = Likeness { key: name.clone(), name: name.clone(), more: String::new() };
        self.add("semesters", Kind::Semester, row.id, at, likeness, vec![("semester_name", is(name))]);
    }

    pub(super) fn teacher(&mut self, row: &Row, at: UtcMillis) {
        let name = self.required("teachers", row, "teacher_name", 200, &format!("Teacher {}", row.id));
        let mut code = self.optional("teachers", row, "teacher_code", 50);
        if code.is_empty() {
            code = format!("T{}", row.id);
            let message = format!("There is none. “{code}” was made for logging in.");
            self.import.account.tell("teachers", row.id, "teacher_code", message);
        }
        let pin = self.hash("teachers", row, "pin");
        let likeness = Likeness { key: code.clone(), name: name.clone(), more: String::new() };
        let fields = vec![("teacher_name", is(name)), ("teacher_code", is(code)), ("pin_hash", is(pin))];
        self.add("teachers", Kind::Teacher, row.id, at, likeness, fields);
    }

    pub(super) fn student(&mut self, row: &Row, at: UtcMillis) {
        let roll = self.required("students", row, "university_roll_no", 50, &format!("OLD-{}", row.id));
        let name = self.required("students", row, "student_name", 200, &roll);
        let enrollment = self.optional("students", row, "enrollment_no", 50);
        let (email1, email2) = (self.email(row, "email1"), self.email(row, "email2"));
        let hash = self.hash("students", row, "password");
        let likeness = Likeness { key: roll.clone(), name: name.clone(), more: enrollment.clone() };
        let fields = vec![
            ("student_name", is(name)),
            ("university_roll_no", is(roll)),
            ("enrollment_no", is(enrollment)),
            ("email1", is(email1)),
            ("email2", is(email2)),
            ("password_hash", is(hash)),
        ];
        self.students.insert(row.id);
        self.add("students", Kind::Student, row.id, at, likeness, fields);
    }

    pub(super) fn course(
        &mut self,
        row: &Row,
        at: UtcMillis,
        semesters: &HashSet<i64>,
        teachers: &HashSet<i64>,
    ) {
        let code = self.required("courses", row, "course_code", 50, &format!("OLD-{}", row.id));
        let name = self.required("courses", row, "course_name", 200, &code);
        let minutes =
            row.int("default_duration_minutes").unwrap_or(DEFAULT_MINUTES).clamp(MIN_MINUTES, MAX_MINUTES);
        let semester = row.int("semester_id").filter(|id| semesters.contains(id));
        let teacher = row.int("teacher_id").filter(|id| teachers.contains(id));
        if semester.is_none() {
            self.import.account.tell(
                "courses",
                row.id,
                "semester_id",
                "Its semester doesn't exist. Choose one in arise.",
            );
        }
        if teacher.is_none() {
            self.import.account.tell(
                "courses",
                row.id,
                "teacher_id",
                "It has no teacher. Choose one in arise.",
            );
        }
        let of = |kind: Kind, id: Option<i64>| id.map_or(Field::Is(Json::Null), |id| Field::Of(kind, id));
        let likeness = Likeness { key: code.clone(), name: name.clone(), more: String::new() };
        let fields = vec![
            ("course_name", is(name)),
            ("course_code", is(code)),
            ("default_duration_minutes", is(minutes)),
            ("semester_id", of(Kind::Semester, semester)),
            ("teacher_id", of(Kind::Teacher, teacher)),
        ];
        self.courses.insert(row.id, (minutes, teacher));
        self.add("courses", Kind::Course, row.id, at, likeness, fields);
    }

    /// Says which rows share what should be one's own. They all come in: an administrator decides.
    pub(super) fn tell_of_doubles(&mut self) {
        let mut seen: HashMap<(Kind, String), i64> = HashMap::new();
        for planned in &self.import.entities {
            let Some(likeness) = &planned.likeness else { continue };
            let key = (planned.kind.clone(), likeness.key.to_lowercase());
            match seen.get(&key) {
                None => {
                    seen.insert(key, planned.old_id);
                }
                Some(first) => {
                    let message = format!(
                        "“{}” is what row {first} is called too. Correct one of them in arise.",
                        likeness.key
                    );
                    self.import.account.tell(planned.table, planned.old_id, "", message);
                }
            }
        }
    }
}
