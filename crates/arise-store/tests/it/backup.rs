use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arise_core::{Actor, NodeId, Result};
use arise_store::backup::{self, Backup, Backups, Reason};
use arise_store::sync::{key, peer, place};
use arise_store::{Care, Location, Row, Store, Tx, admin, audit, device, node, semester, tally};
use tempfile::TempDir;

use crate::support::{Node, minutes};

on_both_engines!(
    a_restored_backup_is_what_was_copied,
    what_a_restore_replaced_can_be_brought_back,
    a_backup_of_one_engine_is_restored_on_the_other,
    a_restore_that_fails_changes_nothing,
    a_used_scanner_number_stays_used,
    who_may_exchange_records_is_not_restored,
    marks_go_on_while_a_backup_is_made,
);

/// A folder for backups that is removed with it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn backups(&self) -> Backups {
        Backups { folder: self.0.path().join("backups"), kept: 10 }
    }

    fn make(&self, node: &Node) -> Backup {
        make(&self.backups(), node).unwrap()
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.backups().folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn make(backups: &Backups, node: &Node) -> Result<Backup> {
    use arise_core::Clock;
    backups.make(&node.location, node.clock.now(), Reason::Manual, &|_| Ok(()))
}

fn restore(node: &Node, folder: &Folder, name: &str) -> Result<backup::Restored> {
    backup::replace(&node.store, &folder.backups(), name, Actor::SYSTEM, |_| {})
}

fn who_may_exchange_records_is_not_restored(node: &Node) {
    let folder = Folder::new();
    let [outcast, newcomer] = [NodeId::new(1), NodeId::new(2)];
    let place = node
        .write(move |tx| {
            peer::admit(tx, outcast, "Outcast", Some(&[1; 32]))?;
            place::make(tx, "Room 1", "print", &[2; 32], None)
        })
        .unwrap();
    let made = folder.make(node);
    let key = node
        .write(move |tx| {
            peer::revoke(tx, outcast)?;
            place::take(tx, &place, newcomer, &[3; 32])?;
            key::own(tx)
        })
        .unwrap();
    restore(node, &folder, &made.name).unwrap();
    node.read(move |tx| {
        assert!(peer::find(tx, outcast)?.unwrap().revoked_at.is_some());
        assert!(peer::find(tx, newcomer)?.unwrap().revoked_at.is_none());
        assert_eq!(place::list(tx)?[0].peer, Some(newcomer));
        Ok(())
    });
    assert_eq!(node.write(key::own).unwrap(), key);
}

/// Everything that nodes share and what follows from it, and who may come in.
fn all(tx: &mut Tx<'_>) -> Result<BTreeMap<&'static str, Vec<Row>>> {
    let columns = [
        ("op", "*"),
        ("student", "*"),
        ("course", "*"),
        ("enrolment", "*"),
        ("session", "*"),
        ("attendance", "*"),
        ("session_tally", "*"),
        ("course_tally", "*"),
        ("standing", "*"),
        ("setting", "*"),
        ("admin", "*"),
        ("device", "*"),
        ("node", "id, signing_key, created_at"),
    ];
    columns
        .into_iter()
        .map(|(table, columns)| {
            Ok((table, tx.query(&format!("SELECT {columns} FROM {table} ORDER BY 1, 2"), &[])?))
        })
        .collect()
}

/// A node with a class that was held, so that every kind of row is there.
fn fill(node: &Node) {
    let class = node.class("CS1", 12);
    let session = node.start(&class).unwrap();
    for student in &class.students[..9] {
        node.scan(session, *student);
    }
    node.clock.advance(minutes(90));
    node.settle();
    node.write(|tx| {
        admin::create(tx, "admin", "hash", false)?;
        device::create(tx, "Scanner", "Room 1").map(|_| ())
    })
    .unwrap();
}

fn a_restored_backup_is_what_was_copied(node: &Node) {
    let folder = Folder::new();
    fill(node);
    let before = node.read(all);
    let made = folder.make(node);
    assert!(made.verified && made.size > 0);
    assert_eq!(made.records, node.number("SELECT COUNT(*) FROM op"));
    assert_eq!(folder.files(), [made.name.clone(), format!("{}.json", made.name)]);
    assert_eq!(folder.backups().list().unwrap(), std::slice::from_ref(&made));

    let life = node.read(node::life);
    assert_eq!((life.incarnation, life.restored), (1, None));
    node.clock.advance(minutes(1));
    let class = node.class("CS2", 3);
    let session = node.start(&class).unwrap();
    node.scan(session, class.students[0]);
    node.write(|tx| audit::note(tx, "told", "after the backup", "")).unwrap();
    let newer = node.number("SELECT COUNT(*) FROM op") - made.records;

    let boot = node.number("SELECT boot FROM node");
    let restored = restore(node, &folder, &made.name).unwrap();
    assert_eq!((restored.records, restored.set_aside), (made.records, newer));
    assert_eq!(node.read(all), before);
    assert_eq!(node.read(tally::check), Vec::<String>::new());
    // The node knows that it is another life, and the trail knows who began it.
    let life = node.read(node::life);
    assert_eq!(life.incarnation, 2);
    assert_eq!(life.restored.unwrap().1, made.name);
    assert_eq!(node.number("SELECT boot FROM node"), boot + 1);
    let (trail, _) = node.read(|tx| audit::page(tx, None, 100));
    let actions: Vec<&str> = trail.iter().map(|entry| entry.action.as_str()).collect();
    assert!(actions.contains(&"restored") && actions.contains(&"told"), "{actions:?}");

    // It goes on from there, with stamps and boots of its own.
    let class = node.class("CS3", 2);
    let session = node.start(&class).unwrap();
    node.scan(session, class.students[1]);
    assert_eq!(node.read(tally::check), Vec::<String>::new());
    assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE boot = (SELECT boot FROM node)"), node.number(
        "SELECT COUNT(*) FROM op WHERE hlc > (SELECT MAX(hlc) FROM op WHERE boot < (SELECT boot FROM node))"
    ));
}

