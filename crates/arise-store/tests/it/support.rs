//! A node with a clock that stands still, on either engine, and short ways to fill it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use arise_core::clock::MINUTE;
use arise_core::session::SessionType;
use arise_core::{Clock, CourseId, Result, SemesterId, SessionId, Source, StudentId, TeacherId, TestClock};
use arise_store::course::{self, CourseFields};
use arise_store::mark::{self, Taken};
use arise_store::session::{self, NewSession, Session};
use arise_store::student::{self, StudentFields};
use arise_store::{Location, Store, Tx, WriteTx, enrolment, semester, tally, teacher};
use arise_testkit::pg::Postgres;
use tempfile::TempDir;

/// A Saturday morning: 2026-03-07, 09:30 in Kolkata.
pub(crate) const NOW: i64 = 1_772_856_000_000;
pub(crate) const TODAY: &str = "2026-03-07";

/// Makes each of these functions, which take a [`Node`], a test on SQLite and one on PostgreSQL.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&mut $crate::support::Node::sqlite()); })+
        }
        mod postgres {
            $(#[test] fn $name() { super::$name(&mut $crate::support::Node::postgres()); })+
        }
    };
}

pub(crate) struct Node {
    pub(crate) store: Store,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) location: Location,
    /// Removed with the node.
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
        Self { store, clock, location, _dir: dir }
    }

    /// Another store on the same database, with the same clock.
    pub(crate) fn second_store(&self) -> Store {
        Store::open(&self.location, Arc::clone(&self.clock) as Arc<dyn Clock>).unwrap()
    }

    /// As after a restart of the program.
    pub(crate) fn reopen(&mut self) {
        self.store = self.second_store();
    }

    pub(crate) fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.store.write_blocking(job)
    }

    pub(crate) fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> T {
        self.store.read_blocking(job).unwrap()
    }

    /// The first column of the first row.
    pub(crate) fn number(&self, sql: &'static str) -> i64 {
        self.read(move |tx| tx.query_one(sql, &[])?.get(0))
    }

    pub(crate) fn settle(&self) {
        while self.read(tally::is_due) {
            self.write(tally::settle_due).unwrap();
        }
    }

    pub(crate) fn semester(&self, name: &'static str) -> SemesterId {
        self.write(move |tx| semester::create(tx, name)).unwrap()
    }

    pub(crate) fn teacher(&self, name: &'static str, code: &'static str) -> TeacherId {
        self.write(move |tx| teacher::create(tx, name, code, "hash of a PIN")).unwrap()
    }

    pub(crate) fn student(&self, name: &str, roll: &str) -> StudentId {
        let fields = student_fields(name, roll);
        self.write(move |tx| student::create(tx, &fields, "hash of a password")).unwrap()
    }

    /// A course with as many students, whose class roll ids count from 1.
    pub(crate) fn class(&self, code: &'static str, size: i64) -> Class {
        let semester = self.write(move |tx| semester::create(tx, &format!("Semester of {code}"))).unwrap();
        let teacher = self
            .write(move |tx| teacher::create(tx, &format!("Teacher of {code}"), &format!("T-{code}"), "hash"))
            .unwrap();
        let fields = CourseFields {
            course_name: format!("Course {code}"),
            course_code: code.to_owned(),
            default_duration_minutes: 60,
            semester_id: Some(semester),
            teacher_id: Some(teacher),
        };
        let course = self.write(move |tx| course::create(tx, &fields)).unwrap();
        let students = self
            .write(move |tx| {
                let students = (1..=size)
                    .map(|n| {
                        let fields =
                            student_fields(&format!("Student {n} of {code}"), &format!("{code}/{n:04}"));
                        student::create(tx, &fields, "hash")
                    })
                    .collect::<Result<Vec<_>>>()?;
                let list: Vec<_> = students.iter().copied().zip(1..).collect();
                enrolment::set_roster(tx, course, &list, TODAY, None)?;
                Ok(students)
            })
            .unwrap();
        Class { semester, teacher, course, students }
    }

    pub(crate) fn start(&self, class: &Class) -> Result<SessionId> {
        let new = new_session(class.course, self.clock.now());
        let teacher = class.teacher;
        self.write(move |tx| session::start(tx, &new, Some(teacher)))
    }

    pub(crate) fn session(&self, id: SessionId) -> Session {
        self.read(move |tx| session::get(tx, id))
    }

    /// A finger placed now.
    pub(crate) fn scan(&self, session: SessionId, student: StudentId) -> Taken {
        let at = self.clock.now();
        self.write(move |tx| observe(tx, session, student, at)).unwrap()
    }
}

/// A course and who belongs to it.
pub(crate) struct Class {
    pub(crate) semester: SemesterId,
    pub(crate) teacher: TeacherId,
    pub(crate) course: CourseId,
    pub(crate) students: Vec<StudentId>,
}

pub(crate) fn student_fields(name: &str, roll: &str) -> StudentFields {
    StudentFields {
        student_name: name.to_owned(),
        university_roll_no: roll.to_owned(),
        enrollment_no: format!("E-{roll}"),
        ..StudentFields::default()
    }
}

pub(crate) fn new_session(course: CourseId, starts_at: i64) -> NewSession {
    NewSession {
        course_id: course,
        starts_at,
        duration_minutes: 60,
        session_type: SessionType::Offline,
        topic: "A topic".to_owned(),
        device_id: None,
        online: None,
    }
}

pub(crate) fn observe(
    tx: &mut WriteTx<'_>,
    session: SessionId,
    student: StudentId,
    observed_at: i64,
) -> Result<Taken> {
    let window = session::get(tx, session)?.window;
    mark::observe(tx, session, &window, student, Source::Fingerprint, observed_at)
}

pub(crate) fn minutes(n: i64) -> i64 {
    n * MINUTE
}

/// A write that waits in the queue.
pub(crate) type Queued<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

/// Puts a job into the writer's queue without waiting for its answer.
pub(crate) fn queue<T: Send + 'static>(
    store: &Store,
    job: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
) -> Queued<T> {
    let store = store.clone();
    let mut answer: Queued<T> = Box::pin(async move { store.write(job).await });
    // The first poll sends the job. Whether it is done already doesn't matter to a future polled again only
    // when it isn't, so jobs are queued behind one that waits.
    assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    answer
}

/// Keeps the writer busy until the guard is dropped, so that what is queued meanwhile is one commit.
pub(crate) fn hold_writer(store: &Store) -> std::sync::mpsc::Sender<()> {
    let (guard, wait) = std::sync::mpsc::channel::<()>();
    let (started, has_started) = std::sync::mpsc::channel();
    let store = store.clone();
    std::thread::spawn(move || {
        store.write_blocking(move |_| {
            started.send(()).unwrap();
            // Ends with an error when the guard is dropped.
            let _ = wait.recv();
            Ok(())
        })
    });
    has_started.recv().unwrap();
    guard
}

/// Waits for the answers, in order.
pub(crate) fn answers<T>(queued: Vec<Queued<T>>) -> Vec<Result<T>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    queued.into_iter().map(|answer| runtime.block_on(answer)).collect()
}
