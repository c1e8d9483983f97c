//! A stick that is pulled out and put back, played with folders that move away.

use std::fs;
use std::path::PathBuf;

use arise_store::{Location, Store, semester, tally};

use crate::support::Node;

fn folder(node: &Node) -> PathBuf {
    match &node.location {
        Location::File(path) => path.parent().unwrap().to_owned(),
        Location::Postgres(_) => unreachable!(),
    }
}

fn names(node: &Node) -> i64 {
    node.number("SELECT COUNT(*) FROM semester")
}

/// As if the stick were pulled out: the folder is elsewhere until it is put back.
fn pull_out(node: &Node) -> PathBuf {
    let away = folder(node).with_extension("away");
    fs::rename(folder(node), &away).unwrap();
    away
}

#[test]
fn nothing_is_taken_while_the_stick_is_out_and_all_is_there_when_it_is_back() {
    let node = Node::sqlite();
    for round in 0..5 {
        node.write(move |tx| semester::create(tx, &format!("Before {round}"))).unwrap();
        let away = pull_out(&node);
        if round % 2 == 1 {
            // The place where it was plugged in may be there, and empty.
            fs::create_dir(folder(&node)).unwrap();
        }
        for _ in 0..3 {
            let refused = node.write(|tx| semester::create(tx, "Lost")).unwrap_err();
            assert_eq!(refused.code, "data_missing", "{refused}");
            assert!(refused.message.contains("put it back"), "{refused}");
            let refused = node.store.read_blocking(|tx| tx.query("SELECT 1 FROM node", &[])).unwrap_err();
            assert_eq!(refused.code, "data_missing", "{refused}");
        }
        if round % 2 == 1 {
            assert_eq!(fs::read_dir(folder(&node)).unwrap().count(), 0, "a fresh start was made");
            fs::remove_dir(folder(&node)).unwrap();
        }
        fs::rename(away, folder(&node)).unwrap();
        node.write(move |tx| semester::create(tx, &format!("After {round}"))).unwrap();
        assert_eq!(names(&node), 2 * (round + 1));
    }
    let whole: String = node.read(|tx| tx.query_one("PRAGMA integrity_check", &[])?.get(0));
    assert_eq!(whole, "ok");
    assert_eq!(node.read(tally::check), Vec::<String>::new());
}

#[test]
fn the_stick_of_another_arise_is_not_written_to() {
    let (node, other) = (Node::sqlite(), Node::sqlite());
    node.semester("Mine");
    other.semester("Theirs");
    let away = pull_out(&node);
    fs::rename(pull_out(&other), folder(&node)).unwrap();
    let refused = node.write(|tx| semester::create(tx, "Mine too")).unwrap_err();
    assert_eq!(refused.code, "other_data", "{refused}");
    fs::rename(folder(&node), folder(&other)).unwrap();
    fs::rename(away, folder(&node)).unwrap();
    node.semester("Mine too");
    assert_eq!((names(&node), names(&other)), (2, 1));
}

#[test]
fn a_copy_that_took_the_place_is_gone_on_with() {
    let node = Node::sqlite();
    node.semester("First");
    let copy = folder(&node).with_extension("copy");
    // A copy of all files, as a person makes it.
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(folder(&node)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    node.semester("Second");
    let away = pull_out(&node);
    fs::rename(&copy, folder(&node)).unwrap();
    node.semester("Third");
    assert_eq!(names(&node), 2, "what is in place decides");
    // What was pulled out is whole, too.
    let pulled = Store::open(&Location::File(away.join("arise.db")), node.clock.clone()).unwrap();
    let count = pulled.read_blocking(|tx| tx.query_one("SELECT COUNT(*) FROM semester", &[])?.get::<i64>(0));
    assert_eq!(count.unwrap(), 2);
    drop(pulled);
    let _ = fs::remove_dir_all(away);
}

#[test]
fn stopping_leaves_what_has_taken_the_place_alone() {
    let (mut node, other) = (Node::sqlite(), Node::sqlite());
    node.semester("Mine");
    let away = pull_out(&node);
    // Another one's, whose last record is in its log alone, and whose program was killed.
    other.semester("Theirs");
    fs::create_dir(folder(&node)).unwrap();
    for name in ["arise.db", "arise.db-wal"] {
        fs::copy(folder(&other).join(name), folder(&node).join(name)).unwrap();
    }
    let log = folder(&node).join("arise.db-wal");
    let size = fs::metadata(&log).unwrap().len();
    assert!(size > 0);
    // The store that had been pulled out ends.
    let ended = Store::open(&other.location, node.clock.clone()).unwrap();
    drop(std::mem::replace(&mut node.store, ended));
    let taken = Store::open(&Location::File(away.join("arise.db")), node.clock.clone()).unwrap();
    taken.read_blocking(|tx| tx.query("SELECT 1 FROM node", &[]).map(|_| ())).unwrap();
    for _ in 0..20 {
        assert_eq!(fs::metadata(&log).map(|about| about.len()).unwrap_or_default(), size);
        std::thread::park_timeout(std::time::Duration::from_millis(20));
    }
    let found = Store::open(&Location::File(folder(&node).join("arise.db")), node.clock.clone()).unwrap();
    let count = found.read_blocking(|tx| tx.query_one("SELECT COUNT(*) FROM semester", &[])?.get::<i64>(0));
    assert_eq!(count.unwrap(), 1);
    drop(taken);
    let _ = fs::remove_dir_all(away);
}
