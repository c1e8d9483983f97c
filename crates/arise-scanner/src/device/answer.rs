//! What the device makes of the server's answers.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use super::face::Slots;
use super::{Device, Outputs, SHOW, Shown, face};
use crate::{
    config::Identity,
    link::{Flight, Kind, Verdict},
    mark::Mark,
    refused::Refused,
    screen::View,
    store::BATCH,
    text::{Text, clipped, format},
    wire::{self, MarkResult, Status},
};

impl<F: MultiwriteNorFlash> Device<F> {
    pub(super) fn on_answer(
        &mut self,
        now: u64,
        flight: Flight,
        status: u16,
        body: &[u8],
        out: &mut Outputs,
    ) {
        if flight.kind == Kind::Pair {
            return self.on_paired(now, status, body);
        }
        let verdict = Verdict::of(status);
        self.link.answered(now, verdict);
        match (flight.kind, verdict) {
            (Kind::State, Verdict::Good) => self.on_state(now, flight, body),
            (Kind::Heartbeat, Verdict::Good) => {
                self.slots_told |= core::mem::take(&mut self.slots_sending);
                // An answer that can't be read is an answer still: the server knows of us.
                out.beep = wire::read_beep(body).unwrap_or(false);
                if out.beep {
                    self.show(now, face::HERE.view());
                }
            }
            (Kind::Marks, Verdict::Good) => self.on_results(now, body),
            (Kind::Marks, Verdict::Rejected) => self.on_batch_rejected(now, status),
            (kind, verdict) => {
                if verdict == Verdict::Distrusted && self.link.distrusted == 1 {
                    let code = wire::read_error_code(body);
                    self.announce(format_args!("server refused us: {status} {code}"));
                }
                self.give_up(now, kind);
            }
        }
    }

    pub(super) fn on_silence(&mut self, now: u64, kind: Kind) {
        self.link.failed(now);
        if kind == Kind::Pair {
            self.pair_code = None;
            self.announce(format_args!("no answer from the server"));
            self.show(now, View::new("Pairing failed", "No answer"));
        }
        self.give_up(now, kind);
    }

    /// A request that brought nothing: who waits for it is told.
    fn give_up(&mut self, now: u64, kind: Kind) {
        if self.held.is_some() {
            self.release_held(now);
        }
        if kind == Kind::Marks
            && let Some(mark) = self.live.take()
        {
            let owner = self.slots.owner(mark.slot);
            self.show(now, View::new(face::SAVED, &owner).with_note(face::SENT_LATER));
        }
    }

    fn on_paired(&mut self, now: u64, status: u16, body: &[u8]) {
        self.pair_code = None;
        let identity = match Verdict::of(status) {
            Verdict::Good => {
                wire::read_paired(body).ok().and_then(|p| Identity::from_answer(&p.device_id, &p.key))
            }
            _ => None,
        };
        let Some(identity) = identity else {
            let code = wire::read_error_code(body);
            self.announce(format_args!("not paired: {status} {code}"));
            return self.show(now, View::new("Pairing failed", "Ask for a new code"));
        };
        if self.store.set_identity(Some(identity)).is_err() {
            self.announce(format_args!("not paired: memory fails"));
            return self.show(now, face::NOT_SAVED.view());
        }
        self.slots_told = false;
        self.link.renew();
        self.announce(format_args!("paired"));
        self.show(now, View::new("Paired", "Ready for classes"));
    }

    fn on_state(&mut self, now: u64, flight: Flight, body: &[u8]) {
        let Ok(mut state) = wire::read_state(body) else { return self.on_silence(now, Kind::State) };
        // A session without a start of its own began, as far as is known, when it was first heard of. Taking the time of each
        // answer instead would also wear out the flash.
        if let Some(session) = &mut state.session
            && session.starts_at == state.server_time
            && let Some(known) = self.store.windows.get(session.id)
        {
            session.starts_at = known.starts_at;
            state.windows.add(session.clone());
        }
        self.clock.learn(state.server_time, flight.sent, now);
        if self.session.as_ref().map(|s| s.id) != state.session.as_ref().map(|s| s.id) {
            // The time is written down at once, so that a restart during the session finds it.
            self.time_at = now;
        }
        self.session = state.session;
        self.message = state.message.filter(|m| !m.is_empty());
        self.slots = if state.slot_map == Some(false) { Slots::ByRoll } else { Slots::Mapped };
        // Without this copy a restart without network doesn't know the session; marks are taken all the same.
        let _ = self.store.set_windows(state.windows);
        self.state_sent = Some(flight.sent);
        if self.held.is_some() {
            self.release_held(now);
        }
    }

    fn on_results(&mut self, now: u64, body: &[u8]) {
        let Ok(results) = wire::read_results(body) else { return self.on_silence(now, Kind::Marks) };
        self.batch = BATCH;
        let mut confirmed: heapless::Vec<u32, BATCH> = heapless::Vec::new();
        let mut progress = false;
        let sent = core::mem::take(&mut self.sent);
        for result in results.iter().filter(|r| sent.contains(&r.seq)) {
            progress = true;
            if result.status.accepted() {
                // `results` holds at most a batch.
                let _ = confirmed.push(result.seq);
            } else {
                self.refuse(result.seq, result.status, &result.message);
            }
        }
        self.confirmed = self.confirmed.saturating_add(u32::try_from(confirmed.len()).unwrap_or(0));
        // A mark that can't be taken out is sent again, and answered as the first time.
        if self.store.confirm(&confirmed).is_err() || !progress {
            self.link.stalled(now);
        }
        if let Some(live) = self.live.take() {
            match results.iter().find(|r| r.seq == live.seq) {
                Some(result) => self.show_result(now, &live, result),
                // The student was told "Saved" and that is still true.
                None => self.link.stalled(now),
            }
        }
    }

    fn on_batch_rejected(&mut self, now: u64, status: u16) {
        if self.sent.len() > 1 {
            // One of them makes no sense to the server; alone, each of the others does.
            self.batch = 1;
            return self.give_up(now, Kind::Marks);
        }
        if let Some(seq) = self.sent.first().copied() {
            let message: Text<20> = format(format_args!("Refused ({status})"));
            self.refuse(seq, Status::Invalid, &message);
        }
        self.live = None;
        self.batch = BATCH;
    }

    /// Keeps a refused mark for the teacher.
    fn refuse(&mut self, seq: u32, status: Status, message: &str) {
        let Ok(marks) = self.store.find(seq) else { return };
        if let Some(mark) = marks {
            // If this fails the mark stays in the queue and is asked about again.
            let _ = self.store.refuse(&Refused { mark, status, message: clipped(message) });
        }
    }

    fn show_result(&mut self, now: u64, mark: &Mark, result: &MarkResult) {
        let owner = match result.roll {
            Some(roll) => format(format_args!("Roll {roll}")),
            None => self.slots.owner(mark.slot),
        };
        let message =
            if result.message.is_empty() { face::word(result.status) } else { result.message.as_str() };
        let view = match &result.student {
            Some(name) => View::named(message, name, &owner),
            None => View::new(message, &owner),
        };
        let view = if result.status.accepted() { view } else { view.with_note(face::ASK_TEACHER) };
        self.shown = Some(Shown { view, until: now + SHOW });
    }
}
