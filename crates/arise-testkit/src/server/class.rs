//! A course with its teacher and students, ready to be taught.

use std::sync::atomic::{AtomicI64, Ordering};

use arise_core::{CourseId, SemesterId, StudentId, TeacherId};
use arise_store::course::{self, CourseFields};
use arise_store::student::StudentFields;
use arise_store::{WriteTx, enrolment, semester, student, teacher};
use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::{PIN, STUDENT_PASSWORD, TestServer, hash_of};

#[derive(Debug, Clone)]
pub struct Teacher {
    pub id: TeacherId,
    pub teacher_code: String,
}

#[derive(Debug, Clone)]
pub struct Student {
    pub id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    /// In the class they were made for.
    pub class_roll_id: i64,
}

#[derive(Debug, Clone)]
pub struct Class {
    pub semester: SemesterId,
    pub course: CourseId,
    pub course_code: String,
    pub taught_by: Teacher,
    /// The teacher, logged in.
    pub teacher: Client,
    pub students: Vec<Student>,
}

impl TestServer {
    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut WriteTx<'_>) -> arise_core::Result<T> + Send + 'static,
    ) -> T {
        self.store().write(job).await.expect("the database can be written")
    }

    pub async fn semester(&self, name: &str) -> SemesterId {
        let name = name.to_owned();
        self.write(move |tx| semester::create(tx, &name)).await
    }

    pub async fn teacher(&self, name: &str, code: &str) -> Teacher {
        let (name, teacher_code) = (name.to_owned(), code.to_owned());
        let id = self.write(move |tx| teacher::create(tx, &name, &teacher_code, hash_of(PIN))).await;
        Teacher { id, teacher_code: code.to_owned() }
    }

    pub async fn log_in_teacher(&self, teacher: &Teacher) -> Client {
        let body = json!({"teacher_code": teacher.teacher_code, "pin": PIN});
        self.log_in("/api/teacher/login", body).await
    }

    pub async fn course(&self, code: &str, semester: SemesterId, teacher: &Teacher) -> CourseId {
        let fields = CourseFields {
            course_name: format!("Course {code}"),
            course_code: code.to_owned(),
            default_duration_minutes: 60,
            semester_id: Some(semester),
            teacher_id: Some(teacher.id),
        };
        self.write(move |tx| course::create(tx, &fields)).await
    }

    pub async fn student(&self, name: &str) -> Student {
        static NUMBER: AtomicI64 = AtomicI64::new(1);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let student = StudentFields {
            student_name: name.to_owned(),
            university_roll_no: format!("UR{number:05}"),
            enrollment_no: format!("EN{number:05}"),
            ..StudentFields::default()
        };
        let fields = student.clone();
        let id = self.write(move |tx| student::create(tx, &fields, hash_of(STUDENT_PASSWORD))).await;
        let university_roll_no = student.university_roll_no;
        Student { id, student_name: student.student_name, university_roll_no, class_roll_id: 0 }
    }

    /// Makes these the students of a course, with the class roll ids 1, 2, 3, … from today on.
    pub async fn enrol(&self, course: CourseId, students: &mut [Student]) {
        for (roll, student) in (1..).zip(students.iter_mut()) {
            student.class_roll_id = roll;
        }
        let list: Vec<(StudentId, i64)> = students.iter().map(|s| (s.id, s.class_roll_id)).collect();
        let zone = self.app.zone();
        self.write(move |tx| {
            let today = zone.date(tx.now());
            enrolment::set_roster(tx, course, &list, &today, None).map(|_| ())
        })
        .await;
    }

    /// A course of a teacher of its own, with students.
    pub async fn class(&self, course_code: &str, students: usize) -> Class {
        let semester = self.semester(&format!("Semester of {course_code}")).await;
        let taught_by = self.teacher(&format!("Teacher of {course_code}"), &format!("T-{course_code}")).await;
        let course = self.course(course_code, semester, &taught_by).await;
        let mut made = Vec::with_capacity(students);
        for number in 1..=students {
            made.push(self.student(&format!("Student {number} of {course_code}")).await);
        }
        self.enrol(course, &mut made).await;
        let teacher = self.log_in_teacher(&taught_by).await;
        let course_code = course_code.to_owned();
        Class { semester, course, course_code, taught_by, teacher, students: made }
    }
}

impl Class {
    /// Starts a session of an hour and answers its id.
    pub async fn start(&self) -> String {
        self.start_with(json!({})).await.ok()["session_id"].as_str().expect("an id").to_owned()
    }

    /// Starts a session with what `more` says besides.
    pub async fn start_with(&self, more: Value) -> Answer {
        let mut body = json!({"course_id": self.course, "duration_minutes": 60, "topic": "Trees"});
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        self.teacher.post("/api/teacher/start-session", body).await
    }

    pub async fn end(&self, session: &str) {
        self.teacher.post(&format!("/api/teacher/session/{session}/end"), json!({})).await.ok();
    }

    /// What the register's live screen says of each student, by class roll: P, L, A, E, or – for nothing.
    pub async fn letters(&self, session: &str) -> String {
        let snapshot = self.teacher.get(&format!("/api/teacher/session/{session}/snapshot")).await.ok();
        let students = snapshot["students"].as_array().expect("students");
        students
            .iter()
            .map(|student| match student["status"].as_str() {
                Some("present") => 'P',
                Some("late") => 'L',
                Some("absent") => 'A',
                Some("excused") => 'E',
                _ => '–',
            })
            .collect()
    }
}
