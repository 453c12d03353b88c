//! The card: what an agency hands to another so that each can know the other's keys.
//!
//! Two C2SP signed notes in one text: the identity, signed by root and log key, and the contact, signed by the
//! log key alone, since addresses change more often than keys. Once the first log key was followed by another one, the
//! identity names the present one too and is signed by root and that one (`docs/decisions/0008`). A card proves nothing
//! by itself: it is pinned by its fingerprint, which two people compare by voice.

use std::collections::VecDeque;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use comity_tlog::{KeyKind, Note, NoteError, SigningKey, VerifierKey};

use crate::{AgencyId, Origin};

const IDENTITY_V1: &str = "comity/card/identity/v1";
const IDENTITY_V2: &str = "comity/card/identity/v2";
const CONTACT_V1: &str = "comity/card/contact/v1";

/// Longest card, in bytes: two notes with a certificate of at most 4 KiB.
const CARD_BYTES_MAX: usize = 32 << 10;
/// Most endpoints of one agency: a node and its stand-ins.
const ENDPOINTS_MAX: usize = 16;
/// Most roster-admin keys.
const ROSTER_ADMINS_MAX: usize = 16;
/// The protocol that this program speaks.
const PROTOCOL: &str = "1-1";
/// The terms that `peer add` on both sides puts into force; `docs/protocol.md` says what they grant.
const TERMS: &str = "default/v1";

/// The keys of an agency, by role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardIdentity {
    /// The agency.
    pub agency: AgencyId,
    /// The offline root key; signs key events only.
    pub root: VerifierKey,
    /// The key of the publication log; its name is the origin.
    pub log: VerifierKey,
    /// The key that cosigns as witness.
    pub witness: VerifierKey,
    /// The key that cosigns as mirror.
    pub mirror: VerifierKey,
    /// The key of receipts and transcripts.
    pub statement: VerifierKey,
    /// The keys that sign rosters of officers.
    pub roster_admins: Vec<VerifierKey>,
    /// The certificate of the CA that issues the agency's TLS certificates, as DER.
    pub ca: Vec<u8>,
}

impl CardIdentity {
    /// Signs the identity with root and log key; done once, at `init`, before the root key goes away.
    ///
    /// # Errors
    /// [`CardError::Note`] if a key cannot sign.
    pub fn sign(&self, root: &SigningKey, log: &SigningKey) -> Result<Vec<u8>, CardError> {
        sign_text(&self.to_text(None), root, log)
    }

    /// Signs the identity once more when another log key has followed the first: same agency, same fingerprint, and the
    /// present log key beside the first. Log key and origin of `log_now` may be those of a successor.
    ///
    /// # Errors
    /// As [`sign`](Self::sign).
    pub fn sign_again(&self, root: &SigningKey, log_now: &SigningKey) -> Result<Vec<u8>, CardError> {
        sign_text(&self.to_text(Some(log_now.verifier())), root, log_now)
    }

