//! Nodes that are given some courses only.

use std::collections::BTreeSet;

use arise_core::{CourseId, NodeId};
use arise_store::sync;
use arise_store::sync::scope::{self, Courses};
use fastrand::Rng;

use super::{HUB, Outcomes, World};

impl World {
    /// An administrator lets a node in.
    pub(super) fn admit(&mut self, id: NodeId) -> Outcomes<()> {
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
    pub(super) fn maybe_scope(&mut self) -> Outcomes<()> {
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
}
