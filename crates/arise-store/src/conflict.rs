//! Fields that were changed in two places without knowing of each other. The latest value shows; the others are kept
//! until somebody decides.

use std::collections::{BTreeMap, HashMap};

use arise_core::op::{Cell, Kind, Op};
use arise_core::register::{self, Field};
use arise_core::{Error, OpId, Result, Role, UtcMillis};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::tx::{Tx, WriteTx};
use crate::{audit, op, params, review};

const MAX_ROWS: i64 = 200;

/// A field with several values.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Conflict {
    /// The noun, such as `student`.
    pub kind: String,
    pub id: Uuid,
    /// Of an enrolment, the student; `id` is then the course.
    pub subject_id: Option<Uuid>,
    /// What people call it.
    pub label: String,
    pub field: String,
    /// The one that shows first.
    pub values: Vec<Edit>,
}

/// One of a field's values.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Edit {
    /// The record that says it.
    pub record_id: OpId,
    /// `changed` for a secret.
    pub value: Json,
    pub shows: bool,
    pub actor_role: Role,
    /// Empty when the actor isn't known here.
    pub actor_name: String,
    /// What the clock of that server said.
    pub at: UtcMillis,
}

/// Keeps the list right for one cell.
pub(crate) fn note(tx: &mut WriteTx<'_>, cell: &Cell, fields: &BTreeMap<String, Field>) -> Result<()> {
    let (entity, subject, kind) = (cell.entity, cell.subject, cell.kind.as_str());
    let rows = tx.query(
        "SELECT field FROM conflict WHERE entity = ?1 AND subject = ?2 AND kind = ?3",
        params![entity, subject, kind],
    )?;
    let listed = rows.iter().map(|row| row.get(0)).collect::<Result<Vec<String>>>()?;
    let is_open = |name: &str| fields.get(name).is_some_and(|field| field.heads.len() > 1);
    for name in listed.iter().filter(|name| !is_open(name)) {
        tx.execute(
            "DELETE FROM conflict WHERE entity = ?1 AND subject = ?2 AND kind = ?3 AND field = ?4",
            params![entity, subject, kind, name],
        )?;
    }
    for name in fields.keys().filter(|name| is_open(name) && !listed.contains(name)) {
        tx.execute(
            "INSERT INTO conflict (entity, subject, kind, field) VALUES (?1, ?2, ?3, ?4)",
            params![entity, subject, kind, name],
        )?;
    }
    Ok(())
}

/// The first of them, and how many there are. Where all say the same there is nothing to decide.
pub fn list(tx: &mut Tx<'_>) -> Result<(Vec<Conflict>, i64)> {
    const FIRST: &str = "SELECT entity, subject FROM conflict ORDER BY entity, subject, kind, field LIMIT ?1";
    let rows = tx.query(
        &format!(
            "SELECT r.kind, r.entity, r.subject, r.field, {} FROM conflict r {} \
             ORDER BY r.entity, r.subject, r.kind, r.field LIMIT ?1",
            audit::LABELS,
            audit::LABELLED
        ),
        params![MAX_ROWS],
    )?;
    let ops = tx.query(
        &format!("SELECT {} FROM op WHERE (entity, subject) IN ({FIRST}) AND kind <> 'mark'", op::COLUMNS),
        params![MAX_ROWS],
    )?;
    let names = tx.query(
        &format!(
            "SELECT r.id, {} FROM op r {} WHERE (r.entity, r.subject) IN ({FIRST}) AND r.kind <> 'mark'",
            audit::ACTOR_NAME,
            audit::ACTOR
        ),
        params![MAX_ROWS],
    )?;
    let names = names.iter().map(|row| Ok((row.get(0)?, row.get(1)?)));
    let names: HashMap<OpId, String> = names.collect::<Result<_>>()?;
    let mut cells: HashMap<Cell, Vec<Op>> = HashMap::new();
    for row in &ops {
        let op = op::from_row(row)?;
        cells.entry(op.cell.clone()).or_default().push(op);
    }
    let (mut conflicts, mut agreed) = (Vec::with_capacity(rows.len()), 0_i64);
    for row in &rows {
        let cell =
            Cell { kind: Kind::parse(&row.get::<String>(0)?), entity: row.get(1)?, subject: row.get(2)? };
        let field: String = row.get(3)?;
        let of_cell = cells.get(&cell).map(Vec::as_slice).unwrap_or_default();
        // How many records a deleted one had is for its own review.
        if field == review::ARCHIVED_RECORDS || is_agreed(of_cell, &field) {
            agreed += 1;
            continue;
        }
        conflicts.push(Conflict {
            kind: cell.kind.to_string(),
            id: cell.entity,
            subject_id: (!cell.subject.is_nil()).then_some(cell.subject),
            label: audit::label(row, 4)?,
            values: values(of_cell, &field, &names),
            field,
        });
    }
    let total: i64 = tx.query_one("SELECT COUNT(*) FROM conflict", &[])?.get(0)?;
    Ok((conflicts, total - agreed))
}

/// Whether all the values of a field are the same.
fn is_agreed(ops: &[Op], field: &str) -> bool {
    let heads = register::fold(ops).remove(field).map(|field| field.heads).unwrap_or_default();
    let mut values = ops.iter().filter(|op| heads.contains(&op.id)).map(|op| &op.body[field]);
    values.next().is_none_or(|first| values.all(|value| value == first))
}

fn values(ops: &[Op], field: &str, names: &HashMap<OpId, String>) -> Vec<Edit> {
    let heads = register::fold(ops).remove(field).map(|field| field.heads).unwrap_or_default();
    let writers = heads.iter().filter_map(|head| ops.iter().find(|op| op.id == *head));
    writers
        .enumerate()
        .map(|(index, op)| Edit {
            record_id: op.id,
            value: if audit::is_secret(field) { json!("changed") } else { op.body[field].clone() },
            shows: index == 0,
            actor_role: op.actor.role,
            actor_name: names.get(&op.id).cloned().unwrap_or_default(),
            at: op.wall_at,
        })
        .collect()
}

/// Makes what a record says of a field its only value.
///
/// # Errors
/// `not_found` for the record, `conflict_settled` when somebody decided meanwhile.
pub fn settle(tx: &mut WriteTx<'_>, record: OpId, field: &str) -> Result<()> {
    let row = tx.query_opt(&format!("SELECT {} FROM op WHERE id = ?1", op::COLUMNS), params![record])?;
    let chosen = op::from_row(&row.ok_or_else(|| Error::not_found("record"))?)?;
    let known = register::fold(&op::of_cell(tx, &chosen.cell)?);
    let heads = known.get(field).map(|field| field.heads.as_slice()).unwrap_or_default();
    match chosen.body.get(field) {
        Some(value) if heads.len() > 1 && heads.contains(&record) => {
            let fields = Map::from_iter([(field.to_owned(), value.clone())]);
            tx.put(&chosen.cell, fields, None).map(|_| ())
        }
        _ => Err(Error::conflict("conflict_settled", "This was decided meanwhile. Reload the list.")),
    }
}
