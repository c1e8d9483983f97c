//! Failed logins, counted per account and never per address: a class behind one router isn't locked out,
//! and a guesser gains nothing by changing addresses.

use arise_core::clock::{DAY, HOUR, MINUTE, SECOND};
use arise_core::{Error, Result, UtcMillis};

use crate::audit;
use crate::params;
use crate::tx::{Tx, WriteTx};

/// Failures that cost nothing: people mistype.
const FREE: i64 = 4;
const LONGEST: UtcMillis = 15 * MINUTE;
/// A day without a wrong try is forgiven.
const KEPT: UtcMillis = DAY;
/// Accounts of an hour whose refused logins are noted.
const REFUSED_AN_HOUR: i64 = 200;

/// How long an account waits after its n-th failure in a row: nothing for the first few, then 2 s, doubling
/// up to 15 minutes.
fn delay(failures: i64) -> UtcMillis {
    if failures <= FREE {
        return 0;
    }
    let doublings = u32::try_from(failures - FREE).unwrap_or(u32::MAX).min(20);
    (SECOND << doublings).min(LONGEST)
}

/// # Errors
/// `too_many_tries` while the account has to wait.
pub fn check(tx: &mut Tx<'_>, account: &str) -> Result<()> {
    let now = tx.now();
    let row = tx.query_opt("SELECT allowed_at FROM login_failure WHERE account = ?1", params![account])?;
    let allowed_at = row.map(|row| row.get::<i64>(0)).transpose()?.unwrap_or_default();
    if allowed_at <= now {
        return Ok(());
    }
    let seconds = u64::try_from((allowed_at - now + SECOND - 1) / SECOND).unwrap_or(1);
    Err(Error::too_many(
        seconds,
        format!("Too many wrong tries for this account. Wait {seconds} s and try again."),
    ))
}

/// Counts one wrong try. It is counted before the password is looked at, so that tries in parallel can't
/// overtake the count; [`succeeded`] takes it back.
pub fn failed(tx: &mut WriteTx<'_>, account: &str) -> Result<()> {
    let now = tx.now();
    let row = tx.query_one(
        "INSERT INTO login_failure (account, failures, allowed_at) VALUES (?1, 1, 0) \
         ON CONFLICT (account) DO UPDATE SET failures = login_failure.failures + 1 RETURNING failures",
        params![account],
    )?;
    let failures = row.get(0)?;
    tx.execute(
        "UPDATE login_failure SET allowed_at = ?2 WHERE account = ?1",
        params![account, now + delay(failures)],
    )?;
    // Accounts that don't exist are counted, too, and whatever names somebody makes up must not fill the disk.
    // Looking for what is old takes a while, so that only some look.
    if now % 64 == 0 {
        tx.execute("DELETE FROM login_failure WHERE allowed_at < ?1", params![now - KEPT])?;
    }
    Ok(())
}

/// Notes in the audit trail that somebody was refused: once an hour and account, and only so many an hour, so that
/// whoever guesses can't fill the disk, or push out what others did.
pub fn note_refused(tx: &mut WriteTx<'_>, who: &str) -> Result<()> {
    let since = tx.now() - HOUR;
    if audit::noted_since(tx, audit::LOGIN_REFUSED, who, since)?
        || audit::count_since(tx, audit::LOGIN_REFUSED, since)? >= REFUSED_AN_HOUR
    {
        return Ok(());
    }
    audit::note_login(tx, audit::LOGIN_REFUSED, who)
}

/// Notes in the audit trail that the actor logged in.
pub fn note_entered(tx: &mut WriteTx<'_>) -> Result<()> {
    audit::note_login(tx, audit::LOGGED_IN, "")
}

pub fn succeeded(tx: &mut WriteTx<'_>, account: &str) -> Result<()> {
    tx.execute("DELETE FROM login_failure WHERE account = ?1", params![account]).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_grows_and_is_bounded() {
        assert_eq!(delay(4), 0);
        assert_eq!(delay(5), 2 * SECOND);
        assert_eq!(delay(6), 4 * SECOND);
        assert_eq!(delay(1_000_000), LONGEST);
    }
}
