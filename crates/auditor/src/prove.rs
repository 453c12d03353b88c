//! Making the proof that an entry is in a log, out of a bundle or of an exported folder (c2sp.org/tlog-proof).
//!
//! Whoever gets the proof checks it with keys of his own (`verify_proof`); here only what does not hold is refused.

use std::path::Path;

use comity_ledger::Origin;
use comity_tlog::{
    EntryIndex, Hash, InclusionProof, SignedCheckpoint, TlogProof, TreeSize, prove_inclusion,
    verify_inclusion,
};
use serde::Serialize;

use crate::contents::{CONTENTS, read_contents};
use crate::folder::Folder;
use crate::log_files::LogFiles;
use crate::log_keys::LogKeys;
use crate::witnesses::Witnesses;
use crate::{KEY_FILE_BYTES_MAX, TrustedKeys};

/// An entry with the proof that it is in a log.
#[derive(Clone, Debug, Serialize)]
pub struct ProvedEntry {
    /// The log.
    pub origin: String,
    /// The place of the entry.
    pub index: u64,
    /// The size of the tree that it is proved to be in.
    pub size: u64,
    /// The root of that tree, base64.
    pub root: String,
    /// The tlog-proof document.
    #[serde(rename = "proof")]
    pub document: String,
    /// The entry.
    #[serde(skip)]
    pub entry: Vec<u8>,
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum NoProof {
    /// Neither a bundle nor a folder of one log.
    #[error("{detail}")]
    Folder {
        /// What is wrong with it.
        detail: String,
    },
    /// The log is not there, or it was not said which of several is meant.
    #[error("name one of its logs with --origin: {origins}")]
    Origin {
        /// The logs that are there.
        origins: String,
    },
    /// The log is not that long.
    #[error("entry {index} is not in the log: it has {size} entries under its newest checkpoint")]
    Index {
        /// The entry asked for.
        index: u64,
        /// The entries that there are.
        size: u64,
    },
    /// A file is missing or cannot be used.
    #[error("{path}: {detail}")]
    File {
        /// The file, within the folder.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// No checkpoint that covers the entry has the cosignatures that the policy asks for.
    #[error("no checkpoint over entry {index} has the cosignatures that the policy asks for")]
    Unwitnessed {
        /// The entry asked for.
        index: u64,
    },
    /// The files contradict each other.
    #[error("the {what} do not lead to the root of the checkpoint")]
    Damaged {
        /// What does not fit.
        what: &'static str,
    },
}

impl NoProof {
    /// The word for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "malformed",
            Self::Origin { .. } => "origin",
            Self::Index { .. } => "not_found",
            Self::File { .. } => "file",
            Self::Unwitnessed { .. } => "unwitnessed",
            Self::Damaged { .. } => "damaged",
        }
    }
}

/// Proves that an entry is in a log of a bundle, or in the log of an exported folder: under the newest checkpoint,
/// or, with a policy, under the newest that it calls witnessed. The log need not be named if there is only one.
///
/// # Errors
/// [`NoProof`], also where the files do not fit each other: no document is made that proves nothing.
pub fn prove(
    folder: &Path,
    origin: Option<&str>,
    index: EntryIndex,
    keys: &TrustedKeys,
) -> Result<ProvedEntry, NoProof> {
    let folder = Folder::new(folder);
    let log = find_log(&folder, origin)?;
    let newest = log.checkpoint("checkpoint")?;
    let whole = newest.checkpoint().size();
    if !whole.contains(index) {
        return Err(NoProof::Index { index: index.value(), size: whole.value() });
    }
    let signed = log.choose(newest, index, keys)?;
    let (size, root) = (signed.checkpoint().size(), signed.checkpoint().root());
    let files = LogFiles { size: whole, ..log };
    let proof = prove_inclusion(&files, index, size).map_err(|error| match error {
        comity_tlog::ProveError::Read { source, .. } => source,
        _ => NoProof::Damaged { what: "hash tiles" },
    })?;
    let entry = files.entry(index)?;
    check(&entry, index, size, &proof, &root)?;
    let origin = signed.checkpoint().origin().to_owned();
    // Every part of it is text.
    let document = String::from_utf8_lossy(&TlogProof::new(index, proof, signed).to_bytes()).into_owned();
    let (index, size, root) = (index.value(), size.value(), root.to_base64());
    Ok(ProvedEntry { origin, index, size, root, document, entry })
}

