//! Students.

use arise_core::op::{Cell, Kind};
use arise_core::{Error, Result, StudentId, text};
use serde::Serialize;
use serde_json::json;

use crate::list::{Filter, Listing};
use crate::tx::{Tx, WriteTx};
use crate::value::Row;
use crate::{op, params};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Student {
    pub id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    pub enrollment_no: String,
    pub email1: String,
    pub email2: String,
}

/// What an administrator says of a student.
#[derive(Debug, Clone, Default)]
pub struct StudentFields {
    pub student_name: String,
    pub university_roll_no: String,
    /// May be empty.
    pub enrollment_no: String,
    pub email1: String,
    pub email2: String,
}

const COLUMNS: &str = "id, student_name, university_roll_no, enrollment_no, email1, email2";

fn from_row(row: &Row) -> Result<Student> {
    Ok(Student {
        id: row.get(0)?,
        student_name: row.get(1)?,
        university_roll_no: row.get(2)?,
        enrollment_no: row.get(3)?,
        email1: row.get(4)?,
        email2: row.get(5)?,
    })
}

/// How students are sorted: by roll number, 9 before 10.
pub(crate) const BY_ROLL: &str = "length(university_roll_no), lower(university_roll_no), id";

/// Students by roll number, and how many there are on all pages.
pub fn list(tx: &mut Tx<'_>, filter: &Filter) -> Result<(Vec<Student>, i64)> {
    let listing = Listing {
        columns: COLUMNS,
        from: "student WHERE archived = 0",
        searched: &["student_name", "university_roll_no", "enrollment_no", "email1", "email2"],
        order: BY_ROLL,
    };
    let (rows, total) = listing.page(tx, filter, &[])?;
    Ok((rows.iter().map(from_row).collect::<Result<_>>()?, total))
}

pub fn find(tx: &mut Tx<'_>, id: StudentId) -> Result<Option<Student>> {
    let row =
        tx.query_opt(&format!("SELECT {COLUMNS} FROM student WHERE id = ?1 AND archived = 0"), params![id])?;
    row.as_ref().map(from_row).transpose()
}

/// # Errors
/// `not_found`.
pub fn get(tx: &mut Tx<'_>, id: StudentId) -> Result<Student> {
    find(tx, id)?.ok_or_else(|| Error::not_found("student"))
}

/// The student with this university roll number, whatever its case.
pub fn by_roll(tx: &mut Tx<'_>, university_roll_no: &str) -> Result<Option<Student>> {
    by(tx, "university_roll_no", university_roll_no)
}

fn by(tx: &mut Tx<'_>, column: &str, value: &str) -> Result<Option<Student>> {
    let row = tx.query_opt(
        &format!(
            "SELECT {COLUMNS} FROM student WHERE lower({column}) = lower(?1) AND archived = 0 ORDER BY id LIMIT 1"
        ),
        params![value.trim()],
    )?;
    row.as_ref().map(from_row).transpose()
}

/// What a password is checked against: who the student is, their name and the hash.
pub fn password_hash(tx: &mut Tx<'_>, id: StudentId) -> Result<Option<(StudentId, String, String)>> {
    let row = tx.query_opt(
        "SELECT id, student_name, password_hash FROM student WHERE id = ?1 AND archived = 0",
        params![id],
    )?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).transpose()
}

/// # Errors
/// `invalid_field`, `duplicate_university_roll_no` or `duplicate_enrollment_no`.
pub fn create(tx: &mut WriteTx<'_>, fields: &StudentFields, password_hash: &str) -> Result<StudentId> {
    let id = StudentId::new(tx.now());
    put(tx, id, fields, Some(password_hash))?;
    Ok(id)
}

/// Changes a student, and the password when there is a new one.
///
/// # Errors
/// `not_found`, and those of [`create`].
pub fn update(
    tx: &mut WriteTx<'_>,
    id: StudentId,
    fields: &StudentFields,
    password_hash: Option<&str>,
) -> Result<()> {
    get(tx, id)?;
    put(tx, id, fields, password_hash)
}

fn put(
    tx: &mut WriteTx<'_>,
    id: StudentId,
    fields: &StudentFields,
    password_hash: Option<&str>,
) -> Result<()> {
    let name = text::required("student_name", &fields.student_name, 200)?;
    let roll = text::required("university_roll_no", &fields.university_roll_no, 50)?;
    let enrollment = text::optional("enrollment_no", &fields.enrollment_no, 50)?;
    let email1 = text::email("email1", &fields.email1)?;
    let email2 = text::email("email2", &fields.email2)?;
    if let Some(other) = by(tx, "university_roll_no", &roll)?.filter(|other| other.id != id) {
        return Err(Error::conflict(
            "duplicate_university_roll_no",
            format!(
                "{} has the university roll number “{roll}” already. Correct one of them.",
                other.student_name
            ),
        ));
    }
    if !enrollment.is_empty()
        && let Some(other) = by(tx, "enrollment_no", &enrollment)?.filter(|other| other.id != id)
    {
        return Err(Error::conflict(
            "duplicate_enrollment_no",
            format!(
                "{} (roll number {}) has the enrolment number “{enrollment}” already. Correct one of them.",
                other.student_name, other.university_roll_no
            ),
        ));
    }
    let mut fields = op::fields([
        ("student_name", json!(name)),
        ("university_roll_no", json!(roll)),
        ("enrollment_no", json!(enrollment)),
        ("email1", json!(email1)),
        ("email2", json!(email2)),
    ]);
    if let Some(hash) = password_hash {
        fields.insert("password_hash".to_owned(), json!(hash));
    }
    tx.put(&Cell::of(Kind::Student, id), fields, None).map(|_| ())
}

/// # Errors
/// `not_found`.
pub fn set_password_hash(tx: &mut WriteTx<'_>, id: StudentId, password_hash: &str) -> Result<()> {
    get(tx, id)?;
    let fields = op::fields([("password_hash", json!(password_hash))]);
    tx.put(&Cell::of(Kind::Student, id), fields, None).map(|_| ())
}

/// Takes a student out of every list, roster and count. Marks and enrolments stay in the records.
///
/// # Errors
/// `not_found`.
pub fn archive(tx: &mut WriteTx<'_>, id: StudentId) -> Result<()> {
    get(tx, id)?;
    tx.put(&Cell::of(Kind::Student, id), op::fields([("archived", json!(1))]), None).map(|_| ())
}
