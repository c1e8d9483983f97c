//! NOR flash: where things lie on it, and how the storage library's futures are run on a chip that answers at once.

use core::{
    ops::Range,
    pin::pin,
    task::{Context, Poll, Waker},
};

use embedded_storage::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};
use embedded_storage_async::nor_flash as asynch;

/// Why something could not be kept or found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashError {
    /// No room; what was there is still there.
    Full,
    /// The chip refused an operation.
    Chip,
    /// What was read makes no sense, even after repair.
    Corrupt,
}

/// Pages of each region at most; the caches in memory are this long.
pub const MAX_SETTINGS_PAGES: usize = 8;
/// See [`MAX_SETTINGS_PAGES`].
pub const MAX_REFUSED_PAGES: usize = 8;
/// See [`MAX_SETTINGS_PAGES`]. Pages of 4 KiB hold 85 marks each, 5,440 in all.
pub const MAX_QUEUE_PAGES: usize = 64;

/// Where the three regions lie, in bytes from the start of the flash that is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub settings: Range<u32>,
    pub refused: Range<u32>,
    pub queue: Range<u32>,
}

impl Layout {
    /// Regions of so many pages of `page` bytes, one after another from the start of the flash; more pages than
    /// the limits above are left unused, and fewer than 2 are made 2, because one must be erased while the other holds.
    #[must_use]
    pub fn new(page: u32, settings: usize, refused: usize, queue: usize) -> Self {
        let bytes = |pages: usize, limit| u32::try_from(pages.clamp(2, limit)).unwrap_or(2) * page;
        let first = bytes(settings, MAX_SETTINGS_PAGES);
        let second = first + bytes(refused, MAX_REFUSED_PAGES);
        let third = second + bytes(queue, MAX_QUEUE_PAGES);
        Self { settings: 0..first, refused: first..second, queue: second..third }
    }

    /// The layout of a real device: 80 pages of 4 KiB, which is 320 KiB.
    #[must_use]
    pub fn device() -> Self {
        Self::new(4096, MAX_SETTINGS_PAGES, MAX_REFUSED_PAGES, MAX_QUEUE_PAGES)
    }

    /// Bytes that the flash must have.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.queue.end
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.queue.end == 0
    }
}

/// Shows a blocking flash to the storage library, which is written for asynchronous ones.
#[derive(Debug)]
pub(crate) struct Blocking<'a, F>(pub(crate) &'a mut F);

impl<F: ErrorType> ErrorType for Blocking<'_, F> {
    type Error = F::Error;
}

impl<F: ReadNorFlash> asynch::ReadNorFlash for Blocking<'_, F> {
    const READ_SIZE: usize = F::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<F: NorFlash> asynch::NorFlash for Blocking<'_, F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.0.erase(from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.write(offset, bytes)
    }
}

impl<F: MultiwriteNorFlash> asynch::MultiwriteNorFlash for Blocking<'_, F> {}

/// Runs a future over [`Blocking`] flash, which is ready at the first poll.
pub(crate) fn run<T, E>(
    future: impl Future<Output = Result<T, sequential_storage::Error<E>>>,
) -> Result<T, FlashError> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(value)) => Ok(value),
        Poll::Ready(Err(sequential_storage::Error::FullStorage)) => Err(FlashError::Full),
        Poll::Ready(Err(sequential_storage::Error::Storage { .. })) | Poll::Pending => Err(FlashError::Chip),
        Poll::Ready(Err(_)) => Err(FlashError::Corrupt),
    }
}
