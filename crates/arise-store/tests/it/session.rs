use arise_core::session::SessionType;
use arise_core::{DeviceId, ErrorKind, Result, SessionId};
use arise_store::session::{self, NewSession};
use arise_store::{course, device, setting};

use crate::support::{Class, NOW, Node, TODAY, minutes, new_session, observe};

on_both_engines!(
    starts_with_what_its_course_and_settings_say,
    a_course_has_one_open_session,
    the_clock_alone_closes_it,
    can_be_ended_and_reopened,
    can_be_extended,
    can_be_deleted_when_finished,
    belongs_to_the_local_date,
    a_scanner_is_in_one_session,
    a_finger_belongs_to_the_session_of_its_moment,
);

fn end(node: &Node, id: SessionId) {
    let session = node.session(id);
    node.write(move |tx| session::end(tx, &session)).unwrap();
}

fn reopen(node: &Node, id: SessionId) -> Result<()> {
    let session = node.session(id);
    node.write(move |tx| session::reopen(tx, &session))
}

fn is_open(node: &Node, id: SessionId) -> bool {
    let listed = node.read(session::open).iter().any(|s| s.id == id);
    assert_eq!(node.store.read_blocking(move |tx| session::get_open(tx, id)).is_ok(), listed);
    listed
}

fn starts_with_what_its_course_and_settings_say(node: &Node) {
    let class = node.class("CS101", 1);
    node.write(|tx| {
        let mut settings = setting::get(tx)?;
        settings.session_grace_minutes = 7;
        settings.late_after_minutes = 0;
        setting::put(tx, &settings)
    })
    .unwrap();
    let id = node.start(&class).unwrap();
    let session = node.session(id);
    assert_eq!((session.course_code.as_str(), session.course_teacher), ("CS101", Some(class.teacher)));
    assert_eq!((session.held_on.as_str(), session.topic.as_str()), (TODAY, "A topic"));
    assert_eq!(session.window.closes_at(), NOW + minutes(67));
    assert_eq!(session.window.late_after, 0);
    // A setting that changes later changes nothing about it.
    node.write(|tx| setting::put(tx, &arise_core::setting::Settings::default())).unwrap();
    assert_eq!(node.session(id).window, session.window);

    for (new, field) in [
        (NewSession { duration_minutes: 0, ..new_session(class.course, NOW) }, "duration_minutes"),
        (NewSession { topic: "t".repeat(201), ..new_session(class.course, NOW) }, "topic"),
    ] {
        end(node, node.read(session::open).first().map_or(id, |s| s.id));
        let error = node.write(move |tx| session::start(tx, &new, None)).unwrap_err();
        assert!(error.fields.contains_key(field), "{error:?}");
    }
}

fn a_course_has_one_open_session(node: &Node) {
    let (one, two) = (node.class("CS101", 1), node.class("CS102", 1));
    let first = node.start(&one).unwrap();
    let again = node.start(&one).unwrap_err();
    assert_eq!((again.kind, again.code), (ErrorKind::Conflict, "session_open"));
    assert_eq!(again.extra["session_id"], first.to_string());
    // Another course's goes on beside it, and ends nobody else's.
    let second = node.start(&two).unwrap();
    assert!(is_open(node, first) && is_open(node, second));
    end(node, first);
    assert!(!is_open(node, first) && is_open(node, second));
    node.start(&one).unwrap();
    assert_eq!(node.read(session::open).len(), 2);
}

fn the_clock_alone_closes_it(node: &mut Node) {
    let class = node.class("CS101", 1);
    let id = node.start(&class).unwrap();
    node.clock.set(NOW + minutes(65) - 1);
    assert!(is_open(node, id));
    node.clock.set(NOW + minutes(65));
    assert!(!is_open(node, id));
    let ended = node.store.read_blocking(move |tx| session::get_open(tx, id)).unwrap_err();
    assert_eq!((ended.kind, ended.code), (ErrorKind::Gone, "session_ended"));
    // Nothing had to be running for that.
    node.clock.set(NOW);
    let second = node.class("CS102", 1);
    let second = node.start(&second).unwrap();
    node.clock.set(NOW + minutes(24 * 60));
    node.reopen();
    assert!(!is_open(node, second));
    node.start(&class).unwrap();
    // The end nobody pressed isn't written down as one.
    assert_eq!(node.session(id).window.ended_at, None);
}

fn can_be_ended_and_reopened(node: &Node) {
    let class = node.class("CS101", 1);
    let id = node.start(&class).unwrap();
    node.clock.advance(minutes(30));
    end(node, id);
    assert_eq!(node.session(id).window.ended_at, Some(NOW + minutes(30)));
    node.clock.advance(minutes(5));
    // Ending what has ended changes nothing.
    end(node, id);
    assert_eq!(node.session(id).window.ended_at, Some(NOW + minutes(30)));
    reopen(node, id).unwrap();
    assert!(is_open(node, id));
    assert_eq!(node.session(id).window.ends_at, NOW + minutes(60));
    node.clock.set(NOW + minutes(59));
    end(node, id);
    node.clock.set(NOW + minutes(68));
    reopen(node, id).unwrap();
    assert_eq!(node.session(id).window.ends_at, NOW + minutes(78));
    end(node, id);
    node.clock.advance(minutes(10));
    let late = reopen(node, id).unwrap_err();
    assert_eq!((late.kind, late.code), (ErrorKind::Conflict, "too_late_to_reopen"));

    let second = node.start(&class).unwrap();
    end(node, second);
    let third = node.start(&class).unwrap();
    let open = reopen(node, second).unwrap_err();
    assert_eq!((open.code, &open.extra["session_id"]), ("session_open", &third.to_string()));
}

