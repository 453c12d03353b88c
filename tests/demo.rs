//! The README's first command does what it promises, and leaves nothing behind, however it ends.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::agency::{answer, run, shared, text};
use crate::nodes::until;

#[test]
fn every_act_of_the_demo_is_played_and_measured() {
    let output = run(&["demo", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let played = answer(&output);
    assert_eq!(played["ok"], true);
    let names: Vec<_> = played["acts"].as_array().unwrap().iter().map(|act| act["name"].clone()).collect();
    for name in ["peer", "import", "sign", "replicate", "screen", "tamper", "audit", "faces", "healed"] {
        assert!(names.contains(&name.into()), "{name} of {names:?}");
    }
    for act in played["acts"].as_array().unwrap() {
        assert!(act["ok"] == true && act["figures"]["ms"].is_u64(), "{act}");
    }
    let screen = run(&["demo"]);
    let text = String::from_utf8(screen.stdout).unwrap();
    assert!(text.lines().count() <= 24, "one screen:\n{text}");
    assert!(!text.contains('\x1b'), "no colour but on a terminal");
}

#[test]
fn the_demo_takes_real_lists_and_fails_aloud_on_bad_ones() {
    let output = run(&["demo", "--un", "missing.xml", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(answer(&output)["ok"], false);
    let Some(list) = shared("data/un/un-2026-02-27.xml") else { return };
    let output = run(&["demo", "--un", text(&list), "--json"]);
    assert!(output.status.success(), "{}", answer(&output));
}

/// A demo that has begun to play, in a folder for temporary files that nothing else uses.
struct Playing {
    temporary: TempDir,
    demo: Child,
    /// The process ids of its three nodes.
    nodes: Vec<u64>,
}

impl Playing {
    /// Waits until all three nodes serve.
    fn begin() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let demo = Command::new(env!("CARGO_BIN_EXE_comity"))
            .args(["demo", "--json"])
            .env_remove("COMITY_HOME")
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut playing = Self { temporary, demo, nodes: Vec::new() };
        let homes = ["a", "b", "c"];
        until("three nodes serve", || homes.iter().all(|home| playing.serving(home).is_some()));
        playing.nodes = homes.iter().map(|home| playing.serving(home).unwrap()).collect();
        playing
    }

    fn folder(&self) -> Option<PathBuf> {
        let found = std::fs::read_dir(self.temporary.path()).unwrap().map(|entry| entry.unwrap().path());
        found.into_iter().find(|path| path.to_str().unwrap().contains("comity-demo-"))
    }

    /// The process id of the node of a home.
    fn serving(&self, home: &str) -> Option<u64> {
        let run = std::fs::read(self.folder()?.join(home).join("run/node.json")).ok()?;
        serde_json::from_slice::<Value>(&run).ok()?["pid"].as_u64()
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.demo.kill().unwrap_or_default();
        self.demo.wait().unwrap();
    }
}

/// Whether a process runs; one that ended and that nobody has asked about yet does not.
fn runs(pid: u64) -> bool {
    let state = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    let state = String::from_utf8(state.stdout).unwrap();
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

#[test]
fn an_interrupted_demo_leaves_no_node_and_no_folder() {
    for (signal, status) in [("-TERM", 143), ("-INT", 130), ("-HUP", 129)] {
        let mut playing = Playing::begin();
        assert!(playing.nodes.iter().all(|pid| runs(*pid)));
        let sent = Command::new("kill").args([signal, &playing.demo.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let ended = playing.demo.wait().unwrap();
        let said: Value = serde_json::from_reader(playing.demo.stdout.take().unwrap()).unwrap();
        assert_eq!((ended.code(), &said["error"]["code"]), (Some(status), &"interrupted".into()), "{said}");
        assert!(!playing.nodes.iter().any(|pid| runs(*pid)), "{signal}: a node survived");
        assert_eq!(std::fs::read_dir(playing.temporary.path()).unwrap().count(), 0, "{signal}");
    }
}

#[test]
fn a_killed_demo_leaves_no_node() {
    let mut playing = Playing::begin();
    assert!(playing.nodes.iter().all(|pid| runs(*pid)));
    playing.demo.kill().unwrap();
    assert_eq!(playing.demo.wait().unwrap().code(), None);
    until("every node has ended", || !playing.nodes.iter().any(|pid| runs(*pid)));
    let left = playing.folder().expect("nobody was there to remove it");
    // A command that the demo had begun may hold the home a moment longer.
    until("the home is free", || {
        answer(&run(&["status", "--home", text(&left.join("a")), "--json"]))["state"] == "ready"
    });
    assert!(!left.join("a/run/node.json").exists(), "its nodes ended in order");
}
