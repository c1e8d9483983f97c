//! A hub and nodes, each with its own database and clock.

use std::sync::Arc;

use arise_core::op::{Cell, Kind};
use arise_core::session::SessionType;
use arise_core::{
    Clock, CourseId, NodeId, OpId, Result, SemesterId, SessionId, Source, StudentId, TestClock,
};
use arise_store::course::{self, CourseFields};
use arise_store::session::{self, NewSession};
use arise_store::student::{self, StudentFields};
use arise_store::sync::peer;
use arise_store::{Location, Store, Tx, WriteTx, enrolment, mark, node, semester, teacher};
use arise_sync::{Progress, Request};
use arise_testkit::pg::Postgres;
use serde_json::{Map, Value as Json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A Saturday morning: 2026-03-07, 09:30 in Kolkata.
pub(crate) const NOW: i64 = 1_772_856_000_000;

/// Makes each of these functions, which take a hub, a test with a hub on SQLite and one on PostgreSQL.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&$crate::support::Node::sqlite()); })+
        }
        mod postgres {
            $(#[test] fn $name() { super::$name(&$crate::support::Node::postgres()); })+
        }
    };
}

/// A course with its teacher, a student and an open session.
#[derive(Clone, Copy)]
pub(crate) struct Class {
    pub(crate) course: CourseId,
    pub(crate) session: SessionId,
    pub(crate) student: StudentId,
}

pub(crate) struct Node {
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    location: Location,
    runtime: Runtime,
    _dir: Option<TempDir>,
}

