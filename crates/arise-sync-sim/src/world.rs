//! A hub, nodes and what is between them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arise_core::clock::{DAY, HOUR, MINUTE};
use arise_core::{CourseId, NodeId, OpId};
use arise_store::sim::be_awaited;
use arise_store::sync;
use arise_store::sync::scope::{self, Courses};
use arise_sync::{Answer, Limits, Outcome, Request, hub, node};
use fastrand::Rng;

use crate::counts::Counts;
use crate::deed::{self, Done, Overwrite};
use crate::machine::{self, Machine, Stop};

/// A Saturday morning in March 2026.
const BEGIN: i64 = 1_772_856_000_000;
pub(crate) const HUB: usize = 0;
const MOST_MACHINES: usize = 6;

enum Message {
    Request { from: usize, bytes: Vec<u8> },
    Answer { to: usize, bytes: Vec<u8> },
}

pub struct World {
    /// Nothing goes wrong by itself.
    calm: bool,
    /// Nothing else happens while machines exchange.
    alone: bool,
    pub(crate) rng: Rng,
    /// Decides which nodes are given some courses only, in a third of all histories.
    scopes: Option<Rng>,
    dir: PathBuf,
    /// The true time.
    pub(crate) now: i64,
    /// The latest that any hub's clock ever showed.
    pub(crate) latest: i64,
    /// The hub first.
    pub(crate) machines: Vec<Machine>,
    network: Vec<Message>,
    pub(crate) overwrites: Vec<Overwrite>,
    pub(crate) poisoned: bool,
    pub(crate) counts: Counts,
    words: u64,
}

pub(crate) type Outcomes<T> = Result<T, String>;

impl World {
    fn empty(seed: u64, dir: &Path) -> Self {
        Self {
            calm: false,
            alone: false,
            rng: Rng::with_seed(seed),
            scopes: (seed % 3 == 2).then(|| Rng::with_seed(!seed)),
            dir: dir.to_owned(),
            now: BEGIN,
            latest: BEGIN,
            machines: vec![],
            network: vec![],
            overwrites: vec![],
            poisoned: false,
            counts: Counts::default(),
            words: 0,
        }
    }

    pub(crate) fn new(seed: u64, dir: &Path) -> Outcomes<Self> {
        // Made once for all seeds, and not from the randomness of this one.
        machine::empty();
        arise_core::chance::seed(seed);
        let mut world = Self::empty(seed, dir);
        for index in 0..world.rng.usize(3..=4) {
            world.machines.push(Machine::new(dir, &format!("m{index}")));
        }
        world.tick(1);
        let founder = world.rng.usize(0..world.machines.len());
        let done = world.machines[founder].write(deed::found);
        world.note(founder, done)?;
        if world.rng.u32(0..4) > 0 {
            for _ in 0..2 {
                for index in 1..world.machines.len() {
                    world.exchange(index)?;
                }
            }
        }
        Ok(world)
    }

    /// A hub and two nodes that have met, where nothing goes wrong by itself.
    pub(crate) fn calm(dir: &Path) -> Outcomes<Self> {
        // Made once for all seeds, and not from the randomness of this one.
        machine::empty();
        arise_core::chance::seed(0);
        let mut world = Self::empty(0, dir);
        world.calm = true;
        world.alone = true;
        for index in 0..3 {
            world.machines.push(Machine::new(dir, &format!("m{index}")));
        }
        world.tick(1);
        let done = world.machines[HUB].write(deed::found);
        world.note(HUB, done)?;
        world.converge()?;
        Ok(world)
    }

    pub(crate) fn fresh(&mut self) -> String {
        self.words += 1;
        format!("w{}", self.words)
    }

    /// Time passes, and every clock shows it in its own way.
    pub(crate) fn tick(&mut self, by: i64) {
        self.now += by;
        for (index, machine) in self.machines.iter_mut().enumerate() {
            let shown = (self.now + machine.offset).max(0);
            machine.clock.set(shown);
            if index == HUB {
                self.latest = self.latest.max(shown);
            }
        }
    }

