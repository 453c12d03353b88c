//! Key events: what the public body of a `key` entry says, and who signed it.
//!
//! Not here: what an event changes, which hangs on what stands before it in the log (`key_history`).

use comity_tlog::{Hash, SigningKey, Statement, TreeSize, VerifierKey};
use minicbor::{Decoder, Encoder};

use crate::{Draft, Entry, Head, KeyFinding, KeyRole, Kind, Origin, RoleKey};

/// The domain of what is signed; `docs/protocol.md`.
const DOMAIN: &str = "comity/key/v1";
/// Bytes of a signature.
const SIGNATURE: usize = Statement::SIGNATURE_BYTES;

/// What happens to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyAct {
    /// It is in force from the tree that has this event as its last entry on.
    Add {
        /// The log key in force that stands for the author; of a new log key the old one.
        by: RoleKey,
    },
    /// It is in force no more, from that tree on; what it signed before stays good.
    Retire {
        /// A log key that stays in force.
        by: RoleKey,
    },
    /// What it signed beyond a tree of the log is void.
    Revoke {
        /// The last good checkpoint: the last that a quorum has cosigned.
        last_good: Head,
    },
}

impl KeyAct {
    const fn code(&self) -> u8 {
        match self {
            Self::Add { .. } => 1,
            Self::Retire { .. } => 2,
            Self::Revoke { .. } => 3,
        }
    }

    /// The word for it, in reports.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Retire { .. } => "retire",
            Self::Revoke { .. } => "revoke",
        }
    }

    /// The log key that stands for the author, where one must.
    pub fn by(&self) -> Option<&RoleKey> {
        match self {
            Self::Add { by } | Self::Retire { by } => Some(by),
            Self::Revoke { .. } => None,
        }
    }
}

/// A key event that nobody has signed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsignedKeyEvent {
    key: RoleKey,
    act: KeyAct,
}

/// The secret keys that sign a key event.
#[derive(Clone, Copy, Debug)]
pub struct KeyEventSigners<'a> {
    /// The offline root key.
    pub root: &'a SigningKey,
    /// The log key that stands for the author; a revocation has none.
    pub by: Option<&'a SigningKey>,
    /// The key itself: of a key that is added, to show that it is held, and of a log key that is retired.
    pub own: Option<&'a SigningKey>,
}

impl UnsignedKeyEvent {
    /// What is to happen to which key.
    pub fn new(key: RoleKey, act: KeyAct) -> Self {
        Self { key, act }
    }

    /// Signs the event for one log.
    ///
    /// # Errors
    /// [`KeyFinding::Unsigned`] if a key is missing that must sign, or another one was given.
    pub fn sign(self, origin: &Origin, signers: KeyEventSigners<'_>) -> Result<KeyEvent, KeyFinding> {
        let message = self.message(origin);
        let line = |named: Option<&RoleKey>, key: Option<&SigningKey>, signer| match (named, key) {
            (None, _) => Ok(None),
            (Some(named), Some(key)) if key.verifier().typed_key() == named.as_bytes() => {
                Ok(Some(message.sign(key)))
            }
            (Some(_), _) => Err(KeyFinding::Unsigned { signer }),
        };
        let by = line(self.act.by(), signers.by, AUTHOR)?;
        let own = line(self.own_signer(), signers.own, ITSELF)?;
        Ok(KeyEvent { root: message.sign(signers.root), by, own, event: self })
    }

    /// The key itself, if it must sign: to be added it shows that it is held, and a log key retires by its own word. A
    /// TLS authority signs nothing but TLS, and whether a key of another role can still sign is no matter when it goes.
    fn own_signer(&self) -> Option<&RoleKey> {
        let signs = match (&self.act, self.key.role()) {
            (KeyAct::Revoke { .. }, _) | (_, KeyRole::TlsAuthority) => false,
            (KeyAct::Add { .. }, _) | (KeyAct::Retire { .. }, KeyRole::Log) => true,
            (KeyAct::Retire { .. }, _) => false,
        };
        signs.then_some(&self.key)
    }

