//! All that vouches for one agency: its authorities, each with its revocation list in force.
//!
//! A value that is made anew for each change, so that a handshake sees one state or the next. Not here: the register of
//! agencies and what is done to it (`peers`), and the changes of authorities (`succession`).

use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;

use super::crl::{Crl, CrlError, TakenCrl};
use super::names::AuthorityId;
use super::peer_authority::{PeerAuthority, Side};
use super::peers::TrustError;
use super::refusal::Refusal;
use super::trust_folder::{Floor, KeptCrl, TrustFolder};

/// Most authorities of one agency: the present one, its successor and its predecessor while leaves are renewed.
pub(super) const AUTHORITIES_MAX: usize = 3;
/// Certificates looked at among those that come with a leaf: its authority's, which comes next.
pub(super) const SENT_MAX: usize = 1;

/// What an authority has revoked.
#[derive(Clone, Debug)]
pub(super) enum Revocation {
    /// It never had a list.
    Never,
    /// The list in force.
    List(Arc<Crl>),
    /// There was a list, and it is gone or damaged: nothing can be told of any certificate. With the newest that ever
    /// was in force, if that is known.
    Lost(Option<Floor>),
}

impl Revocation {
    /// What is in force by what is kept of an authority's list; `held` was in force before, and is never given up for
    /// less.
    pub(super) fn settle(kept: &KeptCrl, authority: &PeerAuthority, held: Option<&Self>) -> Self {
        let read = kept.der.as_ref().and_then(|der| Crl::from_der(der).ok());
        let good = read.filter(|crl| {
            !kept.is_damaged && crl.is_of(authority) && kept.floor.is_none_or(|floor| floor.permits(crl))
        });
        let found = match good {
            Some(crl) => Self::List(Arc::new(crl)),
            None if kept.der.is_none() && kept.floor.is_none() && !kept.is_damaged => Self::Never,
            None => Self::Lost(kept.floor),
        };
        match (found, held) {
            (Self::List(found), Some(Self::List(held))) if found.number() < held.number() => {
                Self::List(Arc::clone(held))
            }
            (Self::Never | Self::Lost(_), Some(held @ (Self::List(_) | Self::Lost(_)))) => held.clone(),
            (found, _) => found,
        }
    }
}

/// One authority with its list.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) authority: Arc<PeerAuthority>,
    pub(super) revocation: Revocation,
}

impl Member {
    fn verify(&self, leaf: &EndEntityCert<'_>, now: UnixTime, side: Side) -> Result<(), Refusal> {
        match &self.revocation {
            Revocation::Never => self.authority.verify(leaf, None, now, side),
            Revocation::List(crl) => self.authority.verify(leaf, Some(crl.list()), now, side),
            Revocation::Lost(_) => {
                self.authority.verify(leaf, None, now, side)?;
                Err(Refusal::Revoked)
            }
        }
    }
}

/// An authority of which the name alone is known, with what is kept of its list: read ahead, since no handshake reads
/// files.
#[derive(Clone, Debug)]
pub(super) struct Announced {
    pub(super) id: AuthorityId,
    kept: KeptCrl,
}

impl Announced {
    pub(super) fn new(id: AuthorityId, folder: Option<&TrustFolder>) -> Self {
        Self { id, kept: folder.map(|folder| folder.kept_crl(&id)).unwrap_or_default() }
    }

    /// The authority, now that its certificate is here.
    fn with(&self, certificate: PeerAuthority) -> Member {
        let revocation = Revocation::settle(&self.kept, &certificate, None);
        Member { authority: Arc::new(certificate), revocation }
    }
}

/// A file of a list that a person put there and that cannot be followed: until it is good or gone nobody of the agency
/// gets in, since it says that something was revoked and not what.
#[derive(Clone, Debug)]
pub(super) struct BadDrop {
    pub(super) file: PathBuf,
    pub(super) reason: Arc<CrlError>,
}

/// All that vouches for one agency.
#[derive(Clone, Debug)]
pub struct AgencyTrust {
    /// The authorities that came with the agency itself, retired or not.
    first: Vec<Arc<PeerAuthority>>,
    pub(super) members: Vec<Member>,
    /// Authorities whose certificate has not been seen yet; it comes with the first leaf of theirs.
    pub(super) announced: Vec<Announced>,
    /// Authorities that nobody takes any more.
    pub(super) retired: Vec<AuthorityId>,
    pub(super) folder: Option<TrustFolder>,
    pub(super) bad_drop: Option<BadDrop>,
}

