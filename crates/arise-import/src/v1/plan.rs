//! What the rows of the file mean, before anything is written.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use arise_core::clock::{DAY, MINUTE};
use arise_core::op::Kind;
use arise_core::session::{MAX_MINUTES, MIN_MINUTES};
use arise_core::zone::Zone;
use arise_core::{Mark, Result, Source, Status, UtcMillis, text};
use arise_store::enrolment::MAX_CLASS_ROLL_ID;
use serde_json::{Value as Json, json};

use super::account::Account;
use super::file::{self, Contents, Row};
use super::origin::Origin;
use super::text::clean;
use super::time;

/// 2025-01-01: when a file without sessions is said to have begun.
const BEGAN: UtcMillis = 20_089 * DAY;
const DEFAULT_MINUTES: i64 = 60;

/// What a field is to hold.
#[derive(Debug, Clone)]
pub(super) enum Field {
    Is(Json),
    /// The row of this kind with this older id.
    Of(Kind, i64),
}

/// What an existing row must have to be taken for the same.
#[derive(Debug, Clone)]
pub(super) struct Likeness {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) more: String,
}

/// One row of the file that becomes an entity.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) table: &'static str,
    pub(super) kind: Kind,
    /// Its older id; of an enrolment the course's.
    pub(super) old_id: i64,
    /// Of an enrolment the student's older id.
    pub(super) student: Option<i64>,
    /// Compared with what the last import said.
    pub(super) fields: Vec<(&'static str, Field)>,
    /// Said by the first import only.
    pub(super) once: Vec<(&'static str, Json)>,
    pub(super) likeness: Option<Likeness>,
    /// When it was made, as far as the file tells.
    pub(super) at: UtcMillis,
}

#[derive(Debug, Clone)]
pub(super) struct PlannedMark {
    pub(super) old_id: i64,
    pub(super) student: i64,
    pub(super) mark: Mark,
}

#[derive(Debug, Clone)]
pub(super) struct PlannedSession {
    pub(super) session: Planned,
    pub(super) course: i64,
    pub(super) starts_at: UtcMillis,
    pub(super) marks: Vec<PlannedMark>,
}

/// A file that was read and understood. Nothing of it is written yet.
#[derive(Debug)]
pub struct Import {
    pub(super) origin: Origin,
    /// Semesters, teachers, students and courses, in this order.
    pub(super) entities: Vec<Planned>,
    /// By course.
    pub(super) enrolments: BTreeMap<i64, Vec<Planned>>,
    /// The first day on which a student of a course was marked, for those who join after the first import.
    pub(super) first_marked: HashMap<(i64, i64), String>,
    /// In the order in which they were held.
    pub(super) sessions: Vec<PlannedSession>,
    pub(super) admins: Vec<(String, String)>,
    pub(super) batch_name: Option<String>,
    pub(super) account: Account,
}

/// Reads a file of the older system. `zone` is the institution's.
///
/// # Errors
/// `not_arise_v1` for anything but a whole database of the older system; `too_large`.
pub fn read(path: &Path, origin: Origin, zone: &Zone, now: UtcMillis) -> Result<Import> {
    let contents = file::read(path)?;
    Ok(Planner { zone, now, import: empty(origin), courses: HashMap::new(), students: HashSet::new() }
        .plan(contents))
}

fn empty(origin: Origin) -> Import {
    Import {
        origin,
        entities: vec![],
        enrolments: BTreeMap::new(),
        first_marked: HashMap::new(),
        sessions: vec![],
        admins: vec![],
        batch_name: None,
        account: Account::default(),
    }
}

impl Import {
    /// Rows of the file.
    pub fn total(&self) -> usize {
        self.account.tables.values().map(|count| count.read).sum()
    }
}

struct Planner<'a> {
    zone: &'a Zone,
    now: UtcMillis,
    import: Import,
    /// The default minutes and teacher of each course.
    courses: HashMap<i64, (i64, Option<i64>)>,
    students: HashSet<i64>,
}

