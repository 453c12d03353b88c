//! What a followed log says of its author's TLS authorities, brought into trust: those that it announces are trusted for
//! that agency before they are used, and those that it ends are not any more. Blocking.
//!
//! Not here: which of them a certificate must be of (`tls`), and those that people bring by hand.

use std::time::Duration;

use comity_ledger::{KeyHistory, KeyRole, RoleKey};
use comity_tlog::TreeSize;
use rustls::pki_types::UnixTime;

use crate::tls::AuthorityId;
use crate::{Node, now};

/// Brings trust in an agency up to what the entries held of its log say. What is refused is told, and hinders nothing.
pub(super) fn trust(node: &Node, keys: &KeyHistory, held: TreeSize) {
    let agency = keys.origin().agency();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(now().unix_secs()));
    for span in keys.spans() {
        let Some(id) = authority(span.key()) else { continue };
        let has_ended = span.until().is_some_and(|(until, _)| until <= held);
        let changed = if has_ended {
            node.trust().retire_authority(agency, &id, at).map(drop)
        } else {
            node.trust().announce_authority(agency, id)
        };
        if let Err(error) = changed {
            tracing::warn!(%agency, authority = %id, %error, "what the log says of an authority was not taken");
        }
    }
}

fn authority(key: &RoleKey) -> Option<AuthorityId> {
    let bytes = (key.role() == KeyRole::TlsAuthority).then(|| key.as_bytes().try_into().ok())??;
    Some(AuthorityId::from_bytes(bytes))
}
