//! `cargo xtask new-migration <name>`: an empty migration with the next number.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::workspace;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What it does, in `snake_case`: `add_rooms`
    name: String,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let path = create(&workspace::root().join("crates/arise-store/migrations"), &args.name)?;
    println!("{}", path.strip_prefix(workspace::root()).unwrap_or(&path).display());
    Ok(())
}

fn create(folder: &Path, name: &str) -> Result<PathBuf> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(good) {
        bail!("`{name}` isn't a snake_case name");
    }
    let mut last = 0;
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let file = entry?.file_name();
        let file = file.to_string_lossy();
        let Some(stem) = file.strip_suffix(".sql") else { continue };
        let number = stem.split('_').next().and_then(|n| n.parse::<u32>().ok());
        last = last.max(number.with_context(|| format!("{file} has no number"))?);
        if stem.split_once('_').is_some_and(|(_, other)| other == name) {
            bail!("{file} is there already");
        }
    }
    let path = folder.join(format!("{:04}_{name}.sql", last + 1));
    let mut file = File::create_new(&path).with_context(|| format!("cannot make {}", path.display()))?;
    writeln!(
        file,
        "-- Run once by each database, never changed after a release. It has to run on SQLite and PostgreSQL."
    )?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_up_from_the_highest() {
        let tmp = tempfile::tempdir().unwrap();
        let folder = tmp.path();
        let made = |name| create(folder, name).unwrap().file_name().unwrap().to_owned();
        assert_eq!(made("first"), "0001_first.sql");
        File::create(folder.join("0009_other.sql")).unwrap();
        File::create(folder.join("README.md")).unwrap();
        assert_eq!(made("add_rooms"), "0010_add_rooms.sql");
    }

    #[test]
    fn a_name_is_used_once_and_is_plain() {
        let tmp = tempfile::tempdir().unwrap();
        create(tmp.path(), "add_rooms").unwrap();
        for bad in ["add_rooms", "", "Add", "add-rooms", "../up", "9th"] {
            assert!(create(tmp.path(), bad).is_err(), "{bad}");
        }
    }
}
