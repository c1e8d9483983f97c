//! Makes the college: people, courses, a timetable and two months of classes with the habits real ones have.

use std::sync::Arc;

use anyhow::Context;
use arise_core::clock::{DAY, HOUR, MINUTE};
use arise_core::session::SessionType;
use arise_core::setting::{LeaderboardMode, Settings};
use arise_core::zone::Zone;
use arise_core::{
    Actor, Clock, CourseId, Mark, Role, SemesterId, Source, Status, StudentId, SystemClock, TeacherId,
    TestClock, UtcMillis,
};
use arise_store::course::CourseFields;
use arise_store::session::NewSession;
use arise_store::student::StudentFields;
use arise_store::{
    Location, Store, WriteTx, admin, course, enrolment, semester, session, setting, student, teacher,
};

use super::names::{COURSES, FIRST, INSTITUTION, LAST, SEMESTERS, TEACHERS};
use crate::first_run::ADMIN;

const STUDENTS: usize = 300;
const WEEKS: i64 = 9;
const PIN: &str = "246810";
const PASSWORD: &str = "arise-demo";
/// The same college at every start.
const SEED: u64 = 2_026;

/// What the demo prints of the college.
pub(super) struct College {
    pub(super) institution: &'static str,
    pub(super) admin: &'static str,
    pub(super) password: &'static str,
    pub(super) teacher: &'static str,
    pub(super) pin: &'static str,
    pub(super) live_course: String,
    pub(super) student: String,
}

fn college() -> College {
    College {
        institution: INSTITUTION,
        admin: ADMIN,
        password: PASSWORD,
        teacher: TEACHERS[0].1,
        pin: PIN,
        live_course: COURSES[0].0.to_owned(),
        student: roll_no(0),
    }
}

fn roll_no(index: usize) -> String {
    format!("SCE{:02}CS{:03}", 25 - index / 100, index % 100 + 1)
}

/// A student and their habits.
struct Person {
    id: StudentId,
    /// Chance of coming, in percent.
    comes: u64,
    /// Chance of being late when coming, in percent.
    late: u64,
}

