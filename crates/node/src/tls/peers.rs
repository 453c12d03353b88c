//! Whose certificates are trusted: for each agency its own authorities, and those for nobody else.
//!
//! There is no common pool of roots. The agency that a certificate claims selects the authorities, and the path is
//! verified against those alone; so the authority of one ally cannot mint a certificate of another.
//!
//! Not here: which roles and agencies a port admits (`verify`), what vouches for one agency (`agency`), and how an
//! authority comes into trust (a card, pinned by its fingerprint, or an announcement in a log).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use comity_ledger::AgencyId;
use rustls::pki_types::{CertificateDer, UnixTime};

use super::agency::{AUTHORITIES_MAX, AgencyTrust};
use super::crl::{Crl, CrlError, TakenCrl};
use super::identity::CERTIFICATE_BYTES_MAX;
use super::live::{Lease, Live, Open};
use super::names::AuthorityId;
use super::peer_authority::{PeerAuthority, Side};
use super::refusal::Refusal;
use crate::replace::ReplaceError;

/// The agencies in trust. Clones share one register: what changes in it holds for every handshake that begins
/// afterwards, on all ports and connectors, without a restart. A connection that is open is cut when its certificate
/// would not be taken any more.
#[derive(Clone, Debug, Default)]
pub struct PeerTrust {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    agencies: RwLock<BTreeMap<AgencyId, Arc<AgencyTrust>>>,
    /// Counts the changes, so that a handshake can tell whether one came in between.
    changes: AtomicU64,
    /// Held over a change from what is read to what is kept, so that none is lost.
    changing: Mutex<()>,
    live: Arc<Live>,
}

/// How many changes there had been when a handshake began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun(u64);

