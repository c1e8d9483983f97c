//! Days in a classroom: sessions, students, a network that fails, power that goes.

mod support;

use arise_scanner::device::Event;
use arise_scanner_sim::{
    flash::{Random, Tear},
    http::Fault,
    sensor::Finger,
};
use support::{MORNING, World, session_id};

fn classroom(fingers: u16) -> World {
    let mut world = World::paired(fingers);
    world.server.open(1, world.utc(), 50);
    world.run(6000);
    world
}

#[test]
fn a_student_is_marked_and_sees_the_name() {
    let mut world = classroom(4);
    assert_eq!(world.touch(3), "Marked");
    assert!(world.shown.iter().any(|s| s.1 == "Marked" && s.2 == "Student 3"));
    assert!(world.shown.iter().any(|s| s.1 == "Saved" && s.2 == "Roll 2"));
    assert_eq!(world.touch(3), "Already Marked");
    assert_eq!(world.touch(99), "Not recognised");
    assert_eq!(world.server.credited_in(1), [3]);
    assert_eq!(world.device().store().queued(), 0);
}

#[test]
fn the_display_answers_within_100_ms_of_the_sensor() {
    let mut world = classroom(200);
    let mut times = Vec::new();
    for finger in 1..=200 {
        let before = world.shown.len();
        assert_eq!(world.touch(finger), "Marked");
        let at = |word: &str| world.shown[before..].iter().find(|s| s.1 == word).unwrap().0;
        // "Saved" appears in the very step in which the sensor's answer arrived.
        times.push(at("Marked") - at("Saved"));
    }
    times.sort_unstable();
    println!("p50 {} ms, p95 {} ms, longest {} ms", times[100], times[190], times[199]);
    assert!(times[190] <= 100, "{times:?}");
}

#[test]
fn nothing_holds_up_heartbeat_or_console() {
    let mut world = classroom(40);
    world.fault = Fault::Unreachable;
    for finger in 1..=40 {
        assert_eq!(world.touch(finger), "Saved");
    }
    world.fault = Fault::None;
    // Students come while the backlog is sent, and the operator types.
    for finger in 1..=40 {
        world.sensor.place(Finger::clear(finger));
        for _ in 0..150 {
            world.console.clear();
            world.event(Event::ConsoleBytes(b"\r"));
            assert!(world.console.contains('>'), "the console answers in the same step");
            world.turn();
        }
        world.sensor.lift();
        world.run(400);
    }
    assert_eq!(world.device().store().queued(), 0);
    println!("longest wait of a heartbeat: {} ms", world.device().heartbeat_lag());
    assert!(world.device().heartbeat_lag() <= 50);
}

#[test]
fn a_sensor_that_hangs_holds_up_nothing() {
    let mut world = classroom(4);
    world.sensor.unplug(true);
    let beats = world.server.heartbeats.len();
    world.run(30_000);
    assert!(world.server.heartbeats.len() >= beats + 3);
    assert!(world.shown.iter().any(|s| s.1 == "Sensor error"));
    world.sensor.unplug(false);
    world.run(5000);
    assert_eq!(world.touch(2), "Marked");
}

#[test]
fn damaged_bytes_are_noticed_and_repeated() {
    let mut world = classroom(30);
    world.sensor.damage_every(Some(5));
    for finger in 1..=30 {
        assert_eq!(world.touch(finger), "Marked");
    }
    assert_eq!(world.server.credited_in(1), (1..=30).collect::<Vec<u16>>());
}

#[test]
fn three_classes_without_the_server_and_a_restart_between() {
    let mut world = classroom(12);
    let minute = 60_000;
    assert_eq!(world.touch(1), "Marked");
    world.fault = Fault::Unreachable;
    world.run(20_000);
    for finger in 2..=3 {
        assert_eq!(world.touch(finger), "Saved");
    }
    // Class 2, of which the scanner never hears.
    world.run(60 * minute);
    let now = world.utc();
    world.server.open(2, now, 50);
    assert_eq!(world.touch(4), "Saved");
    assert_eq!(world.touch(1), "Saved");
    // The power goes; the clock is unknown from here on.
    world.restart(60 * minute);
    let now = world.utc();
    world.server.open(3, now, 50);
    world.run(8000);
    for finger in 5..=7 {
        assert_eq!(world.touch(finger), "Saved");
    }
    world.run(60 * minute);
    let now = world.utc();
    world.server.open(4, now, 50);
    assert_eq!(world.device().store().queued(), 7);
    world.fault = Fault::None;
    world.run(15_000);
    assert_eq!(world.touch(8), "Marked");
    world.run(10_000);
    let credited: Vec<Vec<u16>> = (1..=4).map(|n| world.server.credited_in(n)).collect();
    assert_eq!(credited, [vec![1, 2, 3], vec![1, 4], vec![5, 6, 7], vec![8]]);
    assert_eq!((world.device().store().queued(), world.device().store().refused()), (0, 0));
    world.assert_exactly_once();
}

