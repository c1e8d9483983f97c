//! The first start: an administrator, and the institution's time zone.

use arise_core::{Error, Result, text};
use arise_store::{Store, admin, setting};

/// The first administrator's name.
pub(crate) const ADMIN: &str = "admin";

/// Makes the first administrator if there is none. Answers the password when arise chose it, to be shown once.
///
/// # Errors
/// `invalid_field` when the given password is too short; those of the store.
pub(crate) fn run(store: &Store, password: Option<&str>, time_zone: Option<&str>) -> Result<Option<String>> {
    if store.read_blocking(admin::any)? {
        return Ok(None);
    }
    let chosen = password.filter(|p| !p.is_empty()).map(str::to_owned);
    if let Some(given) = chosen.as_deref().filter(|given| *given != ADMIN) {
        text::password("ADMIN_DEFAULT_PASSWORD", given)?;
    }
    // A word that everybody knows, or one that was on a screen, must be changed at the first login.
    let must_change = chosen.as_deref().is_none_or(|given| given == ADMIN);
    let (password, made) = match chosen {
        Some(given) => (given, None),
        None => {
            let made = random_password()?;
            (made.clone(), Some(made))
        }
    };
    let hash = arise_http::hash_password(&password)?;
    let time_zone = time_zone.map(str::to_owned);
    let created = store.write_blocking(move |tx| {
        // Another process of the same hub may have been first.
        if admin::any(tx)? {
            return Ok(false);
        }
        admin::create(tx, ADMIN, &hash, must_change)?;
        if let Some(time_zone) = time_zone {
            let settings = setting::get(tx)?;
            setting::put(tx, &arise_core::setting::Settings { time_zone, ..settings })?;
        }
        Ok(true)
    })?;
    Ok(made.filter(|_| created))
}

/// Four groups of four letters and digits without those that look alike: 80 bits.
pub(crate) fn random_password() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567892";
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|e| Error::internal(format!("no randomness from the system: {e}")))?;
    let letters: Vec<char> = bytes.iter().map(|b| char::from(ALPHABET[usize::from(b % 32)])).collect();
    Ok(letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-"))
}
