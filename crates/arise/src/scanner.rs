//! `arise scanner`: a classroom's scanner on this machine, with a real sensor on a serial port or a simulated one.

use std::io::{BufRead, IsTerminal, Write, stdin, stdout};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use anyhow::{Context, bail};
use arise_scanner_sim::display::Panel;
use arise_scanner_sim::sensor::Timing;
use arise_scanner_sim::{Fingers, SimConfig, Simulator};
use clap::{ArgGroup, Args};

use crate::serve;

/// For a machine whose network hardware can't be asked.
const SOME_MAC: &str = "02:00:5e:10:00:02";

#[derive(Args, Debug, Clone)]
#[command(group(ArgGroup::new("sensor").required(true).args(["simulate", "port"])))]
pub(crate) struct Scanner {
    /// Address of the server, such as http://192.168.1.20:5000
    #[arg(long, value_name = "URL")]
    server: String,
    /// Pairing code from the server's Devices page; needed once.
    #[arg(long, value_name = "CODE")]
    pair: Option<String>,
    /// A sensor made of software: type a slot's number to place that finger.
    #[arg(long)]
    simulate: bool,
    /// Serial port of a real sensor, such as /dev/ttyUSB0
    #[arg(long, value_name = "PATH")]
    port: Option<PathBuf>,
    /// File that keeps the pairing and the marks that wait.
    #[arg(long, value_name = "FILE", default_value = "arise-scanner.flash")]
    flash: PathBuf,
    /// Slots of the simulated sensor that hold a finger, from 1.
    #[arg(long, value_name = "N", default_value_t = 200)]
    fingers: u16,
}

pub(crate) fn run(options: &Scanner) -> anyhow::Result<()> {
    let stop = stopped_by_signal()?;
    let terminal = stdout().is_terminal();
    let mut scanner = Simulator::new(options.config(terminal))?;
    if let Some(code) = &options.pair {
        match scanner.pair_now(code) {
            Ok(()) => {}
            // A code works once; whoever starts the scanner the same way again has it paired.
            Err(error) if scanner.paired() => eprintln!("{error}. The earlier pairing is used."),
            Err(error) => return Err(error.into()),
        }
    }
    if !scanner.paired() {
        bail!("this scanner isn't paired yet: give --pair with a code from the server's Devices page");
    }
    println!("This scanner is {}.", scanner.device_id().unwrap_or_default());
    if options.simulate {
        println!("A number places that finger. `help` lists the other commands. Ctrl-C stops it.");
    }
    let lines = typed();
    let tell = |main: &str, sub: [&str; 2]| {
        // On a terminal the display itself is shown.
        if !terminal {
            say(&format!("{main}. {}\n", sub.join(" ").trim()));
        }
    };
    scanner.interact(&lines, say, |view| tell(view.main(), view.sub()), &stop);
    Ok(())
}

impl Scanner {
    fn config(&self, terminal: bool) -> SimConfig {
        let slots = (1..=self.fingers).collect();
        let mut config = SimConfig::new(&self.server, "scanner", &mac_address(), slots);
        config.fingers = match &self.port {
            Some(port) => Fingers::Port(port.clone()),
            None => Fingers::Simulated(Timing::REAL),
        };
        config.flash = Some(self.flash.clone());
        if terminal {
            config.on_screen = Some(Box::new(|panel: &Panel| say(&framed(panel))));
        }
        config
    }
}

/// The serial console ends its lines as a terminal wants them.
fn say(text: &str) {
    let mut out = stdout().lock();
    // Nobody may be reading; the scanner goes on.
    let _ = out.write_all(text.replace("\r\n", "\n").as_bytes()).and_then(|()| out.flush());
}

fn framed(panel: &Panel) -> String {
    let text = panel.text();
    let line = "─".repeat(text.lines().next().map_or(0, |line| line.chars().count()));
    let body: String = text.lines().map(|line| format!("│{line}│\n")).collect();
    format!("\n┌{line}┐\n{body}└{line}┘\n")
}

/// Set at Ctrl-C, or when a service manager asks to stop.
fn stopped_by_signal() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signal = {
        let _inside = runtime.enter();
        serve::stop_signal()?
    };
    let wait = move || {
        runtime.block_on(signal);
        stopped.store(true, Ordering::Relaxed);
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).context("signals can't be awaited")?;
    Ok(stop)
}

/// What is typed, line by line. A scanner whose input is closed goes on without.
fn typed() -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
        loop {
            thread::park();
        }
    });
    lines
}

/// The address of a network card, by which people know this machine.
fn mac_address() -> String {
    let cards = std::fs::read_dir("/sys/class/net").into_iter().flatten().flatten();
    let mut known: Vec<String> = cards
        .filter_map(|card| std::fs::read_to_string(card.path().join("address")).ok())
        .map(|address| address.trim().to_owned())
        .filter(|address| address.len() == 17 && address != "00:00:00:00:00:00")
        .collect();
    known.sort();
    known.into_iter().next().unwrap_or_else(|| SOME_MAC.to_owned())
}
