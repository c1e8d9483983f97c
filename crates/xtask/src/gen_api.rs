//! `cargo xtask gen-api`: the API document, and the types that the UI makes of it.

use std::process::Command;

use anyhow::Result;

use crate::test::web;
use crate::{proc, workspace};

/// The test that compares the document writes it when it is told to.
pub(crate) fn run() -> Result<()> {
    let test = "openapi::the_document_in_the_repository_is_this_one";
    proc::run(
        proc::cargo()
            .args(["test", "--quiet", "-p", "arise-http", "--test", "api", "--", "--exact", test])
            .env("ARISE_TEST_WRITE_API", "1")
            .env("ARISE_SKIP_WEB", "1"),
    )?;
    web::packages()?;
    proc::run(Command::new("npm").args(["run", "types"]).current_dir(workspace::web()))
}