    /// Something happens.
    pub(crate) fn step(&mut self) -> Outcomes<()> {
        self.maybe_scope()?;
        let by = match self.rng.u32(0..20) {
            0 => self.rng.i64(1..3 * HOUR),
            1..4 => self.rng.i64(1..20 * MINUTE),
            _ => self.rng.i64(0..2_000),
        };
        self.tick(by);
        let index = self.rng.usize(0..self.machines.len());
        match self.rng.u32(0..100) {
            0..36 => self.act(index),
            36..48 => self.ask(index),
            48..70 => self.carry(),
            70..82 if index != HUB => self.exchange(index).map(|_| ()),
            _ => self.fault(index),
        }
    }

    /// What comes next may be cut off by a crash.
    fn maybe_crash(&mut self, index: usize) -> Outcomes<()> {
        if !self.calm && self.rng.u32(0..8) == 0 {
            let (statements, before) = (self.rng.i64(0..60), self.rng.bool());
            self.machines[index].crash_in(statements, before).map_err(|stop| format!("{stop:?}"))?;
        }
        Ok(())
    }

    fn act(&mut self, index: usize) -> Outcomes<()> {
        self.maybe_crash(index)?;
        let (seed, fresh) = (self.rng.u64(..), self.fresh());
        let who = deed::Who { behind: self.machines[index].behind, hub: index == HUB };
        // It may be saved also when the process dies of it.
        self.poisoned |= deed::is_poison(seed, who);
        let done = self.machines[index].write(move |tx| deed::act(tx, seed, &fresh, who));
        self.note(index, done)
    }

    /// Remembers what a person was told is saved.
    pub(crate) fn note(&mut self, index: usize, done: Result<Done, Stop>) -> Outcomes<()> {
        self.machines[index].never_mind();
        match done {
            Ok(done) => {
                self.counts.add("things done");
                self.machines[index].kept.extend(done.waiting);
                self.overwrites.extend(done.overwrites);
                Ok(())
            }
            Err(stop) => self.stopped(index, stop),
        }
    }

    fn stopped(&mut self, index: usize, stop: Stop) -> Outcomes<()> {
        match stop {
            Stop::Crashed => {
                self.counts.add("crashes at a statement");
                self.check_kept(index)
            }
            Stop::Refused(error) if error.code == "disk_full" => {
                self.counts.add("disk full");
                self.check_kept(index)
            }
            Stop::Refused(_) => {
                self.counts.add("things refused");
                Ok(())
            }
            Stop::Broken(error) => Err(format!("machine {index}: {error}")),
        }
    }

    /// What was said to be saved is there.
    pub(crate) fn check_kept(&mut self, index: usize) -> Outcomes<()> {
        let there: BTreeSet<OpId> = self.machines[index].read(|tx| {
            let rows = tx.query("SELECT id FROM op", &[])?;
            rows.iter().map(|row| row.get(0)).collect()
        })?;
        let lost = self.machines[index].kept.difference(&there).count();
        if lost > 0 {
            return Err(format!("I1: machine {index} lost {lost} records that were saved"));
        }
        Ok(())
    }

    fn limits(&mut self) -> Limits {
        match self.rng.u32(0..3) {
            _ if self.calm => Limits::default(),
            0 => Limits::default(),
            1 => Limits { records: self.rng.usize(1..12), bytes: 1 << 20, at_once: self.rng.usize(1..5) },
            _ => Limits { records: 20, bytes: self.rng.usize(1..4_000), at_once: self.rng.usize(1..12) },
        }
    }

    fn ask(&mut self, index: usize) -> Outcomes<()> {
        if index == HUB {
            return Ok(());
        }
        let limits = self.limits();
        let request = self.machines[index].read(|tx| node::request(tx, limits))?;
        let bytes = request.encode().map_err(|e| e.to_string())?;
        self.counts.add("requests");
        self.send(Message::Request { from: index, bytes });
        Ok(())
    }

