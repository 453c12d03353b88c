//! Entry 0 of every origin: who the author is, under which suite, with which keys.

use comity_tlog::VerifierKey;
use minicbor::{Decoder, Encoder};

use crate::{AgencyId, Draft, Entry, EntryError, Kind};

/// Ed25519 with SHA-256, the only suite; another suite is another origin, nothing is negotiated.
const SUITE_ED25519_SHA256: u8 = 1;

/// Bytes of a raw public key in a public body: type byte and 32 bytes.
const RAW_KEY_BYTES: usize = 33;

/// What entry 0 states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    agency: AgencyId,
    root_key: [u8; RAW_KEY_BYTES],
    log_key: [u8; RAW_KEY_BYTES],
}

impl Genesis {
    /// The genesis of a log; both keys are Ed25519.
    ///
    /// # Errors
    /// [`EntryError::Genesis`] if a key is not 33 raw bytes (type and Ed25519 key).
    pub fn new(agency: AgencyId, root: &VerifierKey, log: &VerifierKey) -> Result<Self, EntryError> {
        Ok(Self { agency, root_key: raw(root)?, log_key: raw(log)? })
    }

    /// The agency that owns the log.
    pub fn agency(&self) -> &AgencyId {
        &self.agency
    }

    /// Whether the log key of this genesis is the given one.
    pub fn names_log_key(&self, key: &VerifierKey) -> bool {
        raw(key).is_ok_and(|bytes| bytes == self.log_key)
    }

    /// Whether the root key of this genesis is the given one.
    pub fn names_root_key(&self, key: &VerifierKey) -> bool {
        raw(key).is_ok_and(|bytes| bytes == self.root_key)
    }

    /// The draft of entry 0.
    pub fn draft(&self) -> Draft {
        Draft::new(Kind::Genesis, None).with_public_body(self.to_body())
    }

    /// Reads the public body of entry 0.
    ///
    /// # Errors
    /// [`EntryError::Genesis`] if the entry is of another kind, or its body is not exactly the one encoding.
    pub fn from_entry(entry: &Entry) -> Result<Self, EntryError> {
        if entry.kind() != Kind::Genesis {
            return Err(EntryError::Genesis { reason: "entry 0 is of another kind" });
        }
        let genesis =
            decode(entry.public_body()).ok_or(EntryError::Genesis { reason: "fields do not read" })?;
        if genesis.to_body() == entry.public_body() {
            Ok(genesis)
        } else {
            Err(EntryError::Genesis { reason: "not the deterministic encoding" })
        }
    }

    /// `{1: agency id, 2: suite, 3: root key, 4: log key}`, keys as type ‖ key; RFC 8949 §4.2.1.
    fn to_body(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        // Writing to a vector cannot fail; a short body would be refused by every reader.
        let written = encoder
            .map(4)
            .and_then(|e| e.u8(1)?.str(self.agency.as_str()))
            .and_then(|e| e.u8(2)?.u8(SUITE_ED25519_SHA256))
            .and_then(|e| e.u8(3)?.bytes(&self.root_key))
            .and_then(|e| e.u8(4)?.bytes(&self.log_key))
            .map(|_| ());
        if written.is_ok() { encoder.into_writer() } else { Vec::new() }
    }
}

fn decode(body: &[u8]) -> Option<Genesis> {
    let mut decoder = Decoder::new(body);
    (decoder.map().ok()? == Some(4)).then_some(())?;
    (decoder.u8().ok()? == 1).then_some(())?;
    let agency = decoder.str().ok()?.parse().ok()?;
    (decoder.u8().ok()? == 2 && decoder.u8().ok()? == SUITE_ED25519_SHA256).then_some(())?;
    (decoder.u8().ok()? == 3).then_some(())?;
    let root_key = decoder.bytes().ok()?.try_into().ok()?;
    (decoder.u8().ok()? == 4).then_some(())?;
    let log_key = decoder.bytes().ok()?.try_into().ok()?;
    Some(Genesis { agency, root_key, log_key })
}

fn raw(key: &VerifierKey) -> Result<[u8; RAW_KEY_BYTES], EntryError> {
    key.typed_key().try_into().map_err(|_| EntryError::Genesis { reason: "a key is not an Ed25519 key" })
}
