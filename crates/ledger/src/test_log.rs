//! A log of invented leaves whose author signs whatever it is told to, for the tests of this room.

use std::convert::Infallible;

use comity_tlog::{
    Checkpoint, CosignatureTime, Hash, HashReader, KeyKind, KeyName, RightEdge, SignatureLine,
    SignedCheckpoint, SigningKey, TreeSize, VerifiedCheckpoint, VerifierKey,
};

use crate::Head;

pub(crate) const ORIGIN: &str = "a.example/pub";

/// Leaves of one face of a log.
#[derive(Clone)]
pub(crate) struct TestLog {
    leaves: Vec<Hash>,
}

impl TestLog {
    /// So many leaves; from `fork` on they are those of another face.
    pub(crate) fn new(leaves: u64, fork: u64) -> Self {
        let leaf =
            |index: u64| Hash::leaf(format!("{index}{}", if index < fork { "" } else { "'" }).as_bytes());
        Self { leaves: (0..leaves).map(leaf).collect() }
    }

    pub(crate) fn head(&self, entries: u64) -> Head {
        let mut edge = RightEdge::empty();
        for leaf in self.leaves.iter().take(usize::try_from(entries).unwrap()) {
            edge.append(*leaf).unwrap();
        }
        Head::from(&edge)
    }

    pub(crate) fn signed(&self, entries: u64) -> SignedCheckpoint {
        let Head { size, root } = self.head(entries);
        Checkpoint::new(ORIGIN, size, root).unwrap().sign(&author()).unwrap()
    }

    pub(crate) fn checkpoint(&self, entries: u64) -> VerifiedCheckpoint {
        self.signed(entries).verify(author().verifier(), &[]).unwrap()
    }
}

impl HashReader for TestLog {
    type Error = Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Infallible> {
        if level == 0 {
            return Ok(self.leaves[usize::try_from(index).unwrap()]);
        }
        let [left, right] = [0, 1].map(|side| self.hash(level - 1, index * 2 + side).unwrap());
        Ok(Hash::node(&left, &right))
    }
}

pub(crate) fn author() -> SigningKey {
    SigningKey::from_seed(KeyName::new(ORIGIN).unwrap(), KeyKind::Ed25519, &[1; 32]).unwrap()
}

pub(crate) fn cosigner(agency: char) -> SigningKey {
    let name = KeyName::new(&format!("{agency}.example/witness")).unwrap();
    let mut seed = [9; 32];
    agency.encode_utf8(&mut seed);
    SigningKey::from_seed(name, KeyKind::CosignatureV1, &seed).unwrap()
}

pub(crate) fn keys(agencies: &str) -> Vec<VerifierKey> {
    agencies.chars().map(|agency| cosigner(agency).verifier().clone()).collect()
}

pub(crate) fn at(seconds: u64) -> CosignatureTime {
    CosignatureTime::new(seconds).unwrap()
}

pub(crate) fn line(agency: char, checkpoint: &VerifiedCheckpoint, seconds: u64) -> SignatureLine {
    cosigner(agency).cosign(checkpoint.checkpoint(), at(seconds)).unwrap()
}

pub(crate) fn size(entries: u64) -> TreeSize {
    TreeSize::new(entries).unwrap()
}
