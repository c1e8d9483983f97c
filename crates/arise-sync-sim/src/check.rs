//! The invariants.

use std::collections::{BTreeMap, BTreeSet};

use arise_core::{CourseId, OpId, SessionId, StudentId};
use arise_store::{DERIVED, tally};
use uuid::Uuid;

use crate::deed;
use crate::model::{self, Raw};
use crate::world::{HUB, Outcomes, World};

fn fail<T>(text: String) -> Outcomes<T> {
    Err(text)
}

/// What has to hold on a machine at any time: I4, I7, I8, I9.
pub(crate) fn at_any_time(world: &mut World, index: usize) -> Outcomes<()> {
    let machine = &mut world.machines[index];
    let newest = machine.behind == 0;
    let (records, derived, wrong) =
        machine.read(|tx| Ok((model::load(tx)?, model::derived(tx)?, tally::check(tx)?)))?;
    if newest {
        let expected = model::expected(&records);
        if let Some(line) = expected.symmetric_difference(&derived).next() {
            return fail(format!("I4: machine {index} differs from the fold at: {line}"));
        }
    }
    if let Some(wrong) = wrong.first() {
        return fail(format!("I9: machine {index}: {wrong}"));
    }
    nothing_dangles(index, &records, world.poisoned)?;
    nothing_resurfaces(world, index, &records)
}

/// I8: what a record builds on is there. Only marks that were made up refer to nothing, where they were made.
fn nothing_dangles(index: usize, records: &[Raw], poisoned: bool) -> Outcomes<()> {
    let ids: BTreeSet<Uuid> = records.iter().map(|r| r.id).collect();
    let there: BTreeSet<(&str, Uuid)> = records.iter().map(|r| (r.kind.as_str(), r.entity)).collect();
    for record in records {
        if let Some(parent) = record.parents.iter().find(|parent| !ids.contains(parent)) {
            return fail(format!("I8: machine {index}: {} builds on {parent}, which isn't there", record.id));
        }
        let made_up = poisoned && record.gsn.is_none() && record.text.contains("\"code\"");
        let refers = match record.kind.as_str() {
            "mark" if !made_up => vec![("session", record.entity), ("student", record.subject)],
            "enrolment" => vec![("course", record.entity), ("student", record.subject)],
            _ => vec![],
        };
        if let Some((kind, _)) = refers.into_iter().find(|refers| !there.contains(refers)) {
            return fail(format!("I8: machine {index}: {} is about a {kind} that isn't there", record.id));
        }
    }
    Ok(())
}

/// I7: a value that somebody saw and overwrote doesn't show where the new one is known.
fn nothing_resurfaces(world: &World, index: usize, records: &[Raw]) -> Outcomes<()> {
    let cells = model::by_cell(records);
    let mut shown: BTreeMap<(&model::Cell, &str), String> = BTreeMap::new();
    for overwrite in &world.overwrites {
        let Some(of_cell) = cells.get(&overwrite.cell) else { continue };
        let new = serde_json::Value::from(overwrite.new.as_str());
        if !of_cell.iter().any(|r| r.body.get(overwrite.field) == Some(&new)) {
            continue;
        }
        let shows = shown.entry((&overwrite.cell, overwrite.field)).or_insert_with(|| {
            let record = if overwrite.cell.0 == "mark" {
                model::standing(of_cell)
            } else {
                model::heads(of_cell, overwrite.field).first().copied()
            };
            let value = record.and_then(|r| r.body.get(overwrite.field));
            value.and_then(|v| v.as_str()).unwrap_or_default().to_owned()
        });
        if overwrite.old.contains(shows) {
            return fail(format!(
                "I7: machine {index} shows {shows} of {:?}, which {} overwrote",
                overwrite.cell, overwrite.new
            ));
        }
    }
    Ok(())
}

