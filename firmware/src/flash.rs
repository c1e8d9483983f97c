//! The partition `arise` as a flash of its own, which begins at 0.

use embedded_storage::nor_flash::{ErrorType, MultiwriteNorFlash, NorFlash, ReadNorFlash};
use esp_bootloader_esp_idf::partitions::{PARTITION_TABLE_MAX_LEN, read_partition_table};
use esp_storage::{FlashStorage, FlashStorageError};

/// The partition's label in `partitions.csv`.
const LABEL: &str = "arise";

/// A part of the flash chip; nothing outside of it can be touched through it.
pub struct Region {
    flash: FlashStorage<'static>,
    start: u32,
    length: u32,
}

impl Region {
    /// Finds the partition; `None` if the table lacks it or it is shorter than `length` bytes.
    pub fn find(mut flash: FlashStorage<'static>, length: u32) -> Option<Self> {
        let mut bytes = [0; PARTITION_TABLE_MAX_LEN];
        let table = read_partition_table(&mut flash, &mut bytes).ok()?;
        let entry = table.iter().find(|entry| entry.label_as_str() == LABEL)?;
        let (start, found) = (entry.offset(), entry.len());
        (found >= length).then_some(Self { flash, start, length })
    }

    fn place(&self, offset: u32, length: usize) -> Result<u32, FlashStorageError> {
        let end = u32::try_from(length).ok().and_then(|length| offset.checked_add(length));
        match end {
            Some(end) if end <= self.length => Ok(self.start + offset),
            _ => Err(FlashStorageError::OutOfBounds),
        }
    }
}

impl ErrorType for Region {
    type Error = FlashStorageError;
}

impl ReadNorFlash for Region {
    const READ_SIZE: usize = FlashStorage::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashStorageError> {
        let at = self.place(offset, bytes.len())?;
        self.flash.read_nor(at, bytes)
    }

    fn capacity(&self) -> usize {
        self.length as usize
    }
}

impl NorFlash for Region {
    const WRITE_SIZE: usize = FlashStorage::WRITE_SIZE;
    const ERASE_SIZE: usize = FlashStorage::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashStorageError> {
        let length = to.checked_sub(from).ok_or(FlashStorageError::OutOfBounds)?;
        let at = self.place(from, length as usize)?;
        self.flash.erase(at, at + length)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashStorageError> {
        let at = self.place(offset, bytes.len())?;
        self.flash.write_nor(at, bytes)
    }
}

// Bits of a written word may be cleared later: the chip is NOR flash without error correction over words.
impl MultiwriteNorFlash for Region {}
