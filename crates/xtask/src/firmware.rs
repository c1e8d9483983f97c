//! `cargo xtask firmware`: the scanner's images, built, looked at, and the core's self-test on an emulated machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::report::{Report, Tally};
use crate::{apt, proc, workspace};

/// A compiler that builds `core` for the chips itself, its linker, and the machine for the self-test.
const PACKAGES: [&str; 6] =
    ["rustc-web", "cargo-web", "rust-web-src", "lld-19", "qemu-system-misc", "python3-venv"];
const ESPTOOL: &str = "esptool==5.*";
/// Seconds until a self-test that hangs is ended. It takes less than one.
const PATIENCE: &str = "60";

struct Chip {
    name: &'static str,
    target: &'static str,
}

const CHIPS: [Chip; 2] = [
    Chip { name: "esp32c3", target: "riscv32imc-unknown-none-elf" },
    Chip { name: "esp32c6", target: "riscv32imac-unknown-none-elf" },
];
const BARE: &str = "riscv32imac-unknown-none-elf";

#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: &Args) -> ExitCode {
    let mut report = Report::default();
    all(&mut report);
    report.finish()
}

pub(crate) fn all(report: &mut Report) {
    let ready = report.step("firmware: packages", || {
        apt::install(&apt::missing(&PACKAGES))?;
        let target_dir = workspace::target_dir()?;
        Ok((esptool(&target_dir)?, target_dir.join("firmware")))
    });
    let Some((esptool, target_dir)) = ready else { return };
    for chip in &CHIPS {
        report.tests(&format!("firmware: image for {}", chip.name), || {
            image(chip, &esptool, &target_dir).map(|()| ONE)
        });
    }
    report.tests("firmware: self-test on an emulated machine", || self_test(&target_dir).map(|()| ONE));
}

/// What failed is an error.
const ONE: Tally = Tally { passed: 1, failed: 0, skipped: 0 };

/// The program that makes images of what was linked, in an environment of its own.
fn esptool(target_dir: &Path) -> Result<PathBuf> {
    let folder = target_dir.join("esptool");
    let program = folder.join("bin/esptool");
    if !proc::answers(Command::new(&program).arg("version")) {
        proc::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let pip = ["install", "--quiet", "--disable-pip-version-check", ESPTOOL];
        proc::run(Command::new(folder.join("bin/pip")).args(pip))?;
    }
    Ok(program)
}

/// Debian's compiler whatever else is installed, building `core` from source.
fn cargo(target: &str, target_dir: &Path) -> Command {
    let mut command = Command::new("/usr/bin/cargo");
    command
        .current_dir(workspace::root().join("firmware"))
        .env("PATH", "/usr/bin:/bin")
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["build", "--release", "--locked", "--target", target, "-Zbuild-std=core,alloc"])
        .args(["--config", &format!("target.{target}.linker='ld.lld-19'")])
        .args(["--config", &format!("target.{target}.rustflags=['-Clinker-flavor=ld.lld']")])
        .arg("--target-dir")
        .arg(target_dir);
    // Another compiler's flags and libraries, and what the cargo that runs us says of itself.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let other =
            ["CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_PROFILE_", "CARGO_PKG_", "RUSTDOC", "RUSTFLAGS"];
        if text == "LD_LIBRARY_PATH"
            || text.starts_with("RUSTC_W")
            || other.iter().any(|o| text.starts_with(o))
        {
            command.env_remove(&name);
        }
    }
    command
}

fn image(chip: &Chip, esptool: &Path, target_dir: &Path) -> Result<()> {
    proc::run(cargo(chip.target, target_dir).args(["--features", chip.name]))?;
    let elf = target_dir.join(chip.target).join("release/arise-scanner-firmware");
    let image = target_dir.join(format!("arise-scanner-{}.bin", chip.name));
    let call = |words: &[&str]| {
        let mut command = Command::new(esptool);
        command.args(["--chip", chip.name]).args(words);
        command
    };
    proc::run(call(&["elf2image", "--flash-size", "4MB", "-o"]).arg(&image).arg(&elf))?;
    let info = proc::output(call(&["image-info"]).arg(&image))?;
    print!("{info}");
    is_valid(&info)?;
    let size = fs::metadata(&image)?.len();
    let room = room()?;
    ensure!(size <= room, "the image has {size} bytes, its partition {room}");
    println!("{}: {size} bytes of {room}", image.display());
    Ok(())
}

/// A checksum and a hash, both valid.
fn is_valid(info: &str) -> Result<()> {
    let checked = info.lines().filter(|line| line.contains("(valid)")).count();
    ensure!(checked >= 2 && !info.to_lowercase().contains("invalid"), "the image isn't whole");
    Ok(())
}

/// The bytes of the program's partition.
fn room() -> Result<u64> {
    let table = fs::read_to_string(workspace::root().join("firmware/partitions.csv"))?;
    program_size(&table).context("partitions.csv has no partition named factory")
}

fn program_size(table: &str) -> Option<u64> {
    let row = table.lines().find(|line| line.starts_with("factory,"))?;
    u64::from_str_radix(row.rsplit(',').next()?.trim().strip_prefix("0x")?, 16).ok()
}

fn self_test(target_dir: &Path) -> Result<()> {
    proc::run(cargo(BARE, target_dir).args(["-p", "arise-scanner-selftest"]))?;
    let elf = target_dir.join(BARE).join("release/arise-scanner-selftest");
    let machine = ["-M", "virt", "-bios", "none", "-nographic", "-serial", "mon:stdio", "-kernel"];
    let status = proc::status(
        Command::new("timeout")
            .args(["--foreground", PATIENCE, "qemu-system-riscv32"])
            .args(machine)
            .arg(elf)
            .stdin(Stdio::null()),
    )?;
    match status.code() {
        Some(0) => Ok(()),
        Some(124) => bail!("the self-test didn't end within {PATIENCE} s"),
        _ => bail!("the self-test failed: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_whole_when_checksum_and_hash_are() {
        let whole = "Checksum: 0x8f (valid)\nValidation hash: 12ab (valid)\n";
        assert!(is_valid(whole).is_ok());
        assert!(is_valid(&whole.replacen("valid", "invalid - calculated 0x8e", 1)).is_err());
        assert!(is_valid("Checksum: 0x8f (valid)\n").is_err());
        assert!(is_valid("").is_err());
    }

    #[test]
    fn the_room_of_the_program() {
        let table =
            "nvs,      data, nvs,     0x9000,   0x6000\nfactory,  app,  factory, 0x10000,  0x300000\n";
        assert_eq!(program_size(table), Some(0x30_0000));
        assert_eq!(program_size("nvs, data, nvs, 0x9000, 0x6000"), None);
        assert!(room().is_ok());
    }
}
