//! `cargo xtask dist`: the archive that is handed out, and its checksum. Unpacked it is the folder that is copied to a
//! stick: the records come to lie in `data/` beside the program.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{proc, workspace};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The platform, as rustc names it; this machine's by default
    #[arg(long)]
    target: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let target = match &args.target {
        Some(target) => target.clone(),
        None => host()?,
    };
    // Named even when it is the host's, so that the binary's place doesn't depend on it.
    proc::run(proc::cargo().args(["build", "--release", "--locked", "-p", "arise", "--target", &target]))?;

    let target_dir = workspace::target_dir()?;
    let name = format!("arise-{}-{target}", env!("CARGO_PKG_VERSION"));
    let dist = target_dir.join("dist");
    let folder = dist.join(&name);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    copy(&target_dir.join(&target).join("release/arise"), &folder)?;
    for document in [
        "LICENSE",
        "README.md",
        "docs/OPERATIONS.md",
        "docs/SECURITY.md",
        "packaging/START.txt",
        "packaging/arise.service",
    ] {
        copy(&workspace::root().join(document), &folder)?;
    }

    fs::create_dir(folder.join("data"))?;
    fs::write(
        folder.join("data/README.txt"),
        "The records of arise. Copy the folder \"backups\" elsewhere now and then.\n",
    )?;

    let archive = format!("{name}.tar.gz");
    // The same files give the same archive: no times, owners or order of this machine.
    let same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    proc::run(
        Command::new("tar")
            .args(same)
            .args(["--use-compress-program=gzip -n9", "-cf", &archive, &name])
            .current_dir(&dist),
    )?;
    fs::remove_dir_all(&folder)?;
    let sum = proc::output(Command::new("sha256sum").arg(&archive).current_dir(&dist))?;
    fs::write(dist.join(format!("{archive}.sha256")), &sum)?;
    print!("{}: {sum}", dist.display());
    Ok(())
}

fn copy(file: &Path, folder: &Path) -> Result<()> {
    let name = file.file_name().context("a file has a name")?;
    fs::copy(file, folder.join(name)).with_context(|| format!("cannot copy {}", file.display()))?;
    Ok(())
}

fn host() -> Result<String> {
    let version = proc::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc doesn't name this machine's platform")?.to_owned())
}
