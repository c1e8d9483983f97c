//! Histories that seeds rarely come to, told on purpose. Each notices engines broken in its way.

use std::collections::BTreeSet;

use arise_core::clock::{DAY, HOUR};
use arise_core::mutant::Mutant;
use arise_core::{CourseId, SessionId, StudentId};
use arise_sync::{Answer, Limits, Outcome, Request, hub, node};
use uuid::Uuid;

use crate::check;
use crate::deed::{self, Done};
use crate::machine::Stop;
use crate::world::{HUB, Outcomes, World};

const ONE: usize = 1;
const TWO: usize = 2;

/// A history, its name, and what it has to notice.
pub(crate) type Directed = (&'static str, fn(&mut World) -> Outcomes<()>, &'static [Mutant]);

pub const ALL: &[Directed] = &[
    (
        "a hub that was restored gives an overwritten value a later stamp",
        restamped,
        &[Mutant::StampsDecideFields, Mutant::StampsDecideMarks],
    ),
    (
        "so does it with the loser of a conflict that somebody settled",
        settled_conflict,
        &[Mutant::OverwritesOnlyTheWinner],
    ),
    ("and with one of two that still are in conflict", open_conflict, &[Mutant::NoRefold]),
    ("a node and its copy take turns", copies, &[Mutant::SameTokenForEver]),
    ("a node is given one course more, and then all", scopes, &[Mutant::NeverGivesWhatItWithheld]),
    (
        "a hub that was restored gives a node other courses than it did before",
        other_scope,
        &[Mutant::NeverGivesWhatItWithheld],
    ),
    ("an answer comes after its node was restored", late_answer, &[Mutant::SkipsWhatItLacks]),
    ("a node takes one answer in part and goes on with another", half_an_answer, &[]),
    ("somebody comes by an exchange and leaves before sums are counted", came_and_left, &[]),
    ("a session that was counted too early takes a mark", counted_too_early, &[Mutant::NoRecount]),
    (
        "what is new to a node two versions behind is left on it alone, and it is updated later",
        two_versions_behind,
        &[Mutant::DropsUnknownKinds, Mutant::NoMaterialiserVersion],
    ),
    (
        "the hub is two versions behind its nodes",
        two_versions_ahead,
        &[Mutant::DropsUnknownKinds, Mutant::NoMaterialiserVersion],
    ),
];

/// The clock was a day ahead, and everything was counted.
fn counted_too_early(world: &mut World) -> Outcomes<()> {
    world.machines[ONE].offset = DAY;
    world.tick(1_000);
    let done = world.machines[ONE].write(deed::count);
    noted(world, ONE, done)?;
    world.machines[ONE].offset = 0;
    excuse(world, ONE, "after all")?;
    check::at_any_time(world, ONE)?;
    all_is_well(world)
}

/// The hub puts off what an exchange brought, and somebody of whom that was leaves before it is counted.
fn came_and_left(world: &mut World) -> Outcomes<()> {
    world.tick(3 * HOUR);
    let done = world.machines[HUB].write(deed::count);
    noted(world, HUB, done)?;
    let done = world.machines[ONE].write(deed::comes);
    noted(world, ONE, done)?;
    sync(world, ONE)?;
    for deed in [deed::goes_elsewhere, deed::leaves, deed::count] {
        let done = world.machines[HUB].write(deed);
        noted(world, HUB, done)?;
        check::at_any_time(world, HUB)?;
    }
    all_is_well(world)
}

fn rename(world: &mut World, index: usize, name: &str) -> Outcomes<()> {
    let name = name.to_owned();
    world.tick(1_000);
    let done = world.machines[index].write(move |tx| {
        let id: Uuid = tx.query_one("SELECT id FROM student ORDER BY id LIMIT 1", &[])?.get(0)?;
        deed::rename(tx, StudentId(id), &name)
    });
    noted(world, index, done)
}

fn excuse(world: &mut World, index: usize, reason: &str) -> Outcomes<()> {
    let reason = reason.to_owned();
    world.tick(1_000);
    let done = world.machines[index].write(move |tx| {
        let session: Uuid = tx.query_one("SELECT id FROM session ORDER BY id LIMIT 1", &[])?.get(0)?;
        let student: Uuid = tx.query_one("SELECT id FROM student ORDER BY id LIMIT 1", &[])?.get(0)?;
        deed::excuse(tx, SessionId(session), StudentId(student), &reason)
    });
    noted(world, index, done)
}

fn noted(world: &mut World, index: usize, done: Result<Done, Stop>) -> Outcomes<()> {
    if let Err(stop) = &done {
        return Err(format!("machine {index} couldn't: {stop:?}"));
    }
    world.note(index, done)
}

