//! A consistency proof from further back: made by whoever has the entries up to some size, and the proof from there.
//!
//! Of the nodes that it takes, those before that size are read, and those behind it stand in the proof that is had. Not
//! here: proofs by whoever has all entries (`prove`), and checking proofs (`proof`).

use std::ops::Range;

use crate::hash::Hash;
use crate::position::TreeSize;
use crate::proof::{ConsistencyProof, ProofError};
use crate::prove::{HashReader, ProveError, prove_consistency, range_root, split_at};

/// The proof that the tree of `newer` begins with the tree of `older` (RFC 6962 §2.1.2), out of the nodes up to `held`
/// and the proof from `held` to `newer`. Of a proof that does not hold comes another one that does not.
///
/// # Errors
/// If the sizes do not ascend, the proof is not as long as one from `held` to `newer`, or a node cannot be read.
pub fn lengthen_consistency<R: HashReader>(
    reader: &R,
    older: TreeSize,
    held: TreeSize,
    newer: TreeSize,
    proof: &ConsistencyProof,
) -> Result<ConsistencyProof, ProveError<R::Error>> {
    let position = |source| ProveError::Position { source };
    if older > held || held > newer {
        return Err(position(ProofError::Shrunk { older: held, newer }));
    }
    if older.is_zero() || held == newer {
        return prove_consistency(reader, older, newer);
    }
    if older == held {
        return Ok(proof.clone());
    }
    let known = Known { reader, held: held.value(), behind: behind(held, newer, proof).map_err(position)? };
    let mut within = 0..newer.value();
    let mut hashes = Vec::new();
    let mut is_older_root = true;
    while within.end != older.value() {
        let split = within.start.saturating_add(split_at(&within));
        if older.value() <= split {
            hashes.push(known.root(split..within.end)?);
            within.end = split;
        } else {
            hashes.push(known.root(within.start..split)?);
            within.start = split;
            is_older_root = false;
        }
    }
    if !is_older_root {
        hashes.push(known.root(within)?);
    }
    hashes.reverse();
    ConsistencyProof::new(hashes).map_err(position)
}

/// The ranges behind `held` whose roots stand in the proof from there, the last first.
fn behind(
    held: TreeSize,
    newer: TreeSize,
    proof: &ConsistencyProof,
) -> Result<Vec<(Range<u64>, Hash)>, ProofError> {
    let wrong = ProofError::WrongLength { found: proof.hashes().len() };
    // From the top of the tree downwards.
    let mut given = proof.hashes().iter().rev();
    let (mut within, mut behind, mut is_held_root) = (0..newer.value(), Vec::new(), true);
    while within.end != held.value() {
        let split = within.start.saturating_add(split_at(&within));
        let hash = *given.next().ok_or(wrong)?;
        if held.value() <= split {
            behind.push((split..within.end, hash));
            within.end = split;
        } else {
            within.start = split;
            is_held_root = false;
        }
    }
    if !is_held_root {
        given.next().ok_or(wrong)?;
    }
    if given.next().is_some() { Err(wrong) } else { Ok(behind) }
}

/// The nodes of a tree that are known: those up to a size, and the roots of some ranges behind it.
struct Known<'a, R> {
    reader: &'a R,
    held: u64,
    behind: Vec<(Range<u64>, Hash)>,
}

impl<R: HashReader> Known<'_, R> {
    /// The root over a range that RFC 6962 splits off. Each step halves the range, so there are at most 63.
    fn root(&self, range: Range<u64>) -> Result<Hash, ProveError<R::Error>> {
        if range.end <= self.held {
            return range_root(self.reader, range);
        }
        if let Some((_, hash)) = self.behind.iter().find(|(known, _)| *known == range) {
            return Ok(*hash);
        }
        if range.start >= self.held || range.end - range.start < 2 {
            // Whatever lies behind `held` on the way to it was split off there as well.
            let source = ProofError::WrongLength { found: self.behind.len() };
            return Err(ProveError::Position { source });
        }
        let split = range.start.saturating_add(split_at(&range));
        let (left, right) = (self.root(range.start..split)?, self.root(split..range.end)?);
        Ok(Hash::node(&left, &right))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::RightEdge;

    /// The nodes of the first entries, and of no more.
    struct Nodes(BTreeMap<(u8, u64), Hash>);

    #[derive(Debug, thiserror::Error)]
    #[error("not there")]
    struct NotThere;

    impl HashReader for Nodes {
        type Error = NotThere;

        fn hash(&self, level: u8, index: u64) -> Result<Hash, NotThere> {
            self.0.get(&(level, index)).copied().ok_or(NotThere)
        }
    }

    fn nodes(entries: u64) -> Nodes {
        let (mut edge, mut nodes) = (RightEdge::empty(), BTreeMap::new());
        for entry in 0..entries {
            let keep = |level, index, hash| {
                nodes.insert((level, index), hash);
            };
            edge.append_reporting(Hash::leaf(&entry.to_be_bytes()), keep).unwrap();
        }
        Nodes(nodes)
    }

    fn size(entries: u64) -> TreeSize {
        TreeSize::new(entries).unwrap()
    }

    #[test]
    fn a_lengthened_proof_is_the_one_that_whoever_has_all_entries_makes() {
        let all = nodes(600);
        let some = (0..36).flat_map(|newer| (0..=newer).map(move |held| (held, newer)));
        for (held, newer) in some.chain([(256, 257), (255, 600), (256, 600), (257, 513), (300, 512)]) {
            let (had, proof) = (nodes(held), prove_consistency(&all, size(held), size(newer)).unwrap());
            for older in 0..=held {
                let made = lengthen_consistency(&had, size(older), size(held), size(newer), &proof).unwrap();
                let whole = prove_consistency(&all, size(older), size(newer)).unwrap();
                assert_eq!(made, whole, "{older} {held} {newer}");
            }
        }
    }

    #[test]
    fn sizes_that_do_not_ascend_and_proofs_of_another_length_are_refused() {
        let (all, had) = (nodes(40), nodes(20));
        let proof = prove_consistency(&all, size(20), size(37)).unwrap();
        let lengthen = |older, held, newer, proof: &ConsistencyProof| {
            lengthen_consistency(&had, size(older), size(held), size(newer), proof)
        };
        lengthen(7, 20, 37, &proof).unwrap();
        assert!(lengthen(21, 20, 37, &proof).is_err());
        assert!(lengthen(7, 20, 19, &proof).is_err());
        let hashes = proof.hashes();
        for wrong in [&hashes[1..], &[hashes, &hashes[..1]].concat(), &[]] {
            let wrong = ConsistencyProof::new(wrong.to_vec()).unwrap();
            assert!(lengthen(7, 20, 37, &wrong).is_err(), "{} hashes", wrong.hashes().len());
        }
    }
}