impl PeerTrust {
    /// An empty register: nobody is trusted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts an agency into trust, in place of what stood there for it.
    pub fn insert(&self, agency: AgencyId, trust: AgencyTrust) {
        let mut agencies = self.shared.agencies.write().unwrap_or_else(PoisonError::into_inner);
        agencies.insert(agency, Arc::new(trust));
        self.shared.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes an agency out of trust, and cuts its connections; says whether it was in.
    pub fn remove(&self, agency: &AgencyId) -> bool {
        let mut agencies = self.shared.agencies.write().unwrap_or_else(PoisonError::into_inner);
        let was_in = agencies.remove(agency).is_some();
        self.shared.changes.fetch_add(1, Ordering::SeqCst);
        drop(agencies);
        for open in self.shared.live.of(Some(agency)) {
            open.cut(Refusal::UnknownAgency);
        }
        was_in
    }

    /// Whether an agency is in trust.
    pub fn contains(&self, agency: &AgencyId) -> bool {
        self.find(agency).is_some()
    }

    /// Takes a revocation list in DER: verified, newer than what is in force, in date, kept, in force, in this order;
    /// then the connections are cut whose certificates it names. Blocking. The same list again is no harm.
    ///
    /// # Errors
    /// A [`CrlError`]; what was in force stays so.
    pub fn put_crl(&self, agency: &AgencyId, der: &[u8], now: UnixTime) -> Result<TakenCrl, CrlError> {
        let crl = Crl::from_der(der)?;
        let _one = self.shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.find(agency).ok_or(CrlError::UnknownAgency)?;
        let (trust, mut taken) = AgencyTrust::clone(&held).with_crl(crl, Some(now))?;
        if taken.is_new {
            self.insert(agency.clone(), trust);
            taken.cut = self.cut_what_does_not_hold(Some(agency), now);
        }
        Ok(taken)
    }

    /// Takes an authority that the agency announced by its name alone: its certificate is taken from the first
    /// handshake with a leaf of it. Kept before this returns. Blocking.
    ///
    /// # Errors
    /// A [`TrustError`] if there is no such agency, it has too many authorities, or this one was retired.
    pub fn announce_authority(&self, agency: &AgencyId, id: AuthorityId) -> Result<(), TrustError> {
        self.change(agency, |held| held.with_announced(id))
    }

    /// Takes a further authority of an agency, for that agency alone. Kept before this returns. Blocking.
    ///
    /// # Errors
    /// As [`announce_authority`](Self::announce_authority).
    pub fn add_authority(&self, agency: &AgencyId, authority: PeerAuthority) -> Result<(), TrustError> {
        self.change(agency, |held| held.with_authority(authority))
    }

    /// Takes no leaf of an authority any more, for ever, and cuts the connections that began with one; says how many.
    /// Kept before this returns. Blocking.
    ///
    /// # Errors
    /// A [`TrustError`] if there is no such agency, or too many authorities of it were retired.
    pub fn retire_authority(
        &self,
        agency: &AgencyId,
        id: &AuthorityId,
        now: UnixTime,
    ) -> Result<usize, TrustError> {
        self.change(agency, |held| held.without_authority(id))?;
        Ok(self.cut_what_does_not_hold(Some(agency), now))
    }

    /// Reads again what is kept of each agency that keeps something, takes the lists that lie there, and cuts what does
    /// not hold any more; says how many. Blocking.
    ///
    /// # Errors
    /// Each agency of which something cannot be read, which is trusted as before.
    pub fn reload(&self, now: UnixTime) -> (usize, Vec<(AgencyId, TrustError)>) {
        let mut failed = Vec::new();
        let one = self.shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        for (agency, held) in self.all() {
            match held.read_again() {
                Ok(trust) => self.insert(agency, trust),
                Err(error) => failed.push((agency, error)),
            }
        }
        drop(one);
        (self.cut_what_does_not_hold(None, now), failed)
    }

    /// Cuts each open connection, of one agency or of all, whose certificate would not be taken now; says how many.
    pub fn cut_what_does_not_hold(&self, agency: Option<&AgencyId>, now: UnixTime) -> usize {
        let mut cut = 0_usize;
        for open in self.shared.live.of(agency) {
            if let Err(refusal) = self.verify_open(&open, now) {
                open.cut(refusal);
                cut = cut.saturating_add(1);
            }
        }
        cut
    }

    /// Verifies a leaf as one of an agency, with what the other side sent beside it.
    pub(super) fn verify(
        &self,
        agency: &AgencyId,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
        side: Side,
    ) -> Result<(), Refusal> {
        let trust = self.find(agency).ok_or(Refusal::UnknownAgency)?;
        if let Some(seen) = trust.verify(leaf, others, now, side)? {
            let mut agencies = self.shared.agencies.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(held) = agencies.get_mut(agency) {
                *held = Arc::new(AgencyTrust::clone(held).with_seen(seen));
            }
        }
        Ok(())
    }

    fn verify_open(&self, open: &Open, now: UnixTime) -> Result<(), Refusal> {
        self.verify(&open.agency, &open.leaf, &open.others, now, open.side)
    }

    /// Where the changes stand: asked before a handshake, and given back when its connection is entered.
    pub(super) fn begin(&self) -> Begun {
        Begun(self.shared.changes.load(Ordering::SeqCst))
    }

    /// Enters a connection after its handshake, and verifies it once more if anything changed meanwhile: so that no
    /// change falls between a handshake and the book.
    pub(super) fn enter(&self, begun: Begun, open: &Open, now: UnixTime) -> Result<Lease, Refusal> {
        let lease = self.shared.live.enter(open.clone());
        if self.begin() != begun {
            self.verify_open(open, now)?;
        }
        Ok(lease)
    }

    /// What vouches for an agency; shared, so that the lock is not held over the signature checks.
    pub(crate) fn find(&self, agency: &AgencyId) -> Option<Arc<AgencyTrust>> {
        let agencies = self.shared.agencies.read().unwrap_or_else(PoisonError::into_inner);
        agencies.get(agency).map(Arc::clone)
    }

    /// All agencies, with what vouches for each.
    pub(super) fn all(&self) -> Vec<(AgencyId, Arc<AgencyTrust>)> {
        let agencies = self.shared.agencies.read().unwrap_or_else(PoisonError::into_inner);
        agencies.iter().map(|(agency, trust)| (agency.clone(), Arc::clone(trust))).collect()
    }

    /// The revocation lists in force, with whose they are.
    pub(crate) fn lists(&self) -> Vec<(AgencyId, Arc<Crl>)> {
        let lists = |(agency, trust): (AgencyId, Arc<AgencyTrust>)| {
            let lists: Vec<_> = trust.lists().map(|list| (agency.clone(), list)).collect();
            lists
        };
        self.all().into_iter().flat_map(lists).collect()
    }

    /// The open connections.
    pub(super) fn open(&self) -> Vec<Open> {
        self.shared.live.of(None)
    }

    fn change(
        &self,
        agency: &AgencyId,
        change: impl FnOnce(AgencyTrust) -> Result<AgencyTrust, TrustError>,
    ) -> Result<(), TrustError> {
        let _one = self.shared.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.find(agency).ok_or(TrustError::UnknownAgency)?;
        self.insert(agency.clone(), change(AgencyTrust::clone(&held))?);
        Ok(())
    }
}

/// What cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Not a certificate, or too large.
    #[error("not an X.509 certificate of at most {CERTIFICATE_BYTES_MAX} bytes")]
    Certificate,
    /// A certificate that may not sign others.
    #[error("the certificate is not of an authority that may sign certificates")]
    NotAnAuthority,
    /// The key of the authority is of another kind.
    #[error("the key of the authority is not ECDSA P-256")]
    KeyType,
    /// No authority, or too many.
    #[error("{count} authorities for one agency (1 to {AUTHORITIES_MAX})")]
    AuthorityCount {
        /// How many were given.
        count: usize,
    },
    /// The authority was retired.
    #[error("the authority {id} was retired, and is never taken again")]
    Retired {
        /// Which.
        id: AuthorityId,
    },
    /// More were retired than are remembered.
    #[error("too many authorities of the agency were retired")]
    RetiredCount,
    /// The agency is not in trust.
    #[error("the agency is not in trust here")]
    UnknownAgency,
    /// What is kept of the authorities of an agency cannot be read.
    #[error("{path} cannot be read as what was kept there", path = path.display())]
    Folder {
        /// The file.
        path: std::path::PathBuf,
    },
    /// A change cannot be kept.
    #[error("what is trusted cannot be kept")]
    Keep(#[from] ReplaceError),
}