fn what_a_restore_replaced_can_be_brought_back(node: &Node) {
    let folder = Folder::new();
    fill(node);
    let made = folder.make(node);
    node.clock.advance(minutes(1));
    let class = node.class("CS2", 3);
    let session = node.start(&class).unwrap();
    node.scan(session, class.students[0]);
    node.clock.advance(minutes(90));
    node.settle();
    let full = node.read(all);
    let records = node.number("SELECT COUNT(*) FROM op");

    let first = restore(node, &folder, &made.name).unwrap();
    assert_eq!(first.before.reason, Reason::BeforeRestore);
    node.write(|tx| semester::create(tx, "Made after the restore")).unwrap();
    // As a union: nothing is lost of either.
    let added =
        backup::add_missing(&node.store, &folder.backups(), &first.before.name, Actor::SYSTEM, &|_| {})
            .unwrap();
    assert_eq!(added, records - made.records);
    assert_eq!(node.number("SELECT COUNT(*) FROM op"), records + 1);
    node.settle();
    let (mut both, mut before) = (node.read(all), full.clone());
    for all in [&mut both, &mut before] {
        all.remove("op");
    }
    assert_eq!(both, before);
    assert_eq!(node.read(tally::check), Vec::<String>::new());
    let again =
        backup::add_missing(&node.store, &folder.backups(), &first.before.name, Actor::SYSTEM, &|_| {})
            .unwrap();
    assert_eq!(again, 0);

    // Or as it was.
    let second = restore(node, &folder, &first.before.name).unwrap();
    assert_eq!(second.set_aside, 1);
    assert_eq!(node.read(all), full);
    assert_eq!(node.read(node::life).incarnation, 3);
}

