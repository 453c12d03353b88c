//! A revocation list: read, and asked whose it is, how new, and what it revokes.
//!
//! Not here: which list of an authority is in force (`agency`), where it is kept (`trust_folder`), and whether it names
//! a certificate, which is asked at each handshake (`peer_authority`).

use std::fmt;

use comity_tlog::Hash;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateRevocationListDer, UnixTime};
use webpki::{CertRevocationList, OwnedCertRevocationList};
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::names::{AuthorityId, Serial};
use super::peer_authority::PeerAuthority;
use crate::replace::ReplaceError;

/// Largest revocation list, in bytes: about a thousand revoked certificates, and an agency has a handful.
pub(super) const CRL_BYTES_MAX: usize = comity_wire::REVOCATION_LIST_BYTES_MAX;
/// Most lists in one file: one for each authority that an agency can have.
const LISTS_PER_FILE_MAX: usize = 3;
/// How far ahead of this clock a list may have been made: clocks differ, and by less than this.
const AHEAD_SECS_MAX: i64 = 3_600;
/// The number of a list: each list of an authority has a larger one than that before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CrlNumber([u8; Self::BYTES]);

impl CrlNumber {
    /// Longest number of a list, in bytes (RFC 5280 §5.2.3).
    pub(super) const BYTES: usize = 20;

    /// The number of the first list of an authority.
    pub const FIRST: Self = {
        let mut bytes = [0; Self::BYTES];
        if let Some(last) = bytes.last_mut() {
            *last = 1;
        }
        Self(bytes)
    };

    /// Takes the bytes of a number, the highest first; `None` for more than a number may have.
    pub(super) fn from_be_bytes(bytes: &[u8]) -> Option<Self> {
        let leading = bytes.iter().take_while(|byte| **byte == 0).count();
        let digits = bytes.get(leading..).unwrap_or_default();
        let mut number = [0; Self::BYTES];
        let start = Self::BYTES.checked_sub(digits.len())?;
        number.get_mut(start..)?.copy_from_slice(digits);
        Some(Self(number))
    }

    /// All bytes of the number, the highest first.
    pub(super) fn as_be_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// The bytes of the number without zeros before it, but for the last.
    pub(super) fn digits(&self) -> &[u8] {
        let leading = self.0.iter().take_while(|byte| **byte == 0).count().min(Self::BYTES - 1);
        self.0.get(leading..).unwrap_or_default()
    }

    /// The number after this one; `None` after the largest.
    pub fn next(mut self) -> Option<Self> {
        for byte in self.0.iter_mut().rev() {
            match byte.checked_add(1) {
                Some(more) => {
                    *byte = more;
                    return Some(self);
                }
                None => *byte = 0,
            }
        }
        None
    }
}

impl fmt::Display for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (high, low) = self.0.split_at(Self::BYTES - size_of::<u128>());
        match low.try_into() {
            Ok(low) if high.iter().all(|byte| *byte == 0) => write!(f, "{}", u128::from_be_bytes(low)),
            _ => self.0.iter().try_fold((), |(), byte| write!(f, "{byte:02x}")),
        }
    }
}

/// A certificate that was revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its number.
    pub serial: Serial,
    /// When, seconds since 1970.
    pub at_secs: i64,
}

/// A revocation list that was read; whether anybody has signed it is asked elsewhere.
pub struct Crl {
    der: Vec<u8>,
    digest: Hash,
    list: CertRevocationList<'static>,
    number: CrlNumber,
    made_secs: i64,
    next_secs: i64,
    revoked: Vec<Revoked>,
}

impl Crl {
    /// Reads a list in DER.
    ///
    /// # Errors
    /// [`CrlError::TooLarge`] over 64 KiB; [`CrlError::Malformed`] for what is no list of version 2 with a number and a
    /// date of its successor, or is only a part of one.
    pub fn from_der(der: &[u8]) -> Result<Self, CrlError> {
        if der.len() > CRL_BYTES_MAX {
            return Err(CrlError::TooLarge);
        }
        // The one that judges at handshakes reads first: it takes less.
        let list = OwnedCertRevocationList::from_der(der).map_err(|_| CrlError::Malformed)?;
        let (rest, parsed) = CertificateRevocationList::from_der(der).map_err(|_| CrlError::Malformed)?;
        let number = parsed.crl_number().ok_or(CrlError::Malformed)?.to_bytes_be();
        let number = CrlNumber::from_be_bytes(&number).ok_or(CrlError::Malformed)?;
        let next = parsed.next_update().ok_or(CrlError::Malformed)?;
        if !rest.is_empty() {
            return Err(CrlError::Malformed);
        }
        let revoked = parsed.iter_revoked_certificates().map(|revoked| {
            let serial = Serial::from_be_bytes(revoked.raw_serial())?;
            Some(Revoked { serial, at_secs: revoked.revocation_date.timestamp() })
        });
        Ok(Self {
            revoked: revoked.collect::<Option<_>>().ok_or(CrlError::Malformed)?,
            number,
            made_secs: parsed.last_update().timestamp(),
            next_secs: next.timestamp(),
            list: list.into(),
            der: der.to_vec(),
            digest: Hash::digest(der),
        })
    }

    /// Reads the one list of a file, PEM or DER.
    ///
    /// # Errors
    /// [`CrlError::Malformed`] also if the file has none or several.
    pub fn from_file(bytes: &[u8]) -> Result<Self, CrlError> {
        let mut lists = Self::all_in(bytes)?;
        match (lists.pop(), lists.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(CrlError::Malformed),
        }
    }

