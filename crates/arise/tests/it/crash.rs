//! kill -9 a hundred times while scanners mark: every mark that was acknowledged is there afterwards, and the
//! file is whole.

use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Class, Server, exchange, mark_request};
use arise_core::signature::Key;
use arise_core::{DeviceId, SessionId};

const KILLS: usize = 100;
const SCANNERS: usize = 8;
const STUDENTS_EACH: usize = 50;

#[test]
fn nothing_acknowledged_is_lost_by_a_hundred_kills() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let class = Class::make(&data, SCANNERS, STUDENTS_EACH);
    let mut random = fastrand::Rng::with_seed(7);
    let (mut acknowledged, mut interrupted) = (0, 0);
    for round in 0..KILLS {
        let session = class.start(&data);
        let mut server = Server::start(&data, &[]);
        let scanners: Vec<_> = class
            .scanners
            .iter()
            .enumerate()
            .map(|(index, &(id, key))| {
                let address = server.address.clone();
                let first = i64::try_from(index * STUDENTS_EACH).unwrap() + 1;
                let counter = u64::try_from(round).unwrap() * 1_000;
                std::thread::spawn(move || mark_all(&address, id, &key, session, first, counter))
            })
            .collect();
        // Killed somewhere between the first mark and, now and then, after the last.
        std::thread::park_timeout(Duration::from_millis(random.u64(5..120)));
        server.kill();
        let marked: Vec<i64> = scanners.into_iter().flat_map(|scanner| scanner.join().unwrap()).collect();
        acknowledged += marked.len();
        interrupted += usize::from(!marked.is_empty() && marked.len() < SCANNERS * STUDENTS_EACH);
        class.check(&data, session, &marked);
    }
    println!(
        "{KILLS} kills, {interrupted} in the middle of marking, {acknowledged} acknowledged marks, 0 lost"
    );
    assert!(interrupted > KILLS / 4, "only {interrupted} kills came while marks were being acknowledged");
}

/// Marks students one after the other until the connection breaks. Answers the rolls that were acknowledged.
fn mark_all(
    address: &str,
    id: DeviceId,
    key: &Key,
    session: SessionId,
    first: i64,
    counter: u64,
) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    let Ok(mut stream) = TcpStream::connect(address) else { return acknowledged };
    for (roll, counter) in (first..).take(STUDENTS_EACH).zip(counter + 1..) {
        match exchange(&mut stream, &mark_request(id, key, session, roll, counter)) {
            Some(answer) => {
                assert!(answer.contains("\"success\""), "{answer}");
                acknowledged.push(roll);
            }
            None => break,
        }
    }
    acknowledged
}
