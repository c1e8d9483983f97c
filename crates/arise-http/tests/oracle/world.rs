//! What the records say, in plain lists.

use std::collections::BTreeMap;

use arise_core::zone::Zone;
use uuid::Uuid;

pub(crate) struct World {
    pub(crate) now: i64,
    pub(crate) zone: Zone,
    pub(crate) minimum: i64,
    pub(crate) critical: i64,
    pub(crate) semesters: Vec<Semester>,
    pub(crate) teachers: Vec<Teacher>,
    /// Without those that were deleted.
    pub(crate) courses: Vec<Course>,
    /// Without those that were deleted.
    pub(crate) students: Vec<Student>,
    pub(crate) enrolments: Vec<Enrolment>,
    /// Without those that were deleted, or whose course was; open ones too.
    pub(crate) sessions: Vec<Session>,
    pub(crate) marks: BTreeMap<(Uuid, Uuid), char>,
}

pub(crate) struct Semester {
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

pub(crate) struct Teacher {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) code: String,
}

pub(crate) struct Course {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) code: String,
    pub(crate) semester: Uuid,
    pub(crate) teacher: Uuid,
}

pub(crate) struct Student {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) roll: String,
    pub(crate) enrollment: String,
}

pub(crate) struct Enrolment {
    pub(crate) course: Uuid,
    pub(crate) student: Uuid,
    pub(crate) class_roll: i64,
    /// From the first day to the day before the second, or for ever.
    pub(crate) periods: Vec<(String, Option<String>)>,
}

impl Enrolment {
    pub(crate) fn on(&self, day: &str) -> bool {
        self.periods.iter().any(|(from, until)| {
            from.as_str() <= day && until.as_ref().is_none_or(|until| day < until.as_str())
        })
    }

    pub(crate) fn now(&self) -> bool {
        self.periods.iter().any(|(_, until)| until.is_none())
    }
}

#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) course: Uuid,
    pub(crate) held_on: String,
    pub(crate) starts_at: i64,
    pub(crate) ends_at: i64,
    pub(crate) is_online: bool,
    pub(crate) topic: String,
    pub(crate) has_ended: bool,
}

/// What one session was for one student: P, L, A or E.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a> {
    pub(crate) session: &'a Session,
    pub(crate) student: Uuid,
    pub(crate) letter: char,
}

impl World {
    /// Every cell that counts: of an ended session and a student who belonged to the course on its day, in
    /// the order in which the sessions were held.
    pub(crate) fn cells(&self) -> Vec<Cell<'_>> {
        let mut sessions: Vec<&Session> = self.sessions.iter().filter(|session| session.has_ended).collect();
        sessions.sort_by_key(|session| (session.starts_at, session.id));
        let mut cells = vec![];
        for session in sessions {
            cells.extend(self.cells_of(session));
        }
        cells
    }

    /// Of one session, ended or not.
    pub(crate) fn cells_of<'a>(&'a self, session: &'a Session) -> Vec<Cell<'a>> {
        let belongs = |student: &&Student| {
            self.enrolments
                .iter()
                .any(|e| e.student == student.id && e.course == session.course && e.on(&session.held_on))
        };
        let cell = |student: &Student| Cell {
            session,
            student: student.id,
            letter: self.marks.get(&(session.id, student.id)).copied().unwrap_or('A'),
        };
        self.students.iter().filter(belongs).map(cell).collect()
    }

    pub(crate) fn enrolment(&self, course: Uuid, student: Uuid) -> Option<&Enrolment> {
        self.enrolments.iter().find(|e| e.course == course && e.student == student)
    }

    pub(crate) fn belongs_now(&self, course: Uuid, student: Uuid) -> bool {
        self.enrolment(course, student).is_some_and(Enrolment::now)
    }

    pub(crate) fn course(&self, id: Uuid) -> &Course {
        self.courses.iter().find(|course| course.id == id).unwrap()
    }

    pub(crate) fn student(&self, id: Uuid) -> &Student {
        self.students.iter().find(|student| student.id == id).unwrap()
    }

    pub(crate) fn semester_name(&self, id: Uuid) -> &str {
        &self.semesters.iter().find(|semester| semester.id == id).unwrap().name
    }

    pub(crate) fn teacher_name(&self, id: Uuid) -> &str {
        &self.teachers.iter().find(|teacher| teacher.id == id).unwrap().name
    }

    /// The courses of a semester, or all, by code.
    pub(crate) fn courses_of(&self, semester: Option<Uuid>) -> Vec<&Course> {
        let mut courses: Vec<&Course> =
            self.courses.iter().filter(|course| semester.is_none_or(|id| course.semester == id)).collect();
        courses.sort_by_key(|course| (course.code.to_ascii_lowercase(), course.id));
        courses
    }
}
