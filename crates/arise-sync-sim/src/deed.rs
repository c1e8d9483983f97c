//! What people and scanners do on a machine.

use arise_core::clock::MINUTE;
use arise_core::op::{Cell, Kind};
use arise_core::session::SessionType;
use arise_core::{
    CourseId, Error, OpId, Result, SemesterId, SessionId, Source, Status, StudentId, TeacherId,
};
use arise_store::course::{self, CourseFields};
use arise_store::session::{self, NewSession};
use arise_store::student::{self, StudentFields};
use arise_store::{WriteTx, enrolment, mark, semester, setting, tally, teacher};
use fastrand::Rng;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::model;

/// Somebody saw values and wrote another one over them.
#[derive(Debug, Clone)]
pub(crate) struct Overwrite {
    pub(crate) cell: model::Cell,
    /// For a mark the reason of the decision, which tells decisions apart.
    pub(crate) field: &'static str,
    pub(crate) old: Vec<String>,
    pub(crate) new: String,
}

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) overwrites: Vec<Overwrite>,
    /// Every record that the database now holds and that waits: this one's are among them.
    pub(crate) waiting: Vec<OpId>,
}

/// Something to begin with: a course with three students and an open session.
pub(crate) fn found(tx: &mut WriteTx<'_>) -> Result<Done> {
    let semester = semester::create(tx, "First")?;
    let teacher = teacher::create(tx, "Teacher", "T-1", "hash")?;
    let course = course::create(tx, &course_fields("C-0", Some(semester), Some(teacher)))?;
    let mut list = vec![];
    for n in 0..3 {
        let fields = student_fields(&format!("S-{n}"), &format!("R-{n}"));
        list.push((student::create(tx, &fields, "hash")?, n + 1));
    }
    let today = setting::get(tx)?.zone().date(tx.now());
    enrolment::set_roster(tx, course, &list, &today, None)?;
    session::start(tx, &new_session(tx, course, "Topic"), Some(teacher))?;
    finish(tx, Done::default())
}

/// On what machine something is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who {
    /// By how many versions its program is older.
    pub(crate) behind: i64,
    pub(crate) hub: bool,
}

/// Which of a hundred deeds is one that the hub can't take.
const POISON: u32 = 94;

/// Whether [`act`] writes a record that the hub can't take.
pub(crate) fn is_poison(seed: u64, who: Who) -> bool {
    Rng::with_seed(seed).u32(0..100) == POISON && !who.hub
}

/// One deed of many kinds. `fresh` is a word that nobody used before.
pub(crate) fn act(tx: &mut WriteTx<'_>, seed: u64, fresh: &str, who: Who) -> Result<Done> {
    let rng = &mut Rng::with_seed(seed);
    let mut done = Done::default();
    match rng.u32(0..100) {
        0..4 if who.behind < 1 => {
            semester::create(tx, fresh)?;
        }
        4..14 if who.behind < 1 => rename_semester(tx, rng, fresh, &mut done)?,
        14..18 => {
            student::create(tx, &student_fields(fresh, &format!("R-{fresh}")), "hash")?;
        }
        18..28 => rename_student(tx, rng, fresh, &mut done)?,
        28 => {
            if let Some(id) = pick(tx, rng, "student WHERE archived = 0")? {
                student::archive(tx, StudentId(id))?;
            }
        }
        29..32 => {
            let semester = pick(tx, rng, "semester")?.map(SemesterId);
            let teacher = pick(tx, rng, "teacher")?.map(TeacherId);
            course::create(tx, &course_fields(fresh, semester, teacher))?;
        }
        32..40 => change_roster(tx, rng)?,
        40..47 => {
            if let Some(course) = pick(tx, rng, "course WHERE archived = 0")? {
                session::start(tx, &new_session(tx, CourseId(course), fresh), None)?;
            }
        }
        47..65 => scan(tx, rng)?,
        65..82 => decide(tx, rng, fresh, &mut done)?,
        82..86 => {
            if let Some(id) = pick(tx, rng, "session WHERE archived = 0")?
                && let Some(session) = session::find(tx, SessionId(id))?
            {
                session::end(tx, &session)?;
            }
        }
        86 => {
            if let Some(id) = pick(tx, rng, "session WHERE archived = 0")?
                && let Some(session) = session::find(tx, SessionId(id))?
            {
                session::archive(tx, &session, "a mistake")?;
            }
        }
        87..90 if who.behind < 2 => change_settings(tx, fresh, &mut done)?,
        90..94 => newer(tx, rng, fresh)?,
        POISON if !who.hub => poison(tx, rng, fresh)?,
        _ => {
            if tally::is_due(tx)? {
                tally::settle_due(tx)?;
            }
        }
    }
    finish(tx, done)
}

