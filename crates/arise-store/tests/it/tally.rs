//! Whatever is done in whatever order: the tallies are what a count of the records by other code says.

use std::collections::{BTreeMap, BTreeSet};

use arise_core::clock::{DAY, HOUR, MINUTE};
use arise_core::op::{Cell, Kind};
use arise_core::zone::Zone;
use arise_core::{CourseId, Result, SessionId, Source, Status, StudentId, Tally};
use arise_store::{Location, Tx, WriteTx, enrolment, mark, session, student, tally};
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::op::{dump, rebuild};
use crate::support::{Class, NOW, Node, TODAY, new_session, observe};

on_both_engines!(
    counts_are_those_of_the_records,
    open_and_deleted_sessions_do_not_count,
    who_joins_later_has_no_earlier_sessions,
    a_correction_is_counted,
    deleted_students_are_not_counted,
);

/// Numbers that look random and are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }

    fn time(&mut self, below: i64) -> i64 {
        i64::try_from(self.roll(usize::try_from(below).unwrap())).unwrap()
    }
}

/// What happens is chosen from these; sessions are those started so far.
#[derive(Clone)]
struct World {
    courses: Vec<CourseId>,
    students: Vec<StudentId>,
    sessions: Vec<SessionId>,
}

/// One random thing, or nothing when the rules forbid it.
fn step(tx: &mut WriteTx<'_>, world: &mut World, dice: &mut Dice) -> Result<()> {
    let now = tx.now();
    let today = Zone::named("Asia/Kolkata")?.date(now);
    let course = dice.pick(&world.courses);
    let student = dice.pick(&world.students);
    let action = dice.roll(25);
    if world.sessions.is_empty() || action < 4 {
        let late = dice.time(10 * MINUTE);
        world.sessions.push(session::start(tx, &new_session(course, now - late), None)?);
        return Ok(());
    }
    // Mostly one of the latest.
    let latest = world.sessions.len() - 1 - dice.roll(world.sessions.len().min(4));
    let id = if dice.roll(4) == 0 { dice.pick(&world.sessions) } else { world.sessions[latest] };
    match action {
        4..=5 => {
            let mut list = vec![];
            for &student in &world.students {
                if dice.roll(3) > 0 && student::find(tx, student)?.is_some() {
                    list.push((student, i64::try_from(list.len()).unwrap() + 1));
                }
            }
            let from_on = Zone::utc().date(now - dice.time(6) * DAY);
            let from_on = (dice.roll(3) == 0).then_some(from_on.as_str());
            enrolment::set_roster(tx, course, &list, &today, from_on)?;
        }
        6..=13 => {
            let at = session::get(tx, id)?.window.starts_at + dice.time(30 * MINUTE);
            observe(tx, id, student, at)?;
        }
        14..=17 => {
            let status =
                dice.pick(&[None, Some(Status::Present), Some(Status::Absent), Some(Status::Excused)]);
            let source = dice.pick(&[Source::Teacher, Source::Correction, Source::Emergency]);
            let session = session::get(tx, id)?;
            mark::decide(tx, &session, student, status, source, dice.pick(&["", "a reason", "another"]))?;
        }
        18 => session::get(tx, id).and_then(|session| session::end(tx, &session))?,
        19 => session::get(tx, id).and_then(|session| session::extend(tx, &session)).map(|_| ())?,
        20 => session::get(tx, id).and_then(|session| session::reopen(tx, &session))?,
        21 if dice.roll(2) == 0 => {
            session::get(tx, id).and_then(|session| session::archive(tx, &session, "a reason"))?;
        }
        22 if dice.roll(4) == 0 => student::archive(tx, student)?,
        // Somebody elsewhere may bring back what was deleted here.
        21 => restore(tx, &Cell::of(Kind::Session, id))?,
        22 => restore(tx, &Cell::of(Kind::Student, student))?,
        // Ended, looked at, and reopened.
        23 => {
            let session = session::get(tx, id)?;
            session::end(tx, &session)?;
            tally::settle_due(tx)?;
            let session = session::get(tx, id)?;
            session::reopen(tx, &session)?;
        }
        _ => {
            let session = session::get(tx, id)?;
            tx.put(&Cell::of(Kind::Session, session.id), fields(&json!({"course_id": course})), None)?;
        }
    }
    Ok(())
}