    fn send(&mut self, message: Message) {
        let machine = match message {
            Message::Request { from, .. } => &self.machines[from],
            Message::Answer { to, .. } => &self.machines[to],
        };
        let cut_off = match message {
            Message::Request { .. } => machine.mute,
            Message::Answer { .. } => machine.deaf,
        };
        if cut_off {
            self.counts.add("messages cut off one way");
        } else {
            self.network.push(message);
        }
    }

    /// Some message arrives, or doesn't.
    fn carry(&mut self) -> Outcomes<()> {
        if self.network.is_empty() {
            return Ok(());
        }
        let index = if self.rng.u32(0..3) == 0 { self.rng.usize(0..self.network.len()) } else { 0 };
        if index > 0 {
            self.counts.add("messages reordered");
        }
        match self.rng.u32(0..10) {
            0 => {
                self.counts.add("messages dropped");
                self.network.remove(index);
                Ok(())
            }
            1 => {
                self.counts.add("messages doubled");
                let again = match &self.network[index] {
                    Message::Request { from, bytes } => {
                        Message::Request { from: *from, bytes: bytes.clone() }
                    }
                    Message::Answer { to, bytes } => Message::Answer { to: *to, bytes: bytes.clone() },
                };
                self.deliver(again).map(|_| ())
            }
            2 => {
                self.counts.add("messages damaged");
                let mut damaged = self.network.remove(index);
                let (Message::Request { bytes, .. } | Message::Answer { bytes, .. }) = &mut damaged;
                let at = self.rng.usize(0..bytes.len());
                bytes[at] ^= 1 << self.rng.u32(0..8);
                let noticed = match &damaged {
                    Message::Request { bytes, .. } => Request::decode(bytes).is_err(),
                    Message::Answer { bytes, .. } => Answer::decode(bytes).is_err(),
                };
                if noticed { Ok(()) } else { Err("a damaged message was read".to_owned()) }
            }
            _ => {
                let message = self.network.remove(index);
                self.deliver(message).map(|_| ())
            }
        }
    }

    fn deliver(&mut self, message: Message) -> Outcomes<Option<Outcome>> {
        match message {
            Message::Request { from, bytes } => {
                self.note_versions(from);
                if let Some(bytes) = self.answer(&bytes)? {
                    self.send(Message::Answer { to: from, bytes });
                }
                Ok(None)
            }
            Message::Answer { to, bytes } => self.accept(to, &bytes).map(|done| done.map(|d| d.outcome)),
        }
    }

    fn note_versions(&mut self, from: usize) {
        match self.machines[from].behind - self.machines[HUB].behind {
            2 => self.counts.add("messages of nodes two versions behind"),
            -2 => self.counts.add("messages of nodes two versions ahead"),
            _ => {}
        }
    }

    /// Whether somebody waits while a machine exchanges, and how often it meets them.
    fn be_awaited(&mut self) {
        let often = (!self.calm && self.rng.bool()).then(|| (self.rng.u64(..), self.rng.u64(1..8)));
        be_awaited(often);
    }

    /// What happens on a machine between two transactions of an exchange: people and scanners write, and the hub hears
    /// other nodes. Answers whether the program still runs that exchanges.
    fn meanwhile(&mut self, index: usize) -> Outcomes<bool> {
        if self.alone {
            return Ok(true);
        }
        let before = self.machines[index].generation();
        match self.rng.u32(0..12) {
            0..2 => {
                self.counts.add("writes in the middle of an exchange");
                self.act(index)?;
            }
            2 if index == HUB => {
                self.counts.add("exchanges in the middle of another");
                let other = self.rng.usize(1..self.machines.len());
                self.alone = true;
                let done = self.exchange(other);
                self.alone = false;
                done?;
            }
            _ => {}
        }
        Ok(self.machines[index].generation() == before)
    }

