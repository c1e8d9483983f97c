//! A hub, nodes and what is between them.

mod fault;
mod network;
mod scope;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use arise_core::clock::{HOUR, MINUTE};
use arise_core::{NodeId, OpId};
use arise_store::sync;
use fastrand::Rng;

use self::network::Message;
use crate::counts::Counts;
use crate::deed::{self, Done, Overwrite};
use crate::machine::{self, Machine, Stop};

/// A Saturday morning in March 2026.
const BEGIN: i64 = 1_772_856_000_000;
pub(crate) const HUB: usize = 0;

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
