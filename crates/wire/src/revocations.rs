//! Revocation lists on their way between nodes: each with the agency that it is of, as it came.
//!
//! Whether an authority of that agency signed it is asked where it is put in force (`comity-node`).

use bytes::Bytes;
use comity_ledger::AgencyId;
use comity_tlog::Hash;

use crate::{InvalidMessage, field, v1};

/// Largest revocation list, in bytes: about a thousand revoked certificates, and an agency has a handful.
pub const REVOCATION_LIST_BYTES_MAX: usize = 64 * 1024;

/// Most revocation lists of one exchange: together 1 MiB.
pub const REVOCATION_LISTS_MAX: usize = 16;

/// Most revocation lists that are named as in force: of three authorities of each of 64 peers and of the node itself.
pub const REVOCATION_LISTS_HELD_MAX: usize = 256;

pub(crate) const LISTS: &str = "exchange_heads.revocation_lists";
pub(crate) const LISTS_HELD: &str = "exchange_heads.revocation_lists_held";

/// The first 16 bytes of SHA-256 of a revocation list: its name to those who have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListDigest([u8; Self::BYTES]);

impl ListDigest {
    /// Bytes of a digest.
    pub const BYTES: usize = 16;

    /// The digest of a list in DER.
    pub fn of(list: &[u8]) -> Self {
        Self::from_hash(&Hash::digest(list))
    }

    /// The digest of the list that has this SHA-256.
    pub fn from_hash(hash: &Hash) -> Self {
        let mut bytes = [0; Self::BYTES];
        for (into, from) in bytes.iter_mut().zip(hash.as_bytes()) {
            *into = *from;
        }
        Self(bytes)
    }
}

/// A revocation list of an agency; unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationList {
    /// Of whose authority it is said to be.
    pub agency: AgencyId,
    /// The list in DER.
    pub list: Bytes,
}

impl RevocationList {
    pub(crate) fn check(&self) -> Result<(), InvalidMessage> {
        let found = self.list.len();
        if found > REVOCATION_LIST_BYTES_MAX {
            return Err(InvalidMessage::TooLong { field: LISTS, found, max: REVOCATION_LIST_BYTES_MAX });
        }
        if found == 0 { Err(InvalidMessage::Missing { field: LISTS }) } else { Ok(()) }
    }
}

impl TryFrom<v1::RevocationList> for RevocationList {
    type Error = InvalidMessage;

    fn try_from(message: v1::RevocationList) -> Result<Self, InvalidMessage> {
        let v1::RevocationList { agency, list } = message;
        let list = Self { agency: field::agency("revocation_list.agency", &agency)?, list };
        list.check().and(Ok(list))
    }
}

impl From<&RevocationList> for v1::RevocationList {
    fn from(of: &RevocationList) -> Self {
        Self { agency: of.agency.to_string(), list: of.list.clone() }
    }
}

pub(crate) fn digest_of(bytes: &Bytes) -> Result<ListDigest, InvalidMessage> {
    field::array(LISTS_HELD, bytes).map(ListDigest)
}

pub(crate) fn digest_bytes(digest: &ListDigest) -> Bytes {
    Bytes::copy_from_slice(&digest.0)
}