    /// The hub answers, unless it dies of it.
    fn answer(&mut self, bytes: &[u8]) -> Outcomes<Option<Vec<u8>>> {
        self.be_awaited();
        let answer = self.answer_awaited(bytes);
        be_awaited(None);
        answer
    }

    fn answer_awaited(&mut self, bytes: &[u8]) -> Outcomes<Option<Vec<u8>>> {
        let request = Request::decode(bytes).map_err(|e| e.to_string())?;
        let (id, formerly) = (request.node, request.formerly);
        let limits = self.limits();
        let mut exchange = hub::Exchange::new(request, limits);
        self.maybe_crash(HUB)?;
        loop {
            let step = self.machines[HUB].write(move |tx| {
                let answer = exchange.step(tx)?;
                Ok((exchange, answer))
            });
            match step {
                Ok((going_on, None)) => {
                    self.counts.add("transactions of the hub that others came after");
                    exchange = going_on;
                    if !self.meanwhile(HUB)? {
                        return Ok(None);
                    }
                }
                Ok((done, Some(mut answer))) => {
                    self.machines[HUB].never_mind();
                    self.machines[HUB].read(|tx| done.fill(tx, &mut answer))?;
                    return answer.encode().map(Some).map_err(|e| e.to_string());
                }
                Err(Stop::Refused(error)) if error.code == "unknown_node" => {
                    self.admit(id, formerly)?;
                    return Ok(None);
                }
                Err(stop) => {
                    self.machines[HUB].never_mind();
                    self.stopped(HUB, stop)?;
                    return Ok(None);
                }
            }
        }
    }

    /// An administrator lets a node in.
    fn admit(&mut self, id: NodeId, _: Option<NodeId>) -> Outcomes<()> {
        self.counts.add("nodes admitted");
        self.machines[HUB].never_mind();
        let is_scoped = self.scopes.as_mut().is_some_and(Rng::bool);
        let courses = if is_scoped { self.some_courses()? } else { None };
        let admitted = self.machines[HUB].write(move |tx| {
            sync::peer::admit(tx, id, "a node", None)?;
            scope::set(tx, id, &courses)
        });
        match admitted {
            Ok(()) => Ok(()),
            Err(stop) => self.stopped(HUB, stop),
        }
    }

    /// An administrator changes what some node is given.
    fn maybe_scope(&mut self) -> Outcomes<()> {
        let Some(rng) = &mut self.scopes else { return Ok(()) };
        if rng.u32(0..25) > 0 {
            return Ok(());
        }
        let (pick, is_whole) = (rng.usize(..), rng.u32(0..4) == 0);
        let courses = if is_whole { None } else { self.some_courses()? };
        let peers = self.machines[HUB].read(sync::peer::list)?;
        if let Some(peer) = peers.get(pick % peers.len().max(1)) {
            let id = peer.id;
            self.give(id, courses)?;
        }
        Ok(())
    }

    /// Gives a node these courses from now on.
    pub(crate) fn give(&mut self, id: NodeId, courses: Courses) -> Outcomes<()> {
        self.counts.add("scopes changed");
        match self.machines[HUB].write(move |tx| scope::set(tx, id, &courses)) {
            Ok(()) => Ok(()),
            Err(stop) => self.stopped(HUB, stop),
        }
    }

    fn some_courses(&mut self) -> Outcomes<Courses> {
        let mut courses: BTreeSet<CourseId> = self.machines[HUB].read(|tx| {
            let rows = tx.query("SELECT id FROM course", &[])?;
            rows.iter().map(|row| row.get(0)).collect()
        })?;
        courses.retain(|_| self.scopes.as_mut().is_some_and(Rng::bool));
        Ok(Some(courses))
    }

    /// The courses that a machine is given; nothing is all of them.
    pub(crate) fn courses(&mut self, index: usize) -> Outcomes<Courses> {
        let id = self.id(index)?;
        self.machines[HUB].read(|tx| Ok(sync::peer::find(tx, id)?.and_then(|peer| peer.courses)))
    }