fn fields(json: &Json) -> serde_json::Map<String, Json> {
    json.as_object().unwrap().clone()
}

fn restore(tx: &mut WriteTx<'_>, cell: &Cell) -> Result<()> {
    tx.put(cell, fields(&json!({"archived": 0})), None).map(|_| ())
}

type Tallies = (BTreeMap<(CourseId, StudentId), Tally>, BTreeMap<SessionId, Tally>);

/// Counts by reading the records from the first to the last, as one node writes them: later ones stand.
fn count(tx: &mut Tx<'_>) -> Result<Tallies> {
    let now = tx.now();
    let mut cells: BTreeMap<(String, Uuid, Uuid), BTreeMap<String, Json>> = BTreeMap::new();
    let mut marks: BTreeMap<(Uuid, Uuid), Vec<Json>> = BTreeMap::new();
    for row in tx.query("SELECT kind, entity, subject, body FROM op ORDER BY hlc", &[])? {
        let (kind, entity, subject): (String, Uuid, Uuid) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let body: Json = serde_json::from_str(&row.get::<String>(3)?).unwrap();
        if kind == "mark" {
            marks.entry((entity, subject)).or_default().push(body);
        } else {
            let fields = body.as_object().unwrap().clone();
            cells.entry((kind, entity, subject)).or_default().extend(fields);
        }
    }
    let of_kind = |wanted: &'static str| {
        cells.iter().filter(move |((kind, ..), _)| kind == wanted).map(|((_, a, b), fields)| (*a, *b, fields))
    };
    let is_set = |fields: &BTreeMap<String, Json>| fields.get("archived").is_some_and(|a| *a != json!(0));
    let deleted: BTreeSet<Uuid> =
        of_kind("student").filter(|(_, _, fields)| is_set(fields)).map(|(id, ..)| id).collect();
    let mut tallies = Tallies::default();
    for (id, _, session) in of_kind("session") {
        let ended = session.get("ended_at").and_then(Json::as_i64);
        let planned = session["ends_at"].as_i64().unwrap() + session["grace_ms"].as_i64().unwrap();
        if is_set(session) || ended.unwrap_or(planned) > now {
            continue;
        }
        let day = session["held_on"].as_str().unwrap();
        let mut whole = Tally::default();
        for (course, student, enrolment) in of_kind("enrolment") {
            let belongs = enrolment["periods"].as_array().unwrap().iter().any(|period| {
                period["from_on"].as_str().unwrap() <= day
                    && period.get("until_on").is_none_or(|until| day < until.as_str().unwrap())
            });
            if !belongs || deleted.contains(&student) || session["course_id"] != json!(course) {
                continue;
            }
            let status = marks.get(&(id, student)).and_then(|marks| status(marks));
            whole.add(status);
            let key = (CourseId(course), StudentId(student));
            tallies.0.entry(key).or_default().add(status);
        }
        if whole.sessions > 0 {
            tallies.1.insert(SessionId(id), whole);
        }
    }
    Ok(tallies)
}

fn status(marks: &[Json]) -> Option<Status> {
    let source = |mark: &&Json| Source::parse(mark["source"].as_str().unwrap()).unwrap();
    let said = |mark: &Json| mark["status"].as_str().and_then(Status::parse);
    let decided = marks.iter().rfind(|mark| source(mark).is_human()).and_then(said);
    let seen = marks.iter().filter(|mark| !source(mark).is_human());
    decided.or_else(|| seen.min_by_key(|mark| mark["observed_at"].as_i64()).and_then(said))
}

