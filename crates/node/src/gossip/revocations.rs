//! Revocation lists as peers carry them (C13): the newest of each agency goes to all who know the agency, whoever has it.
//!
//! Whoever brings a list vouches for nothing: it is taken if an authority of the very agency signed it, and if it is newer
//! than what is in force. Blocking. Not here: how a list is verified, kept and put in force (`tls`), and how it came
//! into the home of the agency that issues it (`tls_keys`).

use std::sync::Arc;
use std::time::Duration;

use comity_ledger::{AgencyId, HeadDigest, Origin, OriginDigest};
use comity_tlog::Hash;
use comity_wire::{ListDigest, REVOCATION_LISTS_HELD_MAX, REVOCATION_LISTS_MAX, RevocationList};
use rustls::pki_types::UnixTime;

use super::Gossiping;
use super::heads::PeerState;
use crate::tls::{Crl, CrlError};
use crate::{NodeError, now};

impl Gossiping {
    /// The lists in force here, of this agency and of those in trust.
    fn lists(&self) -> Vec<(AgencyId, Arc<Crl>)> {
        let own = self.node.home().config().agency.clone();
        let mut lists: Vec<_> =
            self.node.own_lists().in_force().into_iter().map(|list| (own.clone(), list)).collect();
        lists.extend(self.node.trust().lists());
        lists.truncate(REVOCATION_LISTS_HELD_MAX);
        lists
    }

    /// What is said of them to everybody.
    pub(super) fn lists_held(&self) -> Vec<ListDigest> {
        let mut held: Vec<_> =
            self.lists().iter().map(|(_, list)| ListDigest::from_hash(list.digest())).collect();
        held.sort_unstable();
        held.dedup();
        held
    }

    /// Lists that a peer does not have and was not sent, of agencies that it knows; with the hash of each.
    pub(super) fn lists_for(&self, peer: &AgencyId, with: &PeerState) -> Vec<(Hash, RevocationList)> {
        let (own, now_secs) =
            (&self.node.home().config().agency, i64::try_from(now().unix_secs()).unwrap_or(i64::MAX));
        let knows = |agency: &AgencyId| {
            let log = OriginDigest::of(&Origin::publication(agency));
            agency == own || with.digests.iter().any(|stated: &HeadDigest| stated.origin == log)
        };
        let lacks = |(agency, list): &(AgencyId, Arc<Crl>)| {
            let has = with.lists.contains(&ListDigest::from_hash(list.digest()))
                || with.sent.contains(list.digest());
            // Nobody takes one that has expired.
            let is_in_date = list.next_update_secs() > now_secs;
            agency != peer && !has && is_in_date && knows(agency)
        };
        let message = |(agency, list): (AgencyId, Arc<Crl>)| {
            (*list.digest(), RevocationList { agency, list: list.der().to_vec().into() })
        };
        self.lists().into_iter().filter(lacks).take(REVOCATION_LISTS_MAX).map(message).collect()
    }

    /// Takes a list that a peer brings of an agency in trust, itself or another one. Says whether it is in force now and
    /// was not before; the connections of the certificates that it names are cut by then.
    ///
    /// # Errors
    /// A [`NodeError`] if it cannot be told whether it is kept.
    pub(super) fn take_list(&self, peer: &AgencyId, brought: &RevocationList) -> Result<bool, NodeError> {
        let RevocationList { agency, list } = brought;
        // What this agency revoked it knows from its own files alone.
        if *agency == self.node.home().config().agency {
            return Ok(false);
        }
        let at = UnixTime::since_unix_epoch(Duration::from_secs(now().unix_secs()));
        match self.node.trust().put_crl(agency, list, at) {
            Ok(taken) if taken.is_new => {
                let (number, revoked, cut) = (taken.number, taken.revoked, taken.cut);
                tracing::info!(%peer, %agency, %number, revoked, cut, "a revocation list came");
                Ok(true)
            }
            // The same again, one that has been replaced, or of an agency that this node does not know.
            Ok(_) | Err(CrlError::Older { .. } | CrlError::UnknownAgency) => Ok(false),
            Err(CrlError::Keep(error)) if error.is_unsynced() => {
                self.node.store().give_up();
                Err(NodeError::Storage)
            }
            Err(error) => {
                tracing::warn!(%peer, %agency, %error, "a revocation list came that is not taken");
                Ok(false)
            }
        }
    }

    /// Whether other lists are in force than when this was asked last.
    pub(super) fn has_other_lists(&self) -> bool {
        let held = self.lists_held();
        let mut state = self.state();
        let is_other = state.lists != held;
        state.lists = held;
        is_other
    }
}
