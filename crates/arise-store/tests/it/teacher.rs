use arise_core::ErrorKind;
use arise_store::list::Filter;
use arise_store::{course, teacher};

use crate::support::Node;

on_both_engines!(
    is_made_changed_and_deleted,
    codes_are_unique_while_they_live,
    are_searched_by_name_and_code
);

fn is_made_changed_and_deleted(node: &Node) {
    let id = node.teacher("Zoë O'Neill", "T01");
    let found = node.read(|tx| teacher::by_code(tx, " t01 ")).unwrap();
    assert_eq!(
        (found.id, found.teacher_name.as_str(), found.teacher_code.as_str()),
        (id, "Zoë O'Neill", "T01")
    );
    // A new name leaves the PIN alone.
    node.write(move |tx| teacher::update(tx, id, "Zoë", "T02", None)).unwrap();
    let hash = |node: &Node| node.read(move |tx| teacher::pin_hash(tx, id));
    assert_eq!(hash(node), Some((id, "Zoë".to_owned(), "hash of a PIN".to_owned())));
    node.write(move |tx| teacher::update(tx, id, "Zoë", "T02", Some("another"))).unwrap();
    assert_eq!(hash(node).unwrap().2, "another");
    node.write(move |tx| teacher::set_pin_hash(tx, id, "a third")).unwrap();
    assert_eq!(hash(node).unwrap().2, "a third");
    node.write(move |tx| teacher::archive(tx, id)).unwrap();
    assert_eq!(hash(node), None);
    assert_eq!(node.read(|tx| teacher::by_code(tx, "T02")), None);
    let gone = node.write(move |tx| teacher::set_pin_hash(tx, id, "x")).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::NotFound);
}

fn codes_are_unique_while_they_live(node: &Node) {
    let first = node.teacher("First", "T01");
    let second = node.teacher("Second", "T02");
    let taken = node.write(|tx| teacher::create(tx, "Third", "t01", "hash")).unwrap_err();
    assert_eq!((taken.kind, taken.code), (ErrorKind::Conflict, "duplicate_teacher_code"));
    assert!(taken.message.contains("First") && taken.message.contains("“t01”"));
    let taken = node.write(move |tx| teacher::update(tx, second, "Second", "T01", None)).unwrap_err();
    assert_eq!(taken.code, "duplicate_teacher_code");
    node.write(move |tx| teacher::archive(tx, first)).unwrap();
    node.write(move |tx| teacher::update(tx, second, "Second", "T01", None)).unwrap();
    for (name, code, field) in [("", "T09", "teacher_name"), ("Name", "", "teacher_code")] {
        let error = node.write(move |tx| teacher::create(tx, name, code, "hash")).unwrap_err();
        assert!(error.fields.contains_key(field));
    }
}

fn are_searched_by_name_and_code(node: &Node) {
    node.teacher("beta", "T1");
    node.teacher("Alpha", "T2");
    let deleted = node.teacher("Gamma", "T3");
    node.write(move |tx| teacher::archive(tx, deleted)).unwrap();
    let list = |q: &str| {
        let filter = Filter { q: q.to_owned(), ..Filter::default() };
        let (found, total) = node.read(move |tx| teacher::list(tx, &filter));
        assert_eq!(usize::try_from(total).unwrap(), found.len());
        found.into_iter().map(|t| t.teacher_name).collect::<Vec<_>>()
    };
    assert_eq!(list(""), ["Alpha", "beta"]);
    assert_eq!(list("ALP"), ["Alpha"]);
    assert_eq!(list("t1"), ["beta"]);
    assert_eq!(list("hash"), [""; 0]);

    // Courses of a deleted teacher have none.
    let class = node.class("CS101", 0);
    let (teacher, course) = (class.teacher, class.course);
    assert_eq!(node.read(move |tx| course::of_teacher(tx, teacher)).len(), 1);
    node.write(move |tx| teacher::archive(tx, teacher)).unwrap();
    let course = node.read(move |tx| course::get(tx, course));
    assert_eq!((course.teacher_id, course.teacher_name.as_str()), (None, ""));
    assert_eq!(node.read(move |tx| course::of_teacher(tx, teacher)), []);
}
