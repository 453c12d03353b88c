//! One authority of an agency after another: announced, in use beside its predecessor, retired for ever.
//!
//! What was announced is durable before it is trusted, and what was retired before it is refused. Not here: where an
//! announcement comes from (a log), and lists (`crl`).

use std::sync::Arc;

use super::agency::{AUTHORITIES_MAX, AgencyTrust, Announced, Member, Revocation};
use super::names::AuthorityId;
use super::peer_authority::PeerAuthority;
use super::peers::TrustError;
use super::trust_folder::KeptCrl;

impl AgencyTrust {
    /// The same with an authority of which only the name is known; a known one changes nothing.
    pub(super) fn with_announced(mut self, id: AuthorityId) -> Result<Self, TrustError> {
        if !self.is_to_be_added(&id)? {
            return Ok(self);
        }
        self.announced.push(Announced::new(id, self.folder.as_ref()));
        self.keep()?;
        Ok(self)
    }

    /// The same with an authority whose certificate is here; a known one changes nothing.
    pub(super) fn with_authority(mut self, authority: PeerAuthority) -> Result<Self, TrustError> {
        let id = authority.id();
        if self.member(&id).is_some() {
            return Ok(self);
        }
        let was_announced = self.announced.iter().any(|announced| announced.id == id);
        if !was_announced && !self.is_to_be_added(&id)? {
            return Ok(self);
        }
        let kept = match &self.folder {
            Some(folder) => {
                folder.keep_certificate(&authority)?;
                folder.kept_crl(&id)
            }
            None => KeptCrl::default(),
        };
        self.announced.retain(|announced| announced.id != id);
        let revocation = Revocation::settle(&kept, &authority, None);
        self.members.push(Member { authority: Arc::new(authority), revocation });
        self.keep()?;
        Ok(self)
    }

    /// The same without an authority, which is never taken again. That nobody may be left then is no reason to keep it:
    /// an authority whose key was stolen is worse than none.
    pub(super) fn without_authority(mut self, id: &AuthorityId) -> Result<Self, TrustError> {
        if self.retired.contains(id) {
            return Ok(self);
        }
        self.members.retain(|member| member.authority.id() != *id);
        self.announced.retain(|announced| announced.id != *id);
        self.retired.push(*id);
        self.keep()?;
        if let Some(folder) = &self.folder {
            folder.forget_certificate(id);
        }
        Ok(self)
    }

    /// Whether one more authority can be added; false if it is there.
    fn is_to_be_added(&self, id: &AuthorityId) -> Result<bool, TrustError> {
        if self.retired.contains(id) {
            return Err(TrustError::Retired { id: *id });
        }
        if self.member(id).is_some() || self.announced.iter().any(|announced| announced.id == *id) {
            return Ok(false);
        }
        let count = self.members.len().saturating_add(self.announced.len()).saturating_add(1);
        if count > AUTHORITIES_MAX { Err(TrustError::AuthorityCount { count }) } else { Ok(true) }
    }

    fn keep(&self) -> Result<(), TrustError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let members = self.members.iter().map(|member| member.authority.id());
        let announced: Vec<AuthorityId> =
            members.chain(self.announced.iter().map(|announced| announced.id)).collect();
        folder.keep_authorities(&announced, &self.retired)
    }
}
