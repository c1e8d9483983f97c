//! Looks whether a database is whole and counted right.

use arise_core::Result;

use crate::{Tx, tally};

/// What is wrong, in words; nothing when all is well. Reads everything.
///
/// # Errors
/// `database_damaged` and its like when it can't even be read.
pub fn problems(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    if !tx.is_shared() {
        for row in tx.query("PRAGMA integrity_check(20)", &[])? {
            let line: String = row.get(0)?;
            if line != "ok" {
                problems.push(format!("The file is damaged: {line}. Restore a backup."));
            }
        }
    }
    let unknown = tx.query_one(
        "SELECT COUNT(*) FROM attendance a WHERE NOT EXISTS (SELECT 1 FROM session s WHERE s.id = a.session_id)",
        &[],
    )?;
    let unknown: i64 = unknown.get(0)?;
    if unknown > 0 {
        problems.push(format!("{unknown} marks are of sessions that aren't there."));
    }
    problems.extend(tally::check(tx)?.into_iter().map(|wrong| format!("A count is wrong: {wrong}.")));
    Ok(problems)
}
