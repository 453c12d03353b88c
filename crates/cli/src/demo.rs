//! `comity demo`: the whole way of a list, played on this machine with the real program.
//!
//! Each act runs `comity` itself in child processes, in a temporary folder, and measures what it did.

mod acts;
mod faces;
mod healed;
mod lists;
mod tamper;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::Demo;
use crate::demo::lists::Lists;
use crate::interruption::Interruption;
use crate::stage::Stage;

/// What an act shows: a line for people, and its figures.
struct Scene {
    line: String,
    figures: Value,
    /// What the act measured itself; `None` for all of it.
    took: Option<Duration>,
}

impl Scene {
    fn new(line: String, figures: Value) -> Self {
        Self { line, figures, took: None }
    }
}

/// What became of a demo that a signal ended.
const CLEARED: &str = "its nodes are stopped and its folder is removed";

/// An act: done, or why not.
type Act = fn(&mut Stage, &mut Lists) -> Result<Scene, String>;

const ACTS: [(&str, Act); 9] = [
    ("peer", acts::peer),
    ("import", acts::import),
    ("sign", acts::sign),
    ("replicate", acts::replicate),
    ("screen", acts::screen),
    ("tamper", tamper::run),
    ("audit", acts::audit),
    ("faces", faces::run),
    ("healed", healed::run),
];

pub(crate) fn run(arguments: &Demo) -> Result<Answer, Refusal> {
    let refuse = |reason| Refusal::new("demo", reason);
    // Before there is anything to clear away.
    let interruption = Interruption::listen()?;
    let mut stage = Stage::build("comity-demo-", None, interruption).map_err(refuse)?;
    let mut lists = Lists::choose(arguments, &stage).map_err(refuse)?;
    let quiet = arguments.json;
    let colour = !quiet && std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let show = |line: &str| {
        if !quiet {
            crate::say(&mut std::io::stdout(), line);
        }
    };
    show(&lists.title(&stage));
    let mut played = Vec::new();
    let mut all_ok = true;
    for (name, act) in ACTS {
        let begun = Instant::now();
        let scene = act(&mut stage, &mut lists);
        let took = scene.as_ref().ok().and_then(|scene| scene.took).unwrap_or_else(|| begun.elapsed());
        let ok = scene.is_ok();
        if !ok && stage.is_interrupted() {
            break;
        }
        all_ok &= ok;
        let (line, mut figures) = match scene {
            Ok(scene) => (scene.line, scene.figures),
            Err(reason) => (reason.clone(), json!({ "reason": reason })),
        };
        if let Some(figures) = figures.as_object_mut() {
            figures.insert("ms".to_owned(), json!(millis(took)));
        }
        show(&format!("  {:<9} {}  {:>6} ms  {line}", name, verdict(ok, colour), millis(took)));
        played.push(json!({ "name": name, "ok": ok, "figures": figures }));
        if !ok {
            break;
        }
    }
    if let Some(interrupted) = stage.clear().map_err(refuse)?.refusal(CLEARED) {
        return Err(interrupted);
    }
    let text = if all_ok { "every act did what it promised" } else { "the demo FAILED" };
    Ok(Answer { text: text.to_owned(), json: json!({ "ok": all_ok, "acts": played }), ok: all_ok })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn verdict(ok: bool, colour: bool) -> &'static str {
    match (ok, colour) {
        (true, true) => "\x1b[32mok\x1b[0m    ",
        (false, true) => "\x1b[31mFAILED\x1b[0m",
        (true, false) => "ok    ",
        (false, false) => "FAILED",
    }
}
