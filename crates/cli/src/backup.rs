//! `comity backup` and `comity restore`.

use std::path::{Path, PathBuf};

use comity_node::{Restored, keys_of, restore_unless};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::{Backup, Restore};
use crate::interruption::{Heard, Interruption};
use crate::out_folder::OutFolder;
use crate::source::Source;

pub(crate) fn run(arguments: &Backup) -> Result<Answer, Refusal> {
    let interruption = Interruption::listen()?;
    let made = make(arguments, &interruption.heard());
    interruption.ends(made)
}

fn make(arguments: &Backup, heard: &Heard) -> Result<Answer, Refusal> {
    let home = &arguments.of.home;
    let mut source = Source::find(home)?;
    if let Some(keys) = &arguments.keyring_out
        && is_one_in_the_other(&arguments.out, keys)
    {
        let message = "--out and --keyring-out: one lies in the other; who has both can read everything, so keep them apart";
        return Err(Refusal::new("place", message));
    }
    let mut folder = OutFolder::begin(home, &arguments.out, heard.clone())?;
    let keys = arguments.keyring_out.as_deref();
    let mut keys = keys.map(|keys| OutFolder::begin_private(home, keys, heard.clone())).transpose()?;
    let mut manifest = Vec::new();
    source.backup(&mut |path, bytes| {
        if path == "backup.json" {
            manifest.extend_from_slice(bytes);
        }
        folder.file(path, bytes)
    })?;
    // After the rows that it is to open.
    if let Some(keys) = &mut keys {
        source.keyring(&mut |path, bytes| keys.file(path, bytes))?;
        keys_of(source.home(), &mut |path, bytes| keys.file(path, bytes))?;
    }
    let manifest: Value = serde_json::from_slice(&manifest)
        .map_err(|error| Refusal::new("malformed", format!("the backup has no contents: {error}")))?;
    let (files, key_files) = (folder.count(), keys.as_ref().map(OutFolder::count));
    if let Some(keys) = keys {
        keys.finish()?;
    }
    folder.finish()?;
    let field = |name: &str| manifest.get(name).cloned().unwrap_or_default();
    let (agency, size, root) = (field("agency"), field("size"), field("root"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![format!("{}  size {size}  root {}", text(&agency), text(&root))];
    lines.push(format!("{files} files in {}", arguments.out.display()));
    lines.push(match &arguments.keyring_out {
        Some(keys) => {
            format!("keys and keyring in {}: keep them apart, as you keep the keys", keys.display())
        }
        None => {
            "without keys and keyring: --keyring-out DIR writes them, and nothing is read without".to_owned()
        }
    });
    let json =
        json!({ "agency": agency, "size": size, "root": root, "files": files, "key_files": key_files });
    Ok(Answer::new(lines.join("\n"), json))
}

/// Whether two places, which may both be missing, are one or lie in each other.
fn is_one_in_the_other(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| std::path::absolute(path).map(|path| path.components().collect::<PathBuf>());
    let (Ok(one), Ok(other)) = (whole(one), whole(other)) else { return false };
    one.starts_with(&other) || other.starts_with(&one)
}

pub(crate) fn restore(arguments: &Restore) -> Result<Answer, Refusal> {
    let interruption = Interruption::listen()?;
    let made = bring_back(arguments, &interruption.heard());
    interruption.ends(made)
}

fn bring_back(arguments: &Restore, heard: &Heard) -> Result<Answer, Refusal> {
    let Restored { manifest, has_lock } =
        restore_unless(&arguments.from, &arguments.keyring, &arguments.of.home, &|| heard.is_ended())?;
    let text = format!(
        "{}  size {}  root {}\nmade {}; {}\n{}",
        manifest.agency,
        manifest.size,
        manifest.root,
        arguments.of.home.display(),
        if has_lock { "its sign-lock was there" } else { "it has no sign-lock" },
        next(&arguments.of.home, has_lock),
    );
    let json = json!({
        "agency": manifest.agency,
        "size": manifest.size,
        "root": manifest.root,
        "made_at": manifest.made_at,
        "lock": if has_lock { "kept" } else { "missing" },
    });
    Ok(Answer::new(text, json))
}

fn next(home: &Path, has_lock: bool) -> String {
    let until = if has_lock {
        "if more was signed since, it is read only until its peers have given that back"
    } else {
        "it is read only until its peers have given back what was signed since"
    };
    format!("{until}: comity serve --home {}", home.display())
}
