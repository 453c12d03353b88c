//! How what is held of a replica goes on to a checkpoint whose entries have not all come: the proof that came with the last
//! of them.
//!
//! With it a contradiction that is found before the rest has come is evidence (D24), after a restart too. Not here: what
//! contradicts what (`comity-ledger`, `comity-node`).

use comity_ledger::{Head, Origin};
use comity_tlog::{ConsistencyProof, Hash, TreeSize};

use crate::log_id::LogId;
use crate::replica::ReplicaStep;
use crate::{Store, StoreError};

/// The rest of the key behind the log, beside its head.
const PROOF: u8 = b'p';

/// How the entries held go on to a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoesOn {
    /// How many were held.
    pub held: TreeSize,
    /// What the checkpoint states.
    pub checkpoint: Head,
    /// The consistency proof from there to the checkpoint; the caller has verified it.
    pub proof: ConsistencyProof,
}

impl ReplicaStep<'_> {
    /// Adds how the entries go on to a checkpoint, in the place of what was known of that before.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn goes_on(&mut self, on: &GoesOn) -> Result<(), StoreError> {
        let mut value = Vec::with_capacity(8 + 8 + Hash::BYTES * (1 + ConsistencyProof::HASHES_MAX));
        value.extend_from_slice(&on.held.value().to_be_bytes());
        value.extend_from_slice(&on.checkpoint.size.value().to_be_bytes());
        value.extend_from_slice(on.checkpoint.root.as_bytes());
        on.proof.hashes().iter().for_each(|hash| value.extend_from_slice(hash.as_bytes()));
        self.store.heads.insert(place(self.log), value)?;
        Ok(())
    }
}

impl Store {
    /// How what is held of a replica goes on to a checkpoint, as far as that was known with the last frames; `None` if
    /// nothing that is known of it is about entries held.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn goes_on(&self, origin: &Origin) -> Result<Option<GoesOn>, StoreError> {
        let Some(value) = self.heads.get(place(LogId::of(origin)))? else { return Ok(None) };
        // What does not read proves nothing, and of what a crash has left the entries may be missing.
        let held = self.held(origin)?.size;
        Ok(read(&value).filter(|on| on.held <= held))
    }
}

fn place(log: LogId) -> Vec<u8> {
    let mut place = log.as_bytes().to_vec();
    place.push(PROOF);
    place
}

fn read(value: &[u8]) -> Option<GoesOn> {
    let (held, rest) = value.split_first_chunk::<8>()?;
    let (size, rest) = rest.split_first_chunk::<8>()?;
    let (root, rest) = rest.split_first_chunk::<{ Hash::BYTES }>()?;
    let (hashes, []) = rest.as_chunks::<{ Hash::BYTES }>() else { return None };
    let proof = ConsistencyProof::new(hashes.iter().copied().map(Hash::from_bytes).collect()).ok()?;
    let size_of = |bytes: &[u8; 8]| TreeSize::new(u64::from_be_bytes(*bytes)).ok();
    let checkpoint = Head { size: size_of(size)?, root: Hash::from_bytes(*root) };
    Some(GoesOn { held: size_of(held)?, checkpoint, proof })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_read_as_it_was_written_and_no_other_bytes_are_one() {
        let hash = |byte: u8| Hash::from_bytes([byte; Hash::BYTES]);
        let value = [&[0, 0, 0, 0, 0, 0, 0, 2][..], &[0, 0, 0, 0, 0, 0, 0, 7], &[1; 32], &[2; 32], &[3; 32]];
        let value = value.concat();
        let on = read(&value).unwrap();
        assert_eq!((on.held.value(), on.checkpoint.size.value(), on.checkpoint.root), (2, 7, hash(1)));
        assert_eq!(on.proof.hashes(), [hash(2), hash(3)]);
        assert_eq!(read(&value[..value.len() - 1]), None);
        assert_eq!(read(&value[..40]), None);
        assert_eq!(read(&[&value[..], &[0; 32 * 63]].concat()), None, "more hashes than a proof has");
    }
}