struct Class {
    id: CourseId,
    teacher: TeacherId,
    topics: [&'static str; 4],
    students: Vec<usize>,
    /// Days after Monday, and minutes after midnight.
    slots: [(i64, i64); 3],
}

/// Makes the college in an empty database; an earlier one is left as it is.
pub(super) fn make_or_find(location: &Location) -> anyhow::Result<College> {
    let now = SystemClock.now();
    let zone = Zone::named(&Settings::default().time_zone)?;
    let monday = first_monday(&zone, now)?;
    // Its past is recorded when it happened: the clock is set to each class in turn.
    let clock = Arc::new(TestClock::at(monday - 7 * DAY));
    let store = Store::open(location, Arc::clone(&clock) as Arc<dyn Clock>)?;
    if !store.read_blocking(admin::any)? {
        make(&store, &clock, &zone, monday, now)?;
    }
    Ok(college())
}

/// Midnight of the Monday on which the semester began.
fn first_monday(zone: &Zone, now: UtcMillis) -> anyhow::Result<UtcMillis> {
    let (weekday, _) = zone.weekday_and_minute(now);
    let since_monday = (i64::from(weekday) + 6) % 7;
    let date = zone.date(now - (since_monday + 7 * (WEEKS - 1)) * DAY);
    zone.start_of(&date).context("the semester's first day can't be told")
}

fn make(
    store: &Store,
    clock: &TestClock,
    zone: &Zone,
    monday: UtcMillis,
    now: UtcMillis,
) -> anyhow::Result<()> {
    let mut random = fastrand::Rng::with_seed(SEED);
    let (password, pin) = (arise_http::hash_password(PASSWORD)?, arise_http::hash_password(PIN)?);
    let start = zone.date(monday);
    let (people, classes) = store.write_blocking(move |tx| {
        admin::create(tx, ADMIN, &password, false)?;
        let settings = Settings {
            institution_name: INSTITUTION.to_owned(),
            batch_name: "2026 – odd semester".to_owned(),
            // Nobody is there to choose it.
            leaderboard: LeaderboardMode::Everybody,
            ..setting::get(tx)?
        };
        setting::put(tx, &settings)?;
        let people = make_people(tx, &mut random, &password)?;
        let classes = make_classes(tx, &mut random, &pin, &people, &start)?;
        Ok((people, classes))
    })?;

    let mut plan: Vec<(UtcMillis, usize)> = Vec::new();
    for (index, class) in classes.iter().enumerate() {
        for week in 0..WEEKS {
            for (day, minute) in class.slots {
                plan.push((monday + (week * 7 + day) * DAY + minute * MINUTE, index));
            }
        }
    }
    plan.retain(|(at, _)| at + 2 * HOUR < now);
    plan.sort_unstable();
    let people = Arc::new(people);
    let classes = Arc::new(classes);
    for (number, (at, class)) in plan.into_iter().enumerate() {
        clock.set(at);
        let (people, classes) = (Arc::clone(&people), Arc::clone(&classes));
        store.write_blocking(move |tx| hold(tx, &people, &classes[class], at, number))?;
    }
    // The counts are made now rather than when somebody waits for the first page.
    clock.set(now);
    while store.read_blocking(arise_store::tally::is_due)? {
        store.write_blocking(arise_store::tally::settle_due)?;
    }
    Ok(())
}

fn make_people(
    tx: &mut WriteTx<'_>,
    random: &mut fastrand::Rng,
    password: &str,
) -> arise_core::Result<Vec<Person>> {
    let mut people = Vec::with_capacity(STUDENTS);
    for index in 0..STUDENTS {
        let name =
            format!("{} {}", FIRST[index * 7 % FIRST.len()], LAST[(index * 11 + index / 40) % LAST.len()]);
        let roll = roll_no(index);
        let fields = StudentFields {
            student_name: name,
            email1: format!("{}@sahyadri.example", roll.to_lowercase()),
            enrollment_no: format!("E{:06}", 240_100 + index),
            university_roll_no: roll,
            email2: String::new(),
        };
        let id = student::create(tx, &fields, password)?;
        // Most come nearly always, some now and then, a few hardly.
        let comes = match random.u64(0..100) {
            0..60 => random.u64(88..99),
            60..85 => random.u64(76..90),
            85..95 => random.u64(62..78),
            _ => random.u64(35..62),
        };
        people.push(Person { id, comes, late: random.u64(1..14) });
    }
    Ok(people)
}

fn make_classes(
    tx: &mut WriteTx<'_>,
    random: &mut fastrand::Rng,
    pin: &str,
    people: &[Person],
    start: &str,
) -> arise_core::Result<Vec<Class>> {
    let teachers = TEACHERS
        .iter()
        .map(|(name, code)| teacher::create(tx, name, code, pin))
        .collect::<arise_core::Result<Vec<TeacherId>>>()?;
    let semesters = SEMESTERS
        .iter()
        .map(|name| semester::create(tx, name))
        .collect::<arise_core::Result<Vec<SemesterId>>>()?;
    let mut classes = Vec::with_capacity(COURSES.len());
    for (index, (code, name, topics)) in COURSES.into_iter().enumerate() {
        let (semester, teacher) = (index / 4, teachers[index % teachers.len()]);
        let fields = CourseFields {
            course_name: name.to_owned(),
            course_code: code.to_owned(),
            default_duration_minutes: 50,
            semester_id: Some(semesters[semester]),
            teacher_id: Some(teacher),
        };
        let id = course::create(tx, &fields)?;
        // A hundred students a semester; each course has some of them.
        let mut students: Vec<usize> = (semester * 100..semester * 100 + 100).collect();
        random.shuffle(&mut students);
        students.truncate(52 + index % 3 * 8);
        students.sort_unstable();
        // The student of the printed login is in every course of their semester.
        if semester == 0 && students[0] != 0 {
            students.insert(0, 0);
        }
        let roster: Vec<(StudentId, i64)> =
            students.iter().zip(1..).map(|(&student, roll)| (people[student].id, roll)).collect();
        // Two students joined some weeks late.
        let (late, first): (Vec<_>, Vec<_>) = roster.iter().copied().partition(|(_, roll)| roll % 29 == 0);
        enrolment::set_roster(tx, id, &first, start, Some(start))?;
        let joined = late_day(start);
        enrolment::set_roster(tx, id, &[first, late].concat(), start, Some(&joined))?;
        let hour = [9 * 60, 10 * 60, 11 * 60 + 15, 14 * 60][index % 4] + index as i64 / 4 * 5;
        let day = (index % 2) as i64;
        classes.push(Class {
            id,
            teacher,
            topics,
            students,
            slots: [(day, hour), (day + 2, hour), (day + 3 + day % 2, (hour + 120).min(16 * 60))],
        });
    }
    Ok(classes)
}

/// Three weeks after the start.
fn late_day(start: &str) -> String {
    let zone = Zone::utc();
    zone.start_of(start).map_or_else(|| start.to_owned(), |at| zone.date(at + 21 * DAY))
}

/// One class of the past: it starts, fingers are placed, some are late, the teacher helps a few, it ends.
fn hold(
    tx: &mut WriteTx<'_>,
    people: &[Person],
    class: &Class,
    at: UtcMillis,
    number: usize,
) -> arise_core::Result<()> {
    let mut random = fastrand::Rng::with_seed(SEED ^ (number as u64 + 1));
    let teacher = Actor::new(Role::Teacher, class.teacher);
    tx.act_as(teacher);
    let online = number % 17 == 5;
    let new = NewSession {
        course_id: class.id,
        starts_at: at,
        duration_minutes: 50,
        session_type: if online { SessionType::Online } else { SessionType::Offline },
        topic: class.topics[number / COURSES.len() % class.topics.len()].to_owned(),
        device_id: None,
        online: None,
    };
    let id = session::start(tx, &new, Some(class.teacher))?;
    let held = session::get(tx, id)?;
    // Rain, a festival, a test the day after: some days are thin for everybody.
    let thin = if random.u64(0..12) == 0 { random.u64(10..30) } else { 0 };
    let roster = enrolment::roster_on(tx, class.id, &held.held_on)?;
    for &index in &class.students {
        let person = &people[index];
        if !roster.iter().any(|enrolled| enrolled.student_id == person.id) {
            continue;
        }
        if random.u64(0..100) >= person.comes.saturating_sub(thin) {
            if random.u64(0..25) == 0 {
                let mark = Mark {
                    status: Some(Status::Excused),
                    source: Source::Leave,
                    observed_at: at,
                    reason: Some("Medical certificate".to_owned()),
                };
                tx.act_as(teacher);
                tx.append_mark(id, person.id, &mark)?;
            }
            continue;
        }
        let late = random.u64(0..100) < person.late;
        let after = if late { random.i64(11..25) } else { random.i64(0..9) } * MINUTE + random.i64(0..MINUTE);
        let source = if online { Source::Code } else { Source::Fingerprint };
        // A worn finger now and then: the teacher marks by hand.
        if random.u64(0..40) == 0 {
            tx.act_as(teacher);
            let status = Some(held.window.status_at(at + after));
            let reason = Some("Finger not read".to_owned());
            tx.append_mark(
                id,
                person.id,
                &Mark { status, source: Source::Teacher, observed_at: at + after, reason },
            )?;
        } else {
            tx.act_as(Actor::SYSTEM);
            let status = Some(held.window.status_at(at + after));
            tx.append_mark(id, person.id, &Mark { status, source, observed_at: at + after, reason: None })?;
        }
    }
    Ok(())
}