fn sync(world: &mut World, index: usize) -> Outcomes<()> {
    world.tick(1_000);
    for _ in 0..100 {
        if world.exchange(index)?.is_some_and(|progress| !progress.more) {
            return Ok(());
        }
    }
    Err(format!("I10: the exchange of machine {index} goes on for ever"))
}

fn all_is_well(world: &mut World) -> Outcomes<()> {
    world.converge()?;
    check::after_convergence(world)?;
    check::newest_shows(world)?;
    check::states_are_equal(world)
}

/// One node's clock is in 2031 while it writes what another overwrites; then the hub forgets both.
fn restamped(world: &mut World) -> Outcomes<()> {
    world.machines[HUB].keep();
    world.machines[ONE].offset = 5 * 365 * DAY;
    rename(world, ONE, "old")?;
    excuse(world, ONE, "old reason")?;
    sync(world, ONE)?;
    sync(world, TWO)?;
    rename(world, TWO, "new")?;
    excuse(world, TWO, "new reason")?;
    sync(world, TWO)?;
    sync(world, ONE)?;
    world.tick(DAY);
    world.restore(HUB);
    all_is_well(world)
}

/// The loser is of 2031, and somebody saw both.
fn settled_conflict(world: &mut World) -> Outcomes<()> {
    world.machines[HUB].keep();
    world.machines[ONE].offset = 5 * 365 * DAY;
    rename(world, ONE, "of 2031")?;
    sync(world, ONE)?;
    world.tick(HOUR);
    rename(world, TWO, "of today")?;
    sync(world, TWO)?;
    rename(world, TWO, "settled")?;
    sync(world, TWO)?;
    sync(world, ONE)?;
    world.tick(DAY);
    world.restore(HUB);
    all_is_well(world)
}

/// Nobody settled it: which one shows changes with the stamps, everywhere.
fn open_conflict(world: &mut World) -> Outcomes<()> {
    world.machines[HUB].keep();
    world.machines[ONE].offset = 5 * 365 * DAY;
    rename(world, ONE, "of 2031")?;
    sync(world, ONE)?;
    world.tick(HOUR);
    rename(world, TWO, "of today")?;
    sync(world, TWO)?;
    sync(world, ONE)?;
    world.tick(DAY);
    world.restore(HUB);
    all_is_well(world)
}

/// Both believe to be the one that the hub knows.
fn copies(world: &mut World) -> Outcomes<()> {
    let copy = world.clone_node(ONE).ok_or("no room for a copy")?;
    for turn in 0..4 {
        for index in [ONE, ONE, copy] {
            rename(world, index, &format!("turn {turn} of {index}"))?;
            sync(world, index)?;
        }
    }
    if world.counts.of("nodes told to take another id") == 0 {
        return Err("nobody noticed the copy".to_owned());
    }
    let (one, other) = (world.id(ONE)?, world.id(copy)?);
    if one == other {
        return Err("a node and its copy go by one id".to_owned());
    }
    all_is_well(world)
}

/// What a node wasn't given before comes after all.
fn scopes(world: &mut World) -> Outcomes<()> {
    world.wipe(ONE);
    let one = world.id(ONE)?;
    // The hub lets it in; it hasn't been given anything yet.
    world.exchange(ONE)?;
    world.give(one, Some(BTreeSet::new()))?;
    sync(world, ONE)?;
    let courses: BTreeSet<CourseId> = world.machines[HUB].read(|tx| {
        let rows = tx.query("SELECT id FROM course ORDER BY id DESC LIMIT 1", &[])?;
        rows.iter().map(|row| row.get(0)).collect()
    })?;
    let sql = "SELECT (SELECT COUNT(*) FROM enrolment), (SELECT COUNT(*) FROM teacher)";
    let seen = |world: &mut World| {
        world.machines[ONE].read(|tx| {
            let row = tx.query_one(sql, &[])?;
            Ok((row.get::<i64>(0)?, row.get::<i64>(1)?))
        })
    };
    if seen(world)? != (0, 0) {
        return Err("a node was given enrolments and teachers that aren't for it".to_owned());
    }
    all_is_well(world)?;
    world.give(one, Some(courses))?;
    all_is_well(world)?;
    if seen(world)? != (3, 1) {
        return Err("a node wasn't given what it is meant to have now".to_owned());
    }
    world.give(one, None)?;
    all_is_well(world)
}