#[test]
fn a_restart_during_a_class_without_network_knows_the_session() {
    let mut world = classroom(6);
    assert_eq!(world.touch(1), "Marked");
    world.fault = Fault::Unreachable;
    world.run(5000);
    world.restart(20_000);
    world.run(9000);
    assert_eq!(world.device().view().main(), "CS101");
    assert_eq!(world.touch(2), "Saved");
    // A second restart: nobody will ever know the time of that mark but for the session noted with it.
    world.restart(20_000);
    world.fault = Fault::None;
    world.run(9000);
    assert_eq!(world.server.credited_in(1), [1, 2]);
}

#[test]
fn a_lost_answer_is_asked_for_again_and_counts_once() {
    let mut world = classroom(6);
    world.fault = Fault::AnswerLost;
    assert_eq!(world.touch(2), "Saved");
    world.run(4000);
    world.restart(1000);
    world.run(4000);
    assert!(world.device().store().queued() == 1, "nothing was confirmed");
    world.fault = Fault::None;
    world.run(12_000);
    assert_eq!(world.device().store().queued(), 0);
    assert_eq!(world.server.credited_in(1), [2]);
    assert_eq!(world.server.answers.len(), 1);
    assert!(world.server.mark_requests >= 2);
}

#[test]
fn a_refused_mark_is_shown_and_not_sent_again() {
    let mut world = classroom(6);
    world.server.students.remove(&5);
    assert_eq!(world.touch(5), "Not Enrolled");
    let requests = world.server.mark_requests;
    world.run(60_000);
    assert_eq!(world.server.mark_requests, requests);
    assert_eq!((world.device().store().queued(), world.device().store().refused()), (0, 1));
    world.restart(1000);
    assert_eq!(world.device().store().refused(), 1);
    // Whose slot it is, only the server knows for sure.
    world.console.clear();
    world.type_line("refused");
    assert!(world.console.contains("Slot 5: not_enrolled \"Not Enrolled\""), "{}", world.console);
    world.run(6000);
    world.console.clear();
    world.type_line("refused");
    assert!(world.console.contains("Slot 5, roll 3: not_enrolled \"Not Enrolled\""), "{}", world.console);
    world.type_line("clear-refused");
    assert_eq!(world.device().store().refused(), 0);
}

#[test]
fn without_a_session_nothing_is_taken_and_a_new_one_is_seen_at_once() {
    let mut world = World::paired(6);
    world.run(7000);
    assert_eq!(world.device().view().main(), "No Session");
    assert_eq!(world.touch(1), "No Session");
    assert_eq!(world.device().store().queued(), 0);
    // The teacher starts; the next poll is up to five seconds away, the student isn't.
    let now = world.utc();
    world.server.open(1, now, 50);
    assert_eq!(world.touch(1), "Marked");
    // Two sessions, and neither has chosen this scanner.
    world.server.several = true;
    world.run(6000);
    assert_eq!(world.touch(2), "Choose scanner");
    assert_eq!(world.server.credited_in(1), [1]);
}

#[test]
fn a_session_ends_by_the_clock() {
    let mut world = World::paired(6);
    let now = world.utc();
    world.server.open(1, now, 1);
    world.run(6000);
    assert_eq!(world.device().view().main(), "CS101");
    world.fault = Fault::Unreachable;
    world.run(70_000);
    assert_ne!(world.device().view().main(), "CS101");
}

#[test]
fn replays_wrong_keys_and_rewound_counters_are_refused() {
    let mut world = classroom(6);
    assert_eq!(world.touch(1), "Marked");
    let request = world
        .server
        .received
        .iter()
        .rev()
        .find(|r| r.starts_with(b"POST /api/device/marks"))
        .unwrap()
        .clone();
    let now = world.utc();
    assert_eq!(world.server.reply(now, &request).0, 401);
    assert_eq!(world.server.audit, ["replayed"]);
    // A restart goes on with higher counters.
    for _ in 0..5 {
        world.restart(500);
        world.run(6000);
    }
    assert_eq!(world.server.audit, ["replayed"]);
    // The server forgets the key: the display says so, marks are kept, and pairing anew sends them.
    world.server.key = [1; 32];
    world.run(60_000);
    assert_eq!(world.device().view().main(), "Pair again");
    assert!(world.server.audit.iter().skip(1).all(|a| a == "bad_signature"));
    assert_eq!(world.touch(2), "Saved");
    world.type_line(&format!("pair {}", support::CODE));
    world.run(6000);
    assert_eq!(world.server.credited_in(1), [1, 2]);
}

