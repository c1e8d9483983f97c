//! Records: writing them, and reading them back.

use arise_core::mark::{self, Stamped};
use arise_core::mutant::{self, Mutant};
use arise_core::op::{Cell, Kind, Op, WallQuality};
use arise_core::register;
use arise_core::{Actor, Error, Mark, OpId, Result, SessionId, StudentId};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::tx::{Tx, WriteTx};
use crate::value::Row;
use crate::{apply, params};

pub(crate) const COLUMNS: &str = "id, kind, entity, subject, body, parents, actor, reason, node, boot, hlc, wall_at, \
                       wall_quality, gsn, eff";

/// Fields by name, for [`WriteTx::put`].
pub(crate) fn fields<const N: usize>(fields: [(&str, Json); N]) -> Map<String, Json> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl WriteTx<'_> {
    /// Sets fields of a cell: one record that overwrites what this node sees of them. Fields that already
    /// hold the value are left alone; when nothing is left, nothing is written and the answer is `false`.
    pub fn put(
        &mut self,
        cell: &Cell,
        mut fields: Map<String, Json>,
        reason: Option<String>,
    ) -> Result<bool> {
        let known = register::fold(&of_cell(self, cell)?);
        fields.retain(|name, value| {
            known.get(name).is_none_or(|field| field.heads.len() > 1 || field.value != *value)
        });
        if fields.is_empty() {
            return Ok(false);
        }
        let mut parents: Vec<OpId> =
            fields.keys().filter_map(|name| known.get(name)).flat_map(|field| field.heads.clone()).collect();
        if mutant::is(Mutant::OverwritesOnlyTheWinner) {
            parents = fields.keys().filter_map(|name| known.get(name)?.heads.first().copied()).collect();
        }
        parents.sort_unstable();
        parents.dedup();
        let op = self.new_op(cell.clone(), fields, parents, reason);
        apply::apply(self, &op)
    }

    /// Adds a mark of a student in a session. Marks are a set that only grows. A decision names the decisions
    /// it overwrites; observations have no parents, since the earliest stands whoever saw it.
    pub fn append_mark(&mut self, session: SessionId, student: StudentId, mark: &Mark) -> Result<()> {
        let Ok(Json::Object(body)) = serde_json::to_value(mark) else {
            return Err(Error::internal("a mark isn't an object"));
        };
        let parents = if mark.source.is_human() {
            mark::heads(&stamped(&of_marks(self, session, student)?))
        } else {
            vec![]
        };
        let op = self.new_op(Cell::pair(Kind::Mark, session, student), body, parents, None);
        apply::apply(self, &op).map(|_| ())
    }

    fn new_op(
        &mut self,
        cell: Cell,
        body: Map<String, Json>,
        parents: Vec<OpId>,
        reason: Option<String>,
    ) -> Op {
        let now = self.now();
        let behind = self.node.hlc >= now * 1_000;
        let hlc = self.stamp();
        Op {
            id: if mutant::is(Mutant::IdsByTheClock) { OpId::new(now) } else { OpId::stamped(hlc) },
            cell,
            body,
            parents,
            actor: self.actor,
            reason,
            node: self.node.id,
            boot: self.node.boot,
            hlc,
            wall_at: now,
            wall_quality: if behind { WallQuality::Behind } else { WallQuality::Claimed },
            gsn: None,
            eff: None,
        }
    }
}

/// What marks say, with what orders them. What isn't a mark to this version says nothing.
pub(crate) fn stamped(ops: &[Op]) -> Vec<Stamped> {
    let stamped = ops.iter().filter_map(|op| {
        let mark: Mark = Mark::deserialize(&op.body).ok()?;
        Some(Stamped { mark, hlc: op.eff.unwrap_or(op.hlc), id: op.id, parents: op.parents.clone() })
    });
    stamped.collect()
}

/// Writes a record unless it is known. Answers whether it is new.
pub(crate) fn insert(tx: &mut WriteTx<'_>, op: &Op) -> Result<bool> {
    let body = serde_json::to_string(&op.body).map_err(|e| Error::internal(e.to_string()))?;
    let parents: Vec<u8> = op.parents.iter().flat_map(|parent| *parent.0.as_bytes()).collect();
    let inserted = tx.execute(
        "INSERT INTO op (id, kind, entity, subject, body, parents, actor, reason, node, boot, hlc, wall_at, \
         wall_quality, gsn, eff) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT (id) DO NOTHING",
        params![
            op.id,
            op.cell.kind.as_str(),
            op.cell.entity,
            op.cell.subject,
            body,
            parents,
            op.actor.to_bytes(),
            op.reason.clone(),
            op.node,
            op.boot,
            op.hlc,
            op.wall_at,
            op.wall_quality as i64,
            op.gsn,
            op.eff,
        ],
    )?;
    Ok(inserted == 1)
}

