//! The public body of an `evidence` entry: what somebody else's author did, in few bytes (B6).
//!
//! Not here: the file that proves it (`evidence`).

use comity_tlog::{Hash, TreeSize};
use minicbor::{Decoder, Encoder};

use crate::{Contradiction, Draft, Entry, EntryError, Evidence, Head, Kind, Origin};

/// What an evidence entry states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceEntry {
    /// The log whose author stands convicted.
    pub origin: Origin,
    /// What the author signed.
    pub signed: Signed,
    /// SHA-256 of the evidence file.
    pub digest: Hash,
}

/// What an author signed that cannot both stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The heads of the smaller and of the larger checkpoint.
    Trees([Head; 2]),
    /// SHA-256 of the public bodies of two first entries of one successor.
    Geneses([Hash; 2]),
}

impl EvidenceEntry {
    /// What evidence states.
    pub fn of(evidence: &Evidence) -> Self {
        let signed = match evidence.shown() {
            Contradiction::Trees(trees) => Signed::Trees(trees.heads()),
            Contradiction::Geneses(two) => Signed::Geneses(two.digests()),
        };
        Self { origin: evidence.origin().clone(), signed, digest: evidence.digest() }
    }

    /// The draft of the entry.
    pub fn draft(&self) -> Draft {
        Draft::new(Kind::Evidence, None).with_public_body(self.to_body())
    }

    /// Reads the public body of an evidence entry.
    ///
    /// # Errors
    /// [`EntryError::Evidence`] if the entry is of another kind, or its body is not exactly the one encoding.
    pub fn from_entry(entry: &Entry) -> Result<Self, EntryError> {
        if entry.kind() != Kind::Evidence {
            return Err(EntryError::Evidence { reason: "the entry is of another kind" });
        }
        let stated = decode(entry.public_body());
        let stated = stated.ok_or(EntryError::Evidence { reason: "fields do not read" })?;
        if stated.to_body() == entry.public_body() {
            Ok(stated)
        } else {
            Err(EntryError::Evidence { reason: "not the deterministic encoding" })
        }
    }

    /// `{1: origin, 2: size, 3: root, 4: size, 5: root, 6: digest}`, or of two beginnings `{1: origin, 6: digest, 7: [digest,
    /// digest]}`; RFC 8949 §4.2.1.
    fn to_body(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        let (origin, digest) = (self.origin.as_str(), self.digest.as_bytes());
        // Writing to a vector cannot fail; a short body would be refused by every reader.
        let written = match &self.signed {
            Signed::Trees([first, second]) => encoder
                .map(6)
                .and_then(|e| e.u8(1)?.str(origin))
                .and_then(|e| e.u8(2)?.u64(first.size.value()))
                .and_then(|e| e.u8(3)?.bytes(first.root.as_bytes()))
                .and_then(|e| e.u8(4)?.u64(second.size.value()))
                .and_then(|e| e.u8(5)?.bytes(second.root.as_bytes()))
                .and_then(|e| e.u8(6)?.bytes(digest))
                .map(|_| ()),
            Signed::Geneses([first, second]) => encoder
                .map(3)
                .and_then(|e| e.u8(1)?.str(origin))
                .and_then(|e| e.u8(6)?.bytes(digest))
                .and_then(|e| e.u8(7)?.array(2)?.bytes(first.as_bytes())?.bytes(second.as_bytes()))
                .map(|_| ()),
        };
        if written.is_ok() { encoder.into_writer() } else { Vec::new() }
    }
}

fn decode(body: &[u8]) -> Option<EvidenceEntry> {
    let mut decoder = Decoder::new(body);
    let fields = decoder.map().ok()??;
    key(&mut decoder, 1)?;
    let origin = decoder.str().ok()?.parse().ok()?;
    let heads = match fields {
        6 => Some([head(&mut decoder, 2)?, head(&mut decoder, 4)?]),
        3 => None,
        _ => return None,
    };
    key(&mut decoder, 6)?;
    let digest = hash(&mut decoder)?;
    let signed = if let Some(heads) = heads {
        Signed::Trees(heads)
    } else {
        key(&mut decoder, 7)?;
        (decoder.array().ok()?? == 2).then_some(())?;
        Signed::Geneses([hash(&mut decoder)?, hash(&mut decoder)?])
    };
    (decoder.position() == body.len()).then_some(EvidenceEntry { origin, signed, digest })
}

fn key(decoder: &mut Decoder<'_>, expected: u8) -> Option<()> {
    (decoder.u8().ok()? == expected).then_some(())
}

fn hash(decoder: &mut Decoder<'_>) -> Option<Hash> {
    decoder.bytes().ok()?.try_into().ok().map(Hash::from_bytes)
}

fn head(decoder: &mut Decoder<'_>, first_key: u8) -> Option<Head> {
    key(decoder, first_key)?;
    let size = TreeSize::new(decoder.u64().ok()?).ok()?;
    key(decoder, first_key.checked_add(1)?)?;
    Some(Head { size, root: hash(decoder)? })
}
