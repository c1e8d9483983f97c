//! Reads the raw records of a server and folds them, with code of its own: one node wrote them all, so that
//! what was written later stands.

use std::collections::BTreeMap;

use arise_testkit::server::TestServer;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::world::{Course, Enrolment, Semester, Session, Student, Teacher, World};

struct Record {
    kind: String,
    entity: Uuid,
    subject: Uuid,
    body: Map<String, Value>,
}

/// The fields of every entity of a kind, as they were written last.
type Entities = BTreeMap<(Uuid, Uuid), Map<String, Value>>;

pub(crate) async fn read(server: &TestServer) -> World {
    let records = server
        .read(|tx| {
            let rows = tx.query("SELECT kind, entity, subject, body FROM op ORDER BY hlc", &[])?;
            rows.iter()
                .map(|row| {
                    let body: Value = serde_json::from_str(&row.get::<String>(3)?).unwrap();
                    let body = body.as_object().unwrap().clone();
                    Ok(Record { kind: row.get(0)?, entity: row.get(1)?, subject: row.get(2)?, body })
                })
                .collect::<arise_core::Result<Vec<_>>>()
        })
        .await;
    let of_kind = |kind: &str| {
        let mut entities = Entities::new();
        for record in records.iter().filter(|record| record.kind == kind) {
            entities.entry((record.entity, record.subject)).or_default().extend(record.body.clone());
        }
        entities.retain(|_, fields| fields.get("archived").and_then(Value::as_i64) != Some(1));
        entities
    };
    let settings = of_kind("setting").into_values().next().unwrap_or_default();
    let setting = |key: &str, default: i64| settings.get(key).and_then(Value::as_i64).unwrap_or(default);
    let now = server.app.now();
    let courses: Vec<Course> = of_kind("course")
        .into_iter()
        .map(|((id, _), fields)| Course {
            id,
            name: text(&fields, "course_name"),
            code: text(&fields, "course_code"),
            semester: uuid(&fields, "semester_id"),
            teacher: uuid(&fields, "teacher_id"),
        })
        .collect();
    let sessions = of_kind("session").into_iter().filter_map(|((id, _), fields)| {
        let number = |name: &str| fields.get(name).and_then(Value::as_i64);
        let planned = number("ends_at").unwrap();
        let course = uuid(&fields, "course_id");
        courses.iter().any(|known| known.id == course).then(|| Session {
            id,
            course,
            held_on: text(&fields, "held_on"),
            starts_at: number("starts_at").unwrap(),
            ends_at: planned,
            is_online: text(&fields, "session_type") == "online",
            topic: text(&fields, "topic"),
            has_ended: number("ended_at").unwrap_or(planned + number("grace_ms").unwrap()) <= now,
        })
    });
    World {
        now,
        zone: server.app.zone(),
        minimum: setting("min_attendance_percent", 75),
        critical: setting("critical_percent", 60),
        semesters: of_kind("semester")
            .into_iter()
            .map(|((id, _), fields)| Semester { id, name: text(&fields, "semester_name") })
            .collect(),
        teachers: of_kind("teacher")
            .into_iter()
            .map(|((id, _), fields)| Teacher {
                id,
                name: text(&fields, "teacher_name"),
                code: text(&fields, "teacher_code"),
            })
            .collect(),
        students: of_kind("student")
            .into_iter()
            .map(|((id, _), fields)| Student {
                id,
                name: text(&fields, "student_name"),
                roll: text(&fields, "university_roll_no"),
                enrollment: text(&fields, "enrollment_no"),
            })
            .collect(),
        enrolments: of_kind("enrolment")
            .into_iter()
            .map(|((course, student), fields)| Enrolment {
                course,
                student,
                class_roll: fields["class_roll_id"].as_i64().unwrap(),
                periods: periods(&fields["periods"]),
            })
            .collect(),
        sessions: sessions.collect(),
        marks: marks(&records),
        courses,
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> String {
    fields[name].as_str().unwrap().to_owned()
}

fn uuid(fields: &Map<String, Value>, name: &str) -> Uuid {
    text(fields, name).parse().unwrap()
}

fn periods(list: &Value) -> Vec<(String, Option<String>)> {
    let day = |period: &Value, name: &str| period[name].as_str().map(str::to_owned);
    list.as_array().unwrap().iter().map(|p| (day(p, "from_on").unwrap(), day(p, "until_on"))).collect()
}

/// What a person said last stands; else what was observed first.
fn marks(records: &[Record]) -> BTreeMap<(Uuid, Uuid), char> {
    let mut by_cell: BTreeMap<(Uuid, Uuid), Vec<&Map<String, Value>>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == "mark") {
        by_cell.entry((record.entity, record.subject)).or_default().push(&record.body);
    }
    let is_human = |mark: &Map<String, Value>| {
        ["teacher", "emergency", "correction", "leave"].contains(&mark["source"].as_str().unwrap())
    };
    let mut letters = BTreeMap::new();
    for (cell, marks) in by_cell {
        let decided =
            marks.iter().rev().find(|mark| is_human(mark)).filter(|mark| mark["status"].is_string());
        let mut observed: Vec<_> = marks.iter().filter(|mark| !is_human(mark)).collect();
        observed.sort_by_key(|mark| mark["observed_at"].as_i64());
        if let Some(mark) = decided.or(observed.first().copied()) {
            let letter = match mark["status"].as_str().unwrap() {
                "present" => 'P',
                "late" => 'L',
                "absent" => 'A',
                "excused" => 'E',
                other => panic!("{other}"),
            };
            letters.insert(cell, letter);
        }
    }
    letters
}