    /// Reads all lists of a file: one as DER, or some as PEM.
    pub(super) fn all_in(bytes: &[u8]) -> Result<Vec<Self>, CrlError> {
        if !bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
            return Ok(vec![Self::from_der(bytes)?]);
        }
        let mut lists = Vec::new();
        for der in CertificateRevocationListDer::pem_slice_iter(bytes) {
            let der = der.map_err(|_| CrlError::Malformed)?;
            if lists.len() >= LISTS_PER_FILE_MAX {
                return Err(CrlError::TooLarge);
            }
            lists.push(Self::from_der(&der)?);
        }
        if lists.is_empty() { Err(CrlError::Malformed) } else { Ok(lists) }
    }

    /// Whether an authority signed it, under its own name, and may sign lists.
    pub(super) fn is_of(&self, authority: &PeerAuthority) -> bool {
        let Ok((_, parsed)) = CertificateRevocationList::from_der(&self.der) else { return false };
        authority.signs_lists()
            && parsed.issuer().as_raw() == authority.subject()
            && authority.has_signed(parsed.tbs_cert_list.as_ref(), &parsed.signature_value.data)
    }

    /// Whether it is in date.
    ///
    /// # Errors
    /// [`CrlError::Expired`], [`CrlError::NotYet`].
    pub(super) fn check_dates(&self, now: UnixTime) -> Result<(), CrlError> {
        let now_secs = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        if now_secs >= self.next_secs {
            return Err(CrlError::Expired);
        }
        if self.made_secs > now_secs.saturating_add(AHEAD_SECS_MAX) {
            return Err(CrlError::NotYet);
        }
        Ok(())
    }

    /// The list in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the list in DER.
    pub(crate) fn digest(&self) -> &Hash {
        &self.digest
    }

    /// Its number.
    pub fn number(&self) -> CrlNumber {
        self.number
    }

    /// When it must have been replaced, seconds since 1970: from then on it tells nothing.
    pub fn next_update_secs(&self) -> i64 {
        self.next_secs
    }

    /// What it revokes.
    pub fn revoked(&self) -> &[Revoked] {
        &self.revoked
    }

    /// The form in which webpki asks it.
    pub(super) fn list(&self) -> &CertRevocationList<'static> {
        &self.list
    }
}

impl fmt::Debug for Crl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crl").field("number", &self.number).finish_non_exhaustive()
    }
}

/// A list that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenCrl {
    /// Whose it is.
    pub authority: AuthorityId,
    /// Its number.
    pub number: CrlNumber,
    /// When it must have been replaced, seconds since 1970.
    pub next_update_secs: i64,
    /// How many certificates it revokes.
    pub revoked: usize,
    /// Whether it is another one than that which was in force.
    pub is_new: bool,
    /// How many connections were cut by it.
    pub cut: usize,
}

/// A revocation list that is not taken. What was in force stays so.
#[derive(Debug, thiserror::Error)]
pub enum CrlError {
    /// Not a revocation list.
    #[error("not a revocation list of X.509 version 2 with a number and a date of its successor")]
    Malformed,
    /// Too large, or too many.
    #[error("more than {LISTS_PER_FILE_MAX} revocation lists, or one over {CRL_BYTES_MAX} bytes")]
    TooLarge,
    /// Of nobody who is an authority of the agency.
    #[error("no authority of the agency has signed the revocation list")]
    OtherIssuer,
    /// Older than what is in force.
    #[error("the revocation list has number {given}, and one with number {held} is in force")]
    Older {
        /// Its number.
        given: CrlNumber,
        /// The number of the list in force.
        held: CrlNumber,
    },
    /// Another list than that in force, with the same number.
    #[error("the revocation list is another one than that in force, with the same number {number}")]
    SameNumber {
        /// The number of both.
        number: CrlNumber,
    },
    /// It should have been replaced already.
    #[error("the revocation list has expired")]
    Expired,
    /// It is of a time to come.
    #[error("the revocation list was made in the future")]
    NotYet,
    /// Nobody knows what was in force.
    #[error("what was kept of the last revocation list cannot be read, so that none can be told to be newer")]
    NoFloor,
    /// The agency is not in trust.
    #[error("the agency is not in trust here")]
    UnknownAgency,
    /// It cannot be kept.
    #[error("the revocation list cannot be kept")]
    Keep(#[from] ReplaceError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_and_counted_whatever_their_length() {
        let number = |bytes: &[u8]| CrlNumber::from_be_bytes(bytes).unwrap();
        assert_eq!(number(&[]).next(), Some(CrlNumber::FIRST));
        assert!(number(&[1, 0]) > number(&[0xff]) && number(&[0, 0, 7]) == number(&[7]));
        assert_eq!(number(&[0xff, 0xff]).next(), Some(number(&[1, 0, 0])));
        assert_eq!(number(&[0xff; CrlNumber::BYTES]).next(), None);
        assert_eq!(CrlNumber::from_be_bytes(&[1; CrlNumber::BYTES + 1]), None);
        assert_eq!(number(&[1, 2]).to_string(), "258");
        assert_eq!(number(&[0xab; CrlNumber::BYTES]).to_string(), "ab".repeat(CrlNumber::BYTES));
    }

    #[test]
    fn what_is_no_list_is_refused_and_not_read_beyond_its_limit() {
        for bytes in [&[][..], &[0x30, 0], &[0x30; 600], b"-----BEGIN", b"-----BEGIN X509 CRL-----\nAAAA"] {
            assert!(matches!(Crl::from_file(bytes), Err(CrlError::Malformed)), "{bytes:?}");
        }
        assert!(matches!(Crl::from_file(&vec![0x30; CRL_BYTES_MAX + 1]), Err(CrlError::TooLarge)));
    }
}
