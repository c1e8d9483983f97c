use arise_core::{Error, ErrorKind, Result, StudentId};
use arise_store::enrolment::{self, Changes};
use arise_store::list::Filter;
use arise_store::{Event, Location, course, student};
use uuid::Uuid;

use crate::support::{Class, Node, TODAY, student_fields};

on_both_engines!(
    a_roster_is_written_as_differences,
    dates_decide_who_belongs,
    class_roll_ids_are_unique,
    what_cannot_be_enrolled_is_refused,
    deleted_students_are_on_no_roster,
    available_students_are_those_not_enrolled,
    a_semester_has_a_roster,
    a_shared_class_roll_id_names_nobody,
);

const TOMORROW: &str = "2026-03-08";
const LATER: &str = "2026-03-20";

fn set(
    node: &Node,
    class: &Class,
    list: &[(StudentId, i64)],
    today: &'static str,
    from_on: Option<&'static str>,
) -> Result<Changes> {
    let (course, list) = (class.course, list.to_vec());
    node.write(move |tx| enrolment::set_roster(tx, course, &list, today, from_on))
}

fn rolls(node: &Node, class: &Class, day: &'static str) -> Vec<i64> {
    let course = class.course;
    node.read(move |tx| enrolment::roster_on(tx, course, day)).into_iter().map(|e| e.class_roll_id).collect()
}

fn a_roster_is_written_as_differences(node: &Node) {
    let class = node.class("CS101", 3);
    let [a, b, c] = class.students[..] else { panic!() };
    let new = node.student("New", "N1");
    let records = || node.number("SELECT COUNT(*) FROM op WHERE kind = 'enrolment'");
    assert_eq!(records(), 3);
    // The same list again says nothing.
    assert_eq!(set(node, &class, &[(c, 3), (b, 2), (a, 1)], TOMORROW, None).unwrap(), Changes::default());
    assert_eq!(records(), 3);
    let mut events = node.store.events();
    let changed = set(node, &class, &[(a, 1), (b, 20), (new, 4)], TOMORROW, None).unwrap();
    assert_eq!(changed, Changes { joined: 1, left: 1, renumbered: 1 });
    assert_eq!(records(), 6);
    // On PostgreSQL they come later.
    if matches!(node.location, Location::File(_)) {
        assert_eq!(events.try_recv(), Ok(Event::Roster(class.course)));
        assert!(events.is_empty());
    }
    let course = class.course;
    let roster = node.read(move |tx| enrolment::roster(tx, course));
    assert_eq!(
        roster.iter().map(|e| (e.student_id, e.class_roll_id)).collect::<Vec<_>>(),
        [(a, 1), (new, 4), (b, 20)]
    );
    assert_eq!(roster[0].enrollment_no, "E-CS101/0001");
}

