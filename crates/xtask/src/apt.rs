//! Debian's packages. What is missing is installed when we may; otherwise the error is the command to run.

use std::process::Command;

use anyhow::{Result, bail};

use crate::proc;

/// Those of these packages that aren't installed.
pub(crate) fn missing<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    let installed = |package: &str| {
        let state = proc::output(Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", package]));
        state.is_ok_and(|state| state == "installed")
    };
    packages.iter().copied().filter(|package| !installed(package)).collect()
}

pub(crate) fn install(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.join(" ");
    let command = format!("apt-get update && apt-get install -y --no-install-recommends {names}");
    let root = proc::output(Command::new("id").arg("-u"))?.trim() == "0";
    if !root || !proc::answers(Command::new("apt-get").arg("--version")) {
        bail!("missing: {names}. On Debian, as root: {command}");
    }
    eprintln!("missing: {names}; installing: {command}");
    for args in [&["update", "-q"][..], &["install", "-y", "-q", "--no-install-recommends"]] {
        let packages = if args[0] == "install" { packages } else { &[] };
        let mut apt = Command::new("apt-get");
        proc::run(apt.args(args).args(packages).env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(())
}
