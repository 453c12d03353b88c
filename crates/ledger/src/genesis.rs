//! Entry 0 of every origin: who the author is, under which suite, with which keys; and of a successor, what log it goes
//! on from.

use comity_tlog::{Hash, KeyKind, KeyName, SigningKey, Statement, TreeSize, VerifierKey};
use minicbor::{Decoder, Encoder};

use crate::{AgencyId, Draft, Entry, EntryError, Head, Kind, Origin};

/// Ed25519 with SHA-256, the only suite; another suite is another origin, nothing is negotiated.
const SUITE_ED25519_SHA256: u8 = 1;

/// Bytes of a raw public key in a public body: type byte and 32 bytes.
const RAW_KEY_BYTES: usize = 33;

/// The domain of what the root key signs of a successor.
const SUCCESSOR_DOMAIN: &str = "comity/successor/v1";

/// What entry 0 states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    agency: AgencyId,
    root_key: [u8; RAW_KEY_BYTES],
    log_key: [u8; RAW_KEY_BYTES],
    succession: Option<Succession>,
}

/// What a successor goes on from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succession {
    origin: Origin,
    last_good: Head,
    signature: [u8; Statement::SIGNATURE_BYTES],
}

impl Succession {
    /// The log that is closed.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its last good checkpoint: what was signed beyond it is void.
    pub fn last_good(&self) -> Head {
        self.last_good
    }
}

impl Genesis {
    /// The genesis of a log; both keys are Ed25519.
    ///
    /// # Errors
    /// [`EntryError::Genesis`] if a key is not 33 raw bytes (type and Ed25519 key).
    pub fn new(agency: AgencyId, root: &VerifierKey, log: &VerifierKey) -> Result<Self, EntryError> {
        Ok(Self { agency, root_key: raw(root)?, log_key: raw(log)?, succession: None })
    }

