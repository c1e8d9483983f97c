//! Settings of the institution.

use arise_core::Result;
use arise_core::op::Cell;
use arise_core::setting::Settings;

use crate::tx::{Tx, WriteTx};

pub fn get(tx: &mut Tx<'_>) -> Result<Settings> {
    let rows = tx.query("SELECT key, value FROM setting", &[])?;
    let mut stored = Vec::with_capacity(rows.len());
    for row in &rows {
        let value: String = row.get(1)?;
        stored.push((row.get(0)?, serde_json::from_str(&value).unwrap_or_default()));
    }
    Ok(Settings::from_stored(stored))
}

/// Changes the settings that differ.
///
/// # Errors
/// `invalid_field` naming the first that can't be used; nothing is changed then.
pub fn put(tx: &mut WriteTx<'_>, settings: &Settings) -> Result<()> {
    settings.check()?;
    let present = get(tx)?.to_map();
    let mut changed = settings.to_map();
    changed.retain(|key, value| present.get(key) != Some(value));
    tx.put(&Cell::settings(), changed, None).map(|_| ())
}
