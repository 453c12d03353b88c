//! `comity backup` and `comity restore`.

use std::path::{Path, PathBuf};

use comity_node::{Restored, TakeFile, keys_of, restore_unless};
use comity_wire::ErrorCode;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::{Backup, Restore};
use crate::interruption::{Heard, Interruption};
use crate::out_folder::OutFolder;
use crate::source::Source;

/// How often a copy of the keyring is tried: each erasure that is signed meanwhile ends one, and takes longer than most
/// keyrings take to be copied.
const KEYRING_TRIES: usize = 8;

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
        keyring(keys, |take| source.keyring(take))?;
        keys_of(source.home(), &mut |path, bytes| keys.file(path, bytes))?;
    }
    let manifest: Value = serde_json::from_slice(&manifest)
        .map_err(|error| Refusal::new("malformed", format!("the backup has no contents: {error}")))?;
    let (files, key_files) = (folder.count(), keys.as_ref().map(OutFolder::count));
    // Older copies are destroyed once this one is there.
    folder.sync()?;
    if let (Some(keys), Some(place)) = (keys, &arguments.keyring_out) {
        keys.sync()?;
        keys.finish()?;
        folder.finish().inspect_err(|_| drop(std::fs::remove_dir_all(place)))?;
    } else {
        folder.finish()?;
    }
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

/// Copies the keyring by `copy`, from the beginning each time that something was erased meanwhile.
fn keyring(
    folder: &mut OutFolder,
    mut copy: impl FnMut(&mut TakeFile<'_>) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    for _ in 1..KEYRING_TRIES {
        match copy(&mut |path, bytes| folder.file(path, bytes)) {
            Err(refusal) if refusal.code == ErrorCode::KeyringChanged.reason() => folder.start_over()?,
            done => return done,
        }
    }
    copy(&mut |path, bytes| folder.file(path, bytes))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    /// Goal: a keyring that is of two times is never written out. Way: copies that break off amid an erasure, some and then
    /// a whole one, and nothing but such.
    #[test]
    fn a_keyring_that_is_copied_amid_an_erasure_is_copied_again() {
        let (parent, home) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let run = |name: &str, torn: usize| {
            let out = parent.path().join(name);
            let mut folder = OutFolder::begin_private(home.path(), &out, Heard::default()).unwrap();
            let mut tries = 0;
            let copied = keyring(&mut folder, |take| {
                tries += 1;
                take("keyring/root", format!("{tries}").as_bytes())?;
                if tries > torn {
                    return Ok(());
                }
                take(&format!("keyring/of-{tries}.pages"), b"torn")?;
                Err(Refusal::new(ErrorCode::KeyringChanged.reason(), "changed"))
            });
            let count = folder.count();
            folder.finish().unwrap();
            (copied.map_err(|refusal| refusal.code.to_owned()), tries, count, out)
        };
        let (copied, tries, count, out) = run("some", 3);
        assert_eq!((copied, tries, count), (Ok(()), 4, 1));
        assert_eq!(std::fs::read(out.join("keyring/root")).unwrap(), b"4");
        assert_eq!(std::fs::read_dir(out.join("keyring")).unwrap().count(), 1, "nothing torn is left");
        let (copied, tries, ..) = run("all", usize::MAX);
        assert_eq!((copied, tries), (Err("keyring_changed".to_owned()), KEYRING_TRIES));
    }
}