fn a_backup_of_one_engine_is_restored_on_the_other(node: &Node) {
    let folder = Folder::new();
    fill(node);
    let made = folder.make(node);
    let other = match node.location {
        Location::File(_) => Node::postgres(),
        Location::Postgres(_) => Node::sqlite(),
    };
    other.semester("Gone");
    let restored = restore(&other, &folder, &made.name).unwrap();
    assert_eq!(restored.set_aside, 1);
    let (mut here, mut there) = (node.read(all), other.read(all));
    // The key that signs logins is of the machine.
    here.remove("node");
    there.remove("node");
    assert_eq!(there, here);
    assert_eq!(other.read(node::id), node.read(node::id));
    assert_eq!(other.read(tally::check), Vec::<String>::new());
    other.semester("Another");
    assert_eq!(other.number("SELECT COUNT(DISTINCT node) FROM op"), 1);
}

fn a_restore_that_fails_changes_nothing(node: &Node) {
    let folder = Folder::new();
    fill(node);
    let made = folder.make(node);
    node.semester("After the backup");
    let before = node.read(all);
    for name in ["", "no-such.db", "../arise.db", ".hidden.db", "a/b.db", "a b.db", "arise.db\0"] {
        assert_eq!(restore(node, &folder, name).unwrap_err().code, "not_found", "{name:?}");
    }
    // In the middle of it.
    let stopped = backup::replace(&node.store, &folder.backups(), &made.name, Actor::SYSTEM, |percent| {
        assert!(percent < 60, "as this test wants");
    });
    assert_eq!(stopped.unwrap_err().code, "not_done");
    assert_eq!(node.read(all), before);
    // One byte of it is another.
    let path = folder.backups().folder.join(&made.name);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, &bytes).unwrap();
    assert_eq!(restore(node, &folder, &made.name).unwrap_err().code, "backup_damaged");
    // Cut short: its list says so, too.
    fs::write(&path, &bytes[..middle]).unwrap();
    assert!(!folder.backups().get(&made.name).unwrap().verified);
    assert_eq!(restore(node, &folder, &made.name).unwrap_err().code, "backup_damaged");
    assert_eq!(node.read(all), before);
    assert_eq!(node.read(node::life).incarnation, 1);
    node.semester("It goes on");
    assert_eq!(node.read(tally::check), Vec::<String>::new());
}

fn a_used_scanner_number_stays_used(node: &Node) {
    let folder = Folder::new();
    fill(node);
    let made = folder.make(node);
    node.write(|tx| tx.execute("UPDATE device SET counter = 77", &[])).unwrap();
    restore(node, &folder, &made.name).unwrap();
    assert_eq!(node.number("SELECT counter FROM device"), 77);
}

/// While a backup is made again and again, marks are taken; each backup is whole and of one moment.
fn marks_go_on_while_a_backup_is_made(node: &Node) {
    let folder = Folder::new();
    let class = node.class("CS1", 300);
    let session = node.start(&class).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let longest = std::thread::scope(|scope| {
        let marking = scope.spawn({
            let done = Arc::clone(&done);
            let (node, students) = (&*node, &class.students);
            move || {
                let mut longest = Duration::ZERO;
                for student in students {
                    let start = Instant::now();
                    node.scan(session, *student);
                    longest = longest.max(start.elapsed());
                }
                done.store(true, Ordering::SeqCst);
                longest
            }
        });
        let mut last = 0;
        while !done.load(Ordering::SeqCst) {
            let made = folder.make(node);
            assert!(made.records >= last, "a later backup has less");
            last = made.records;
        }
        marking.join().unwrap()
    });
    println!("the longest mark took {longest:?}");
    let made = folder.make(node);
    assert_eq!(made.records, node.number("SELECT COUNT(*) FROM op"));
    assert_eq!(folder.backups().list().unwrap().len().min(10), folder.files().len() / 2);
}

