//! A node that is given some courses only.

use std::collections::BTreeSet;

use arise_core::CourseId;
use arise_store::course;
use arise_store::sync::scope;
use arise_sync::{Outcome, status};

use crate::support::Node;

on_both_engines!(
    a_scoped_node_is_given_its_courses_and_no_other_teacher,
    a_scope_that_grows_brings_what_was_withheld,
    a_course_gets_another_teacher,
    what_a_scoped_node_writes_the_hub_has,
    a_copy_of_a_scoped_node_is_scoped,
);

impl Node {
    fn join_for(&self, hub: &Self, courses: &[CourseId]) {
        self.join(hub);
        self.give(hub, Some(courses));
    }

    fn give(&self, hub: &Self, courses: Option<&[CourseId]>) {
        let id = self.id();
        let courses = courses.map(|courses| courses.iter().copied().collect::<BTreeSet<_>>());
        hub.write(move |tx| scope::set(tx, id, &courses));
    }

    /// Sessions, marks, enrolments, teachers, students.
    fn holds(&self) -> [i64; 5] {
        [
            self.number("SELECT COUNT(*) FROM session"),
            self.number("SELECT COUNT(*) FROM attendance"),
            self.number("SELECT COUNT(*) FROM enrolment"),
            self.number("SELECT COUNT(*) FROM teacher"),
            self.number("SELECT COUNT(*) FROM student"),
        ]
    }

    /// Whether the PIN's hash of a teacher is anywhere among the records.
    fn knows_pin_of(&self, word: &str) -> bool {
        let sought = format!("pin of {word}");
        self.read(move |tx| {
            let rows = tx.query("SELECT body FROM op", &[])?;
            let bodies = rows.iter().map(|row| row.get::<String>(0));
            Ok(bodies.collect::<arise_core::Result<Vec<_>>>()?.iter().any(|body| body.contains(&sought)))
        })
    }
}

fn a_scoped_node_is_given_its_courses_and_no_other_teacher(hub: &Node) {
    let (theirs, other) = (hub.class("theirs"), hub.class("other"));
    hub.mark(theirs);
    hub.mark(other);
    let node = Node::sqlite();
    node.join_for(hub, &[theirs.course]);
    node.sync(hub);
    assert_eq!(node.holds(), [1, 1, 1, 1, 2]);
    assert!(node.knows_pin_of("theirs") && !node.knows_pin_of("other"));
    // It is as far as the hub, and says what it is given.
    let status = node.read(status);
    assert_eq!(status.gsn, status.hub_gsn);
    assert_eq!(status.courses, Some(BTreeSet::from([theirs.course])));
    assert!(!node.exchange(hub).more);
    // Nobody is told to begin anew for what comes later.
    hub.class("later");
    assert_eq!(node.exchange(hub).outcome, Outcome::Taken);
    assert_eq!(node.holds(), [1, 1, 1, 1, 3]);
    assert!(!node.knows_pin_of("later"));
}

fn a_scope_that_grows_brings_what_was_withheld(hub: &Node) {
    let (one, two, three) = (hub.class("one"), hub.class("two"), hub.class("three"));
    for class in [one, two, three] {
        hub.mark(class);
    }
    let node = Node::sqlite();
    node.join_for(hub, &[one.course]);
    node.sync(hub);
    node.give(hub, Some(&[one.course, two.course]));
    // The answer that says so gets lost, and is asked for again.
    hub.answer(&node.request()).unwrap();
    assert_eq!(node.exchange(hub).outcome, Outcome::Reset);
    node.sync(hub);
    assert_eq!(node.holds(), [2, 2, 2, 2, 3]);
    assert!(!node.knows_pin_of("three"));
    node.give(hub, None);
    node.sync(hub);
    assert_eq!(node.holds(), hub.holds());
    assert_eq!(node.number("SELECT COUNT(*) FROM op"), hub.number("SELECT COUNT(*) FROM op"));
    assert_eq!(node.read(status).courses, None);
    // Less than before takes nothing back. The node begins anew for it too: were the hub restored to the time before,
    // it couldn't tell what was passed over since.
    node.give(hub, Some(&[one.course]));
    assert_eq!(node.exchange(hub).outcome, Outcome::Reset);
    hub.class("four");
    node.sync(hub);
    assert_eq!(node.holds(), [3, 3, 3, 3, 4]);
}

fn a_course_gets_another_teacher(hub: &Node) {
    let (theirs, other) = (hub.class("theirs"), hub.class("other"));
    let node = Node::sqlite();
    node.join_for(hub, &[theirs.course]);
    node.sync(hub);
    assert!(!node.knows_pin_of("other"));
    hub.write(move |tx| {
        let teacher = course::get(tx, other.course)?.teacher_id;
        let known = course::get(tx, theirs.course)?;
        let fields = course::CourseFields {
            course_name: known.course_name,
            course_code: known.course_code,
            default_duration_minutes: known.default_duration_minutes,
            semester_id: known.semester_id,
            teacher_id: teacher,
        };
        course::update(tx, theirs.course, &fields)
    });
    node.sync(hub);
    assert!(node.knows_pin_of("other"));
    assert_eq!(node.number("SELECT COUNT(*) FROM teacher t JOIN course c ON c.teacher_id = t.id"), 2);
}

fn what_a_scoped_node_writes_the_hub_has(hub: &Node) {
    let (theirs, other) = (hub.class("theirs"), hub.class("other"));
    let node = Node::sqlite();
    node.join_for(hub, &[theirs.course]);
    node.sync(hub);
    node.mark(theirs);
    hub.mark(other);
    // The answer to what it sent is lost: the next one confirms it.
    hub.answer(&node.request()).unwrap();
    node.sync(hub);
    assert_eq!(hub.number("SELECT COUNT(*) FROM attendance"), 2);
    assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE gsn IS NULL"), 0);
    assert_eq!(node.holds(), [1, 1, 1, 1, 2]);
    // A course made here is of no scope; what is known here stays known, and the hub has it.
    node.class("new");
    node.sync(hub);
    assert_eq!(hub.number("SELECT COUNT(*) FROM course"), 3);
    assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE gsn IS NULL"), 0);
}

fn a_copy_of_a_scoped_node_is_scoped(hub: &Node) {
    let theirs = hub.class("theirs");
    let node = Node::sqlite();
    node.join_for(hub, &[theirs.course]);
    node.sync(hub);
    let copy = node.copy();
    node.semester("One");
    node.sync(hub);
    node.sync(hub);
    copy.semester("Two");
    copy.sync(hub);
    copy.sync(hub);
    hub.class("other");
    for one in [&node, &copy] {
        one.sync(hub);
        assert!(!one.knows_pin_of("other"));
    }
    assert_ne!(node.id(), copy.id());
}
