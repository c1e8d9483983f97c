//! What of the file's rows is new, beside what is known.

use std::collections::HashMap;

use arise_core::op::{Cell, Kind, Op, WallQuality};
use arise_core::{Actor, OpId, Result, register};
use arise_store::{Tx, foreign};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::account::Account;
use super::link::Links;
use super::origin::Origin;
use super::plan::{Field, Planned, PlannedMark};

const REASON: &str = "Imported from the older system";

/// What all transactions of an import need.
pub(super) struct Shared {
    pub(super) origin: Origin,
    pub(super) links: Links,
    pub(super) today: String,
    pub(super) first_marked: HashMap<(i64, i64), String>,
}

/// What is to be written of a chunk, and its account.
#[derive(Default)]
pub(super) struct Verdict {
    pub(super) ops: Vec<Op>,
    pub(super) links: Vec<(Kind, i64, Uuid)>,
    pub(super) account: Account,
}

pub(super) fn known_of(tx: &mut Tx<'_>, shared: &Shared, rows: &[Planned]) -> Result<HashMap<Cell, Vec<Op>>> {
    let mut entities: Vec<Uuid> = rows.iter().map(|planned| shared.cell(planned).entity).collect();
    entities.sort_unstable();
    entities.dedup();
    foreign::of_entities(tx, &entities)
}

impl Shared {
    pub(super) fn id(&self, kind: &Kind, old_id: i64) -> Uuid {
        self.links.id(&self.origin, kind, old_id)
    }

    fn cell(&self, planned: &Planned) -> Cell {
        match planned.student {
            Some(student) => Cell::pair(
                Kind::Enrolment,
                self.id(&Kind::Course, planned.old_id),
                self.id(&Kind::Student, student),
            ),
            None => Cell::of(planned.kind.clone(), self.id(&planned.kind, planned.old_id)),
        }
    }

    pub(super) fn compare(
        &self,
        planned: &Planned,
        known: &HashMap<Cell, Vec<Op>>,
        joined_later: bool,
        verdict: &mut Verdict,
    ) {
        let count = verdict.account.count(planned.table);
        let cell = self.cell(planned);
        let ops = known.get(&cell).map(Vec::as_slice).unwrap_or_default();
        let own: Vec<&Op> = ops.iter().filter(|op| op.node == self.origin.node()).collect();
        let place = (planned.kind.clone(), planned.old_id);
        if planned.student.is_none() && self.links.is_linked(&planned.kind, planned.old_id) {
            if self.links.fresh.contains(&place) {
                count.recognised += 1;
                verdict.links.push((place.0, place.1, cell.entity));
            } else {
                count.unchanged += 1;
            }
            return;
        }
        // Somebody enrolled them here: the roster is as arise says.
        if own.is_empty() && !ops.is_empty() {
            count.unchanged += 1;
            return;
        }
        let said = register::fold(own.iter().copied());
        let mut body: Map<String, Json> = Map::new();
        for (name, field) in &planned.fields {
            let value = match field {
                Field::Is(value) => value.clone(),
                Field::Of(kind, old_id) => json!(self.id(kind, *old_id)),
            };
            if said.get(*name).is_none_or(|field| field.value != value) {
                body.insert((*name).to_owned(), value);
            }
        }
        if own.is_empty() {
            for (name, value) in &planned.once {
                body.insert((*name).to_owned(), value.clone());
            }
            if let Some(student) = planned.student.filter(|_| joined_later) {
                let first = self.first_marked.get(&(planned.old_id, student)).unwrap_or(&self.today);
                body.insert("periods".to_owned(), json!([{"from_on": first}]));
            }
            count.added += 1;
        } else if body.is_empty() {
            count.unchanged += 1;
            return;
        } else {
            count.changed += 1;
        }
        // Only what this server said itself is overwritten: an edit made in arise stands beside it.
        let mut parents: Vec<OpId> =
            body.keys().filter_map(|name| said.get(name)).flat_map(|field| field.heads.clone()).collect();
        parents.sort_unstable();
        parents.dedup();
        let depth = i64::try_from(own.len()).unwrap_or_default();
        verdict.ops.push(self.op(cell, body, parents, planned.at, depth));
    }

    /// Marks of sessions, by the older id of each.
    pub(super) fn compare_marks(
        &self,
        tx: &mut Tx<'_>,
        sessions: impl Iterator<Item = (i64, Vec<PlannedMark>)>,
        verdict: &mut Verdict,
    ) -> Result<()> {
        let mut ops = vec![];
        for (session, marks) in sessions {
            for mark in &marks {
                ops.push(self.mark(session, mark)?);
            }
        }
        let ids: Vec<OpId> = ops.iter().map(|op| op.id).collect();
        let known = foreign::known(tx, &ids)?;
        let count = verdict.account.count("attendance_records");
        for op in ops {
            if known.contains(&op.id) {
                count.unchanged += 1;
            } else {
                count.added += 1;
                verdict.ops.push(op);
            }
        }
        Ok(())
    }

    fn mark(&self, session: i64, planned: &PlannedMark) -> Result<Op> {
        let PlannedMark { old_id, student, mark } = planned;
        let cell =
            Cell::pair(Kind::Mark, self.id(&Kind::Session, session), self.id(&Kind::Student, *student));
        let Ok(Json::Object(body)) = serde_json::to_value(mark) else {
            return Err(arise_core::Error::internal("a mark isn't an object"));
        };
        let mut op = self.op(cell, body, vec![], mark.observed_at, 0);
        // By the row and what it says, not by a reason that somebody worded anew.
        let status = mark.status.map_or("", arise_core::Status::as_str);
        let what: [&[u8]; 6] = [
            b"mark",
            &old_id.to_be_bytes(),
            op.cell.entity.as_bytes(),
            op.cell.subject.as_bytes(),
            status.as_bytes(),
            mark.source.as_str().as_bytes(),
        ];
        op.id = self.origin.op_id(mark.observed_at, &what);
        op.reason = None;
        Ok(op)
    }

    /// A record that is the same wherever and whenever the file is imported.
    fn op(&self, cell: Cell, body: Map<String, Json>, parents: Vec<OpId>, at: i64, depth: i64) -> Op {
        let text = Json::Object(body.clone()).to_string();
        let lineage: Vec<u8> = parents.iter().flat_map(|parent| *parent.0.as_bytes()).collect();
        let what: [&[u8]; 5] = [
            cell.kind.as_str().as_bytes(),
            cell.entity.as_bytes(),
            cell.subject.as_bytes(),
            text.as_bytes(),
            &lineage,
        ];
        Op {
            id: self.origin.op_id(at, &what),
            cell,
            body,
            parents,
            actor: Actor::SYSTEM,
            reason: Some(REASON.to_owned()),
            node: self.origin.node(),
            boot: 0,
            hlc: at * 1_000 + depth,
            wall_at: at,
            wall_quality: WallQuality::Claimed,
            gsn: None,
            eff: None,
        }
    }
}