impl AgencyTrust {
    /// Trust in an agency by its authorities; several while one succeeds another. Nothing of it is kept.
    ///
    /// # Errors
    /// When there are none or more than 3.
    pub fn new(authorities: Vec<PeerAuthority>) -> Result<Self, TrustError> {
        if !(1..=AUTHORITIES_MAX).contains(&authorities.len()) {
            return Err(TrustError::AuthorityCount { count: authorities.len() });
        }
        let first: Vec<_> = authorities.into_iter().map(Arc::new).collect();
        let members = first
            .iter()
            .map(|authority| Member { authority: Arc::clone(authority), revocation: Revocation::Never });
        let (members, announced, retired) = (members.collect(), Vec::new(), Vec::new());
        Ok(Self { first, members, announced, retired, folder: None, bad_drop: None })
    }

    /// Trust in an agency by its first authorities and by what is kept in a folder, with the lists that lie there to be
    /// taken. `held` is what was trusted before. Blocking.
    ///
    /// # Errors
    /// When what is kept of its authorities cannot be read, or there are too many. A list that cannot be read is no
    /// error: the agency is then trusted, and nobody of it gets in.
    pub(crate) fn kept_in(
        folder: TrustFolder,
        first: Vec<Arc<PeerAuthority>>,
        held: Option<&Self>,
    ) -> Result<Self, TrustError> {
        let (ids, retired) = folder.authorities()?;
        let mut announced = Vec::new();
        let mut authorities = first.clone();
        authorities.retain(|authority| !retired.contains(&authority.id()));
        for id in ids {
            if authorities.iter().any(|authority| authority.id() == id) {
                continue;
            }
            let seen = held.and_then(|held| held.member(&id)).map(|member| Arc::clone(&member.authority));
            match folder.certificate(&id)?.map(Arc::new).or(seen) {
                Some(authority) => authorities.push(authority),
                None => announced.push(Announced::new(id, Some(&folder))),
            }
        }
        let count = authorities.len().saturating_add(announced.len());
        if count > AUTHORITIES_MAX {
            return Err(TrustError::AuthorityCount { count });
        }
        let members = authorities.into_iter().map(|authority| {
            let before = held.and_then(|held| held.member(&authority.id())).map(|member| &member.revocation);
            let revocation = Revocation::settle(&folder.kept_crl(&authority.id()), &authority, before);
            Member { authority, revocation }
        });
        let members = members.collect();
        let trust = Self { first, members, announced, retired, folder: Some(folder), bad_drop: None };
        trust.keep_what_is_in_force()?;
        Ok(trust.with_drops())
    }

    /// The same, read again from where it is kept; what is kept nowhere stays as it is. Blocking.
    pub(super) fn read_again(&self) -> Result<Self, TrustError> {
        match &self.folder {
            Some(folder) => Self::kept_in(folder.clone(), self.first.clone(), Some(self)),
            None => Ok(self.clone()),
        }
    }