/// It doesn't know any more what it gave, and the node is at a position that it knows.
fn other_scope(world: &mut World) -> Outcomes<()> {
    world.wipe(ONE);
    let one = world.id(ONE)?;
    world.exchange(ONE)?;
    world.machines[HUB].keep();
    world.give(one, Some(BTreeSet::new()))?;
    sync(world, ONE)?;
    world.restore(HUB);
    let courses: BTreeSet<CourseId> = world.machines[HUB].read(|tx| {
        let rows = tx.query("SELECT id FROM course", &[])?;
        rows.iter().map(|row| row.get(0)).collect()
    })?;
    world.give(one, Some(courses))?;
    all_is_well(world)
}

/// Two answers to one request, and what a node is given changed between them.
fn half_an_answer(world: &mut World) -> Outcomes<()> {
    world.wipe(ONE);
    let one = world.id(ONE)?;
    world.exchange(ONE)?;
    let courses: BTreeSet<CourseId> = world.machines[HUB].read(|tx| {
        let rows = tx.query("SELECT id FROM course", &[])?;
        rows.iter().map(|row| row.get(0)).collect()
    })?;
    let request = world.machines[ONE].read(|tx| node::request(tx, Limits::default()))?;
    world.give(one, Some(BTreeSet::new()))?;
    let first = answer(world, request.clone())?;
    world.give(one, Some(courses))?;
    let second = answer(world, request)?;
    // The program is restarted in the middle of the first.
    let few = Limits { at_once: 3, ..Limits::default() };
    for mut acceptance in [first, second].map(|answer| node::Acceptance::new(answer, few)) {
        let step = world.machines[ONE].write(move |tx| acceptance.step(tx));
        step.map_err(|stop| format!("{stop:?}"))?;
    }
    all_is_well(world)
}

/// What the hub answers to a request.
fn answer(world: &mut World, request: Request) -> Outcomes<Answer> {
    let mut exchange = hub::Exchange::new(request, Limits::default());
    loop {
        let step = world.machines[HUB].write(move |tx| {
            let answer = exchange.step(tx)?;
            Ok((exchange, answer))
        });
        match step.map_err(|stop| format!("{stop:?}"))? {
            (going_on, None) => exchange = going_on,
            (done, Some(mut answer)) => {
                world.machines[HUB].read(|tx| done.fill(tx, &mut answer))?;
                return Ok(answer);
            }
        }
    }
}

/// What it just sent is no longer there.
fn late_answer(world: &mut World) -> Outcomes<()> {
    sync(world, ONE)?;
    let before = world.machines[ONE].snapshot();
    rename(world, ONE, "soon gone")?;
    let request = world.machines[ONE].read(|tx| node::request(tx, Limits::default()))?;
    let answer = answer(world, request)?;
    world.machines[ONE].put(&before);
    let mut acceptance = node::Acceptance::new(answer, Limits::default());
    match world.machines[ONE].write(move |tx| acceptance.step(tx)) {
        Err(Stop::Refused(error)) if error.code == "answer_unusable" => {}
        Ok(Some(progress)) if progress.outcome == Outcome::Ignored => {}
        other => return Err(format!("I2: an answer was taken that can't be: {other:?}")),
    }
    all_is_well(world)
}

fn news(world: &mut World, index: usize, word: &str) -> Outcomes<()> {
    let word = word.to_owned();
    world.tick(1_000);
    let done = world.machines[index].write(move |tx| deed::news(tx, &word));
    noted(world, index, done)
}

/// The hub burns down and comes back without what is new, and so does the node that wrote it.
fn two_versions_behind(world: &mut World) -> Outcomes<()> {
    world.machines[HUB].keep();
    world.machines[TWO].keep();
    world.machines[ONE].be_behind(2);
    news(world, TWO, "new")?;
    sync(world, TWO)?;
    rename(world, ONE, "of the old one")?;
    sync(world, ONE)?;
    let kept = world.machines[TWO].kept.clone();
    world.restore(HUB);
    world.restore(TWO);
    sync(world, ONE)?;
    world.machines[HUB].kept.extend(kept);
    // Nothing is missing while the versions still differ.
    world.converge()?;
    check::after_convergence(world)?;
    world.machines[ONE].be_behind(0);
    all_is_well(world)
}

fn two_versions_ahead(world: &mut World) -> Outcomes<()> {
    world.machines[HUB].be_behind(2);
    news(world, ONE, "of one")?;
    news(world, TWO, "of two")?;
    rename(world, ONE, "the one")?;
    sync(world, ONE)?;
    sync(world, TWO)?;
    sync(world, ONE)?;
    check::after_convergence(world)?;
    // It is all on the hub, which doesn't show it yet.
    world.machines[HUB].be_behind(0);
    all_is_well(world)
}