fn can_be_extended(node: &Node) {
    let class = node.class("CS101", 1);
    let id = node.start(&class).unwrap();
    let extend = |node: &Node| {
        let session = node.session(id);
        node.write(move |tx| session::extend(tx, &session))
    };
    assert_eq!(extend(node).unwrap(), NOW + minutes(70));
    node.clock.set(NOW + minutes(74));
    assert!(is_open(node, id));
    for _ in 0..41 {
        extend(node).unwrap();
    }
    assert_eq!(extend(node).unwrap_err().code, "too_long");
    assert_eq!(node.session(id).window.ends_at, NOW + minutes(480));
}

fn can_be_deleted_when_finished(node: &Node) {
    let class = node.class("CS101", 3);
    let id = node.start(&class).unwrap();
    node.scan(id, class.students[0]);
    node.scan(id, class.students[1]);
    let archive = |node: &Node| {
        let session = node.session(id);
        node.write(move |tx| session::archive(tx, &session, "held by mistake"))
    };
    assert_eq!(archive(node).unwrap_err().code, "session_open");
    end(node, id);
    node.settle();
    assert_eq!(node.number("SELECT COUNT(*) FROM course_tally"), 3);
    assert_eq!(archive(node).unwrap(), 2);
    assert!(node.read(move |tx| session::find(tx, id)).is_none());
    assert_eq!(node.number("SELECT COUNT(*) FROM course_tally"), 0);
    assert_eq!(node.number("SELECT COUNT(*) FROM session_tally"), 0);
    // The marks stay in the records.
    assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE kind = 'mark'"), 2);
    assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE reason = 'held by mistake'"), 1);
}

fn belongs_to_the_local_date(node: &Node) {
    let class = node.class("CS101", 1);
    let start_at = |at| {
        node.clock.set(at);
        let id = node.start(&class).unwrap();
        let day = node.session(id).held_on;
        end(node, id);
        day
    };
    // Midnight in Kolkata is 18:30 UTC.
    assert_eq!(start_at(NOW + minutes(14 * 60 + 29)), TODAY);
    assert_eq!(start_at(NOW + minutes(14 * 60 + 30)), "2026-03-08");
}

fn scanner(node: &Node, name: &'static str) -> DeviceId {
    node.write(move |tx| device::create(tx, name, "Room 1")).unwrap()
}

fn choose(node: &Node, class: &Class, id: SessionId, scanner: Option<DeviceId>) -> Result<()> {
    let session = node.session(id);
    assert_eq!(session.course_id, class.course);
    node.write(move |tx| session::choose_device(tx, &session, scanner))
}

fn a_scanner_is_in_one_session(node: &Node) {
    let (one, two) = (node.class("CS101", 1), node.class("CS102", 1));
    let (x, y) = (scanner(node, "X"), scanner(node, "Y"));
    let of = |device| node.store.read_blocking(move |tx| session::for_device(tx, device)).map(|s| s.id);
    assert_eq!(of(x).unwrap_err().code, "no_session");
    let first = node.start(&one).unwrap();
    assert_eq!(of(x).unwrap(), first);
    let second = node.start(&two).unwrap();
    assert_eq!(of(x).unwrap_err().code, "choose_scanner");
    choose(node, &one, first, Some(x)).unwrap();
    assert_eq!(choose(node, &two, second, Some(x)).unwrap_err().code, "scanner_taken");
    assert_eq!(of(x).unwrap(), first);
    // The only one left that hasn't chosen another.
    assert_eq!(of(y).unwrap(), second);
    choose(node, &two, second, Some(y)).unwrap();
    // Choosing one's own again is no conflict.
    choose(node, &two, second, Some(y)).unwrap();
    end(node, second);
    // A session that chose another scanner isn't this one's.
    assert_eq!(of(y).unwrap_err().code, "no_session");
    let new = NewSession { device_id: Some(x), ..new_session(two.course, NOW) };
    assert_eq!(node.write(move |tx| session::start(tx, &new, None)).unwrap_err().code, "scanner_taken");
    choose(node, &one, first, None).unwrap();
    assert_eq!(of(y).unwrap(), first);
    // An online class has no scanner.
    end(node, first);
    let online = NewSession {
        session_type: SessionType::Online,
        online: Some(("token".into(), vec![1; 20])),
        ..new_session(two.course, NOW)
    };
    node.write(move |tx| session::start(tx, &online, None)).unwrap();
    assert_eq!(of(y).unwrap_err().code, "no_session");
}

fn a_finger_belongs_to_the_session_of_its_moment(node: &Node) {
    let class = node.class("CS101", 1);
    let x = scanner(node, "X");
    let first = node.start(&class).unwrap();
    node.clock.set(NOW + minutes(40));
    end(node, first);
    node.clock.set(NOW + minutes(120));
    let second = node.start(&class).unwrap();
    let at = |at| node.read(move |tx| session::for_device_at(tx, x, at)).map(|s| s.id);
    assert_eq!(at(NOW - 1), None);
    assert_eq!(at(NOW), Some(first));
    assert_eq!(at(NOW + minutes(40) - 1), Some(first));
    assert_eq!(at(NOW + minutes(40)), None);
    assert_eq!(at(NOW + minutes(120)), Some(second));
    // A queued finger counts for the class in which it was placed, not for the one that is open.
    let (student, placed) = (class.students[0], NOW + minutes(3));
    node.write(move |tx| observe(tx, first, student, placed)).unwrap();
    let course = class.course;
    node.write(move |tx| {
        let second = session::get(tx, second)?;
        session::end(tx, &second)?;
        course::archive(tx, course)
    })
    .unwrap();
    assert_eq!(at(NOW), None);
}