    /// `u16 length ‖ origin ‖ the body without its signatures`: an event of one log is none of another.
    fn message(&self, origin: &Origin) -> Statement {
        let body = self.to_body(&[]);
        // An origin has at most 127 bytes.
        let len = u16::try_from(origin.as_str().len()).unwrap_or(u16::MAX).to_be_bytes();
        Statement::new(DOMAIN, &[&len, origin.as_str().as_bytes(), &body].concat())
    }

    /// `docs/keys.cddl`; RFC 8949 §4.2.1.
    fn to_body(&self, signatures: &[(u8, &[u8; SIGNATURE])]) -> Vec<u8> {
        let fields = match &self.act {
            KeyAct::Add { .. } | KeyAct::Retire { .. } => 4,
            KeyAct::Revoke { .. } => 5,
        };
        let count = u64::try_from(signatures.len()).unwrap_or(0).saturating_add(fields);
        let mut encoder = Encoder::new(Vec::new());
        // Writing to a vector cannot fail; a short body would be refused by every reader.
        let mut written = encoder
            .map(count)
            .and_then(|e| e.u8(1)?.u8(self.act.code()))
            .and_then(|e| e.u8(2)?.u8(self.key.role().code()))
            .and_then(|e| e.u8(3)?.bytes(self.key.as_bytes()))
            .and_then(|e| match &self.act {
                KeyAct::Add { by } | KeyAct::Retire { by } => e.u8(4)?.bytes(by.as_bytes()),
                KeyAct::Revoke { last_good } => {
                    e.u8(5)?.u64(last_good.size.value())?.u8(6)?.bytes(last_good.root.as_bytes())
                }
            })
            .map(|_| ());
        for (number, signature) in signatures {
            written = written.and_then(|()| encoder.u8(*number)?.bytes(*signature).map(|_| ()));
        }
        if written.is_ok() { encoder.into_writer() } else { Vec::new() }
    }
}

/// Who signs, in words.
const ROOT: &str = "the root key";
const AUTHOR: &str = "the log key that stands for the author";
const ITSELF: &str = "the key that it is about";

/// A key event with its signatures, as it stands in an entry: not verified, and not known to change anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEvent {
    event: UnsignedKeyEvent,
    root: [u8; SIGNATURE],
    by: Option<[u8; SIGNATURE]>,
    own: Option<[u8; SIGNATURE]>,
}

impl KeyEvent {
    /// The key that it is about.
    pub fn key(&self) -> &RoleKey {
        &self.event.key
    }

    /// What happens to it.
    pub fn act(&self) -> &KeyAct {
        &self.event.act
    }

    /// The draft of its entry.
    pub fn draft(&self) -> Draft {
        Draft::new(Kind::Key, None).with_public_body(self.to_body())
    }

    /// Reads the public body of a `key` entry.
    ///
    /// # Errors
    /// [`KeyFinding::NotUnderstood`] if the entry is of another kind, or its body is not exactly the one encoding;
    /// [`KeyFinding::WrongKind`] if a key does not fit its role.
    pub fn from_entry(entry: &Entry) -> Result<Self, KeyFinding> {
        if entry.kind() != Kind::Key {
            return Err(KeyFinding::NotUnderstood { reason: "the entry is of another kind" });
        }
        Self::from_body(entry.public_body())
    }

    /// Reads a public body.
    ///
    /// # Errors
    /// As [`from_entry`](Self::from_entry).
    pub fn from_body(body: &[u8]) -> Result<Self, KeyFinding> {
        let event = decode(body)?;
        if event.to_body() == body {
            Ok(event)
        } else {
            Err(KeyFinding::NotUnderstood { reason: "not the deterministic encoding" })
        }
    }

    /// The public body.
    pub fn to_body(&self) -> Vec<u8> {
        let signatures = [(7, Some(&self.root)), (8, self.by.as_ref()), (9, self.own.as_ref())];
        let signatures: Vec<(u8, &[u8; SIGNATURE])> =
            signatures.into_iter().filter_map(|(number, signature)| Some((number, signature?))).collect();
        self.event.to_body(&signatures)
    }

