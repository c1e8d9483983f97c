//! Messages between machines: they are lost, doubled, damaged and late, and others come in the middle of an exchange.

use arise_store::sim::be_awaited;
use arise_sync::{Answer, Limits, Outcome, Request, hub, node};

use super::{HUB, Outcomes, World};
use crate::machine::Stop;

pub(super) enum Message {
    Request { from: usize, bytes: Vec<u8> },
    Answer { to: usize, bytes: Vec<u8> },
}

impl World {
    fn limits(&mut self) -> Limits {
        match self.rng.u32(0..3) {
            _ if self.calm => Limits::default(),
            0 => Limits::default(),
            1 => Limits { records: self.rng.usize(1..12), bytes: 1 << 20, at_once: self.rng.usize(1..5) },
            _ => Limits { records: 20, bytes: self.rng.usize(1..4_000), at_once: self.rng.usize(1..12) },
        }
    }

    pub(super) fn ask(&mut self, index: usize) -> Outcomes<()> {
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
    pub(super) fn carry(&mut self) -> Outcomes<()> {
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
        let id = request.node;
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
                    self.admit(id)?;
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
}
