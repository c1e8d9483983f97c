use arise_core::{Actor, Role, Source, Status};
use arise_store::audit::{self, Entry};
use arise_store::{admin, enrolment, mark, session, student, teacher};
use serde_json::json;
use uuid::Uuid;

use crate::support::{NOW, Node, TODAY, minutes};

on_both_engines!(
    a_change_shows_who_what_and_what_was_before,
    secrets_are_never_shown,
    marks_show_what_stood_before,
    enrolments_and_sessions_have_their_own_words,
    pages_join_without_gap_or_repetition,
);

fn newest(node: &Node) -> Entry {
    node.read(|tx| audit::page(tx, None, 1)).0.remove(0)
}

fn a_change_shows_who_what_and_what_was_before(node: &Node) {
    let admin = node.write(|tx| admin::create(tx, "admin", "hash", false)).unwrap();
    let id = node.student("Asha", "R1");
    let made = newest(node);
    assert_eq!(
        (made.action.as_str(), made.entity_kind.as_str(), made.entity_label.as_str()),
        ("created", "student", "Asha")
    );
    assert_eq!((made.actor_role, made.actor_name.as_str(), made.at), (Role::System, "", NOW));
    assert_eq!((made.entity_id, made.old.len()), (Some(id.0), 0));
    assert_eq!(made.new["university_roll_no"], json!("R1"));

    node.clock.advance(1);
    node.write(move |tx| {
        tx.act_as(Actor::new(Role::Admin, admin));
        let fields = crate::support::student_fields("Asha Rao", "R2");
        student::update(tx, id, &fields, None)
    })
    .unwrap();
    let changed = newest(node);
    assert_eq!((changed.action.as_str(), changed.actor_name.as_str()), ("changed", "admin"));
    assert_eq!((changed.actor_role, changed.actor_id), (Role::Admin, admin.0));
    let (old, new) = (
        json!({"enrollment_no": "E-R1", "student_name": "Asha", "university_roll_no": "R1"}),
        json!({"enrollment_no": "E-R2", "student_name": "Asha Rao", "university_roll_no": "R2"}),
    );
    assert_eq!((json!(changed.old), json!(changed.new)), (old, new));

    node.clock.advance(1);
    node.write(move |tx| student::archive(tx, id)).unwrap();
    let deleted = newest(node);
    assert_eq!((deleted.action.as_str(), deleted.entity_label.as_str()), ("deleted", "Asha Rao"));
    assert_eq!((json!(deleted.old), json!(deleted.new)), (json!({}), json!({"archived": 1})));

    node.clock.advance(1);
    node.write(move |tx| {
        tx.act_as(Actor::new(Role::Admin, admin));
        audit::note(tx, "logged_in", "admin", "")
    })
    .unwrap();
    let noted = newest(node);
    assert_eq!((noted.action.as_str(), noted.entity_label.as_str()), ("logged_in", "admin"));
    assert_eq!((noted.actor_name.as_str(), noted.entity_kind.as_str()), ("admin", ""));
    assert_eq!((noted.entity_id, noted.reason, noted.at), (None, None, NOW + 3));
}

fn secrets_are_never_shown(node: &Node) {
    let class = node.class("CS101", 1);
    let (teacher, student) = (class.teacher, class.students[0]);
    node.clock.advance(1);
    node.write(move |tx| teacher::set_pin_hash(tx, teacher, "secret-1")).unwrap();
    let entry = newest(node);
    assert_eq!((entry.action.as_str(), json!(entry.new)), ("changed", json!({"pin_hash": "changed"})));
    assert_eq!(json!(entry.old), json!({}));
    let online = session::NewSession {
        online: Some(("secret-2".into(), b"secret-3".to_vec())),
        ..crate::support::new_session(class.course, NOW)
    };
    node.write(move |tx| student::set_password_hash(tx, student, "secret-4")).unwrap();
    node.write(move |tx| session::start(tx, &online, Some(teacher))).unwrap();
    let all = node.read(|tx| audit::page(tx, None, 500)).0;
    let text = serde_json::to_string(&all).unwrap();
    for secret in ["secret-", "hash of", "7365637265742d33", "\"hash\""] {
        assert!(!text.contains(secret), "{secret}");
    }
    // The link of an online class isn't even in the records, which go to other nodes.
    assert_eq!(
        node.number("SELECT COUNT(*) FROM op WHERE body LIKE '%secret-2%' OR body LIKE '%7365637265742d33%'"),
        0
    );
}