    /// Checks each signature that such an event must have, for one log. Whether the signers may sign is not asked.
    ///
    /// # Errors
    /// [`KeyFinding::Unsigned`] with the first who did not sign.
    pub fn verify(&self, origin: &Origin, root: &VerifierKey) -> Result<(), KeyFinding> {
        let message = self.event.message(origin);
        if !message.is_signed_by(root, &self.root) {
            return Err(KeyFinding::Unsigned { signer: ROOT });
        }
        let check = |named: Option<&RoleKey>, signature: Option<&[u8; SIGNATURE]>, signer| {
            let Some(named) = named else {
                // A signature that nobody needs would be one that nobody checks.
                return if signature.is_none() { Ok(()) } else { Err(SUPERFLUOUS) };
            };
            let key = named.verifier(origin);
            let signed = key.zip(signature).is_some_and(|(key, made)| message.is_signed_by(&key, made));
            if signed { Ok(()) } else { Err(KeyFinding::Unsigned { signer }) }
        };
        check(self.act().by(), self.by.as_ref(), AUTHOR)?;
        check(self.event.own_signer(), self.own.as_ref(), ITSELF)
    }
}

const SUPERFLUOUS: KeyFinding = KeyFinding::NotUnderstood { reason: "a signature too many" };

const UNREAD: KeyFinding = KeyFinding::NotUnderstood { reason: "fields do not read" };

/// Reads the fields in the order of their keys.
struct Fields<'b>(Decoder<'b>);

impl<'b> Fields<'b> {
    fn expect(&mut self, key: u8) -> Result<(), KeyFinding> {
        if self.0.u8().is_ok_and(|found| found == key) { Ok(()) } else { Err(UNREAD) }
    }

    fn uint(&mut self, key: u8) -> Result<u64, KeyFinding> {
        self.expect(key)?;
        self.0.u64().map_err(|_| UNREAD)
    }

    fn bytes(&mut self, key: u8) -> Result<&'b [u8], KeyFinding> {
        self.expect(key)?;
        self.0.bytes().map_err(|_| UNREAD)
    }
}

fn decode(body: &[u8]) -> Result<KeyEvent, KeyFinding> {
    let mut fields = Fields(Decoder::new(body));
    let count = fields.0.map().ok().flatten().ok_or(UNREAD)?;
    let code = fields.uint(1)?;
    let role = u8::try_from(fields.uint(2)?).ok().and_then(KeyRole::from_code);
    let role = role.ok_or(KeyFinding::NotUnderstood { reason: "the role is not known" })?;
    let key = RoleKey::from_bytes(role, fields.bytes(3)?)?;
    let (act, read) = match code {
        1 => (KeyAct::Add { by: RoleKey::from_bytes(KeyRole::Log, fields.bytes(4)?)? }, 4),
        2 => (KeyAct::Retire { by: RoleKey::from_bytes(KeyRole::Log, fields.bytes(4)?)? }, 4),
        3 => {
            let size = TreeSize::new(fields.uint(5)?).map_err(|_| UNREAD)?;
            let root = Hash::from_bytes(fields.bytes(6)?.try_into().map_err(|_| UNREAD)?);
            (KeyAct::Revoke { last_good: Head { size, root } }, 5)
        }
        _ => return Err(KeyFinding::NotUnderstood { reason: "what is to happen is not known" }),
    };
    let mut signatures: [Option<[u8; SIGNATURE]>; 3] = [None; 3];
    for _ in read..count {
        let number = fields.0.u8().ok().and_then(|number| number.checked_sub(7)).ok_or(UNREAD)?;
        let signature = fields.0.bytes().ok().and_then(|bytes| bytes.try_into().ok());
        *signatures.get_mut(usize::from(number)).ok_or(UNREAD)? = Some(signature.ok_or(UNREAD)?);
    }
    let [root, by, own] = signatures;
    Ok(KeyEvent { event: UnsignedKeyEvent { key, act }, root: root.ok_or(UNREAD)?, by, own })
}
