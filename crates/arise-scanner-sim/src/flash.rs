//! NOR flash with the rules of the real thing, whose power can be cut at any byte.
//!
//! Writing only clears bits, erasing sets a whole page, both in units of bytes that take time: a power cut in between
//! leaves some bytes done, one half done, and the rest as they were.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

use embedded_storage::nor_flash::{
    ErrorType, MultiwriteNorFlash, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

/// What an erasure that is cut short leaves behind. Chips differ, and don't say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tear {
    /// The page's beginning is erased and its end isn't.
    Forward,
    /// The page's end is erased and its beginning isn't.
    Backward,
    /// Every bit is what it was or erased, at random.
    Scattered(u64),
}

/// Why an operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimFlashError {
    OutOfBounds,
    NotAligned,
    /// The power is gone, and with it everything that isn't in flash.
    PowerCut,
    /// The file behind it could not be read or written.
    File,
}

impl NorFlashError for SimFlashError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            Self::PowerCut | Self::File => NorFlashErrorKind::Other,
        }
    }
}

/// Flash with pages of `PAGE` bytes, read and written in words of 4 bytes as on the ESP32-C3.
#[derive(Debug)]
pub struct SimFlash<const PAGE: usize = 4096> {
    bytes: Vec<u8>,
    file: Option<File>,
    left: Option<u64>,
    tear: Tear,
    operations: u64,
    erasures: u64,
}

impl<const PAGE: usize> SimFlash<PAGE> {
    /// Blank flash of `length` bytes in memory.
    #[must_use]
    pub fn new(length: u32) -> Self {
        Self::from_bytes(vec![0xFF; length as usize])
    }

    /// Flash that holds these bytes.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, file: None, left: None, tear: Tear::Forward, operations: 0, erasures: 0 }
    }

    /// Flash of `length` bytes in a file, which is made if it isn't there. Bytes go to the disk at once. One that another
    /// process uses is refused.
    pub fn open(path: &Path, length: u32) -> std::io::Result<Self> {
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => std::io::Error::other("another scanner uses it"),
            TryLockError::Error(error) => error,
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if bytes.len() < length as usize {
            bytes.resize(length as usize, 0xFF);
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&bytes)?;
        }
        Ok(Self { file: Some(file), ..Self::from_bytes(bytes) })
    }

    /// Cuts the power after so many more bytes written or erased; an erasure cut short leaves what `tear` says.
    pub fn cut_after(&mut self, bytes: u64, tear: Tear) {
        self.left = Some(bytes);
        self.tear = tear;
    }

    /// Whether the power is gone.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        matches!(self.left, Some(0))
    }

    /// Bytes written and erased so far.
    #[must_use]
    pub const fn operations(&self) -> u64 {
        self.operations
    }

    /// Pages erased so far.
    #[must_use]
    pub const fn erasures(&self) -> u64 {
        self.erasures
    }

    /// What is in flash.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The power comes back: the same bytes, nothing else.
    #[must_use]
    pub fn restart(self) -> Self {
        Self { file: self.file, ..Self::from_bytes(self.bytes) }
    }

    fn check(&self, offset: u32, length: usize, unit: usize) -> Result<usize, SimFlashError> {
        let offset = offset as usize;
        if self.is_cut() {
            return Err(SimFlashError::PowerCut);
        }
        if !offset.is_multiple_of(unit) || !length.is_multiple_of(unit) {
            return Err(SimFlashError::NotAligned);
        }
        if offset + length > self.bytes.len() {
            return Err(SimFlashError::OutOfBounds);
        }
        Ok(offset)
    }

    /// How many of `wanted` bytes the power lasts for.
    fn spend(&mut self, wanted: usize) -> usize {
        let lasting =
            self.left.map_or(wanted, |left| wanted.min(usize::try_from(left).unwrap_or(usize::MAX)));
        if let Some(left) = &mut self.left {
            *left -= lasting as u64;
        }
        self.operations += lasting as u64;
        lasting
    }

    fn save(&mut self, from: usize, to: usize) -> Result<(), SimFlashError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = file
            .seek(SeekFrom::Start(from as u64))
            .and_then(|_| file.write_all(&self.bytes[from..to]))
            .and_then(|()| file.sync_data());
        written.map_err(|_| SimFlashError::File)
    }
}

impl<const PAGE: usize> ErrorType for SimFlash<PAGE> {
    type Error = SimFlashError;
}

