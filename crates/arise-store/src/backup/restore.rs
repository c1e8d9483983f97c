//! Restoring: a backup takes the place of all records, in one transaction; or only what is missing is brought back.

use arise_core::{Error, OpId, Result, UtcMillis};

use super::copy::{self, percent};
use super::{Backup, Backups, Progress, Reason, check};
use crate::engine::Engine;
use crate::event::Event;
use crate::place::Place;
use crate::sqlite::{Mode, Sqlite};
use crate::tx::WriteTx;
use crate::value::{MAX_PLACES, places};
use crate::{Location, Store, apply, audit, migrate, op, params};

/// Tables whose rows stand against those of a backup, and what tells these apart. Nobody gets rid of the audit trail by an
/// old backup; a node that was shut out stays out, one that joined stays in, a code that was used stays used, and the key
/// that others know this node by stays its key.
const KEPT: [(&str, &str); 4] =
    [("happening", "id"), ("peer", "id"), ("node_place", "id"), ("node_key", "node")];

/// What a restored backup brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Records that are there now.
    pub records: i64,
    /// Records that were there before and aren't in the backup. They are in the copy.
    pub set_aside: i64,
    /// The copy of what was there before.
    pub before: Backup,
}

/// Puts a backup in the place of all records, scanners and administrators of this node. What happened on the node stays in
/// the audit trail, and nodes that exchange records with it go on, or stay shut out. A copy of what was there is made first; nothing else is written meanwhile, and if anything
/// fails, everything is as it was. Blocks.
///
/// # Errors
/// `not_found`, `backup_damaged`, `database_newer` when a newer arise made the backup, and those of [`Backups::make`].
pub fn replace(
    store: &Store,
    backups: &Backups,
    name: &str,
    by: arise_core::Actor,
    progress: impl Fn(u8) + Send + Sync + 'static,
) -> Result<Restored> {
    let (_, mut source) = open(backups, name, store.clock().now())?;
    let (backups, location, name) = (backups.clone(), store.location().clone(), name.to_owned());
    store.write_alone(move |tx| {
        let node = *tx.node;
        tx.act_as(by);
        let restored = replace_inside(tx, &mut source, &backups, &location, &name, &progress);
        if restored.is_err() {
            *tx.node = node;
        }
        restored
    })
}

/// A backup that is whole, as this version of arise would have made it.
fn open(backups: &Backups, name: &str, now: UtcMillis) -> Result<(Backup, Sqlite)> {
    let (backup, mut source) = backups.open(name)?;
    check(&mut source)?;
    let applied = migrate::applied(&mut source)?;
    if !migrate::is_behind(&applied)? {
        return Ok((backup, source));
    }
    // The backup itself stays as it is; its copy is gone as soon as it is closed.
    let path = backups.file(name)?;
    let copied = path.with_extension("older.part");
    let migrated = std::fs::copy(&path, &copied).map_err(|error| backups.failed(&error)).and_then(|_| {
        let mut source = Sqlite::open(&Place::copy(&copied), Mode::Write)?;
        migrate::run(&mut source, now)?;
        Ok(source)
    });
    let _ = std::fs::remove_file(&copied);
    Ok((backup, migrated?))
}

