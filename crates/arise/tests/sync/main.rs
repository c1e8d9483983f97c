//! Real processes: a hub and classrooms that write all the time, a network that breaks, kill −9, a cloned stick,
//! restored backups on both sides, and a clock in 2031. When all have met again, all hold the same, and every write
//! that anybody was told is on record is there.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod https;
mod machine;
mod people;
mod proxy;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arise_core::{Clock, SystemClock, TestClock};
use arise_store::course::CourseFields;
use arise_store::student::StudentFields;
use arise_store::{Location, Store, course, enrolment, semester, student, tally, teacher};
use arise_testkit::pg::Postgres;
use serde_json::{Value, json};

use machine::{Machine, PIN, copy};
use people::{College, People};
use proxy::Proxy;

const NODES: usize = 4;
const SEED: u64 = 20_310_101;
/// From one disaster to the next.
const PHASE: Duration = Duration::from_secs(2);
const HEALED_WITHIN: Duration = Duration::from_secs(60);
const FIVE_YEARS: i64 = 5 * 365 * 24 * 3_600 * 1_000;

#[test]
fn nothing_acknowledged_is_lost_with_a_hub_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("hub").join("arise.db"));
    let backup = folder.path().join("hub-backup");
    let hub = Machine::new("hub", folder.path(), Some((1, location)), 0);
    disasters(folder.path(), hub, &|hub: &Machine| copy(&hub.data, &backup), &|hub| copy(&backup, &hub.data));
}

#[test]
fn nothing_acknowledged_is_lost_with_two_processes_on_one_postgresql() {
    let folder = tempfile::tempdir().unwrap();
    let url = Postgres::shared().fresh_database();
    let backup = format!("{}_backup", database(&url));
    let hub = Machine::new("hub", folder.path(), Some((2, Location::Postgres(url.clone()))), 0);
    let save = |_: &Machine| {
        let mut admin = postgres::Client::connect(Postgres::shared().url(), postgres::NoTls).unwrap();
        // The server notices after a moment that the processes are gone.
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            database(&url)
        );
        let copied = (0..50).any(|_| {
            admin.batch_execute(&end).unwrap();
            std::thread::park_timeout(Duration::from_millis(50));
            admin.batch_execute(&format!("CREATE DATABASE {backup} TEMPLATE {}", database(&url))).is_ok()
        });
        assert!(copied, "the hub's database can't be copied");
    };
    let restore = |hub: &Machine| {
        let restored = url.replace(database(&url), &backup);
        *hub.location.lock().unwrap() = Location::Postgres(restored);
    };
    disasters(folder.path(), hub, &save, &restore);
}

