//! The envelope of an entry: the bytes that are hashed into the log.
//!
//! Nothing personal stands in it: a random id, a coarse kind, a claimed time and commitments. The content lives
//! outside the tree, in openings.

use bytes::Bytes;
use comity_tlog::{EntryIndex, Hash};

use crate::commitment::CommitmentContext;
use crate::{Commitment, EntryError, Kind, Origin, Slot};

/// Most bytes of an entry: the envelope of the widest kind (8 slots, 301 B) with room for a public body.
pub const ENTRY_BYTES_MAX: usize = 440;

/// The only version of the envelope.
pub const ENTRY_VERSION: u8 = 1;

/// Bytes before the commitments: version, kind, id, author_time, about, count.
const HEAD_BYTES: usize = 1 + 1 + EntryId::LEN + 8 + 8 + 1;
/// Bytes of one slot and its commitment.
const COMMITMENT_BYTES: usize = 1 + Commitment::LEN;

/// The random identifier of an entry; it binds the commitments to this entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId([u8; EntryId::LEN]);

impl EntryId {
    /// Bytes of an identifier.
    pub const LEN: usize = 16;

    /// An identifier of these random bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The bytes that stand in the entry.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

/// A time as an author claims it: seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuthorTime(u64);

impl AuthorTime {
    /// A time of this many seconds since 1970-01-01 UTC.
    pub const fn from_unix_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// Seconds since 1970-01-01 UTC.
    pub const fn unix_secs(self) -> u64 {
        self.0
    }
}

/// The fields of an entry, read or about to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(crate) kind: Kind,
    pub(crate) id: EntryId,
    pub(crate) author_time: AuthorTime,
    pub(crate) about: Option<EntryIndex>,
    pub(crate) commitments: Vec<(Slot, Commitment)>,
    pub(crate) public_body: Vec<u8>,
}

impl Entry {
    /// What the entry is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The random identifier.
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// The time that the author claims.
    pub fn author_time(&self) -> AuthorTime {
        self.author_time
    }

    /// The earlier entry that this one changes or acts upon.
    pub fn about(&self) -> Option<EntryIndex> {
        self.about
    }

    /// The commitments, slots ascending.
    pub fn commitments(&self) -> &[(Slot, Commitment)] {
        &self.commitments
    }

    /// The commitment to one slot.
    pub fn commitment(&self, slot: Slot) -> Option<Commitment> {
        self.commitments.iter().find(|(s, _)| *s == slot).map(|(_, c)| *c)
    }

    /// The bytes readable by everyone; empty for most kinds.
    pub fn public_body(&self) -> &[u8] {
        &self.public_body
    }

    /// What the commitments of this entry are bound to in a log.
    pub fn commitment_context<'a>(&self, origin: &'a Origin) -> CommitmentContext<'a> {
        CommitmentContext {
            origin,
            version: ENTRY_VERSION,
            kind: self.kind,
            id: self.id,
            about: about_field(self.about),
        }
    }

    /// The entry as bytes.
    ///
    /// `u8 version=1 | u8 kind | [16] entry_id | u64 author_time | u64 about | u8 n | n × (u8 slot, [32]
    /// commitment) | u16 len | public_body`, integers big-endian.
    ///
    /// # Errors
    /// [`EntryError::TooLong`] if it would be longer than [`ENTRY_BYTES_MAX`].
    pub(crate) fn encode(&self) -> Result<EntryBytes, EntryError> {
        let len = HEAD_BYTES + self.commitments.len() * COMMITMENT_BYTES + 2 + self.public_body.len();
        let too_long = EntryError::TooLong { len };
        if len > ENTRY_BYTES_MAX {
            return Err(too_long);
        }
        let Ok(count) = u8::try_from(self.commitments.len()) else { return Err(too_long) };
        let Ok(body_len) = u16::try_from(self.public_body.len()) else { return Err(too_long) };
        let mut bytes = Vec::with_capacity(len);
        bytes.extend_from_slice(&[ENTRY_VERSION, self.kind.code()]);
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.author_time.unix_secs().to_be_bytes());
        bytes.extend_from_slice(&about_field(self.about).to_be_bytes());
        bytes.push(count);
        for (slot, commitment) in &self.commitments {
            bytes.push(slot.number());
            bytes.extend_from_slice(commitment.as_bytes());
        }
        bytes.extend_from_slice(&body_len.to_be_bytes());
        bytes.extend_from_slice(&self.public_body);
        Ok(EntryBytes(bytes.into()))
    }

    /// Reads an entry.
    ///
    /// Kinds and slots that this version does not know are kept. A known kind must commit to each slot of its
    /// set, may not use another known slot, and has a public body only where its kind says so.
    ///
    /// # Errors
    /// An [`EntryError`] that names the first thing wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        let Envelope { kind, id, author_time, about, commitments, public_body } = Envelope::read(bytes)?;
        let commitments = commitments
            .iter()
            .map(|[slot, commitment @ ..]| (Slot::new(*slot), Commitment::from_bytes(*commitment)));
        let commitments = commitments.collect();
        Ok(Self { kind, id, author_time, about, commitments, public_body: public_body.to_vec() })
    }

    /// What the entry of these bytes is, if they are one: nothing is copied.
    ///
    /// # Errors
    /// As [`Entry::parse`].
    pub fn kind_of(bytes: &[u8]) -> Result<Kind, EntryError> {
        Envelope::read(bytes).map(|envelope| envelope.kind)
    }

    pub(crate) fn check_shape(&self) -> Result<(), EntryError> {
        let slots = self.commitments.iter().map(|(slot, _)| *slot);
        check_shape(self.kind, slots, &self.public_body)
    }
}

