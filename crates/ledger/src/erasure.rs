//! The announcement of an erasure: an entry about the entry whose sections are destroyed (B6, kind 7).
//!
//! An auditor takes a section for erased only if a later entry of the log says so. Not here: why something is erased, which
//! is said where it is ordered, and the destroying (`comity-store`).

use comity_tlog::EntryIndex;

use crate::{Draft, Kind};

/// `{0: 1}`, deterministic CBOR (RFC 8949 §4.2.1): form 1, which says that all sections of the entry are erased.
const BODY: [u8; 3] = [0xa1, 0x00, 0x01];

/// The draft of an entry that announces the erasure of an earlier one; handling and audience are the caller's.
pub fn erasure(of: EntryIndex) -> Draft {
    Draft::new(Kind::Erase, Some(of)).with_public_body(BODY.to_vec())
}
