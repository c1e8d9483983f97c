//! Every row in and out.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// The most problems that are kept; all are counted.
const MAX_PROBLEMS: usize = 1_000;

/// The tables in the order in which an account lists them.
pub(super) const TABLES: [&str; 9] = [
    "semesters",
    "teachers",
    "students",
    "courses",
    "enrollments",
    "sessions",
    "attendance_records",
    "admins",
    "system_settings",
];

/// What became of a table's rows: `read` is the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ImportedRows")]
pub struct Count {
    pub read: usize,
    pub added: usize,
    /// Known from an earlier import, and now with other fields.
    pub changed: usize,
    pub unchanged: usize,
    /// Taken for a row that arise has already.
    pub recognised: usize,
    /// A second row about what another says already.
    pub duplicates: usize,
    /// Can't be kept; the problems say why.
    pub left_out: usize,
    /// Of a session that isn't over on the older server: it comes with a later import.
    pub waiting: usize,
}

impl Count {
    /// Whether every row that was read went somewhere.
    pub fn balances(&self) -> bool {
        let Self { read, added, changed, unchanged, recognised, duplicates, left_out, waiting } = *self;
        read == added + changed + unchanged + recognised + duplicates + left_out + waiting
    }
}

/// Something about a row that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ImportProblem")]
pub struct Problem {
    pub table: &'static str,
    /// The row's id there; 0 when it is about the table.
    pub id: i64,
    /// The column; may be empty.
    pub column: &'static str,
    pub message: String,
}

#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
#[schemars(rename = "ImportAccount")]
pub struct Account {
    pub tables: BTreeMap<&'static str, Count>,
    pub problems: Vec<Problem>,
    pub problems_total: usize,
}

impl Account {
    pub(super) fn count(&mut self, table: &'static str) -> &mut Count {
        self.tables.entry(table).or_default()
    }

    pub(super) fn tell(
        &mut self,
        table: &'static str,
        id: i64,
        column: &'static str,
        message: impl Into<String>,
    ) {
        self.problems_total += 1;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { table, id, column, message: message.into() });
        }
    }

    pub(super) fn leave_out(
        &mut self,
        table: &'static str,
        id: i64,
        column: &'static str,
        message: impl Into<String>,
    ) {
        self.count(table).left_out += 1;
        self.tell(table, id, column, message);
    }

    /// Adds another account of the same file.
    pub(super) fn absorb(&mut self, other: Self) {
        for (table, count) in other.tables {
            let sum = self.count(table);
            sum.read += count.read;
            sum.added += count.added;
            sum.changed += count.changed;
            sum.unchanged += count.unchanged;
            sum.recognised += count.recognised;
            sum.duplicates += count.duplicates;
            sum.left_out += count.left_out;
            sum.waiting += count.waiting;
        }
        for Problem { table, id, column, message } in other.problems {
            self.tell(table, id, column, message);
        }
    }

    /// How many rows were, or would be, written.
    pub fn changes(&self) -> usize {
        self.tables.values().map(|count| count.added + count.changed + count.recognised).sum()
    }

    pub fn balances(&self) -> bool {
        self.tables.values().all(Count::balances)
    }
}

/// A table for a terminal.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<20}{:>9}{:>9}{:>9}{:>11}{:>12}{:>12}{:>10}{:>9}",
            "table",
            "rows",
            "added",
            "changed",
            "unchanged",
            "recognised",
            "duplicates",
            "left out",
            "waiting"
        )?;
        for table in TABLES {
            let Some(c) = self.tables.get(table) else { continue };
            writeln!(
                f,
                "{table:<20}{:>9}{:>9}{:>9}{:>11}{:>12}{:>12}{:>10}{:>9}",
                c.read, c.added, c.changed, c.unchanged, c.recognised, c.duplicates, c.left_out, c.waiting
            )?;
        }
        for problem in &self.problems {
            let Problem { table, id, column, message } = problem;
            match (id, column.is_empty()) {
                (0, _) => writeln!(f, "{table}: {message}")?,
                (id, true) => writeln!(f, "{table} {id}: {message}")?,
                (id, false) => writeln!(f, "{table} {id}, {column}: {message}")?,
            }
        }
        match self.problems_total.saturating_sub(self.problems.len()) {
            0 => Ok(()),
            more => writeln!(f, "… and {more} more."),
        }
    }
}
