use arise_core::ErrorKind;
use arise_store::list::Filter;
use arise_store::student::{self, StudentFields};

use crate::support::{Node, student_fields};

on_both_engines!(
    is_made_changed_and_deleted,
    roll_and_enrolment_numbers_are_unique,
    are_listed_by_roll_number
);

fn is_made_changed_and_deleted(node: &Node) {
    let id = node.student("Asha", "13000121001");
    let hash = |node: &Node| node.read(move |tx| student::password_hash(tx, id));
    assert_eq!(hash(node), Some((id, "Asha".to_owned(), "hash of a password".to_owned())));
    let fields = StudentFields { email1: "a@b.in".into(), ..student_fields("Asha Rao", "13000121001") };
    node.write(move |tx| student::update(tx, id, &fields, None)).unwrap();
    assert_eq!(hash(node).unwrap().2, "hash of a password");
    let found = node.read(|tx| student::by_roll(tx, " 13000121001")).unwrap();
    assert_eq!((found.id, found.student_name.as_str(), found.email1.as_str()), (id, "Asha Rao", "a@b.in"));
    node.write(move |tx| student::set_password_hash(tx, id, "another")).unwrap();
    assert_eq!(hash(node).unwrap().2, "another");

    for (fields, field) in [
        (student_fields("", "1"), "student_name"),
        (student_fields("A", " "), "university_roll_no"),
        (student_fields("A", &"1".repeat(51)), "university_roll_no"),
        (StudentFields { email1: "nobody".into(), ..student_fields("A", "1") }, "email1"),
        (StudentFields { email2: "no@where".into(), ..student_fields("A", "1") }, "email2"),
    ] {
        let error = node.write(move |tx| student::update(tx, id, &fields, None)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
        assert!(error.fields.contains_key(field), "{error:?}");
    }

    node.write(move |tx| student::archive(tx, id)).unwrap();
    assert_eq!(hash(node), None);
    assert_eq!(node.read(|tx| student::by_roll(tx, "13000121001")), None);
    let gone = node.write(move |tx| student::archive(tx, id)).unwrap_err();
    assert_eq!(gone.kind, ErrorKind::NotFound);
}

fn roll_and_enrolment_numbers_are_unique(node: &Node) {
    let first = node.student("First", "r1");
    node.student("Second", "r2");
    let create = |fields: StudentFields| node.write(move |tx| student::create(tx, &fields, "hash"));
    let taken = create(student_fields("Third", "R1")).unwrap_err();
    assert_eq!((taken.kind, taken.code), (ErrorKind::Conflict, "duplicate_university_roll_no"));
    assert!(taken.message.contains("First") && taken.message.contains("“R1”"));
    let taken =
        create(StudentFields { enrollment_no: "e-R1".into(), ..student_fields("Third", "r3") }).unwrap_err();
    assert_eq!(taken.code, "duplicate_enrollment_no");
    assert!(taken.message.contains("First") && taken.message.contains("“e-R1”"));
    // Many may have no enrolment number.
    for roll in ["r3", "r4"] {
        create(StudentFields { enrollment_no: String::new(), ..student_fields("Without", roll) }).unwrap();
    }
    let fields = student_fields("First", "r2");
    let taken = node.write(move |tx| student::update(tx, first, &fields, None)).unwrap_err();
    assert_eq!(taken.code, "duplicate_university_roll_no");
    node.write(move |tx| student::archive(tx, first)).unwrap();
    create(student_fields("First again", "r1")).unwrap();
}

fn are_listed_by_roll_number(node: &Node) {
    for (name, roll) in [("Ten", "10"), ("Nine", "9"), ("Long", "13000121001"), ("Letters", "cs-7")] {
        node.student(name, roll);
    }
    let list = |q: &str, limit: Option<i64>| {
        let filter = Filter { q: q.to_owned(), limit, ..Filter::default() };
        let (found, total) = node.read(move |tx| student::list(tx, &filter));
        (found.into_iter().map(|s| s.student_name).collect::<Vec<_>>(), total)
    };
    assert_eq!(list("", None), (["Nine", "Ten", "Letters", "Long"].map(str::to_owned).to_vec(), 4));
    assert_eq!(list("E-", Some(1)), (vec!["Nine".to_owned()], 4));
    assert_eq!(list("TEN", None).1, 1);
    assert_eq!(list("13000", None).1, 1);
    assert_eq!(list("hash", None).1, 0);
    // Answers never carry a hash.
    let all = node.read(|tx| student::list(tx, &Filter::default())).0;
    assert!(!serde_json::to_string(&all).unwrap().contains("hash"));
}
