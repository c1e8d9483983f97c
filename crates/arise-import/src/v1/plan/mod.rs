//! What the rows of the file mean, before anything is written.

mod enrolment;
mod mark;
mod people;
mod session;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use arise_core::clock::DAY;
use arise_core::op::Kind;
use arise_core::zone::Zone;
use arise_core::{Mark, Result, UtcMillis, text};
use serde_json::Value as Json;

use super::account::Account;
use super::file::{self, Contents, Row};
use super::origin::Origin;
use super::text::clean;
use super::time;

/// 2025-01-01: when a file without sessions is said to have begun.
const BEGAN: UtcMillis = 20_089 * DAY;

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

fn is(value: impl Into<Json>) -> Field {
    Field::Is(value.into())
}