    fn accept(&mut self, index: usize, bytes: &[u8]) -> Outcomes<Option<node::Progress>> {
        self.be_awaited();
        let progress = self.accept_awaited(index, bytes);
        be_awaited(None);
        progress
    }

    fn accept_awaited(&mut self, index: usize, bytes: &[u8]) -> Outcomes<Option<node::Progress>> {
        let answer = Answer::decode(bytes).map_err(|e| e.to_string())?;
        let limits = self.limits();
        let mut acceptance = node::Acceptance::new(answer, limits);
        self.maybe_crash(index)?;
        loop {
            let step = self.machines[index].write(move |tx| {
                let progress = acceptance.step(tx)?;
                Ok((acceptance, progress))
            });
            match step {
                Ok((going_on, None)) => {
                    self.counts.add("transactions of a node that others came after");
                    acceptance = going_on;
                    if !self.meanwhile(index)? {
                        return Ok(None);
                    }
                }
                Ok((_, Some(progress))) => {
                    self.machines[index].never_mind();
                    self.counts.add(match progress.outcome {
                        Outcome::Taken => "answers taken",
                        Outcome::Ignored => "answers ignored",
                        Outcome::Reset => "resets",
                        Outcome::Rekeyed => "nodes told to take another id",
                    });
                    return Ok(Some(progress));
                }
                Err(stop) => {
                    self.machines[index].never_mind();
                    self.stopped(index, stop)?;
                    return Ok(None);
                }
            }
        }
    }

    /// One whole exchange, undisturbed but for what the machines do themselves.
    pub(crate) fn exchange(&mut self, index: usize) -> Outcomes<Option<node::Progress>> {
        let limits = self.limits();
        let request = self.machines[index].read(|tx| node::request(tx, limits))?;
        let bytes = request.encode().map_err(|e| e.to_string())?;
        self.note_versions(index);
        match self.answer(&bytes)? {
            Some(answer) => self.accept(index, &answer),
            None => Ok(None),
        }
    }

    fn fault(&mut self, index: usize) -> Outcomes<()> {
        match self.rng.u32(0..25) {
            0..4 => {
                let to = match self.rng.u32(0..5) {
                    // 2031.
                    0 => 5 * 365 * DAY,
                    // 1970.
                    1 => -self.now,
                    2 => self.rng.i64(-2 * DAY..2 * DAY),
                    _ => 0,
                };
                self.machines[index].offset = to;
                self.tick(0);
                self.counts.add("clocks jumped");
            }
            4 => {
                let pages = self.rng.i64(0..6);
                self.leave_room(index, Some(pages))?;
            }
            5..7 => self.leave_room(index, None)?,
            7..9 => {
                let machine = &mut self.machines[index];
                (machine.deaf, machine.mute) = (self.rng.bool(), self.rng.bool());
                if index == HUB {
                    (machine.deaf, machine.mute) = (false, false);
                } else if machine.deaf != machine.mute {
                    self.counts.add("partitions one way");
                } else if machine.deaf {
                    self.counts.add("partitions both ways");
                }
            }
            9..12 => {
                let index = if self.rng.bool() { HUB } else { index };
                self.machines[index].keep();
                self.counts.add("backups");
            }
            12 => self.restore(index),
            13 => self.restore(HUB),
            14 => drop(self.clone_node(index)),
            15 => self.wipe(index),
            16..18 => {
                let behind = (self.machines[index].behind + self.rng.i64(1..3)) % 3;
                self.machines[index].be_behind(behind);
                self.counts.add("versions changed");
            }
            18 => {
                let after = self.rng.i64(0..80);
                self.machines[index].crash_at_start(after).map_err(|stop| format!("{stop:?}"))?;
                self.counts.add("crashes at start");
            }
            19 => {
                self.machines[index].close();
                self.counts.add("restarts");
            }
            20..23 => {
                // While something is written.
                let pages = self.rng.i64(0..2);
                self.leave_room(index, Some(pages))?;
                for _ in 0..6 {
                    self.act(index)?;
                }
                if index != HUB {
                    self.exchange(index)?;
                }
            }
            _ if index == HUB => {}
            _ if self.machines[index].backup.is_none() => {
                self.machines[index].keep();
                self.counts.add("backups");
            }
            _ => self.restore(index),
        }
        Ok(())
    }