    fn to_text(&self, log_now: Option<&VerifierKey>) -> String {
        let version = if log_now.is_some() { IDENTITY_V2 } else { IDENTITY_V1 };
        let mut text = format!("{version}\nagency {}\n", self.agency);
        let first = [("root", &self.root), ("log", &self.log)];
        let roles = [("witness", &self.witness), ("mirror", &self.mirror), ("statement", &self.statement)];
        let log_now = log_now.map(|key| ("log-now", key));
        let admins = self.roster_admins.iter().map(|key| ("roster-admin", key));
        for (role, key) in first.into_iter().chain(log_now).chain(roles).chain(admins) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{role} {key}");
        }
        let _ = writeln!(text, "ca {}", STANDARD.encode(&self.ca));
        text
    }

    /// The identity, and the present log key if another one has followed the first.
    fn parse(text: &str) -> Result<(Self, Option<VerifierKey>), CardError> {
        let mut lines: VecDeque<&str> = text.lines().collect();
        let is_second = match lines.pop_front() {
            Some(IDENTITY_V1) => false,
            Some(IDENTITY_V2) => true,
            _ => return Err(CardError::Field { field: "version" }),
        };
        let agency = take(&mut lines, "agency")?;
        let agency = agency.parse().map_err(|_| CardError::Field { field: "agency" })?;
        let root = take_key(&mut lines, "root", KeyKind::Ed25519)?;
        let log = take_key(&mut lines, "log", KeyKind::Ed25519)?;
        let log_now = is_second.then(|| take_key(&mut lines, "log-now", KeyKind::Ed25519)).transpose()?;
        let identity = Self {
            agency,
            root,
            log,
            witness: take_key(&mut lines, "witness", KeyKind::CosignatureV1)?,
            mirror: take_key(&mut lines, "mirror", KeyKind::CosignatureV1)?,
            statement: take_key(&mut lines, "statement", KeyKind::Ed25519)?,
            roster_admins: {
                let mut admins = Vec::new();
                while lines.front().is_some_and(|line| line.starts_with("roster-admin ")) {
                    admins.push(take_key(&mut lines, "roster-admin", KeyKind::Ed25519)?);
                }
                admins
            },
            ca: {
                let encoded = take(&mut lines, "ca")?;
                STANDARD.decode(encoded).map_err(|_| CardError::Field { field: "ca" })?
            },
        };
        if identity.roster_admins.len() > ROSTER_ADMINS_MAX || !lines.is_empty() {
            return Err(CardError::Field { field: "roster-admin" });
        }
        // Unknown lines would be signed but not understood; a new line is a new version.
        if identity.to_text(log_now.as_ref()) != text {
            return Err(CardError::Field { field: "spelling" });
        }
        identity.check_names(log_now.as_ref())?;
        Ok((identity, log_now))
    }

    /// Each key is named after the agency and its role, and no public key serves two roles.
    fn check_names(&self, log_now: Option<&VerifierKey>) -> Result<(), CardError> {
        let name = |role: &str| format!("{}/{role}", self.agency);
        let log = Origin::publication(&self.agency);
        let named = [
            (&self.root, name("root"), "root"),
            (&self.log, log.to_string(), "log"),
            (&self.witness, name("witness"), "witness"),
            (&self.mirror, name("mirror"), "mirror"),
            (&self.statement, name("statement"), "statement"),
        ];
        if let Some((_, _, field)) = named.iter().find(|(key, name, _)| key.name().as_str() != name) {
            return Err(CardError::Field { field });
        }
        let is_own_log = |key: &VerifierKey| {
            let origin = key.name().as_str().parse::<Origin>();
            origin.is_ok_and(|origin| origin.agency() == &self.agency && origin.is_publication())
        };
        if log_now.is_some_and(|key| !is_own_log(key)) {
            return Err(CardError::Field { field: "log-now" });
        }
        let mut keys: Vec<&[u8]> = named.iter().map(|(key, _, _)| key.public_key()).collect();
        keys.extend(self.roster_admins.iter().chain(log_now).map(VerifierKey::public_key));
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        if keys.len() == count { Ok(()) } else { Err(CardError::SharedKey) }
    }
}

/// A card whose signatures verified with the keys that it names itself; trusted only once its fingerprint is
/// compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    identity: CardIdentity,
    log_now: Option<VerifierKey>,
    endpoints: Vec<String>,
    identity_note: Vec<u8>,
    bytes: Vec<u8>,
}

impl Card {
    /// Puts a signed identity and fresh contact lines together; `endpoints` are `host:port`.
    ///
    /// # Errors
    /// [`CardError`] if an endpoint is not well formed or the log key is not the present one of the identity.
    pub fn issue(identity_note: &[u8], endpoints: &[String], log: &SigningKey) -> Result<Self, CardError> {
        let (text, _) = identity_text(identity_note)?;
        let mut contact = format!("{CONTACT_V1}\nagency {}\n", text.agency);
        for endpoint in endpoints {
            let _ = writeln!(contact, "endpoint {endpoint}");
        }
        let _ = writeln!(contact, "protocol {PROTOCOL}\nterms {TERMS}");
        let mut bytes = identity_note.to_vec();
        bytes.push(b'\n');
        bytes.extend_from_slice(Note::sign(&contact, log)?.as_bytes());
        Self::parse(&bytes)
    }

