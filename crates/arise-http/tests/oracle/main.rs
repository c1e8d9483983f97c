//! Every figure of the API against one that was counted another way: colleges are made from seeds, their raw
//! records are read, and the whole of every answer is computed from them without a tally, an index or a rule
//! of the server. The figures must be equal to the last digit.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test that calls it")]

mod answer;
mod college;
mod dice;
mod records;
mod sums;
mod world;

use arise_testkit::server::{Engine, TestServer};

use crate::dice::Dice;

const COLLEGES: u64 = 52;

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    colleges(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql() {
    colleges(Engine::Postgres).await;
}

async fn colleges(engine: Engine) {
    let mut compared = answer::Compared::default();
    for seed in 0..COLLEGES {
        // Shown when the test fails.
        println!("{engine:?}, seed {seed}");
        let mut dice = Dice::new(seed);
        let server = TestServer::start(engine).await;
        college::make(&server, &mut dice).await;
        let world = records::read(&server).await;
        answer::compare(&server, &world, &mut dice, &mut compared).await;
    }
    println!("{compared:?}");
    compared.assert_was_about_something();
}