fn dates_decide_who_belongs(node: &Node) {
    let class = node.class("CS101", 2);
    let [a, b] = class.students[..] else { panic!() };
    set(node, &class, &[(a, 1)], LATER, None).unwrap();
    assert_eq!(rolls(node, &class, "2026-03-06"), [0; 0]);
    assert_eq!(rolls(node, &class, TODAY), [1, 2]);
    assert_eq!(rolls(node, &class, "2026-03-19"), [1, 2]);
    assert_eq!(rolls(node, &class, LATER), [1]);
    // Back under another number; nobody was there under it before.
    set(node, &class, &[(a, 1), (b, 7)], "2026-04-01", None).unwrap();
    assert_eq!(rolls(node, &class, "2026-03-25"), [1]);
    assert_eq!(rolls(node, &class, "2026-04-01"), [1, 7]);
    let course = class.course;
    let is_enrolled = |day: &'static str| node.read(move |tx| enrolment::is_enrolled(tx, course, b, day));
    assert!(is_enrolled(TODAY) && !is_enrolled("2026-03-25") && is_enrolled("2026-04-01"));
    let by_roll =
        |roll, day: &'static str| node.read(move |tx| enrolment::student_by_roll(tx, course, roll, day));
    assert_eq!(by_roll(7, "2026-04-01").unwrap().student_id, b);
    assert_eq!(by_roll(7, "2026-03-25"), None);
    assert_eq!(by_roll(8, "2026-04-01"), None);

    // Who had belonged from the start, in fact.
    let late = node.student("Late on the list", "L1");
    set(node, &class, &[(a, 1), (b, 7), (late, 9)], "2026-04-02", Some("2026-03-01")).unwrap();
    assert_eq!(rolls(node, &class, "2026-03-01"), [9]);
    // Those who belonged already keep their dates.
    assert_eq!(rolls(node, &class, "2026-03-25"), [1, 9]);

    // Leaving on the day of joining leaves no trace, and coming back afterwards works.
    let brief = node.student("Brief", "B1");
    let with = [(a, 1), (b, 7), (late, 9), (brief, 10)];
    set(node, &class, &with, "2026-04-03", None).unwrap();
    set(node, &class, &with[..3], "2026-04-03", None).unwrap();
    assert_eq!(rolls(node, &class, "2026-04-03"), [1, 7, 9]);
    set(node, &class, &with, "2026-04-05", None).unwrap();
    assert_eq!(rolls(node, &class, "2026-04-04"), [1, 7, 9]);
    assert_eq!(rolls(node, &class, "2026-04-05"), [1, 7, 9, 10]);
}

fn class_roll_ids_are_unique(node: &Node) {
    let class = node.class("CS101", 2);
    let [a, b] = class.students[..] else { panic!() };
    let shared = set(node, &class, &[(a, 5), (b, 5)], TOMORROW, None).unwrap_err();
    assert_eq!((shared.kind, shared.code), (ErrorKind::Conflict, "duplicate_class_roll_id"));
    assert!(shared.message.contains("Student 1 of CS101") && shared.message.contains("Student 2 of CS101"));
    assert_eq!(rolls(node, &class, TODAY), [1, 2]);
    // Two may exchange theirs.
    assert_eq!(set(node, &class, &[(a, 2), (b, 1)], TOMORROW, None).unwrap().renumbered, 2);
}

fn what_cannot_be_enrolled_is_refused(node: &Node) {
    let class = node.class("CS101", 1);
    let a = class.students[0];
    let field = |error: Error| {
        assert_eq!(error.kind, ErrorKind::Invalid, "{error:?}");
        error.fields.into_keys().next().unwrap()
    };
    for roll in [0, -1, 100_001] {
        assert_eq!(field(set(node, &class, &[(a, roll)], TODAY, None).unwrap_err()), "class_roll_id");
    }
    let nobody = StudentId(Uuid::from_u128(1));
    assert_eq!(field(set(node, &class, &[(a, 1), (nobody, 2)], TODAY, None).unwrap_err()), "student_id");
    assert_eq!(field(set(node, &class, &[(a, 1), (a, 2)], TODAY, None).unwrap_err()), "student_id");
    for day in ["tomorrow", "2026-02-30", "20260307", "2026-03-07T00:00", ""] {
        assert_eq!(field(set(node, &class, &[(a, 1)], TODAY, Some(day)).unwrap_err()), "from_on");
    }
    let many: Vec<_> = (0..10_001).map(|n| (a, n)).collect();
    assert_eq!(field(set(node, &class, &many, TODAY, None).unwrap_err()), "students");
    let course = class.course;
    node.write(move |tx| course::archive(tx, course)).unwrap();
    assert_eq!(set(node, &class, &[(a, 1)], TODAY, None).unwrap_err().kind, ErrorKind::NotFound);
}

