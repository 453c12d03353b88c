//! The program itself as a child: asked for one answer, or serving a home as long as this process lives.
//!
//! No child outlives this process unless it is about to end anyway: a node has a pipe of it as standard input and
//! stops when that ends, whatever this process died of. Not here: what is asked (`demo`, `bench`).

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Seek as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::text;
use crate::interruption::Interruption;

/// Longest wait for the first line of a node with an empty log; it takes a moment on a quiet machine.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of that line.
const LINE_BYTES_MAX: u64 = 4 << 10;
/// Pause between two looks at a child.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// This program, to be run again.
pub(super) struct Program {
    path: PathBuf,
    pub(super) interruption: Interruption,
}

/// A child that ends with whoever holds this. Whatever instant a node is killed at, it loses nothing that it
/// acknowledged: no grace is needed.
pub(super) struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).map(drop).unwrap_or_default();
    }
}

impl Held {
    /// The number of its process.
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Tells it to stop, and waits until it has.
    pub(super) fn stop(mut self) -> std::io::Result<()> {
        // It stops in order when its standard input ends.
        drop(self.0.stdin.take());
        self.0.wait().map(drop)
    }
}

impl Program {
    pub(super) fn this(interruption: Interruption) -> Result<Self, String> {
        let path = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        Ok(Self { path, interruption })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.path);
        // In a group of its own: Ctrl-C reaches this process alone, which then ends its children in order.
        command.args(arguments).arg("--json").env_remove("COMITY_HOME").process_group(0);
        command
    }

    /// Runs `comity … --json` and reads its answer; an exit status of 1 with an answer is an answer.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<Value, String> {
        self.interruption.check()?;
        let failed = |error: std::io::Error| format!("cannot run comity: {error}");
        let mut said = tempfile::tempfile().map_err(failed)?;
        let mut complained = tempfile::tempfile().map_err(failed)?;
        let child = self
            .command(arguments)
            .stdin(Stdio::null())
            .stdout(said.try_clone().map_err(failed)?)
            .stderr(complained.try_clone().map_err(failed)?)
            .spawn();
        let mut child = Held(child.map_err(failed)?);
        while child.0.try_wait().map_err(failed)?.is_none() {
            self.interruption.check()?;
            std::thread::sleep(LOOK_AGAIN);
        }
        let answer: Value = serde_json::from_slice(&whole(&mut said).map_err(failed)?).map_err(|_| {
            let words = whole(&mut complained).unwrap_or_default();
            let words = String::from_utf8_lossy(&words);
            format!("comity {} gave no answer: {}", arguments.join(" "), words.trim())
        })?;
        match answer.pointer("/error/message").and_then(Value::as_str) {
            Some(message) => Err(format!("comity {}: {message}", arguments.join(" "))),
            None => Ok(answer),
        }
    }

    /// Starts the node of a home, its log going to a file; gives it with the address for its peers.
    pub(super) fn serve(&self, home: &Path, log: &Path) -> Result<(Held, String), String> {
        let failed = |error: std::io::Error| format!("cannot serve {}: {error}", home.display());
        let mut node = self
            .command(&["serve", "--until-stdin-ends", "--home", text(home)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log).map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        let output = node.stdout.take();
        let node = Held(node);
        let line = output.map(|output| first_line(output, START_PATIENCE, &|| self.interruption.check()));
        let line = line.unwrap_or_else(|| Ok(String::new()));
        let line = line.map_err(|reason| format!("the node of {} {reason}", home.display()))?;
        let said: Value = serde_json::from_str(&line).unwrap_or_default();
        match said.get("peer_addr").and_then(Value::as_str) {
            Some(address) => Ok((node, address.to_owned())),
            None => Err(format!("the node of {} did not start: {}", home.display(), why(&line, log))),
        }
    }
}

/// What a node that did not start gave as its reason: its answer, or else the end of its log.
fn why(line: &str, log: &Path) -> String {
    let answer: Value = serde_json::from_str(line).unwrap_or_default();
    let log = std::fs::read_to_string(log).unwrap_or_default();
    let message = answer.pointer("/error/message").and_then(Value::as_str);
    message.or_else(|| log.lines().last()).unwrap_or("it ended without a word").to_owned()
}

/// The first line that a child says. What it may say later has nowhere to go.
fn first_line(
    output: impl Read + Send + 'static,
    patience: Duration,
    goes_on: &dyn Fn() -> Result<(), String>,
) -> Result<String, String> {
    let (say, hear) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(output.take(LINE_BYTES_MAX)).read_line(&mut line);
        // Nobody hears it if the wait was given up meanwhile.
        say.send(read.map(|_| line)).unwrap_or_default();
    });
    let begun = Instant::now();
    loop {
        match hear.recv_timeout(LOOK_AGAIN) {
            Ok(Ok(line)) => return Ok(line),
            Ok(Err(error)) => return Err(format!("cannot be heard: {error}")),
            Err(RecvTimeoutError::Disconnected) => return Err("cannot be heard".to_owned()),
            Err(RecvTimeoutError::Timeout) => goes_on()?,
        }
        if begun.elapsed() > patience {
            return Err(format!("said nothing for {} s", patience.as_secs_f32()));
        }
    }
}

fn whole(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_child_that_never_speaks_is_not_waited_for_without_end() {
        let (_silent, output) = UnixStream::pair().unwrap();
        let refused = first_line(output, Duration::from_millis(50), &|| Ok(())).unwrap_err();
        assert!(refused.contains("said nothing"), "{refused}");
    }

    #[test]
    fn an_interruption_ends_the_wait_for_a_child() {
        let (_silent, output) = UnixStream::pair().unwrap();
        let refused = first_line(output, Duration::from_mins(10), &|| Err("interrupted".to_owned()));
        assert_eq!(refused.unwrap_err(), "interrupted");
    }

    #[test]
    fn a_line_without_end_is_cut_off() {
        let (mut speaks, output) = UnixStream::pair().unwrap();
        let endless = std::thread::spawn(move || while speaks.write_all(&[b'x'; 1024]).is_ok() {});
        let line = first_line(output, START_PATIENCE, &|| Ok(())).unwrap();
        assert_eq!(u64::try_from(line.len()).unwrap(), LINE_BYTES_MAX);
        endless.join().unwrap();
    }
}
