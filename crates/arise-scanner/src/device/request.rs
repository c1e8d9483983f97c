//! What the server is asked, and when.

use embedded_storage::nor_flash::MultiwriteNorFlash;
use heapless::Vec;

use super::{Device, MAX_REQUEST};
use crate::http::Request;
use crate::link::{Kind, Wants};
use crate::sign::signature;
use crate::text::{Text, format};
use crate::wire::{self, Heartbeat};

impl<F: MultiwriteNorFlash> Device<F> {
    /// Writes the request that [`Outputs::request`] announced, head and body, and gives its id.
    pub fn request(&self, out: &mut Vec<u8, MAX_REQUEST>) -> Option<u32> {
        let flight = self.link.flight()?;
        let (method, path) = match flight.kind {
            Kind::Pair => ("POST", wire::PAIR),
            Kind::State => ("GET", wire::STATE),
            Kind::Marks => ("POST", wire::MARKS),
            Kind::Heartbeat => ("POST", wire::HEARTBEAT),
        };
        let host = self.store.config.server.strip_prefix("http://")?;
        let head = match (self.counter, &self.store.identity) {
            (Some(counter), Some(identity)) => {
                let number: Text<20> = format(format_args!("{counter}"));
                let signature = signature(&identity.key, method, path, counter, &self.body);
                let headers = [
                    ("X-Arise-Device", identity.device_id.as_str()),
                    ("X-Arise-Counter", number.as_str()),
                    ("X-Arise-Signature", signature.as_str()),
                ];
                Request { method, path, headers: &headers, body: &self.body }.head(host)?
            }
            _ => Request { method, path, headers: &[], body: &self.body }.head(host)?,
        };
        out.clear();
        out.extend_from_slice(head.as_bytes()).ok()?;
        out.extend_from_slice(&self.body).ok()?;
        Some(flight.id)
    }

    /// Hands out the next request, if there is something to ask; its body is then in `self.body`.
    pub(super) fn prepare(&mut self, now: u64) -> bool {
        let wants = Wants {
            paired: self.store.identity.is_some(),
            pair: self.pair_code.is_some(),
            live: self.live.is_some(),
            state: self.want_state,
            backlog: self.store.queued() > 0,
        };
        if self.server().is_none() {
            return false;
        }
        let Some(kind) = self.link.choose(now, wants) else { return false };
        self.body.clear();
        self.counter = None;
        if kind != Kind::Pair {
            match self.store.next_request() {
                Ok(counter) => self.counter = Some(counter),
                // Without a counter that is safe in flash nothing may be sent; marks are safe where they are.
                Err(_) => {
                    self.link.failed(now);
                    return false;
                }
            }
        }
        let whole = match kind {
            Kind::Pair => {
                let code = self.pair_code.clone().unwrap_or_default();
                wire::write_pair(&mut self.body, &code, &self.info.mac, self.info.firmware)
            }
            Kind::State => {
                self.want_state = false;
                true
            }
            Kind::Heartbeat => self.write_heartbeat(),
            Kind::Marks => self.write_marks(now),
        };
        if whole {
            self.link.sent(now, kind);
        } else {
            self.link.failed(now);
        }
        whole
    }

    fn write_heartbeat(&mut self) -> bool {
        self.slots_sending = !self.slots_told && self.finger.slots().is_some();
        let beat = Heartbeat {
            mac: &self.info.mac,
            wifi_strength: self.link.rssi.unwrap_or(i8::MIN),
            battery: self.battery.percent,
            queue_count: self.store.queued(),
            sync_count: self.confirmed,
            firmware: self.info.firmware,
            enrolled_slots: self.finger.slots().filter(|_| self.slots_sending),
            slot_capacity: self.finger.capacity(),
        };
        wire::write_heartbeat(&mut self.body, &beat)
    }

    fn write_marks(&mut self, now: u64) -> bool {
        let Ok(marks) = self.store.batch(self.batch, self.live, &self.clock) else { return false };
        self.sent = marks.iter().map(|m| m.seq).collect();
        wire::write_marks(&mut self.body, self.info.firmware, &marks, self.store.boot, now)
    }
}