impl<const PAGE: usize> ReadNorFlash for SimFlash<PAGE> {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), SimFlashError> {
        let at = self.check(offset, bytes.len(), Self::READ_SIZE)?;
        bytes.copy_from_slice(&self.bytes[at..at + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl<const PAGE: usize> NorFlash for SimFlash<PAGE> {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = PAGE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), SimFlashError> {
        let length = to.saturating_sub(from) as usize;
        let start = self.check(from, length, PAGE)?;
        let lasting = self.spend(length);
        let page = &mut self.bytes[start..start + length];
        if lasting == length && !matches!(self.left, Some(0)) {
            page.fill(0xFF);
            self.erasures += (length / PAGE) as u64;
        } else {
            match self.tear {
                Tear::Forward => page[..lasting].fill(0xFF),
                Tear::Backward => page[length - lasting..].fill(0xFF),
                Tear::Scattered(seed) => {
                    let mut random = Random(seed ^ lasting as u64);
                    for byte in page {
                        *byte |= random.byte();
                    }
                }
            }
        }
        self.save(start, start + length)?;
        if self.is_cut() { Err(SimFlashError::PowerCut) } else { Ok(()) }
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), SimFlashError> {
        let start = self.check(offset, bytes.len(), Self::WRITE_SIZE)?;
        let lasting = self.spend(bytes.len());
        for (to, from) in self.bytes[start..].iter_mut().zip(&bytes[..lasting]) {
            *to &= from;
        }
        if self.is_cut() && lasting < bytes.len() {
            // The byte under way has some of its bits cleared.
            let mut random = Random(self.operations);
            self.bytes[start + lasting] &= bytes[lasting] | random.byte();
        }
        self.save(start, start + bytes.len())?;
        if self.is_cut() { Err(SimFlashError::PowerCut) } else { Ok(()) }
    }
}

impl<const PAGE: usize> MultiwriteNorFlash for SimFlash<PAGE> {}

/// Repeatable noise (SplitMix64, Steele et al. 2014).
#[derive(Debug, Clone, Copy)]
pub struct Random(pub u64);

impl Random {
    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which must not be 0.
    pub const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaves_like_nor_flash() {
        let mut flash: SimFlash<64> = SimFlash::new(128);
        flash.write(0, &[0xF0, 1, 2, 3]).unwrap();
        flash.write(0, &[0x0F, 0xFF, 0xFF, 0xFF]).unwrap();
        assert_eq!(&flash.bytes()[..4], [0, 1, 2, 3]);
        assert_eq!(flash.write(2, &[0; 4]), Err(SimFlashError::NotAligned));
        assert_eq!(flash.erase(0, 32), Err(SimFlashError::NotAligned));
        assert_eq!(flash.write(128, &[0; 4]), Err(SimFlashError::OutOfBounds));
        flash.erase(0, 64).unwrap();
        assert_eq!(&flash.bytes()[..4], [0xFF; 4]);
    }

    #[test]
    fn a_cut_leaves_what_was_done() {
        let mut flash: SimFlash<64> = SimFlash::new(64);
        flash.cut_after(2, Tear::Forward);
        assert_eq!(flash.write(0, &[0, 0, 0, 0]), Err(SimFlashError::PowerCut));
        assert_eq!(flash.read(0, &mut [0; 4]), Err(SimFlashError::PowerCut));
        assert_eq!((flash.bytes()[1], flash.bytes()[3]), (0, 0xFF));
        let mut flash = flash.restart();
        flash.write(0, &[0; 4]).unwrap();
        flash.cut_after(60, Tear::Backward);
        assert_eq!(flash.erase(0, 64), Err(SimFlashError::PowerCut));
        assert_eq!(&flash.bytes()[..5], [0, 0, 0, 0, 0xFF]);
    }

    #[test]
    fn a_file_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flash.bin");
        let mut flash: SimFlash<64> = SimFlash::open(&path, 128).unwrap();
        flash.write(64, &[1, 2, 3, 4]).unwrap();
        assert_eq!(SimFlash::<64>::open(&path, 128).unwrap_err().to_string(), "another scanner uses it");
        drop(flash);
        let flash: SimFlash<64> = SimFlash::open(&path, 128).unwrap();
        assert_eq!(&flash.bytes()[64..69], [1, 2, 3, 4, 0xFF]);
    }
}
