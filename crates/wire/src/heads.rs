//! Comparing heads: digests of what each side holds, and the news that follow from them.
//!
//! What to make of a note that contradicts another is `ledger`'s.

use bytes::Bytes;
use comity_ledger::{
    Beginning, EVIDENCE_BYTES_MAX, Generation, Head, HeadDigest, HeadNews, HeadUpdate, OriginDigest,
};
use comity_tlog::{Hash, NOTE_SIGNATURES_MAX, SignatureLine};

use crate::revocations::{
    LISTS, LISTS_HELD, REVOCATION_LISTS_HELD_MAX, REVOCATION_LISTS_MAX, digest_bytes,
    digest_of as list_digest_of,
};
use crate::v1::head_update::Content;
use crate::{InvalidMessage, ListDigest, RevocationList, field, frame, v1};

/// Most digests of one exchange: 64 peers with 64 origins each.
pub const HEAD_DIGESTS_MAX: usize = 4_096;

/// Most news of one exchange: usual notes are under 2 KiB, so that they fit a message with room for long ones.
pub const HEAD_UPDATES_MAX: usize = 64;

const DIGESTS: &str = "exchange_heads.digests";
const UPDATES: &str = "exchange_heads.updates";
const LINES: &str = "signature_lines.lines";
const EVIDENCE: &str = "exchange_heads.evidence";
const HELD: &str = "exchange_heads.evidence_held";
const AS_BEFORE: &str = "exchange_heads.as_before";

/// Most evidence files of one exchange: together under 128 KiB.
pub const EVIDENCE_FILES_MAX: usize = 16;

/// Most evidence files whose digests are stated: four for each of 64 peers.
pub const EVIDENCE_HELD_MAX: usize = 256;

/// What one side states that it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digests {
    /// These, ascending by origin digest.
    Now(Vec<HeadDigest>),
    /// Those of this SHA-256, which the other side has already.
    AsBefore(Hash),
}

/// One side of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// What the sender holds.
    pub digests: Digests,
    /// SHA-256 of the digests that the sender has of the receiver.
    pub known: Option<Hash>,
    /// News for the receiver.
    pub updates: Vec<HeadUpdate>,
    /// Evidence files for the receiver, as they stand; unverified.
    pub evidence: Vec<Bytes>,
    /// The evidence files that the sender holds, ascending.
    pub evidence_held: Vec<Hash>,
    /// Revocation lists for the receiver; unverified.
    pub lists: Vec<RevocationList>,
    /// The revocation lists in force at the sender, ascending.
    pub lists_held: Vec<ListDigest>,
}

impl Default for Heads {
    fn default() -> Self {
        Self {
            digests: Digests::Now(Vec::new()),
            known: None,
            updates: Vec::new(),
            evidence: Vec::new(),
            evidence_held: Vec::new(),
            lists: Vec::new(),
            lists_held: Vec::new(),
        }
    }
}

impl Heads {
    /// Puts lists in order and checks what would be refused on the other side.
    ///
    /// # Errors
    /// An [`InvalidMessage`] if there are too many of anything, or two of one kind where there may be one.
    pub fn checked(mut self) -> Result<Self, InvalidMessage> {
        if let Digests::Now(digests) = &mut self.digests {
            digests.sort_by_key(|digest| digest.origin);
        }
        self.evidence_held.sort_by_key(|digest| *digest.as_bytes());
        self.lists_held.sort_unstable();
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), InvalidMessage> {
        if let Digests::Now(digests) = &self.digests {
            field::count(DIGESTS, digests.len(), 0, HEAD_DIGESTS_MAX)?;
            if !digests.is_sorted_by(|one, next| one.origin < next.origin) {
                return Err(InvalidMessage::Contradicts { field: DIGESTS });
            }
        }
        field::count(UPDATES, self.updates.len(), 0, HEAD_UPDATES_MAX)?;
        field::count(EVIDENCE, self.evidence.len(), 0, EVIDENCE_FILES_MAX)?;
        if self.evidence.iter().any(|file| file.is_empty() || file.len() > EVIDENCE_BYTES_MAX) {
            return Err(InvalidMessage::Malformed { field: EVIDENCE });
        }
        field::count(HELD, self.evidence_held.len(), 0, EVIDENCE_HELD_MAX)?;
        if !self.evidence_held.is_sorted_by(|one, next| one.as_bytes() < next.as_bytes()) {
            return Err(InvalidMessage::Contradicts { field: HELD });
        }
        field::count(LISTS, self.lists.len(), 0, REVOCATION_LISTS_MAX)?;
        self.lists.iter().try_for_each(RevocationList::check)?;
        field::count(LISTS_HELD, self.lists_held.len(), 0, REVOCATION_LISTS_HELD_MAX)?;
        if !self.lists_held.is_sorted_by(|one, next| one < next) {
            return Err(InvalidMessage::Contradicts { field: LISTS_HELD });
        }
        Ok(())
    }

