//! From a finger that was recognised to a mark in flash.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use super::{Device, HOLD, Held, face};
use crate::flash::FlashError;
use crate::mark::Mark;
use crate::screen::View;
use crate::session::SessionId;

impl<F: MultiwriteNorFlash> Device<F> {
    /// A student's finger was recognised.
    pub(super) fn on_student(&mut self, now: u64, slot: u16) {
        if self.store.identity.is_none() {
            return self.show(now, face::NOT_PAIRED.view());
        }
        if let Some(session) = self.session_now(now) {
            return self.save(now, slot, now, Some(session));
        }
        let held = Held { slot, uptime_ms: now, deadline: now + HOLD };
        if !self.link.online(now) {
            let session = self.session_offline(now);
            return self.save(now, slot, now, session);
        }
        if self.state_sent.is_some_and(|sent| sent >= self.touched_at) {
            return self.no_session(now);
        }
        self.want_state = true;
        self.held = Some(held);
    }

    /// Decides about a held finger once the server has answered, or hasn't.
    pub(super) fn release_held(&mut self, now: u64) {
        let Some(held) = self.held.take() else { return };
        if let Some(session) = self.session_now(now) {
            self.save(now, held.slot, held.uptime_ms, Some(session));
        } else if self.state_sent.is_some_and(|sent| sent >= self.touched_at) {
            self.no_session(now);
        } else {
            let session = self.session_offline(held.uptime_ms);
            self.save(now, held.slot, held.uptime_ms, session);
        }
    }

    fn no_session(&mut self, now: u64) {
        let view = match &self.message {
            Some(message) => View::new(message, face::ASK_TEACHER),
            None => face::NO_SESSION_YET.view(),
        };
        self.show(now, view);
    }

    /// The session that the server chose, while its time lasts.
    pub(super) fn session_now(&self, now: u64) -> Option<SessionId> {
        let session = self.session.as_ref()?;
        let open = self.clock.at(now).is_none_or(|time| time < session.ends_at);
        open.then_some(session.id)
    }

    /// The session that is most likely open, from what was last heard.
    pub(super) fn session_offline(&self, now: u64) -> Option<SessionId> {
        let time = self.clock.at_least(now)?;
        self.store.windows.only_open(time).map(|w| w.id)
    }

    /// Writes the mark to flash, and only then says so.
    fn save(&mut self, now: u64, slot: u16, uptime_ms: u64, session: Option<SessionId>) {
        self.live = None;
        let mark = Mark {
            seq: 0,
            session,
            slot,
            boot: self.store.boot,
            uptime_ms,
            observed_at: self.clock.at(uptime_ms),
        };
        match self.store.push(mark) {
            Ok(mark) => {
                self.live = Some(mark);
                let owner = self.slots.owner(slot);
                let note = if self.link.online(now) { "" } else { face::SENT_LATER };
                self.show(now, View::new(face::SAVED, &owner).with_note(note));
            }
            Err(FlashError::Full) => self.show(now, face::MEMORY_FULL.view()),
            Err(_) => self.show(now, face::NOT_SAVED.view()),
        }
    }
}
