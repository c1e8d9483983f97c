use std::collections::BTreeMap;

use arise_core::clock::SECOND;
use arise_core::{Result, SessionId, Source, Status, StudentId};
use arise_store::mark::{self, Taken};
use arise_store::{Event, Location, session};

use crate::support::{NOW, Node, answers, minutes, observe, queue};

on_both_engines!(
    a_scan_is_present_or_late,
    a_repeated_scan_is_told_so_and_writes_nothing,
    an_earlier_finger_that_arrives_late_improves_the_mark,
    a_decision_outranks_scans_until_it_is_taken_back,
    a_scan_under_a_decision_is_kept,
    the_order_of_arrival_does_not_matter,
    two_thousand_scans_of_a_thousand_students_at_once,
    screens_are_told_after_the_commit,
);

fn status(node: &Node, session: SessionId, student: StudentId) -> Option<Status> {
    node.read(move |tx| mark::find(tx, session, student)).map(|mark| mark.status)
}

fn records(node: &Node) -> i64 {
    node.number("SELECT COUNT(*) FROM op WHERE kind = 'mark'")
}

fn scan_at(node: &Node, session: SessionId, student: StudentId, at: i64) -> Taken {
    node.write(move |tx| observe(tx, session, student, at)).unwrap()
}

fn decide(
    node: &Node,
    id: SessionId,
    student: StudentId,
    status: Option<Status>,
    reason: &'static str,
) -> Taken {
    node.write(move |tx| {
        let session = session::get(tx, id)?;
        mark::decide(tx, &session, student, status, Source::Teacher, reason)
    })
    .unwrap()
}

fn a_scan_is_present_or_late(node: &Node) {
    let class = node.class("CS101", 3);
    let id = node.start(&class).unwrap();
    let [a, b, c] = class.students[..] else { panic!() };
    assert_eq!(scan_at(node, id, a, NOW + minutes(10) - 1), Taken::New);
    assert_eq!(scan_at(node, id, b, NOW + minutes(10)), Taken::New);
    assert_eq!(status(node, id, a), Some(Status::Present));
    assert_eq!(status(node, id, b), Some(Status::Late));
    assert_eq!(status(node, id, c), None);
    let marks = node.read(move |tx| mark::of_session(tx, id));
    assert_eq!(marks.len(), 2);
    assert_eq!(marks[&b].observed_at, NOW + minutes(10));
    assert_eq!(marks[&b].recorded_at, NOW);
}

fn a_repeated_scan_is_told_so_and_writes_nothing(node: &Node) {
    let class = node.class("CS101", 1);
    let id = node.start(&class).unwrap();
    let a = class.students[0];
    assert_eq!(node.scan(id, a), Taken::New);
    for _ in 0..3 {
        assert_eq!(node.scan(id, a), Taken::Duplicate);
        node.clock.advance(minutes(1));
    }
    assert_eq!(records(node), 1);
    // Who was marked absent by a person may scan as often as they like: it is on record once.
    decide(node, id, a, Some(Status::Absent), "not in class");
    assert_eq!(node.scan(id, a), Taken::Duplicate);
    assert_eq!((records(node), status(node, id, a)), (2, Some(Status::Absent)));
}

fn an_earlier_finger_that_arrives_late_improves_the_mark(node: &Node) {
    let class = node.class("CS101", 1);
    let id = node.start(&class).unwrap();
    let a = class.students[0];
    scan_at(node, id, a, NOW + minutes(20));
    assert_eq!(status(node, id, a), Some(Status::Late));
    assert_eq!(scan_at(node, id, a, NOW + minutes(2)), Taken::New);
    assert_eq!(status(node, id, a), Some(Status::Present));
    assert_eq!(scan_at(node, id, a, NOW + minutes(3)), Taken::Duplicate);
    assert_eq!(records(node), 2);
}