fn marks_show_what_stood_before(node: &Node) {
    let class = node.class("CS101", 1);
    let (teacher, student) = (class.teacher, class.students[0]);
    let id = node.start(&class).unwrap();
    node.clock.advance(minutes(1));
    node.scan(id, student);
    let scanned = newest(node);
    assert_eq!((scanned.action.as_str(), scanned.entity_kind.as_str()), ("marked", "mark"));
    assert_eq!(scanned.entity_label, format!("CS101 · {TODAY} · Student 1 of CS101"));
    assert_eq!((scanned.old.len(), &scanned.new["status"]), (0, &json!("present")));
    for (status, reason) in [(Some(Status::Absent), "left early"), (None, "")] {
        node.clock.advance(minutes(1));
        node.write(move |tx| {
            tx.act_as(Actor::new(Role::Teacher, teacher));
            let session = session::get(tx, id)?;
            mark::decide(tx, &session, student, status, Source::Teacher, reason)
        })
        .unwrap();
    }
    let page = node.read(|tx| audit::page(tx, None, 2)).0;
    let [undone, decided] = &page[..] else { panic!() };
    assert_eq!((undone.action.as_str(), &undone.old["status"]), ("unmarked", &json!("absent")));
    assert_eq!((decided.action.as_str(), &decided.old["status"]), ("marked", &json!("present")));
    assert_eq!(decided.reason.as_deref(), Some("left early"));
    assert!(!decided.new.contains_key("reason"));
    assert_eq!(decided.actor_name, "Teacher of CS101");
}

fn enrolments_and_sessions_have_their_own_words(node: &Node) {
    let class = node.class("CS101", 1);
    let (course, student) = (class.course, class.students[0]);
    let enrolled = node.read(|tx| audit::page(tx, None, 500)).0;
    let enrolled = enrolled.iter().find(|e| e.entity_kind == "enrolment").unwrap();
    assert_eq!(
        (enrolled.action.as_str(), enrolled.entity_label.as_str()),
        ("enrolled", "CS101 · Student 1 of CS101")
    );
    let set = |list: Vec<_>, day: &'static str| {
        node.clock.advance(1);
        node.write(move |tx| enrolment::set_roster(tx, course, &list, day, None)).unwrap();
        newest(node).action
    };
    assert_eq!(set(vec![(student, 9)], TODAY), "changed");
    assert_eq!(set(vec![], "2026-03-09"), "left");
    assert_eq!(set(vec![(student, 9)], "2026-03-10"), "enrolled");
    node.clock.advance(1);
    let id = node.start(&class).unwrap();
    assert_eq!(newest(node).action, "started");
    type Step = fn(&mut arise_store::WriteTx<'_>, &session::Session) -> arise_core::Result<()>;
    let steps: [(Step, &str); 4] = [
        (|tx, s| session::extend(tx, s).map(|_| ()), "changed"),
        (session::end, "ended"),
        (session::reopen, "reopened"),
        (|tx, s| session::end(tx, s), "ended"),
    ];
    for (step, word) in steps {
        node.clock.advance(1);
        let session = node.session(id);
        node.write(move |tx| step(tx, &session)).unwrap();
        assert_eq!(newest(node).action, word);
    }
    node.clock.advance(1);
    let session = node.session(id);
    node.write(move |tx| session::archive(tx, &session, "by mistake")).unwrap();
    let deleted = newest(node);
    assert_eq!((deleted.action.as_str(), deleted.reason.as_deref()), ("deleted", Some("by mistake")));
    assert_eq!(deleted.entity_label, format!("CS101 · {TODAY}"));
}

fn pages_join_without_gap_or_repetition(node: &Node) {
    assert_eq!(node.read(|tx| audit::page(tx, None, 10)), (vec![], None));
    for n in 0..25 {
        node.write(move |tx| {
            if n % 3 == 0 {
                audit::note(tx, "happened", &format!("{n}"), "detail")
            } else {
                arise_store::semester::create(tx, &format!("{n}")).map(|_| ())
            }
        })
        .unwrap();
        node.clock.advance(1);
    }
    let whole = node.read(|tx| audit::page(tx, None, 500));
    assert_eq!((whole.0.len(), whole.1), (25, None));
    assert!(whole.0.is_sorted_by(|a, b| a.id > b.id && a.at > b.at));
    for size in [1, 4, 5, 24, 25] {
        let mut joined: Vec<Entry> = vec![];
        let mut cursor: Option<Uuid> = None;
        loop {
            let (page, next) = node.read(move |tx| audit::page(tx, cursor, size));
            assert!(page.len() <= usize::try_from(size).unwrap());
            joined.extend(page);
            cursor = next;
            if next.is_none() {
                break;
            }
        }
        assert_eq!(joined, whole.0);
    }
    assert_eq!(node.read(|tx| audit::page(tx, None, 0)).0.len(), 1);
}