#[test]
fn a_flash_from_yesterday_is_refused_and_never_invents_a_counter() {
    let mut world = classroom(6);
    let yesterday = world.device.take().unwrap().close();
    let copy = yesterday.bytes().to_vec();
    world.boot(yesterday.restart());
    world.event(Event::WifiUp(-60));
    for finger in 1..=3 {
        world.run(3000);
        assert_eq!(world.touch(finger), "Marked");
    }
    for _ in 0..4 {
        world.restart(100);
        world.run(6000);
    }
    world.boot(arise_scanner_sim::flash::SimFlash::from_bytes(copy));
    world.event(Event::WifiUp(-60));
    world.run(20_000);
    assert!(world.server.audit.iter().any(|a| a == "replayed"));
    let told = world.server.counter;
    let sent: Vec<u64> = world.server.received.iter().filter_map(|r| counter(r)).collect();
    assert!(sent[sent.len() - 3..].iter().all(|c| *c < told), "it took over the server's counter");
}

fn counter(request: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(request);
    text.lines().find_map(|l| l.strip_prefix("X-Arise-Counter: ")).and_then(|n| n.trim().parse().ok())
}

#[test]
fn whatever_the_display_acknowledged_survives_a_power_cut() {
    let mut cuts = 0;
    for seed in 0..160_u64 {
        let mut world = classroom(40);
        let mut random = Random(seed);
        let mut acknowledged: Vec<u16> = Vec::new();
        for round in 0..3_u64 {
            world.fault = if (seed + round).is_multiple_of(2) { Fault::Unreachable } else { Fault::None };
            let tear =
                [Tear::Forward, Tear::Backward, Tear::Scattered(seed)][usize::try_from(round).unwrap()];
            world.cut_after(400 + random.below(900), tear);
            world.run(6000);
            for finger in 1..=13 {
                let finger = finger + 13 * u16::try_from(round).unwrap();
                let before = world.shown.len();
                world.sensor.place(Finger::clear(finger.into()));
                world.run(1500);
                world.sensor.lift();
                world.run(500);
                let said = |word: &str| world.shown[before..].iter().any(|s| s.1 == word);
                if said("Saved") || said("Marked") {
                    acknowledged.push(finger);
                }
                if said("Not saved") {
                    break;
                }
            }
            cuts += 1;
            world.restart(300);
        }
        world.fault = Fault::None;
        world.run(60_000);
        assert_eq!(world.device().store().queued(), 0, "seed {seed}");
        let credited = world.server.credited_in(1);
        for slot in &acknowledged {
            assert!(credited.contains(slot), "seed {seed}: {slot} was acknowledged and is lost");
        }
        world.assert_exactly_once();
        assert!(world.server.audit.is_empty(), "seed {seed}: {:?}", world.server.audit);
    }
    println!("{cuts} cuts");
}