fn check(
    entry: &[u8],
    index: EntryIndex,
    size: TreeSize,
    proof: &InclusionProof,
    root: &Hash,
) -> Result<(), NoProof> {
    verify_inclusion(&Hash::leaf(entry), index, size, proof, root)
        .map_err(|_| NoProof::Damaged { what: "entry and the hash tiles" })
}

/// The one log of the folder, or the one that is named.
fn find_log<'a>(folder: &'a Folder, origin: Option<&str>) -> Result<LogFiles<'a>, NoProof> {
    let files = |prefix| LogFiles { folder, prefix, size: TreeSize::ZERO };
    if !folder.has(CONTENTS) && folder.has("checkpoint") {
        let files = files(String::new());
        let found = files.checkpoint("checkpoint")?.checkpoint().origin().to_owned();
        return match origin {
            Some(origin) if origin != found => Err(NoProof::Origin { origins: found }),
            _ => Ok(files),
        };
    }
    let manifest = read_contents(folder).map_err(|detail| NoProof::Folder { detail })?;
    let mut named = manifest.logs.iter().filter(|log| origin.is_none_or(|origin| log.origin == origin));
    if let (Some(log), None) = (named.next(), named.next()) {
        return Ok(files(format!("{}/", log.folder)));
    }
    let origins: Vec<&str> = manifest.logs.iter().map(|log| log.origin.as_str()).collect();
    Err(NoProof::Origin { origins: origins.join(", ") })
}

impl LogFiles<'_> {
    /// The checkpoint to prove under.
    fn choose(
        &self,
        newest: SignedCheckpoint,
        index: EntryIndex,
        keys: &TrustedKeys,
    ) -> Result<SignedCheckpoint, NoProof> {
        let origin = newest.checkpoint().origin().to_owned();
        let Some(policy) = keys.policy_for(&origin) else { return Ok(newest) };
        let author = author_of(&origin);
        let witnesses = Witnesses::brought(policy.clone(), author, &keys.own_cosigners(author));
        let named: Origin = origin.parse().map_err(|_| self.refused("checkpoint", "not an origin"))?;
        let mut pins = keys.pins(&named);
        if pins.keys.is_empty() {
            // Whoever checks the proof has a key of his own; the copy here is good enough to choose by.
            let mut hints = TrustedKeys::none();
            let hint = self.read("VKEYS", usize::try_from(KEY_FILE_BYTES_MAX).unwrap_or(usize::MAX))?;
            hints.add_file(&hint).map_err(|error| self.refused("VKEYS", &error.to_string()))?;
            pins.keys = hints.named(&origin);
        }
        let files = LogFiles { size: newest.checkpoint().size(), ..self.clone() };
        let log_keys = LogKeys::read(&files, &named, &newest, &pins);
        let is_enough = |signed: &SignedCheckpoint| {
            let verified = log_keys.as_ref().map(|keys| keys.history.verify_with(signed, witnesses.keys()));
            signed.checkpoint().size().contains(index)
                && matches!(verified, Some(Ok(verified)) if witnesses.are_enough(&verified.cosignatures()))
        };
        if is_enough(&newest) {
            return Ok(newest);
        }
        let sizes = self.retained_sizes()?;
        for size in sizes.into_iter().rev().filter(|size| size.contains(index)) {
            let signed = self.checkpoint(&format!("checkpoints/{size}"))?;
            if signed.checkpoint().origin() == origin && is_enough(&signed) {
                return Ok(signed);
            }
        }
        Err(NoProof::Unwitnessed { index: index.value() })
    }
}

/// Whose log an origin names: the part before the first `/`.
pub(crate) fn author_of(origin: &str) -> &str {
    origin.split('/').next().unwrap_or(origin)
}
