//! What every endpoint must answer, and whether it does.

use std::collections::BTreeSet;

use arise_testkit::server::{ADMIN_PASSWORD, Client, PIN, TestServer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::dice::Dice;
use crate::sums::{Sum, average, day_number, last, streaks, weekday};
use crate::world::{Cell, Course, Session, Student, World};

/// How much was compared, so that a test about nothing fails.
#[derive(Debug, Default)]
pub(crate) struct Compared {
    answers: usize,
    marks: usize,
    absent: usize,
    late: usize,
    excused: usize,
    at_risk: usize,
    open: usize,
    online: usize,
    left: usize,
    long_streaks: usize,
    directions: BTreeSet<String>,
}

impl Compared {
    pub(crate) fn assert_was_about_something(&self) {
        let numbers = [
            self.answers / 1_000,
            self.marks / 1_000,
            self.absent,
            self.late,
            self.excused,
            self.at_risk,
            self.open,
            self.online,
            self.left,
            self.long_streaks,
        ];
        assert!(numbers.iter().all(|number| *number > 0), "{self:?}");
        assert_eq!(self.directions.len(), 3, "{self:?}");
    }

    fn count(&mut self, world: &World) {
        for cell in world.cells() {
            self.marks += 1;
            self.absent += usize::from(world.marks.get(&(cell.session.id, cell.student)) == Some(&'A'));
            self.late += usize::from(cell.letter == 'L');
            self.excused += usize::from(cell.letter == 'E');
            self.left += usize::from(!world.belongs_now(cell.session.course, cell.student));
        }
        self.open += world.sessions.iter().filter(|session| !session.has_ended).count();
        self.online += world.sessions.iter().filter(|session| session.is_online).count();
    }
}

/// Asserts that `actual` has all that `expected` says; lists have the same length.
#[track_caller]
fn assert_has(actual: &Value, expected: &Value, path: &str) {
    match (actual, expected) {
        (Value::Object(actual), Value::Object(expected)) => {
            for (key, value) in expected {
                let there = actual.get(key).unwrap_or_else(|| panic!("{path} has no {key}: {actual:?}"));
                assert_has(there, value, &format!("{path}.{key}"));
            }
        }
        (Value::Array(actual), Value::Array(expected)) => {
            assert_eq!(actual.len(), expected.len(), "{path}: {actual:#?} instead of {expected:#?}");
            for (index, (actual, expected)) in actual.iter().zip(expected).enumerate() {
                assert_has(actual, expected, &format!("{path}[{index}]"));
            }
        }
        (Value::Number(one), Value::Number(other)) => assert_eq!(one.as_f64(), other.as_f64(), "{path}"),
        _ => assert_eq!(actual, expected, "{path}"),
    }
}

struct Asker<'a> {
    world: &'a World,
    cells: &'a [Cell<'a>],
    compared: &'a mut Compared,
}

pub(crate) async fn compare(server: &TestServer, world: &World, dice: &mut Dice, compared: &mut Compared) {
    compared.count(world);
    let cells = world.cells();
    let mut asker = Asker { world, cells: &cells, compared };
    // Every login of the day on which the college began has ended long since.
    let body = json!({"username": "admin", "password": ADMIN_PASSWORD});
    asker.admin(&server.log_in("/api/admin/login", body).await).await;
    for teacher in &world.teachers {
        if world.courses.iter().any(|course| course.teacher == teacher.id) {
            let body = json!({"teacher_code": teacher.code, "pin": PIN});
            let client = server.log_in("/api/teacher/login", body).await;
            asker.teacher(&client, teacher.id).await;
        }
    }
    // Logging in takes a while, so that only some do.
    for _ in 0..2.min(world.students.len()) {
        let student = &world.students[dice.roll(world.students.len())];
        let client = server.log_in_student(&student.roll).await;
        asker.student(&client, student).await;
    }
}

fn query(semester: Option<Uuid>) -> String {
    semester.map(|id| format!("?semester_id={id}")).unwrap_or_default()
}

impl<'a> Asker<'a> {
    async fn ask(&mut self, client: &Client, path: &str, expected: &Value) {
        let actual = client.get(path).await.ok();
        assert_has(&actual, expected, path);
        self.compared.answers += 1;
    }

    fn semesters(&self) -> Vec<Option<Uuid>> {
        let mut semesters = vec![None];
        semesters.extend(self.world.semesters.iter().map(|semester| Some(semester.id)));
        semesters
    }