    fn read(message: v1::ExchangeHeadsRequest) -> Result<Self, InvalidMessage> {
        let v1::ExchangeHeadsRequest {
            digests,
            updates,
            as_before,
            known,
            evidence,
            evidence_held,
            revocation_lists,
            revocation_lists_held,
        } = message;
        field::count(DIGESTS, digests.len(), 0, HEAD_DIGESTS_MAX)?;
        field::count(UPDATES, updates.len(), 0, HEAD_UPDATES_MAX)?;
        field::count(HELD, evidence_held.len(), 0, EVIDENCE_HELD_MAX)?;
        field::count(LISTS, revocation_lists.len(), 0, REVOCATION_LISTS_MAX)?;
        field::count(LISTS_HELD, revocation_lists_held.len(), 0, REVOCATION_LISTS_HELD_MAX)?;
        let digests = match hash_if_given(AS_BEFORE, &as_before)? {
            Some(_) if !digests.is_empty() => return Err(InvalidMessage::Contradicts { field: AS_BEFORE }),
            Some(before) => Digests::AsBefore(before),
            None => Digests::Now(digests.iter().map(digest_of).collect::<Result<_, _>>()?),
        };
        let heads = Self {
            digests,
            known: hash_if_given("exchange_heads.known", &known)?,
            updates: updates.into_iter().map(update_of).collect::<Result<_, _>>()?,
            evidence,
            evidence_held: evidence_held
                .iter()
                .map(|hash| field::hash(HELD, hash))
                .collect::<Result<_, _>>()?,
            lists: revocation_lists.into_iter().map(RevocationList::try_from).collect::<Result<_, _>>()?,
            lists_held: revocation_lists_held.iter().map(list_digest_of).collect::<Result<_, _>>()?,
        };
        heads.check()?;
        Ok(heads)
    }
}

fn hash_if_given(name: &'static str, bytes: &[u8]) -> Result<Option<Hash>, InvalidMessage> {
    if bytes.is_empty() { Ok(None) } else { field::hash(name, bytes).map(Some) }
}

fn bytes_of(hash: &Hash) -> Bytes {
    Bytes::copy_from_slice(hash.as_bytes())
}

impl TryFrom<v1::ExchangeHeadsRequest> for Heads {
    type Error = InvalidMessage;

    fn try_from(message: v1::ExchangeHeadsRequest) -> Result<Self, InvalidMessage> {
        Self::read(message)
    }
}

impl TryFrom<v1::ExchangeHeadsResponse> for Heads {
    type Error = InvalidMessage;

    fn try_from(message: v1::ExchangeHeadsResponse) -> Result<Self, InvalidMessage> {
        let v1::ExchangeHeadsResponse {
            digests,
            updates,
            as_before,
            known,
            evidence,
            evidence_held,
            revocation_lists,
            revocation_lists_held,
        } = message;
        Self::read(v1::ExchangeHeadsRequest {
            digests,
            updates,
            as_before,
            known,
            evidence,
            evidence_held,
            revocation_lists,
            revocation_lists_held,
        })
    }
}

impl From<&Heads> for v1::ExchangeHeadsRequest {
    fn from(heads: &Heads) -> Self {
        let (digests, as_before) = match &heads.digests {
            Digests::Now(digests) => (digests.iter().map(digest_message).collect(), Bytes::new()),
            Digests::AsBefore(before) => (Vec::new(), bytes_of(before)),
        };
        Self {
            digests,
            updates: heads.updates.iter().map(update_message).collect(),
            as_before,
            known: heads.known.as_ref().map(bytes_of).unwrap_or_default(),
            evidence: heads.evidence.clone(),
            evidence_held: heads.evidence_held.iter().map(bytes_of).collect(),
            revocation_lists: heads.lists.iter().map(Into::into).collect(),
            revocation_lists_held: heads.lists_held.iter().map(digest_bytes).collect(),
        }
    }
}

