//! Power cuts at every byte of flash operation: whatever was acknowledged is there after the restart, and nothing was invented.
//!
//! A long life of a store is recorded operation by operation: marks pushed, sent, confirmed out of order and refused, numbers
//! taken, settings changed, pages used again and again. Then each operation is repeated from the flash before it with the power
//! cut after 1, 2, 3 … bytes, and the flash that this leaves is opened and compared with what was promised.

#![expect(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::collections::{BTreeMap, BTreeSet};

use arise_scanner::{
    clock::Clock,
    config::{Config, Identity},
    flash::{FlashError, Layout},
    mark::Mark,
    refused::Refused,
    session::{SessionId, Window, Windows},
    store::Store,
    text::{clipped, format},
    wire::Status,
};
use arise_scanner_sim::flash::{Random, SimFlash, Tear};
use embedded_storage::nor_flash::MultiwriteNorFlash;

type Flash = SimFlash<512>;

fn layout() -> Layout {
    Layout::new(512, 8, 3, 4)
}

#[derive(Debug, Clone)]
enum Op {
    Push(u16),
    Confirm(Vec<u32>),
    Refuse(u32),
    Request,
    Windows(u8),
    Config(u8),
    Time(i64),
    /// Only a start: reading, mending, counting it.
    Boot,
}

/// What the store has promised.
#[derive(Debug, Clone, Default)]
struct Promise {
    waiting: BTreeMap<u32, Mark>,
    refused: BTreeSet<u32>,
    highest_seq: u32,
    highest_request: u64,
    windows: u8,
    config: u8,
    time: Option<i64>,
    boot: u32,
}

fn mark(slot: u16) -> Mark {
    Mark {
        seq: 0,
        session: slot.is_multiple_of(3).then_some(SessionId([7; 16])),
        slot,
        boot: 1,
        uptime_ms: u64::from(slot) * 1000,
        observed_at: slot.is_multiple_of(2).then_some(1_800_000_000_000 + i64::from(slot)),
    }
}

fn windows(n: u8) -> Windows {
    let mut windows = Windows::default();
    for i in 0..n % 5 {
        let id = SessionId([n.wrapping_add(i); 16]);
        windows.add(Window {
            id,
            course: clipped("CS101"),
            starts_at: n.into(),
            ends_at: 1_000 + i64::from(n),
        });
    }
    windows
}

fn config(n: u8) -> Config {
    Config {
        ssid: format(format_args!("net{n}")),
        password: clipped("secret"),
        server: clipped("http://10.0.0.1"),
    }
}

fn waiting(store: &mut Store<Flash>) -> BTreeMap<u32, Mark> {
    let mut all = BTreeMap::new();
    store.each(|mark| assert!(all.insert(mark.seq, *mark).is_none(), "mark {} twice", mark.seq)).unwrap();
    assert_eq!(all.len(), store.queued());
    all
}

/// Does `op`; the promise is changed only as far as the store said yes.
fn apply<F: MultiwriteNorFlash>(
    store: &mut Store<F>,
    promise: &mut Promise,
    op: &Op,
) -> Result<(), FlashError> {
    match op {
        Op::Push(slot) => {
            let pushed = store.push(mark(*slot))?;
            assert!(pushed.seq > promise.highest_seq);
            promise.highest_seq = pushed.seq;
            promise.waiting.insert(pushed.seq, pushed);
        }
        Op::Confirm(seqs) => {
            store.confirm(seqs)?;
            for seq in seqs {
                promise.waiting.remove(seq);
            }
        }
        Op::Refuse(seq) => {
            let mark = promise.waiting[seq];
            store.refuse(&Refused { mark, status: Status::NotEnrolled, message: clipped("Not Enrolled") })?;
            promise.waiting.remove(seq);
            promise.refused.insert(*seq);
        }
        Op::Request => {
            let number = store.next_request()?;
            assert!(number > promise.highest_request);
            promise.highest_request = number;
        }
        Op::Windows(n) => {
            store.set_windows(windows(*n))?;
            promise.windows = *n;
        }
        Op::Config(n) => {
            store.set_config(config(*n))?;
            promise.config = *n;
        }
        Op::Time(t) => {
            store.set_last_time(*t)?;
            promise.time = Some(*t);
        }
        Op::Boot => {}
    }
    Ok(())
}

fn identity() -> Identity {
    Identity { device_id: clipped("01900000-0000-7000-8000-000000000001"), key: [9; 32] }
}

