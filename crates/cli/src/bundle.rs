//! `comity bundle` and `comity bundle verify`.

use std::path::{Path, PathBuf};

use comity_auditor::{KEY_FILE_BYTES_MAX, TrustedKeys, verify};
use comity_node::{Home, LogExport, bundle, now};
use serde_json::json;

use crate::answer::{Answer, Refusal};
use crate::args::{Bundle, BundleCommand};
use crate::log::key_of;
use crate::out_folder::OutFolder;

pub(crate) fn run(arguments: &Bundle) -> Result<Answer, Refusal> {
    match (&arguments.command, &arguments.make.out) {
        (Some(BundleCommand::Verify { folder, keys, .. }), _) => check(folder, keys),
        (None, Some(out)) => make(&arguments.make.of.home, out),
        (None, None) => Err(Refusal::new("usage", "--out DIR is missing")),
    }
}

fn make(home: &Path, out: &Path) -> Result<Answer, Refusal> {
    let open = Home::find(home)?.open()?;
    let origins: Vec<_> = open.store().logs()?.into_iter().map(|(origin, _)| origin).collect();
    let keys = origins.iter().map(|origin| key_of(&open, origin)).collect::<Result<Vec<_>, _>>()?;
    let mut logs = Vec::with_capacity(origins.len());
    for (origin, key) in origins.iter().zip(&keys) {
        logs.push(LogExport::new(open.store(), origin, key)?);
    }
    let folder = OutFolder::begin(out)?;
    let mut files = 0_u64;
    bundle(open.home().config().agency.as_str(), &logs, now(), &mut |path, bytes| {
        files += 1;
        folder.file(path, bytes)
    })?;
    folder.finish()?;
    let mut lines: Vec<String> = Vec::new();
    let mut listed = Vec::new();
    for (origin, log) in origins.iter().zip(&logs) {
        let head = log.head();
        let root = head.root.to_base64();
        lines.push(format!("{origin}  size {}  root {root}", head.size));
        listed.push(json!({ "origin": origin.as_str(), "size": head.size.value(), "root": root }));
    }
    lines.push(format!("{files} files in {}", out.display()));
    lines.push(format!("check it with: comity-audit verify {} --keys CARD", out.display()));
    Ok(Answer::new(lines.join("\n"), json!({ "logs": listed, "files": files })))
}

fn check(folder: &Path, keys: &[PathBuf]) -> Result<Answer, Refusal> {
    let mut trusted = TrustedKeys::none();
    for path in keys {
        let refuse = |reason: String| Refusal::new("keys", format!("{}: {reason}", path.display()));
        if std::fs::metadata(path).is_ok_and(|meta| meta.len() > KEY_FILE_BYTES_MAX) {
            return Err(refuse(format!("larger than {KEY_FILE_BYTES_MAX} bytes")));
        }
        let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        trusted.add_file(&bytes).map_err(|error| refuse(error.to_string()))?;
    }
    let report = verify(folder, &trusted);
    let json = serde_json::to_value(&report).map_err(|error| Refusal::new("internal", error.to_string()))?;
    Ok(Answer { text: report.to_text(), json, ok: report.ok })
}
