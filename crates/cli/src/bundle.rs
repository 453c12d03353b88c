//! `comity bundle` and `comity bundle verify`.

use std::path::{Path, PathBuf};

use comity_auditor::{TrustedKeys, verify};
use comity_wire::v1;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::{Bundle, BundleCommand};
use crate::interruption::{Heard, Interruption};
use crate::out_folder::OutFolder;
use crate::source::Source;

pub(crate) fn run(arguments: &Bundle) -> Result<Answer, Refusal> {
    match (&arguments.command, &arguments.make.out) {
        (Some(BundleCommand::Verify { folder, keys, policy, .. }), _) => check(folder, keys, policy),
        (None, Some(out)) => {
            let interruption = Interruption::listen()?;
            let made = make(&arguments.make.of.home, out, interruption.heard());
            interruption.ends(made)
        }
        (None, None) => Err(Refusal::new("usage", "--out DIR is missing")),
    }
}

fn make(home: &Path, out: &Path, heard: Heard) -> Result<Answer, Refusal> {
    let mut source = Source::find(home)?;
    let mut folder = OutFolder::begin(home, out, heard)?;
    // Asked before: what comes while the bundle is written is of the next one.
    let held = source.logs()?;
    let mut manifest = Vec::new();
    source.bundle(&mut |path, bytes| {
        if path == "bundle.json" {
            manifest.extend_from_slice(bytes);
        }
        folder.file(path, bytes)
    })?;
    let files = folder.count();
    // The logs as the bundle itself names them: the node may have gone on since.
    let manifest: Value = serde_json::from_slice(&manifest)
        .map_err(|error| Refusal::new("malformed", format!("the bundle has no contents: {error}")))?;
    folder.finish()?;
    let mut lines: Vec<String> = Vec::new();
    let mut listed = Vec::new();
    for log in manifest.get("logs").and_then(Value::as_array).into_iter().flatten() {
        let field = |name: &str| log.get(name).and_then(Value::as_str).unwrap_or_default();
        let size = log.get("size").and_then(Value::as_u64).unwrap_or_default();
        lines.push(format!("{}  size {size}  root {}", field("origin"), field("root")));
        listed.push(json!({ "origin": field("origin"), "size": size, "root": field("root") }));
    }
    let left_out = left_out(held, &listed);
    lines.extend(
        left_out.iter().map(|origin| format!("left out  {origin}: `comity log export` writes it by itself")),
    );
    lines.push(format!("{files} files in {}", out.display()));
    lines.push(format!("check it with: comity-audit verify {} --keys CARD", out.display()));
    Ok(Answer::new(lines.join("\n"), json!({ "logs": listed, "files": files, "left_out": left_out })))
}

/// The logs of which entries are held, and that are not in the bundle: those that were set aside.
fn left_out(held: Vec<v1::Log>, listed: &[Value]) -> Vec<String> {
    let is_listed =
        |origin: &str| listed.iter().any(|log| log.get("origin").and_then(Value::as_str) == Some(origin));
    let heads = held.into_iter().filter_map(|log| log.head);
    heads.filter(|head| head.size > 0 && !is_listed(&head.origin)).map(|head| head.origin).collect()
}

fn check(folder: &Path, keys: &[PathBuf], policies: &[PathBuf]) -> Result<Answer, Refusal> {
    let mut trusted = TrustedKeys::none();
    for path in keys {
        trusted
            .add_path(path)
            .map_err(|reason| Refusal::new("keys", format!("{}: {reason}", path.display())))?;
    }
    for path in policies {
        trusted
            .add_policy_path(path)
            .map_err(|reason| Refusal::new("policy", format!("{}: {reason}", path.display())))?;
    }
    let report = verify(folder, &trusted);
    let json = serde_json::to_value(&report).map_err(|error| Refusal::new("internal", error.to_string()))?;
    Ok(Answer { text: report.to_text(), json, ok: report.ok })
}
