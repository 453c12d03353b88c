//! What of the trust in an agency a person must put right: lists by which nobody of it gets in.
//!
//! Not here: that nobody gets in (`agency`), and telling the person (the node's alarms).

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use comity_ledger::AgencyId;
use rustls::pki_types::UnixTime;

use super::agency::Revocation;
use super::crl::CrlError;
use super::names::AuthorityId;
use super::peers::PeerTrust;

/// Why nobody of an agency gets in, whatever its certificate.
#[derive(Clone, Debug)]
pub enum TrustTrouble {
    /// A list that a person put there cannot be followed.
    BadDrop {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: Arc<CrlError>,
    },
    /// The list of an authority is gone or damaged.
    Lost {
        /// The authority.
        authority: AuthorityId,
    },
    /// The list of an authority has expired.
    Expired {
        /// The authority.
        authority: AuthorityId,
    },
}

impl TrustTrouble {
    /// Whether stable storage did not confirm a list: nothing more may be acknowledged then.
    pub(crate) fn is_unsynced(&self) -> bool {
        match self {
            Self::BadDrop { reason, .. } => {
                matches!(&**reason, CrlError::Keep(error) if error.is_unsynced())
            }
            Self::Lost { .. } | Self::Expired { .. } => false,
        }
    }
}

impl fmt::Display for TrustTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadDrop { file, reason } => {
                let file = file.file_name().unwrap_or_default().display();
                write!(f, "the file {file} cannot be taken ({reason}): put a good one there, or take it away")
            }
            Self::Lost { authority } => {
                write!(f, "the revocation list of authority {authority} is gone or damaged: add it again")
            }
            Self::Expired { authority } => {
                write!(f, "the revocation list of authority {authority} has expired: get its successor")
            }
        }
    }
}

impl PeerTrust {
    /// Because of what nobody of an agency gets in, for each agency of which that is so.
    pub fn troubles(&self, now: UnixTime) -> Vec<(AgencyId, TrustTrouble)> {
        let now_secs = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let mut found = Vec::new();
        for (agency, trust) in self.all() {
            if let Some(bad) = &trust.bad_drop {
                let (file, reason) = (bad.file.clone(), Arc::clone(&bad.reason));
                found.push((agency.clone(), TrustTrouble::BadDrop { file, reason }));
            }
            for member in &trust.members {
                let authority = member.authority.id();
                match &member.revocation {
                    Revocation::Lost(_) => found.push((agency.clone(), TrustTrouble::Lost { authority })),
                    Revocation::List(crl) if now_secs >= crl.next_update_secs() => {
                        found.push((agency.clone(), TrustTrouble::Expired { authority }));
                    }
                    Revocation::List(_) | Revocation::Never => {}
                }
            }
        }
        found
    }
}