    /// The genesis of the successor of a publication log, signed by the root key that both have.
    ///
    /// # Errors
    /// [`EntryError::Genesis`] if a key is not an Ed25519 key, or the log can have no successor.
    pub fn succeeding(
        closed: &Origin,
        last_good: Head,
        root: &SigningKey,
        log: &VerifierKey,
    ) -> Result<Self, EntryError> {
        let refuse = EntryError::Genesis { reason: "the log can have no successor" };
        let successor = closed.successor().ok_or(refuse)?;
        let mut genesis = Self::new(closed.agency().clone(), root.verifier(), log)?;
        let unsigned = Succession { origin: closed.clone(), last_good, signature: [0; 64] };
        let signature = genesis.statement(&successor, &unsigned).sign(root);
        genesis.succession = Some(Succession { signature, ..unsigned });
        Ok(genesis)
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

    /// The root key, if it is one that can verify anything.
    pub fn root_key(&self) -> Option<VerifierKey> {
        let name = KeyName::new(&format!("{}/root", self.agency)).ok()?;
        let key = VerifierKey::from_typed_key(name, &self.root_key).ok()?;
        (key.kind() == KeyKind::Ed25519).then_some(key)
    }

    /// The log key, named after the log, if it is one that can verify a checkpoint.
    pub fn log_key(&self, origin: &Origin) -> Option<VerifierKey> {
        let name = KeyName::new(origin.as_str()).ok()?;
        let key = VerifierKey::from_typed_key(name, &self.log_key).ok()?;
        (key.kind() == KeyKind::Ed25519).then_some(key)
    }

    /// The log that this one goes on from, if it is a successor.
    pub fn succession(&self) -> Option<&Succession> {
        self.succession.as_ref()
    }

    /// Whether this can be the genesis of `origin` as far as the root key must have signed it: that of a successor, and
    /// for no other log.
    pub(crate) fn is_vouched_for(&self, origin: &Origin) -> bool {
        let Some(succession) = &self.succession else { return true };
        let root = self.root_key();
        root.is_some_and(|root| self.statement(origin, succession).is_signed_by(&root, &succession.signature))
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
        Self::from_body(entry.public_body())
    }

    /// Reads a public body of entry 0.
    pub(crate) fn from_body(body: &[u8]) -> Result<Self, EntryError> {
        let genesis = decode(body).ok_or(EntryError::Genesis { reason: "fields do not read" })?;
        if genesis.to_body() == body {
            Ok(genesis)
        } else {
            Err(EntryError::Genesis { reason: "not the deterministic encoding" })
        }
    }

    /// `u16 length ‖ origin of the successor ‖ the body without the signature`.
    fn statement(&self, successor: &Origin, succession: &Succession) -> Statement {
        let body = self.encoded(5, Some((succession, None)));
        // An origin has at most 127 bytes.
        let len = u16::try_from(successor.as_str().len()).unwrap_or(u16::MAX).to_be_bytes();
        Statement::new(SUCCESSOR_DOMAIN, &[&len, successor.as_str().as_bytes(), &body].concat())
    }

    pub(crate) fn to_body(&self) -> Vec<u8> {
        match &self.succession {
            None => self.encoded(4, None),
            Some(succession) => self.encoded(6, Some((succession, Some(&succession.signature)))),
        }
    }

    /// `{1: agency id, 2: suite, 3: root key, 4: log key}`, keys as type ‖ key, and of a successor `5: [origin, size,
    /// root], 6: signature`; RFC 8949 §4.2.1.
    fn encoded(&self, fields: u64, succession: Option<(&Succession, Option<&[u8; 64]>)>) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        // Writing to a vector cannot fail; a short body would be refused by every reader.
        let written = encoder
            .map(fields)
            .and_then(|e| e.u8(1)?.str(self.agency.as_str()))
            .and_then(|e| e.u8(2)?.u8(SUITE_ED25519_SHA256))
            .and_then(|e| e.u8(3)?.bytes(&self.root_key))
            .and_then(|e| e.u8(4)?.bytes(&self.log_key))
            .and_then(|e| {
                let Some((succession, signature)) = succession else { return Ok(e) };
                let Succession { origin, last_good, .. } = succession;
                e.u8(5)?.array(3)?.str(origin.as_str())?.u64(last_good.size.value())?;
                e.bytes(last_good.root.as_bytes())?;
                signature.map_or(Ok(()), |signature| e.u8(6)?.bytes(signature).map(|_| ()))?;
                Ok(e)
            })
            .map(|_| ());
        if written.is_ok() { encoder.into_writer() } else { Vec::new() }
    }
}

fn decode(body: &[u8]) -> Option<Genesis> {
    let mut decoder = Decoder::new(body);
    let fields = decoder.map().ok()??;
    (decoder.u8().ok()? == 1).then_some(())?;
    let agency = decoder.str().ok()?.parse().ok()?;
    (decoder.u8().ok()? == 2 && decoder.u8().ok()? == SUITE_ED25519_SHA256).then_some(())?;
    (decoder.u8().ok()? == 3).then_some(())?;
    let root_key = decoder.bytes().ok()?.try_into().ok()?;
    (decoder.u8().ok()? == 4).then_some(())?;
    let log_key = decoder.bytes().ok()?.try_into().ok()?;
    let succession = match fields {
        4 => None,
        6 => Some(decode_succession(&mut decoder)?),
        _ => return None,
    };
    Some(Genesis { agency, root_key, log_key, succession })
}

fn decode_succession(decoder: &mut Decoder<'_>) -> Option<Succession> {
    (decoder.u8().ok()? == 5 && decoder.array().ok()?? == 3).then_some(())?;
    let origin = decoder.str().ok()?.parse().ok()?;
    let size = TreeSize::new(decoder.u64().ok()?).ok()?;
    let root = Hash::from_bytes(decoder.bytes().ok()?.try_into().ok()?);
    (decoder.u8().ok()? == 6).then_some(())?;
    let signature = decoder.bytes().ok()?.try_into().ok()?;
    Some(Succession { origin, last_good: Head { size, root }, signature })
}

fn raw(key: &VerifierKey) -> Result<[u8; RAW_KEY_BYTES], EntryError> {
    key.typed_key().try_into().map_err(|_| EntryError::Genesis { reason: "a key is not an Ed25519 key" })
}
