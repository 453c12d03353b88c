//! Comparing heads: digests of what each side holds, and the news that follow from them.
//!
//! What to make of a note that contradicts another is `ledger`'s.

use bytes::Bytes;
use comity_ledger::{Head, Origin};
use comity_tlog::{Hash, NOTE_SIGNATURES_MAX, SignatureLine, SignedCheckpoint};

use crate::v1::head_update::Content;
use crate::{InvalidMessage, field, v1};

/// Most digests of one exchange: 64 peers with 64 origins each.
pub const HEAD_DIGESTS_MAX: usize = 4_096;

/// Most news of one exchange: usual notes are under 2 KiB, so that they fit a message with room for long ones.
pub const HEAD_UPDATES_MAX: usize = 64;

const DIGESTS: &str = "exchange_heads.digests";
const UPDATES: &str = "exchange_heads.updates";
const DIGEST: &str = "head_digest.origin_digest";
const LINES: &str = "signature_lines.lines";

/// The first 16 bytes of SHA-256 of an origin: the name of a log to those who know it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginDigest([u8; Self::BYTES]);

impl OriginDigest {
    /// Bytes of a digest.
    pub const BYTES: usize = 16;

    /// The digest of an origin.
    pub fn of(origin: &Origin) -> Self {
        Self::of_text(origin.as_str())
    }

    fn of_text(origin: &str) -> Self {
        let mut bytes = [0; Self::BYTES];
        for (into, from) in bytes.iter_mut().zip(Hash::digest(origin.as_bytes()).as_bytes()) {
            *into = *from;
        }
        Self(bytes)
    }

    fn read(field: &'static str, bytes: &[u8]) -> Result<Self, InvalidMessage> {
        field::array(field, bytes).map(Self)
    }

    fn to_bytes(self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }
}

/// How many signature lines a node ever added to its notes of one log; never goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// Takes a count.
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The count.
    pub const fn value(self) -> u64 {
        self.0
    }
}

/// What one side holds of one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadDigest {
    /// The log.
    pub origin: OriginDigest,
    /// Its newest head.
    pub head: Head,
    /// The sender's generation.
    pub generation: Generation,
    /// The receiver's generation that the sender has seen.
    pub seen: Generation,
}

/// News of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadUpdate {
    /// The log.
    pub origin: OriginDigest,
    /// The sender's generation with this news.
    pub generation: Generation,
    /// The news.
    pub news: HeadNews,
}

/// What is new; unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeadNews {
    /// A checkpoint that the receiver lacks.
    Checkpoint(SignedCheckpoint),
    /// Lines for the checkpoint that both hold.
    Lines(Vec<SignatureLine>),
}

/// One side of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    digests: Vec<HeadDigest>,
    updates: Vec<HeadUpdate>,
}

impl Heads {
    /// Takes digests, which are put in order, and news.
    ///
    /// # Errors
    /// An [`InvalidMessage`] if there are too many of either, or two digests of one log.
    pub fn new(mut digests: Vec<HeadDigest>, updates: Vec<HeadUpdate>) -> Result<Self, InvalidMessage> {
        digests.sort_by_key(|digest| digest.origin);
        Self::checked(digests, updates)
    }

    /// The digests, ascending by origin digest.
    pub fn digests(&self) -> &[HeadDigest] {
        &self.digests
    }

    /// The news.
    pub fn updates(&self) -> &[HeadUpdate] {
        &self.updates
    }

    fn checked(digests: Vec<HeadDigest>, updates: Vec<HeadUpdate>) -> Result<Self, InvalidMessage> {
        field::count(DIGESTS, digests.len(), 0, HEAD_DIGESTS_MAX)?;
        field::count(UPDATES, updates.len(), 0, HEAD_UPDATES_MAX)?;
        if digests.iter().zip(digests.iter().skip(1)).any(|(one, next)| one.origin >= next.origin) {
            return Err(InvalidMessage::Contradicts { field: DIGESTS });
        }
        Ok(Self { digests, updates })
    }

