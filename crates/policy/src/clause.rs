//! The one rule of release: a table of named clauses, all of which must be met (E28).
//!
//! Pure and total: the same arguments give the same rule id, and nothing can fail. What no clause was asked about
//! is denied, since a label that cannot be read never reaches the table.
//! Not for: the sections of a whole entry (`cut`), or whether an agreement was validly signed.

use comity_ledger::{AgencyId, Commitment, Kind, Slot};
use comity_watchlist::Text;

use crate::agreement::Agreement;
use crate::audience::Peer;
use crate::label::{Label, Reach};
use crate::label_set::SlotLabel;
use crate::marking::{ExerciseId, Moment, Onward};
use crate::purpose::{Purpose, Purposes};
use crate::rule::RuleId;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

/// What the recipient wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask<'a> {
    /// To hold the section; the purposes that label and agreement share travel with it.
    Replicate,
    /// An answer for one purpose.
    Query(Query<'a>),
}

/// A query, which always names purpose, officer and case (G-15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// What for.
    pub purpose: Purpose,
    /// The officer, by the roster's pseudonym.
    pub officer: &'a Text,
    /// The case.
    pub case: &'a Text,
}

/// An originator's consent to pass one section on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who consents.
    pub originator: AgencyId,
    /// The section, by its commitment; it covers the handling and the audience that go with it.
    pub commitment: Commitment,
    /// To whom it may be passed.
    pub target: AgencyId,
    /// For which purpose.
    pub purpose: Purpose,
    /// Until when, exclusive.
    pub until: Moment,
    /// How many releases are left.
    pub uses: u32,
}

/// The effective state of a record (3.2); entries that are not about a record are `Active`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordState {
    /// Waits for approval.
    Proposed,
    /// In effect.
    Active,
    /// In effect, and being reviewed.
    UnderReview,
    /// In effect by break-glass.
    Provisional,
    /// Out of effect for now.
    Suspended,
    /// Never came into effect.
    Rejected,
    /// Ended by decision.
    Delisted,
    /// Ended by the clock.
    Expired,
    /// Ended, and held as evidence only.
    Restricted,
    /// Gone.
    Erased,
}

impl RecordState {
    /// Whether a query for any permitted purpose may find it.
    pub const fn is_in_effect(self) -> bool {
        matches!(self, Self::Active | Self::UnderReview | Self::Provisional)
    }
}

/// Who decides: the same rule runs at both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Whoever would send.
    Sending,
    /// Whoever was sent, and must not keep what it should not hold (C16). From the only originator it takes a
    /// section whose audience it is not told; that list was the originator's to apply.
    Receiving,
}

/// The section that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matter {
    /// The kind of its entry.
    pub kind: Kind,
    /// Its slot.
    pub slot: Slot,
    /// Its commitment, by which consents name it; for handling and audience that of the section they go with.
    pub commitment: Option<Commitment>,
    /// The purposes that came with it from another agency; `None` for what is one's own.
    pub bound: Option<Purposes>,
}

/// What holds for all sections of one exchange.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// Who decides.
    pub side: Side,
    /// Who sends. Equal to the peer for an agency's own use of what it holds.
    pub sender: &'a AgencyId,
    /// Who would receive.
    pub peer: &'a Peer,
    /// The agreement of the two; for own use the one under which the section came.
    pub agreement: Option<&'a Agreement>,
    /// The consents held.
    pub consents: &'a [Consent],
    /// The state of the record.
    pub state: RecordState,
    /// Witnessed time.
    pub now: Moment,
    /// The exercise in which all this happens; `None` in earnest.
    pub drill: Option<&'a ExerciseId>,
}

/// Whether a section may be released, and by which rule.
pub fn may_release(label: SlotLabel<'_>, matter: &Matter, ask: Ask<'_>, at: &Circumstances<'_>) -> RuleId {
    match label {
        SlotLabel::Missing => RuleId::DenyLabelMissing,
        SlotLabel::Foreign => RuleId::DenyLabelForeign,
        SlotLabel::Understood(label) => judge(CLAUSES, &Case { label, matter, ask, at }),
    }
}

/// The purposes for which a section goes out; they travel with it and bind its use. Empty where none is left, which
/// [`may_release`] denies.
pub fn bound_purposes(label: &Label, matter: &Matter, ask: Ask<'_>, at: &Circumstances<'_>) -> Purposes {
    Case { label, matter, ask, at }.purposes_consented()
}

