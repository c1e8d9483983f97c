//! The audit trail: every record, and what happened on this node besides, newest first.

use std::collections::HashMap;

use arise_core::mark;
use arise_core::op::{Cell, Kind, Op};
use arise_core::{Actor, Error, OpId, Result, Role, UtcMillis, id, register};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::tx::{Tx, WriteTx};
use crate::value::Row;
use crate::{op, params, review};

const MAX_PAGE: i64 = 500;
/// Refused logins and scanners can be many: the oldest go. Records never do.
const MAX_HAPPENINGS: i64 = 100_000;
const MAX_LOGINS: i64 = 50_000;
/// How the names of fields end whose values are nobody's business.
const SECRET: [&str; 4] = ["_hash", "_seed", "_token", "_key"];

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Entry {
    pub id: Uuid,
    pub at: UtcMillis,
    pub actor_role: Role,
    pub actor_id: Uuid,
    /// Empty when the actor isn't known to this node.
    pub actor_name: String,
    pub action: String,
    /// The noun; empty for what is no record.
    pub entity_kind: String,
    pub entity_id: Option<Uuid>,
    pub entity_label: String,
    /// What the changed fields held before; those that held nothing are missing.
    pub old: Map<String, Json>,
    pub new: Map<String, Json>,
    pub reason: Option<String>,
}

/// The entries before `cursor`, or the newest, and where the next page begins if there is one.
pub fn page(tx: &mut Tx<'_>, cursor: Option<Uuid>, limit: i64) -> Result<(Vec<Entry>, Option<Uuid>)> {
    let limit = limit.clamp(1, MAX_PAGE);
    let before = cursor.unwrap_or(Uuid::max());
    // One more than is asked for says whether there is a next page.
    let mut entries = records(tx, before, limit + 1)?;
    entries.extend(happenings(tx, before, limit + 1)?);
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    let limit = usize::try_from(limit).unwrap_or_default();
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|entry| entry.id);
    Ok((entries, next))
}

/// Remembers something that is no record: a login, a refused scanner, a backup. `entity` and `detail` are
/// for people.
pub fn note(tx: &mut WriteTx<'_>, action: &str, entity: &str, detail: &str) -> Result<()> {
    let (now, actor) = (tx.now(), tx.actor());
    let id = id::uuid_v7(now);
    tx.execute(
        "INSERT INTO happening (id, at, actor, action, entity, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![id, now, actor.to_bytes(), action, entity, detail],
    )?;
    // Looking for the oldest takes a while, so that only some look.
    if id.as_bytes()[15] == 0 {
        tx.execute(
            "DELETE FROM happening WHERE id < (SELECT id FROM happening ORDER BY id DESC LIMIT 1 OFFSET ?1)",
            params![MAX_HAPPENINGS],
        )?;
    }
    Ok(())
}

/// Somebody logged in.
pub const LOGGED_IN: &str = "logged_in";
/// Somebody was refused.
pub const LOGIN_REFUSED: &str = "login_refused";

/// As [`note`], for one of the two above. They have a bound of their own, since a college logs in every morning.
pub(crate) fn note_login(tx: &mut WriteTx<'_>, action: &str, who: &str) -> Result<()> {
    note(tx, action, who, "")?;
    if tx.now() % 64 == 0 {
        tx.execute(
            "DELETE FROM happening WHERE action IN ('logged_in', 'login_refused') AND id < (SELECT id FROM happening \
             WHERE action IN ('logged_in', 'login_refused') ORDER BY id DESC LIMIT 1 OFFSET ?1)",
            params![MAX_LOGINS],
        )?;
    }
    Ok(())
}

/// How often something was noted at `since` or later.
pub fn count_since(tx: &mut Tx<'_>, action: &str, since: UtcMillis) -> Result<i64> {
    tx.query_one(
        "SELECT COUNT(*) FROM happening WHERE id >= ?1 AND action = ?2",
        params![id::first_at(since), action],
    )?
    .get(0)
}

/// Whether the actor's same action on the same thing was noted at `since` or later.
pub fn noted_since(tx: &mut Tx<'_>, action: &str, entity: &str, since: UtcMillis) -> Result<bool> {
    // Ids begin with the time, so that the key finds what is recent.
    let row = tx.query_opt(
        "SELECT 1 FROM happening WHERE id >= ?1 AND action = ?2 AND entity = ?3 LIMIT 1",
        params![id::first_at(since), action, entity],
    )?;
    Ok(row.is_some())
}