    /// Brings the folder up to the lists in force, where it is not: after a crash between a list and its floor, or when
    /// a file went missing under a running node.
    fn keep_what_is_in_force(&self) -> Result<(), TrustError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for member in &self.members {
            let Revocation::List(crl) = &member.revocation else { continue };
            let kept = folder.kept_crl(&member.authority.id());
            if kept.floor != Some(Floor::under(crl)) || kept.der.as_deref() != Some(crl.der()) {
                folder.keep_crl(&member.authority.id(), crl)?;
            }
        }
        Ok(())
    }

    /// Takes the lists that a person has put there.
    fn with_drops(mut self) -> Self {
        let dropped = self.folder.as_ref().map(TrustFolder::dropped).unwrap_or_default();
        for (file, bytes) in dropped {
            let lists = bytes.map_err(|_| CrlError::Malformed).and_then(|bytes| Crl::all_in(&bytes));
            let taken = lists.and_then(|lists| {
                lists.into_iter().try_fold(self.clone(), |trust, crl| {
                    match trust.clone().with_crl(crl, None) {
                        Ok((trust, _)) => Ok(trust),
                        // A newer one has come by another way since: that one is in force.
                        Err(CrlError::Older { .. }) => Ok(trust),
                        Err(error) => Err(error),
                    }
                })
            });
            match taken {
                Ok(trust) => self = trust,
                Err(reason) => self.bad_drop = Some(BadDrop { file, reason: Arc::new(reason) }),
            }
        }
        self
    }

    /// The same with a list in force in place of its authority's former one, kept before this returns. A list that has
    /// expired is taken only without a time: then it closes the door.
    pub(crate) fn with_crl(mut self, crl: Crl, now: Option<UnixTime>) -> Result<(Self, TakenCrl), CrlError> {
        let member = self.members.iter_mut().find(|member| crl.is_of(&member.authority));
        let member = member.ok_or(CrlError::OtherIssuer)?;
        if let Some(now) = now {
            crl.check_dates(now)?;
        }
        let mut taken = TakenCrl {
            authority: member.authority.id(),
            number: crl.number(),
            next_update_secs: crl.next_update_secs(),
            revoked: crl.revoked().len(),
            is_new: true,
            cut: 0,
        };
        let floor = match &member.revocation {
            Revocation::Never => None,
            Revocation::List(held) => Some(Floor::under(held)),
            Revocation::Lost(floor) => Some(floor.ok_or(CrlError::NoFloor)?),
        };
        if let Some(floor) = floor.filter(|floor| !floor.permits(&crl)) {
            let (given, held) = (crl.number(), floor.number);
            return Err(if given < held {
                CrlError::Older { given, held }
            } else {
                CrlError::SameNumber { number: held }
            });
        }
        if let Revocation::List(held) = &member.revocation
            && held.number() == crl.number()
        {
            taken.is_new = false;
            return Ok((self, taken));
        }
        if let Some(folder) = &self.folder {
            folder.keep_crl(&taken.authority, &crl)?;
        }
        member.revocation = Revocation::List(Arc::new(crl));
        Ok((self, taken))
    }

    /// One of its authorities.
    pub(super) fn member(&self, id: &AuthorityId) -> Option<&Member> {
        self.members.iter().find(|member| member.authority.id() == *id)
    }

    /// The list in force of an authority, if it has one.
    pub(crate) fn crl_of(&self, id: &AuthorityId) -> Result<Option<Arc<Crl>>, CrlError> {
        match self.member(id).map(|member| &member.revocation) {
            Some(Revocation::List(crl)) => Ok(Some(Arc::clone(crl))),
            Some(Revocation::Lost(_)) => Err(CrlError::NoFloor),
            Some(Revocation::Never) | None => Ok(None),
        }
    }

    /// The lists in force of its authorities.
    pub(super) fn lists(&self) -> impl Iterator<Item = Arc<Crl>> {
        self.members.iter().filter_map(|member| match &member.revocation {
            Revocation::List(list) => Some(Arc::clone(list)),
            Revocation::Never | Revocation::Lost(_) => None,
        })
    }

    /// Verifies that one of the authorities issued this certificate for this side, and that it holds now. Gives the
    /// authority if it was known by its name alone and its certificate is among those `sent` with the leaf.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: UnixTime,
        side: Side,
    ) -> Result<Option<Member>, Refusal> {
        let leaf = EndEntityCert::try_from(leaf)?;
        let mut refusal = Refusal::WrongIssuer;
        for member in &self.members {
            match member.verify(&leaf, now, side) {
                Ok(()) => return self.unless_closed(None),
                // The authority that did issue it says more than those that did not.
                Err(Refusal::WrongIssuer) => {}
                Err(other) => refusal = other,
            }
        }
        for member in self.announced_among(sent) {
            match member.verify(&leaf, now, side) {
                Ok(()) => return self.unless_closed(Some(member)),
                Err(other) => refusal = other,
            }
        }
        Err(refusal)
    }

    /// Whether a leaf would be taken on one side.
    pub(crate) fn check(
        &self,
        leaf: &CertificateDer<'_>,
        sent: &[CertificateDer<'_>],
        now: UnixTime,
        side: Side,
    ) -> Result<(), Refusal> {
        self.verify(leaf, sent, now, side).map(drop)
    }

    /// The same with an authority that was announced, and whose certificate is here now.
    pub(super) fn with_seen(mut self, seen: Member) -> Self {
        let id = seen.authority.id();
        if self.announced.iter().any(|announced| announced.id == id) {
            self.announced.retain(|announced| announced.id != id);
            self.members.push(seen);
        }
        self
    }

    fn unless_closed(&self, seen: Option<Member>) -> Result<Option<Member>, Refusal> {
        if self.bad_drop.is_some() { Err(Refusal::Revoked) } else { Ok(seen) }
    }

    /// The authorities among these certificates that were announced and have signed themselves.
    fn announced_among(&self, sent: &[CertificateDer<'_>]) -> Vec<Member> {
        let read = sent.iter().take(SENT_MAX).filter_map(|der| PeerAuthority::from_der(der).ok());
        read.filter_map(|certificate| {
            let announced = self.announced.iter().find(|announced| announced.id == certificate.id())?;
            certificate.is_self_signed().then(|| announced.with(certificate))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests;