/// What is kept.
fn kept(tx: &mut Tx<'_>) -> Result<Tallies> {
    let mut tallies = Tallies::default();
    let tally = |row: &arise_store::Row, at| -> Result<Tally> {
        Ok(Tally {
            sessions: row.get(at)?,
            present: row.get(at + 1)?,
            late: row.get(at + 2)?,
            excused: row.get(at + 3)?,
        })
    };
    for row in
        tx.query("SELECT course_id, student_id, sessions, present, late, excused FROM course_tally", &[])?
    {
        tallies.0.insert((row.get(0)?, row.get(1)?), tally(&row, 2)?);
    }
    for row in tx.query("SELECT session_id, enrolled, present, late, excused FROM session_tally", &[])? {
        tallies.1.insert(row.get(0)?, tally(&row, 1)?);
    }
    tallies.0.retain(|_, tally| tally.sessions > 0);
    tallies.1.retain(|_, tally| tally.sessions > 0);
    Ok(tallies)
}

fn assert_counted(node: &Node, whence: &str) {
    node.settle();
    assert_eq!(node.read(tally::check), [""; 0], "{whence}");
    assert_eq!(node.read(kept), node.read(count), "{whence}");
}

fn counts_are_those_of_the_records(node: &mut Node) {
    let mut world = World { courses: vec![], students: vec![], sessions: vec![] };
    for code in ["CS101", "CS102", "CS103"] {
        let class = node.class(code, 4);
        world.courses.push(class.course);
        world.students.extend(class.students);
    }
    // Each statement is a round trip to PostgreSQL.
    let seeds = if matches!(node.location, Location::File(_)) { 4 } else { 1 };
    for seed in 0..seeds {
        let mut dice = Dice(seed);
        for batch in 0..25 {
            for _ in 0..8 {
                let (mut next, mut rolls) = (world.clone(), Dice(dice.0));
                (world, dice) = node
                    .write(move |tx| {
                        for _ in 0..=rolls.roll(4) {
                            // What the rules refuse has written nothing.
                            let _ = step(tx, &mut next, &mut rolls);
                        }
                        if rolls.roll(3) == 0 {
                            tally::settle_due(tx)?;
                        }
                        Ok((next, rolls))
                    })
                    .unwrap();
                let units = [MINUTE, MINUTE, 20 * MINUTE, 20 * MINUTE, HOUR, DAY];
                node.clock.advance(dice.pick(&units) * dice.time(3));
            }
            assert_counted(node, &format!("seed {seed}, batch {batch}"));
        }
        // A day between them, so that the next one's dates begin anew.
        node.clock.advance(DAY);
    }
    let (courses, sessions) = node.read(kept);
    // It was about something.
    assert!(courses.len() > 5 && sessions.len() > 20, "{} {}", courses.len(), sessions.len());
    for &student in &world.students {
        let of_student = node.read(move |tx| tally::of_student(tx, student));
        for (course, tally) in of_student {
            assert_eq!(courses.get(&(course, student)).copied().unwrap_or_default(), tally);
            let of_course = node.read(move |tx| tally::of_course(tx, course));
            assert!(of_course.contains(&(student, tally)));
        }
    }
    let before = dump(node);
    rebuild(node);
    assert_eq!(dump(node), before);
}

fn end(node: &Node, id: SessionId) {
    let session = node.session(id);
    node.write(move |tx| session::end(tx, &session)).unwrap();
    node.settle();
}

/// sessions, present, late, excused
fn of(node: &Node, class: &Class, student: StudentId) -> [i64; 4] {
    node.settle();
    let course = class.course;
    let tallies = node.read(move |tx| tally::of_course(tx, course));
    let tally =
        tallies.into_iter().find(|(id, _)| *id == student).map(|(_, tally)| tally).unwrap_or_default();
    [tally.sessions, tally.present, tally.late, tally.excused]
}