/// The records of one cell, in no particular order.
pub(crate) fn of_cell(tx: &mut Tx<'_>, cell: &Cell) -> Result<Vec<Op>> {
    if cell.kind == Kind::Mark {
        return of_marks(tx, SessionId(cell.entity), StudentId(cell.subject));
    }
    let rows = tx.query(
        &format!("SELECT {COLUMNS} FROM op WHERE entity = ?1 AND subject = ?2 AND kind <> 'mark'"),
        params![cell.entity, cell.subject],
    )?;
    let mut ops = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
    // An enrolment's cell is keyed by course and student, a mark's by session and student: ids never meet,
    // but settings share the nil id with whatever else may come.
    ops.retain(|op| op.cell.kind == cell.kind);
    Ok(ops)
}

/// Whether a cell has at most one record, without reading what it says.
pub(crate) fn is_alone(tx: &mut Tx<'_>, cell: &Cell) -> Result<bool> {
    if cell.kind == Kind::Mark {
        return Ok(ids_of_marks(tx, SessionId(cell.entity), StudentId(cell.subject))?.len() <= 16);
    }
    let rows = tx.query(
        "SELECT 1 FROM op WHERE entity = ?1 AND subject = ?2 AND kind <> 'mark' LIMIT 2",
        params![cell.entity, cell.subject],
    )?;
    Ok(rows.len() < 2)
}

/// The marks of a student in a session, which their row of attendance names.
fn of_marks(tx: &mut Tx<'_>, session: SessionId, student: StudentId) -> Result<Vec<Op>> {
    let ids = ids_of_marks(tx, session, student)?;
    let mut ops = Vec::with_capacity(ids.len() / 16 + 1);
    for id in ids.chunks(16) {
        let row = tx.query_one(&format!("SELECT {COLUMNS} FROM op WHERE id = ?1"), params![id])?;
        ops.push(from_row(&row)?);
    }
    Ok(ops)
}

/// The ids of those records, 16 bytes each.
pub(crate) fn ids_of_marks(tx: &mut Tx<'_>, session: SessionId, student: StudentId) -> Result<Vec<u8>> {
    let row = tx.query_opt(
        "SELECT ops FROM attendance WHERE session_id = ?1 AND student_id = ?2",
        params![session, student],
    )?;
    row.map_or(Ok(vec![]), |row| row.get(0))
}

/// Every cell there are records of, but those of marks.
pub(crate) fn cells(tx: &mut Tx<'_>) -> Result<Vec<Cell>> {
    let rows = tx.query(
        "SELECT DISTINCT kind, entity, subject FROM op WHERE kind <> 'mark' ORDER BY entity, subject",
        &[],
    )?;
    rows.iter()
        .map(|row| {
            Ok(Cell { kind: Kind::parse(&row.get::<String>(0)?), entity: row.get(1)?, subject: row.get(2)? })
        })
        .collect()
}

/// Some marks after `after`, by id.
pub(crate) fn marks_after(tx: &mut Tx<'_>, after: OpId) -> Result<Vec<Op>> {
    let rows = tx.query(
        &format!("SELECT {COLUMNS} FROM op WHERE id > ?1 AND kind = 'mark' ORDER BY id LIMIT 1000"),
        params![after],
    )?;
    rows.iter().map(from_row).collect()
}

pub(crate) fn from_row(row: &Row) -> Result<Op> {
    let unreadable = |what: &str| Error::internal(format!("a record's {what} can't be read"));
    let parents: Vec<u8> = row.get(5)?;
    let parents = parents.chunks(16).map(|id| Uuid::from_slice(id).map(OpId)).collect::<Result<_, _>>();
    Ok(Op {
        id: row.get(0)?,
        cell: Cell { kind: Kind::parse(&row.get::<String>(1)?), entity: row.get(2)?, subject: row.get(3)? },
        body: serde_json::from_str(&row.get::<String>(4)?).map_err(|_| unreadable("body"))?,
        parents: parents.map_err(|_| unreadable("parents"))?,
        // A newer version may know other roles; its records count all the same.
        actor: Actor::from_bytes(&row.get::<Vec<u8>>(6)?).unwrap_or(Actor::SYSTEM),
        reason: row.get(7)?,
        node: row.get(8)?,
        boot: row.get(9)?,
        hlc: row.get(10)?,
        wall_at: row.get(11)?,
        wall_quality: WallQuality::from_i64(row.get(12)?),
        gsn: row.get(13)?,
        eff: row.get(14)?,
    })
}
