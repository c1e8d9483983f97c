//! Taking an import of a list back: whom it added is deleted again, unless something was done with them since.

use arise_core::op::{Cell, Kind};
use arise_core::{Error, Result, StudentId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::import_job::{self, State};
use crate::student::MAX_AT_ONCE;
use crate::tx::{Tx, WriteTx};
use crate::value::Value;
use crate::{op, params, review};

/// What became of a student since an import added them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportedSince")]
pub enum Since {
    /// Nothing: taking the import back deletes them.
    Nothing,
    /// They have marks.
    Marked,
    /// Somebody changed them, or they chose something themselves.
    Changed,
    /// They were deleted.
    Deleted,
}

/// A student whom an import added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    pub id: StudentId,
    pub student_name: String,
    pub university_roll_no: String,
    pub since: Since,
}

/// Remembers whom an import added; part of the transaction that added them. At most [`MAX_AT_ONCE`].
pub fn note(tx: &mut WriteTx<'_>, job: Uuid, students: &[StudentId]) -> Result<()> {
    if students.is_empty() {
        return Ok(());
    }
    let places: Vec<String> = (2..students.len() + 2).map(|place| format!("(?1, ?{place})")).collect();
    let mut values = vec![Value::from(job)];
    values.extend(students.iter().map(|student| Value::from(*student)));
    tx.execute(&format!("INSERT INTO import_made (job, student) VALUES {}", places.join(", ")), &values)?;
    Ok(())
}

/// Whether an import can be taken back.
///
/// # Errors
/// `not_found`; `import_running` while it goes on; `cannot_undo` for what isn't a list of students.
pub fn must_be_undoable(tx: &mut Tx<'_>, job: Uuid) -> Result<()> {
    let job = import_job::find(tx, job)?.ok_or_else(|| Error::not_found("import"))?;
    if job.kind != import_job::STUDENTS {
        return Err(Error::conflict(
            "cannot_undo",
            "Only an import of a list of students can be taken back.",
        ));
    }
    if job.state == State::Running {
        return Err(Error::conflict(
            "import_running",
            "This import goes on. Stop it, or wait until it is done.",
        ));
    }
    Ok(())
}

/// How many an import added.
pub fn count(tx: &mut Tx<'_>, job: Uuid) -> Result<i64> {
    tx.query_one("SELECT COUNT(*) FROM import_made WHERE job = ?1", params![job])?.get(0)
}

/// Some of those whom an import added, by id: those after `after`. At most [`MAX_AT_ONCE`]; empty at the end.
pub fn some(tx: &mut Tx<'_>, job: Uuid, after: StudentId) -> Result<Vec<Made>> {
    // What is in the records of a student besides the first one was done since.
    let rows = tx.query(
        "SELECT s.id, s.student_name, s.university_roll_no, s.archived, \
         (SELECT COUNT(*) FROM op o WHERE o.entity = s.id AND o.subject = ?4 AND o.kind <> 'mark'), \
         CASE WHEN EXISTS (SELECT 1 FROM enrolment e JOIN session n ON n.course_id = e.course_id \
          JOIN attendance a ON a.session_id = n.id AND a.student_id = e.student_id \
          WHERE e.student_id = s.id) THEN 1 ELSE 0 END \
         FROM (SELECT student FROM import_made WHERE job = ?1 AND student > ?2 ORDER BY student LIMIT ?3) m \
         JOIN student s ON s.id = m.student ORDER BY s.id",
        params![job, after, i64::try_from(MAX_AT_ONCE).unwrap_or(i64::MAX), Uuid::nil()],
    )?;
    rows.iter()
        .map(|row| {
            let (archived, records, marked): (bool, i64, bool) = (row.get(3)?, row.get(4)?, row.get(5)?);
            let since = match () {
                () if archived => Since::Deleted,
                () if marked => Since::Marked,
                () if records > 1 => Since::Changed,
                () => Since::Nothing,
            };
            Ok(Made { id: row.get(0)?, student_name: row.get(1)?, university_roll_no: row.get(2)?, since })
        })
        .collect()
}

/// Deletes those of [`some`] with whom nothing was done. Answers all of them, as they were before.
pub fn undo_some(tx: &mut WriteTx<'_>, job: Uuid, after: StudentId) -> Result<Vec<Made>> {
    let some = some(tx, job, after)?;
    for made in some.iter().filter(|made| made.since == Since::Nothing) {
        // Who has no marks has no records of marks.
        let fields = op::fields([("archived", json!(1)), (review::ARCHIVED_RECORDS, json!(0))]);
        tx.put(&Cell::of(Kind::Student, made.id), fields, None)?;
    }
    Ok(some)
}
