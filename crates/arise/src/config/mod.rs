//! What belongs to this machine. The first that says something decides: flags, the environment, `.env`, `arise.toml`,
//! the default.

mod flags;
mod setting;
mod source;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use arise_http::NodeType;
use arise_store::backup::Backups;
use arise_store::{Care, Location};

pub(crate) use flags::Flags;
use setting::{Kind, SETTINGS};
use source::{Layers, Source};

/// The settings of this machine, all checked.
#[derive(Debug)]
pub(crate) struct Config {
    layers: Layers,
}

impl Config {
    /// Reads and checks all sources.
    ///
    /// # Errors
    /// When a name isn't a setting's, or a value can't be what it says; both name where it stands.
    pub(crate) fn load(flags: &Flags) -> anyhow::Result<Self> {
        let environment: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let mut places = vec![std::env::current_dir().context("the current folder can't be found")?];
        places.extend(program_folder().ok());
        let layers = source::collect(flags.values.clone(), flags.config.as_deref(), &environment, &places)?;
        let config = Self { layers };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        for setting in SETTINGS {
            let Some(said) = self.layers.values.get(setting.key) else { continue };
            let problem = match setting.kind {
                Kind::Switch if switch(&said.text).is_none() => "must be true or false".to_owned(),
                Kind::Number { least, most }
                    if !said.text.parse().is_ok_and(|number: u64| (least..=most).contains(&number)) =>
                {
                    format!("must be a whole number from {least} to {most}")
                }
                _ => continue,
            };
            bail!("{} {problem}, and is “{}” ({})", name(setting, &said.source), said.text, said.source);
        }
        if let Some(url) = self.text("database_url")
            && !["postgres://", "postgresql://"].iter().any(|start| url.starts_with(start))
        {
            bail!("DATABASE_URL must begin with postgres://. For a SQLite file set DATABASE_PATH instead");
        }
        if let Some(zone) = self.text("time_zone") {
            arise_core::zone::Zone::named(zone)
                .map_err(|error| anyhow::anyhow!("TIMEZONE: {}", error.message))?;
        }
        Ok(())
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.layers.values.get(key).map(|said| said.text.as_str()).filter(|text| !text.is_empty())
    }

    fn number(&self, key: &str) -> u64 {
        // Checked, and every number has a default.
        self.text(key).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn host(&self) -> &str {
        self.text("host").unwrap_or_default()
    }

    pub(crate) fn port(&self) -> u16 {
        u16::try_from(self.number("port")).unwrap_or_default()
    }

    pub(crate) fn admin_password(&self) -> Option<&str> {
        self.text("admin_password")
    }

    pub(crate) fn time_zone(&self) -> Option<&str> {
        self.text("time_zone")
    }

    pub(crate) fn log(&self) -> &str {
        self.text("log").unwrap_or_default()
    }

    /// The data folder. Beside the program by default, so that a stick with both works wherever it is plugged in.
    pub(crate) fn data(&self) -> anyhow::Result<PathBuf> {
        match self.text("data") {
            Some(folder) => Ok(PathBuf::from(folder)),
            None => Ok(program_folder()?.join("data")),
        }
    }

    /// The data folder, made if it isn't there.
    pub(crate) fn make_data(&self) -> anyhow::Result<PathBuf> {
        let folder = self.data()?;
        std::fs::create_dir_all(&folder).with_context(|| {
            let folder = folder.display();
            format!(
                "the data folder {folder} can't be made. Say with --data where the records are to be kept"
            )
        })?;
        Ok(folder)
    }

    pub(crate) fn backups(&self, data: &Path) -> Backups {
        let folder = self.text("backups").map_or_else(|| data.join("backups"), PathBuf::from);
        Backups { folder, kept: usize::try_from(self.number("backups_kept")).unwrap_or(usize::MAX) }
    }

    pub(crate) fn backup_hours(&self) -> u64 {
        self.number("backup_hours")
    }

    /// Bytes.
    pub(crate) fn least_space(&self) -> u64 {
        self.number("min_free_mb").saturating_mul(1_000_000)
    }

    pub(crate) fn secret_key(&self) -> Option<&str> {
        self.text("secret_key")
    }

    pub(crate) fn sync_api_key(&self) -> Option<&str> {
        self.text("sync_api_key")
    }

    /// What is looked after while the records are open.
    pub(crate) fn care(&self, data: &Path) -> Care {
        Care { backups: Some(self.backups(data)), least_space: self.least_space() }
    }

    pub(crate) fn location(&self, data: &Path) -> Location {
        match (self.text("database_url"), self.text("database_path")) {
            (Some(url), _) => Location::Postgres(url.to_owned()),
            (None, Some(path)) => Location::File(PathBuf::from(path)),
            (None, None) => Location::File(data.join("arise.db")),
        }
    }

    pub(crate) fn http(&self, data: &Path) -> arise_http::Config {
        let hub = self.text("hub").and_then(switch).unwrap_or_default();
        let origins = self.text("allow_origin").unwrap_or_default();
        arise_http::Config {
            node_type: if hub { NodeType::Cloud } else { NodeType::Local },
            secret_key: self.text("secret_key").unwrap_or_default().to_owned(),
            cloud_url: self.text("cloud_url").map(str::to_owned),
            cloud_ca: self.text("cloud_ca").map(PathBuf::from),
            allowed_origins: origins
                .split(',')
                .filter(|o| !o.is_empty())
                .map(|o| o.trim().to_owned())
                .collect(),
            older_nodes: arise_http::OlderNodes::parse(self.text("sync_api_key").unwrap_or_default()),
            proxies: usize::try_from(self.number("proxies")).unwrap_or_default(),
            backups: Some(self.backups(data)),
            operator_key: None,
            limits: arise_http::Limits::default(),
            sync_interval_seconds: self.number("sync_interval_seconds"),
        }
    }

    /// Every setting with its value and where that came from, without secrets, for people.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        for setting in SETTINGS {
            let said = self.layers.values.get(setting.key);
            let value = match said {
                None => "(not set)".to_owned(),
                Some(_) if setting.secret => "(hidden)".to_owned(),
                Some(said) => said.text.clone(),
            };
            let source = said.map(|said| format!("  # {}", said.source)).unwrap_or_default();
            let _ = writeln!(text, "{:<24}{:<24} {value}{source}", setting.key, setting.env);
        }
        for note in self.notes() {
            let _ = writeln!(text, "\n{note}");
        }
        text
    }

    /// What is strange about the settings without being wrong.
    pub(crate) fn notes(&self) -> &[String] {
        &self.layers.notes
    }
}

/// A setting as it is called where it was said.
fn name(setting: &setting::Setting, source: &Source) -> String {
    match source {
        Source::Flag => format!("--{}", setting.flag()),
        Source::File(path) if path.extension().is_some_and(|end| end == "toml") => setting.key.to_owned(),
        _ => setting.env.to_owned(),
    }
}

fn switch(text: &str) -> Option<bool> {
    match text.trim().to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn program_folder() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().context("the program's own place can't be found")?;
    Ok(program.parent().unwrap_or(Path::new(".")).to_owned())
}

/// `arise config`.
pub(crate) fn show(flags: &Flags) -> anyhow::Result<()> {
    print!("{}", Config::load(flags)?.describe());
    Ok(())
}
