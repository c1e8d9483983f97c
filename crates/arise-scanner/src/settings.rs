//! Small values in flash by key: configuration, identity, counters, sessions, the last known time.
//!
//! They are records in a [`Queue`] of their own, the newest of each key being its value. A value is replaced by
//! adding the new one and then taking out the old one, so a power cut leaves one of the two. With every change the oldest values are
//! carried to the end as well, so that the pages can go round.
//!
//! The storage library's own map isn't used because an erasure of its that is cut short can leave two pages that look
//! begun, and its repair may then erase the wrong one, the device's key with it.

use core::ops::Range;

use embedded_storage::nor_flash::MultiwriteNorFlash;
use heapless::Vec;

use crate::{
    config::{Config, Identity},
    flash::{FlashError, MAX_SETTINGS_PAGES},
    queue::{MAX_RECORD, Queue, Visit},
    session::Windows,
    text::clipped,
};

/// Keys are numbered from 1.
const KEYS: usize = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Name {
    Ssid = 1,
    Password = 2,
    Server = 3,
    Identity = 4,
    RequestReserve = 5,
    SeqReserve = 6,
    Boot = 7,
    Windows = 8,
    LastTime = 9,
}

type Record = Vec<u8, MAX_RECORD>;

/// The values. It doesn't own the flash.
#[derive(Debug)]
pub struct Settings {
    log: Queue<MAX_SETTINGS_PAGES>,
    /// Records of each key in flash: one, or two after a change that failed half way.
    live: [u8; KEYS],
}

impl Settings {
    /// Mends what a power cut left.
    pub fn open<F: MultiwriteNorFlash>(flash: &mut F, range: Range<u32>) -> Result<Self, FlashError> {
        let mut live = [0_u8; KEYS];
        let log = Queue::open(flash, range, |record| {
            if let Some(count) = key(record).and_then(|k| live.get_mut(k)) {
                *count = count.saturating_add(1);
            }
        })?;
        let mut settings = Self { log, live };
        settings.drop_old(flash)?;
        Ok(settings)
    }

    pub fn config<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<Config, FlashError> {
        Ok(Config {
            ssid: self.text(flash, Name::Ssid)?,
            password: self.text(flash, Name::Password)?,
            server: self.text(flash, Name::Server)?,
        })
    }

