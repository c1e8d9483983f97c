//! Forward-only migrations, each recorded with a checksum.

use arise_core::{Error, Result, UtcMillis};
use sha2::{Digest, Sha256};

use crate::engine::Engine;
use crate::params;

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "base", include_str!("../migrations/0001_base.sql")),
    (2, "summaries", include_str!("../migrations/0002_summaries.sql")),
    (3, "scanners", include_str!("../migrations/0003_scanners.sql")),
    (4, "slots", include_str!("../migrations/0004_slots.sql")),
    (10, "sync", include_str!("../migrations/0010_sync.sql")),
    (11, "online", include_str!("../migrations/0011_online.sql")),
    (12, "imports", include_str!("../migrations/0012_imports.sql")),
];

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS migration (
    version INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL
) STRICT";

/// Brings the database to this version. Each migration is one transaction; the writer's lock keeps two
/// processes that start at once from running it twice.
///
/// # Errors
/// `database_newer` when a newer arise made it, `database_changed` when an applied migration isn't the one
/// this binary knows.
pub(crate) fn run(engine: &mut dyn Engine, now: UtcMillis) -> Result<()> {
    engine.begin_write()?;
    let outcome = run_inside(engine, now);
    engine.batch(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    outcome
}

fn run_inside(engine: &mut dyn Engine, now: UtcMillis) -> Result<()> {
    let ledger = engine.render(LEDGER);
    engine.batch(&ledger)?;
    let applied = engine.query("SELECT version, checksum FROM migration ORDER BY version", &[])?;
    let newest = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
    for row in &applied {
        let (version, checksum): (i64, String) = (row.get(0)?, row.get(1)?);
        let Some((.., sql)) = MIGRATIONS.iter().find(|(known, ..)| *known == version) else {
            return Err(Error::conflict(
                "database_newer",
                format!(
                    "This database was made by a newer arise (version {version}, this one knows {newest}). Update arise."
                ),
            ));
        };
        if checksum != digest(sql) {
            return Err(Error::conflict(
                "database_changed",
                format!(
                    "Migration {version} of this database isn't the one this arise knows. Use the arise that made it."
                ),
            ));
        }
    }
    let applied = applied.iter().map(|row| row.get(0)).collect::<Result<Vec<i64>>>()?;
    for (version, name, sql) in MIGRATIONS.iter().filter(|(version, ..)| !applied.contains(version)) {
        let rendered = engine.render(sql);
        engine.batch(&rendered)?;
        engine.execute(
            "INSERT INTO migration (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)",
            params![*version, *name, digest(sql), now],
        )?;
    }
    Ok(())
}

fn digest(sql: &str) -> String {
    hex::encode(Sha256::digest(sql))
}