/// A life: flash and promise before each operation.
fn life(seed: u64, operations: usize) -> Vec<(Vec<u8>, Promise, Op)> {
    let mut random = Random(seed);
    let mut promise = Promise::default();
    let mut store = Store::open(Flash::new(layout().len()), &layout()).unwrap();
    store.set_identity(Some(identity())).unwrap();
    store.set_config(config(0)).unwrap();
    promise.boot = store.boot;
    let mut bytes = store.close().bytes().to_vec();
    let mut life = Vec::new();
    let mut slot = 0;
    let mut erasures = 0;
    for _ in 0..operations {
        let keys: Vec<u32> = promise.waiting.keys().copied().collect();
        let op = match random.below(16) {
            0..=7 if keys.len() < 28 => {
                slot += 1;
                Op::Push(slot)
            }
            0..=10 if !keys.is_empty() => {
                let most = random.below(6) + 1;
                let mut seqs: Vec<u32> = keys.iter().copied().take(usize::try_from(most).unwrap()).collect();
                // Sometimes the newest is confirmed before older ones, as when a student is waiting.
                if random.below(3) == 0 {
                    seqs = vec![keys[keys.len() - 1]];
                }
                Op::Confirm(seqs)
            }
            11 if !keys.is_empty() => Op::Refuse(keys[0]),
            12 => Op::Request,
            13 => Op::Windows(u8::try_from(random.below(200)).unwrap()),
            14 => Op::Config(u8::try_from(random.below(200)).unwrap()),
            15 => Op::Time(1_800_000_000_000 + i64::from(slot)),
            _ => Op::Boot,
        };
        life.push((bytes.clone(), promise.clone(), op.clone()));
        let mut store = Store::open(Flash::from_bytes(bytes), &layout()).unwrap();
        promise.boot = store.boot;
        apply(&mut store, &mut promise, &op).unwrap();
        let flash = store.close();
        erasures += flash.erasures();
        bytes = flash.bytes().to_vec();
    }
    // Without pages being used again this test would prove little.
    assert!(erasures > 25, "only {erasures} erasures");
    life
}

/// Opens what a cut left and compares it with what was promised before `op` and after it.
fn verify(flash: Flash, before: &Promise, op: &Op, context: &str) -> Store<Flash> {
    let mut store = Store::open(flash, &layout()).unwrap_or_else(|e| panic!("{context}: {e:?}"));
    let found = waiting(&mut store);
    let refused: BTreeSet<u32> = store.refused_list::<64>(0).unwrap().iter().map(|r| r.mark.seq).collect();
    for (seq, mark) in &before.waiting {
        let may_be_gone = match op {
            Op::Confirm(seqs) => seqs.contains(seq),
            Op::Refuse(s) => s == seq && refused.contains(seq),
            _ => false,
        };
        match found.get(seq) {
            Some(there) => assert_eq!(there, mark, "{context}"),
            None => assert!(may_be_gone, "{context}: mark {seq} is lost"),
        }
    }
    for (seq, there) in &found {
        if !before.waiting.contains_key(seq) {
            let Op::Push(slot) = op else { panic!("{context}: mark {seq} is invented") };
            assert_eq!(Mark { seq: 0, ..*there }, mark(*slot), "{context}");
            assert!(*seq > before.highest_seq, "{context}");
        }
    }
    // The oldest refused marks give way, a page at a time, so only the newest are sure to be there.
    for seq in before.refused.iter().rev().take(5) {
        assert!(refused.contains(seq), "{context}: refused mark {seq} is lost");
    }
    let newest = found.keys().max().copied().unwrap_or(0).max(before.highest_seq);
    let request = store.next_request().unwrap_or_else(|e| panic!("{context}: {e:?}"));
    assert!(request > before.highest_request, "{context}: the counter went back");
    assert_eq!(store.identity, Some(identity()), "{context}");
    assert!(store.boot > before.boot, "{context}: a start was counted twice");
    let either = |old: bool, new: bool| assert!(old || new, "{context}: a setting is lost");
    either(
        store.windows == windows(before.windows),
        matches!(op, Op::Windows(n) if store.windows == windows(*n)),
    );
    either(store.last_time == before.time, matches!(op, Op::Time(t) if store.last_time == Some(*t)));
    if !matches!(op, Op::Config(_)) {
        assert_eq!(store.config, config(before.config), "{context}");
    }
    // It goes on working.
    let pushed = store.push(mark(999)).unwrap_or_else(|e| panic!("{context}: {e:?}"));
    assert!(pushed.seq > newest, "{context}: number {} again", pushed.seq);
    assert!(store.find(pushed.seq).unwrap().is_some(), "{context}");
    store
}

/// Starts the store on flash whose power may go, and does `op`; whether all of that happened.
fn attempt(flash: &mut Flash, promise: &mut Promise, op: &Op) -> bool {
    Store::open(flash, &layout()).is_ok_and(|mut store| apply(&mut store, promise, op).is_ok())
}

