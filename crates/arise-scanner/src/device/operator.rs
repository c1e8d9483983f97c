//! The operator at the serial console, and the tasks of an administrator.

use embedded_storage::nor_flash::MultiwriteNorFlash;

use super::{Ask, Device, Shown, face};
use crate::{
    config::Config,
    console::{self, Command, Edited, HELP, Usage},
    finger::{Job, JobEnd, Prompt},
    refused::Refused,
    text::{Text, format},
};

/// Refused marks printed at a time.
const LISTED: usize = 20;

impl<F: MultiwriteNorFlash> Device<F> {
    pub(super) fn on_console(&mut self, now: u64, bytes: &[u8]) {
        for byte in bytes {
            match self.editor.push(*byte) {
                Edited::Nothing => {}
                // A character of several bytes is echoed as a dot, because the text waiting to be printed is UTF-8.
                Edited::Echo(byte) if byte.is_ascii() => self.say(format_args!("{}", char::from(byte))),
                Edited::Echo(byte) if byte & 0xC0 == 0xC0 => self.say(format_args!(".")),
                Edited::Echo(_) => {}
                Edited::Erased => self.say(format_args!("\x08 \x08")),
                Edited::Refused => self.say(format_args!("\r\nthe line is too long\r\n> ")),
                Edited::Line(line) => {
                    self.say(format_args!("\r\n"));
                    self.on_line(now, &line);
                    self.say(format_args!("> "));
                }
            }
        }
    }

    /// Adds text for the operator; what doesn't fit is dropped, because nobody may wait for a terminal.
    pub(super) fn say(&mut self, text: core::fmt::Arguments<'_>) {
        let text: Text<256> = format(text);
        for c in text.chars() {
            if self.console.push(c).is_err() {
                return;
            }
        }
    }

    /// Tells the operator something that wasn't just asked for, on a line of its own.
    pub(super) fn announce(&mut self, text: core::fmt::Arguments<'_>) {
        self.say(format_args!("\r\n"));
        self.say(text);
        self.say(format_args!("\r\n> "));
    }

    fn on_line(&mut self, now: u64, line: &str) {
        let command = match console::parse(line) {
            None => return,
            Some(Err(Usage(usage))) => return self.say(format_args!("{usage}\r\n")),
            Some(Ok(command)) => command,
        };
        let asked = self.ask.take();
        match command {
            Command::Yes => self.on_yes(asked),
            Command::Help => {
                for line in HELP.lines() {
                    self.say(format_args!("{line}\r\n"));
                }
            }
            Command::Wifi { ssid, password } => {
                let config = Config { ssid, password, ..self.store.config.clone() };
                self.configure(config);
                self.wifi_at = now;
                self.link.rssi = None;
            }
            Command::Server(server) => {
                let config = Config { server, ..self.store.config.clone() };
                self.configure(config);
                self.link.renew();
            }
            Command::Pair(code) => {
                if self.server().is_none() {
                    return self.say(format_args!("say `server URL` first\r\n"));
                }
                self.pair_code = Some(code);
                self.link.renew();
                self.say(format_args!("asking the server\r\n"));
            }
            Command::Config => self.print_config(now),
            Command::ResetConfig => {
                self.ask = Some(Ask::ResetConfig);
                self.say(format_args!("forget network, server and pairing? marks are kept. say `yes`\r\n"));
            }
            Command::DeleteAll => {
                self.ask = Some(Ask::DeleteAll);
                self.say(format_args!("delete every finger? say `yes`\r\n"));
            }
            Command::Enroll(slot) => self.start(Job::Enroll(slot)),
            Command::Delete(slot) => self.start(Job::Delete(slot)),
            Command::Match => self.start(Job::Match),
            Command::TestSensor => self.start(Job::Test),
            Command::SensorInfo => self.start(Job::Info),
            Command::Queue => {
                let (queued, refused) = (self.store.queued(), self.store.refused());
                self.say(format_args!("{queued} waiting, {refused} refused\r\n"));
            }
            Command::Refused => self.print_refused(),
            Command::ClearRefused => match self.store.clear_refused() {
                Ok(()) => self.say(format_args!("done\r\n")),
                Err(_) => self.say(format_args!("memory fails\r\n")),
            },
        }
    }

    fn on_yes(&mut self, asked: Option<Ask>) {
        match asked {
            None => self.say(format_args!("nothing was asked\r\n")),
            Some(Ask::DeleteAll) => self.start(Job::DeleteAll),
            Some(Ask::ResetConfig) => {
                self.configure(Config::default());
                if self.store.set_identity(None).is_err() {
                    self.say(format_args!("memory fails\r\n"));
                }
                self.session = None;
                self.link.rssi = None;
            }
        }
    }

    fn configure(&mut self, config: Config) {
        match self.store.set_config(config) {
            Ok(()) => self.say(format_args!("kept\r\n")),
            Err(_) => self.say(format_args!("memory fails\r\n")),
        }
    }

    fn start(&mut self, job: Job) {
        if !self.finger.start(job) {
            self.say(format_args!("another task is under way\r\n"));
        }
    }

    fn print_config(&mut self, now: u64) {
        let config = self.store.config.clone();
        let secret = if config.password.is_empty() { "none" } else { "set" };
        self.say(format_args!("network \"{}\", password {secret}\r\n", config.ssid));
        self.say(format_args!("server {}\r\n", config.server));
        let paired = self.store.identity.as_ref().map(|i| i.device_id.clone());
        match paired {
            Some(id) => self.say(format_args!("paired as {id}\r\n")),
            None => self.say(format_args!("not paired\r\n")),
        }
        let (mac, firmware, boot) = (self.info.mac.clone(), self.info.firmware, self.store.boot);
        let online = if self.link.online(now) { "answers" } else { "is silent" };
        self.say(format_args!("address {mac}, firmware {firmware}, start {boot}\r\n"));
        self.say(format_args!("the server {online}\r\n"));
    }

    fn print_refused(&mut self) {
        let skip = self.store.refused().saturating_sub(LISTED);
        let Ok(list) = self.store.refused_list::<LISTED>(skip) else {
            return self.say(format_args!("memory fails\r\n"));
        };
        if list.is_empty() {
            return self.say(format_args!("none\r\n"));
        }
        for Refused { mark, status, message } in &list {
            let (seq, word) = (mark.seq, status.word());
            let place = self.slots.place(mark.slot);
            self.say(format_args!("#{seq} {place}: {word} \"{message}\"\r\n"));
        }
    }

    pub(super) fn on_prompt(&mut self, prompt: Prompt) {
        let view = face::prompt(prompt, self.finger.job(), self.slots);
        self.announce(format_args!("{} {}", view.main(), view.sub()[0]));
        // A prompt stays until the next one; a task always ends.
        self.shown = Some(Shown { view, until: u64::MAX });
    }

    pub(super) fn on_job_end(&mut self, now: u64, end: JobEnd) {
        if matches!(end, JobEnd::Enrolled(_) | JobEnd::Deleted(_) | JobEnd::DeletedAll | JobEnd::Info { .. })
        {
            self.slots_told = false;
        }
        let view = face::job_end(end, self.slots);
        self.announce(format_args!("{} {} {}", view.main(), view.sub()[0], view.sub()[1]));
        self.show(now, view);
    }
}
