//! Teachers.

use arise_core::op::{Cell, Kind};
use arise_core::{Error, Result, TeacherId, text};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::list::{Filter, Listing};
use crate::tx::{Tx, WriteTx};
use crate::value::Row;
use crate::{op, params};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Teacher {
    pub id: TeacherId,
    pub teacher_name: String,
    pub teacher_code: String,
}

const COLUMNS: &str = "id, teacher_name, teacher_code";

fn from_row(row: &Row) -> Result<Teacher> {
    Ok(Teacher { id: row.get(0)?, teacher_name: row.get(1)?, teacher_code: row.get(2)? })
}

/// Teachers by name, and how many there are on all pages.
pub fn list(tx: &mut Tx<'_>, filter: &Filter) -> Result<(Vec<Teacher>, i64)> {
    let listing = Listing {
        columns: COLUMNS,
        from: "teacher WHERE archived = 0",
        searched: &["teacher_name", "teacher_code"],
        order: "lower(teacher_name), id",
    };
    let (rows, total) = listing.page(tx, filter, &[])?;
    Ok((rows.iter().map(from_row).collect::<Result<_>>()?, total))
}

/// # Errors
/// `not_found`.
pub fn get(tx: &mut Tx<'_>, id: TeacherId) -> Result<Teacher> {
    let row =
        tx.query_opt(&format!("SELECT {COLUMNS} FROM teacher WHERE id = ?1 AND archived = 0"), params![id])?;
    row.as_ref().map(from_row).transpose()?.ok_or_else(|| Error::not_found("teacher"))
}

/// The teacher with this code, whatever its case.
pub fn by_code(tx: &mut Tx<'_>, teacher_code: &str) -> Result<Option<Teacher>> {
    let row = tx.query_opt(
        &format!(
            "SELECT {COLUMNS} FROM teacher WHERE lower(teacher_code) = lower(?1) AND archived = 0 ORDER BY id LIMIT 1"
        ),
        params![teacher_code.trim()],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// What a PIN is checked against: who the teacher is, their name and the hash.
pub fn pin_hash(tx: &mut Tx<'_>, id: TeacherId) -> Result<Option<(TeacherId, String, String)>> {
    let row = tx.query_opt(
        "SELECT id, teacher_name, pin_hash FROM teacher WHERE id = ?1 AND archived = 0",
        params![id],
    )?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).transpose()
}

/// # Errors
/// `invalid_field`, or `duplicate_teacher_code`.
pub fn create(
    tx: &mut WriteTx<'_>,
    teacher_name: &str,
    teacher_code: &str,
    pin_hash: &str,
) -> Result<TeacherId> {
    let id = TeacherId::new(tx.now());
    put(tx, id, teacher_name, teacher_code, Some(pin_hash))?;
    Ok(id)
}

/// Changes a teacher, and the PIN when there is a new one.
///
/// # Errors
/// `not_found`, and those of [`create`].
pub fn update(
    tx: &mut WriteTx<'_>,
    id: TeacherId,
    teacher_name: &str,
    teacher_code: &str,
    pin_hash: Option<&str>,
) -> Result<()> {
    get(tx, id)?;
    put(tx, id, teacher_name, teacher_code, pin_hash)
}

fn put(
    tx: &mut WriteTx<'_>,
    id: TeacherId,
    teacher_name: &str,
    teacher_code: &str,
    pin_hash: Option<&str>,
) -> Result<()> {
    let name = text::required("teacher_name", teacher_name, 200)?;
    let code = text::required("teacher_code", teacher_code, 50)?;
    if let Some(other) = by_code(tx, &code)?.filter(|other| other.id != id) {
        return Err(Error::conflict(
            "duplicate_teacher_code",
            format!("{} has the code “{code}” already. Choose another code.", other.teacher_name),
        ));
    }
    let mut fields = op::fields([("teacher_name", json!(name)), ("teacher_code", json!(code))]);
    if let Some(hash) = pin_hash {
        fields.insert("pin_hash".to_owned(), json!(hash));
    }
    tx.put(&Cell::of(Kind::Teacher, id), fields, None).map(|_| ())
}

/// # Errors
/// `not_found`.
pub fn set_pin_hash(tx: &mut WriteTx<'_>, id: TeacherId, pin_hash: &str) -> Result<()> {
    get(tx, id)?;
    tx.put(&Cell::of(Kind::Teacher, id), op::fields([("pin_hash", json!(pin_hash))]), None).map(|_| ())
}

/// The teacher's courses stay, without a teacher.
///
/// # Errors
/// `not_found`.
pub fn archive(tx: &mut WriteTx<'_>, id: TeacherId) -> Result<()> {
    get(tx, id)?;
    tx.put(&Cell::of(Kind::Teacher, id), op::fields([("archived", json!(1))]), None).map(|_| ())
}
