//! Semesters.

use arise_core::op::{Cell, Kind};
use arise_core::{Error, Result, SemesterId, text};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::list::{Filter, Listing};
use crate::tx::{Tx, WriteTx};
use crate::value::Row;
use crate::{op, params};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Semester {
    pub id: SemesterId,
    pub semester_name: String,
}

fn from_row(row: &Row) -> Result<Semester> {
    Ok(Semester { id: row.get(0)?, semester_name: row.get(1)? })
}

/// Semesters by name, "Semester 10" after "Semester 9", and how many there are on all pages.
pub fn list(tx: &mut Tx<'_>, filter: &Filter) -> Result<(Vec<Semester>, i64)> {
    let listing = Listing {
        columns: "id, semester_name",
        from: "semester WHERE archived = 0",
        searched: &["semester_name"],
        order: "length(semester_name), lower(semester_name), id",
    };
    let (rows, total) = listing.page(tx, filter, &[])?;
    Ok((rows.iter().map(from_row).collect::<Result<_>>()?, total))
}

/// # Errors
/// `not_found`.
pub fn get(tx: &mut Tx<'_>, id: SemesterId) -> Result<Semester> {
    let row =
        tx.query_opt("SELECT id, semester_name FROM semester WHERE id = ?1 AND archived = 0", params![id])?;
    row.as_ref().map(from_row).transpose()?.ok_or_else(|| Error::not_found("semester"))
}

/// # Errors
/// `invalid_field`, or `duplicate_semester_name`.
pub fn create(tx: &mut WriteTx<'_>, semester_name: &str) -> Result<SemesterId> {
    let id = SemesterId::new(tx.now());
    put(tx, id, semester_name)?;
    Ok(id)
}

/// # Errors
/// `not_found`, and those of [`create`].
pub fn update(tx: &mut WriteTx<'_>, id: SemesterId, semester_name: &str) -> Result<()> {
    get(tx, id)?;
    put(tx, id, semester_name)
}

fn put(tx: &mut WriteTx<'_>, id: SemesterId, semester_name: &str) -> Result<()> {
    let name = text::required("semester_name", semester_name, 200)?;
    let taken = tx.query_opt(
        "SELECT 1 FROM semester WHERE lower(semester_name) = lower(?1) AND id <> ?2 AND archived = 0 LIMIT 1",
        params![&name, id],
    )?;
    if taken.is_some() {
        return Err(Error::conflict(
            "duplicate_semester_name",
            format!("There is a semester called “{name}” already. Choose another name."),
        ));
    }
    let fields = op::fields([("semester_name", json!(name))]);
    tx.put(&Cell::of(Kind::Semester, id), fields, None).map(|_| ())
}

/// # Errors
/// `not_found`, or `semester_in_use` while there are courses in it.
pub fn archive(tx: &mut WriteTx<'_>, id: SemesterId) -> Result<()> {
    get(tx, id)?;
    let courses: i64 = tx
        .query_one("SELECT COUNT(*) FROM course WHERE semester_id = ?1 AND archived = 0", params![id])?
        .get(0)?;
    if courses > 0 {
        let (courses, them) =
            if courses == 1 { ("1 course".to_owned(), "it") } else { (format!("{courses} courses"), "them") };
        return Err(Error::conflict(
            "semester_in_use",
            format!("This semester has {courses}. Move {them} to another semester, or delete {them} first."),
        ));
    }
    tx.put(&Cell::of(Kind::Semester, id), op::fields([("archived", json!(1))]), None).map(|_| ())
}
