//! The keys of every log of a bundle: with what the auditor brought or the bundle hints at, and successors joined to the
//! logs that they go on from.
//!
//! Not here: the keys of one log (`log_keys`).

use comity_ledger::{Manifest, ManifestLog, Origin};
use comity_tlog::{NOTE_BYTES_MAX, SignedCheckpoint, TreeSize};

use crate::contents::contents_failure;
use crate::folder::Folder;
use crate::keys::Pins;
use crate::log_files::LogFiles;
use crate::log_keys::LogKeys;
use crate::report::{Failure, Note, Report};
use crate::{KEY_FILE_BYTES_MAX, TrustedKeys};

/// The keys of the logs of a bundle, in the order of its contents; `None` where no key can be gone by.
pub(crate) struct BundleKeys<'a> {
    folder: &'a Folder,
    logs: &'a [ManifestLog],
    keys: &'a TrustedKeys,
    report: &'a mut Report,
    known: Vec<Option<LogKeys>>,
}

impl<'a> BundleKeys<'a> {
    /// Reads them, and says what is wrong.
    pub(crate) fn read(
        folder: &'a Folder,
        manifest: &'a Manifest,
        keys: &'a TrustedKeys,
        report: &'a mut Report,
    ) -> Vec<Option<LogKeys>> {
        let logs = manifest.logs.as_slice();
        let mut read = Self { folder, logs, keys, report, known: vec![None; logs.len()] };
        let mut order: Vec<usize> = (0..logs.len()).collect();
        // The name of a successor is longer than that of the log before it, or as long and larger.
        order.sort_by_key(|place| logs.get(*place).map(|log| (log.origin.len(), log.origin.as_str())));
        for place in &order {
            let Some(log) = logs.get(*place) else { continue };
            let keys = read.log(log);
            if let Some(known) = read.known.get_mut(*place) {
                *known = keys;
            }
        }
        for place in order {
            read.join(place);
        }
        read.known
    }

    fn log(&mut self, log: &ManifestLog) -> Option<LogKeys> {
        let Ok(origin) = log.origin.parse::<Origin>() else {
            self.report.fail(contents_failure(format!("{:?} is not an origin", log.origin)));
            return None;
        };
        let pins = self.pins(log, &origin)?;
        let mut files = files_of(self.folder, log);
        let limit = u64::try_from(NOTE_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = match self.folder.read(&format!("{}/checkpoint", log.folder), limit) {
            Ok(bytes) => bytes,
            Err(detail) => return self.fail("checkpoint", log, "checkpoint", detail),
        };
        let newest = match SignedCheckpoint::parse(&bytes) {
            Ok(newest) => newest,
            Err(error) => return self.fail("signature", log, "checkpoint", error.to_string()),
        };
        files.size = newest.checkpoint().size();
        let keys = LogKeys::read(&files, &origin, &newest, &pins);
        if keys.is_none() {
            let detail = "no key of it was given, and its genesis is not signed by the root key that was";
            return self.fail("key", log, "VKEYS", detail.to_owned());
        }
        keys
    }

    /// What the auditor brought for a log; if nothing at all, what the bundle itself names.
    fn pins(&mut self, log: &ManifestLog, origin: &Origin) -> Option<Pins> {
        if self.keys.is_empty() {
            return self.hints(log, origin);
        }
        let mut pins = self.keys.pins(origin);
        if let Some(before) = origin.predecessor().and_then(|before| self.of(&before))
            && before.trusted
            && let (Some(root), Some(key)) = (before.history.root_key(), before.first())
        {
            pins.cards.push((root.clone(), key.clone()));
        }
        // A successor needs no key of its own: the root key signs its genesis.
        if pins.keys.is_empty() && (origin.predecessor().is_none() || pins.cards.is_empty()) {
            let detail = "none of the keys given is named after this origin".to_owned();
            return self.fail("key", log, "VKEYS", detail);
        }
        Some(pins)
    }

    fn hints(&mut self, log: &ManifestLog, origin: &Origin) -> Option<Pins> {
        let hint = match self.folder.read(&format!("{}/VKEYS", log.folder), KEY_FILE_BYTES_MAX) {
            Ok(hint) => hint,
            Err(detail) => return self.fail("checkpoint", log, "VKEYS", detail),
        };
        let mut hints = TrustedKeys::none();
        if let Err(error) = hints.add_file(&hint) {
            return self.fail("key", log, "VKEYS", error.to_string());
        }
        let keys = hints.named(origin.as_str());
        if keys.is_empty() {
            return self.fail("key", log, "VKEYS", "no key named after this origin".to_owned());
        }
        Some(Pins { keys, cards: Vec::new(), brought: false })
    }

    /// Joins a successor to the log before it, if both are here.
    fn join(&mut self, place: usize) {
        let Some(log) = self.logs.get(place) else { return };
        let Some(successor) = self.known.get(place).and_then(Option::as_ref).cloned() else { return };
        let Some(follows) = successor.follows() else { return };
        let before = follows.origin();
        let found = self.logs.iter().zip(&mut self.known).find_map(|(log, known)| {
            let known = known.as_mut().filter(|known| known.origin == *before)?;
            Some((log, known))
        });
        let Some((closed, known)) = found else {
            let detail =
                format!("it goes on from {before} at size {}, which is not here", follows.last_good().size);
            let path = format!("{}/checkpoint", log.folder);
            self.report.note(Note { origin: log.origin.clone(), index: Some(0), path, detail });
            return;
        };
        let mut files = files_of(self.folder, closed);
        files.size = newest_size(&files);
        match known.join(&successor, &files) {
            Ok(()) => self.report.checks.successors += 1,
            Err(detail) => {
                let detail = format!("it does not go on from the end of {before}: {detail}");
                let (origin, path) = (Some(log.origin.clone()), format!("{}/checkpoint", log.folder));
                self.report.fail(Failure { check: "successor", origin, index: Some(0), path, detail });
            }
        }
    }

    fn of(&self, origin: &Origin) -> Option<&LogKeys> {
        self.known.iter().flatten().find(|known| known.origin == *origin)
    }

    fn fail<T>(&mut self, check: &'static str, log: &ManifestLog, file: &str, detail: String) -> Option<T> {
        let (origin, path) = (Some(log.origin.clone()), format!("{}/{file}", log.folder));
        self.report.fail(Failure { check, origin, index: None, path, detail });
        None
    }
}

fn files_of<'f>(folder: &'f Folder, log: &ManifestLog) -> LogFiles<'f> {
    LogFiles { folder, prefix: format!("{}/", log.folder), size: TreeSize::ZERO }
}

fn newest_size(files: &LogFiles<'_>) -> TreeSize {
    files.checkpoint("checkpoint").map_or(TreeSize::ZERO, |newest| newest.checkpoint().size())
}
