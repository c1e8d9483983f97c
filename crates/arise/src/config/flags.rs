//! The flags of the settings, made from their table, for every command that needs them.

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::setting::{Kind, SETTINGS, Setting};
use super::source::{Layer, Said, Source};

/// What was said on the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    pub(crate) values: Layer,
    /// The TOML file.
    pub(crate) config: Option<PathBuf>,
}

fn arg(setting: &Setting) -> Arg {
    let default = match setting.default {
        "" => String::new(),
        default => format!(" [default: {default}]"),
    };
    let arg = Arg::new(setting.key)
        .long(setting.flag())
        .help(format!("{} [env: {}]{default}", setting.help, setting.env))
        .help_heading("Settings")
        .value_name(match setting.kind {
            Kind::Path => "PATH",
            Kind::Number { .. } => "N",
            Kind::Switch => "BOOL",
            Kind::Text | Kind::List => "TEXT",
        });
    match setting.kind {
        Kind::Switch => arg.num_args(0..=1).default_missing_value("true"),
        Kind::List => arg.action(ArgAction::Append),
        _ => arg,
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .help("TOML file of settings; `arise.toml` in this folder or beside the program when it isn't given")
            .help_heading("Settings")
            .value_name("FILE")
            .env("ARISE_CONFIG")
            .value_parser(clap::value_parser!(PathBuf));
        command.arg(config).args(SETTINGS.iter().map(arg))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let said = |setting: &'static Setting| {
            if matches.value_source(setting.key) != Some(ValueSource::CommandLine) {
                return None;
            }
            let texts: Vec<&String> = matches.get_many::<String>(setting.key)?.collect();
            let text = texts.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(",");
            Some((setting.key, Said { text, source: Source::Flag }))
        };
        let values = SETTINGS.iter().filter_map(said).collect();
        Ok(Self { values, config: matches.get_one::<PathBuf>("config").cloned() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
