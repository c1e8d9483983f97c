//! What the records come to, worked out from the set of them in the plainest way. It shares no code with the
//! engine.

use std::collections::{BTreeMap, BTreeSet};

use arise_core::Result;
use arise_store::Tx;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

#[derive(Debug, Clone)]
pub(crate) struct Raw {
    pub(crate) id: Uuid,
    pub(crate) kind: String,
    pub(crate) entity: Uuid,
    pub(crate) subject: Uuid,
    pub(crate) text: String,
    pub(crate) body: Map<String, Json>,
    pub(crate) parents: Vec<Uuid>,
    pub(crate) hlc: i64,
    pub(crate) gsn: Option<i64>,
    pub(crate) eff: Option<i64>,
}

/// Every record of a database.
pub(crate) fn load(tx: &mut Tx<'_>) -> Result<Vec<Raw>> {
    let rows =
        tx.query("SELECT id, kind, entity, subject, body, parents, hlc, gsn, eff FROM op ORDER BY id", &[])?;
    rows.iter()
        .map(|row| {
            let text: String = row.get(4)?;
            let parents: Vec<u8> = row.get(5)?;
            Ok(Raw {
                id: row.get(0)?,
                kind: row.get(1)?,
                entity: row.get(2)?,
                subject: row.get(3)?,
                body: serde_json::from_str(&text).unwrap_or_default(),
                text,
                parents: parents.chunks(16).filter_map(|id| Uuid::from_slice(id).ok()).collect(),
                hlc: row.get(6)?,
                gsn: row.get(7)?,
                eff: row.get(8)?,
            })
        })
        .collect()
}

/// A kind, an entity and a subject.
pub(crate) type Cell = (String, Uuid, Uuid);

pub(crate) fn by_cell(records: &[Raw]) -> BTreeMap<Cell, Vec<&Raw>> {
    let mut cells: BTreeMap<Cell, Vec<&Raw>> = BTreeMap::new();
    for record in records {
        cells.entry((record.kind.clone(), record.entity, record.subject)).or_default().push(record);
    }
    cells
}

/// The records of a cell that nobody has overwritten in a field, the one that shows first.
pub(crate) fn heads<'a>(records: &[&'a Raw], field: &str) -> Vec<&'a Raw> {
    let writers: Vec<&Raw> = records.iter().copied().filter(|r| r.body.contains_key(field)).collect();
    let mut heads: Vec<&Raw> = writers
        .iter()
        .copied()
        .filter(|one| !writers.iter().any(|other| other.parents.contains(&one.id)))
        .collect();
    heads.sort_by_key(|r| std::cmp::Reverse((r.eff.unwrap_or(r.hlc), r.gsn.unwrap_or(i64::MAX), r.id)));
    heads
}

const STATUSES: [&str; 4] = ["present", "late", "absent", "excused"];
const PEOPLE: [&str; 4] = ["teacher", "emergency", "correction", "leave"];
const DEVICES: [&str; 5] = ["fingerprint", "scanner_queue", "code", "terminal", "import"];

fn word<'a>(record: &'a Raw, field: &str) -> &'a str {
    record.body.get(field).and_then(Json::as_str).unwrap_or_default()
}

/// Whether this version knows what the record says.
fn is_readable(record: &Raw) -> bool {
    let status = record.body.get("status");
    let source = word(record, "source");
    status.is_none_or(|s| s.is_null() || STATUSES.contains(&s.as_str().unwrap_or_default()))
        && (PEOPLE.contains(&source) || DEVICES.contains(&source))
        && record.body.get("observed_at").is_some_and(Json::is_i64)
}

/// The decisions of people about a mark that nobody has overwritten.
pub(crate) fn decisions<'a>(records: &[&'a Raw]) -> Vec<&'a Raw> {
    let marks: Vec<&Raw> = records.iter().copied().filter(|r| is_readable(r)).collect();
    marks
        .iter()
        .copied()
        .filter(|one| PEOPLE.contains(&word(one, "source")))
        .filter(|one| !marks.iter().any(|other| other.parents.contains(&one.id)))
        .collect()
}

/// The mark that stands.
pub(crate) fn standing<'a>(records: &[&'a Raw]) -> Option<&'a Raw> {
    let decision = decisions(records).into_iter().max_by_key(|r| (r.eff.unwrap_or(r.hlc), r.id));
    if let Some(decision) = decision
        && !word(decision, "status").is_empty()
    {
        return Some(decision);
    }
    let seen = records
        .iter()
        .copied()
        .filter(|r| is_readable(r) && DEVICES.contains(&word(r, "source")) && !word(r, "status").is_empty());
    seen.min_by_key(|r| (r.body.get("observed_at").and_then(Json::as_i64), r.id))
}

fn value<'a>(records: &[&'a Raw], field: &str) -> Option<&'a Json> {
    heads(records, field).first().and_then(|r| r.body.get(field))
}