    fn read(digests: &[v1::HeadDigest], updates: Vec<v1::HeadUpdate>) -> Result<Self, InvalidMessage> {
        field::count(DIGESTS, digests.len(), 0, HEAD_DIGESTS_MAX)?;
        field::count(UPDATES, updates.len(), 0, HEAD_UPDATES_MAX)?;
        let digests = digests.iter().map(HeadDigest::try_from).collect::<Result<_, _>>()?;
        let updates = updates.into_iter().map(HeadUpdate::try_from).collect::<Result<_, _>>()?;
        Self::checked(digests, updates)
    }
}

impl TryFrom<v1::ExchangeHeadsRequest> for Heads {
    type Error = InvalidMessage;

    fn try_from(message: v1::ExchangeHeadsRequest) -> Result<Self, InvalidMessage> {
        Self::read(&message.digests, message.updates)
    }
}

impl TryFrom<v1::ExchangeHeadsResponse> for Heads {
    type Error = InvalidMessage;

    fn try_from(message: v1::ExchangeHeadsResponse) -> Result<Self, InvalidMessage> {
        Self::read(&message.digests, message.updates)
    }
}

impl From<&Heads> for v1::ExchangeHeadsRequest {
    fn from(heads: &Heads) -> Self {
        Self {
            digests: heads.digests.iter().map(v1::HeadDigest::from).collect(),
            updates: heads.updates.iter().map(v1::HeadUpdate::from).collect(),
        }
    }
}

impl From<&Heads> for v1::ExchangeHeadsResponse {
    fn from(heads: &Heads) -> Self {
        let v1::ExchangeHeadsRequest { digests, updates } = heads.into();
        Self { digests, updates }
    }
}

impl TryFrom<&v1::HeadDigest> for HeadDigest {
    type Error = InvalidMessage;

    fn try_from(message: &v1::HeadDigest) -> Result<Self, InvalidMessage> {
        Ok(Self {
            origin: OriginDigest::read(DIGEST, &message.origin_digest)?,
            head: Head {
                size: field::size("head_digest.size", message.size)?,
                root: field::hash("head_digest.root", &message.root)?,
            },
            generation: Generation(message.generation),
            seen: Generation(message.seen_generation),
        })
    }
}

impl From<&HeadDigest> for v1::HeadDigest {
    fn from(digest: &HeadDigest) -> Self {
        Self {
            origin_digest: digest.origin.to_bytes(),
            size: digest.head.size.value(),
            root: Bytes::copy_from_slice(digest.head.root.as_bytes()),
            generation: digest.generation.0,
            seen_generation: digest.seen.0,
        }
    }
}

impl TryFrom<v1::HeadUpdate> for HeadUpdate {
    type Error = InvalidMessage;

    fn try_from(message: v1::HeadUpdate) -> Result<Self, InvalidMessage> {
        let origin = OriginDigest::read("head_update.origin_digest", &message.origin_digest)?;
        let content = message.content.ok_or(InvalidMessage::Missing { field: "head_update.content" })?;
        let news = match content {
            Content::Checkpoint(v1::Checkpoint { note }) => {
                let checkpoint = field::checkpoint("checkpoint.note", &note)?;
                if OriginDigest::of_text(checkpoint.checkpoint().origin()) != origin {
                    return Err(InvalidMessage::Contradicts { field: "checkpoint.note" });
                }
                HeadNews::Checkpoint(checkpoint)
            }
            Content::Lines(v1::SignatureLines { lines }) => {
                field::count(LINES, lines.len(), 1, NOTE_SIGNATURES_MAX)?;
                let lines: Result<Vec<SignatureLine>, _> = lines.iter().map(|line| line.parse()).collect();
                HeadNews::Lines(lines.map_err(|_| InvalidMessage::Malformed { field: LINES })?)
            }
        };
        Ok(Self { origin, generation: Generation(message.generation), news })
    }
}

impl From<&HeadUpdate> for v1::HeadUpdate {
    fn from(update: &HeadUpdate) -> Self {
        let content = match &update.news {
            HeadNews::Checkpoint(checkpoint) => Content::Checkpoint(checkpoint.into()),
            HeadNews::Lines(lines) => Content::Lines(v1::SignatureLines {
                lines: lines.iter().map(SignatureLine::to_string).collect(),
            }),
        };
        Self {
            origin_digest: update.origin.to_bytes(),
            generation: update.generation.0,
            content: Some(content),
        }
    }
}

#[cfg(test)]
mod tests;
