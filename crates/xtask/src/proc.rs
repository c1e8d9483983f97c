//! Running other programs.

use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// The cargo that runs us.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(crate::workspace::root());
    // Its messages pass through us, where it can't see the terminal.
    if io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// A program of `web/node_modules`. It is never fetched from the registry: `npm ci` has brought the version that the lock
/// file names.
pub(crate) fn npx(program: &str) -> Command {
    let mut command = Command::new("npx");
    command.args(["--no-install", program]).current_dir(crate::workspace::web());
    command
}

/// Runs a program to its end; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}`: {status}", name(command));
    }
    Ok(())
}

pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().with_context(|| format!("cannot run `{}`", name(command)))
}

/// Whether the program is there and answers well.
pub(crate) fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// What a program prints on its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run `{}`", name(command)))?;
    if !output.status.success() {
        bail!("`{}`: {}", name(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed no UTF-8", name(command)))
}

/// The stream of a program that is shown and kept at the same time.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Runs a program to its end, shows what it prints as it prints it, and gives one of its streams as plain text.
pub(crate) fn tee(command: &mut Command, stream: Stream) -> Result<(ExitStatus, String)> {
    match stream {
        Stream::Stdout => command.stdout(Stdio::piped()),
        Stream::Stderr => command.stderr(Stdio::piped()),
    };
    let mut child = command.spawn().with_context(|| format!("cannot run `{}`", name(command)))?;
    let text = match stream {
        Stream::Stdout => child.stdout.take().map(|s| copy(s, io::stdout())),
        Stream::Stderr => child.stderr.take().map(|s| copy(s, io::stderr())),
    };
    let text = text.context("the stream isn't piped")??;
    Ok((child.wait()?, without_colours(&text)))
}

fn copy(from: impl Read, mut to: impl Write) -> io::Result<String> {
    let mut from = BufReader::new(from);
    let (mut all, mut line) = (String::new(), Vec::new());
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        all.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok(all)
}

/// Removes the terminal's colour sequences: ESC, `[`, parameters, a letter.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split("\u{1b}[");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(
            part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').get(1..).unwrap_or_default(),
        );
    }
    plain
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut words = vec![program.to_string_lossy()];
    words.extend(command.get_args().map(|arg| arg.to_string_lossy()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_removed() {
        assert_eq!(without_colours("\u{1b}[1;32mSummary\u{1b}[0m [0.1s]\n"), "Summary [0.1s]\n");
        assert_eq!(without_colours("plain [x]"), "plain [x]");
        assert_eq!(without_colours("cut \u{1b}["), "cut ");
    }

    #[test]
    fn the_output_of_a_program_is_kept_whether_it_fails_or_not() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; printf two; exit 3"]);
        let (status, text) = tee(&mut command, Stream::Stdout).unwrap();
        assert_eq!((status.code(), text.as_str()), (Some(3), "one\ntwo"));
    }

    #[test]
    fn an_error_names_the_command() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "`sh -c exit 3`: exit status: 3");
        let error = run(&mut Command::new("no-such-program")).unwrap_err();
        assert_eq!(error.to_string(), "cannot run `no-such-program`");
    }
}