fn text(records: &[&Raw], field: &str) -> String {
    value(records, field).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn number(records: &[&Raw], field: &str) -> Option<i64> {
    value(records, field).and_then(Json::as_i64)
}

fn or_dash(number: Option<i64>) -> String {
    number.map_or("-".to_owned(), |n| n.to_string())
}

/// One line for each row that should be.
pub(crate) fn expected(records: &[Raw]) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for ((kind, entity, subject), of_cell) in by_cell(records) {
        let archived = number(&of_cell, "archived").unwrap_or_default();
        if ["semester", "teacher", "student", "course", "enrolment", "session", "setting"].contains(&&*kind) {
            let fields: BTreeSet<&String> = of_cell.iter().flat_map(|r| r.body.keys()).collect();
            for field in fields.into_iter().filter(|field| heads(&of_cell, field).len() > 1) {
                lines.insert(format!("conflict {kind} {entity} {subject} {field}"));
            }
        }
        match kind.as_str() {
            "semester" => {
                lines.insert(format!("semester {entity} {} {archived}", text(&of_cell, "semester_name")));
            }
            "student" => {
                let (name, roll) = (text(&of_cell, "student_name"), text(&of_cell, "university_roll_no"));
                lines.insert(format!("student {entity} {name} {roll} {archived}"));
            }
            "course" => {
                let (name, code) = (text(&of_cell, "course_name"), text(&of_cell, "course_code"));
                lines.insert(format!("course {entity} {name} {code} {archived}"));
            }
            "enrolment" => {
                let roll = number(&of_cell, "class_roll_id").unwrap_or_default();
                let periods =
                    value(&of_cell, "periods").and_then(Json::as_array).cloned().unwrap_or_default();
                for period in periods {
                    let from = period["from_on"].as_str().unwrap_or_default();
                    let until = period["until_on"].as_str().unwrap_or("-");
                    lines.insert(format!("enrolment {entity} {subject} {from} {until} {roll}"));
                }
            }
            "session" => {
                let (starts, ends) = (number(&of_cell, "starts_at"), number(&of_cell, "ends_at"));
                let ended = number(&of_cell, "ended_at");
                let grace = number(&of_cell, "grace_ms").unwrap_or_default();
                let closes = ended.unwrap_or(ends.unwrap_or_default() + grace);
                let (topic, day) = (text(&of_cell, "topic"), text(&of_cell, "held_on"));
                let (starts, ended) = (or_dash(starts), or_dash(ended));
                lines.insert(format!("session {entity} {topic} {day} {starts} {closes} {ended} {archived}"));
            }
            "mark" => {
                let stands = standing(&of_cell);
                let of = |field: &str| match stands.and_then(|r| r.body.get(field)) {
                    None | Some(Json::Null) => "-".to_owned(),
                    Some(Json::String(word)) => word.clone(),
                    Some(other) => other.to_string(),
                };
                let fields = ["status", "source", "reason", "observed_at"].map(of).join(" ");
                lines.insert(format!("attendance {entity} {subject} {fields} {}", of_cell.len()));
            }
            "setting" => {
                let keys: BTreeSet<&String> = of_cell.iter().flat_map(|r| r.body.keys()).collect();
                for key in keys {
                    let value = value(&of_cell, key).cloned().unwrap_or_default();
                    lines.insert(format!("setting {key} {value}"));
                }
            }
            _ => {}
        }
    }
    lines
}

/// One line for each row that is.
pub(crate) fn derived(tx: &mut Tx<'_>) -> Result<BTreeSet<String>> {
    let mut lines = BTreeSet::new();
    for row in tx.query("SELECT id, semester_name, archived FROM semester", &[])? {
        let (id, name, archived): (Uuid, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        lines.insert(format!("semester {id} {name} {archived}"));
    }
    for row in tx.query("SELECT id, student_name, university_roll_no, archived FROM student", &[])? {
        let (id, name, roll): (Uuid, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        lines.insert(format!("student {id} {name} {roll} {}", row.get::<i64>(3)?));
    }
    for row in tx.query("SELECT id, course_name, course_code, archived FROM course", &[])? {
        let (id, name, code): (Uuid, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        lines.insert(format!("course {id} {name} {code} {}", row.get::<i64>(3)?));
    }
    let enrolled =
        "SELECT course_id, student_id, from_on, COALESCE(until_on, '-'), class_roll_id FROM enrolment";
    for row in tx.query(enrolled, &[])? {
        let (course, student): (Uuid, Uuid) = (row.get(0)?, row.get(1)?);
        let (from, until): (String, String) = (row.get(2)?, row.get(3)?);
        lines.insert(format!("enrolment {course} {student} {from} {until} {}", row.get::<i64>(4)?));
    }
    let sessions = "SELECT id, topic, held_on, starts_at, closes_at, ended_at, archived FROM session";
    for row in tx.query(sessions, &[])? {
        let (id, topic, day): (Uuid, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (starts, closes): (i64, i64) = (row.get(3)?, row.get(4)?);
        let ended = or_dash(row.get(5)?);
        lines.insert(format!("session {id} {topic} {day} {starts} {closes} {ended} {}", row.get::<i64>(6)?));
    }
    let marks = "SELECT session_id, student_id, COALESCE(status, '-'), COALESCE(source, '-'), \
                 COALESCE(reason, '-'), observed_at, ops FROM attendance";
    for row in tx.query(marks, &[])? {
        let (session, student): (Uuid, Uuid) = (row.get(0)?, row.get(1)?);
        let (status, source, reason): (String, String, String) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let (observed, ids): (Option<i64>, Vec<u8>) = (row.get(5)?, row.get(6)?);
        let observed = or_dash(observed);
        let count = ids.len() / 16;
        lines.insert(format!("attendance {session} {student} {status} {source} {reason} {observed} {count}"));
    }
    for row in tx.query("SELECT kind, entity, subject, field FROM conflict", &[])? {
        let (kind, entity, subject): (String, Uuid, Uuid) = (row.get(0)?, row.get(1)?, row.get(2)?);
        lines.insert(format!("conflict {kind} {entity} {subject} {}", row.get::<String>(3)?));
    }
    for row in tx.query("SELECT key, value FROM setting", &[])? {
        lines.insert(format!("setting {} {}", row.get::<String>(0)?, row.get::<String>(1)?));
    }
    Ok(lines)
}