impl Planner<'_> {
    fn plan(mut self, mut contents: Contents) -> Import {
        for unknown in std::mem::take(&mut contents.unknown) {
            self.import.account.tell(
                "file",
                0,
                "",
                format!("The {unknown} isn't known here and was passed over."),
            );
        }
        let sessions = self.unique("sessions", contents.take("sessions"));
        let began = sessions.iter().filter_map(|row| time::of_session(&row.text("start_time")?)).min();
        let began = began.unwrap_or(BEGAN).min(self.now);

        let semesters = self.unique("semesters", contents.take("semesters"));
        let known_semesters: HashSet<i64> = semesters.iter().map(|row| row.id).collect();
        for row in &semesters {
            self.semester(row, began);
        }
        let teachers = self.unique("teachers", contents.take("teachers"));
        let known_teachers: HashSet<i64> = teachers.iter().map(|row| row.id).collect();
        for row in &teachers {
            self.teacher(row, began);
        }
        for row in &self.unique("students", contents.take("students")) {
            self.student(row, began);
        }
        for row in &self.unique("courses", contents.take("courses")) {
            self.course(row, began, &known_semesters, &known_teachers);
        }
        self.tell_of_doubles();
        let enrolled = self.enrolments(&contents.take("enrollments"), &sessions, began);
        self.sessions(&sessions, &contents.take("attendance_records"), &enrolled);
        self.admins(&contents.take("admins"));
        self.settings(&contents.take("system_settings"));
        self.import
    }

    /// Rows with an id of their own.
    fn unique(&mut self, table: &'static str, rows: Vec<Row>) -> Vec<Row> {
        let account = &mut self.import.account;
        account.count(table).read = rows.len();
        let mut seen = HashSet::with_capacity(rows.len());
        rows.into_iter()
            .filter(|row| {
                let fresh = row.id > 0 && seen.insert(row.id);
                if !fresh {
                    account.leave_out(table, row.id, "id", "It has no id, or one that another row has.");
                }
                fresh
            })
            .collect()
    }

    /// Text that must be there; `otherwise` stands in for nothing.
    fn required(
        &mut self,
        table: &'static str,
        row: &Row,
        column: &'static str,
        max: usize,
        otherwise: &str,
    ) -> String {
        let text = self.optional(table, row, column, max);
        if text.is_empty() {
            let message = format!("It is empty. “{otherwise}” stands for it: correct it in arise.");
            self.import.account.tell(table, row.id, column, message);
            return otherwise.to_owned();
        }
        text
    }

    fn optional(&mut self, table: &'static str, row: &Row, column: &'static str, max: usize) -> String {
        let (kept, lossy) = clean(&row.text(column).unwrap_or_default(), max);
        if lossy {
            let message =
                format!("It was longer than {max} characters, or held control characters: these were cut.");
            self.import.account.tell(table, row.id, column, message);
        }
        kept
    }

    fn email(&mut self, row: &Row, column: &'static str) -> String {
        let typed = self.optional("students", row, column, 254);
        text::email(column, &typed).unwrap_or_else(|_| {
            self.import.account.tell(
                "students",
                row.id,
                column,
                format!("“{typed}” isn't an address. It was left empty."),
            );
            String::new()
        })
    }

    /// A hash that a login can be checked against, or nothing. What isn't a hash is never kept.
    fn hash(&mut self, table: &'static str, row: &Row, column: &'static str) -> String {
        let hash = row.text(column).unwrap_or_default();
        let bcrypt = hash.len() == 60 && ["$2a$", "$2b$", "$2y$"].iter().any(|kind| hash.starts_with(kind));
        if bcrypt || hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return hash;
        }
        self.import.account.tell(
            table,
            row.id,
            column,
            "It can't be used for logging in. Set a new one in arise.",
        );
        String::new()
    }

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

    fn semester(&mut self, row: &Row, at: UtcMillis) {
        let name = self.required("semesters", row, "semester_name", 200, &format!("Semester {}", row.id));
        let likeness = Likeness { key: name.clone(), name: name.clone(), more: String::new() };
        self.add("semesters", Kind::Semester, row.id, at, likeness, vec![("semester_name", is(name))]);
    }

    fn teacher(&mut self, row: &Row, at: UtcMillis) {
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

    fn student(&mut self, row: &Row, at: UtcMillis) {
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

    fn course(&mut self, row: &Row, at: UtcMillis, semesters: &HashSet<i64>, teachers: &HashSet<i64>) {
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
    fn tell_of_doubles(&mut self) {
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

    /// Answers who is enrolled where.
    fn enrolments(&mut self, rows: &[Row], sessions: &[Row], began: UtcMillis) -> HashSet<(i64, i64)> {
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

    fn sessions(&mut self, rows: &[Row], records: &[Row], enrolled: &HashSet<(i64, i64)>) {
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

    /// One mark for each student of a session.
    fn marks(
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

    fn admins(&mut self, rows: &[Row]) {
        const TABLE: &str = "admins";
        self.import.account.count(TABLE).read = rows.len();
        for row in rows {
            let username = self.optional(TABLE, row, "username", 50);
            let hash = self.hash(TABLE, row, "password");
            if username.is_empty() || hash.is_empty() {
                self.import.account.count(TABLE).left_out += 1;
            } else {
                self.import.admins.push((username, hash));
            }
        }
    }

    fn settings(&mut self, rows: &[Row]) {
        const TABLE: &str = "system_settings";
        self.import.account.count(TABLE).read = rows.len();
        for row in rows {
            let value = self.optional(TABLE, row, "value", 200);
            if row.text("key").as_deref() == Some("batch_name")
                && !value.is_empty()
                && self.import.batch_name.is_none()
            {
                self.import.batch_name = Some(value);
            } else {
                let key: String = row
                    .text("key")
                    .unwrap_or_default()
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(60)
                    .collect();
                self.import.account.leave_out(
                    TABLE,
                    0,
                    "key",
                    format!("The setting “{key}” means nothing here."),
                );
            }
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

fn is(value: impl Into<Json>) -> Field {
    Field::Is(value.into())
}
