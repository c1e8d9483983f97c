//! Small values in flash by key: configuration, identity, counters, sessions, the last known time.
//!
//! A value is replaced by writing a new one; the old one counts until the new one is whole.

use core::ops::Range;

use embedded_storage::nor_flash::MultiwriteNorFlash;
use heapless::Vec;
use sequential_storage::{
    cache::{Cache, Uncached, key_pointers::ArrayKeyPointers, page_states::ArrayPageStates},
    map::{MapConfig, MapStorage},
};

use crate::{
    config::{Config, Identity},
    flash::{Blocking, FlashError, MAX_SETTINGS_PAGES, run},
    session::{MAX_ENCODED, Windows},
    text::clipped,
};

/// The longest value with its key.
const BUFFER: usize = MAX_ENCODED + 32;
const KEYS: usize = 9;

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

type KeyCache = Cache<ArrayPageStates<MAX_SETTINGS_PAGES>, Uncached, ArrayKeyPointers<u8, KEYS>, u8>;

/// The values. It doesn't own the flash.
#[derive(Debug)]
pub struct Settings {
    range: Range<u32>,
    cache: KeyCache,
}

#[repr(align(4))]
struct Buffer([u8; BUFFER]);

impl Settings {
    #[must_use]
    pub fn new(range: Range<u32>) -> Self {
        Self { range, cache: new_cache() }
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
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<Option<T>, FlashError> {
        let mut buffer = Buffer([0; BUFFER]);
        self.with(flash, |storage| {
            run(async {
                let value: Option<&[u8]> = storage.fetch_item(&mut buffer.0, &(name as u8)).await?;
                Ok(value.and_then(read))
            })
        })
    }

    fn put<F: MultiwriteNorFlash>(
        &mut self,
        flash: &mut F,
        name: Name,
        value: &[u8],
    ) -> Result<(), FlashError> {
        let mut buffer = Buffer([0; BUFFER]);
        self.with(flash, |storage| run(storage.store_item(&mut buffer.0, &(name as u8), &value)))
    }

    fn with<'f, F: MultiwriteNorFlash, T>(
        &mut self,
        flash: &'f mut F,
        work: impl FnOnce(&mut MapStorage<u8, Blocking<'f, F>, KeyCache>) -> Result<T, FlashError>,
    ) -> Result<T, FlashError> {
        let config = MapConfig::try_new(self.range.clone()).map_err(|_| FlashError::Corrupt)?;
        let cache = core::mem::replace(&mut self.cache, new_cache());
        let mut storage = MapStorage::new(Blocking(flash), config, cache);
        let result = work(&mut storage);
        // See `Queue::with`.
        if result.is_ok() {
            self.cache = storage.destroy().1;
        }
        result
    }
}

fn new_cache() -> KeyCache {
    Cache::new(ArrayPageStates::new(), Uncached, ArrayKeyPointers::new())
}