/// What has to hold once all have met: I1, I2, I5, and on each I4, I7, I8, I9.
pub(crate) fn after_convergence(world: &mut World) -> Outcomes<()> {
    let hub = world.machines[HUB].read(model::load)?;
    let numbered: BTreeMap<Uuid, (i64, i64, String)> = hub
        .iter()
        .map(|r| (r.id, (r.gsn.unwrap_or_default(), r.eff.unwrap_or_default(), r.text.clone())))
        .collect();

    let numbers: BTreeSet<i64> = numbered.values().map(|(gsn, ..)| *gsn).collect();
    if !numbers.iter().copied().eq(1..=i64::try_from(hub.len()).unwrap_or_default()) {
        return fail("I5: the numbers have holes, or one was given twice".to_owned());
    }
    // Each record moves the hub's time on by a microsecond, whatever its clock shows.
    let latest = (world.latest + 1_000) * 1_000;
    if let Some(record) = hub.iter().find(|r| r.eff.is_none_or(|eff| eff > latest || eff > r.hlc)) {
        return fail(format!("I5: {} has a stamp of the future, or above its own", record.id));
    }

    for index in 0..world.machines.len() {
        let (records, refused): (Vec<Raw>, BTreeSet<Uuid>) = world.machines[index].read(|tx| {
            let refused = tx.query("SELECT id FROM refused", &[])?;
            Ok((model::load(tx)?, refused.iter().map(|row| row.get(0)).collect::<arise_core::Result<_>>()?))
        })?;
        if !refused.is_empty() && !world.poisoned {
            return fail(format!(
                "I1: the hub refused {} records of machine {index} for nothing",
                refused.len()
            ));
        }
        let kept = world.machines[index].kept.clone();
        let missing = kept.iter().find(|OpId(id)| !numbered.contains_key(id) && !refused.contains(id));
        if let Some(missing) = missing {
            return fail(format!("I1: {missing}, saved on machine {index}, never reached the hub"));
        }
        let mine: BTreeMap<Uuid, (i64, i64, String)> = records
            .iter()
            .filter(|r| !refused.contains(&r.id))
            .map(|r| (r.id, (r.gsn.unwrap_or_default(), r.eff.unwrap_or_default(), r.text.clone())))
            .collect();
        let given = given(world, index, &hub)?;
        let differs = mine.iter().any(|(id, record)| numbered.get(id) != Some(record));
        if differs || given.iter().any(|id| !mine.contains_key(id)) {
            return fail(format!(
                "I2: machine {index} has {} records, is given {} of the hub's {}, or they differ",
                mine.len(),
                given.len(),
                numbered.len()
            ));
        }
        at_any_time(world, index)?;
    }
    Ok(())
}

/// The records of the hub that a machine is given. It may hold others from before.
fn given(world: &mut World, index: usize, hub: &[Raw]) -> Outcomes<BTreeSet<Uuid>> {
    let Some(courses) = world.courses(index)? else { return Ok(hub.iter().map(|r| r.id).collect()) };
    let is_given = |course: &serde_json::Value| {
        let id = course.as_str().and_then(|text| Uuid::parse_str(text).ok());
        id.is_some_and(|id| courses.contains(&CourseId(id)))
    };
    let sessions: BTreeSet<Uuid> = hub
        .iter()
        .filter(|r| r.kind == "session" && r.body.get("course_id").is_some_and(is_given))
        .map(|r| r.entity)
        .collect();
    let teachers: BTreeSet<Uuid> = world.machines[HUB].read(|tx| {
        let rows = tx.query("SELECT id, teacher_id FROM course WHERE teacher_id IS NOT NULL", &[])?;
        let mut teachers = BTreeSet::new();
        for row in rows {
            if courses.contains(&row.get(0)?) {
                teachers.insert(row.get(1)?);
            }
        }
        Ok(teachers)
    })?;
    let given = hub.iter().filter(|r| match r.kind.as_str() {
        "teacher" => teachers.contains(&r.entity),
        "enrolment" => courses.contains(&CourseId(r.entity)),
        "session" | "mark" => sessions.contains(&r.entity),
        _ => true,
    });
    Ok(given.map(|r| r.id).collect())
}