fn database(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

type Act<'a> = &'a dyn Fn(&Machine);

fn disasters(folder: &Path, hub: Machine, save_hub: Act<'_>, restore_hub: Act<'_>) {
    let began = Instant::now();
    let mut random = fastrand::Rng::with_seed(SEED);
    let college = college(&hub);
    let proxy = Proxy::start(SEED);
    let hub = Arc::new(hub);
    start(&hub, &proxy);
    let mut machines = vec![Arc::clone(&hub)];
    for index in 1..=NODES {
        let clock = if index == 3 { FIVE_YEARS } else { 0 };
        let node = Machine::new(&format!("node{index}"), folder, None, clock);
        let url = format!("http://{}", hub.addresses()[0]);
        let (_, made) =
            hub.call("POST", "/api/admin/nodes", &hub.admin().unwrap(), &json!({"name": node.name})).unwrap();
        // By the program, before the server runs or while it does.
        if index == 1 {
            node.start();
        }
        let said = node.arise(&["join", &url, made["join_code"].as_str().unwrap()]);
        assert!(said.contains(&node.name), "{said}");
        node.arise(&["sync", "now"]);
        assert!(node.arise(&["sync", "status"]).contains("pending"));
        node.kill();
        machines.push(Arc::new(node));
    }
    // From now on everything goes through the network that breaks.
    for node in &machines[1..] {
        let url = format!("http://{}", proxy.address);
        move_hub(node, &url);
        node.start();
    }

    let stop = Arc::new(AtomicBool::new(false));
    let mut guard = Guard { stop: Arc::clone(&stop), machines: machines.clone() };
    let mut workers = vec![];
    let employ = |machine: &Arc<Machine>, random: fastrand::Rng| {
        let (people, stop) = (People::new(machine, &college, random), Arc::clone(&stop));
        std::thread::spawn(move || people.work(&stop))
    };
    for machine in &machines {
        workers.push(employ(machine, random.fork()));
    }
    let kill_some = |machines: &[Arc<Machine>], random: &mut fastrand::Rng| {
        let end = Instant::now() + PHASE;
        while Instant::now() < end {
            std::thread::park_timeout(Duration::from_millis(random.u64(100..700)));
            let machine = &machines[random.usize(0..machines.len())];
            machine.kill();
            std::thread::park_timeout(Duration::from_millis(random.u64(1..300)));
            start(machine, &proxy);
        }
    };

    kill_some(&machines, &mut random);
    // Backups, as of now.
    let restored = Arc::clone(&machines[2]);
    let backup = folder.join("node-backup");
    hub.kill();
    save_hub(&hub);
    start(&hub, &proxy);
    restored.kill();
    copy(&restored.data, &backup);
    restored.start();

    kill_some(&machines, &mut random);
    // The hub burns down. What it alone holds can't come back, so a classroom has it all.
    hub.pause();
    let holder = &machines[1];
    holder.pause();
    caught_up(holder, &hub);
    hub.kill();
    restore_hub(&hub);
    start(&hub, &proxy);
    hub.resume();
    holder.resume();

    kill_some(&machines, &mut random);
    // A stick is restored. What it alone holds can't come back, so the hub has it.
    restored.pause();
    caught_up(&restored, &hub);
    restored.kill();
    copy(&backup, &restored.data);
    restored.start();
    restored.resume();
    // Another one is cloned; both go on.
    let original = Arc::clone(&machines[4]);
    original.kill();
    let clone = Machine::new("clone", folder, None, 0);
    copy(&original.data, &clone.data);
    original.start();
    let clone = Arc::new(clone);
    clone.start();
    workers.push(employ(&clone, random.fork()));
    machines.push(clone);
    guard.machines = machines.clone();

    kill_some(&machines, &mut random);
    stop.store(true, Ordering::SeqCst);
    for worker in workers {
        worker.join().unwrap();
    }
    proxy.heal();
    let chaos = began.elapsed();
    let rounds = heal(&machines);
    report(&machines, &proxy, chaos, began.elapsed(), rounds);
    check(&machines);
    println!("compared after {:.0} s", began.elapsed().as_secs_f64());
}

/// Leaves no process behind, also when an assertion fails.
struct Guard {
    stop: Arc<AtomicBool>,
    machines: Vec<Arc<Machine>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        for machine in &self.machines {
            machine.kill();
        }
    }
}

fn start(machine: &Machine, proxy: &Proxy) {
    machine.start();
    if machine.name == "hub" {
        proxy.lead_to(machine.addresses());
    }
}

/// A college on the hub, before anybody else has it.
fn college(hub: &Machine) -> College {
    let location = hub.location.lock().unwrap().clone();
    let store = Store::open(&location, Arc::new(SystemClock)).unwrap();
    let pin = arise_http::hash_password(PIN).unwrap();
    store
        .write_blocking(move |tx| {
            let teacher = teacher::create(tx, "Teacher", "T1", &pin)?;
            let semester = semester::create(tx, "Semester")?;
            let mut college = College { courses: vec![], students: vec![] };
            for index in 0..12 {
                let fields = StudentFields {
                    student_name: format!("Student {index}"),
                    university_roll_no: format!("R{index}"),
                    ..StudentFields::default()
                };
                college.students.push(student::create(tx, &fields, "-")?);
            }
            for index in 0..6 {
                let fields = CourseFields {
                    course_name: format!("Course {index}"),
                    course_code: format!("C{index}"),
                    default_duration_minutes: 60,
                    semester_id: Some(semester),
                    teacher_id: Some(teacher),
                };
                let course = course::create(tx, &fields)?;
                let roster: Vec<_> = college.students.iter().copied().zip(1..).collect();
                enrolment::set_roster(tx, course, &roster, "2020-01-01", None)?;
                college.courses.push(course);
            }
            Ok(college)
        })
        .unwrap()
}

/// Tells a node that its hub is at another address by now.
fn move_hub(node: &Machine, url: &str) {
    let location = node.location.lock().unwrap().clone();
    let store = Store::open(&location, Arc::new(SystemClock)).unwrap();
    let url = url.to_owned();
    store.write_blocking(move |tx| tx.execute("UPDATE hub SET url = ?1", &[url.into()]).map(|_| ())).unwrap();
}

fn status(machine: &Machine) -> Option<Value> {
    let token = machine.admin()?;
    let (code, status) = machine.call("GET", "/api/sync/status", &token, &Value::Null)?;
    (code == 200).then_some(status)
}

