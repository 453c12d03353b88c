//! The newest checkpoint of one log, with what its cosigners say of it: lines are taken in one by one, each verified.
//!
//! A note is never taken apart and signed anew: its text stays as the author wrote it, lines are added or renewed, and a
//! line that a known key did not make never comes in, so that nobody can spoil a note for those who verify it later.
//! Not here: whose lines count (`comity_tlog::Policy`), and where the note is kept (`comity-store`).

use std::collections::BTreeMap;

use comity_tlog::{
    CheckpointError, CosignatureBlob, CosignatureTime, KeyKind, NoteError, SignatureLine, SignedCheckpoint,
    VerifiedCheckpoint, VerifierKey,
};

use crate::{Generation, Head};

/// How far beyond the local clock a cosignature's time may lie, in seconds (D23).
pub const CLOCK_SKEW_SECS_MAX: u64 = 60;

/// Most cosigners of one log whose lines are held: witness and mirror of each of 64 peers and of the node itself would
/// be more than a note may carry.
pub const COSIGNERS_MAX: usize = 90;

/// The newest checkpoint of a log with the verified lines of its cosigners.
#[derive(Clone, Debug)]
pub struct Cosigned {
    checkpoint: VerifiedCheckpoint,
    lines: BTreeMap<VerifierKeyId, Spoken>,
    generation: Generation,
}

/// Name and ID of a key, in order.
type VerifierKeyId = (String, [u8; 4]);

#[derive(Clone, Debug)]
struct Spoken {
    key: VerifierKey,
    words: SignatureLine,
    time: CosignatureTime,
    /// The generation with which it came.
    since: Generation,
}

/// What became of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineTaken {
    /// New, or in the place of another of the same key.
    New,
    /// Held already, or no better than the one held.
    Held,
    /// Of a key that is not known here; passed over.
    Unknown,
    /// The key did not make it, or not for this checkpoint.
    Bad,
    /// It states a time more than [`CLOCK_SKEW_SECS_MAX`] ahead.
    Future,
}

impl Cosigned {
    /// A checkpoint that the author signed, with no lines yet. `generation` is one that was never used before for
    /// other lines of this log.
    pub fn new(checkpoint: VerifiedCheckpoint, generation: Generation) -> Self {
        Self { checkpoint, lines: BTreeMap::new(), generation }
    }

    /// The checkpoint.
    pub fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }

    /// Size and root.
    pub fn head(&self) -> Head {
        let checkpoint = self.checkpoint.checkpoint();
        Head { size: checkpoint.size(), root: checkpoint.root() }
    }

    /// Counts up with every new line, and with every new checkpoint.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Goes on to a larger checkpoint of the author; lines of the one before say nothing of it.
    pub fn advance(&mut self, checkpoint: VerifiedCheckpoint) {
        self.checkpoint = checkpoint;
        self.lines.clear();
        self.generation = self.generation.next();
    }

    /// Takes one line in, if one of these cosigners made it for this checkpoint: of each the newest is held.
    pub fn take(
        &mut self,
        line: &SignatureLine,
        cosigners: &[VerifierKey],
        now: CosignatureTime,
    ) -> LineTaken {
        self.take_unless(line, cosigners, now, |held, new| held >= new)
    }

    /// The same where the time of the checkpoint is to be proved (D23): of each cosigner the oldest is held.
    pub fn take_earliest(
        &mut self,
        line: &SignatureLine,
        cosigners: &[VerifierKey],
        now: CosignatureTime,
    ) -> LineTaken {
        self.take_unless(line, cosigners, now, |held, new| held <= new)
    }

    fn take_unless(
        &mut self,
        line: &SignatureLine,
        cosigners: &[VerifierKey],
        now: CosignatureTime,
        is_needless: impl FnOnce(CosignatureTime, CosignatureTime) -> bool,
    ) -> LineTaken {
        let of_key = |key: &&VerifierKey| key.id() == line.id() && key.name() == line.name();
        let known = cosigners.iter().filter(|key| key.kind() == KeyKind::CosignatureV1).find(of_key);
        let Some(key) = known else { return LineTaken::Unknown };
        let Ok(blob) = CosignatureBlob::parse(key.kind(), line.signature()) else { return LineTaken::Bad };
        let place = (key.name().to_string(), *key.id().as_bytes());
        let held = self.lines.get(&place);
        // Before the signature is computed: what is held already costs nothing.
        let is_held = match held {
            Some(held) => is_needless(held.time, blob.time()),
            None => self.is_full(),
        };
        if is_held {
            return LineTaken::Held;
        }
        if blob.time().value() > now.value().saturating_add(CLOCK_SKEW_SECS_MAX) {
            return LineTaken::Future;
        }
        if self.verify(line, key).is_err() {
            return LineTaken::Bad;
        }
        self.generation = self.generation.next();
        let (key, words, since) = (key.clone(), line.clone(), self.generation);
        self.lines.insert(place, Spoken { key, words, time: blob.time(), since });
        LineTaken::New
    }

    /// The lines that came after a generation; those of a generation never reached are none.
    pub fn lines_since(&self, seen: Generation) -> Vec<SignatureLine> {
        self.lines.values().filter(|line| line.since > seen).map(|line| line.words.clone()).collect()
    }

    /// Who cosigned, and when each says it did.
    pub fn cosigners(&self) -> impl Iterator<Item = (&VerifierKey, CosignatureTime)> {
        self.lines.values().map(|line| (&line.key, line.time))
    }

    /// When one key says it cosigned.
    pub fn time_of(&self, key: &VerifierKey) -> Option<CosignatureTime> {
        self.cosigners().find(|(held, _)| *held == key).map(|(_, time)| time)
    }

    /// The note: the author's line, then the lines taken in.
    ///
    /// # Errors
    /// If the note would be too long; never with as many lines as are held here.
    pub fn note(&self) -> Result<SignedCheckpoint, CheckpointError> {
        let failed = |source| CheckpointError::Note { source };
        let mut note = self.checkpoint.note().verified_lines_only().map_err(failed)?;
        for line in self.lines.values() {
            note = note.with_line(line.words.clone()).map_err(failed)?;
        }
        SignedCheckpoint::from_note(note)
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= COSIGNERS_MAX
    }

    fn verify(&self, line: &SignatureLine, key: &VerifierKey) -> Result<(), NoteError> {
        let note = self.checkpoint.note().verified_lines_only()?.with_line(line.clone())?;
        // The line of the author was verified with the checkpoint.
        note.verify(std::slice::from_ref(key)).map(drop)
    }
}

#[cfg(test)]
mod tests;
