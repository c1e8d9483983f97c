//! `arise demo`: a made-up college with months of history, and a class that a simulated scanner marks live.

mod college;
mod names;
mod scanner;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use arise_core::SystemClock;
use arise_http::{App, Config, NodeType};
use arise_store::backup::Backups;
use arise_store::session::NewSession;
use arise_store::{Location, Store, course, device, session};
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::serve;
use college::College;

#[derive(Args, Debug, Clone)]
pub(crate) struct Demo {
    /// Port to listen on; 0 for any free one.
    #[arg(long, default_value_t = 5000)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// Folder to keep the college in; a temporary one that is removed at the end by default.
    #[arg(long)]
    data: Option<PathBuf>,
    /// How fast students come to the scanner.
    #[arg(long, value_enum, default_value_t = Pace::Human)]
    scanner_pace: Pace,
    /// File to write the address and logins to, as JSON, once the server answers.
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pace {
    /// One every one to four seconds.
    Human,
    /// Several a second.
    Fast,
}

impl Pace {
    /// Milliseconds from one finger to the next, about.
    fn every(self) -> u64 {
        match self {
            Self::Human => 2_400,
            Self::Fast => 300,
        }
    }
}

pub(crate) fn run(options: &Demo) -> anyhow::Result<()> {
    let temporary;
    let data = match &options.data {
        Some(folder) => {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("the folder {} can't be made", folder.display()))?;
            folder.as_path()
        }
        None => {
            temporary = tempfile::tempdir().context("a temporary folder can't be made")?;
            temporary.path()
        }
    };
    let _log = crate::log::start(data, "info")?;
    let location = Location::File(data.join("arise.db"));
    println!("Making a college with two months of classes …");
    let college = college::make_or_find(&location)?;
    let store = Store::open(&location, Arc::new(SystemClock))?;
    let code = start_class(&store, &college)?;

    serve::runtime()?.block_on(async {
        let listener = serve::listen(&options.host, options.port).await?;
        let base = serve::base_url(listener.local_addr()?);
        // As a hub, so that online classes can be tried too.
        let backups = Some(Backups { folder: data.join("backups"), kept: 3 });
        let config = Config { node_type: NodeType::Cloud, backups, ..Config::default() };
        let app = App::new(store.clone(), config).await?;
        announce(&base, &college);
        let scanner = scanner::start(store, base.clone(), code, options.scanner_pace)?;
        let stop = serve::stop_signal()?;
        if let Some(path) = &options.ready_file {
            serve::write_ready(path, &logins(&base, &college))?;
        }
        arise_http::serve(app, listener, async {
            stop.await;
            println!("Stopping …");
            scanner.stop().await;
        })
        .await
        .context("the server stopped")
    })
}

/// Opens the first teacher's first class, chosen for a new scanner. Answers the scanner's pairing code.
fn start_class(store: &Store, college: &College) -> anyhow::Result<String> {
    let code = college.live_course.clone();
    let started = store.write_blocking(move |tx| {
        let course = course::by_code(tx, &code)?.ok_or_else(|| arise_core::Error::not_found("course"))?;
        if let Some(open) = session::open_of_course(tx, course.id)? {
            session::end(tx, &open)?;
        }
        let pairing_code = "DEMO-2345".to_owned();
        let known = device::list(tx)?.into_iter().find(|device| device.name == "Scanner 1");
        let scanner = match known {
            Some(device) => device.id,
            None => device::create(tx, "Scanner 1", "Room 204")?,
        };
        device::offer_pairing(tx, scanner, &pairing_code)?;
        let new = NewSession {
            course_id: course.id,
            starts_at: tx.now(),
            duration_minutes: 50,
            session_type: arise_core::session::SessionType::Offline,
            topic: "Balanced search trees".to_owned(),
            device_id: Some(scanner),
            online: None,
        };
        session::start(tx, &new, course.teacher_id)?;
        Ok(pairing_code)
    })?;
    Ok(started)
}

fn announce(base: &str, college: &College) {
    println!();
    println!("  arise demo: {}", college.institution);
    println!();
    println!("  Open      {base}");
    println!("  Teacher   course {}   PIN {}", college.live_course, college.pin);
    println!("            (a class is running: log in and press Resume)");
    println!("  Admin     {}   password {}", college.admin, college.password);
    println!("  Student   roll number {}   password {}", college.student, college.password);
    println!();
    println!("  Ctrl-C stops it.");
    println!();
}

fn logins(base: &str, college: &College) -> serde_json::Value {
    json!({
        "base": base,
        "admin": {"username": college.admin, "password": college.password},
        "teacher": {
            "course_code": college.live_course,
            "teacher_code": college.teacher,
            "pin": college.pin,
        },
        "student": {"university_roll_no": college.student, "password": college.password},
    })
}