    fn leave_room(&mut self, index: usize, pages: Option<i64>) -> Outcomes<()> {
        self.machines[index].leave_room(pages).map_err(|stop| format!("{stop:?}"))
    }

    pub(crate) fn restore(&mut self, index: usize) {
        let Some(backup) = self.machines[index].backup.clone() else { return };
        self.machines[index].put(&backup);
        self.counts.add(if index == HUB { "the hub rolled back" } else { "nodes restored" });
    }

    /// Copies a node, while there is room.
    pub(crate) fn clone_node(&mut self, index: usize) -> Option<usize> {
        if index == HUB || self.machines.len() >= MOST_MACHINES {
            return None;
        }
        let snapshot = self.machines[index].snapshot();
        let mut copy = Machine::new(&self.dir, &format!("m{}", self.machines.len()));
        copy.put(&snapshot);
        copy.offset = self.machines[index].offset;
        self.machines.push(copy);
        self.tick(0);
        self.counts.add("nodes cloned");
        Some(self.machines.len() - 1)
    }

    pub(crate) fn wipe(&mut self, index: usize) {
        if index == HUB {
            return;
        }
        let name = format!("m{index}w{}", self.words);
        let offset = self.machines[index].offset;
        self.machines[index] = Machine::new(&self.dir, &name);
        self.machines[index].offset = offset;
        self.tick(0);
        self.counts.add("nodes wiped");
    }

    /// Everything works again, but for the clocks.
    pub(crate) fn heal(&mut self) -> Outcomes<()> {
        self.alone = true;
        self.network.clear();
        for index in 0..self.machines.len() {
            let machine = &mut self.machines[index];
            (machine.deaf, machine.mute) = (false, false);
            machine.be_behind(0);
            self.leave_room(index, None)?;
        }
        Ok(())
    }

    /// Exchanges until all have everything. I10: within a few rounds.
    pub(crate) fn converge(&mut self) -> Outcomes<()> {
        const ROUNDS: usize = 4;
        for _ in 0..ROUNDS {
            for index in 1..self.machines.len() {
                // Each exchange moves at least one record, so that there is a bound to them.
                let mut left = 60 + 4 * self.records(HUB)? + 4 * self.records(index)?;
                loop {
                    if left == 0 {
                        return Err(format!("I10: the exchange of machine {index} goes on for ever"));
                    }
                    left -= 1;
                    self.tick(1);
                    match self.exchange(index)? {
                        Some(progress) if !progress.more => break,
                        _ => {}
                    }
                }
            }
            if self.all_level()? {
                return Ok(());
            }
        }
        Err(format!("I10: not converged after {ROUNDS} rounds"))
    }

    fn records(&mut self, index: usize) -> Outcomes<usize> {
        self.machines[index].read(|tx| {
            let count: i64 = tx.query_one("SELECT COUNT(*) FROM op", &[])?.get(0)?;
            Ok(usize::try_from(count).unwrap_or_default())
        })
    }

    /// Whether nothing waits anywhere and all are at the same number.
    fn all_level(&mut self) -> Outcomes<bool> {
        let mut numbers = BTreeSet::new();
        for machine in &mut self.machines {
            let (gsn, waiting) = machine.read(|tx| {
                let state = sync::state(tx)?;
                Ok((state.position.gsn, sync::count_unsent(tx, &state)?))
            })?;
            if waiting > 0 {
                return Ok(false);
            }
            numbers.insert(gsn);
        }
        Ok(numbers.len() == 1)
    }

    /// The id by which a machine goes.
    pub(crate) fn id(&mut self, index: usize) -> Outcomes<NodeId> {
        self.machines[index].read(arise_store::node::id)
    }
}
