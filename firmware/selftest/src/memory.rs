//! NOR flash in RAM, whose power can be cut.

use embedded_storage::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, NorFlashErrorKind, ReadNorFlash};

/// Bytes: what a device has.
pub const FLASH: usize = 80 * 4096;

pub struct Ram {
    bytes: [u8; FLASH],
    left: Option<u32>,
}

impl Ram {
    pub const fn blank() -> Self {
        Self { bytes: [0xFF; FLASH], left: None }
    }

    pub fn wipe(&mut self) {
        self.bytes.fill(0xFF);
    }

    /// After so many more bytes written or erased everything fails.
    pub fn cut_after(&mut self, bytes: Option<u32>) {
        self.left = bytes;
    }

    fn range(&self, offset: u32, length: usize) -> Result<core::ops::Range<usize>, NorFlashErrorKind> {
        let range = offset as usize..offset as usize + length;
        if self.left == Some(0) {
            return Err(NorFlashErrorKind::Other);
        }
        if range.end > FLASH { Err(NorFlashErrorKind::OutOfBounds) } else { Ok(range) }
    }

    fn spend(&mut self) -> Result<(), NorFlashErrorKind> {
        match &mut self.left {
            Some(0) => Err(NorFlashErrorKind::Other),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl ErrorType for Ram {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Ram {
    const READ_SIZE: usize = 4;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let range = self.range(offset, bytes.len())?;
        bytes.copy_from_slice(&self.bytes[range]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        FLASH
    }
}

impl NorFlash for Ram {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        for at in self.range(from, (to - from) as usize)? {
            self.spend()?;
            self.bytes[at] = 0xFF;
        }
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        for (at, byte) in self.range(offset, bytes.len())?.zip(bytes) {
            self.spend()?;
            self.bytes[at] &= byte;
        }
        Ok(())
    }
}

impl MultiwriteNorFlash for Ram {}
