//! Evidence against authors, file by file, and whether the own log states each.
//!
//! Not here: what evidence is and whether it holds (`comity-ledger`).

use comity_ledger::{Evidence, Origin};
use comity_tlog::{Hash, TreeSize};

use crate::{Store, StoreError};

/// Most evidence files of one log that convict its author: one proves it, and each further one is a file here, a message
/// to every peer and an entry in the log of every finder. A few, since a key event may make the checkpoints of some void.
/// No author takes the room of another: all in all there are a few of each log of an agency that is pinned.
const CONVICTING_MAX: usize = 4;

/// Most files of one log that convict nobody any more: kept as a record of what happened, and replaced beyond that, since an
/// author may go on revoking keys.
const VOID_MAX: usize = 16;

/// `f ‖ SHA-256`: the file.
const FILE: u8 = b'f';
/// `e ‖ SHA-256`, with the origin: that the own log states it, also where the file has given its place to another.
const ENTERED: u8 = b'e';

/// What became of evidence that was to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvidenceKept {
    /// It is kept, and was not before.
    New {
        /// The SHA-256 of the file whose place it has taken, if all places were taken.
        instead_of: Option<Hash>,
    },
    /// It was kept before.
    Before,
    /// It is not: what is kept convicts the author already, and will as long as this would.
    PassedOver,
}

/// Whether evidence is worth a place beside evidence against the same author that ends at `sizes`, where `held` entries of
/// the log are held here.
///
/// Where all places are taken, it must end before all of that: whoever closes its log makes void what ends later, and might
/// else have signed that first so as to be let go. It must end within what is held here too, so that an author has no more
/// such sizes to go through than it has published entries.
pub fn has_place(evidence: &Evidence, sizes: &[TreeSize], held: TreeSize) -> bool {
    let size = evidence.end();
    sizes.len() < CONVICTING_MAX || (size <= held && sizes.iter().all(|other| size < *other))
}

impl Store {
    /// Keeps an evidence file, synced, if it [has a place](has_place) beside those of its log that convict the author;
    /// `still_convicts` says of one of them whether it does. Callers come one at a time.
    ///
    /// # Errors
    /// A [`StoreError`]; [`StoreError::Damaged`] if a file that is kept does not read.
    pub fn put_evidence(
        &self,
        evidence: &Evidence,
        still_convicts: &dyn Fn(&Evidence) -> bool,
    ) -> Result<EvidenceKept, StoreError> {
        let (place, origin) = (key(FILE, &evidence.digest()), evidence.origin());
        if self.evidence.contains_key(&place)? {
            return Ok(EvidenceKept::Before);
        }
        let damaged = |_| StoreError::Damaged { what: "an evidence file", log: origin.to_string(), place: 0 };
        let (mut convicting, mut void) = (Vec::new(), Vec::new());
        for file in self.evidence.scan_prefix([FILE]).values() {
            let other = Evidence::parse(&file?).map_err(damaged)?;
            match other.origin() == origin {
                true if still_convicts(&other) => convicting.push((other.end(), other.digest())),
                true => void.push(other.digest()),
                false => {}
            }
        }
        let sizes: Vec<_> = convicting.iter().map(|(size, _)| *size).collect();
        if !has_place(evidence, &sizes, self.held(origin)?.size) {
            return Ok(EvidenceKept::PassedOver);
        }
        let largest = convicting.into_iter().max_by_key(|(size, _)| *size).map(|(_, digest)| digest);
        let instead_of = largest.filter(|_| sizes.len() >= CONVICTING_MAX);
        self.evidence.insert(place, evidence.as_bytes())?;
        // Of those that are void any will do: none of them accuses anybody.
        for gone in instead_of.into_iter().chain(void.into_iter().skip(VOID_MAX)) {
            self.evidence.remove(key(FILE, &gone))?;
        }
        self.sync()?;
        Ok(EvidenceKept::New { instead_of })
    }

    /// The evidence files kept, by their SHA-256.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn evidence_files(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.evidence.scan_prefix([FILE]).values().map(|file| Ok(file?.to_vec())).collect()
    }

    /// Notes that the own log states evidence.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn put_evidence_entered(&self, evidence: &Evidence) -> Result<(), StoreError> {
        let origin = evidence.origin().as_str().as_bytes();
        self.evidence.insert(key(ENTERED, &evidence.digest()), origin)?;
        Ok(())
    }

    /// Whether the own log states an evidence file.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn is_evidence_entered(&self, digest: &Hash) -> Result<bool, StoreError> {
        Ok(self.evidence.contains_key(key(ENTERED, digest))?)
    }

    /// How many pieces of evidence against the author of a log the own log states.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn evidence_entered_of(&self, origin: &Origin) -> Result<usize, StoreError> {
        let mut entered = 0;
        for of in self.evidence.scan_prefix([ENTERED]).values() {
            entered += usize::from(of? == origin.as_str().as_bytes());
        }
        Ok(entered)
    }
}

fn key(kind: u8, digest: &Hash) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(digest.as_bytes());
    key
}