#[test]
fn an_administrator_enrols_and_deletes_fingers() {
    let mut world = classroom(4);
    world.type_line("enroll 7");
    world.run(500);
    world.sensor.place(Finger { id: 70, clear: false });
    world.run(1500);
    world.sensor.place(Finger::clear(70));
    world.run(1500);
    assert_eq!(world.device().view().main(), "Lift finger");
    world.sensor.lift();
    world.run(500);
    assert_eq!(world.device().view().main(), "Same finger");
    world.sensor.place(Finger::clear(70));
    world.run(2000);
    world.sensor.lift();
    assert!(world.console.contains("Enrolled Slot 7, roll 4"), "{}", world.console);
    assert_eq!(world.sensor.enrolled().get(&7), Some(&70));
    // The finger that was just enrolled isn't marked for it.
    world.run(1000);
    assert!(world.server.credited.is_empty());
    world.run(11_000);
    assert_eq!(world.server.heartbeats.last().unwrap()["enrolled_slots"], serde_json::json!([1, 2, 3, 4, 7]));

    world.type_line("enroll 7");
    world.run(500);
    assert!(world.console.contains("Slot in use"));
    world.type_line("enroll 8");
    world.run(500);
    world.sensor.place(Finger::clear(2));
    world.run(2000);
    world.sensor.lift();
    assert!(world.console.contains("Already known Slot 2"));
    world.run(1000);
    world.type_line("enroll 9");
    world.run(300);
    for finger in [90, 91] {
        world.sensor.place(Finger::clear(finger));
        world.run(2000);
        world.sensor.lift();
        world.run(600);
    }
    assert!(world.console.contains("Fingers differ"), "{}", world.console);
    world.type_line("enroll 301");
    world.run(500);
    assert!(world.console.contains("No such slot"));
    world.type_line("enroll 9");
    world.run(25_000);
    assert!(world.console.contains("No finger Task ended"));

    world.type_line("match");
    world.run(500);
    world.sensor.place(Finger::clear(7));
    world.run(1500);
    world.sensor.lift();
    world.run(500);
    world.type_line("delete 7");
    world.run(800);
    assert!(world.console.contains("Deleted Slot 7"));
    world.type_line("delete-all");
    world.type_line("help");
    world.type_line("yes");
    world.run(800);
    assert_eq!(world.sensor.enrolled().len(), 4, "anything but yes is a no");
    world.type_line("delete-all");
    world.type_line("yes");
    world.run(800);
    assert!(world.sensor.enrolled().is_empty());
    world.type_line("test-sensor");
    world.run(500);
    world.type_line("sensor-info");
    world.run(800);
    assert!(world.console.contains("Sensor works") && world.console.contains("0 of 300 slots"));
    assert!(world.server.credited.is_empty());
}

#[test]
fn an_index_that_can_not_be_read_is_not_an_empty_sensor() {
    let mut world = World::paired(5);
    world.run(11_000);
    let told: Vec<_> = world.server.heartbeats.iter().filter_map(|h| h.get("enrolled_slots")).collect();
    assert_eq!(told, [&serde_json::json!([1, 2, 3, 4, 5])]);
    world.sensor.unplug(true);
    world.type_line("sensor-info");
    world.run(8000);
    assert!(world.console.contains("Sensor error"), "{}", world.console);
    world.run(12_000);
    assert!(world.server.heartbeats.last().unwrap().get("enrolled_slots").is_none());
}

#[test]
fn an_empty_cell_turns_it_off_and_nothing_is_lost() {
    let mut world = classroom(3);
    world.event(Event::Power { millivolts: 3600, usb: false });
    world.run(3000);
    assert!(world.device().view().sub()[1].contains("Battery low"));
    for _ in 0..3 {
        world.event(Event::Power { millivolts: 3280, usb: false });
    }
    assert!(world.powered_off);
    assert_eq!(world.touch_after_restart(), "Marked");
}

impl World {
    fn touch_after_restart(&mut self) -> String {
        self.restart(900_000);
        self.run(7000);
        self.touch(1)
    }
}

#[test]
fn secrets_are_not_printed_and_what_is_typed_is_kept() {
    let mut world = classroom(1);
    world.console.clear();
    world.type_line("config");
    assert!(world.console.contains("network \"school\", password set"));
    assert!(!world.console.contains("password1") && !world.console.contains(&hex::encode(world.server.key)));
    assert!(world.console.contains(support::DEVICE));
    world.type_line("reset-config");
    world.type_line("yes");
    world.run(100);
    assert_eq!(world.device().view().main(), "No network");
    assert!(world.server.sessions[0].starts_at >= MORNING && world.server.sessions[0].id == session_id(1));
}

#[test]
fn an_hour_of_waiting_hardly_wears_the_flash() {
    let mut world = World::paired(3);
    world.server.without_windows = true;
    let now = world.utc();
    world.server.open(1, now, 120);
    world.restart(100);
    world.run(60 * 60_000);
    assert_eq!(world.touch(1), "Marked");
    let flash = world.device.take().unwrap().close();
    println!("{} bytes written or erased in an hour, {} pages erased", flash.operations(), flash.erasures());
    assert!(flash.operations() < 40_000, "{}", flash.operations());
}

#[test]
fn two_hundred_marks_of_a_day_without_server_arrive_in_order_and_quickly() {
    let mut world = classroom(200);
    world.fault = Fault::Unreachable;
    for finger in 1..=200 {
        assert_eq!(world.touch(finger), "Saved");
    }
    assert_eq!(world.device().store().queued(), 200);
    world.fault = Fault::None;
    world.run(8000);
    assert_eq!(world.server.credited.get(&session_id(1)).map(Vec::len), Some(200));
    assert_eq!(world.device().store().queued(), 0);
    assert!(
        world.server.answers.len() == 200 && world.server.mark_requests <= 14,
        "{}",
        world.server.mark_requests
    );
}