    /// The cells of a semester, or all.
    fn cells_of(&self, semester: Option<Uuid>) -> Vec<Cell<'a>> {
        let is_in = |cell: &&Cell<'a>| {
            semester.is_none_or(|id| self.world.course(cell.session.course).semester == id)
        };
        self.cells.iter().filter(is_in).copied().collect()
    }

    fn of_pair(&self, course: Uuid, student: Uuid) -> Vec<Cell<'a>> {
        self.cells.iter().filter(|c| c.session.course == course && c.student == student).copied().collect()
    }

    fn letters(&self, course: Uuid, student: Uuid) -> String {
        self.of_pair(course, student).iter().map(|cell| cell.letter).collect()
    }

    fn ended(&self, semester: Option<Uuid>) -> Vec<&'a Session> {
        let world = self.world;
        world
            .sessions
            .iter()
            .filter(|session| session.has_ended)
            .filter(|session| semester.is_none_or(|id| world.course(session.course).semester == id))
            .collect()
    }

    fn status(&self, sum: Sum, good: &'static str) -> &'static str {
        if sum.is_below(self.world.critical) {
            "critical"
        } else if sum.is_below(self.world.minimum) {
            "warning"
        } else {
            good
        }
    }

    /// Who belongs to a course now, by class roll id.
    fn members(&self, course: Uuid) -> Vec<(i64, &'a Student)> {
        let mut members: Vec<(i64, &Student)> = self
            .world
            .enrolments
            .iter()
            .filter(|e| e.course == course && e.now())
            .filter_map(|e| Some((e.class_roll, self.world.students.iter().find(|s| s.id == e.student)?)))
            .collect();
        members.sort_by_key(|(roll, student)| (*roll, student.id));
        members
    }

    async fn admin(&mut self, admin: &Client) {
        for semester in self.semesters() {
            let expected = self.overview(semester);
            self.ask(admin, &format!("/api/admin/analytics/overview{}", query(semester)), &expected).await;
            let expected = self.trends(semester);
            self.ask(admin, &format!("/api/admin/analytics/trends{}", query(semester)), &expected).await;
        }
        for course in &self.world.courses {
            let expected = self.course_of_admin(course);
            self.ask(admin, &format!("/api/admin/analytics/course/{}", course.id), &expected).await;
        }
        for student in &self.world.students {
            for semester in [None, Some(self.world.semesters[0].id)] {
                let expected = self.student_of_admin(student, semester);
                let path = format!("/api/admin/analytics/student/{}{}", student.id, query(semester));
                self.ask(admin, &path, &expected).await;
            }
        }
    }

    fn course_line(&self, course: &Course) -> (usize, usize, Sum) {
        let cells: Vec<_> = self.cells.iter().filter(|c| c.session.course == course.id).copied().collect();
        let sessions = self.ended(None).iter().filter(|session| session.course == course.id).count();
        (self.members(course.id).len(), sessions, Sum::of(&cells))
    }

    fn overview(&mut self, semester: Option<Uuid>) -> Value {
        let world = self.world;
        let sum = Sum::of(&self.cells_of(semester));
        let sessions = self.ended(semester);
        let courses = world.courses_of(semester);
        let mut at_risk = BTreeSet::new();
        let mut members = BTreeSet::new();
        for course in &courses {
            for (_, student) in self.members(course.id) {
                members.insert(student.id);
                if Sum::of(&self.of_pair(course.id, student.id)).is_below(world.minimum) {
                    at_risk.insert(student.id);
                }
            }
        }
        self.compared.at_risk += at_risk.len();
        let today = world.zone.date(world.now);
        let since_monday = (weekday(&today) + 6) % 7;
        let this_week = |s: &&&Session| day_number(&s.held_on) >= day_number(&today) - since_monday;
        let online = sessions.iter().filter(|session| session.is_online).count();
        let lines = courses.iter().map(|course| {
            let (enrolled, sessions, sum) = self.course_line(course);
            json!({
                "id": course.id,
                "course_name": course.name,
                "course_code": course.code,
                "teacher_name": world.teacher_name(course.teacher),
                "enrolled_count": enrolled,
                "session_count": sessions,
                "total_marks": sum.present,
                "attendance_rate": sum.percent(),
            })
        });
        json!({
            "semester_id": semester,
            "total_students": if semester.is_some() { members.len() } else { world.students.len() },
            "total_courses": courses.len(),
            "total_sessions": sessions.len(),
            "total_attendance_marks": sum.present,
            "online_sessions": online,
            "offline_sessions": sessions.len() - online,
            "sessions_this_week": sessions.iter().filter(this_week).count(),
            "sessions_this_month": sessions.iter().filter(|s| s.held_on[..7] == today[..7]).count(),
            "avg_attendance_per_session": average(sum.present, i64::try_from(sessions.len()).unwrap()),
            "overall_attendance_rate": sum.percent(),
            "at_risk_count": at_risk.len(),
            "course_summary": lines.collect::<Vec<_>>(),
        })
    }

    fn trends(&self, semester: Option<Uuid>) -> Value {
        let (cells, sessions) = (self.cells_of(semester), self.ended(semester));
        let present = |is_in: &dyn Fn(&Session) -> bool| {
            cells.iter().filter(|cell| "PL".contains(cell.letter) && is_in(cell.session)).count()
        };
        let held =
            |is_in: &dyn Fn(&Session) -> bool| sessions.iter().filter(|session| is_in(session)).count();
        let today = day_number(&self.world.zone.date(self.world.now));
        let daily: Vec<Value> = (today - 29..=today)
            .map(|day| {
                let of_day = |session: &Session| day_number(&session.held_on) == day;
                json!({
                    "date": iso_date(day),
                    "session_count": held(&of_day),
                    "attendance_count": present(&of_day),
                    "online_marks": present(&|session| of_day(session) && session.is_online),
                    "offline_marks": present(&|session| of_day(session) && !session.is_online),
                })
            })
            .collect();
        let names = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
        let weekdays: Vec<Value> = [1, 2, 3, 4, 5, 6, 0]
            .into_iter()
            .map(|number: usize| {
                let is_in = |session: &Session| usize::try_from(weekday(&session.held_on)) == Ok(number);
                let (sessions, present) = (held(&is_in), present(&is_in));
                json!({
                    "day_num": number,
                    "day_name": names[number],
                    "session_count": sessions,
                    "avg_attendance": average(i64::try_from(present).unwrap(), i64::try_from(sessions).unwrap()),
                })
            })
            .collect();
        let split: Vec<Value> = [("offline", false), ("online", true)]
            .into_iter()
            .map(|(name, is_online)| {
                let is_in = |session: &Session| session.is_online == is_online;
                json!({"session_type": name, "session_count": held(&is_in), "attendance_count": present(&is_in)})
            })
            .collect();
        let courses = self.world.courses_of(semester).into_iter().map(|course| {
            let (enrolled, sessions, sum) = self.course_line(course);
            json!({
                "course_code": course.code,
                "session_count": sessions,
                "total_marks": sum.present,
                "enrolled": enrolled,
                "attendance_rate": sum.percent(),
            })
        });
        json!({
            "semester_id": semester,
            "daily": daily,
            "day_of_week": weekdays,
            "session_type_split": split,
            "course_sessions": courses.collect::<Vec<_>>(),
        })
    }

    fn curve(&self, course: &Course) -> Vec<Value> {
        let mut sessions: Vec<&Session> =
            self.ended(None).into_iter().filter(|session| session.course == course.id).collect();
        sessions.sort_by_key(|session| (session.starts_at, session.id));
        sessions
            .into_iter()
            .map(|session| {
                let cells = self.world.cells_of(session);
                let sum = Sum::of(&cells);
                json!({
                    "id": session.id,
                    "start_time": self.world.zone.iso(session.starts_at),
                    "topic": session.topic,
                    "session_type": if session.is_online { "online" } else { "offline" },
                    "present_count": sum.present,
                    "total_students": cells.len(),
                    "attendance_percent": sum.percent(),
                })
            })
            .collect()
    }

    fn course_of_admin(&self, course: &Course) -> Value {
        let members = self.members(course.id);
        let (_, sessions, whole) = self.course_line(course);
        let sums: Vec<Sum> =
            members.iter().map(|(_, student)| Sum::of(&self.of_pair(course.id, student.id))).collect();
        let students = members.iter().zip(&sums).map(|((roll, student), sum)| {
            json!({
                "student_id": student.id,
                "student_name": student.name,
                "university_roll_no": student.roll,
                "class_roll_id": roll,
                "present_count": sum.present,
                "absent_count": sum.absent,
                "total_sessions": sum.total(),
                "percentage": sum.percent(),
                "status": self.status(*sum, "safe"),
            })
        });
        json!({
            "course": {
                "id": course.id,
                "course_name": course.name,
                "course_code": course.code,
                "semester_name": self.world.semester_name(course.semester),
                "teacher_name": self.world.teacher_name(course.teacher),
            },
            "total_sessions": sessions,
            "enrolled_count": members.len(),
            "at_risk_count": sums.iter().filter(|sum| sum.is_below(self.world.minimum)).count(),
            "attendance_rate": whole.percent(),
            "students": students.collect::<Vec<_>>(),
            "trend": self.curve(course),
        })
    }

    /// The courses of a student, with those left of which something counts, by code.
    fn courses_of(&self, student: Uuid, semester: Option<Uuid>) -> Vec<&'a Course> {
        self.world
            .courses_of(semester)
            .into_iter()
            .filter(|course| {
                self.world.belongs_now(course.id, student) || !self.of_pair(course.id, student).is_empty()
            })
            .collect()
    }

    fn whole(&self, student: Uuid, semester: Option<Uuid>) -> Sum {
        Sum::of(self.cells_of(semester).iter().filter(|cell| cell.student == student))
    }

    fn student_of_admin(&self, student: &Student, semester: Option<Uuid>) -> Value {
        let world = self.world;
        let whole = self.whole(student.id, semester);
        let courses = self.courses_of(student.id, semester).into_iter().map(|course| {
            let sum = Sum::of(&self.of_pair(course.id, student.id));
            json!({
                "course_id": course.id,
                "course_name": course.name,
                "course_code": course.code,
                "class_roll_id": world.enrolment(course.id, student.id).unwrap().class_roll,
                "present_count": sum.present,
                "absent_count": sum.absent,
                "total_sessions": sum.total(),
                "percentage": sum.percent(),
                "status": self.status(sum, "safe"),
                "is_current": world.belongs_now(course.id, student.id),
            })
        });
        let cells = self.cells_of(semester);
        let absences = cells.iter().rev().filter(|cell| cell.student == student.id && cell.letter == 'A');
        let absences = absences.take(20).map(|cell| {
            let course = world.course(cell.session.course);
            json!({
                "id": cell.session.id,
                "start_time": world.zone.iso(cell.session.starts_at),
                "course_name": course.name,
                "course_code": course.code,
            })
        });
        json!({
            "student": {
                "id": student.id,
                "student_name": student.name,
                "university_roll_no": student.roll,
                "enrollment_no": student.enrollment,
            },
            "overall_percentage": whole.percent(),
            "overall_status": self.status(whole, "safe"),
            "total_present": whole.present,
            "total_possible": whole.total(),
            "courses": courses.collect::<Vec<_>>(),
            "recent_absences": absences.collect::<Vec<_>>(),
        })
    }

    async fn teacher(&mut self, client: &Client, teacher: Uuid) {
        for course in self.world.courses.iter().filter(|course| course.teacher == teacher) {
            let expected = self.course_of_teacher(course);
            self.ask(client, &format!("/api/teacher/analytics/{}", course.id), &expected).await;
            let expected = self.history(course);
            self.ask(client, &format!("/api/teacher/history/{}", course.id), &expected).await;
            // The register's percentages are the same to the digit.
            let report = client.get(&format!("/api/teacher/report/{}", course.id)).await.ok();
            for line in report["totals"].as_array().unwrap() {
                let student = line["student_id"].as_str().unwrap().parse().unwrap();
                let sum = Sum::of(&self.of_pair(course.id, student));
                let expected = json!({
                    "percentage": sum.percent(), "total": sum.total(), "absent": sum.absent, "excused": sum.excused,
                });
                assert_has(line, &expected, "report");
            }
        }
    }

    fn course_of_teacher(&self, course: &Course) -> Value {
        let members = self.members(course.id);
        let (_, sessions, whole) = self.course_line(course);
        let at_risk = members.iter().filter_map(|(roll, student)| {
            let sum = Sum::of(&self.of_pair(course.id, student.id));
            sum.is_below(self.world.minimum).then(|| {
                json!({
                    "student_id": student.id,
                    "student_name": student.name,
                    "university_roll_no": student.roll,
                    "class_roll_id": roll,
                    "attendance_percent": sum.percent(),
                    "present_count": sum.present,
                    "total_sessions": sum.total(),
                    "sessions_needed": sum.needed(self.world.minimum),
                    "status": self.status(sum, "good"),
                })
            })
        });
        json!({
            "total_sessions": sessions,
            "enrolled_count": members.len(),
            "avg_attendance_percent": whole.percent(),
            "at_risk_students": at_risk.collect::<Vec<_>>(),
            "trend": self.curve(course),
        })
    }

    fn history(&self, course: &Course) -> Value {
        let mut sessions: Vec<&Session> =
            self.world.sessions.iter().filter(|session| session.course == course.id).collect();
        sessions.sort_by_key(|session| std::cmp::Reverse((session.starts_at, session.id)));
        let lines = sessions.iter().map(|session| {
            let cells = self.world.cells_of(session);
            let sum = Sum::of(&cells);
            json!({
                "id": session.id,
                "start_time": self.world.zone.iso(session.starts_at),
                "end_time": self.world.zone.iso(session.ends_at),
                "topic": session.topic,
                "is_active": !session.has_ended,
                "present_count": sum.present,
                "total_students": cells.len(),
                "attendance_percent": sum.percent(),
            })
        });
        json!({"sessions": lines.collect::<Vec<_>>(), "total_count": sessions.len()})
    }

    async fn student(&mut self, client: &Client, student: &Student) {
        let (world, id) = (self.world, student.id);
        for semester in self.semesters() {
            let expected = self.dashboard(student, semester);
            self.ask(client, &format!("/api/student/dashboard{}", query(semester)), &expected).await;
            let expected = self.analytics(id, semester);
            let path = format!("/api/student/analytics{}", query(semester));
            self.ask(client, &path, &expected).await;
            // Nothing but what was asked for.
            let courses = expected["analytics"].as_object().unwrap().len();
            assert_eq!(client.get(&path).await.ok()["analytics"].as_object().unwrap().len(), courses);
        }
        let expected = self.semesters_of(id);
        self.ask(client, "/api/student/semesters", &expected).await;
        let expected = self.alerts(id);
        self.ask(client, "/api/student/critical-alerts", &expected).await;
        for course in self.courses_of(id, None) {
            let expected = self.log(course, id);
            self.ask(client, &format!("/api/student/course/{}", course.id), &expected).await;
        }
        for limit in [3, 100] {
            let expected = self.leaderboard(id, &|_| true, limit);
            self.ask(client, &format!("/api/student/leaderboard?limit={limit}"), &expected).await;
        }
        let mine: Vec<&Course> = world.courses.iter().filter(|c| world.belongs_now(c.id, id)).collect();
        for course in &mine {
            let expected = self.leaderboard(id, &|other| other.id == course.id, 10);
            self.ask(client, &format!("/api/student/leaderboard?course_id={}", course.id), &expected).await;
        }
        for semester in mine.iter().map(|course| course.semester).collect::<BTreeSet<_>>() {
            let expected = self.leaderboard(id, &|other| other.semester == semester, 10);
            self.ask(client, &format!("/api/student/leaderboard?semester_id={semester}"), &expected).await;
        }
    }

    fn plan(&self, sum: Sum) -> Value {
        let status = self.status(sum, "good");
        json!({
            "current_percent": sum.percent(),
            "status": status,
            "color": match status { "good" => "green", "warning" => "orange", _ => "red" },
            "needed_to_recover": sum.needed(self.world.minimum),
            "buffer_available": sum.can_miss(self.world.minimum),
        })
    }

    fn dashboard(&mut self, student: &Student, semester: Option<Uuid>) -> Value {
        let world = self.world;
        let whole = self.whole(student.id, semester);
        let (mut current, mut longest) = (0, 0);
        let courses: Vec<Value> = self
            .courses_of(student.id, semester)
            .into_iter()
            .map(|course| {
                let sum = Sum::of(&self.of_pair(course.id, student.id));
                let (latest, best) = streaks(&self.letters(course.id, student.id));
                (current, longest) = (current.max(latest), longest.max(best));
                json!({
                    "course_id": course.id,
                    "course_name": course.name,
                    "semester_name": world.semester_name(course.semester),
                    "percentage": sum.percent(),
                    "present_count": sum.present,
                    "absent_count": sum.absent,
                    "excused_count": sum.excused,
                    "total_sessions": sum.total(),
                    "warning_status": self.status(sum, "good"),
                    "analytics": self.plan(sum),
                })
            })
            .collect();
        self.compared.long_streaks += usize::from(longest >= 7);
        json!({
            "student_name": student.name,
            "overall_percentage": whole.percent(),
            "current_streak": current,
            "longest_streak": longest,
            "semester_id": semester,
            "semester_name": semester.map_or("All semesters", |id| world.semester_name(id)),
            "is_filtered": semester.is_some(),
            "courses": courses,
            "min_attendance_requirement": world.minimum,
        })
    }

    fn semesters_of(&self, student: Uuid) -> Value {
        let mut semesters: Vec<_> = self
            .world
            .semesters
            .iter()
            .filter(|semester| !self.courses_of(student, Some(semester.id)).is_empty())
            .collect();
        semesters.sort_by_key(|semester| &semester.name);
        let lines = semesters.into_iter().map(|semester| {
            let courses = self.courses_of(student, Some(semester.id)).into_iter().map(
                |course| json!({"id": course.id, "course_name": course.name, "course_code": course.code}),
            );
            json!({
                "id": semester.id,
                "semester_name": semester.name,
                "courses": courses.collect::<Vec<_>>(),
            })
        });
        Value::Array(lines.collect())
    }

    fn analytics(&mut self, student: Uuid, semester: Option<Uuid>) -> Value {
        let mut courses = Map::new();
        for course in self.courses_of(student, semester) {
            let cells = self.of_pair(course.id, student);
            let sum = Sum::of(&cells);
            let letters = self.letters(course.id, student);
            let (few, many) = (last(&letters, 7), last(&letters, 30));
            let direction = match few - many {
                difference if difference > 5.0 => "up",
                difference if difference < -5.0 => "down",
                _ => "stable",
            };
            self.compared.directions.insert(direction.to_owned());
            let counted: Vec<&Cell<'_>> = cells.iter().filter(|cell| cell.letter != 'E').collect();
            let breakdown = counted[counted.len().saturating_sub(30)..].iter().map(|cell| {
                json!({
                    "date": cell.session.held_on,
                    "percentage": if cell.letter == 'A' { 0 } else { 100 },
                    "session_id": cell.session.id,
                })
            });
            let line = json!({
                "course_name": course.name,
                "semester_name": self.world.semester_name(course.semester),
                "last_7_days_avg": few,
                "last_30_days_avg": many,
                "semester_total": sum.percent(),
                "trend_direction": direction,
                "status": self.status(sum, "good"),
                "improvement_plan": self.plan(sum),
                "daily_breakdown": breakdown.collect::<Vec<_>>(),
                "total_sessions": sum.total(),
            });
            courses.insert(course.id.to_string(), line);
        }
        json!({
            "analytics": courses,
            "min_attendance_requirement": self.world.minimum,
            "warning_threshold": self.world.minimum,
        })
    }

    fn alerts(&self, student: Uuid) -> Value {
        let (mut critical, mut warning) = (vec![], vec![]);
        for course in self.courses_of(student, None) {
            if !self.world.belongs_now(course.id, student) {
                continue;
            }
            let sum = Sum::of(&self.of_pair(course.id, student));
            let line = json!({
                "course_id": course.id,
                "course_name": course.name,
                "attendance_percentage": sum.percent(),
                "present_count": sum.present,
                "total_sessions": sum.total(),
                "classes_needed": sum.needed(self.world.minimum),
                "status": self.status(sum, "good"),
            });
            match self.status(sum, "good") {
                "critical" => critical.push(line),
                "warning" => warning.push(line),
                _ => {}
            }
        }
        json!({
            "critical_count": critical.len(),
            "warning_count": warning.len(),
            "total_alert_count": critical.len() + warning.len(),
            "critical_alerts": critical,
            "warning_alerts": warning,
            "critical_threshold": self.world.critical,
            "minimum_threshold": self.world.minimum,
        })
    }

    fn log(&self, course: &Course, student: Uuid) -> Value {
        let cells = self.of_pair(course.id, student);
        let sum = Sum::of(&cells);
        let log = cells.iter().rev().map(|cell| {
            let status = match cell.letter {
                'P' => "present",
                'L' => "late",
                'E' => "excused",
                _ => "absent",
            };
            json!({
                "session_id": cell.session.id,
                "date": cell.session.held_on,
                "end_time": self.world.zone.iso(cell.session.ends_at),
                "status": status,
            })
        });
        json!({
            "course_name": course.name,
            "present_count": sum.present,
            "absent_count": sum.absent,
            "total_sessions": sum.total(),
            "percentage": sum.percent(),
            "log": log.collect::<Vec<_>>(),
        })
    }

    fn stats(&self, student: Uuid, is_in: &dyn Fn(&Course) -> bool) -> (Sum, Value) {
        let mine =
            |cell: &&Cell<'_>| cell.student == student && is_in(self.world.course(cell.session.course));
        let sum = Sum::of(self.cells.iter().filter(mine));
        let runs =
            self.world.courses.iter().filter(|c| is_in(c)).map(|c| streaks(&self.letters(c.id, student)));
        let (current, longest) = runs.fold((0, 0), |best, run| (best.0.max(run.0), best.1.max(run.1)));
        let badges = [
            ("first_step", sum.present >= 1),
            ("consistent", longest >= 5),
            ("perfect_week", longest >= 7),
            ("iron", longest >= 15),
            ("high_attendance", sum.present > 0 && !sum.is_below(90)),
        ];
        let badges: Vec<Value> =
            badges.iter().filter(|(_, earned)| *earned).map(|(kind, _)| json!({"type": kind})).collect();
        let stats = json!({
            "attendance_percentage": sum.percent(),
            "present_count": sum.present,
            "total_sessions": sum.total(),
            "current_streak": current,
            "longest_streak": longest,
            "badges": badges,
        });
        (sum, stats)
    }

    fn leaderboard(&self, me: Uuid, is_in: &dyn Fn(&Course) -> bool, limit: usize) -> Value {
        let world = self.world;
        let belongs = |student: &&Student| {
            world.courses.iter().any(|c| is_in(c) && world.belongs_now(c.id, student.id))
        };
        let mut ranked: Vec<(&Student, Sum, Value)> = world
            .students
            .iter()
            .filter(belongs)
            .map(|student| {
                let (sum, stats) = self.stats(student.id, is_in);
                (student, sum, stats)
            })
            .collect();
        ranked.sort_by(|(one, one_sum, _), (other, other_sum, _)| {
            let by_name = |student: &Student| (student.name.to_ascii_lowercase(), student.id);
            other_sum
                .percent()
                .total_cmp(&one_sum.percent())
                .then(other_sum.present.cmp(&one_sum.present))
                .then(by_name(one).cmp(&by_name(other)))
        });
        let all: Vec<Value> = ranked
            .iter()
            .zip(1..)
            .map(|((student, _, stats), rank)| {
                let mut place = stats.as_object().unwrap().clone();
                place.insert("rank".into(), json!(rank));
                place.insert("student_id".into(), json!(student.id));
                place.insert("student_name".into(), json!(world.student(student.id).name));
                place.insert("is_you".into(), json!(student.id == me));
                Value::Object(place)
            })
            .collect();
        let places: Vec<Value> = all.iter().take(limit).cloned().collect();
        let around: Vec<Value> = match ranked.iter().position(|(student, ..)| student.id == me) {
            Some(mine) => all[mine.saturating_sub(2)..(mine + 3).min(all.len())].to_vec(),
            None => vec![],
        };
        let total = i64::try_from(ranked.len()).unwrap();
        let ahead = ranked.iter().position(|(student, ..)| student.id == me);
        let rank = ahead.map_or(0, |ahead| i64::try_from(ahead).unwrap() + 1);
        let percentile = if rank > 0 { (total - rank + 1) * 100 / total } else { 0 };
        let (_, mut stats) = self.stats(me, is_in);
        let badges = stats.as_object_mut().unwrap().remove("badges");
        json!({
            "mode": "everybody",
            "you": {"listed": true, "nickname": null},
            "leaderboard": places,
            "neighbours": around,
            "total_on_leaderboard": places.len(),
            "user_badges": badges,
            "user_rank": {"rank": rank, "position": rank, "percentile": percentile, "total_students": total},
            "user_stats": stats,
        })
    }
}

fn iso_date(number: i64) -> String {
    // Days are near 2026: counting from there finds each.
    for year in 2025..2030 {
        for month in 1..13 {
            for day in 1..32 {
                let date = format!("{year}-{month:02}-{day:02}");
                let next_month = if month == 12 {
                    format!("{}-01-01", year + 1)
                } else {
                    format!("{year}-{:02}-01", month + 1)
                };
                if day_number(&date) == number && day_number(&date) < day_number(&next_month) {
                    return date;
                }
            }
        }
    }
    panic!("{number} is far away");
}
