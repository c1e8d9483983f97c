//! People who write on a machine, whatever happens to it, and remember what they were told is on record.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arise_core::{CourseId, StudentId};
use serde_json::{Value, json};

use crate::machine::{Machine, PIN};

/// What they write about.
#[derive(Debug, Clone)]
pub(crate) struct College {
    pub(crate) courses: Vec<CourseId>,
    pub(crate) students: Vec<StudentId>,
}

pub(crate) struct People {
    machine: Arc<Machine>,
    college: College,
    random: fastrand::Rng,
    written: usize,
    admin: Option<String>,
    teacher: Option<String>,
    session: Option<String>,
    /// Students they made.
    own: Vec<String>,
}

impl People {
    pub(crate) fn new(machine: &Arc<Machine>, college: &College, random: fastrand::Rng) -> Self {
        Self {
            machine: Arc::clone(machine),
            college: college.clone(),
            random,
            written: 0,
            admin: None,
            teacher: None,
            session: None,
            own: vec![],
        }
    }

    pub(crate) fn work(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::SeqCst) {
            self.machine.working.store(true, Ordering::SeqCst);
            let paused = self.machine.paused.load(Ordering::SeqCst);
            if !paused {
                self.write();
            }
            self.machine.working.store(false, Ordering::SeqCst);
            // A person's pace, and not much to do while the machine is down.
            std::thread::park_timeout(Duration::from_millis(if paused {
                20
            } else {
                self.random.u64(10..120)
            }));
        }
    }

    /// Writes one thing. A word of its own, which is in the record, is remembered when it was acknowledged.
    fn write(&mut self) -> Option<()> {
        self.written += 1;
        let word = format!("{}-{}-{}", self.machine.name, self.written, self.random.u32(..));
        let student = self.college.students[self.random.usize(0..self.college.students.len())];
        match self.random.u8(0..20) {
            0 => {
                let body = json!({"student_name": word, "university_roll_no": format!("R{word}"), "password": "a password"});
                let made = self.as_admin("POST", "/api/admin/students", &body)?;
                self.own.push(made["id"].as_str()?.to_owned());
            }
            1 if !self.own.is_empty() => {
                let gone = self.own.swap_remove(self.random.usize(0..self.own.len()));
                self.as_admin("DELETE", &format!("/api/admin/students/{gone}"), &Value::Null)?;
                return None;
            }
            // Many rename the same.
            2..=5 => {
                let path = format!("/api/admin/students/{student}");
                self.as_admin("PUT", &path, &json!({"student_name": word}))?;
            }
            6 => {
                self.as_admin("POST", "/api/admin/semesters", &json!({"semester_name": word}))?;
            }
            7 if self.session.is_some() => {
                let session = self.session.take()?;
                self.as_teacher("POST", &format!("/api/teacher/session/{session}/end"), &json!({}))?;
                return None;
            }
            _ => match self.session.clone() {
                None => {
                    let course = self.college.courses[self.random.usize(0..self.college.courses.len())];
                    let body = json!({"course_id": course, "topic": word, "duration_minutes": 60});
                    let started = self.as_teacher("POST", "/api/teacher/start-session", &body)?;
                    self.session = Some(started["session_id"].as_str()?.to_owned());
                }
                Some(session) => {
                    let status = ["present", "late", "absent", "excused"][self.random.usize(0..4)];
                    let body = json!({"student_id": student, "status": status, "reason": word});
                    self.as_teacher("POST", &format!("/api/teacher/session/{session}/mark"), &body)?;
                }
            },
        }
        self.machine.acknowledged.lock().unwrap().push(word);
        Some(())
    }

    fn as_admin(&mut self, method: &str, path: &str, body: &Value) -> Option<Value> {
        if self.admin.is_none() {
            self.admin = self.machine.admin();
        }
        let token = self.admin.clone()?;
        let (status, answer) = self.machine.call(method, path, &token, body)?;
        if status == 401 {
            self.admin = None;
        }
        (200..300).contains(&status).then_some(answer)
    }

    fn as_teacher(&mut self, method: &str, path: &str, body: &Value) -> Option<Value> {
        if self.teacher.is_none() {
            let body = json!({"teacher_code": "T1", "pin": PIN});
            self.teacher = self.machine.log_in("/api/teacher/login", &body);
        }
        let token = self.teacher.clone()?;
        let (status, answer) = self.machine.call(method, path, &token, body)?;
        if status == 401 {
            self.teacher = None;
        }
        if !(200..300).contains(&status) {
            // A session that another one ended, or one that a restored machine doesn't know.
            self.session = answer["session_id"].as_str().map(str::to_owned);
        }
        (200..300).contains(&status).then_some(answer)
    }
}
