use arise_core::op::{Cell, Kind};
use arise_core::{Result, SemesterId, Source, Status};
use arise_store::{DERIVED, WriteTx, mark, semester, session, student, tally};
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use crate::support::{Node, minutes};

on_both_engines!(
    only_what_differs_is_written,
    everything_is_derived_from_the_records,
    kinds_of_newer_versions_are_kept,
);

fn put(tx: &mut WriteTx<'_>, id: SemesterId, fields: &Json) -> Result<bool> {
    tx.put(&Cell::of(Kind::Semester, id), fields.as_object().unwrap().clone(), None)
}

fn only_what_differs_is_written(node: &Node) {
    let id = node.semester("One");
    assert!(!node.write(move |tx| put(tx, id, &json!({"semester_name": "One"}))).unwrap());
    assert!(node.write(move |tx| put(tx, id, &json!({"semester_name": "One", "archived": 0}))).unwrap());
    assert!(!node.write(move |tx| put(tx, id, &json!({}))).unwrap());
    let bodies = node.read(|tx| {
        let rows = tx.query("SELECT body FROM op ORDER BY hlc", &[])?;
        rows.iter().map(|row| row.get::<String>(0)).collect::<Result<Vec<_>>>()
    });
    assert_eq!(bodies, [r#"{"semester_name":"One"}"#, r#"{"archived":0}"#]);
}

/// All that is derived, as text.
pub(crate) fn dump(node: &Node) -> Vec<String> {
    node.settle();
    node.read(|tx| {
        let mut dump = vec![];
        for table in DERIVED {
            let rows = tx.query(&format!("SELECT * FROM {table}"), &[])?;
            dump.extend(rows.iter().map(|row| format!("{table} {row:?}")));
        }
        dump.sort();
        Ok(dump)
    })
}

/// As after an update whose code derives something else.
pub(crate) fn rebuild(node: &mut Node) {
    node.write(|tx| tx.execute("DELETE FROM derived", &[])).unwrap();
    node.reopen();
}

fn everything_is_derived_from_the_records(node: &mut Node) {
    let class = node.class("CS101", 4);
    let other = node.class("CS102", 2);
    let [a, b, c, d] = class.students[..] else { panic!() };
    node.write(|tx| {
        let mut settings = arise_store::setting::get(tx)?;
        settings.batch_name = "2026".into();
        arise_store::setting::put(tx, &settings)
    })
    .unwrap();
    let first = node.start(&class).unwrap();
    node.scan(first, a);
    node.clock.advance(minutes(15));
    node.scan(first, b);
    let wrong = node.start(&other).unwrap();
    node.scan(wrong, other.students[0]);
    node.write(move |tx| {
        let session = session::get(tx, first)?;
        mark::decide(tx, &session, c, Some(Status::Excused), Source::Correction, "ill")?;
        session::end(tx, &session)?;
        let wrong = session::get(tx, wrong)?;
        session::end(tx, &wrong)
    })
    .unwrap();
    node.settle();
    node.write(move |tx| {
        let session = session::get(tx, wrong)?;
        session::archive(tx, &session, "the wrong course")?;
        student::archive(tx, d)
    })
    .unwrap();
    node.clock.advance(minutes(5));
    node.start(&class).unwrap();

    let before = dump(node);
    for table in DERIVED {
        assert!(before.iter().any(|row| row.starts_with(table)), "{table} is empty");
    }
    assert_eq!(node.read(tally::check), [""; 0]);
    rebuild(node);
    assert_eq!(node.number("SELECT COUNT(*) FROM derived"), 1);
    assert_eq!(dump(node), before);
    // Nothing at all has to be there but the records.
    node.write(|tx| {
        for table in DERIVED {
            tx.execute(&format!("DELETE FROM {table}"), &[])?;
        }
        Ok(())
    })
    .unwrap();
    rebuild(node);
    assert_eq!(dump(node), before);
}

fn kinds_of_newer_versions_are_kept(node: &Node) {
    let cell = Cell::of(Kind::Unknown("timetable".into()), Uuid::from_u128(7));
    let fields: Map<String, Json> = json!({"room": "7"}).as_object().unwrap().clone();
    let (again, same) = (cell.clone(), fields.clone());
    assert!(node.write(move |tx| tx.put(&cell, fields, None)).unwrap());
    assert!(!node.write(move |tx| tx.put(&again, same, None)).unwrap());
    // So are fields.
    let id = node.semester("One");
    node.write(move |tx| put(tx, id, &json!({"colour": "red"}))).unwrap();
    node.write(move |tx| semester::update(tx, id, "Two")).unwrap();
    assert_eq!(node.number("SELECT COUNT(*) FROM op WHERE body LIKE '%red%'"), 1);
}