impl From<&Heads> for v1::ExchangeHeadsResponse {
    fn from(heads: &Heads) -> Self {
        let v1::ExchangeHeadsRequest {
            digests,
            updates,
            as_before,
            known,
            evidence,
            evidence_held,
            revocation_lists,
            revocation_lists_held,
        } = heads.into();
        Self {
            digests,
            updates,
            as_before,
            known,
            evidence,
            evidence_held,
            revocation_lists,
            revocation_lists_held,
        }
    }
}

fn origin_of(name: &'static str, bytes: &[u8]) -> Result<OriginDigest, InvalidMessage> {
    field::array(name, bytes).map(OriginDigest::from_bytes)
}

fn origin_bytes(origin: &OriginDigest) -> Bytes {
    Bytes::copy_from_slice(origin.as_bytes())
}

fn digest_of(message: &v1::HeadDigest) -> Result<HeadDigest, InvalidMessage> {
    Ok(HeadDigest {
        origin: origin_of("head_digest.origin_digest", &message.origin_digest)?,
        head: Head {
            size: field::size("head_digest.size", message.size)?,
            root: field::hash("head_digest.root", &message.root)?,
        },
        generation: Generation::new(message.generation),
        seen: Generation::new(message.seen_generation),
    })
}

fn digest_message(digest: &HeadDigest) -> v1::HeadDigest {
    v1::HeadDigest {
        origin_digest: origin_bytes(&digest.origin),
        size: digest.head.size.value(),
        root: bytes_of(&digest.head.root),
        generation: digest.generation.value(),
        seen_generation: digest.seen.value(),
    }
}

fn beginning_of(message: &v1::Beginning) -> Result<Beginning, InvalidMessage> {
    let head = Head {
        size: field::size("beginning.size", message.size)?,
        root: field::hash("beginning.root", &message.root)?,
    };
    Ok(Beginning { head, proof: field::proof("beginning.hashes", &message.hashes)? })
}

fn beginning_message(beginning: &Beginning) -> v1::Beginning {
    let Head { size, root } = beginning.head;
    v1::Beginning { size: size.value(), root: bytes_of(&root), hashes: frame::hashes(&beginning.proof) }
}

fn update_of(message: v1::HeadUpdate) -> Result<HeadUpdate, InvalidMessage> {
    let origin = origin_of("head_update.origin_digest", &message.origin_digest)?;
    let content = message.content.ok_or(InvalidMessage::Missing { field: "head_update.content" })?;
    let beginning = message.beginning.as_ref().map(beginning_of).transpose()?;
    let news = match content {
        Content::Checkpoint(v1::Checkpoint { note }) => {
            let note = field::checkpoint("checkpoint.note", &note)?;
            if OriginDigest::of_text(note.checkpoint().origin()) != origin {
                return Err(InvalidMessage::Contradicts { field: "checkpoint.note" });
            }
            HeadNews::Checkpoint { note, beginning }
        }
        Content::Lines(_) if beginning.is_some() => {
            return Err(InvalidMessage::Contradicts { field: "head_update.beginning" });
        }
        Content::Lines(v1::SignatureLines { lines, since_generation }) => {
            field::count(LINES, lines.len(), 0, NOTE_SIGNATURES_MAX)?;
            let lines: Result<Vec<SignatureLine>, _> = lines.iter().map(|line| line.parse()).collect();
            let lines = lines.map_err(|_| InvalidMessage::Malformed { field: LINES })?;
            HeadNews::Lines { since: Generation::new(since_generation), lines }
        }
    };
    Ok(HeadUpdate { origin, generation: Generation::new(message.generation), news })
}

fn update_message(update: &HeadUpdate) -> v1::HeadUpdate {
    let (content, beginning) = match &update.news {
        HeadNews::Checkpoint { note, beginning } => {
            (Content::Checkpoint(note.into()), beginning.as_ref().map(beginning_message))
        }
        HeadNews::Lines { since, lines } => {
            let lines = lines.iter().map(SignatureLine::to_string).collect();
            (Content::Lines(v1::SignatureLines { lines, since_generation: since.value() }), None)
        }
    };
    v1::HeadUpdate {
        origin_digest: origin_bytes(&update.origin),
        generation: update.generation.value(),
        content: Some(content),
        beginning,
    }
}

#[cfg(test)]
mod tests;