/// A name that a person types last of all.
pub(crate) fn rename(tx: &mut WriteTx<'_>, id: StudentId, fresh: &str) -> Result<Done> {
    let mut done = Done::default();
    done.overwrites.push(seen(tx, &Cell::of(Kind::Student, id), "student_name", fresh)?);
    let known = student::get(tx, id)?;
    student::update(tx, id, &student_fields(fresh, &known.university_roll_no), None)?;
    finish(tx, done)
}

/// A decision that a person makes last of all.
pub(crate) fn excuse(
    tx: &mut WriteTx<'_>,
    session: SessionId,
    student: StudentId,
    fresh: &str,
) -> Result<Done> {
    let mut done = Done::default();
    done.overwrites.push(seen_mark(tx, session, student, fresh)?);
    let known = session::get(tx, session)?;
    mark::decide(tx, &known, student, Some(Status::Excused), Source::Leave, fresh)?;
    finish(tx, done)
}

/// Counts whatever is due.
pub(crate) fn count(tx: &mut WriteTx<'_>) -> Result<Done> {
    while tally::is_due(tx)? {
        tally::settle_due(tx)?;
    }
    finish(tx, Done::default())
}

/// All that older versions don't know, and what only newer ones do.
pub(crate) fn news(tx: &mut WriteTx<'_>, fresh: &str) -> Result<Done> {
    let mut done = Done::default();
    let semester = semester::create(tx, fresh)?;
    let mut fields = course_fields(fresh, Some(semester), None);
    fields.default_duration_minutes = 90;
    let course = course::create(tx, &fields)?;
    session::start(tx, &new_session(tx, course, fresh), None)?;
    change_settings(tx, fresh, &mut done)?;
    put(tx, &Cell::of(Kind::Unknown("room".to_owned()), course), json!({"label": fresh}))?;
    put(tx, &Cell::of(Kind::Course, course), json!({"room": fresh}))?;
    finish(tx, done)
}

fn first(tx: &mut WriteTx<'_>, sql: &str) -> Result<Uuid> {
    tx.query_one(sql, &[])?.get(0)
}

const FIRST_COURSE: &str = "SELECT id FROM course ORDER BY id LIMIT 1";
const NEWEST: &str = "SELECT id FROM student ORDER BY id DESC LIMIT 1";

/// Somebody new comes into the first course.
pub(crate) fn comes(tx: &mut WriteTx<'_>) -> Result<Done> {
    let course = CourseId(first(tx, FIRST_COURSE)?);
    student::create(tx, &student_fields("New", "R-new"), "hash")?;
    let rows = tx.query("SELECT id FROM student ORDER BY id", &[])?;
    let list: Vec<(StudentId, i64)> =
        rows.iter().zip(1..).map(|(row, roll)| Ok((row.get(0)?, roll))).collect::<Result<_>>()?;
    let today = setting::get(tx)?.zone().date(tx.now());
    enrolment::set_roster(tx, course, &list, &today, None)?;
    finish(tx, Done::default())
}

/// Who came last takes another course of the same semester too.
pub(crate) fn goes_elsewhere(tx: &mut WriteTx<'_>) -> Result<Done> {
    let (course, newest) = (CourseId(first(tx, FIRST_COURSE)?), StudentId(first(tx, NEWEST)?));
    let semester = course::get(tx, course)?.semester_id;
    let other = course::create(tx, &course_fields("C-1", semester, None))?;
    let today = setting::get(tx)?.zone().date(tx.now());
    enrolment::set_roster(tx, other, &[(newest, 1)], &today, None)?;
    finish(tx, Done::default())
}

/// Who came last leaves the first course, on the same day.
pub(crate) fn leaves(tx: &mut WriteTx<'_>) -> Result<Done> {
    let (course, newest) = (CourseId(first(tx, FIRST_COURSE)?), StudentId(first(tx, NEWEST)?));
    let today = setting::get(tx)?.zone().date(tx.now());
    let list: Vec<(StudentId, i64)> = enrolment::roster(tx, course)?
        .iter()
        .filter(|enrolled| enrolled.student_id != newest)
        .map(|enrolled| (enrolled.student_id, enrolled.class_roll_id))
        .collect();
    enrolment::set_roster(tx, course, &list, &today, None)?;
    finish(tx, Done::default())
}

