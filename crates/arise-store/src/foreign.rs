//! Records made by a server of another system, as an import brings them in.

use std::collections::{HashMap, HashSet};

use arise_core::op::{Cell, Kind, Op};
use arise_core::{NodeId, OpId, Result, UtcMillis};
use uuid::Uuid;

use crate::event::Event;
use crate::params;
use crate::tx::{Tx, WriteTx};
use crate::value::{MAX_PLACES, Value, places};
use crate::{apply, op};

/// Every record of these entities but marks, by cell.
pub fn of_entities(tx: &mut Tx<'_>, entities: &[Uuid]) -> Result<HashMap<Cell, Vec<Op>>> {
    let mut cells: HashMap<Cell, Vec<Op>> = HashMap::new();
    for some in entities.chunks(MAX_PLACES) {
        let params: Vec<Value> = some.iter().copied().map(Value::from).collect();
        let sql = format!(
            "SELECT {} FROM op WHERE entity IN ({}) AND kind <> 'mark'",
            op::COLUMNS,
            places(1, some.len())
        );
        for row in tx.query(&sql, &params)? {
            let op = op::from_row(&row)?;
            cells.entry(op.cell.clone()).or_default().push(op);
        }
    }
    Ok(cells)
}

/// Those of these records that are known.
pub fn known(tx: &mut Tx<'_>, ids: &[OpId]) -> Result<HashSet<OpId>> {
    let mut known = HashSet::new();
    for some in ids.chunks(MAX_PLACES) {
        let params: Vec<Value> = some.iter().copied().map(Value::from).collect();
        for row in tx.query(&format!("SELECT id FROM op WHERE id IN ({})", places(1, some.len())), &params)? {
            known.insert(row.get(0)?);
        }
    }
    Ok(known)
}

/// Where records of an import stand among those that wait for the hub. Their ids are as old as what they say,
/// so that they don't lie behind what was sent already, as a node's own do: they get places in the queue of
/// those that are offered anew, in the order in which they are added.
#[derive(Debug, Clone, Copy)]
pub struct Queue {
    next: i64,
}

/// Edits of ours that may have to go ahead of an import.
const SLACK: i64 = 10_000_000;

impl Queue {
    /// Places for so many records, before everything that is in the queue.
    pub fn reserve(tx: &mut Tx<'_>, records: usize) -> Result<Self> {
        let lowest: Option<i64> = tx.query_one("SELECT MIN(gsn) FROM op WHERE gsn < 0", &[])?.get(0)?;
        let records = i64::try_from(records).unwrap_or(i64::MAX / 4);
        Ok(Self { next: lowest.unwrap_or_default() - records - SLACK })
    }

    fn place(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    /// Adds records as they are. Live screens aren't told of each: [`announce`] does it once for all.
    pub fn adopt(&mut self, tx: &mut WriteTx<'_>, ops: Vec<Op>) -> Result<()> {
        let before = std::mem::take(&mut tx.effects.events);
        for mut op in ops {
            op.gsn = Some(self.place());
            apply::apply(tx, &op)?;
        }
        tx.effects.events = before;
        Ok(())
    }

    /// Sends what the hub doesn't know of an entity of ours ahead of what refers to it.
    pub fn promote(&mut self, tx: &mut WriteTx<'_>, entity: Uuid) -> Result<()> {
        let waiting = tx.query(
            "SELECT id FROM op WHERE entity = ?1 AND kind <> 'mark' AND kind <> 'enrolment' AND gsn IS NULL ORDER BY id",
            params![entity],
        )?;
        for row in &waiting {
            let place = self.place();
            tx.execute("UPDATE op SET gsn = ?2 WHERE id = ?1", params![row.get::<OpId>(0)?, place])?;
        }
        Ok(())
    }
}

/// Tells live screens to look at the database again.
pub fn announce(tx: &mut WriteTx<'_>) {
    tx.emit(Event::Resync);
}

/// Which of our rows a server's rows were recognised as, by kind and its own id.
pub fn links(tx: &mut Tx<'_>, node: NodeId) -> Result<HashMap<(Kind, i64), Uuid>> {
    let rows = tx.query("SELECT kind, old_id, entity FROM import_link WHERE node = ?1", params![node])?;
    rows.iter().map(|row| Ok(((Kind::parse(&row.get::<String>(0)?), row.get(1)?), row.get(2)?))).collect()
}

pub fn link(tx: &mut WriteTx<'_>, node: NodeId, kind: &Kind, old_id: i64, entity: Uuid) -> Result<()> {
    tx.execute(
        "INSERT INTO import_link (node, kind, old_id, entity) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (node, kind, old_id) DO NOTHING",
        params![node, kind.as_str(), old_id, entity],
    )?;
    Ok(())
}

/// A row of ours that another may be the same as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub id: Uuid,
    /// What it was looked for by, in lower case.
    pub key: String,
    pub name: String,
    /// A student's enrolment number; empty for others.
    pub more: String,
}

/// The live rows of a kind that have one of these keys, whatever their case: a semester's name, a teacher's or
/// course's code, a student's university roll number.
pub fn candidates(tx: &mut Tx<'_>, kind: &Kind, keys: &[String]) -> Result<Vec<Candidate>> {
    let (table, key, name, more) = match kind {
        Kind::Semester => ("semester", "semester_name", "semester_name", "''"),
        Kind::Teacher => ("teacher", "teacher_code", "teacher_name", "''"),
        Kind::Student => ("student", "university_roll_no", "student_name", "enrollment_no"),
        Kind::Course => ("course", "course_code", "course_name", "''"),
        _ => return Ok(vec![]),
    };
    let mut found = vec![];
    for some in keys.chunks(MAX_PLACES) {
        let params: Vec<Value> = some.iter().map(Value::from).collect();
        let lower: Vec<String> = (1..=some.len()).map(|place| format!("lower(?{place})")).collect();
        let sql = format!(
            "SELECT id, {key}, {name}, {more} FROM {table} WHERE lower({key}) IN ({}) AND archived = 0 ORDER BY id",
            lower.join(", ")
        );
        for row in tx.query(&sql, &params)? {
            let key: String = row.get(1)?;
            found.push(Candidate {
                id: row.get(0)?,
                key: key.to_lowercase(),
                name: row.get(2)?,
                more: row.get(3)?,
            });
        }
    }
    Ok(found)
}

/// When the sessions of a course started, and which they are.
pub fn sessions_of(tx: &mut Tx<'_>, course: Uuid) -> Result<HashMap<UtcMillis, Uuid>> {
    let rows =
        tx.query("SELECT starts_at, id FROM session WHERE course_id = ?1 AND archived = 0", params![course])?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}
