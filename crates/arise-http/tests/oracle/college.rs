//! A college with everything that makes counting hard: students who join late, leave and come back, explicit
//! absences, excuses, late comers, open, deleted and online sessions, corrections, deleted students and
//! courses, and courses that change their semester.

use arise_core::clock::{DAY, HOUR, MINUTE};
use arise_core::op::{Cell, Kind};
use arise_core::session::SessionType;
use arise_core::zone::Zone;
use arise_core::{CourseId, Mark, Result, SemesterId, SessionId, Source, Status, StudentId};
use arise_store::course::CourseFields;
use arise_store::session::NewSession;
use arise_store::{WriteTx, course, enrolment, mark, session, student};
use arise_testkit::server::{Teacher, TestServer};
use serde_json::json;

use crate::dice::Dice;

/// Few and alike, so that ties are broken by all there is.
const NAMES: [&str; 8] = ["Asha Rao", "asha rao", "Bela", "BELA", "Chitra", "Deepak Ünal", "Zoë", "Élodie"];

struct College {
    zone: Zone,
    semesters: Vec<SemesterId>,
    teachers: Vec<Teacher>,
    courses: Vec<CourseId>,
    students: Vec<StudentId>,
    /// How many times out of a hundred each student comes.
    zeal: Vec<usize>,
    sessions: Vec<SessionId>,
}

pub(crate) async fn make(server: &TestServer, dice: &mut Dice) {
    set_up(server, dice).await;
    let mut college = people(server, dice).await;
    for _ in 0..dice.pick(&[3, 8, 16, 24, 60]) {
        server.clock.advance(dice.pick(&[1, 1, 1, 2, 3]) * DAY);
        for course in college.courses.clone() {
            if dice.percent(60) {
                hold(server, &mut college, course, dice).await;
            }
        }
        for _ in 0..dice.roll(3) {
            happen(server, &college, dice).await;
        }
    }
    // Some are still open while the figures are asked for.
    for course in college.courses.clone() {
        if dice.percent(20) {
            let new = new_session(course, server.app.now(), 400, dice);
            // Unless the course was deleted or has one already.
            let _ = write(server, move |tx| start(tx, &new)).await;
        }
    }
}

async fn write<T: Send + 'static>(
    server: &TestServer,
    job: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
) -> Result<T> {
    server.store().write(job).await
}

async fn set_up(server: &TestServer, dice: &mut Dice) {
    let (minimum, critical) = dice.pick(&[(75, 60), (75, 60), (80, 50), (66, 33), (100, 99), (1, 0)]);
    let zone = dice.pick(&["Asia/Kolkata", "America/New_York", "Pacific/Auckland", "UTC"]);
    let settings = json!({
        "min_attendance_percent": minimum,
        "critical_percent": critical,
        "time_zone": zone,
        "late_after_minutes": dice.pick(&[0, 10]),
        "session_grace_minutes": dice.pick(&[0, 5]),
        "leaderboard": "everybody",
    });
    server.admin().await.post("/api/admin/config", settings).await.ok();
}

async fn people(server: &TestServer, dice: &mut Dice) -> College {
    let mut college = College {
        zone: server.app.zone(),
        semesters: vec![],
        teachers: vec![],
        courses: vec![],
        students: vec![],
        zeal: vec![],
        sessions: vec![],
    };
    for number in 0..=dice.roll(2) {
        college.semesters.push(server.semester(&format!("Semester {number}")).await);
        college.teachers.push(server.teacher(&format!("Teacher {number}"), &format!("T{number}")).await);
    }
    for number in 0..=dice.roll(4) {
        let semester = dice.pick(&college.semesters);
        let teacher = &college.teachers[dice.roll(college.teachers.len())];
        let code = format!("{}{number}", dice.pick(&["cs", "CS", "Ma"]));
        college.courses.push(server.course(&code, semester, teacher).await);
    }
    for _ in 0..2 + dice.roll(9) {
        college.students.push(server.student(dice.pick(&NAMES)).await.id);
        college.zeal.push(dice.pick(&[0, 40, 60, 75, 80, 95, 100]));
    }
    for course in college.courses.clone() {
        enrol(server, &college, course, dice).await;
    }
    college
}

/// Gives a course another roster: some join, some leave, some come back, now and then as of another day.
async fn enrol(server: &TestServer, college: &College, course: CourseId, dice: &mut Dice) {
    let chosen: Vec<StudentId> = college.students.iter().copied().filter(|_| dice.percent(75)).collect();
    let today = college.zone.date(server.app.now());
    let back = college.zone.date(server.app.now() - dice.below(9) * DAY);
    let from_on = dice.percent(30).then_some(back);
    // The course may have been deleted meanwhile.
    let _ = write(server, move |tx| {
        let mut list = vec![];
        for id in chosen {
            if student::find(tx, id)?.is_some() {
                list.push((id, i64::try_from(list.len()).unwrap() + 1));
            }
        }
        enrolment::set_roster(tx, course, &list, &today, from_on.as_deref())
    })
    .await;
}