fn finish(tx: &mut WriteTx<'_>, mut done: Done) -> Result<Done> {
    let rows = tx.query("SELECT id FROM op WHERE gsn IS NULL", &[])?;
    done.waiting = rows.iter().map(|row| row.get(0)).collect::<Result<_>>()?;
    Ok(done)
}

fn pick(tx: &mut WriteTx<'_>, rng: &mut Rng, from: &str) -> Result<Option<Uuid>> {
    let rows = tx.query(&format!("SELECT id FROM {from} ORDER BY id"), &[])?;
    if rows.is_empty() {
        return Ok(None);
    }
    rows[rng.usize(0..rows.len())].get(0).map(Some)
}

fn student_fields(name: &str, roll: &str) -> StudentFields {
    StudentFields {
        student_name: name.to_owned(),
        university_roll_no: roll.to_owned(),
        ..StudentFields::default()
    }
}

fn course_fields(code: &str, semester: Option<SemesterId>, teacher: Option<TeacherId>) -> CourseFields {
    CourseFields {
        course_name: format!("Course-{code}"),
        course_code: code.to_owned(),
        default_duration_minutes: 60,
        semester_id: semester,
        teacher_id: teacher,
    }
}

fn new_session(tx: &WriteTx<'_>, course: CourseId, topic: &str) -> NewSession {
    NewSession {
        course_id: course,
        starts_at: tx.now(),
        duration_minutes: 60,
        session_type: SessionType::Offline,
        topic: topic.to_owned(),
        device_id: None,
        online: None,
    }
}

fn of_cell(tx: &mut WriteTx<'_>, cell: &Cell) -> Result<(model::Cell, Vec<model::Raw>)> {
    let key = (cell.kind.as_str().to_owned(), cell.entity, cell.subject);
    let mut records = model::load(tx)?;
    records.retain(|r| r.kind == key.0 && r.entity == key.1 && r.subject == key.2);
    Ok((key, records))
}

/// What a person sees of a field: the value that shows, and those in conflict with it.
fn seen(tx: &mut WriteTx<'_>, cell: &Cell, field: &'static str, new: &str) -> Result<Overwrite> {
    let (key, records) = of_cell(tx, cell)?;
    let records: Vec<&model::Raw> = records.iter().collect();
    let old = model::heads(&records, field);
    let old = old.iter().filter_map(|r| r.body[field].as_str().map(str::to_owned)).collect();
    Ok(Overwrite { cell: key, field, old, new: new.to_owned() })
}

fn seen_mark(tx: &mut WriteTx<'_>, session: SessionId, student: StudentId, new: &str) -> Result<Overwrite> {
    let (key, records) = of_cell(tx, &Cell::pair(Kind::Mark, session, student))?;
    let records: Vec<&model::Raw> = records.iter().collect();
    let old = model::decisions(&records);
    let old = old.iter().filter_map(|r| r.body.get("reason")?.as_str().map(str::to_owned)).collect();
    Ok(Overwrite { cell: key, field: "reason", old, new: new.to_owned() })
}

fn rename_semester(tx: &mut WriteTx<'_>, rng: &mut Rng, fresh: &str, done: &mut Done) -> Result<()> {
    let Some(id) = pick(tx, rng, "semester WHERE archived = 0")? else { return Ok(()) };
    done.overwrites.push(seen(tx, &Cell::of(Kind::Semester, id), "semester_name", fresh)?);
    semester::update(tx, SemesterId(id), fresh)
}

fn rename_student(tx: &mut WriteTx<'_>, rng: &mut Rng, fresh: &str, done: &mut Done) -> Result<()> {
    let Some(id) = pick(tx, rng, "student WHERE archived = 0")? else { return Ok(()) };
    done.overwrites.extend(rename(tx, StudentId(id), fresh)?.overwrites);
    Ok(())
}

fn change_settings(tx: &mut WriteTx<'_>, fresh: &str, done: &mut Done) -> Result<()> {
    done.overwrites.push(seen(tx, &Cell::settings(), "batch_name", fresh)?);
    let mut settings = setting::get(tx)?;
    settings.batch_name = fresh.to_owned();
    setting::put(tx, &settings)
}

