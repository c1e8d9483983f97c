use std::sync::atomic::{AtomicBool, Ordering};

use arise_core::clock::DAY;
use arise_core::{Source, Status};
use arise_store::sync::peer;
use arise_store::{Event, mark, semester};
use arise_sync::{Outcome, status};
use serde_json::json;

use crate::support::{Class, NOW, Node};

on_both_engines!(
    what_one_node_writes_all_have,
    what_didnt_change_costs_little,
    lost_doubled_and_late_messages_change_nothing,
    a_clock_in_the_future_is_capped_and_heals,
    a_record_that_cannot_be_taken_is_kept_and_not_in_the_way,
    kinds_and_fields_of_newer_versions_are_passed_on,
    a_shut_out_node_is_refused,
    a_copy_takes_another_id,
    the_hub_s_own_records_arrive,
    a_record_that_the_database_refuses_is_in_nobody_s_way,
    many_records_take_several_messages,
    what_waits_is_offered_once_while_there_is_much_to_hear,
    a_large_hub_s_first_answer_comes_soon,
    a_mark_that_arrives_is_on_the_screen,
    others_write_in_the_middle_of_an_exchange,
);

fn joined(hub: &Node) -> (Node, Node) {
    let (one, two) = (Node::sqlite(), Node::sqlite());
    one.join(hub);
    two.join(hub);
    (one, two)
}

fn what_one_node_writes_all_have(hub: &Node) {
    let (one, two) = joined(hub);
    let id = one.semester("One");
    one.sync(hub);
    two.sync(hub);
    assert_eq!((hub.names(), two.names()), (vec!["One".to_owned()], vec!["One".to_owned()]));
    // Neither knows of the other's edit; the later one shows everywhere.
    one.rename(id, "of one");
    two.clock.advance(1_000);
    two.rename(id, "of two");
    hub.clock.advance(2_000);
    two.sync(hub);
    one.sync(hub);
    two.sync(hub);
    for node in [hub, &one, &two] {
        assert_eq!(node.names(), ["of two"]);
        assert_eq!(node.number("SELECT MAX(gsn) FROM op"), 3);
        assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE gsn IS NULL"), 0);
    }
    let status = one.read(status);
    assert_eq!((status.gsn, status.hub_gsn, status.waiting, status.synced_at), (3, 3, 0, Some(NOW)));
}

fn what_didnt_change_costs_little(hub: &Node) {
    let (one, _) = joined(hub);
    for n in 0..50 {
        one.semester(&format!("Semester {n}"));
    }
    one.sync(hub);
    let request = one.request();
    let answer = hub.answer(&request).unwrap();
    assert!(request.len() + answer.len() <= 400, "{} + {}", request.len(), answer.len());
    one.accept(&answer);

    one.semester("One more");
    let request = one.request();
    let answer = hub.answer(&request).unwrap();
    assert!(request.len() + answer.len() <= 2_048, "{} + {}", request.len(), answer.len());
    assert!(!one.accept(&answer).more);
}

fn lost_doubled_and_late_messages_change_nothing(hub: &Node) {
    let (one, two) = joined(hub);
    one.semester("One");
    let request = one.request();
    // The answer is lost.
    hub.answer(&request).unwrap();
    let answer = hub.answer(&one.request()).unwrap();
    assert_eq!(one.accept(&answer).outcome, Outcome::Taken);
    assert_eq!(one.accept(&answer).outcome, Outcome::Ignored);
    // The first request comes again, much later.
    two.semester("Two");
    two.sync(hub);
    one.sync(hub);
    let late = hub.answer(&request).unwrap();
    assert_eq!(one.accept(&late).outcome, Outcome::Ignored);
    assert_eq!(one.exchange(hub).outcome, Outcome::Taken);
    assert_eq!((hub.names().len(), one.names().len()), (2, 2));
    assert_eq!(hub.number("SELECT MAX(gsn) - COUNT(*) FROM op"), 0);
}

