//! A first-in first-out list of fixed records in flash, on top of `sequential-storage`.
//!
//! The library keeps each record with a checksum and goes round its pages, so that wear is even. What it doesn't do is
//! mend a page whose *erasure* was cut: such a page may look open but not be blank, look half-written, or
//! look full of records that are neither valid nor gone. Pages are erased only once every record on them has been taken out,
//! so a page without a valid record can always be erased again; [`Queue::open`] does that.

use core::ops::Range;

use embedded_storage::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};
use embedded_storage_async::nor_flash as asynch;
use heapless::Vec;
use sequential_storage::{
    cache::{Cache, Uncached, page_pointers::ArrayPagePointers, page_states::ArrayPageStates},
    queue::{QueueConfig, QueueStorage},
};

use crate::{
    flash::{Blocking, FlashError, run},
    session::MAX_ENCODED,
};

/// The longest record, and the buffer for one.
pub const MAX_RECORD: usize = 1 + MAX_ENCODED.next_multiple_of(4) + 3;

type PageCache<const PAGES: usize> = Cache<ArrayPageStates<PAGES>, ArrayPagePointers<PAGES>, Uncached>;

/// A list whose region has at most `PAGES` pages. It doesn't own the flash, because three regions share one chip.
#[derive(Debug)]
pub struct Queue<const PAGES: usize> {
    range: Range<u32>,
    cache: PageCache<PAGES>,
    count: usize,
}

/// What to do with a record that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visit {
    Keep,
    Remove,
    /// Keep this one and look no further.
    Stop,
}

impl<const PAGES: usize> Queue<PAGES> {
    /// Mends what a power cut left, then counts the records, showing each to `see`.
    pub fn open<F: MultiwriteNorFlash>(
        flash: &mut F,
        range: Range<u32>,
        mut see: impl FnMut(&[u8]),
    ) -> Result<Self, FlashError> {
        mend(flash, &range)?;
        let mut queue = Self { range, cache: new_cache(), count: 0 };
        let mut count = 0;
        queue.visit(flash, |record| {
            count += 1;
            see(record);
            Visit::Keep
        })?;
        queue.count = count;
        Ok(queue)
    }

