//! Everything a device must not forget, on one flash chip: settings, the queue of marks, the refused marks.

use embedded_storage::nor_flash::MultiwriteNorFlash;
use heapless::Vec;

use crate::{
    clock::Clock,
    config::{Config, Identity},
    counter::Counter,
    flash::{FlashError, Layout, MAX_QUEUE_PAGES, MAX_REFUSED_PAGES},
    mark::Mark,
    queue::{self, Queue, Visit},
    refused::Refused,
    session::Windows,
    settings::Settings,
};

/// Marks in one request. 500 are allowed; 20 keep request and answer within a few kilobytes of memory.
pub const BATCH: usize = 20;

/// The device's memory. All of it is blocking: a write takes up to 1 ms, an erasure of a page about 50 ms.
#[derive(Debug)]
pub struct Store<F> {
    flash: F,
    settings: Settings,
    queue: Queue<MAX_QUEUE_PAGES>,
    refused: Queue<MAX_REFUSED_PAGES>,
    seq: Counter,
    request: Counter,
    /// Which start of the device this is, from 1.
    pub boot: u32,
    pub config: Config,
    pub identity: Option<Identity>,
    pub windows: Windows,
    /// The last wall clock that was written down, UTC ms.
    pub last_time: Option<i64>,
}

impl<F: MultiwriteNorFlash> Store<F> {
    /// Reads the flash, mends what a power cut left, and counts this start.
    pub fn open(mut flash: F, layout: &Layout) -> Result<Self, FlashError> {
        let mut settings = Settings::open(&mut flash, layout.settings.clone())?;
        let mut newest = 0;
        let queue = Queue::open(&mut flash, layout.queue.clone(), |record| {
            newest = newest.max(Mark::decode(record).map_or(0, |m| u64::from(m.seq)));
        })?;
        let refused = Queue::open(&mut flash, layout.refused.clone(), |_| {})?;
        let boot = settings.next_boot(&mut flash)?;
        Ok(Self {
            seq: Counter::restarted(settings.seq_reserve(&mut flash)?.max(newest)),
            request: Counter::restarted(settings.request_reserve(&mut flash)?),
            config: settings.config(&mut flash)?,
            identity: settings.identity(&mut flash)?,
            windows: settings.windows(&mut flash)?,
            last_time: settings.last_time(&mut flash)?,
            boot,
            flash,
            settings,
            queue,
            refused,
        })
    }

    /// Gives the flash back.
    pub fn close(self) -> F {
        self.flash
    }

    /// Marks that the server hasn't confirmed.
    #[must_use]
    pub const fn queued(&self) -> usize {
        self.queue.count()
    }

    /// Marks that the server refused.
    #[must_use]
    pub const fn refused(&self) -> usize {
        self.refused.count()
    }

    /// Writes a mark and gives it its number. After `Ok` it survives a loss of power; [`FlashError::Full`] when over
    /// 5,000 marks wait.
    pub fn push(&mut self, mut mark: Mark) -> Result<Mark, FlashError> {
        if let Some(reserve) = self.seq.must_reserve() {
            self.settings.set_seq_reserve(&mut self.flash, reserve)?;
            self.seq.reserved(reserve);
        }
        let seq = self.seq.take().ok_or(FlashError::Full)?;
        mark.seq = u32::try_from(seq).map_err(|_| FlashError::Full)?;
        self.queue.push(&mut self.flash, &mark.encode(), false)?;
        Ok(mark)
    }

    /// The oldest marks that wait, with times and sessions that have become known since. `first`, the mark that a student is
    /// waiting for, is put at the end if the queue is longer than a batch.
    pub fn batch(
        &mut self,
        limit: usize,
        first: Option<Mark>,
        clock: &Clock,
    ) -> Result<Vec<Mark, BATCH>, FlashError> {
        let limit = limit.clamp(1, BATCH);
        let (boot, windows) = (self.boot, &self.windows);
        let mut out: Vec<Mark, BATCH> = Vec::new();
        self.queue.visit(&mut self.flash, |record| {
            if out.len() >= limit {
                return Visit::Stop;
            }
            if let Some(mark) = Mark::decode(record) {
                let _ = out.push(mark.resolved(boot, clock, windows));
            }
            Visit::Keep
        })?;
        if let Some(first) = first
            && !out.iter().any(|m| m.seq == first.seq)
        {
            if out.len() >= limit {
                out.pop();
            }
            let _ = out.push(first.resolved(boot, clock, windows));
        }
        Ok(out)
    }