    /// Reads a card and verifies all of its signatures.
    ///
    /// # Errors
    /// A [`CardError`] that names what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, CardError> {
        if bytes.len() > CARD_BYTES_MAX {
            return Err(CardError::TooLong { len: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| CardError::NotACard)?;
        let joint = format!("\n\n{CONTACT_V1}\n");
        let at = text.find(&joint).ok_or(CardError::NotACard)?;
        let (identity_note, rest) = text.split_at_checked(at + 1).ok_or(CardError::NotACard)?;
        let contact_note = rest.get(1..).ok_or(CardError::NotACard)?;
        let (identity, log_now) = identity_text(identity_note.as_bytes())?;
        let present = std::slice::from_ref(log_now.as_ref().unwrap_or(&identity.log));
        let contact = Note::parse(contact_note.as_bytes())?.verify(present)?;
        let endpoints = parse_contact(contact.text(), &identity.agency)?;
        Ok(Self {
            identity,
            log_now,
            endpoints,
            identity_note: identity_note.as_bytes().to_vec(),
            bytes: bytes.to_vec(),
        })
    }

    /// The keys.
    pub fn identity(&self) -> &CardIdentity {
        &self.identity
    }

    /// The log key that was present when the identity was signed: the first, or the one that the card names beside it.
    /// With which key a checkpoint is verified the log itself says.
    pub fn log_now(&self) -> &VerifierKey {
        self.log_now.as_ref().unwrap_or(&self.identity.log)
    }

    /// Where the agency's node listens, `host:port`, best first.
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// The signed identity alone, to be put into later cards.
    pub fn identity_note(&self) -> &[u8] {
        &self.identity_note
    }

    /// The card as it is handed over.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the signed identity that later cards are made of, and the log key that was present when it was signed.
///
/// # Errors
/// As [`Card::parse`].
pub fn read_identity(note: &[u8]) -> Result<(CardIdentity, VerifierKey), CardError> {
    let (identity, log_now) = identity_text(note)?;
    let present = log_now.unwrap_or_else(|| identity.log.clone());
    Ok((identity, present))
}

fn sign_text(text: &str, root: &SigningKey, log: &SigningKey) -> Result<Vec<u8>, CardError> {
    let note = Note::sign(text, root)?.merge(&Note::sign(text, log)?)?;
    Ok(note.as_bytes().to_vec())
}

/// Verifies an identity note with the root key and the log key that it names, the present one if there are two.
fn identity_text(note: &[u8]) -> Result<(CardIdentity, Option<VerifierKey>), CardError> {
    let note = Note::parse(note)?;
    let (identity, log_now) = CardIdentity::parse(note.text())?;
    let present = log_now.as_ref().unwrap_or(&identity.log).clone();
    let verified = note.verify(&[identity.root.clone(), present])?;
    // The keys differ (`check_names`), so two verified lines are one of each.
    if verified.signatures().len() == 2 { Ok((identity, log_now)) } else { Err(CardError::Unsigned) }
}

fn parse_contact(text: &str, agency: &AgencyId) -> Result<Vec<String>, CardError> {
    let mut lines: VecDeque<&str> = text.lines().collect();
    if lines.pop_front() != Some(CONTACT_V1) {
        return Err(CardError::Field { field: "version" });
    }
    if take(&mut lines, "agency")? != agency.as_str() {
        return Err(CardError::Field { field: "agency" });
    }
    let mut endpoints = Vec::new();
    while lines.front().is_some_and(|line| line.starts_with("endpoint ")) {
        let endpoint = take(&mut lines, "endpoint")?;
        let (host, port) = endpoint.rsplit_once(':').ok_or(CardError::Field { field: "endpoint" })?;
        let well_formed = !host.is_empty() && host.len() <= 255 && host.is_ascii();
        if !well_formed || port.parse::<u16>().is_err() || endpoints.len() == ENDPOINTS_MAX {
            return Err(CardError::Field { field: "endpoint" });
        }
        endpoints.push(endpoint.to_owned());
    }
    if take(&mut lines, "protocol")? != PROTOCOL {
        return Err(CardError::Field { field: "protocol" });
    }
    if take(&mut lines, "terms")? != TERMS {
        return Err(CardError::Field { field: "terms" });
    }
    if lines.is_empty() { Ok(endpoints) } else { Err(CardError::Field { field: "terms" }) }
}

fn take<'a>(lines: &mut VecDeque<&'a str>, field: &'static str) -> Result<&'a str, CardError> {
    let line = lines.pop_front().and_then(|line| line.strip_prefix(field)?.strip_prefix(' '));
    line.ok_or(CardError::Field { field })
}

fn take_key(
    lines: &mut VecDeque<&str>,
    field: &'static str,
    kind: KeyKind,
) -> Result<VerifierKey, CardError> {
    let key: VerifierKey = take(lines, field)?.parse().map_err(|_| CardError::Field { field })?;
    if key.kind() == kind { Ok(key) } else { Err(CardError::Field { field }) }
}

/// A card that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// Over the limit.
    #[error("a card of {len} bytes is over the limit of {CARD_BYTES_MAX}")]
    TooLong {
        /// Bytes found.
        len: usize,
    },
    /// Not two notes of a card.
    #[error("this is not a card")]
    NotACard,
    /// A line is missing, of another kind, or not understood.
    #[error("the card's {field} line is missing or not well formed")]
    Field {
        /// Which line.
        field: &'static str,
    },
    /// One public key stands in two roles.
    #[error("the card names one public key in two roles")]
    SharedKey,
    /// Root or log key did not sign.
    #[error("the card's identity is not signed by both its root and its log key")]
    Unsigned,
    /// A note of the card does not verify.
    #[error("a signature of the card does not verify")]
    Note {
        /// Why.
        #[from]
        source: NoteError,
    },
}

#[cfg(test)]
mod tests;
