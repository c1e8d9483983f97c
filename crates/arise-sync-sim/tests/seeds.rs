//! A few seeds for whoever changes something; `cargo xtask test` runs 2,000 and `cargo xtask simulate` any number.

use arise_core::mutant::Mutant;
use arise_sync_sim::{DIRECTED, run, run_all, run_directed};

#[test]
fn every_invariant_holds() {
    let counts = run_all(0, 40, None).unwrap_or_else(|failure| panic!("{failure}"));
    for fault in [
        "messages dropped",
        "messages doubled",
        "messages reordered",
        "messages damaged",
        "messages cut off one way",
        "crashes at a statement",
        "clocks jumped",
        "nodes cloned",
        "nodes wiped",
        "the hub rolled back",
        "versions changed",
        "messages of nodes two versions behind",
        "messages of nodes two versions ahead",
        "transactions of the hub that others came after",
        "transactions of a node that others came after",
        "writes in the middle of an exchange",
        "exchanges in the middle of another",
    ] {
        assert!(counts.of(fault) > 0, "no {fault}");
    }
}

#[test]
fn a_seed_repeats() {
    assert_eq!(run(7, None).unwrap(), run(7, None).unwrap());
}

#[test]
fn histories_hold_and_notice_broken_engines() {
    for (name, history, notices) in DIRECTED {
        run_directed(*history, None).unwrap_or_else(|why| panic!("{name}: {why}"));
        for &mutant in *notices {
            assert!(run_directed(*history, Some(mutant)).is_err(), "{name}: {mutant:?} isn't noticed");
        }
    }
}

#[test]
fn seeds_notice_broken_engines() {
    for mutant in [
        Mutant::NoMaterialiserVersion,
        Mutant::DropsUnknownKinds,
        Mutant::ForgetsEarlierMarks,
        Mutant::NoRecount,
        Mutant::IdsByTheClock,
        Mutant::WalksTooFar,
        Mutant::EffectsBeforeCauses,
        Mutant::NumbersTwice,
        Mutant::QuarantineInTheWay,
        Mutant::PassesOverTheRest,
        Mutant::ForgetsSums,
    ] {
        assert!(run_all(0, 60, Some(mutant)).is_err(), "{mutant:?} isn't noticed");
    }
}