    /// Shows every waiting mark, oldest first, as it was written.
    pub fn each(&mut self, mut see: impl FnMut(&Mark)) -> Result<(), FlashError> {
        self.queue.visit(&mut self.flash, |record| {
            if let Some(mark) = Mark::decode(record) {
                see(&mark);
            }
            Visit::Keep
        })
    }

    /// The waiting mark with this number.
    pub fn find(&mut self, seq: u32) -> Result<Option<Mark>, FlashError> {
        let mut found = None;
        self.queue.visit(&mut self.flash, |record| {
            found = Mark::decode(record).filter(|m| m.seq == seq);
            if found.is_some() { Visit::Stop } else { Visit::Keep }
        })?;
        Ok(found)
    }

    /// Takes marks out of the queue: the server has them.
    pub fn confirm(&mut self, seqs: &[u32]) -> Result<(), FlashError> {
        let mut left = seqs.len();
        self.queue.visit(&mut self.flash, |record| {
            if left == 0 {
                return Visit::Stop;
            }
            match Mark::decode(record) {
                Some(mark) if seqs.contains(&mark.seq) => {
                    left -= 1;
                    Visit::Remove
                }
                // A record of another form can't be sent by this version; it stays for one that can.
                _ => Visit::Keep,
            }
        })
    }

    /// Moves a mark from the queue to the refused ones. It is written there before it is taken out here, and a mark that
    /// a power cut left in both isn't written again.
    pub fn refuse(&mut self, refused: &Refused) -> Result<(), FlashError> {
        let mut known = false;
        self.refused.visit(&mut self.flash, |record| {
            known |= Refused::decode(record).is_some_and(|r| r.mark.seq == refused.mark.seq);
            if known { Visit::Stop } else { Visit::Keep }
        })?;
        if !known {
            self.refused.push(&mut self.flash, &refused.encode(), true)?;
        }
        self.confirm(&[refused.mark.seq])
    }

    /// Refused marks, oldest first, after leaving out `skip`.
    pub fn refused_list<const N: usize>(&mut self, skip: usize) -> Result<Vec<Refused, N>, FlashError> {
        let mut left = skip;
        queue::collect(&mut self.refused, &mut self.flash, |record| {
            if left > 0 {
                left -= 1;
                return None;
            }
            Refused::decode(record)
        })
    }

    /// Forgets the refused marks, once the teacher has dealt with them.
    pub fn clear_refused(&mut self) -> Result<(), FlashError> {
        self.refused.visit(&mut self.flash, |_| Visit::Remove)
    }

    /// A request counter, higher than any before on this device.
    pub fn next_request(&mut self) -> Result<u64, FlashError> {
        if let Some(reserve) = self.request.must_reserve() {
            self.settings.set_request_reserve(&mut self.flash, reserve)?;
            self.request.reserved(reserve);
        }
        self.request.take().ok_or(FlashError::Full)
    }

    pub fn set_config(&mut self, config: Config) -> Result<(), FlashError> {
        if config != self.config {
            self.settings.set_config(&mut self.flash, &config)?;
            self.config = config;
        }
        Ok(())
    }

    pub fn set_identity(&mut self, identity: Option<Identity>) -> Result<(), FlashError> {
        self.settings.set_identity(&mut self.flash, identity.as_ref())?;
        self.identity = identity;
        Ok(())
    }

    /// Remembers sessions; flash is written only if they changed.
    pub fn set_windows(&mut self, windows: Windows) -> Result<(), FlashError> {
        if windows != self.windows {
            self.settings.set_windows(&mut self.flash, &windows)?;
            self.windows = windows;
        }
        Ok(())
    }

    pub fn set_last_time(&mut self, utc_ms: i64) -> Result<(), FlashError> {
        self.settings.set_last_time(&mut self.flash, utc_ms)?;
        self.last_time = Some(utc_ms);
        Ok(())
    }
}