fn open_and_deleted_sessions_do_not_count(node: &Node) {
    let class = node.class("CS101", 2);
    let [a, b] = class.students[..] else { panic!() };
    let id = node.start(&class).unwrap();
    node.scan(id, a);
    assert_eq!(of(node, &class, a), [0; 4]);
    end(node, id);
    assert_eq!((of(node, &class, a), of(node, &class, b)), ([1, 1, 0, 0], [1, 0, 0, 0]));
    let session = node.session(id);
    node.write(move |tx| session::reopen(tx, &session)).unwrap();
    assert_eq!(of(node, &class, b), [0; 4]);
    node.scan(id, b);
    // Nobody ends it but the clock.
    node.clock.set(NOW + 65 * MINUTE);
    assert_eq!(of(node, &class, b), [1, 1, 0, 0]);
    let session = node.session(id);
    node.write(move |tx| session::archive(tx, &session, "by mistake")).unwrap();
    assert_eq!(of(node, &class, a), [0; 4]);
    assert_counted(node, "after the delete");
}

fn who_joins_later_has_no_earlier_sessions(node: &Node) {
    let class = node.class("CS101", 1);
    let a = class.students[0];
    let late = node.student("Joins later", "L1");
    let id = node.start(&class).unwrap();
    end(node, id);
    let course = class.course;
    let join = |from_on: Option<&'static str>| {
        node.write(move |tx| enrolment::set_roster(tx, course, &[(a, 1), (late, 2)], "2026-03-08", from_on))
            .unwrap();
    };
    join(None);
    assert_eq!((of(node, &class, a), of(node, &class, late)), ([1, 0, 0, 0], [0; 4]));
    node.write(move |tx| enrolment::set_roster(tx, course, &[(a, 1)], "2026-03-08", None)).unwrap();
    // Unless the office says since when they had belonged.
    join(Some(TODAY));
    assert_eq!(of(node, &class, late), [1, 0, 0, 0]);
    assert_counted(node, "after joining");
}

fn a_correction_is_counted(node: &Node) {
    let class = node.class("CS101", 2);
    let [a, b] = class.students[..] else { panic!() };
    let id = node.start(&class).unwrap();
    node.scan(id, a);
    end(node, id);
    let correct = |student, status| {
        node.write(move |tx| {
            let session = session::get(tx, id)?;
            mark::decide(tx, &session, student, status, Source::Correction, "a reason")
        })
        .unwrap();
    };
    correct(b, Some(Status::Present));
    assert_eq!(of(node, &class, b), [1, 1, 0, 0]);
    correct(b, Some(Status::Excused));
    assert_eq!(of(node, &class, b), [1, 0, 0, 1]);
    correct(a, Some(Status::Absent));
    assert_eq!(of(node, &class, a), [1, 0, 0, 0]);
    correct(a, None);
    assert_eq!(of(node, &class, a), [1, 1, 0, 0]);
    // A finger that waited in a scanner's queue.
    correct(b, None);
    node.write(move |tx| observe(tx, id, b, NOW + 11 * MINUTE)).unwrap();
    assert_eq!(of(node, &class, b), [1, 0, 1, 0]);
    assert_counted(node, "after corrections");
}

fn deleted_students_are_not_counted(node: &Node) {
    let class = node.class("CS101", 2);
    let [a, b] = class.students[..] else { panic!() };
    let id = node.start(&class).unwrap();
    node.scan(id, a);
    end(node, id);
    let enrolled = || node.number("SELECT enrolled FROM session_tally");
    assert_eq!(enrolled(), 2);
    node.write(move |tx| student::archive(tx, b)).unwrap();
    assert_eq!((enrolled(), of(node, &class, b)), (1, [0; 4]));
    node.write(move |tx| restore(tx, &Cell::of(Kind::Student, b))).unwrap();
    assert_eq!((enrolled(), of(node, &class, b)), (2, [1, 0, 0, 0]));
    assert_counted(node, "after the return");
}

#[test]
fn a_session_counted_by_a_clock_ahead_counts_marks_after_it_went_back() {
    let node = Node::sqlite();
    let class = node.class("CS101", 2);
    let id = node.start(&class).unwrap();
    node.clock.advance(DAY);
    node.settle();
    node.clock.set(NOW + 5 * MINUTE);
    node.scan(id, class.students[0]);
    assert_eq!(node.read(tally::check), [""; 0]);
}