fn replace_inside(
    tx: &mut WriteTx<'_>,
    source: &mut Sqlite,
    backups: &Backups,
    location: &Location,
    name: &str,
    progress: &dyn Fn(u8),
) -> Result<Restored> {
    // The writer's lock is held: what is copied now is what will be replaced.
    let before = backups.make(location, tx.now(), Reason::BeforeRestore, &|_| Ok(())).map_err(|error| {
        match error.code {
            "backup_damaged" | "database_damaged" => Error::unavailable(
                "records_damaged",
                "The records here are damaged, so that no whole copy of them can be made. Stop arise and use \
                 `arise restore`, which keeps the damaged file.",
            ),
            _ => error,
        }
    })?;
    progress(30);
    let set_aside = missing(tx, source)?;
    let node = *tx.node;
    let row = tx.query_one("SELECT incarnation, signing_key FROM node", &[])?;
    let (incarnation, signing_key): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
    let counters = tx.query("SELECT id, counter FROM device", &[])?;

    let tables = copy::tables(source)?;
    let mut records = 0;
    for (index, table) in tables.iter().enumerate() {
        let columns = copy::columns(source, table)?;
        let otherwise = match KEPT.iter().find(|(kept, _)| kept == table) {
            Some((_, key)) => format!("ON CONFLICT ({key}) DO NOTHING"),
            None => {
                tx.execute(&format!("DELETE FROM {table}"), &[])?;
                String::new()
            }
        };
        let copied = copy::rows(source, tx.engine(), table, &columns, &otherwise)?;
        if table == "op" {
            records = copied;
        }
        progress(30 + percent(index as i64 + 1, tables.len() as i64) / 10 * 6);
    }
    // A scanner's numbers only rise: a request that was used up must not be good again.
    for row in &counters {
        let (id, counter): (arise_core::DeviceId, i64) = (row.get(0)?, row.get(1)?);
        tx.execute("UPDATE device SET counter = ?2 WHERE id = ?1 AND counter < ?2", params![id, counter])?;
    }
    let row = tx.query_one("SELECT id, boot, hlc, incarnation FROM node", &[])?;
    tx.node.id = row.get(0)?;
    tx.node.boot = row.get::<i64>(1)?.max(node.boot) + 1;
    tx.node.hlc = row.get::<i64>(2)?.max(node.hlc);
    let life = row.get::<i64>(3)?.max(incarnation) + 1;
    let now = tx.now();
    let (boot, hlc) = (tx.node.boot, tx.node.hlc);
    tx.execute(
        "UPDATE node SET boot = ?1, hlc = ?2, incarnation = ?3, restored_at = ?4, restored_from = ?5, signing_key = ?6",
        params![boot, hlc, life, now, name, signing_key],
    )?;
    apply::rebuild_if_outdated(tx)?;
    let found: i64 = tx.query_one("SELECT COUNT(*) FROM op", &[])?.get(0)?;
    if found != records {
        return Err(Error::internal(format!("{found} of {records} records were restored")));
    }
    audit::note(
        tx,
        "restored",
        name,
        &format!("{records} records; {set_aside} newer ones are kept in {}", before.name),
    )?;
    tx.emit(Event::Resync);
    progress(100);
    Ok(Restored { records, set_aside, before })
}

/// How many records are here and not in the backup.
fn missing(tx: &mut WriteTx<'_>, source: &mut Sqlite) -> Result<i64> {
    let here: i64 = tx.query_one("SELECT COUNT(*) FROM op", &[])?.get(0)?;
    let mut both = 0;
    source.each("SELECT id FROM op", &mut |rows| {
        for part in rows.chunks(MAX_PLACES) {
            both += known(tx, part)?.len() as i64;
        }
        Ok(())
    })?;
    Ok(here - both)
}

/// Which of these ids, the first column, are known here.
fn known(tx: &mut crate::Tx<'_>, rows: &[crate::Row]) -> Result<Vec<OpId>> {
    let ids: Vec<crate::Value> = rows.iter().map(|row| row.0[0].clone()).collect();
    let found = tx.query(&format!("SELECT id FROM op WHERE id IN ({})", places(1, ids.len())), &ids)?;
    found.iter().map(|row| row.get(0)).collect()
}

/// Adds the records of a backup that aren't here, and changes nothing else. Answers how many there were. Marks are taken
/// meanwhile: it is done in short steps. Blocks.
///
/// # Errors
/// `not_found`, `backup_damaged`, and those of writing.
pub fn add_missing(
    store: &Store,
    backups: &Backups,
    name: &str,
    by: arise_core::Actor,
    progress: Progress<'_>,
) -> Result<i64> {
    let (backup, mut source) = open(backups, name, store.clock().now())?;
    let (mut seen, mut added) = (0, 0);
    source.each(&format!("SELECT {} FROM op", op::COLUMNS), &mut |rows| {
        for part in rows.chunks(MAX_PLACES) {
            seen += part.len() as i64;
            let here = {
                let part = part.to_vec();
                store.read_blocking(move |tx| known(tx, &part))?
            };
            let mut new = Vec::new();
            for row in part {
                let mut op = op::from_row(row)?;
                if !here.contains(&op.id) {
                    // The number may be another record's by now; the hub gives it a new one or its own again.
                    (op.gsn, op.eff) = (None, None);
                    new.push(op);
                }
            }
            added += store.write_blocking(move |tx| {
                let mut added = 0;
                for op in &new {
                    added += i64::from(apply::apply(tx, op)?);
                }
                if added > 0 {
                    // They have old stamps, and wait for the hub all the same.
                    tx.execute("UPDATE sync SET walked = 0", &[])?;
                }
                Ok(added)
            })?;
            progress(percent(seen, backup.records));
        }
        Ok(())
    })?;
    let name = name.to_owned();
    store.write_blocking(move |tx| {
        tx.act_as(by);
        audit::note(tx, "restored", &name, &format!("{added} missing records were brought back"))
    })?;
    Ok(added)
}
