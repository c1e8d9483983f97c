//! `arise admin`: what an administrator who can't log in needs.

use std::io::{BufRead, IsTerminal, stdin};
use std::sync::Arc;

use anyhow::{Context, bail};
use arise_core::{SystemClock, text};
use arise_store::{Store, admin, audit, login};
use clap::{Args, Subcommand};

use crate::backup::there;
use crate::config::{Config, Flags};
use crate::first_run;

#[derive(Args, Debug, Clone)]
pub(crate) struct Admin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug, Clone)]
enum Command {
    /// Gives an administrator a new password, printed once, and ends all their logins. The server must not run.
    ResetPassword(ResetPassword),
}

#[derive(Args, Debug, Clone)]
struct ResetPassword {
    #[command(flatten)]
    flags: Flags,
    /// The administrator's name.
    #[arg(default_value = first_run::ADMIN)]
    username: String,
    /// Read the new password from the standard input instead of making one.
    #[arg(long)]
    stdin: bool,
}

pub(crate) fn run(options: &Admin) -> anyhow::Result<()> {
    match &options.command {
        Command::ResetPassword(options) => reset_password(options),
    }
}

fn reset_password(options: &ResetPassword) -> anyhow::Result<()> {
    let config = Config::load(&options.flags)?;
    let location = config.location(&config.data()?);
    there(&location)?;
    let (password, made) =
        if options.stdin { (typed()?, false) } else { (first_run::random_password()?, true) };
    let hash = arise_http::hash_password(&password)?;
    let store = Store::open(&location, Arc::new(SystemClock))?;
    let username = options.username.clone();
    store.write_blocking(move |tx| {
        let admin = admin::by_username(tx, &username)?
            .ok_or_else(|| arise_core::Error::not_found("administrator"))?;
        // One that was on a screen must be changed at the next login.
        admin::set_password(tx, admin.id, &hash, made)?;
        login::succeeded(tx, &format!("admin {}", admin.username.to_lowercase()))?;
        audit::note(tx, "password_reset", &admin.username, "on this machine")
    })?;
    println!("The password of {} is changed. All their logins have ended.", options.username);
    if made {
        println!("password: {password}");
        println!("It is shown once, and must be changed at the next login.");
    }
    Ok(())
}

fn typed() -> anyhow::Result<String> {
    if stdin().is_terminal() {
        bail!("--stdin reads what is piped into it: what is typed here would be seen");
    }
    let line = stdin().lock().lines().next().context("no password came in")??;
    let password = text::password("password", &line)?;
    Ok(password)
}
