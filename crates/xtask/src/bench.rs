//! `cargo xtask bench <name>`: one benchmark, in release mode.

use anyhow::Result;

use crate::proc;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which: a subcommand of `arise-bench`, such as `marks`
    name: String,
    /// Passed on to it
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    proc::run(
        proc::cargo().args(["run", "--release", "-p", "arise-bench", "--"]).arg(&args.name).args(&args.args),
    )
}