fn a_decision_outranks_scans_until_it_is_taken_back(node: &Node) {
    let class = node.class("CS101", 1);
    let id = node.start(&class).unwrap();
    let a = class.students[0];
    assert_eq!(decide(node, id, a, None, ""), Taken::Duplicate);
    node.scan(id, a);
    assert_eq!(decide(node, id, a, None, ""), Taken::Duplicate);
    node.clock.advance(SECOND);
    assert_eq!(decide(node, id, a, Some(Status::Absent), "left at once"), Taken::New);
    assert_eq!(decide(node, id, a, Some(Status::Absent), "left at once"), Taken::Duplicate);
    let mark = node.read(move |tx| mark::find(tx, id, a)).unwrap();
    assert_eq!(
        (mark.status, mark.source, mark.reason.as_deref()),
        (Status::Absent, Source::Teacher, Some("left at once"))
    );
    // Another reason is another decision.
    assert_eq!(decide(node, id, a, Some(Status::Absent), "was never here"), Taken::New);
    assert_eq!(decide(node, id, a, Some(Status::Excused), "ill"), Taken::New);
    assert_eq!(status(node, id, a), Some(Status::Excused));
    assert_eq!(decide(node, id, a, None, ""), Taken::New);
    assert_eq!(status(node, id, a), Some(Status::Present));
    assert_eq!(decide(node, id, a, None, ""), Taken::Duplicate);
    assert_eq!(records(node), 5);
}

fn a_scan_under_a_decision_is_kept(node: &Node) {
    let class = node.class("CS101", 2);
    let id = node.start(&class).unwrap();
    let [a, b] = class.students[..] else { panic!() };
    decide(node, id, a, Some(Status::Present), "verified by teacher");
    decide(node, id, b, Some(Status::Absent), "mistaken for another");
    node.clock.advance(minutes(1));
    // Told what is so: the one is marked already, the other's finger is taken.
    assert_eq!(node.scan(id, a), Taken::Duplicate);
    assert_eq!(node.scan(id, b), Taken::New);
    assert_eq!(status(node, id, b), Some(Status::Absent));
    for student in [a, b] {
        decide(node, id, student, None, "");
        assert_eq!(status(node, id, student), Some(Status::Present));
        let mark = node.read(move |tx| mark::find(tx, id, student)).unwrap();
        assert_eq!((mark.source, mark.observed_at), (Source::Fingerprint, NOW + minutes(1)));
    }
}

/// The same marks, taken in every order, leave the same status.
fn the_order_of_arrival_does_not_matter(node: &Node) {
    let class = node.class("CS101", 6);
    let id = node.start(&class).unwrap();
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (&student, order) in class.students.iter().zip(orders) {
        for scan in order {
            scan_at(node, id, student, NOW + minutes([25, 4, 12][scan]));
        }
        let mark = node.read(move |tx| mark::find(tx, id, student)).unwrap();
        assert_eq!((mark.status, mark.observed_at), (Status::Present, NOW + minutes(4)));
    }
}

fn two_thousand_scans_of_a_thousand_students_at_once(node: &Node) {
    let class = node.class("CS101", 1_000);
    let id = node.start(&class).unwrap();
    let jobs = [&class.students, &class.students].into_iter().flatten();
    let hold = crate::support::hold_writer(&node.store);
    let queued = jobs
        .map(|&student| {
            queue(&node.store, move |tx| observe(tx, id, student, NOW).map(|taken| (student, taken)))
        })
        .collect();
    drop(hold);
    let mut told: BTreeMap<StudentId, Vec<Taken>> = BTreeMap::new();
    for answer in answers(queued) {
        let (student, taken) = answer.unwrap();
        told.entry(student).or_default().push(taken);
    }
    assert_eq!(told.len(), 1_000);
    assert!(told.values().all(|told| *told == [Taken::New, Taken::Duplicate]));
    assert_eq!(records(node), 1_000);
    assert_eq!(node.number("SELECT COUNT(*) FROM attendance"), 1_000);
}

fn screens_are_told_after_the_commit(node: &Node) {
    let class = node.class("CS101", 1);
    let id = node.start(&class).unwrap();
    let a = class.students[0];
    let mut events = node.store.events();
    let failed: Result<()> = node.write(move |tx| {
        observe(tx, id, a, NOW)?;
        Err(arise_core::Error::not_found("whatever"))
    });
    failed.unwrap_err();
    node.scan(id, a);
    // The first about a mark is the one that was committed. PostgreSQL may still bring earlier events.
    let mark = loop {
        let event = events.blocking_recv().unwrap();
        if let Event::Mark { .. } = event {
            break event;
        }
        assert!(matches!(node.location, Location::Postgres(_)));
    };
    let Event::Mark { session_id, student_id, status, observed_at, .. } = mark else { panic!() };
    assert_eq!((session_id, student_id, status, observed_at), (id, a, Some(Status::Present), NOW));
    if matches!(node.location, Location::File(_)) {
        assert!(events.is_empty());
    }
}
