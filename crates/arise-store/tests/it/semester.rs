use arise_core::ErrorKind;
use arise_store::course::{self, CourseFields};
use arise_store::list::Filter;
use arise_store::semester;

use crate::support::Node;

on_both_engines!(
    is_made_renamed_and_deleted,
    names_are_unique_while_they_live,
    is_kept_while_it_has_courses,
    are_listed_in_pages
);

fn is_made_renamed_and_deleted(node: &Node) {
    let id = node.semester("  Semester 1 <b> ");
    assert_eq!(node.read(move |tx| semester::get(tx, id)).semester_name, "Semester 1 <b>");
    node.write(move |tx| semester::update(tx, id, "Semester I")).unwrap();
    assert_eq!(node.read(move |tx| semester::get(tx, id)).semester_name, "Semester I");
    node.write(move |tx| semester::archive(tx, id)).unwrap();
    let gone = node.store.read_blocking(move |tx| semester::get(tx, id)).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::NotFound);
    for again in [
        node.write(move |tx| semester::archive(tx, id)).unwrap_err(),
        node.write(move |tx| semester::update(tx, id, "x")).unwrap_err(),
    ] {
        assert_eq!(again.kind, ErrorKind::NotFound);
    }
}

fn names_are_unique_while_they_live(node: &Node) {
    let first = node.semester("Semester 1");
    let taken = node.write(|tx| semester::create(tx, "SEMESTER 1 ")).unwrap_err();
    assert_eq!((taken.kind, taken.code), (ErrorKind::Conflict, "duplicate_semester_name"));
    assert!(taken.message.contains("“SEMESTER 1”"));
    // Its own name is no other's.
    node.write(move |tx| semester::update(tx, first, "semester 1")).unwrap();
    node.write(move |tx| semester::archive(tx, first)).unwrap();
    node.semester("Semester 1");
    let empty = node.write(|tx| semester::create(tx, " ")).unwrap_err();
    assert!(empty.fields.contains_key("semester_name"));
}

fn is_kept_while_it_has_courses(node: &Node) {
    let class = node.class("CS101", 0);
    let (semester, course) = (class.semester, class.course);
    let used = node.write(move |tx| semester::archive(tx, semester)).unwrap_err();
    assert_eq!((used.kind, used.code), (ErrorKind::Conflict, "semester_in_use"));
    assert!(used.message.contains("1 course."), "{}", used.message);
    let second = CourseFields {
        course_name: "Second".into(),
        course_code: "CS102".into(),
        default_duration_minutes: 50,
        semester_id: Some(semester),
        teacher_id: None,
    };
    let second = node.write(move |tx| course::create(tx, &second)).unwrap();
    let used = node.write(move |tx| semester::archive(tx, semester)).unwrap_err();
    assert!(used.message.contains("2 courses."), "{}", used.message);
    for course in [course, second] {
        node.write(move |tx| course::archive(tx, course)).unwrap();
    }
    node.write(move |tx| semester::archive(tx, semester)).unwrap();
}

fn are_listed_in_pages(node: &Node) {
    for name in ["Semester 10", "Semester 9", "10% _o\\dd", "Semester 1"] {
        node.semester(name);
    }
    let list = |filter: Filter| {
        let (found, total) = node.read(move |tx| semester::list(tx, &filter));
        (found.into_iter().map(|s| s.semester_name).collect::<Vec<_>>(), total)
    };
    let all = ["10% _o\\dd", "Semester 1", "Semester 9", "Semester 10"].map(str::to_owned).to_vec();
    assert_eq!(list(Filter::default()), (all.clone(), 4));
    let page = |limit, offset| Filter { limit: Some(limit), offset, ..Filter::default() };
    assert_eq!(list(page(2, 0)), (all[..2].to_vec(), 4));
    assert_eq!(list(page(2, 2)), (all[2..].to_vec(), 4));
    assert_eq!(list(page(2, 3)), (all[3..].to_vec(), 4));
    assert_eq!(list(page(2, 9)), (vec![], 4));
    assert_eq!(list(page(-5, -5)), (all[..1].to_vec(), 4));
    let search = |q: &str| Filter { q: q.to_owned(), ..Filter::default() };
    assert_eq!(list(search(" SEMESTER 1 ")).1, 2);
    // What is special to a pattern isn't to the person who types it.
    assert_eq!(list(search("0% _")), (all[..1].to_vec(), 1));
    assert_eq!(list(search("%e%")).1, 0);
    assert_eq!(list(search("o\\d")).1, 1);
    assert_eq!(list(search("e\\s")).1, 0);
    assert_eq!(list(search("\0")).1, 4);
    assert_eq!(list(Filter { limit: Some(1), ..search("semester") }), (all[1..2].to_vec(), 3));
}