fn a_clock_in_the_future_is_capped_and_heals(hub: &Node) {
    let (one, two) = joined(hub);
    let id = one.semester("One");
    one.sync(hub);
    two.sync(hub);
    one.clock.advance(1_500 * DAY);
    one.rename(id, "from the future");
    one.clock.set(NOW + 1_000);
    one.sync(hub);
    two.sync(hub);
    two.clock.advance(2_000);
    two.rename(id, "of today");
    two.sync(hub);
    one.sync(hub);
    assert_eq!((one.names(), hub.names()), (vec!["of today".to_owned()], vec!["of today".to_owned()]));
    assert!(hub.number("SELECT MAX(eff) FROM op") <= (NOW + 10_000) * 1_000);
    // Its stamps are of today again.
    one.rename(id, "once more");
    assert!(one.number("SELECT MAX(hlc) FROM op WHERE gsn IS NULL") <= (NOW + 10_000) * 1_000);
    one.sync(hub);
    two.sync(hub);
    assert_eq!(two.names(), ["once more"]);
}

fn a_record_that_cannot_be_taken_is_kept_and_not_in_the_way(hub: &Node) {
    let (one, _) = joined(hub);
    one.semester("One");
    one.put("semester", 7, &json!({"semester_name": "x".repeat(70_000)}));
    one.semester("Two");
    one.sync(hub);
    assert_eq!(hub.names(), ["One", "Two"]);
    let (listed, total) = hub.read(arise_store::sync::quarantine::list);
    assert_eq!((total, listed[0].code.as_str(), listed[0].peer), (1, "too_large", one.id()));
    let (refused, _) = one.read(arise_store::sync::quarantine::refused);
    assert_eq!((refused.len(), refused[0].id), (1, listed[0].record.id));
    assert_eq!(one.read(status).waiting, 0);
    // Offered again, it is refused again, and nothing else changes.
    one.write(arise_store::sync::quarantine::retry);
    assert_eq!(one.read(status).waiting, 1);
    one.sync(hub);
    assert_eq!(one.read(status).refused, 1);
}

fn kinds_and_fields_of_newer_versions_are_passed_on(hub: &Node) {
    let (one, two) = joined(hub);
    one.put("timetable", 7, &json!({"room": 7, "price": 1.5, "note": null}));
    let id = one.semester("One");
    one.put("semester", id.0.as_u128(), &json!({"colour": "red"}));
    one.sync(hub);
    two.sync(hub);
    for node in [hub, &two] {
        assert_eq!(node.names(), ["One"]);
        assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE body LIKE '%red%'"), 1);
        let kept = r"SELECT COUNT(*) FROM op WHERE kind = 'timetable' AND body LIKE '%1.5%'";
        assert_eq!(node.number(kept), 1);
    }
}

fn a_shut_out_node_is_refused(hub: &Node) {
    let (one, _) = joined(hub);
    let stranger = Node::sqlite();
    assert_eq!(hub.answer(&stranger.request()).unwrap_err().code, "unknown_node");
    let id = one.id();
    hub.write(move |tx| peer::revoke(tx, id));
    one.semester("One");
    assert_eq!(hub.answer(&one.request()).unwrap_err().code, "node_revoked");
    assert_eq!(hub.names(), [""; 0]);
}

fn a_copy_takes_another_id(hub: &Node) {
    let (one, _) = joined(hub);
    one.semester("One");
    one.sync(hub);
    let copy = one.copy();
    let id = one.id();
    copy.semester("of the copy");
    one.semester("of the first");
    one.sync(hub);
    one.sync(hub);
    assert_eq!(copy.exchange(hub).outcome, Outcome::Rekeyed);
    copy.sync(hub);
    one.sync(hub);
    assert_eq!(one.names(), copy.names());
    assert_eq!(one.names().len(), 3);
    assert_eq!(one.id(), id);
    let other = copy.id();
    assert_ne!(other, id);
    let peer = hub.read(move |tx| peer::find(tx, other)).unwrap();
    assert_eq!((peer.formerly, peer.name.as_str()), (Some(id), "Room 7"));
}

fn the_hub_s_own_records_arrive(hub: &Node) {
    let (one, _) = joined(hub);
    let id = hub.semester("of the hub");
    one.sync(hub);
    one.rename(id, "of one");
    hub.semester("another");
    one.sync(hub);
    assert_eq!(one.names(), ["another", "of one"]);
    assert_eq!(hub.names(), ["another", "of one"]);
}