/// One clause: what must be met, and the rule id of the denial if it is not.
struct Clause {
    denial: RuleId,
    met: fn(&Case<'_>) -> bool,
}

/// All clauses, in the order in which a denial is reported.
const CLAUSES: &[Clause] = &[
    Clause { denial: RuleId::DenyDrill, met: |c| c.label.handling().exercise.as_ref() == c.at.drill },
    Clause {
        denial: RuleId::DenyExpired,
        met: |c| c.label.handling().expires_at.is_none_or(|e| c.at.now < e),
    },
    Clause { denial: RuleId::DenyErased, met: |c| c.is_not_erased() },
    Clause { denial: RuleId::DenyState, met: |c| c.is_in_effect_or_overseen() },
    Clause { denial: RuleId::DenyAgreement, met: |c| c.has_agreement() },
    Clause { denial: RuleId::DenyTerm, met: |c| c.under_terms(|agreement| agreement.is_live(c.at.now)) },
    Clause { denial: RuleId::DenyKind, met: |c| c.under_terms(|a| a.terms().kinds.contains(&c.matter.kind)) },
    Clause { denial: RuleId::DenyNotReleasable, met: |c| c.is_not_excluded() },
    Clause { denial: RuleId::DenyUnconfirmed, met: |c| c.is_confirmed() },
    Clause { denial: RuleId::DenyPurpose, met: |c| !c.purposes_shared().is_empty() },
    Clause { denial: RuleId::DenyProtected, met: |c| !c.is_shared_but_protected() },
    Clause {
        denial: RuleId::DenyDisplayOnly,
        met: |c| !c.label.handling().display_only || c.ask != Ask::Replicate,
    },
    Clause { denial: RuleId::DenyAudienceWithheld, met: |c| c.knows_audience() },
    Clause { denial: RuleId::DenyOnward, met: |c| c.onward() != Onward::None },
    Clause { denial: RuleId::DenyConsent, met: |c| c.has_consent() },
    Clause { denial: RuleId::DenyReleasable, met: |c| c.is_releasable() },
    Clause { denial: RuleId::DenyAudienceSlot, met: |c| c.may_tell_audience() },
];

fn judge<'c>(clauses: impl IntoIterator<Item = &'c Clause>, case: &Case<'_>) -> RuleId {
    match clauses.into_iter().find(|clause| !(clause.met)(case)) {
        Some(clause) => clause.denial,
        None => case.allowed(),
    }
}

/// Everything that the clauses look at.
struct Case<'a> {
    label: &'a Label,
    matter: &'a Matter,
    ask: Ask<'a>,
    at: &'a Circumstances<'a>,
}

