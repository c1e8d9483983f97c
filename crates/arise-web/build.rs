//! Builds `web/` with npm and leaves the result in `$OUT_DIR/dist` for `rust-embed`.

use std::env;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::time::SystemTime;

/// What the built UI depends on, relative to `web/`.
const SOURCES: &[&str] = &[
    "build",
    "public",
    "src",
    "admin.html",
    "components.html",
    "help.html",
    "login.html",
    "projector.html",
    "student.html",
    "teacher.html",
    "package.json",
    "package-lock.json",
    "svelte.config.js",
    "tsconfig.json",
    "vite.config.ts",
];

const STUB: &str = "<!doctype html><meta charset=utf-8><title>arise</title>\
<p>This arise was built without its web pages (<code>ARISE_SKIP_WEB</code>). The API works.";

fn main() {
    let web = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo")).join("../../web");
    let dist = PathBuf::from(env::var_os("OUT_DIR").expect("set by cargo")).join("dist");

    println!("cargo:rerun-if-env-changed=ARISE_SKIP_WEB");
    println!("cargo:rustc-check-cfg=cfg(stub)");
    if env::var_os("ARISE_SKIP_WEB").is_some_and(|value| value == "1") {
        write_stub(&dist).unwrap_or_else(|error| fail(&format!("cannot write {}: {error}", dist.display())));
        println!("cargo:rustc-cfg=stub");
        return;
    }
    println!("cargo:rerun-if-changed={}", web.join("../docs/openapi.json").display());
    for source in SOURCES {
        println!("cargo:rerun-if-changed={}", web.join(source).display());
    }

    let lock_path = web.join("package-lock.json");
    let lock = File::open(&lock_path)
        .unwrap_or_else(|error| fail(&format!("cannot read {}: {error}", lock_path.display())));
    // Two builds at once (an editor's and a terminal's) must not install into one node_modules together.
    lock.lock().unwrap_or_else(|error| fail(&format!("cannot lock {}: {error}", lock_path.display())));
    if is_newer(&lock_path, &web.join("node_modules/.package-lock.json")) {
        npm(&web, &["ci", "--include=dev", "--no-audit", "--no-fund"]);
    }
    drop(lock);

    let out_dir = dist.to_str().unwrap_or_else(|| fail("the target folder's path is not UTF-8"));
    npm(&web, &["run", "build", "--", "--outDir", out_dir, "--emptyOutDir"]);
}

fn write_stub(dist: &Path) -> std::io::Result<()> {
    if dist.exists() {
        fs::remove_dir_all(dist)?;
    }
    fs::create_dir_all(dist)?;
    for page in ["admin", "help", "login", "projector", "student", "teacher"] {
        fs::write(dist.join(page).with_extension("html"), STUB)?;
    }
    Ok(())
}

fn is_newer(path: &Path, than: &Path) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    modified(path).unwrap_or(SystemTime::UNIX_EPOCH) > modified(than).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn npm(web: &Path, args: &[&str]) {
    // The page that shows every component is for those who work on them.
    let components = if env::var("PROFILE").is_ok_and(|profile| profile == "debug") { "1" } else { "0" };
    let program = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let mut command = Command::new(program);
    command.args(args).env("ARISE_COMPONENTS", components).current_dir(web);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => fail(
            "npm was not found. Install Node.js 20.19 or newer, \
             or set ARISE_SKIP_WEB=1 to build the server without its web pages.",
        ),
        Err(error) => fail(&format!("cannot run npm: {error}")),
    };
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stdout));
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        fail(&format!("`npm {}` failed in {}; its output is above", args.join(" "), web.display()));
    }
}

fn fail(message: &str) -> ! {
    eprintln!("\nerror: {message}\n");
    exit(1)
}
