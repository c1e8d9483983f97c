//! A fingerprint sensor that speaks the wire protocol of the ZFM-20 family.
//!
//! It keeps templates and feature buffers as the real one does, takes as long, and notices damaged commands. What it
//! compares are numbers of fingers instead of pictures.

use std::collections::{BTreeMap, VecDeque};

use arise_scanner::frame::{BROADCAST, Decoder, Kind, encode};

/// A finger as the sensor sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finger {
    /// Whose.
    pub id: u32,
    /// A wet or hurried finger gives a picture without features.
    pub clear: bool,
}

impl Finger {
    /// A finger that is read at once.
    #[must_use]
    pub const fn clear(id: u32) -> Self {
        Self { id, clear: true }
    }
}

/// How long commands take, ms.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// Taking a picture when a finger is there.
    pub capture: u64,
    /// Finding that none is there.
    pub no_finger: u64,
    pub convert: u64,
    pub search: u64,
    /// Everything else.
    pub other: u64,
}

impl Timing {
    /// What an R307 takes with 200 templates.
    pub const REAL: Self = Self { capture: 180, no_finger: 40, convert: 320, search: 120, other: 30 };
    /// For tests in which the sensor's time doesn't matter.
    pub const NONE: Self = Self { capture: 0, no_finger: 0, convert: 0, search: 0, other: 0 };
}

/// The sensor.
#[derive(Debug)]
pub struct VirtualSensor {
    capacity: u16,
    timing: Timing,
    templates: BTreeMap<u16, u32>,
    finger: Option<Finger>,
    picture: Option<Finger>,
    buffers: [Option<u32>; 2],
    decoder: Decoder,
    out: VecDeque<(u64, Vec<u8>)>,
    damage_every: Option<u32>,
    answers: u32,
    silent: bool,
}

impl VirtualSensor {
    /// An empty sensor with so many slots.
    #[must_use]
    pub fn new(capacity: u16, timing: Timing) -> Self {
        Self {
            capacity,
            timing,
            templates: BTreeMap::new(),
            finger: None,
            picture: None,
            buffers: [None; 2],
            decoder: Decoder::new(),
            out: VecDeque::new(),
            damage_every: None,
            answers: 0,
            silent: false,
        }
    }

    /// Puts a finger into a slot, from 1, as if it had been enrolled.
    pub fn enrol(&mut self, slot: u16, finger: u32) {
        if let Some(page) = slot.checked_sub(1).filter(|page| *page < self.capacity) {
            self.templates.insert(page, finger);
        }
    }

    /// Fingers by slot, from 1.
    #[must_use]
    pub fn enrolled(&self) -> BTreeMap<u16, u32> {
        self.templates.iter().map(|(page, finger)| (page + 1, *finger)).collect()
    }

    /// Someone places a finger, which stays until [`Self::lift`].
    pub fn place(&mut self, finger: Finger) {
        self.finger = Some(finger);
    }

    pub fn lift(&mut self) {
        self.finger = None;
    }

    /// Damages one byte of every so-manieth answer.
    pub fn damage_every(&mut self, answers: Option<u32>) {
        self.damage_every = answers;
    }

    /// With `true` the plug is out: nothing is answered.
    pub fn unplug(&mut self, silent: bool) {
        self.silent = silent;
        self.decoder.clear();
        self.out.clear();
    }

    /// Takes bytes from the device.
    pub fn receive(&mut self, now: u64, bytes: &[u8]) {
        if self.silent {
            return;
        }
        for byte in bytes {
            match self.decoder.push(*byte) {
                // A module answers only to its own address.
                Some(Ok(frame)) if frame.kind == Kind::Command && frame.address == BROADCAST => {
                    let (answer, time) = self.execute(&frame.payload);
                    self.answer(now, time, &answer);
                }
                Some(Err(_)) => self.answer(now, self.timing.other, &[0x01]),
                _ => {}
            }
        }
    }

    /// Bytes whose time has come.
    pub fn output(&mut self, now: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.out.front().is_some_and(|(due, _)| *due <= now) {
            if let Some((_, answer)) = self.out.pop_front() {
                bytes.extend(answer);
            }
        }
        bytes
    }

    fn answer(&mut self, now: u64, time: u64, payload: &[u8]) {
        let Ok(frame) = encode(Kind::Ack, BROADCAST, payload) else { return };
        let mut bytes = frame.to_vec();
        self.answers += 1;
        if self.damage_every.is_some_and(|n| self.answers.is_multiple_of(n)) {
            let middle = bytes.len() - 3;
            bytes[middle] ^= 0x10;
        }
        // 57600 baud with ten bits to a byte.
        let wire = bytes.len() as u64 * 10 * 1000 / 57_600;
        self.out.push_back((now + time + wire, bytes));
    }