/// The fields of an entry where they stand, checked.
struct Envelope<'a> {
    kind: Kind,
    id: EntryId,
    author_time: AuthorTime,
    about: Option<EntryIndex>,
    commitments: &'a [[u8; COMMITMENT_BYTES]],
    public_body: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(EntryError::TooLong { len: bytes.len() });
        }
        let mut rest = Reader(bytes);
        let [version] = rest.take()?;
        if version != ENTRY_VERSION {
            return Err(EntryError::Version { version });
        }
        let [code] = rest.take()?;
        let id = EntryId(rest.take()?);
        let author_time = AuthorTime(u64::from_be_bytes(rest.take()?));
        let about = match u64::from_be_bytes(rest.take()?) {
            0 => None,
            field => Some(EntryIndex::new(field - 1).map_err(|_| EntryError::About { field })?),
        };
        let [count] = rest.take()?;
        let mut last: Option<u8> = None;
        let (held, mut after) = (rest.0, rest);
        for _ in 0..count {
            let [slot, ..] = after.take::<COMMITMENT_BYTES>()?;
            if last.is_some_and(|last| last >= slot) {
                return Err(EntryError::SlotOrder { slot });
            }
            last = Some(slot);
        }
        let mut rest = after;
        let (commitments, _) = held.as_chunks::<COMMITMENT_BYTES>();
        let commitments = commitments.get(..usize::from(count)).ok_or(EntryError::Truncated)?;
        let body_len = usize::from(u16::from_be_bytes(rest.take()?));
        let public_body = rest.0;
        if public_body.len() < body_len {
            return Err(EntryError::Truncated);
        }
        if public_body.len() > body_len {
            return Err(EntryError::Trailing { bytes: public_body.len() - body_len });
        }
        let kind = Kind::from_code(code);
        check_shape(kind, commitments.iter().map(|[slot, ..]| Slot::new(*slot)), public_body)?;
        Ok(Self { kind, id, author_time, about, commitments, public_body })
    }
}

/// Whether an entry of a known kind commits to the slots of its kind, and has a public body where its kind says so.
fn check_shape(kind: Kind, slots: impl Iterator<Item = Slot>, public_body: &[u8]) -> Result<(), EntryError> {
    let Some(expected) = kind.slots() else { return Ok(()) };
    if !slots.filter(|slot| *slot <= Slot::TAGS).eq(expected.iter().copied()) {
        return Err(EntryError::SlotSet { kind: kind.name() });
    }
    if kind.has_public_body() == public_body.is_empty() {
        return Err(EntryError::PublicBody { kind: kind.name() });
    }
    Ok(())
}

fn about_field(about: Option<EntryIndex>) -> u64 {
    about.map_or(0, |index| index.value().saturating_add(1))
}

/// An entry as its author wrote it; these bytes are hashed, kept and relayed, never written anew. They may share the
/// memory in which they came with others: whoever keeps them for long copies them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryBytes(Bytes);

impl EntryBytes {
    /// Takes bytes that parse as an entry.
    ///
    /// # Errors
    /// As [`Entry::parse`].
    pub fn new(bytes: impl Into<Bytes>) -> Result<Self, EntryError> {
        let bytes = bytes.into();
        Envelope::read(&bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, to be shared.
    pub fn to_shared(&self) -> Bytes {
        self.0.clone()
    }

    /// What the entry is, without reading the rest of it.
    pub fn kind(&self) -> Kind {
        Kind::from_code(self.0.get(1).copied().unwrap_or_default())
    }

    /// The leaf hash: RFC 6962 §2.1, SHA-256(0x00 ‖ entry).
    pub fn leaf_hash(&self) -> Hash {
        Hash::leaf(&self.0)
    }

    /// The fields.
    ///
    /// # Errors
    /// None in practice: the bytes were parsed when taken.
    pub fn parse(&self) -> Result<Entry, EntryError> {
        Entry::parse(&self.0)
    }
}

/// The bytes not yet read.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], EntryError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(EntryError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }
}