    /// Records held.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Adds a record; once this has returned `Ok` it is in flash. With `overwrite` the oldest page of records makes room.
    pub fn push<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        record: &[u8],
        overwrite: bool,
    ) -> Result<(), FlashError> {
        let pushed = self.with(flash, |mut storage| {
            let result = run(storage.push(record, overwrite));
            (result, storage)
        });
        match pushed {
            Ok(()) if overwrite => self.recount(flash),
            Ok(()) => {
                self.count += 1;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Shows the records, oldest first, and removes those that `decide` says.
    pub fn visit<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        mut decide: impl FnMut(&[u8]) -> Visit,
    ) -> Result<(), FlashError> {
        let mut removed = 0;
        let result = self.with(flash, |mut storage| {
            let result = run(async {
                let mut iterator = storage.iter().await?;
                let mut buffer = Aligned([0; MAX_RECORD]);
                while let Some(entry) = iterator.next(&mut buffer.0).await? {
                    match decide(&entry) {
                        Visit::Keep => {}
                        Visit::Remove => {
                            entry.pop().await?;
                            removed += 1;
                        }
                        Visit::Stop => break,
                    }
                }
                Ok(())
            });
            (result, storage)
        });
        self.count = self.count.saturating_sub(removed);
        result
    }

    fn recount<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<(), FlashError> {
        let mut count = 0;
        self.visit(flash, |_| {
            count += 1;
            Visit::Keep
        })?;
        self.count = count;
        Ok(())
    }

    fn with<'f, F: MultiwriteNorFlash, T>(
        &mut self,
        flash: &'f mut F,
        work: impl FnOnce(
            QueueStorage<Blocking<'f, F>, PageCache<PAGES>>,
        ) -> (Result<T, FlashError>, QueueStorage<Blocking<'f, F>, PageCache<PAGES>>),
    ) -> Result<T, FlashError> {
        let config = QueueConfig::try_new(self.range.clone()).map_err(|_| FlashError::Corrupt)?;
        let cache = core::mem::replace(&mut self.cache, new_cache());
        let (result, storage) = work(QueueStorage::new(Blocking(flash), config, cache));
        // After an error the cache may speak of writes that never happened; the next call reads the flash anew.
        if result.is_ok() {
            self.cache = storage.destroy().1;
        }
        result
    }
}

fn new_cache<const PAGES: usize>() -> PageCache<PAGES> {
    Cache::new(ArrayPageStates::new(), ArrayPagePointers::new(), Uncached)
}

#[repr(align(4))]
struct Aligned<const N: usize>([u8; N]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageState {
    Blank,
    /// Nothing on it can be trusted to be a page of records.
    Scrap,
    Open,
    Closed,
}

/// Erases pages that hold no record but aren't blank; see the head of this file. The one open page of a sound queue stays.
fn mend<F: NorFlash>(flash: &mut F, range: &Range<u32>) -> Result<(), FlashError> {
    let size = u32::try_from(F::ERASE_SIZE).map_err(|_| FlashError::Corrupt)?;
    let pages = || range.clone().step_by(F::ERASE_SIZE);
    let mut open = 0;
    for page in pages() {
        open += usize::from(state(flash, page, size)? == PageState::Open);
    }
    for page in pages() {
        let scrap = match state(flash, page, size)? {
            PageState::Blank => false,
            PageState::Scrap => true,
            PageState::Open => open > 1 && !has_record(flash, page, size)?,
            PageState::Closed => !has_record(flash, page, size)?,
        };
        if scrap {
            flash.erase(page, page + size).map_err(|_| FlashError::Chip)?;
        }
    }
    Ok(())
}

fn state<F: NorFlash>(flash: &mut F, page: u32, size: u32) -> Result<PageState, FlashError> {
    let word = word::<F>();
    let marked = |bytes: &[u8]| bytes.iter().map(|b| b.count_zeros()).sum::<u32>() >= 4;
    let mut buffer = Aligned([0; 64]);
    let mut blank = true;
    let (mut first, mut last) = (false, false);
    for at in (page..page + size).step_by(64) {
        let bytes = &mut buffer.0[..64.min(F::ERASE_SIZE)];
        flash.read(at, bytes).map_err(|_| FlashError::Chip)?;
        blank &= bytes.iter().all(|b| *b == 0xFF);
        if at == page {
            first = marked(&bytes[..word]);
        }
        last = marked(&bytes[bytes.len() - word..]);
    }
    Ok(match (blank, first, last) {
        (true, ..) => PageState::Blank,
        (_, false, _) => PageState::Scrap,
        (_, true, false) => PageState::Open,
        (_, true, true) => PageState::Closed,
    })
}

/// Whether a page holds a record with a right checksum, as the library itself sees it.
fn has_record<F: NorFlash>(flash: &mut F, page: u32, size: u32) -> Result<bool, FlashError> {
    let config = QueueConfig::try_new(page..page + size).map_err(|_| FlashError::Corrupt)?;
    let mut storage = QueueStorage::new(AsOpen { flash, page, size }, config, Cache::new_uncached());
    let mut buffer = Aligned([0; MAX_RECORD]);
    match run(storage.peek(&mut buffer.0)) {
        Ok(record) => Ok(record.is_some()),
        Err(FlashError::Corrupt | FlashError::Full) => Ok(false),
        Err(FlashError::Chip) => Err(FlashError::Chip),
    }
}

const fn word<F: NorFlash>() -> usize {
    if F::WRITE_SIZE > F::READ_SIZE { F::WRITE_SIZE } else { F::READ_SIZE }
}

/// One page shown as if it were begun and not yet full, so that the library reads it alone; it can't be written.
struct AsOpen<'a, F> {
    flash: &'a mut F,
    page: u32,
    size: u32,
}

impl<F: ErrorType> ErrorType for AsOpen<'_, F> {
    type Error = F::Error;
}

impl<F: NorFlash> asynch::ReadNorFlash for AsOpen<'_, F> {
    const READ_SIZE: usize = F::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.flash.read(offset, bytes)?;
        let word = u32::try_from(word::<F>()).unwrap_or(4);
        for (at, byte) in (offset..).zip(bytes.iter_mut()) {
            if at < self.page + word {
                *byte = 0;
            } else if at >= self.page + self.size - word {
                *byte = 0xFF;
            }
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.flash.capacity()
    }
}

impl<F: NorFlash> asynch::NorFlash for AsOpen<'_, F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    async fn erase(&mut self, _: u32, _: u32) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn write(&mut self, _: u32, _: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Collects up to `N` records that `pick` turns into something, oldest first.
pub fn collect<T, const N: usize, const PAGES: usize, F: MultiwriteNorFlash>(
    queue: &mut Queue<PAGES>,
    flash: &mut F,
    mut pick: impl FnMut(&[u8]) -> Option<T>,
) -> Result<Vec<T, N>, FlashError> {
    let mut out = Vec::new();
    queue.visit(flash, |record| {
        if out.is_full() {
            return Visit::Stop;
        }
        if let Some(item) = pick(record) {
            // There is room, as was just seen.
            let _ = out.push(item);
        }
        Visit::Keep
    })?;
    Ok(out)
}
