//! Every record in plain tables, for spreadsheets and other systems. No secrets are among them.

use arise_core::Result;
use arise_core::zone::Zone;
use uuid::Uuid;

use crate::tx::Tx;
use crate::value::{FromValue, Row, Value, places};

/// Rows of one read.
const PAGE: i64 = 2_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Id,
    Text,
    Number,
    /// Milliseconds since 1970 here; ISO 8601 with the institution's offset outside.
    Time,
}

/// One table. Its first `key` columns say where a page ends.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    /// With what each means.
    pub columns: &'static [(&'static str, &'static str)],
    types: &'static [Is],
    from: &'static str,
    select: &'static str,
    key: &'static [&'static str],
}

pub const TABLES: [Table; 7] = [
    Table {
        name: "semesters",
        columns: &[
            ("id", "the semester"),
            ("semester_name", "its name"),
            ("deleted", "1 after it was deleted"),
        ],
        types: &[Is::Id, Is::Text, Is::Number],
        select: "id, semester_name, archived",
        from: "semester",
        key: &["id"],
    },
    Table {
        name: "teachers",
        columns: &[
            ("id", "the teacher"),
            ("teacher_name", "their name"),
            ("teacher_code", "what they log in with"),
            ("deleted", "1 after they were deleted"),
        ],
        types: &[Is::Id, Is::Text, Is::Text, Is::Number],
        select: "id, teacher_name, teacher_code, archived",
        from: "teacher",
        key: &["id"],
    },
    Table {
        name: "students",
        columns: &[
            ("id", "the student"),
            ("student_name", "their name"),
            ("university_roll_no", "their number at the university"),
            ("enrollment_no", "their enrolment number; may be empty"),
            ("email1", "may be empty"),
            ("email2", "may be empty"),
            ("deleted", "1 after they were deleted"),
        ],
        types: &[Is::Id, Is::Text, Is::Text, Is::Text, Is::Text, Is::Text, Is::Number],
        select: "id, student_name, university_roll_no, enrollment_no, email1, email2, archived",
        from: "student",
        key: &["id"],
    },
    Table {
        name: "courses",
        columns: &[
            ("id", "the course"),
            ("course_code", "its code"),
            ("course_name", "its name"),
            ("default_duration_minutes", "how long a session is planned to be"),
            ("semester_id", "its semester; may be empty"),
            ("teacher_id", "its teacher; may be empty"),
            ("deleted", "1 after it was deleted"),
        ],
        types: &[Is::Id, Is::Text, Is::Text, Is::Number, Is::Id, Is::Id, Is::Number],
        select: "id, course_code, course_name, default_duration_minutes, semester_id, teacher_id, archived",
        from: "course",
        key: &["id"],
    },
    Table {
        name: "enrolments",
        columns: &[
            ("course_id", "the course"),
            ("student_id", "the student"),
            ("from_on", "the first day on which they belong to it"),
            ("until_on", "the first day on which they don't any more; empty while they do"),
            ("class_roll_id", "their number in the class"),
        ],
        types: &[Is::Id, Is::Id, Is::Text, Is::Text, Is::Number],
        select: "course_id, student_id, from_on, until_on, class_roll_id",
        from: "enrolment",
        key: &["course_id", "student_id", "from_on"],
    },
    Table {
        name: "sessions",
        columns: &[
            ("id", "the session"),
            ("course_id", "its course"),
            ("held_on", "the local day on which it began"),
            ("starts_at", "when it began"),
            ("ends_at", "when it was planned to end"),
            ("closed_at", "when it stopped taking marks"),
            ("session_type", "offline or online"),
            ("topic", "may be empty"),
            ("deleted", "1 after it was deleted"),
        ],
        types: &[Is::Id, Is::Id, Is::Text, Is::Time, Is::Time, Is::Time, Is::Text, Is::Text, Is::Number],
        select: "id, course_id, held_on, starts_at, ends_at, closes_at, session_type, topic, archived",
        from: "session",
        key: &["id"],
    },
    Table {
        name: "attendance",
        columns: &[
            ("session_id", "the session"),
            ("student_id", "the student; who is enrolled and has no row here was absent"),
            ("status", "present, late, absent or excused: what stands of all marks"),
            (
                "source",
                "fingerprint, scanner_queue, code, terminal, import, teacher, emergency, correction or leave",
            ),
            ("reason", "what a teacher said; may be empty"),
            ("observed_at", "when the finger, code or teacher said so"),
            ("recorded_at", "when it was written down"),
        ],
        types: &[Is::Id, Is::Id, Is::Text, Is::Text, Is::Text, Is::Time, Is::Time],
        select: "session_id, student_id, status, source, reason, observed_at, recorded_at",
        from: "attendance",
        key: &["session_id", "student_id"],
    },
];

/// Where a page ended.
#[derive(Debug, Clone)]
pub struct Place(Vec<Value>);

/// Some rows of a table after `place`, as text, and where they end; nothing when there are no more.
pub fn page(
    tx: &mut Tx<'_>,
    table: &Table,
    zone: &Zone,
    place: Option<&Place>,
) -> Result<Option<(Vec<Vec<String>>, Place)>> {
    let (key, select, from) = (table.key.join(", "), table.select, table.from);
    let mut params: Vec<Value> = place.map(|place| place.0.clone()).unwrap_or_default();
    let after = if params.is_empty() {
        String::new()
    } else {
        format!("WHERE ({key}) > ({})", places(1, params.len()))
    };
    params.push(Value::from(PAGE));
    let sql = format!("SELECT {select} FROM {from} {after} ORDER BY {key} LIMIT ?{}", params.len());
    let rows = tx.query(&sql, &params)?;
    let Some(last) = rows.last() else { return Ok(None) };
    // The key is what the row begins with.
    let place = Place(last.0.iter().take(table.key.len()).cloned().collect());
    Ok(Some((rows.iter().map(|row| as_text(row, table.types, zone)).collect(), place)))
}

fn as_text(row: &Row, types: &[Is], zone: &Zone) -> Vec<String> {
    let cell = |(value, is): (&Value, &Is)| match (value, is) {
        (Value::Null, _) => String::new(),
        (Value::Int(at), Is::Time) => zone.iso(*at),
        (Value::Int(number), _) => number.to_string(),
        (Value::Real(number), _) => number.to_string(),
        (Value::Text(text), _) => text.clone(),
        (id @ Value::Blob(_), _) => Uuid::from_value(id).map(|id| id.to_string()).unwrap_or_default(),
    };
    row.0.iter().zip(types).map(cell).collect()
}
