//! The own certificates and authorities, as they lie under `keys/` of a home.
//!
//! `tls-ca` is the authority that issues, `tls-ca-next` its successor and `tls-ca-former` its predecessor while one
//! takes over from the other; operators get in by a leaf of any of them. Not here: how any of it is made or replaced
//! (`tls_keys`).

use std::path::PathBuf;
use std::sync::Arc;

use crate::tls::{AgencyTrust, PeerAuthority, PeerTrust, TlsMaterial, TrustFolder};
use crate::{Home, NodeError};

/// The node's certificate.
pub(crate) const NODE: &str = "tls-node";
/// The operator's certificate that every home has.
pub(crate) const OPERATOR: &str = "tls-operator";
/// The authority that issues.
pub(crate) const AUTHORITY: &str = "tls-ca";
/// The authority that is to follow it.
pub(crate) const NEXT: &str = "tls-ca-next";
/// The authority that it followed.
pub(crate) const FORMER: &str = "tls-ca-former";

/// The own authorities, each by the name of its files; the one that issues first.
pub(crate) fn own_authorities(home: &Home) -> Result<Vec<(&'static str, Arc<PeerAuthority>)>, NodeError> {
    let mut found: Vec<(_, Arc<PeerAuthority>)> = Vec::new();
    for stem in [AUTHORITY, NEXT, FORMER] {
        let path = file(home, stem, "pem");
        let pem = match std::fs::read_to_string(&path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && stem != AUTHORITY => continue,
            Err(source) => return Err(NodeError::File { action: "read", path, source }),
        };
        let authority = PeerAuthority::from_pem(&pem).map_err(|source| NodeError::Trust { source })?;
        // Halfway through a succession one authority has two names.
        if found.iter().all(|(_, held)| held.id() != authority.id()) {
            found.push((stem, Arc::new(authority)));
        }
    }
    Ok(found)
}

/// What vouches for the own agency, with the lists that its authorities signed.
pub(crate) fn own_agency(
    home: &Home,
    folder: TrustFolder,
    held: Option<&AgencyTrust>,
) -> Result<AgencyTrust, NodeError> {
    let authorities = own_authorities(home)?.into_iter().map(|(_, authority)| authority).collect();
    AgencyTrust::kept_in(folder, authorities, held).map_err(|source| NodeError::Trust { source })
}

/// Trust in the agency's own authorities and in no other, for whoever only looks.
pub(crate) fn own_trust(home: &Home) -> Result<PeerTrust, NodeError> {
    let trust = PeerTrust::new();
    let agency = own_agency(home, own_folder(home).only_read(), None)?;
    trust.insert(home.config().agency.clone(), agency);
    Ok(trust)
}

/// Where the lists of the own authorities are kept.
pub(crate) fn own_folder(home: &Home) -> TrustFolder {
    TrustFolder::of_own_keys(&home.path("keys"))
}

/// A certificate with its key.
pub(crate) fn material(home: &Home, stem: &str) -> Result<TlsMaterial, NodeError> {
    let loaded = TlsMaterial::load(&file(home, stem, "pem"), &file(home, stem, "key"));
    loaded.map_err(|source| NodeError::Material { source })
}

/// One of the files.
pub(crate) fn file(home: &Home, stem: &str, kind: &str) -> PathBuf {
    home.path(&format!("keys/{stem}.{kind}"))
}
