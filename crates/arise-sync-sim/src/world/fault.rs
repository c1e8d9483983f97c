//! What goes wrong on a machine.

use arise_core::clock::DAY;

use super::{HUB, Outcomes, World};
use crate::machine::Machine;

const MOST_MACHINES: usize = 6;

impl World {
    /// What comes next may be cut off by a crash.
    pub(super) fn maybe_crash(&mut self, index: usize) -> Outcomes<()> {
        if !self.calm && self.rng.u32(0..8) == 0 {
            let (statements, before) = (self.rng.i64(0..60), self.rng.bool());
            self.machines[index].crash_in(statements, before).map_err(|stop| format!("{stop:?}"))?;
        }
        Ok(())
    }

    pub(super) fn fault(&mut self, index: usize) -> Outcomes<()> {
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

    pub(super) fn leave_room(&mut self, index: usize, pages: Option<i64>) -> Outcomes<()> {
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
}