#[test]
fn a_backup_that_is_stopped_leaves_nothing_behind() {
    for node in [Node::sqlite(), Node::postgres()] {
        let folder = Folder::new();
        fill(&node);
        let made = folder.make(&node);
        let files = folder.files();
        // While it is copied, when it is being read back, and when all but its name is done.
        for until in [1, 95, 99] {
            let stopped = folder.backups().make(
                &node.location,
                arise_core::Clock::now(&*node.clock),
                Reason::Manual,
                &|percent| match percent {
                    percent if percent < until => Ok(()),
                    _ => Err(arise_core::Error::conflict("stopped", "as this test wants")),
                },
            );
            assert_eq!(stopped.unwrap_err().code, "stopped", "{until}");
            assert_eq!(folder.files(), files);
        }
        assert_eq!(folder.backups().list().unwrap(), [made]);
    }
}

#[test]
fn the_oldest_go_and_others_are_left_alone() {
    let (node, folder) = (Node::sqlite(), Folder::new());
    let backups = Backups { kept: 3, ..folder.backups() };
    fs::create_dir_all(&backups.folder).unwrap();
    fs::write(backups.folder.join("notes.txt"), "mine").unwrap();
    fs::write(backups.folder.join("by-hand.db"), "mine").unwrap();
    let mut names = Vec::new();
    for reason in
        [Reason::BeforeUpgrade, Reason::Manual, Reason::Automatic, Reason::Manual, Reason::Automatic]
    {
        node.clock.advance(minutes(60));
        let now = arise_core::Clock::now(&*node.clock);
        names.push(backups.make(&node.location, now, reason, &|_| Ok(())).unwrap().name);
    }
    // Two of the same moment.
    let now = arise_core::Clock::now(&*node.clock);
    names.push(backups.make(&node.location, now, Reason::Automatic, &|_| Ok(())).unwrap().name);
    let listed: Vec<String> = backups.list().unwrap().into_iter().map(|backup| backup.name).collect();
    assert_eq!(listed, [&names[4], &names[5], &names[3], &names[0]].map(Clone::clone), "{names:?}");
    let files = folder.files();
    assert_eq!(files.len(), 4 * 2 + 2);
    assert!(files.contains(&"notes.txt".to_owned()) && files.contains(&"by-hand.db".to_owned()));
}

#[test]
fn an_older_database_is_copied_before_it_is_changed() {
    let (mut node, folder) = (Node::sqlite(), Folder::new());
    node.semester("Kept");
    let care = Care { backups: Some(folder.backups()), least_space: 0 };
    let open = |node: &Node| Store::open_with(&node.location, Arc::clone(&node.clock) as _, &care).unwrap();
    drop(open(&node));
    assert!(!folder.backups().folder.exists(), "nothing was to be changed");
    // As the arise before the last migration left it.
    node.write(|tx| {
        for column in ["incarnation", "restored_at", "restored_from"] {
            tx.execute(&format!("ALTER TABLE node DROP COLUMN {column}"), &[])?;
        }
        tx.execute("DROP INDEX happening_login", &[])?;
        tx.execute("DELETE FROM migration WHERE version = 13", &[])
    })
    .unwrap();
    node.store = open(&node);
    let made = folder.backups().list().unwrap();
    assert_eq!(made.iter().map(|backup| backup.reason).collect::<Vec<_>>(), [Reason::BeforeUpgrade]);
    // It is of the older arise, and is restored all the same.
    node.semester("Newer");
    let restored = restore(&node, &folder, &made[0].name).unwrap();
    assert_eq!((restored.records, restored.set_aside), (1, 1));
    assert!(!folder.files().iter().any(|name| name.ends_with(".part")), "{:?}", folder.files());
}

#[test]
fn a_backup_of_a_newer_arise_is_refused() {
    let (node, folder) = (Node::sqlite(), Folder::new());
    node.write(|tx| tx.execute("INSERT INTO migration VALUES (9999, 'later', '-', 0)", &[])).unwrap();
    let made = folder.make(&node);
    assert_eq!(restore(&node, &folder, &made.name).unwrap_err().code, "database_newer");
}