/// I6: what is typed last, after all have met, shows everywhere, whatever the clocks say.
pub(crate) fn newest_shows(world: &mut World) -> Outcomes<()> {
    let index = world.rng.usize(0..world.machines.len());
    let picks: (Option<Uuid>, Option<(Uuid, Uuid)>) = world.machines[index].read(|tx| {
        let student = tx.query_opt("SELECT id FROM student WHERE archived = 0 ORDER BY id LIMIT 1", &[])?;
        let mark = tx.query_opt(
            "SELECT s.id, st.id FROM session s JOIN course c ON c.id = s.course_id AND c.archived = 0 \
             JOIN student st ON st.archived = 0 WHERE s.archived = 0 ORDER BY s.id, st.id LIMIT 1",
            &[],
        )?;
        let student = student.map(|row| row.get(0)).transpose()?;
        Ok((student, mark.map(|row| Ok::<_, arise_core::Error>((row.get(0)?, row.get(1)?))).transpose()?))
    })?;
    let (name, reason) = (world.fresh(), world.fresh());
    if let Some(student) = picks.0 {
        let name = name.clone();
        let done = world.machines[index].write(move |tx| deed::rename(tx, StudentId(student), &name));
        world.note(index, done)?;
    }
    if let Some((session, student)) = picks.1 {
        let reason = reason.clone();
        let (session, student) = (SessionId(session), StudentId(student));
        let done = world.machines[index].write(move |tx| deed::excuse(tx, session, student, &reason));
        world.note(index, done)?;
    }
    world.converge()?;
    for other in 0..world.machines.len() {
        let is_scoped = world.courses(other)?.is_some();
        let (shown, excused): (String, String) = world.machines[other].read(|tx| {
            let mut shown = name.clone();
            if let Some(student) = picks.0 {
                let sql = "SELECT student_name FROM student WHERE id = ?1";
                shown = tx.query_one(sql, arise_store::params![student])?.get(0)?;
            }
            let mut excused = reason.clone();
            if let Some((session, student)) = picks.1.filter(|_| !is_scoped) {
                let sql =
                    "SELECT COALESCE(reason, '') FROM attendance WHERE session_id = ?1 AND student_id = ?2";
                excused = tx.query_one(sql, arise_store::params![session, student])?.get(0)?;
            }
            Ok((shown, excused))
        })?;
        if (&shown, &excused) != (&name, &reason) {
            return fail(format!("I6: machine {other} shows {shown} and {excused}, not {name} and {reason}"));
        }
    }
    Ok(())
}

/// I3: with the clocks set right and every session counted, all that is derived is the same everywhere.
pub(crate) fn states_are_equal(world: &mut World) -> Outcomes<()> {
    for machine in &mut world.machines {
        machine.offset = 0;
    }
    // Beyond anything that a clock of the future wrote.
    world.tick(20 * 365 * arise_core::clock::DAY);
    let mut first: Option<Vec<String>> = None;
    for index in 0..world.machines.len() {
        while world.machines[index].read(tally::is_due)? {
            if let Err(stop) = world.machines[index].write(tally::settle_due) {
                return fail(format!("machine {index} can't count: {stop:?}"));
            }
        }
        let refused_marks: Vec<(Uuid, Uuid)> = world.machines[index].read(|tx| {
            let rows = tx.query(
                "SELECT o.entity, o.subject FROM refused r JOIN op o ON o.id = r.id WHERE o.kind = 'mark'",
                &[],
            )?;
            rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
        })?;
        let dump = world.machines[index].read(|tx| {
            let mut dump = vec![];
            for table in DERIVED {
                for row in &tx.query(&format!("SELECT * FROM {table}"), &[])? {
                    let made_up =
                        table == "attendance" && refused_marks.contains(&(row.get(0)?, row.get(1)?));
                    if !made_up {
                        dump.push(format!("{table} {row:?}"));
                    }
                }
            }
            dump.sort_unstable();
            Ok(dump)
        })?;
        match &first {
            // It holds what it is given.
            _ if world.courses(index)?.is_some() => {}
            None => first = Some(dump),
            Some(first) => {
                let (first, dump): (BTreeSet<_>, BTreeSet<_>) =
                    (first.iter().collect(), dump.iter().collect());
                if let Some(line) = first.symmetric_difference(&dump).next() {
                    return fail(format!("I3: machine {index} and the hub differ at {line}"));
                }
            }
        }
        at_any_time(world, index)?;
    }
    Ok(())
}
