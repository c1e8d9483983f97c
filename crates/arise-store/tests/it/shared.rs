//! Several processes on one PostgreSQL database.

use std::thread;
use std::time::Duration;

use arise_core::{Status, StudentId};
use arise_store::mark::Taken;
use arise_store::{Event, Store, semester};

use crate::support::{NOW, Node, observe};

/// Runs `each` for every store at the same time.
fn at_once<T: Send>(stores: &[&Store], each: impl Fn(&Store) -> T + Sync) -> Vec<T> {
    thread::scope(|scope| {
        let each = &each;
        let threads: Vec<_> = stores.iter().map(|store| scope.spawn(move || each(store))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn marks_are_neither_lost_nor_doubled() {
    let node = Node::postgres();
    let second = node.second_store();
    let class = node.class("CS101", 150);
    let id = node.start(&class).unwrap();
    let scan = |store: &Store, student: StudentId| {
        store.write_blocking(move |tx| observe(tx, id, student, NOW)).unwrap()
    };
    let stores = [&node.store, &second, &node.store, &second];
    let told = at_once(&stores, |store| {
        class.students.iter().map(|&student| scan(store, student)).filter(|t| *t == Taken::New).count()
    });
    assert_eq!(told.iter().sum::<usize>(), 150);
    assert_eq!(node.number("SELECT COUNT(*) FROM attendance"), 150);
    assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE kind = 'mark'"), 150);
    // Stamps never meet, since both processes are one node.
    assert_eq!(node.number("SELECT COUNT(*) - COUNT(DISTINCT hlc) FROM op"), 0);
}

#[test]
fn what_must_be_unique_is_made_once() {
    let node = Node::postgres();
    let second = node.second_store();
    for n in 0..20 {
        let made = at_once(&[&node.store, &second], |store| {
            store.write_blocking(move |tx| semester::create(tx, &format!("Semester {n}"))).is_ok()
        });
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
    }
    let class = node.class("CS101", 0);
    let new = crate::support::new_session(class.course, NOW);
    let started = at_once(&[&node.store, &second, &node.store, &second], |store| {
        let new = new.clone();
        store.write_blocking(move |tx| arise_store::session::start(tx, &new, None)).is_ok()
    });
    assert_eq!(started.iter().filter(|started| **started).count(), 1);
}

#[test]
fn events_of_one_arrive_at_the_other() {
    let node = Node::postgres();
    let second = node.second_store();
    let class = node.class("CS101", 1);
    let (id, student) = (node.start(&class).unwrap(), class.students[0]);
    let mut events = second.events();
    node.scan(id, student);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let arrived = runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                if let Event::Mark { session_id, student_id, status, .. } = events.recv().await.unwrap() {
                    break (session_id, student_id, status);
                }
            }
        })
        .await
    });
    assert_eq!(arrived.unwrap(), (id, student, Some(Status::Present)));
}

#[test]
fn stores_that_start_at_once_make_one_database() {
    let url = arise_testkit::pg::Postgres::shared().fresh_database();
    let location = arise_store::Location::Postgres(url);
    let ids: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let clock = std::sync::Arc::new(arise_core::TestClock::at(NOW));
                    let store = Store::open(&location, clock).unwrap();
                    store.read_blocking(arise_store::node::id).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
}