    fn execute(&mut self, payload: &[u8]) -> (Vec<u8>, u64) {
        let Timing { capture, no_finger, convert, search, other } = self.timing;
        let word = |at: usize| Some(u16::from_be_bytes([*payload.get(at)?, *payload.get(at + 1)?]));
        let (code, time) = match payload.first() {
            Some(0x13) => (if payload.get(1..5) == Some(&[0; 4]) { 0x00 } else { 0x13 }, other),
            Some(0x01) => {
                self.picture = self.finger;
                if self.finger.is_some() { (0x00, capture) } else { (0x02, no_finger) }
            }
            Some(0x02) => (self.convert(payload.get(1)), convert),
            Some(0x03) => return (self.compare(), other),
            Some(0x04) => return (self.search(payload.get(1), word(2), word(4)), search),
            Some(0x05) => match self.buffers {
                [Some(a), Some(b)] if a == b => (0x00, other),
                _ => (0x0A, other),
            },
            Some(0x06) => (self.store(payload.get(1), word(2)), other),
            Some(0x07) => (self.load(payload.get(1), word(2)), other),
            Some(0x0C) => (self.delete(word(1), word(3)), other),
            Some(0x0D) => {
                self.templates.clear();
                (0x00, other)
            }
            Some(0x0F) => return (self.parameters(), other),
            Some(0x1D) => {
                let count = u16::try_from(self.templates.len()).unwrap_or(u16::MAX).to_be_bytes();
                return (vec![0x00, count[0], count[1]], other);
            }
            Some(0x1F) => return (self.index(payload.get(1)), other),
            _ => (0x01, other),
        };
        (vec![code], time)
    }

    fn buffer(&mut self, number: Option<&u8>) -> Option<&mut Option<u32>> {
        // The manual: any number but 1 is buffer 2.
        self.buffers.get_mut(usize::from(*number? != 1))
    }

    fn convert(&mut self, buffer: Option<&u8>) -> u8 {
        match self.picture {
            None => 0x15,
            Some(finger) if !finger.clear => 0x07,
            Some(finger) => match self.buffer(buffer) {
                Some(place) => {
                    *place = Some(finger.id);
                    0x00
                }
                None => 0x01,
            },
        }
    }

    fn compare(&self) -> Vec<u8> {
        match self.buffers {
            [Some(a), Some(b)] if a == b => vec![0x00, 0, 100],
            _ => vec![0x08, 0, 0],
        }
    }

    fn search(&mut self, buffer: Option<&u8>, start: Option<u16>, count: Option<u16>) -> Vec<u8> {
        let (Some(start), Some(count)) = (start, count) else { return vec![0x01] };
        let Some(wanted) = self.buffer(buffer).and_then(|b| *b) else { return vec![0x09, 0, 0, 0, 0] };
        let end = start.saturating_add(count).min(self.capacity);
        let found = self.templates.range(start..end.max(start)).find(|(_, finger)| **finger == wanted);
        match found {
            Some((page, _)) => {
                let page = page.to_be_bytes();
                vec![0x00, page[0], page[1], 0, 100]
            }
            None => vec![0x09, 0, 0, 0, 0],
        }
    }

    fn store(&mut self, buffer: Option<&u8>, page: Option<u16>) -> u8 {
        match (self.buffer(buffer).and_then(|b| *b), page) {
            (_, Some(page)) if page >= self.capacity => 0x0B,
            (Some(finger), Some(page)) => {
                self.templates.insert(page, finger);
                0x00
            }
            _ => 0x18,
        }
    }

    fn load(&mut self, buffer: Option<&u8>, page: Option<u16>) -> u8 {
        let Some(page) = page else { return 0x01 };
        if page >= self.capacity {
            return 0x0B;
        }
        match (self.templates.get(&page).copied(), self.buffer(buffer)) {
            (Some(finger), Some(place)) => {
                *place = Some(finger);
                0x00
            }
            _ => 0x0C,
        }
    }

    fn delete(&mut self, page: Option<u16>, count: Option<u16>) -> u8 {
        let (Some(page), Some(count)) = (page, count) else { return 0x01 };
        if count == 0 || u32::from(page) + u32::from(count) > u32::from(self.capacity) {
            return 0x10;
        }
        self.templates.retain(|at, _| *at < page || *at >= page + count);
        0x00
    }

    fn parameters(&self) -> Vec<u8> {
        let mut out = vec![0x00, 0, 0, 0, 0];
        out.extend(self.capacity.to_be_bytes());
        // Security level 3, address, packets of 128 bytes (2), 6 × 9600 baud.
        out.extend([0, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0, 2, 0, 6]);
        out
    }

    fn index(&self, block: Option<&u8>) -> Vec<u8> {
        let Some(block) = block else { return vec![0x01] };
        let start = u16::from(*block) * 256;
        let mut out = vec![0x00; 33];
        for page in self.templates.keys().filter(|page| **page >= start && **page - start < 256) {
            let bit = usize::from(page - start);
            out[1 + bit / 8] |= 1 << (bit % 8);
        }
        out
    }
}