    pub fn set_config<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        config: &Config,
    ) -> Result<(), FlashError> {
        self.put(flash, Name::Ssid, config.ssid.as_bytes())?;
        self.put(flash, Name::Password, config.password.as_bytes())?;
        self.put(flash, Name::Server, config.server.as_bytes())
    }

    /// `None` while the device isn't paired.
    pub fn identity<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<Option<Identity>, FlashError> {
        self.get(flash, Name::Identity, |bytes| {
            let (key, id) = bytes.split_first_chunk()?;
            let id = core::str::from_utf8(id).ok()?;
            (!id.is_empty()).then(|| Identity { device_id: clipped(id), key: *key })
        })
    }

    pub fn set_identity<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        identity: Option<&Identity>,
    ) -> Result<(), FlashError> {
        let mut bytes: Vec<u8, 80> = Vec::new();
        if let Some(identity) = identity {
            bytes.extend_from_slice(&identity.key).map_err(|_| FlashError::Full)?;
            bytes.extend_from_slice(identity.device_id.as_bytes()).map_err(|_| FlashError::Full)?;
        }
        self.put(flash, Name::Identity, &bytes)
    }

    /// First request counter that hasn't been reserved.
    pub fn request_reserve<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<u64, FlashError> {
        self.number(flash, Name::RequestReserve).map(Option::unwrap_or_default)
    }

    pub fn set_request_reserve<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        to: u64,
    ) -> Result<(), FlashError> {
        self.put(flash, Name::RequestReserve, &to.to_le_bytes())
    }

    /// First mark number that hasn't been reserved.
    pub fn seq_reserve<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<u64, FlashError> {
        self.number(flash, Name::SeqReserve).map(Option::unwrap_or_default)
    }

    pub fn set_seq_reserve<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        to: u64,
    ) -> Result<(), FlashError> {
        self.put(flash, Name::SeqReserve, &to.to_le_bytes())
    }

    /// Counts this start of the device and gives its number, from 1.
    pub fn next_boot<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<u32, FlashError> {
        let boot = self.number(flash, Name::Boot)?.unwrap_or_default().saturating_add(1);
        self.put(flash, Name::Boot, &boot.to_le_bytes())?;
        Ok(u32::try_from(boot).unwrap_or(u32::MAX))
    }

    pub fn windows<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<Windows, FlashError> {
        self.get(flash, Name::Windows, Windows::decode).map(Option::unwrap_or_default)
    }

    pub fn set_windows<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        to: &Windows,
    ) -> Result<(), FlashError> {
        self.put(flash, Name::Windows, &to.encode())
    }

    /// The last wall clock written down, UTC ms.
    pub fn last_time<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<Option<i64>, FlashError> {
        self.get(flash, Name::LastTime, |b| b.try_into().ok().map(i64::from_le_bytes))
    }

    pub fn set_last_time<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        utc_ms: i64,
    ) -> Result<(), FlashError> {
        self.put(flash, Name::LastTime, &utc_ms.to_le_bytes())
    }

    fn number<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        name: Name,
    ) -> Result<Option<u64>, FlashError> {
        self.get(flash, name, |b| b.try_into().ok().map(u64::from_le_bytes))
    }

    fn text<F: MultiwriteNorFlash, const N: usize>(
        &mut self,
        flash: &mut F,
        name: Name,
    ) -> Result<crate::text::Text<N>, FlashError> {
        let text = self.get(flash, name, |b| core::str::from_utf8(b).ok().map(clipped))?;
        Ok(text.unwrap_or_default())
    }

    fn get<F: MultiwriteNorFlash, T>(
        &mut self,
        flash: &mut F,
        name: Name,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, FlashError> {
        let mut found = None;
        self.log.visit(flash, |record| {
            if key(record) == Some(name as usize) {
                found = read(&record[1..]);
            }
            Visit::Keep
        })?;
        Ok(found)
    }

    fn put<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        name: Name,
        value: &[u8],
    ) -> Result<(), FlashError> {
        let mut record = Record::new();
        record.push(name as u8).map_err(|_| FlashError::Full)?;
        record.extend_from_slice(value).map_err(|_| FlashError::Full)?;
        self.append(flash, &record)?;
        self.drop_old(flash)?;
        // As many bytes as were added are carried along, so the span from the oldest to the newest record stays bounded.
        let mut left = record.len();
        for _ in 0..KEYS {
            let oldest = self.oldest(flash)?;
            if left == 0 || key(&oldest) == Some(name as usize) || oldest.is_empty() {
                break;
            }
            self.append(flash, &oldest)?;
            self.drop_old(flash)?;
            left = left.saturating_sub(oldest.len());
        }
        Ok(())
    }

    fn append<F: MultiwriteNorFlash>(&mut self, flash: &mut F, record: &[u8]) -> Result<(), FlashError> {
        self.log.push(flash, record, false)?;
        if let Some(count) = key(record).and_then(|k| self.live.get_mut(k)) {
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    /// Takes out every record that has a newer one.
    fn drop_old<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<(), FlashError> {
        let live = &mut self.live;
        if live.iter().all(|count| *count <= 1) {
            return Ok(());
        }
        self.log.visit(flash, |record| match key(record).and_then(|k| live.get_mut(k)) {
            Some(count) if *count > 1 => {
                *count -= 1;
                Visit::Remove
            }
            _ => Visit::Keep,
        })
    }

    fn oldest<F: MultiwriteNorFlash>(&mut self, flash: &mut F) -> Result<Record, FlashError> {
        let mut oldest = Record::new();
        self.log.visit(flash, |record| {
            oldest = Record::from_slice(record).unwrap_or_default();
            Visit::Stop
        })?;
        Ok(oldest)
    }
}

fn key(record: &[u8]) -> Option<usize> {
    record.first().map(|key| usize::from(*key))
}
