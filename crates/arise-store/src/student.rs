//! Students.

use std::collections::HashMap;

use arise_core::op::{Cell, Kind};
use arise_core::{Error, Result, StudentId, text};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::list::{Filter, Listing};
use crate::review::{self, Reviewed};
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, Value};
use crate::{op, params};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Student {
    pub id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    pub enrollment_no: String,
    pub email1: String,
    pub email2: String,
}

/// What an administrator says of a student.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
        searched: &["student_name", "university_roll_no", "enrollment_no", "email1", "email2", "nickname"],
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
    let fields = checked(fields)?;
    let roll = &fields.university_roll_no;
    if let Some(other) = by(tx, "university_roll_no", roll)?.filter(|other| other.id != id) {
        return Err(roll_taken(&other, roll));
    }
    let enrollment = &fields.enrollment_no;
    if !enrollment.is_empty()
        && let Some(other) = by(tx, "enrollment_no", enrollment)?.filter(|other| other.id != id)
    {
        return Err(enrollment_taken(&other, enrollment));
    }
    write(tx, id, &fields, password_hash)
}

fn write(
    tx: &mut WriteTx<'_>,
    id: StudentId,
    fields: &StudentFields,
    password_hash: Option<&str>,
) -> Result<()> {
    let mut fields = op::fields([
        ("student_name", json!(fields.student_name)),
        ("university_roll_no", json!(fields.university_roll_no)),
        ("enrollment_no", json!(fields.enrollment_no)),
        ("email1", json!(fields.email1)),
        ("email2", json!(fields.email2)),
    ]);
    if let Some(hash) = password_hash {
        fields.insert("password_hash".to_owned(), json!(hash));
    }
    tx.put(&Cell::of(Kind::Student, id), fields, None).map(|_| ())
}

/// The fields as they are kept.
///
/// # Errors
/// `invalid_field` naming the first that can't be accepted.
pub fn checked(fields: &StudentFields) -> Result<StudentFields> {
    Ok(StudentFields {
        student_name: text::required("student_name", &fields.student_name, 200)?,
        university_roll_no: text::required("university_roll_no", &fields.university_roll_no, 50)?,
        enrollment_no: text::optional("enrollment_no", &fields.enrollment_no, 50)?,
        email1: text::email("email1", &fields.email1)?,
        email2: text::email("email2", &fields.email2)?,
    })
}

fn roll_taken(other: &Student, roll: &str) -> Error {
    Error::conflict(
        "duplicate_university_roll_no",
        format!(
            "{} has the university roll number “{roll}” already. Correct one of them.",
            other.student_name
        ),
    )
}

fn enrollment_taken(other: &Student, enrollment: &str) -> Error {
    Error::conflict(
        "duplicate_enrollment_no",
        format!(
            "{} (roll number {}) has the enrolment number “{enrollment}” already. Correct one of them.",
            other.student_name, other.university_roll_no
        ),
    )
}

/// The most students of one [`create_many`]: bounds how long marks wait for it.
pub const MAX_AT_ONCE: usize = 100;

/// For each of these new students, why they can't be added: somebody has their numbers. At most
/// [`MAX_AT_ONCE`].
pub fn clashes(tx: &mut Tx<'_>, students: &[StudentFields]) -> Result<Vec<Option<Error>>> {
    let rolls = having(tx, "university_roll_no", students.iter().map(|s| &s.university_roll_no))?;
    let enrollments = having(tx, "enrollment_no", students.iter().map(|s| &s.enrollment_no))?;
    let clash = |student: &StudentFields| {
        let (roll, enrollment) = (&student.university_roll_no, &student.enrollment_no);
        let same_roll = rolls.get(&roll.to_lowercase()).map(|other| roll_taken(other, roll));
        same_roll.or_else(|| {
            enrollments.get(&enrollment.to_lowercase()).map(|other| enrollment_taken(other, enrollment))
        })
    };
    Ok(students.iter().map(clash).collect())
}

/// The students whose `column` is one of `values`, whatever their case, by the lower case of it.
fn having<'a>(
    tx: &mut Tx<'_>,
    column: &str,
    values: impl Iterator<Item = &'a String>,
) -> Result<HashMap<String, Student>> {
    let values: Vec<Value> = values.filter(|value| !value.is_empty()).map(Value::from).collect();
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    let places: Vec<String> = (1..=values.len()).map(|place| format!("lower(?{place})")).collect();
    let sql = format!(
        "SELECT {COLUMNS}, {column} FROM student WHERE lower({column}) IN ({}) AND archived = 0 ORDER BY id DESC",
        places.join(", ")
    );
    let rows = tx.query(&sql, &values)?;
    rows.iter().map(|row| Ok((row.get::<String>(6)?.to_lowercase(), from_row(row)?))).collect()
}

/// Adds students who were [`checked`] and share a password's hash. Answers, for each, who was made or why
/// not. At most [`MAX_AT_ONCE`].
pub fn create_many(
    tx: &mut WriteTx<'_>,
    students: &[StudentFields],
    password_hash: &str,
) -> Result<Vec<Result<StudentId>>> {
    let clashes = clashes(tx, students)?;
    let mut outcomes = Vec::with_capacity(students.len());
    for (student, clash) in students.iter().zip(clashes) {
        outcomes.push(match clash {
            Some(clash) => Err(clash),
            None => {
                let id = StudentId::new(tx.now());
                write(tx, id, student, Some(password_hash))?;
                Ok(id)
            }
        });
    }
    Ok(outcomes)
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
    let records = review::records_of(tx, Reviewed::Student(id))?;
    let fields = op::fields([("archived", json!(1)), (review::ARCHIVED_RECORDS, json!(records))]);
    tx.put(&Cell::of(Kind::Student, id), fields, None).map(|_| ())
}