impl Case<'_> {
    fn allowed(&self) -> RuleId {
        match self.ask {
            _ if self.is_own_use() => RuleId::AllowOwnUse,
            Ask::Query(_) => RuleId::AllowQuery,
            Ask::Replicate if self.is_return() => RuleId::AllowReturn,
            Ask::Replicate if self.is_sole_originator(self.at.sender) => RuleId::AllowReplicate,
            Ask::Replicate => RuleId::AllowRelay,
        }
    }

    fn is_own_use(&self) -> bool {
        *self.at.sender == self.at.peer.agency
    }

    /// Given back to the agency whose word alone it is: it is told nothing that it has not said, so that no audience
    /// is to be kept. Time, state, agreement and purpose bind it as ever.
    fn is_return(&self) -> bool {
        let peer = &self.at.peer.agency;
        !self.is_own_use()
            && self.ask == Ask::Replicate
            && !self.label.handling().originators.is_empty()
            && self.is_sole_originator(peer)
    }

    fn is_sole_originator(&self, agency: &AgencyId) -> bool {
        self.label.handling().originators.iter().all(|originator| originator == agency)
    }

    /// The third-party rule: the originators whose word is being passed on by somebody else to somebody else. A
    /// merged product needs every one of them.
    fn third_parties(&self) -> impl Iterator<Item = &AgencyId> {
        let concerned = |agency: &&AgencyId| **agency != *self.at.sender && **agency != self.at.peer.agency;
        let own_use = self.is_own_use();
        self.label.handling().originators.iter().filter(concerned).filter(move |_| !own_use)
    }

    fn is_not_erased(&self) -> bool {
        match self.at.state {
            RecordState::Erased => false,
            // Relief has travelled long before a record is held as evidence; nobody new may hold it.
            RecordState::Restricted => self.ask != Ask::Replicate,
            _ => true,
        }
    }

    /// Replication goes on in every other state: relief must travel too.
    fn is_in_effect_or_overseen(&self) -> bool {
        match self.ask {
            Ask::Replicate => true,
            Ask::Query(query) => {
                self.at.state.is_in_effect() || matches!(query.purpose, Purpose::Oversight | Purpose::Redress)
            }
        }
    }

    fn has_agreement(&self) -> bool {
        let peer = &self.at.peer.agency;
        match self.at.agreement {
            Some(agreement) if self.is_own_use() => agreement.has_party(peer),
            Some(agreement) => agreement.is_between(self.at.sender, peer),
            None => self.is_own_use() && self.is_sole_originator(peer),
        }
    }

    /// What an agency already holds it may use after the agreement has ended, until it must forget it.
    fn under_terms(&self, holds: impl Fn(&Agreement) -> bool) -> bool {
        self.is_own_use() || self.at.agreement.is_some_and(holds)
    }

    /// Protection states are among the excluded (G-6), so this clause is never to be set aside for them.
    fn is_not_excluded(&self) -> bool {
        let excluded = &self.label.audience().not_releasable_to;
        self.is_return() || !excluded.iter().any(|word| word.covers(self.at.peer, None))
    }

    fn is_confirmed(&self) -> bool {
        self.is_return()
            || !self.label.audience().not_releasable_to.iter().any(|word| word.is_open(self.at.peer))
    }

    fn purposes_shared(&self) -> Purposes {
        let asked = match self.ask {
            Ask::Replicate => Purposes::ALL,
            Ask::Query(query) => Purposes::of(&[query.purpose]),
        };
        let agreed = match self.at.agreement {
            Some(agreement) => agreement.terms().purposes,
            // Nobody's word is needed for what is one's own; without one, what is another's goes for no purpose.
            None if self.has_agreement() => Purposes::ALL,
            None => Purposes::NONE,
        };
        let bound = self.matter.bound.unwrap_or(Purposes::ALL);
        self.label.handling().purposes.intersection(asked).intersection(agreed).intersection(bound)
    }

    /// G-16.
    fn purposes_unprotected(&self) -> Purposes {
        let protected = self.label.handling().subject_categories.iter().any(|c| c.is_protected());
        let shared = self.purposes_shared();
        if protected { shared.without(Purposes::ENFORCEMENT) } else { shared }
    }

    fn is_shared_but_protected(&self) -> bool {
        self.purposes_unprotected().is_empty() && !self.purposes_shared().is_empty()
    }

    fn purposes_consented(&self) -> Purposes {
        let purposes = self.purposes_unprotected();
        let target = Some(&self.at.peer.agency);
        match self.onward() {
            Onward::Free | Onward::WithinRel => purposes,
            Onward::Consent => self
                .third_parties()
                .fold(purposes, |left, agency| left.intersection(self.consented(agency, target))),
            Onward::None => Purposes::NONE,
        }
    }

    /// The purposes of the live consents of one originator to this section, for one target or for any.
    fn consented(&self, originator: &AgencyId, target: Option<&AgencyId>) -> Purposes {
        let live = |consent: &&Consent| {
            consent.originator == *originator
                && Some(consent.commitment) == self.matter.commitment
                && target.is_none_or(|target| consent.target == *target)
                && self.at.now < consent.until
                && consent.uses > 0
        };
        self.at.consents.iter().filter(live).map(|consent| consent.purpose).collect()
    }

    /// What the label, narrowed by the agreement, says of passing on; `Free` where nobody else's word is.
    fn onward(&self) -> Onward {
        if self.third_parties().next().is_none() {
            return Onward::Free;
        }
        let agreed = self.at.agreement.map_or(Onward::None, |agreement| agreement.terms().onward);
        self.label.handling().onward.max(agreed)
    }

    fn has_consent(&self) -> bool {
        self.onward() != Onward::Consent
            || self.purposes_unprotected().is_empty()
            || !self.purposes_consented().is_empty()
    }

    /// A sender that does not know the audience cannot tell who belongs to it.
    fn knows_audience(&self) -> bool {
        self.label.reach() == Reach::Known
            || self.is_own_use()
            || self.is_return()
            || (self.at.side == Side::Receiving && self.is_sole_originator(self.at.sender))
    }

    fn is_releasable(&self) -> bool {
        let parties = self.at.agreement.map(Agreement::parties);
        self.label.is_public()
            || self.is_return()
            || self.label.reach() == Reach::Withheld
            || self.label.audience().releasable_to.iter().any(|word| word.covers(self.at.peer, parties))
    }

    fn may_tell_audience(&self) -> bool {
        if self.matter.slot != Slot::AUDIENCE || self.is_own_use() || self.is_return() {
            return true;
        }
        let terms = self.label.handling();
        match terms.onward {
            Onward::Free | Onward::WithinRel => true,
            // Whoever may pass it to somebody must know the list, and so must that somebody.
            Onward::Consent => {
                terms.originators.iter().all(|agency| !self.consented(agency, None).is_empty())
            }
            Onward::None => false,
        }
    }
}