fn change_roster(tx: &mut WriteTx<'_>, rng: &mut Rng) -> Result<()> {
    let Some(course) = pick(tx, rng, "course WHERE archived = 0")? else { return Ok(()) };
    let rows = tx.query("SELECT id FROM student WHERE archived = 0 ORDER BY id", &[])?;
    let mut list = vec![];
    for row in &rows {
        if rng.u32(0..3) > 0 {
            list.push((row.get(0)?, i64::try_from(list.len()).unwrap_or_default() + 1));
        }
    }
    let today = setting::get(tx)?.zone().date(tx.now());
    enrolment::set_roster(tx, CourseId(course), &list, &today, None)?;
    Ok(())
}

/// A session that takes marks now, if there is one, and somebody of the course.
fn someone(tx: &mut WriteTx<'_>, rng: &mut Rng) -> Result<Option<(session::Session, StudentId)>> {
    let Some(id) = pick(tx, rng, "session WHERE archived = 0")? else { return Ok(None) };
    let Some(session) = session::find(tx, SessionId(id))? else { return Ok(None) };
    let student = pick(tx, rng, "student WHERE archived = 0")?;
    Ok(student.map(|student| (session, StudentId(student))))
}

fn scan(tx: &mut WriteTx<'_>, rng: &mut Rng) -> Result<()> {
    let Some((session, student)) = someone(tx, rng)? else { return Ok(()) };
    // A scanner's queue may arrive long after the finger.
    let at = session.window.starts_at + rng.i64(0..40) * MINUTE;
    let source = if rng.bool() { Source::Fingerprint } else { Source::ScannerQueue };
    mark::observe(tx, session.id, &session.window, student, source, at)?;
    Ok(())
}

fn decide(tx: &mut WriteTx<'_>, rng: &mut Rng, fresh: &str, done: &mut Done) -> Result<()> {
    let Some((session, student)) = someone(tx, rng)? else { return Ok(()) };
    let saw = seen_mark(tx, session.id, student, fresh)?;
    let status = if rng.u32(0..5) == 0 { None } else { Some(Status::ALL[rng.usize(0..4)]) };
    let source = if rng.bool() { Source::Teacher } else { Source::Correction };
    if mark::decide(tx, &session, student, status, source, fresh)? == mark::Taken::New {
        done.overwrites.push(saw);
    }
    Ok(())
}

/// What only a newer version writes.
fn newer(tx: &mut WriteTx<'_>, rng: &mut Rng, fresh: &str) -> Result<()> {
    let (cell, fields) = match rng.u32(0..3) {
        0 => {
            let room = Uuid::from_u128(rng.u128(0..3));
            (Cell::of(Kind::Unknown("room".to_owned()), room), json!({"label": fresh, "size": 1.25}))
        }
        1 => {
            let Some(id) = pick(tx, rng, "student")? else { return Ok(()) };
            (Cell::of(Kind::Student, id), json!({"nickname": fresh}))
        }
        _ => {
            let Some((session, student)) = someone(tx, rng)? else { return Ok(()) };
            let mark = json!({"status": "on_duty", "source": "gate", "observed_at": tx.now()});
            (Cell::pair(Kind::Mark, session.id, student), mark)
        }
    };
    put(tx, &cell, fields)
}

/// A record that the hub can't take.
fn poison(tx: &mut WriteTx<'_>, rng: &mut Rng, fresh: &str) -> Result<()> {
    if rng.bool() {
        let Some(id) = pick(tx, rng, "student")? else { return Ok(()) };
        return put(tx, &Cell::of(Kind::Student, id), json!({"motto": format!("\0{fresh}")}));
    }
    // A mark of a session that nobody ever held.
    let Some(student) = pick(tx, rng, "student")? else { return Ok(()) };
    let mark = json!({"status": "present", "source": "code", "observed_at": tx.now()});
    put(tx, &Cell::pair(Kind::Mark, Uuid::from_u128(rng.u128(..)), student), mark)
}

fn put(tx: &mut WriteTx<'_>, cell: &Cell, fields: Json) -> Result<()> {
    let Json::Object(fields): Json = fields else { return Err(Error::internal("no object")) };
    let fields: Map<String, Json> = fields;
    tx.put(cell, fields, None).map(|_| ())
}