fn many_records_take_several_messages(hub: &Node) {
    let (one, two) = joined(hub);
    one.write(|tx| {
        for n in 0..2_500 {
            arise_store::semester::create(tx, &format!("Semester {n}"))?;
        }
        Ok(())
    });
    assert_eq!(one.read(status).waiting, 2_500);
    let progress = one.exchange(hub);
    assert_eq!((progress.received, progress.more), (1_000, true));
    one.sync(hub);
    two.sync(hub);
    assert_eq!((hub.names().len(), two.names().len()), (2_500, 2_500));
    assert_eq!(hub.number("SELECT MAX(gsn) - COUNT(*) FROM op"), 0);
}

fn a_record_that_the_database_refuses_is_in_nobody_s_way(hub: &Node) {
    let (one, two) = joined(hub);
    hub.refuse_semesters_called("Bad");
    for name in ["One", "Bad", "Two"] {
        one.semester(name);
    }
    one.sync(hub);
    assert_eq!(hub.names(), ["One", "Two"]);
    let (listed, total) = hub.read(arise_store::sync::quarantine::list);
    assert_eq!((total, listed[0].code.as_str(), listed[0].peer), (1, "unusable", one.id()));
    assert!(listed[0].record.body.contains("Bad"));
    assert_eq!(one.read(status).waiting, 0);
    assert_eq!(one.read(status).refused, 1);
    two.sync(hub);
    assert_eq!(two.names(), ["One", "Two"]);
    assert_eq!(hub.number("SELECT MAX(gsn) - COUNT(*) FROM op"), 0);
    // Once the hub can take it, it does.
    hub.refuse_semesters_called("Worse");
    one.write(arise_store::sync::quarantine::retry);
    one.sync(hub);
    assert_eq!(hub.names(), ["Bad", "One", "Two"]);
    assert_eq!(hub.read(arise_store::sync::quarantine::list).1, 0);
    assert_eq!(one.read(status).refused, 0);
}

fn what_waits_is_offered_once_while_there_is_much_to_hear(hub: &Node) {
    let (one, _) = joined(hub);
    for node in [hub, &one] {
        node.write(|tx| {
            for n in 0..1_300 {
                arise_store::semester::create(tx, &format!("Semester {n}"))?;
            }
            Ok(())
        });
    }
    let mut offered = None;
    for _ in 0..2 {
        let (request, last) = one.request_after(offered);
        assert!(last > offered);
        offered = last;
        assert!(one.accept(&hub.answer(&request).unwrap()).more);
    }
    // The hub has all of them, though this node has only heard of others' so far.
    assert_eq!(hub.names().len(), 2_600);
    assert!(one.read(status).waiting > 0);
    assert_eq!(one.request_after(offered).1, None);
    one.sync(hub);
    assert_eq!((one.names().len(), one.read(status).waiting), (2_600, 0));
}

fn a_large_hub_s_first_answer_comes_soon(hub: &Node) {
    let (one, two) = joined(hub);
    hub.write(|tx| {
        for n in 0..2_500 {
            arise_store::semester::create(tx, &format!("Semester {n}"))?;
        }
        Ok(())
    });
    two.semester("Two");
    let progress = one.exchange(hub);
    assert_eq!((progress.received, progress.more), (1_000, true));
    let numbered = hub.number("SELECT MAX(gsn) FROM op");
    assert!(numbered > 1_000 && numbered <= 2_000, "{numbered}");
    // Another node's records needn't wait for the rest.
    two.exchange(hub);
    assert_eq!(hub.names().len(), 2_501);
    one.sync(hub);
    two.sync(hub);
    assert_eq!((one.names(), two.names()), (hub.names(), hub.names()));
    assert_eq!(hub.number("SELECT MAX(gsn) - COUNT(*) FROM op"), 0);
}

fn a_mark_that_arrives_is_on_the_screen(hub: &Node) {
    let (one, _) = joined(hub);
    let class = one.class("1");
    let Class { session, student, .. } = class;
    one.sync(hub);
    let mut events = hub.store.events();
    one.mark(class);
    one.sync(hub);
    let told = loop {
        let event = events.blocking_recv().unwrap();
        if let Event::Mark { session_id, student_id, status, .. } = event {
            break (session_id, student_id, status);
        }
    };
    assert_eq!(told, (session, student, Some(Status::Present)));
    let found = hub.read(move |tx| mark::find(tx, session, student)).unwrap();
    assert_eq!((found.status, found.source, found.observed_at), (Status::Present, Source::Fingerprint, NOW));
}

