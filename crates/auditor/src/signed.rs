//! The checkpoints of one log: found, verified, and judged by who witnessed them.
//!
//! Whether entries and roots are those that the checkpoints state is for `history`.

use std::error::Error;

use comity_ledger::{CheckpointKeyError, KEY_EVENTS_PATH, ManifestLog, Origin};
use comity_tlog::{
    Checkpoint, CosignatureTime, NOTE_BYTES_MAX, SignedCheckpoint, TreeSize, VerifiedCheckpoint, VerifierKey,
};

use crate::folder::Folder;
use crate::key_report::{EndReport, KeyReport};
use crate::log_keys::{Finding, LogKeys};
use crate::report::{Failure, LogReport, Note, Report};
use crate::witnesses::{Witnesses, witnessed_size};
use crate::{KEY_FILE_BYTES_MAX, TrustedKeys};

/// Most retained checkpoints of one log: one a minute for ten years.
pub(crate) const CHECKPOINTS_MAX: usize = 5_300_000;

/// A log of which at least the newest checkpoint is signed.
#[derive(Debug)]
pub(crate) struct SignedLog {
    /// Its folder within the bundle.
    pub(crate) folder: String,
    /// Its keys by position.
    pub(crate) keys: LogKeys,
    /// Whether the agency that made the bundle is its author.
    pub(crate) is_makers: bool,
    pub(crate) origin: Origin,
    /// The size of the newest checkpoint.
    pub(crate) size: TreeSize,
    /// All checkpoints, smallest first.
    pub(crate) heads: Vec<SignedHead>,
    /// Its place among the logs of the report.
    pub(crate) place: usize,
}

/// A checkpoint that the log signed.
#[derive(Debug)]
pub(crate) struct SignedHead {
    /// Its file within the folder of the log.
    pub(crate) path: String,
    pub(crate) checkpoint: Checkpoint,
    /// Who cosigned it when, by the number of the witness.
    pub(crate) times: Vec<(usize, CosignatureTime)>,
    /// When it certainly existed, by enough witnesses.
    pub(crate) existed_by: Option<CosignatureTime>,
    /// Whether the witnesses are enough.
    pub(crate) witnessed: bool,
}

/// The reading of one log's checkpoints, with the keys of it that are known by then.
pub(crate) struct SignedReading<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) log: &'a ManifestLog,
    /// The agency that made the bundle.
    pub(crate) maker: &'a str,
    pub(crate) log_keys: LogKeys,
    pub(crate) keys: &'a TrustedKeys,
    pub(crate) report: &'a mut Report,
}

