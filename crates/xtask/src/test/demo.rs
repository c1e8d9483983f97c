//! The real program, running its demo for the browser tests.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::proc;

/// A demo makes a college with months of history before it answers, unoptimised here.
const START: Duration = Duration::from_secs(120);
const STOP: Duration = Duration::from_secs(20);

pub(crate) struct Demo {
    pid: u32,
    /// Gets the status when the program ends.
    ended: Receiver<ExitStatus>,
    running: bool,
    log: PathBuf,
    /// Where it listens and how to log in, as it wrote them when it was ready.
    pub(crate) about: String,
}

impl Demo {
    pub(crate) fn start(mut program: Command, tmp: &Path) -> Result<Self> {
        program.args(["demo", "--port", "0", "--scanner-pace", "fast"]).arg("--data").arg(tmp.join("data"));
        Self::serve(program, tmp)
    }

    /// Runs a command that serves, with all its arguments but the file that it writes when it is ready.
    pub(crate) fn serve(mut program: Command, tmp: &Path) -> Result<Self> {
        let (ready, log) = (tmp.join("ready.json"), tmp.join("demo.log"));
        // Of one that ran before.
        let _ = fs::remove_file(&ready);
        let out = File::create(&log)?;
        let mut child = program
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()
            .with_context(|| format!("cannot run {}", program.get_program().display()))?;
        let pid = child.id();
        let (tell, ended) = mpsc::channel();
        std::thread::spawn(move || {
            if let Ok(status) = child.wait() {
                // Nobody listens any more when we end first.
                let _ = tell.send(status);
            }
        });
        let mut demo = Self { pid, ended, running: true, log, about: String::new() };
        let deadline = Instant::now() + START;
        loop {
            if let Some(about) = complete_json(&ready) {
                demo.about = about;
                return Ok(demo);
            }
            if let Some(status) = demo.wait(Duration::from_millis(20)) {
                bail!("the demo ended before it was ready: {status}\n{}", demo.log());
            }
            if Instant::now() > deadline {
                bail!("the demo wasn't ready after {} s\n{}", START.as_secs(), demo.log());
            }
        }
    }

    /// Asks it to end, as a service manager does, and checks that it ends well.
    pub(crate) fn stop(mut self) -> Result<()> {
        if let Some(status) = self.wait(Duration::ZERO) {
            bail!("the demo ended before it was asked to: {status}\n{}", self.log());
        }
        self.signal("-TERM")?;
        match self.wait(STOP) {
            None => bail!("the demo didn't end within {} s of SIGTERM\n{}", STOP.as_secs(), self.log()),
            Some(status) if !status.success() => bail!("the demo ended badly: {status}\n{}", self.log()),
            Some(_) => Ok(()),
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The status, if the program ends within the time.
    fn wait(&mut self, time: Duration) -> Option<ExitStatus> {
        match self.ended.recv_timeout(time) {
            Ok(status) => {
                self.running = false;
                Some(status)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Only while it runs: afterwards the number may be another program's.
    fn signal(&self, signal: &str) -> Result<()> {
        proc::run(Command::new("kill").args([signal, &self.pid.to_string()]))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if self.running && self.wait(Duration::ZERO).is_none() {
            let _ = self.signal("-KILL");
            self.wait(STOP);
        }
    }
}

/// The file's text, once it is whole: it may be seen while it is written.
fn complete_json(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    serde_json::from_str::<Value>(&text).is_ok_and(|v| v.is_object()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whole only after the second write. The ready file's path is the ninth argument.
    const READY: &str = r#"printf '{"base":' >"$9"; printf '"http://x"}' >>"$9"; "#;
    const UNTIL_TOLD: &str = "while :; do sleep 0.01; done";

    fn started(script: &str) -> (tempfile::TempDir, Result<Demo>) {
        let tmp = tempfile::tempdir().unwrap();
        // A shell that reads a script: one just written can't be run while another test's fork still holds it open.
        let path = tmp.path().join("arise.sh");
        fs::write(&path, script).unwrap();
        let mut program = Command::new("sh");
        program.arg(path);
        let demo = Demo::start(program, tmp.path());
        (tmp, demo)
    }

    #[test]
    fn a_program_that_ends_well_passes() {
        let (_tmp, demo) = started(&format!("trap 'exit 0' TERM; {READY}{UNTIL_TOLD}"));
        let demo = demo.unwrap();
        assert_eq!(demo.about, r#"{"base":"http://x"}"#);
        demo.stop().unwrap();
    }

    #[test]
    fn a_program_that_ends_badly_fails() {
        let (_tmp, demo) = started(&format!("trap 'echo lost; exit 7' TERM; {READY}{UNTIL_TOLD}"));
        let error = demo.unwrap().stop().unwrap_err().to_string();
        assert!(error.contains("exit status: 7") && error.contains("lost"), "{error}");
    }

    #[test]
    fn a_program_that_never_gets_ready_fails_with_its_words() {
        let (_tmp, demo) = started("echo the disk is full; exit 1");
        let error = demo.err().unwrap().to_string();
        assert!(error.contains("before it was ready") && error.contains("the disk is full"), "{error}");
    }

    #[test]
    fn a_program_that_dies_during_the_tests_fails() {
        let (_tmp, demo) = started(&format!("{READY}sleep 0.1; exit 0"));
        let mut demo = demo.unwrap();
        demo.ended = {
            let (tell, ended) = mpsc::channel();
            tell.send(demo.wait(STOP).unwrap()).unwrap();
            ended
        };
        assert!(demo.stop().unwrap_err().to_string().contains("before it was asked"));
    }

    #[test]
    fn a_program_nobody_stopped_is_killed() {
        let (_tmp, demo) = started(&format!("{READY}{UNTIL_TOLD}"));
        let pid = demo.unwrap().pid;
        assert!(!Path::new("/proc").join(pid.to_string()).exists());
    }
}