/// The name of whoever the 17 bytes of `actor` stand for.
pub(crate) const ACTOR_NAME: &str = "COALESCE(a1.username, a2.teacher_name, a3.student_name, a4.name, '')";
pub(crate) const ACTOR: &str = "LEFT JOIN admin a1 ON a1.id = substr(r.actor, 2) \
    LEFT JOIN teacher a2 ON a2.id = substr(r.actor, 2) \
    LEFT JOIN student a3 ON a3.id = substr(r.actor, 2) \
    LEFT JOIN device a4 ON a4.id = substr(r.actor, 2)";

/// What people call the entity and the subject of `r`, in three columns for [`label`].
pub(crate) const LABELS: &str = "COALESCE(e1.semester_name, e2.teacher_name, e3.student_name, e4.course_code, \
    e6.course_code, ''), COALESCE(e5.held_on, ''), COALESCE(s.student_name, '')";
pub(crate) const LABELLED: &str = "LEFT JOIN semester e1 ON e1.id = r.entity LEFT JOIN teacher e2 ON e2.id = r.entity \
    LEFT JOIN student e3 ON e3.id = r.entity LEFT JOIN course e4 ON e4.id = r.entity \
    LEFT JOIN session e5 ON e5.id = r.entity LEFT JOIN course e6 ON e6.id = e5.course_id \
    LEFT JOIN student s ON s.id = r.subject";

/// The three columns from `first` on as one text.
pub(crate) fn label(row: &Row, first: usize) -> Result<String> {
    let parts = [row.get::<String>(first)?, row.get(first + 1)?, row.get(first + 2)?];
    let parts: Vec<&str> = parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
    Ok(parts.join(" · "))
}

/// Whether the values of a field are nobody's business.
pub(crate) fn is_secret(field: &str) -> bool {
    SECRET.iter().any(|end| field.ends_with(end))
}

fn records(tx: &mut Tx<'_>, before: Uuid, limit: i64) -> Result<Vec<Entry>> {
    // What surrounds a record: all that is known of the cells of this page.
    let known = tx.query(
        &format!(
            "SELECT {} FROM op WHERE (entity, subject) IN \
             (SELECT entity, subject FROM op WHERE id < ?1 ORDER BY id DESC LIMIT ?2)",
            op::COLUMNS
        ),
        params![before, limit],
    )?;
    let mut cells: HashMap<Cell, Vec<Op>> = HashMap::new();
    for row in &known {
        let op = op::from_row(row)?;
        cells.entry(op.cell.clone()).or_default().push(op);
    }
    let rows = tx.query(
        &format!(
            "SELECT r.id, r.kind, r.entity, r.subject, {ACTOR_NAME}, {LABELS} FROM op r {ACTOR} {LABELLED} \
             WHERE r.id < ?1 ORDER BY r.id DESC LIMIT ?2"
        ),
        params![before, limit],
    )?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        let id: OpId = row.get(0)?;
        let cell =
            Cell { kind: Kind::parse(&row.get::<String>(1)?), entity: row.get(2)?, subject: row.get(3)? };
        let around = cells.get(&cell).map(Vec::as_slice).unwrap_or_default();
        let op = around
            .iter()
            .find(|op| op.id == id)
            .ok_or_else(|| Error::internal("a record isn't among those of its cell"))?;
        entries.push(record(op, around, row)?);
    }
    Ok(entries)
}