impl SignedReading<'_> {
    /// Reads and judges; nothing comes back where no checkpoint can be gone by.
    pub(crate) fn run(mut self) -> Option<SignedLog> {
        self.tell_key_events();
        let witnesses = self.witnesses();
        let (newest, key) = self.newest(&witnesses)?;
        let (size, root) = (newest.checkpoint.size(), newest.checkpoint.root());
        if size.value() != self.log.size || root.to_base64() != self.log.root {
            let detail = "size or root differ from those of the newest checkpoint".to_owned();
            self.fail("manifest", "bundle.json", detail);
        }
        let mut heads = self.retained(&witnesses);
        heads.push(newest);
        heads.sort_by_key(|head| head.checkpoint.size());
        let place = self.report.logs.len();
        let origin = self.origin().clone();
        let keys = &self.log_keys;
        self.report.logs.push(LogReport {
            origin: origin.to_string(),
            size: size.value(),
            root: root.to_base64(),
            checkpoints: u64::try_from(heads.len()).unwrap_or(u64::MAX),
            key: key.to_string(),
            keys: keys.history.spans().iter().map(|span| KeyReport::of(span, &origin)).collect(),
            closed: keys.history.closed().map(EndReport::from),
            follows: keys.follows().map(|before| before.origin().to_string()),
            trusted: keys.trusted,
            policy: witnesses.standing(),
            state: witnesses.state_of(&heads, size),
            witnessed_checkpoints: count(heads.iter().filter(|head| head.witnessed)),
            witnessed_size: witnessed_size(&heads),
            gaps: Vec::new(),
            lost: Vec::new(),
            unannounced: Vec::new(),
        });
        let named = origin.to_string();
        witnesses.check_quorums(&heads, size, (&named, &self.log.folder), self.report);
        witnesses.check_clocks(&heads, (&named, &self.log.folder), self.report);
        self.check_key_lines();
        let is_makers = origin.agency().as_str() == self.maker;
        let folder = self.log.folder.clone();
        Some(SignedLog { folder, keys: self.log_keys, is_makers, origin, size, heads, place })
    }

    fn origin(&self) -> &Origin {
        &self.log_keys.origin
    }

    /// Counts the key events, and names the entries that say that they are some and change nothing. Behind the end of a
    /// closed log they are nobody's.
    fn tell_key_events(&mut self) {
        self.report.checks.key_events += self.log_keys.events;
        for Finding { index, path, detail } in std::mem::take(&mut self.log_keys.findings) {
            let (origin, path) = (self.origin().to_string(), format!("{}/{path}", self.log.folder));
            if self.log_keys.is_beyond_the_end(index) {
                let detail = format!("behind the end of the closed log: {detail}");
                self.report.note(Note { origin, index: Some(index), path, detail });
            } else {
                let origin = Some(origin);
                self.report.fail(Failure { check: "key_event", origin, index: Some(index), path, detail });
            }
        }
    }

    /// The key events in words, if they lie beside the entries, must say what the entries do.
    fn check_key_lines(&mut self) {
        if !self.folder.has(&format!("{}/{KEY_EVENTS_PATH}", self.log.folder)) {
            return;
        }
        let lines = self.read(KEY_EVENTS_PATH, KEY_FILE_BYTES_MAX);
        if lines.is_some_and(|lines| lines != self.log_keys.lines.as_bytes()) {
            let detail = "it does not say what the key entries of the log do".to_owned();
            self.fail("key_event", KEY_EVENTS_PATH, detail);
        }
    }

    /// Who counts as a witness: by the policy that the auditor brought, or else by the copy in the bundle.
    fn witnesses(&mut self) -> Witnesses {
        let (origin, agency) = (self.origin().as_str(), self.origin().agency().as_str());
        let own = self.keys.own_cosigners(agency);
        if let Some(policy) = self.keys.policy_for(origin) {
            return Witnesses::brought(policy.clone(), agency, &own);
        }
        match Witnesses::hinted(self.folder, &self.log.folder, agency, &own) {
            Ok(witnesses) => witnesses,
            Err(detail) => {
                self.note(Witnesses::HINT, detail);
                Witnesses::nobody()
            }
        }
    }

    /// The newest checkpoint, with the key that signed it.
    fn newest(&mut self, witnesses: &Witnesses) -> Option<(SignedHead, VerifierKey)> {
        let bytes = self.read("checkpoint", limit(NOTE_BYTES_MAX))?;
        let verified = self.verify_note("checkpoint", &bytes, witnesses)?;
        let key = verified.log_key().clone();
        Some((witnesses.judge("checkpoint".to_owned(), &verified), key))
    }

    /// The earlier checkpoints that the bundle retains.
    fn retained(&mut self, witnesses: &Witnesses) -> Vec<SignedHead> {
        let mut retained = Vec::new();
        let names = match self.folder.names(&format!("{}/checkpoints", self.log.folder), CHECKPOINTS_MAX) {
            Ok(names) => names,
            Err(detail) => {
                self.fail("checkpoint", "checkpoints", detail);
                return retained;
            }
        };
        for name in names {
            let path = format!("checkpoints/{name}");
            let Some(bytes) = self.read(&path, limit(NOTE_BYTES_MAX)) else { continue };
            let Some(verified) = self.verify_note(&path, &bytes, witnesses) else { continue };
            if verified.checkpoint().size().to_string() == name {
                retained.push(witnesses.judge(path, &verified));
            } else {
                self.fail("checkpoint", &path, "the file is not named after its size".to_owned());
            }
        }
        retained
    }

    /// Verifies the lines of the keys that are in force for the size of a note.
    fn verify_note(&mut self, path: &str, bytes: &[u8], witnesses: &Witnesses) -> Option<VerifiedCheckpoint> {
        let signed = match SignedCheckpoint::parse(bytes) {
            Ok(signed) => signed,
            Err(error) => {
                self.fail("signature", path, error.to_string());
                return None;
            }
        };
        match self.verify_with(path, &signed, witnesses) {
            Ok(checkpoint) => {
                self.report.checks.signatures += 1;
                self.report.checks.cosignatures += count(checkpoint.cosignatures().iter());
                Some(checkpoint)
            }
            Err(error) => {
                let detail = match &error {
                    CheckpointKeyError::OutOfForce { .. } => self.log_keys.out_of_force(&signed),
                    CheckpointKeyError::Signature { source } => Some(in_words(source.as_ref())),
                };
                self.fail("signature", path, detail.unwrap_or_else(|| in_words(&error)));
                None
            }
        }
    }

    /// Verifies the lines of the log, and those of the witnesses. A line of a witness of whom only the bundle
    /// speaks is nobody's business if it is bad: the bundle could name anyone.
    fn verify_with(
        &mut self,
        path: &str,
        signed: &SignedCheckpoint,
        witnesses: &Witnesses,
    ) -> Result<VerifiedCheckpoint, CheckpointKeyError> {
        let verified = self.log_keys.history.verify_with(signed, witnesses.keys());
        if verified.is_ok() || !witnesses.are_hinted() {
            return verified;
        }
        let alone = self.log_keys.history.verify(signed)?;
        self.note(path, "the line of a witness whom the bundle's own policy names is bad".to_owned());
        Ok(alone)
    }

    fn read(&mut self, path: &str, limit: u64) -> Option<Vec<u8>> {
        let read = self.folder.read(&format!("{}/{path}", self.log.folder), limit);
        read.map_err(|detail| self.fail("checkpoint", path, detail)).ok()
    }

    fn fail(&mut self, check: &'static str, path: &str, detail: String) {
        let path =
            if path == "bundle.json" { path.to_owned() } else { format!("{}/{path}", self.log.folder) };
        self.report.fail(Failure {
            check,
            origin: Some(self.origin().to_string()),
            index: None,
            path,
            detail,
        });
    }

    fn note(&mut self, path: &str, detail: String) {
        let path = format!("{}/{path}", self.log.folder);
        self.report.note(Note { origin: self.origin().to_string(), index: None, path, detail });
    }
}

/// What is wrong, with its causes: that the note of a checkpoint is refused says too little to an auditor.
pub(crate) fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        cause = inner.source();
    }
    words
}

fn count(items: impl Iterator) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}

fn limit(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