/// Cuts `op` at every byte, and cuts the restart after that once more; gives the number of cuts.
fn cut_everywhere(bytes: &[u8], before: &Promise, op: &Op, tear: Tear, random: &mut Random) -> u64 {
    let mut cuts = 0;
    for at in 1.. {
        let context = format!("{op:?} cut after {at} bytes, {tear:?}");
        let mut flash = Flash::from_bytes(bytes.to_vec());
        flash.cut_after(at, tear);
        let mut promise = before.clone();
        attempt(&mut flash, &mut promise, op);
        if !flash.is_cut() {
            break;
        }
        cuts += 1;
        let mut again = Flash::from_bytes(flash.bytes().to_vec());
        let second = random.below(400) + 1;
        again.cut_after(second, tear);
        if !attempt(&mut again, &mut promise.clone(), &Op::Boot) {
            cuts += 1;
            verify(again.restart(), before, op, &format!("{context}, again after {second}"));
        }
        verify(flash.restart(), before, op, &context);
    }
    cuts
}

fn every_cut(tear: impl Fn(u64) -> Tear, seed: u64) {
    let life = life(seed, 200);
    let mut random = Random(seed);
    let mut cuts = 0;
    for (i, (bytes, before, op)) in life.iter().enumerate() {
        cuts += cut_everywhere(bytes, before, op, tear(i as u64), &mut random);
    }
    println!("{cuts} cuts");
    assert!(cuts >= 20_000, "{cuts} cuts prove too little");
}

#[test]
fn at_every_byte_with_pages_erased_forward() {
    every_cut(|_| Tear::Forward, 1);
}

#[test]
fn at_every_byte_with_pages_erased_backward() {
    every_cut(|_| Tear::Backward, 2);
}

#[test]
fn at_every_byte_with_pages_erased_at_random() {
    every_cut(Tear::Scattered, 3);
}

/// Without a restart between operations, so that what the store remembers in memory is put to the test too.
#[test]
fn in_the_middle_of_long_lives() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut promise = Promise::default();
        let mut flash = Flash::new(layout().len());
        for _restart in 0..6 {
            let tear =
                [Tear::Forward, Tear::Backward, Tear::Scattered(seed)][usize::try_from(seed % 3).unwrap()];
            let mut store = Store::open(flash, &layout()).unwrap();
            store.set_identity(Some(identity())).unwrap();
            flash = store.close();
            flash.cut_after(random.below(9000) + 1, tear);
            let Ok(mut store) = Store::open(&mut flash, &layout()) else {
                flash = flash.restart();
                continue;
            };
            let mut in_flight = Vec::new();
            loop {
                let keys: Vec<u32> = promise.waiting.keys().copied().collect();
                let push = keys.is_empty() || keys.len() < 28 && random.below(5) < 3;
                let op = if push {
                    Op::Push(u16::try_from(random.below(900)).unwrap() + 1)
                } else {
                    Op::Confirm(keys.iter().copied().take(7).collect())
                };
                if let Op::Confirm(seqs) = &op {
                    in_flight.clone_from(seqs);
                }
                if apply(&mut store, &mut promise, &op).is_err() {
                    break;
                }
                in_flight.clear();
            }
            assert!(flash.is_cut());
            flash = flash.restart();
            let mut store = Store::open(flash, &layout()).unwrap();
            let found = waiting(&mut store);
            for (seq, mark) in &promise.waiting {
                assert!(
                    found.get(seq) == Some(mark) || in_flight.contains(seq),
                    "seed {seed}: mark {seq} is lost"
                );
            }
            promise.waiting = found;
            promise.highest_seq = promise.highest_seq.max(promise.waiting.keys().max().copied().unwrap_or(0));
            flash = store.close();
        }
    }
}

#[test]
fn the_real_layout_holds_5000_marks_and_gives_them_all_back() {
    let layout = Layout::device();
    let mut store: Store<SimFlash> = Store::open(SimFlash::new(layout.len()), &layout).unwrap();
    let mut pushed = 0;
    loop {
        match store.push(mark(u16::try_from(pushed % 1000).unwrap() + 1)) {
            Ok(_) => pushed += 1,
            Err(FlashError::Full) => break,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(pushed >= 5000, "{pushed}");
    // A restart when full, then everything is sent in batches, in order, each once.
    let mut store: Store<SimFlash> = Store::open(store.close().restart(), &layout).unwrap();
    assert_eq!(store.queued(), pushed);
    let mut last = 0;
    let mut sent = 0;
    while store.queued() > 0 {
        let seqs: Vec<u32> =
            store.batch(20, None, &Clock::default()).unwrap().iter().map(|m| m.seq).collect();
        assert!(!seqs.is_empty() && seqs.iter().all(|s| *s > last) && seqs.is_sorted());
        last = seqs[seqs.len() - 1];
        sent += seqs.len();
        store.confirm(&seqs).unwrap();
    }
    assert_eq!(sent, pushed);
}
