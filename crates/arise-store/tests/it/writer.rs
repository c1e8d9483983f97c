use arise_core::{Error, Result};
use arise_store::{Tx, WriteTx, node, semester};

use crate::support::{Node, answers, hold_writer, queue};

on_both_engines!(
    jobs_of_one_commit_spoil_only_themselves,
    a_panic_alone_spoils_only_itself,
    a_failed_statement_spoils_only_its_job,
    stamps_rise_over_restarts,
    stamps_rise_while_the_clock_goes_back,
    what_is_patient_sees_who_waits,
);

fn names(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let rows = tx.query("SELECT semester_name FROM semester ORDER BY semester_name", &[])?;
    rows.iter().map(|row| row.get(0)).collect()
}

fn jobs_of_one_commit_spoil_only_themselves(node: &Node) {
    let hold = hold_writer(&node.store);
    let queued = (0..100)
        .map(|n| {
            queue(&node.store, move |tx| {
                semester::create(tx, &format!("{n:03}"))?;
                match n {
                    17 => panic!("as this test wants"),
                    42 => Err(Error::conflict("wanted", "as this test wants")),
                    // A statement that the database refuses.
                    63 => tx.execute("INSERT INTO no_such_table VALUES (1)", &[]).map(|_| ()),
                    // The same again, taken for granted by a job that goes on.
                    _ => Ok(()),
                }
            })
        })
        .collect();
    drop(hold);
    for (n, answer) in answers(queued).into_iter().enumerate() {
        match n {
            17 => assert_eq!(answer.unwrap_err().code, "not_done"),
            42 => assert_eq!(answer.unwrap_err().code, "wanted"),
            63 => assert_eq!(answer.unwrap_err().code, "internal"),
            _ => answer.unwrap(),
        }
    }
    let expected: Vec<_> =
        (0..100).filter(|n| ![17, 42, 63].contains(n)).map(|n| format!("{n:03}")).collect();
    assert_eq!(node.read(names), expected);
    assert_eq!(node.number("SELECT COUNT(*) FROM op"), 97);
}

fn a_panic_alone_spoils_only_itself(node: &Node) {
    let panicked: Result<()> = node.write(|tx| {
        semester::create(tx, "lost")?;
        panic!("as this test wants")
    });
    assert_eq!(panicked.unwrap_err().code, "not_done");
    let failed: Result<()> = node.write(|tx| {
        semester::create(tx, "lost too")?;
        Err(Error::not_found("semester"))
    });
    assert_eq!(failed.unwrap_err().code, "not_found");
    node.semester("kept");
    assert_eq!(node.read(names), ["kept"]);
    let panicked = node.store.read_blocking(|_| -> Result<()> { panic!("as this test wants") });
    assert_eq!(panicked.unwrap_err().code, "not_done");
    assert_eq!(node.read(names), ["kept"]);
}

fn a_failed_statement_spoils_only_its_job(node: &Node) {
    let failed = node.write(|tx| {
        semester::create(tx, "lost")?;
        tx.execute("INSERT INTO no_such_table VALUES (1)", &[])
    });
    assert_eq!(failed.unwrap_err().code, "internal");
    let failed = node.store.read_blocking(|tx| tx.query("SELECT * FROM no_such_table", &[]));
    assert_eq!(failed.unwrap_err().code, "internal");
    node.semester("kept");
    assert_eq!(node.read(names), ["kept"]);
}

/// The stamps of all records in the order in which they were made.
fn stamps(node: &Node) -> Vec<(i64, i64)> {
    node.read(|tx| {
        let rows = tx.query("SELECT hlc, boot FROM op ORDER BY hlc", &[])?;
        rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
    })
}

fn stamps_rise_over_restarts(node: &mut Node) {
    let id = node.read(node::id);
    node.semester("1");
    // The clock of a machine whose battery is dead stands still over a restart, or falls back.
    for (boot, back) in [(2, 0), (3, 5_000)] {
        node.clock.advance(-back);
        node.reopen();
        node.write(move |tx| semester::create(tx, &format!("{boot}"))).unwrap();
    }
    assert_eq!(node.read(node::id), id);
    let stamps = stamps(node);
    assert_eq!(stamps.iter().map(|(_, boot)| *boot).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(stamps.is_sorted_by(|a, b| a.0 < b.0));
    assert_eq!(node.number("SELECT boot FROM node"), 3);
    assert_eq!(node.number("SELECT hlc FROM node"), stamps[2].0);
}

fn stamps_rise_while_the_clock_goes_back(node: &Node) {
    for (n, step) in [0, 1, -10_000, -10_000, 50_000].into_iter().enumerate() {
        node.clock.advance(step);
        node.write(move |tx| semester::create(tx, &format!("{n}"))).unwrap();
    }
    let names = node.read(|tx| {
        let rows = tx.query("SELECT body, wall_quality FROM op ORDER BY hlc", &[])?;
        rows.iter().map(|row| Ok((row.get::<String>(0)?, row.get::<i64>(1)?))).collect::<Result<Vec<_>>>()
    });
    // In the order of writing, and those written in the past say so.
    let expected = [0, 0, 1, 1, 0].iter().enumerate();
    let expected: Vec<_> =
        expected.map(|(n, quality)| (format!("{{\"semester_name\":\"{n}\"}}"), *quality)).collect();
    assert_eq!(names, expected);
}

fn what_is_patient_sees_who_waits(node: &Node) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let until_awaited = |tx: &mut WriteTx<'_>| {
        while !tx.is_awaited() {
            std::thread::yield_now();
        }
        Ok(())
    };
    runtime.block_on(async {
        // Another one that is patient isn't in its way, somebody who writes is.
        let (first, second, urgent) = tokio::join!(
            node.store.write_patiently(until_awaited),
            node.store.write_patiently(|tx| Ok(tx.is_awaited())),
            node.store.write(|_| Ok(())),
        );
        first.and(second).and(urgent).unwrap();
        assert!(!node.store.write_patiently(|tx| Ok(tx.is_awaited())).await.unwrap());
    });
}