fn deleted_students_are_on_no_roster(node: &Node) {
    let class = node.class("CS101", 2);
    let [a, b] = class.students[..] else { panic!() };
    let course = class.course;
    node.write(move |tx| student::archive(tx, a)).unwrap();
    assert_eq!(rolls(node, &class, TODAY), [2]);
    assert_eq!(node.read(move |tx| enrolment::roster(tx, course)).len(), 1);
    assert_eq!(node.read(move |tx| enrolment::student_by_roll(tx, course, 1, TODAY)), None);
    assert!(!node.read(move |tx| enrolment::is_enrolled(tx, course, a, TODAY)));
    assert_eq!(field_of(set(node, &class, &[(a, 1), (b, 2)], TODAY, None)), "student_id");
    // A list without the deleted one says nothing about them, and their number can be given to another.
    let records = || node.number("SELECT COUNT(*) FROM op WHERE kind = 'enrolment'");
    let before = records();
    assert_eq!(set(node, &class, &[(b, 2)], TODAY, None).unwrap(), Changes::default());
    assert_eq!(records(), before);
    set(node, &class, &[(b, 1)], TODAY, None).unwrap();
    assert_eq!(node.read(move |tx| enrolment::student_by_roll(tx, course, 1, TODAY)).unwrap().student_id, b);
}

fn field_of(result: Result<Changes>) -> String {
    result.unwrap_err().fields.into_keys().next().unwrap()
}

fn available_students_are_those_not_enrolled(node: &Node) {
    let class = node.class("CS101", 2);
    let other = node.class("CS102", 1);
    let [a, b] = class.students[..] else { panic!() };
    let course = class.course;
    let available = |q: &str| {
        let filter = Filter { q: q.to_owned(), ..Filter::default() };
        let (found, total) = node.read(move |tx| enrolment::available(tx, course, &filter));
        assert_eq!(usize::try_from(total).unwrap(), found.len());
        found.into_iter().map(|s| s.id).collect::<Vec<_>>()
    };
    assert_eq!(available(""), other.students);
    set(node, &class, &[(a, 1)], TODAY, None).unwrap();
    assert_eq!(available(""), [b, other.students[0]]);
    assert_eq!(available("student 2"), [b]);
    node.write(move |tx| student::archive(tx, b)).unwrap();
    assert_eq!(available(""), other.students);
}

fn a_semester_has_a_roster(node: &Node) {
    let class = node.class("CS102", 2);
    let [a, b] = class.students[..] else { panic!() };
    let semester = class.semester;
    let fields = course::CourseFields {
        course_name: "Another".into(),
        course_code: "cs101".into(),
        default_duration_minutes: 60,
        semester_id: Some(semester),
        teacher_id: None,
    };
    let second = node.write(move |tx| course::create(tx, &fields)).unwrap();
    node.write(move |tx| enrolment::set_roster(tx, second, &[(b, 1)], TODAY, None)).unwrap();
    let roster = node.read(move |tx| enrolment::semester_roster(tx, semester));
    let seen: Vec<_> =
        roster.iter().map(|r| (r.student_id, r.primary_class_roll_id, r.enrolled_courses.as_str())).collect();
    assert_eq!(seen, [(a, 1, "CS102"), (b, 1, "cs101,CS102")]);
    // Who has left, and courses that were deleted, aren't in it.
    node.write(move |tx| course::archive(tx, second)).unwrap();
    set(node, &class, &[(b, 2)], TOMORROW, None).unwrap();
    let roster = node.read(move |tx| enrolment::semester_roster(tx, semester));
    assert_eq!(roster.iter().map(|r| r.student_id).collect::<Vec<_>>(), [b]);
}

fn a_shared_class_roll_id_names_nobody(node: &Node) {
    use arise_core::op::{Cell, Kind};
    let class = node.class("CS101", 1);
    let course = class.course;
    // As it comes from another node, where the same number was given at the same time.
    let fields = student_fields("From elsewhere", "X1");
    let other = node.write(move |tx| student::create(tx, &fields, "hash")).unwrap();
    node.write(move |tx| {
        let periods = serde_json::json!({"class_roll_id": 1, "periods": [{"from_on": TODAY}]});
        tx.put(&Cell::pair(Kind::Enrolment, course, other), periods.as_object().unwrap().clone(), None)
    })
    .unwrap();
    assert_eq!(node.read(move |tx| enrolment::roster(tx, course)).len(), 2);
    assert_eq!(node.read(move |tx| enrolment::student_by_roll(tx, course, 1, TODAY)), None);
}