/// Waits until the hub has all that a node holds now, and the node all that the hub holds now, through whatever
/// lies between.
fn caught_up(node: &Machine, hub: &Machine) {
    let end = Instant::now() + HEALED_WITHIN;
    let mut goal = None;
    while Instant::now() < end {
        if push(node)
            && let (Some(node), Some(hub)) = (status(node), status(hub))
            && (&node["pending"], &hub["pending"]) == (&json!(0), &json!(0))
        {
            let goal = *goal.get_or_insert(hub["received"].as_i64().unwrap());
            if node["received"].as_i64().unwrap() >= goal {
                return;
            }
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    panic!("{} and the hub don't get on: {:?} {:?}", node.name, status(node), status(hub));
}

/// Whether a node could sync just now.
fn push(node: &Machine) -> bool {
    let pushed = node.admin().and_then(|token| node.call("POST", "/api/sync/push", &token, &json!({})));
    pushed.is_some_and(|(status, _)| status == 200)
}

/// All meet again. Answers how often each was told to sync.
fn heal(machines: &[Arc<Machine>]) -> usize {
    let (hub, nodes) = machines.split_first().unwrap();
    let end = Instant::now() + HEALED_WITHIN;
    let rounds = AtomicUsize::new(0);
    while Instant::now() < end {
        rounds.fetch_add(1, Ordering::SeqCst);
        for node in nodes {
            push(node);
        }
        let at_hub = status(hub).unwrap();
        let all = nodes.iter().all(|node| {
            let node = status(node).unwrap();
            node["pending"] == 0 && node["received"] == at_hub["received"]
        });
        if all && at_hub["pending"] == 0 {
            return rounds.into_inner();
        }
    }
    let stuck: Vec<_> = machines.iter().map(|machine| (machine.name.clone(), status(machine))).collect();
    panic!("not healed in time: {stuck:#?}");
}

fn report(machines: &[Arc<Machine>], proxy: &Proxy, chaos: Duration, all: Duration, rounds: usize) {
    let kills: usize = machines.iter().map(|machine| machine.kills.load(Ordering::SeqCst)).sum();
    let writes: usize = machines.iter().map(|machine| machine.acknowledged.lock().unwrap().len()).sum();
    let counts = &proxy.counts;
    let load = |count: &AtomicUsize| count.load(Ordering::SeqCst);
    println!(
        "{writes} acknowledged writes, {kills} kills; {} requests carried, {} refused, {} cut, {} delayed, {} doubled, \
         {} answers lost, {} cut; 2 restored, 1 cloned, 1 clock in 2031; {:.0} s of it, healed in {rounds} rounds, \
         {:.0} s in all",
        load(&counts.whole),
        load(&counts.refused),
        load(&counts.cut_requests),
        load(&counts.delayed),
        load(&counts.doubled),
        load(&counts.lost_answers),
        load(&counts.cut_answers),
        chaos.as_secs_f64(),
        all.as_secs_f64(),
    );
    assert!(kills > 10 && writes > 200, "{kills} kills and {writes} writes prove little");
    for count in
        [&counts.refused, &counts.cut_requests, &counts.doubled, &counts.lost_answers, &counts.cut_answers]
    {
        assert!(load(count) > 0, "a fault never happened");
    }
}

/// Equal dumps on all, and every acknowledged write in them.
fn check(machines: &[Arc<Machine>]) {
    for machine in machines {
        machine.kill();
    }
    let dumps: Vec<Vec<String>> = machines.iter().map(|machine| dump(machine)).collect();
    for (machine, dump) in machines.iter().zip(&dumps).skip(1) {
        let differs = dump.iter().zip(&dumps[0]).find(|(node, hub)| node != hub);
        assert_eq!(differs, None, "{} differs from the hub", machine.name);
        assert_eq!(dump.len(), dumps[0].len(), "{} and the hub", machine.name);
    }
    let all = dumps[0].join("\n");
    for machine in machines {
        for word in machine.acknowledged.lock().unwrap().iter() {
            assert!(all.contains(word), "{word} is lost");
        }
    }
}

/// All records and what is derived from them, at one moment in the future.
fn dump(machine: &Machine) -> Vec<String> {
    let location = machine.location.lock().unwrap().clone();
    let clock = Arc::new(TestClock::at(SystemClock.now() + 2 * FIVE_YEARS));
    let store = Store::open(&location, clock).unwrap();
    while store.read_blocking(tally::is_due).unwrap() {
        store.write_blocking(tally::settle_due).unwrap();
    }
    store
        .read_blocking(|tx| {
            assert_eq!(tally::check(tx)?, Vec::<String>::new());
            let mut rows = vec![];
            for table in [
                "op",
                "semester",
                "teacher",
                "student",
                "course",
                "enrolment",
                "session",
                "attendance",
                "setting",
                "session_tally",
                "course_tally",
            ] {
                let found = tx.query(&format!("SELECT * FROM {table} ORDER BY 1, 2"), &[])?;
                rows.extend(found.iter().map(|row| format!("{table} {row:?}")));
            }
            Ok(rows)
        })
        .unwrap()
}