fn record(op: &Op, around: &[Op], row: &Row) -> Result<Entry> {
    let mut old =
        if op.cell.kind == Kind::Mark { mark_before(op, around) } else { fields_before(op, around) };
    let mut new = op.body.clone();
    let mut reason = op.reason.clone();
    if op.cell.kind == Kind::Mark {
        // The reason is the entry's own; it isn't shown twice.
        reason = new.remove("reason").and_then(|reason| reason.as_str().map(str::to_owned));
        old.remove("reason");
    }
    let action = action(op, &old, around);
    old.retain(|name, _| !is_secret(name));
    // How many records there were is for the review, and tells nobody anything here.
    old.remove(review::ARCHIVED_RECORDS);
    new.remove(review::ARCHIVED_RECORDS);
    for (name, value) in &mut new {
        // Whatever a newer version keeps may be a secret too.
        if is_secret(name) || matches!(op.cell.kind, Kind::Unknown(_)) {
            *value = json!("changed");
        }
    }
    Ok(Entry {
        id: op.id.0,
        at: op.wall_at,
        actor_role: op.actor.role,
        actor_id: op.actor.id,
        actor_name: row.get(4)?,
        action: action.to_owned(),
        entity_kind: op.cell.kind.to_string(),
        entity_id: (!op.cell.entity.is_nil()).then_some(op.cell.entity),
        entity_label: label(row, 5)?,
        old,
        new,
        reason,
    })
}

/// What the writer saw in the fields that it changed.
fn fields_before(op: &Op, around: &[Op]) -> Map<String, Json> {
    let seen = register::fold(around.iter().filter(|other| op.parents.contains(&other.id)));
    seen.into_iter()
        .filter(|(name, field)| op.body.contains_key(name) && !field.value.is_null())
        .map(|(name, field)| (name, field.value))
        .collect()
}

/// The mark that stood before.
fn mark_before(op: &Op, around: &[Op]) -> Map<String, Json> {
    let earlier: Vec<Op> =
        around.iter().filter(|other| (other.hlc, other.id) < (op.hlc, op.id)).cloned().collect();
    let stamped = op::stamped(&earlier);
    let before =
        mark::current(&stamped).and_then(|current| around.iter().find(|other| other.id == current.id));
    before.map(|before| before.body.clone()).unwrap_or_default()
}

fn action(op: &Op, old: &Map<String, Json>, around: &[Op]) -> &'static str {
    if op.cell.kind == Kind::Mark {
        return if op.body.get("status").is_none_or(Json::is_null) { "unmarked" } else { "marked" };
    }
    match op.body.get("archived").and_then(Json::as_i64) {
        Some(0) => return "restored",
        Some(_) => return "deleted",
        None => {}
    }
    let is_first = !around.iter().any(|other| (other.hlc, other.id) < (op.hlc, op.id));
    match &op.cell.kind {
        Kind::Enrolment => match op.body.get("periods") {
            Some(periods) if is_open(periods) && !old.get("periods").is_some_and(is_open) => "enrolled",
            Some(periods) if !is_open(periods) => "left",
            _ => "changed",
        },
        // Settings share one cell that is never made.
        Kind::Setting => "changed",
        Kind::Session if is_first => "started",
        Kind::Session => match op.body.get("ended_at") {
            Some(Json::Null) => "reopened",
            Some(_) => "ended",
            None => "changed",
        },
        _ if is_first => "created",
        _ => "changed",
    }
}

/// Whether the last of these periods goes on.
fn is_open(periods: &Json) -> bool {
    let last = periods.as_array().and_then(|periods| periods.last());
    last.is_some_and(|last| last.get("until_on").is_none_or(Json::is_null))
}

fn happenings(tx: &mut Tx<'_>, before: Uuid, limit: i64) -> Result<Vec<Entry>> {
    let rows = tx.query(
        &format!(
            "SELECT r.id, r.at, r.actor, {ACTOR_NAME}, r.action, r.entity, r.detail FROM happening r {ACTOR} \
             WHERE r.id < ?1 ORDER BY r.id DESC LIMIT ?2"
        ),
        params![before, limit],
    )?;
    rows.iter()
        .map(|row| {
            let actor = Actor::from_bytes(&row.get::<Vec<u8>>(2)?)
                .ok_or_else(|| Error::internal("an actor can't be read"))?;
            let detail: String = row.get(6)?;
            Ok(Entry {
                id: row.get(0)?,
                at: row.get(1)?,
                actor_role: actor.role,
                actor_id: actor.id,
                actor_name: row.get(3)?,
                action: row.get(4)?,
                entity_kind: String::new(),
                entity_id: None,
                entity_label: row.get(5)?,
                old: Map::new(),
                new: Map::new(),
                reason: (!detail.is_empty()).then_some(detail),
            })
        })
        .collect()
}
