//! The terms on which two agencies exchange: without live ones no section moves.
//!
//! Not for: how an agreement is signed and delivered, which `node` and the governance entries do (C18).

use std::collections::BTreeSet;

use comity_ledger::{AgencyId, Kind};

use crate::label::HandlingTerms;
use crate::marking::{Moment, Onward};
use crate::purpose::Purposes;

/// What two agencies agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The kinds of entries of which sections may be opened.
    pub kinds: BTreeSet<Kind>,
    /// The purposes for which they may be used.
    pub purposes: Purposes,
    /// The least that the label of a third agency must permit before it is passed on between the two; `Free` adds
    /// nothing to what labels say, `None` keeps relayed sections out.
    pub onward: Onward,
    /// How long a section may be kept after it was received, in seconds; `None` leaves it to the label.
    pub keep_secs_max: Option<u64>,
    /// From when the terms hold.
    pub from: Moment,
    /// From when they hold no more; `None` until one side ends them.
    pub until: Option<Moment>,
}

/// An agreement between two agencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    parties: (AgencyId, AgencyId),
    terms: Terms,
}

/// Parties that cannot agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgreementError {
    /// Both parties are the same agency.
    #[error("an agreement needs two agencies")]
    OneParty,
}

impl Agreement {
    /// An agreement on these terms.
    ///
    /// # Errors
    /// [`AgreementError::OneParty`].
    pub fn new(one: AgencyId, other: AgencyId, terms: Terms) -> Result<Self, AgreementError> {
        match one.cmp(&other) {
            std::cmp::Ordering::Less => Ok(Self { parties: (one, other), terms }),
            std::cmp::Ordering::Equal => Err(AgreementError::OneParty),
            std::cmp::Ordering::Greater => Ok(Self { parties: (other, one), terms }),
        }
    }

    /// The terms that a card names `default/v1`: records and what controls, governs, erases and proves them, for
    /// every purpose but EXERCISE, onward as labels say, without end.
    ///
    /// # Errors
    /// [`AgreementError::OneParty`].
    pub fn default_terms(one: AgencyId, other: AgencyId) -> Result<Self, AgreementError> {
        let kinds = [Kind::Record, Kind::Control, Kind::Governance, Kind::Erase, Kind::Key, Kind::Genesis];
        let terms = Terms {
            kinds: kinds.into(),
            purposes: Purposes::ALL_BUT_EXERCISE,
            onward: Onward::Free,
            keep_secs_max: None,
            from: Moment::from_unix_secs(0),
            until: None,
        };
        Self::new(one, other, terms)
    }

    /// The two agencies, in the order of their ids.
    pub fn parties(&self) -> (&AgencyId, &AgencyId) {
        (&self.parties.0, &self.parties.1)
    }

    /// The terms.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether the agency is one of the two.
    pub fn has_party(&self, agency: &AgencyId) -> bool {
        self.parties.0 == *agency || self.parties.1 == *agency
    }

    /// Whether it is an agreement of exactly these two.
    pub fn is_between(&self, one: &AgencyId, other: &AgencyId) -> bool {
        one != other && self.has_party(one) && self.has_party(other)
    }

    /// Whether the terms hold at this time.
    pub fn is_live(&self, now: Moment) -> bool {
        self.terms.from <= now && self.terms.until.is_none_or(|until| now < until)
    }

    /// Until when a section received at this time may be kept: the earlier of its label's end and the cap of the
    /// agreement; `None` without either.
    pub fn keep_until(&self, handling: &HandlingTerms, received: Moment) -> Option<Moment> {
        let cap = self.terms.keep_secs_max.map(|secs| received.plus_secs(secs));
        match (handling.expires_at, cap) {
            (Some(end), Some(cap)) => Some(end.min(cap)),
            (end, cap) => end.or(cap),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agreement_is_between_two_and_for_its_term() {
        let [a, b, c]: [AgencyId; 3] =
            ["a.example", "b.example", "c.example"].map(|name| name.parse().unwrap());
        assert_eq!(Agreement::default_terms(a.clone(), a.clone()), Err(AgreementError::OneParty));
        let default = Agreement::default_terms(b.clone(), a.clone()).unwrap();
        assert_eq!(Ok(&default), Agreement::default_terms(a.clone(), b.clone()).as_ref());
        assert!(default.is_between(&a, &b) && default.is_between(&b, &a));
        assert!(!default.is_between(&a, &c) && !default.is_between(&a, &a));
        let [early, start, end] = [4, 5, 9].map(Moment::from_unix_secs);
        assert!(default.is_live(early));
        let terms = Terms { from: start, until: Some(end), ..default.terms().clone() };
        let dated = Agreement::new(a, b, terms).unwrap();
        assert_eq!([early, start, end].map(|now| dated.is_live(now)), [false, true, false]);
    }
}