/// On both sides: what somebody else writes meanwhile is committed between two parts of what is exchanged.
fn others_write_in_the_middle_of_an_exchange(hub: &Node) {
    let (one, two) = joined(hub);
    one.write(|tx| {
        for n in 0..1_000 {
            semester::create(tx, &format!("Semester {n}"))?;
        }
        Ok(())
    });
    let request = one.request();
    let seen = meanwhile(hub, || drop(hub.answer(&request).unwrap()));
    assert!(seen.iter().any(|count| (1..1_000).contains(count)), "the hub made nobody way: {seen:?}");
    one.sync(hub);
    let request = two.request();
    let answer = hub.answer(&request).unwrap();
    let seen = meanwhile(&two, || assert_eq!(two.accept(&answer).received, 1_000));
    assert!(seen.iter().any(|count| (1..1_000).contains(count)), "the node made nobody way: {seen:?}");
    two.sync(hub);
    assert_eq!((hub.names().len(), two.names()), (1_000, hub.names()));
    assert_eq!(hub.number("SELECT MAX(gsn) - COUNT(*) FROM op"), 0);
}

/// How many numbered records each of somebody's writes found, one after the other, while something is done.
fn meanwhile(node: &Node, job: impl FnOnce()) -> Vec<i64> {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (begun, begins) = std::sync::mpsc::channel();
        let (node, stop) = (&node.store, &stop);
        let writing = scope.spawn(move || {
            let mut seen = vec![];
            while !stop.load(Ordering::SeqCst) {
                let found = node.write_blocking(|tx| {
                    tx.execute("UPDATE node SET boot = boot", &[])?;
                    tx.query_one("SELECT COUNT(*) FROM op WHERE gsn > 0", &[])?.get(0)
                });
                seen.push(found.unwrap());
                let _ = begun.send(());
            }
            seen
        });
        begins.recv().unwrap();
        job();
        stop.store(true, Ordering::SeqCst);
        writing.join().unwrap()
    })
}

#[test]
fn a_hub_that_was_restored_gets_everything_back() {
    let hub = Node::sqlite();
    let (one, two) = joined(&hub);
    let id = one.semester("One");
    one.sync(&hub);
    let backup = hub.copy();
    one.rename(id, "Renamed");
    one.semester("Two");
    one.sync(&hub);
    two.sync(&hub);
    two.rename(id, "Renamed by two");
    two.sync(&hub);
    // The hub's disk is lost, and so is the first node; the second has it all.
    drop((hub, one));
    assert_eq!(backup.names(), ["One"]);
    assert_eq!(two.exchange(&backup).outcome, Outcome::Reset);
    two.sync(&backup);
    assert_eq!(backup.names(), ["Renamed by two", "Two"]);
    assert_eq!(two.names(), backup.names());
    assert_eq!(two.number("SELECT COUNT(*) FROM op WHERE gsn IS NULL OR gsn < 1"), 0);
    assert_eq!(backup.number("SELECT MAX(gsn) - COUNT(*) FROM op"), 0);
}

#[test]
fn numbers_stay_dense_with_several_processes_on_one_database() {
    let hub = Node::postgres();
    let second = hub.second_store();
    let nodes: Vec<Node> = (0..4).map(|_| Node::sqlite()).collect();
    for node in &nodes {
        node.join(&hub);
    }
    std::thread::scope(|scope| {
        for (index, node) in nodes.iter().enumerate() {
            let store = if index % 2 == 0 { &hub.store } else { &second };
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
                for n in 0..30 {
                    node.semester(&format!("{n} of node {index}"));
                    store
                        .write_blocking(move |tx| {
                            arise_store::semester::create(tx, &format!("{n} of process {index}"))
                        })
                        .unwrap();
                    let request = arise_sync::Request::decode(&node.request()).unwrap();
                    let answer = runtime.block_on(arise_sync::answer(store, request)).unwrap();
                    node.accept(&answer);
                }
            });
        }
    });
    for node in &nodes {
        node.sync(&hub);
    }
    for node in nodes.iter().chain([&hub]) {
        assert_eq!(node.names().len(), 240);
        assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE gsn IS NULL"), 0);
        assert_eq!(node.number("SELECT MAX(gsn) FROM op"), 240);
    }
}
