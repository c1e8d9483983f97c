//! How long a student waits: from "Saved" on a whole simulated scanner's display to the server's word there.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::ensure;
use arise_core::SystemClock;
use arise_scanner_sim::sensor::Timing;
use arise_scanner_sim::{Fingers, Manners, Script, SimConfig, Simulator};
use arise_store::{Location, Store, device, session};

use crate::college;
use crate::figures::{Bar, Times, print};
use crate::server::{Server, folder};

const CLASS: u16 = 60;
/// Past sessions, of 1,200 marks each.
const PAST: usize = 12;
const CODE: &str = "ABCD2345";

pub(crate) fn run() -> anyhow::Result<()> {
    let folder = folder()?;
    println!("Making a college …");
    let college = college::make(folder.path(), PAST)?;
    let (scanner, class) = (college.single.id, college.single.session);
    Store::open(&Location::File(folder.path().join("arise.db")), Arc::new(SystemClock))?.write_blocking(
        move |tx| {
            let class = session::get(tx, class)?;
            session::choose_device(tx, &class, Some(scanner))?;
            device::offer_pairing(tx, scanner, CODE)
        },
    )?;
    let server = Server::arise(folder.path())?;

    // The first of the two fingers of each of the first on the roll.
    let slots: Vec<u16> = (1..=CLASS).map(|roll| 2 * roll - 1).collect();
    let config = SimConfig {
        // The sensor's own time isn't what is measured.
        fingers: Fingers::Simulated(Timing::NONE),
        manners: Manners::HASTY,
        ..SimConfig::new(&format!("http://{}", server.address), "Bench", "aa:bb:cc:dd:ee:01", slots.clone())
    };
    let report =
        Simulator::new(config)?.pair(CODE)?.run(&Script::class(&slots, 150, 5), &AtomicBool::new(false));
    let waits = report.fingers.iter().filter_map(|finger| finger.answered_after).map(Duration::from_millis);
    let waits = Times::new(waits.collect());
    ensure!(waits.len() == usize::from(CLASS), "of {CLASS} fingers {} were answered", waits.len());
    println!(
        "{} fingers: p50 {:.0} ms, p95 {:.0} ms, longest {:.0} ms",
        waits.len(),
        waits.percentile(50),
        waits.percentile(95),
        waits.longest(),
    );
    let bars = [
        Bar {
            what: "a finger, from Saved to Marked on the display, p95".into(),
            measured: format!("{:.0} ms", waits.percentile(95)),
            bar: "≤ 100 ms".into(),
            met: waits.percentile(95) <= 100.0,
        },
        Bar {
            what: "what a heartbeat that is due waits at most".into(),
            measured: format!("{} ms", report.heartbeat_lag),
            bar: "≤ 50 ms".into(),
            met: report.heartbeat_lag <= 50,
        },
    ];
    if !print(&bars) {
        println!("\nSome bars are missed.");
    }
    Ok(())
}