fn new_session(course: CourseId, now: i64, minutes: i64, dice: &mut Dice) -> NewSession {
    let session_type = if dice.percent(25) { SessionType::Online } else { SessionType::Offline };
    let token = format!("token-{}", dice.roll(1_000_000_000));
    NewSession {
        course_id: course,
        // A few start before midnight of the day on which they are entered.
        starts_at: if dice.percent(10) { now - 11 * HOUR } else { now },
        duration_minutes: minutes,
        session_type,
        topic: dice.pick(&["", "Trees", "Graphs & <b>"]).to_owned(),
        device_id: None,
        online: (session_type == SessionType::Online).then(|| (token, vec![7; 20])),
    }
}

fn start(tx: &mut WriteTx<'_>, new: &NewSession) -> Result<SessionId> {
    course::get(tx, new.course_id)?;
    session::start(tx, new, None)
}

/// A session from its start to its end, which the clock may bring or the teacher.
async fn hold(server: &TestServer, college: &mut College, course: CourseId, dice: &mut Dice) {
    let new = new_session(course, server.app.now(), 60, dice);
    let Ok(id) = write(server, move |tx| start(tx, &new)).await else { return };
    college.sessions.push(id);
    server.clock.advance(15 * MINUTE);
    let mut comers = vec![];
    for (&student, &zeal) in college.students.iter().zip(&college.zeal) {
        if dice.percent(zeal) {
            comers.push((student, dice.below(15)));
        }
    }
    let mut decisions = vec![];
    for &student in &college.students {
        if dice.percent(12) {
            let status = dice.pick(&[Status::Absent, Status::Excused, Status::Excused, Status::Late]);
            decisions.push((student, Some(status)));
        }
    }
    write(server, move |tx| {
        let session = session::get(tx, id)?;
        for (student, minute) in comers {
            let at = session.window.starts_at + minute * MINUTE;
            mark::observe(tx, id, &session.window, student, Source::Fingerprint, at)?;
        }
        for (student, status) in decisions {
            mark::decide(tx, &session, student, status, Source::Teacher, "as seen")?;
        }
        Ok(())
    })
    .await
    .unwrap();
    if dice.percent(50) {
        write(server, move |tx| session::get(tx, id).and_then(|session| session::end(tx, &session)))
            .await
            .unwrap();
    } else {
        server.clock.advance(51 * MINUTE);
    }
    if dice.percent(15) {
        // Somebody looks before the next thing happens.
        server.store().read_settled(|_| Ok(())).await.unwrap();
    }
}

/// Something an office does now and then.
async fn happen(server: &TestServer, college: &College, dice: &mut Dice) {
    let course = dice.pick(&college.courses);
    let student = dice.pick(&college.students);
    let semester = dice.pick(&college.semesters);
    let Some(session) = (!college.sessions.is_empty()).then(|| dice.pick(&college.sessions)) else { return };
    let fields = |json: serde_json::Value| json.as_object().unwrap().clone();
    match dice.roll(20) {
        0..=5 => enrol(server, college, course, dice).await,
        6..=11 => {
            let status =
                dice.pick(&[None, Some(Status::Present), Some(Status::Absent), Some(Status::Excused)]);
            let _ = write(server, move |tx| {
                let session = session::get(tx, session)?;
                mark::decide(tx, &session, student, status, Source::Correction, "corrected")
            })
            .await;
        }
        12 => {
            // A finger that waited in a scanner's queue.
            let _ = write(server, move |tx| {
                let window = session::get(tx, session)?.window;
                let mark = Mark {
                    status: Some(Status::Present),
                    source: Source::ScannerQueue,
                    observed_at: window.starts_at + MINUTE,
                    reason: None,
                };
                tx.append_mark(session, student, &mark)
            })
            .await;
        }
        13 | 14 => {
            let _ = write(server, move |tx| {
                let session = session::get(tx, session)?;
                session::archive(tx, &session, "held by mistake")
            })
            .await;
        }
        15 if dice.percent(30) => {
            let _ = write(server, move |tx| student::archive(tx, student)).await;
        }
        15 | 16 => {
            let cell = Cell::of(Kind::Student, student);
            write(server, move |tx| tx.put(&cell, fields(json!({"archived": 0})), None)).await.unwrap();
        }
        17 if dice.percent(30) => {
            let _ = write(server, move |tx| course::archive(tx, course)).await;
        }
        17 => {
            let cell = Cell::of(Kind::Course, course);
            write(server, move |tx| tx.put(&cell, fields(json!({"archived": 0})), None)).await.unwrap();
        }
        _ => {
            let teacher = college.teachers[dice.roll(college.teachers.len())].id;
            let _ = write(server, move |tx| {
                let known = course::get(tx, course)?;
                let fields = CourseFields {
                    course_name: known.course_name,
                    course_code: known.course_code,
                    default_duration_minutes: known.default_duration_minutes,
                    semester_id: Some(semester),
                    teacher_id: Some(teacher),
                };
                course::update(tx, course, &fields)
            })
            .await;
        }
    }
}
