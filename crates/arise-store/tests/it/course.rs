use arise_core::{ErrorKind, SemesterId, TeacherId};
use arise_store::course::{self, CourseFields};
use arise_store::list::Filter;
use arise_store::{semester, session, teacher};
use uuid::Uuid;

use crate::support::Node;

on_both_engines!(
    is_made_changed_and_deleted,
    fields_are_checked,
    is_kept_while_a_session_is_open,
    are_listed
);

fn fields(code: &str, semester: SemesterId) -> CourseFields {
    CourseFields {
        course_name: format!("Course {code}"),
        course_code: code.to_owned(),
        default_duration_minutes: 55,
        semester_id: Some(semester),
        teacher_id: None,
    }
}

fn is_made_changed_and_deleted(node: &Node) {
    let semester = node.semester("S1");
    let teacher = node.teacher("T", "T1");
    let id = node.write(move |tx| course::create(tx, &fields("CS101", semester))).unwrap();
    let found = node.read(|tx| course::by_code(tx, "cs101 ")).unwrap();
    assert_eq!(found, node.read(move |tx| course::get(tx, id)));
    assert_eq!(
        (found.default_duration_minutes, found.semester_id, found.teacher_id),
        (55, Some(semester), None)
    );
    let changed = CourseFields { teacher_id: Some(teacher), ..fields("CS102", semester) };
    node.write(move |tx| course::update(tx, id, &changed)).unwrap();
    let found = node.read(move |tx| course::get(tx, id));
    assert_eq!((found.course_code.as_str(), found.teacher_name.as_str()), ("CS102", "T"));
    // And without a teacher again.
    node.write(move |tx| course::update(tx, id, &fields("CS102", semester))).unwrap();
    assert_eq!(node.read(move |tx| course::get(tx, id)).teacher_id, None);
    node.write(move |tx| course::archive(tx, id)).unwrap();
    assert_eq!(node.read(|tx| course::by_code(tx, "CS102")), None);
    assert_eq!(node.write(move |tx| course::archive(tx, id)).unwrap_err().kind, ErrorKind::NotFound);
}

fn fields_are_checked(node: &Node) {
    let semester = node.semester("S1");
    node.write(move |tx| course::create(tx, &fields("CS101", semester))).unwrap();
    let create = |fields: CourseFields| node.write(move |tx| course::create(tx, &fields)).unwrap_err();
    let good = || fields("CS102", semester);
    for (fields, field) in [
        (CourseFields { course_name: String::new(), ..good() }, "course_name"),
        (CourseFields { course_code: "\t".into(), ..good() }, "course_code"),
        (CourseFields { default_duration_minutes: 0, ..good() }, "default_duration_minutes"),
        (CourseFields { default_duration_minutes: 481, ..good() }, "default_duration_minutes"),
        (CourseFields { semester_id: None, ..good() }, "semester_id"),
    ] {
        let error = create(fields);
        assert!(error.fields.contains_key(field), "{error:?}");
    }
    let nobody = TeacherId(Uuid::from_u128(1));
    assert_eq!(create(CourseFields { teacher_id: Some(nobody), ..good() }).kind, ErrorKind::NotFound);
    let gone = node.semester("Gone");
    node.write(move |tx| semester::archive(tx, gone)).unwrap();
    assert_eq!(create(fields("CS102", gone)).kind, ErrorKind::NotFound);
    let left = node.teacher("Left", "T1");
    node.write(move |tx| teacher::archive(tx, left)).unwrap();
    assert_eq!(create(CourseFields { teacher_id: Some(left), ..good() }).kind, ErrorKind::NotFound);
    let taken = create(fields("cs101", semester));
    assert_eq!((taken.kind, taken.code), (ErrorKind::Conflict, "duplicate_course_code"));
    assert!(taken.message.contains("Course CS101") && taken.message.contains("“cs101”"));
    assert_eq!(node.number("SELECT COUNT(*) FROM course"), 1);
}

fn is_kept_while_a_session_is_open(node: &Node) {
    let class = node.class("CS101", 1);
    let (id, course) = (node.start(&class).unwrap(), class.course);
    let open = node.write(move |tx| course::archive(tx, course)).unwrap_err();
    assert_eq!((open.kind, open.code), (ErrorKind::Conflict, "session_open"));
    assert_eq!(open.extra["session_id"], id.to_string());
    let running = node.session(id);
    node.write(move |tx| session::end(tx, &running)).unwrap();
    node.write(move |tx| course::archive(tx, course)).unwrap();
    // Its sessions went with it.
    assert!(node.read(move |tx| session::find(tx, id)).is_none());
}

fn are_listed(node: &Node) {
    let class = node.class("CS2", 0);
    let semester = class.semester;
    node.write(move |tx| course::create(tx, &fields("cs1", semester))).unwrap();
    let deleted = node.write(move |tx| course::create(tx, &fields("CS3", semester))).unwrap();
    node.write(move |tx| course::archive(tx, deleted)).unwrap();
    let codes = [("cs1".to_owned(), "Course cs1".to_owned()), ("CS2".to_owned(), "Course CS2".to_owned())];
    assert_eq!(node.read(course::codes), codes);
    let view = node.read(course::view);
    assert_eq!(view.iter().map(|c| c.course_code.as_str()).collect::<Vec<_>>(), ["cs1", "CS2"]);
    assert_eq!((view[0].teacher_name.as_str(), view[1].teacher_name.as_str()), ("", "Teacher of CS2"));
    assert_eq!(view[0].semester_name, "Semester of CS2");
    let sorted = |sort: &str| {
        let filter = Filter { sort: sort.to_owned(), ..Filter::default() };
        node.read(move |tx| course::list(tx, &filter)).0.remove(0).course_code
    };
    assert_eq!((sorted("teacher_name").as_str(), sorted("-teacher_name").as_str()), ("cs1", "CS2"));
    let search = |q: &str| {
        let filter = Filter { q: q.to_owned(), ..Filter::default() };
        node.read(move |tx| course::list(tx, &filter)).1
    };
    assert_eq!(
        (search("teacher of"), search("semester of"), search("course cs1"), search("x")),
        (1, 2, 1, 0)
    );
}
