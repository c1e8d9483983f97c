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
    (13, "operations", include_str!("../migrations/0013_operations.sql")),
    (14, "nodes", include_str!("../migrations/0014_nodes.sql")),
    (15, "leaderboard", include_str!("../migrations/0015_leaderboard.sql")),
    (16, "conflicts", include_str!("../migrations/0016_conflicts.sql")),
    (17, "node_scopes", include_str!("../migrations/0017_node_scopes.sql")),
    (18, "import_made", include_str!("../migrations/0018_import_made.sql")),
    (19, "stale", include_str!("../migrations/0019_stale.sql")),
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
    run_as(engine, now, None)
}

/// As [`run`], but only the migrations that another database has.
pub(crate) fn run_as(engine: &mut dyn Engine, now: UtcMillis, only: Option<&[i64]>) -> Result<()> {
    engine.begin_write()?;
    let outcome = run_inside(engine, now, only);
    engine.batch(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    outcome
}

/// The migrations that a database has; none when it is new.
pub(crate) fn applied(engine: &mut dyn Engine) -> Result<Vec<i64>> {
    let tables = if engine.is_shared() {
        "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'migration'"
    } else {
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration'"
    };
    if engine.query(tables, &[])?.is_empty() {
        return Ok(vec![]);
    }
    let rows = engine.query("SELECT version FROM migration ORDER BY version", &[])?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Whether a database with these migrations is of an older arise.
///
/// # Errors
/// `database_newer`
pub(crate) fn is_behind(applied: &[i64]) -> Result<bool> {
    match applied.iter().find(|version| !MIGRATIONS.iter().any(|(known, ..)| known == *version)) {
        Some(version) => Err(newer(*version)),
        None => Ok(MIGRATIONS.iter().any(|(version, ..)| !applied.contains(version))),
    }
}

fn newer(version: i64) -> Error {
    let newest = MIGRATIONS.last().map_or(0, |(version, ..)| *version);
    Error::conflict(
        "database_newer",
        format!(
            "This database was made by a newer arise (version {version}, this one knows {newest}). Update arise."
        ),
    )
}

fn run_inside(engine: &mut dyn Engine, now: UtcMillis, only: Option<&[i64]>) -> Result<()> {
    let ledger = engine.render(LEDGER);
    engine.batch(&ledger)?;
    let applied = engine.query("SELECT version, checksum FROM migration ORDER BY version", &[])?;
    for row in &applied {
        let (version, checksum): (i64, String) = (row.get(0)?, row.get(1)?);
        let Some((.., sql)) = MIGRATIONS.iter().find(|(known, ..)| *known == version) else {
            return Err(newer(version));
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
        if only.is_some_and(|only| !only.contains(version)) {
            continue;
        }
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