impl Node {
    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::open(Location::File(dir.path().join("arise.db")), Some(dir))
    }

    pub(crate) fn postgres() -> Self {
        Self::open(Location::Postgres(Postgres::shared().fresh_database()), None)
    }

    fn open(location: Location, dir: Option<TempDir>) -> Self {
        let clock = Arc::new(TestClock::at(NOW));
        let store = Store::open(&location, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Self { store, clock, location, runtime, _dir: dir }
    }

    /// A copy of the database as it is now, in another place: a cloned stick, or a backup.
    pub(crate) fn copy(&self) -> Self {
        let Location::File(path) = &self.location else { panic!("only files are copied") };
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("arise.db");
        // The writer is idle: what isn't in the file yet is in its log.
        for suffix in ["", "-wal"] {
            let from = format!("{}{suffix}", path.display());
            std::fs::copy(from, format!("{}{suffix}", to.display())).unwrap();
        }
        let copy = Self::open(Location::File(to), Some(dir));
        copy.clock.set(self.clock.now());
        copy
    }

    /// Another process of the same hub.
    pub(crate) fn second_store(&self) -> Store {
        Store::open(&self.location, Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }

    pub(crate) fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        self.store.write_blocking(job).unwrap()
    }

    pub(crate) fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        self.store.read_blocking(job).unwrap()
    }

    pub(crate) fn number(&self, sql: &'static str) -> i64 {
        self.read(move |tx| tx.query_one(sql, &[])?.get(0))
    }

    pub(crate) fn id(&self) -> NodeId {
        self.read(node::id)
    }

    pub(crate) fn join(&self, hub: &Self) {
        let id = self.id();
        hub.write(move |tx| peer::admit(tx, id, "Room 7", None));
    }

    pub(crate) fn request(&self) -> Vec<u8> {
        self.runtime.block_on(arise_sync::request(&self.store)).unwrap()
    }

    pub(crate) fn request_after(&self, offered: Option<OpId>) -> (Vec<u8>, Option<OpId>) {
        self.runtime.block_on(arise_sync::request_after(&self.store, offered)).unwrap()
    }

    /// Its database fails when it has to hold a semester of this name.
    pub(crate) fn refuse_semesters_called(&self, name: &str) {
        let statements = if matches!(self.location, Location::File(_)) {
            vec![
                "DROP TRIGGER IF EXISTS refuse".to_owned(),
                format!(
                    "CREATE TRIGGER refuse BEFORE INSERT ON semester WHEN NEW.semester_name = '{name}' \
                     BEGIN SELECT RAISE(ABORT, 'no'); END"
                ),
            ]
        } else {
            vec![
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
                 $$BEGIN RAISE EXCEPTION 'no'; END$$"
                    .to_owned(),
                "DROP TRIGGER IF EXISTS refuse ON semester".to_owned(),
                format!(
                    "CREATE TRIGGER refuse BEFORE INSERT ON semester FOR EACH ROW \
                     WHEN (NEW.semester_name = '{name}') EXECUTE FUNCTION refuse()"
                ),
            ]
        };
        self.write(move |tx| {
            for statement in &statements {
                tx.execute(statement, &[])?;
            }
            Ok(())
        });
    }

    pub(crate) fn answer(&self, request: &[u8]) -> Result<Vec<u8>> {
        self.runtime.block_on(arise_sync::answer(&self.store, Request::decode(request)?))
    }

    pub(crate) fn accept(&self, answer: &[u8]) -> Progress {
        self.runtime.block_on(arise_sync::accept(&self.store, answer)).unwrap()
    }

    pub(crate) fn exchange(&self, hub: &Self) -> Progress {
        self.accept(&hub.answer(&self.request()).unwrap())
    }

    /// Exchanges until there is no more to exchange.
    pub(crate) fn sync(&self, hub: &Self) {
        for _ in 0..50 {
            if !self.exchange(hub).more {
                return;
            }
        }
        panic!("this exchange goes on for ever");
    }

    pub(crate) fn semester(&self, name: &str) -> SemesterId {
        let name = name.to_owned();
        self.write(move |tx| semester::create(tx, &name))
    }

    pub(crate) fn rename(&self, id: SemesterId, name: &str) {
        let name = name.to_owned();
        self.write(move |tx| semester::update(tx, id, &name));
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.read(|tx| {
            let rows = tx.query("SELECT semester_name FROM semester ORDER BY semester_name", &[])?;
            rows.iter().map(|row| row.get(0)).collect()
        })
    }

    /// Makes a class whose teacher's PIN has the hash `pin of` and this word.
    pub(crate) fn class(&self, word: &str) -> Class {
        let word = word.to_owned();
        self.write(move |tx| {
            let semester = semester::create(tx, &word)?;
            let teacher = teacher::create(tx, "Ravi", &format!("T-{word}"), &format!("pin of {word}"))?;
            let fields = CourseFields {
                course_name: format!("Course {word}"),
                course_code: format!("C-{word}"),
                default_duration_minutes: 60,
                semester_id: Some(semester),
                teacher_id: Some(teacher),
            };
            let course = course::create(tx, &fields)?;
            let fields = StudentFields {
                student_name: "Asha".to_owned(),
                university_roll_no: format!("R-{word}"),
                ..StudentFields::default()
            };
            let student = student::create(tx, &fields, "hash")?;
            enrolment::set_roster(tx, course, &[(student, 1)], "2026-03-07", None)?;
            let new = NewSession {
                course_id: course,
                starts_at: NOW,
                duration_minutes: 60,
                session_type: SessionType::Offline,
                topic: String::new(),
                device_id: None,
                online: None,
            };
            Ok(Class { course, session: session::start(tx, &new, None)?, student })
        })
    }

    /// A student's finger in an open class.
    pub(crate) fn mark(&self, class: Class) {
        let Class { session, student, .. } = class;
        self.write(move |tx| {
            let window = session::get(tx, session)?.window;
            mark::observe(tx, session, &window, student, Source::Fingerprint, NOW)
        });
    }

    pub(crate) fn put(&self, kind: &'static str, id: u128, fields: &Json) {
        let fields: Map<String, Json> = fields.as_object().unwrap().clone();
        let cell = Cell::of(Kind::parse(kind), uuid::Uuid::from_u128(id));
        self.write(move |tx| tx.put(&cell, fields, None));
    }
}
