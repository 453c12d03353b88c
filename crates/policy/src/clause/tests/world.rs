//! The release that every clause permits, to be changed by the tests.

use super::super::*;
use crate::agreement::Terms;
use crate::audience::{Audience, StateCode};
use crate::defaults;
use crate::label::{HandlingTerms, LabelDraft};

/// A release by A, or by B of what A said, to C, that every clause permits until a test changes it.
#[derive(Clone)]
pub(super) struct World {
    pub(super) label: LabelDraft,
    pub(super) withhold_audience: bool,
    pub(super) matter: Matter,
    pub(super) query: Option<Purpose>,
    pub(super) side: Side,
    pub(super) sender: AgencyId,
    pub(super) peer: Peer,
    pub(super) agreement: Option<Agreement>,
    pub(super) consents: Vec<Consent>,
    pub(super) state: RecordState,
    pub(super) now: Moment,
    pub(super) drill: Option<ExerciseId>,
}

pub(super) fn agency(name: &str) -> AgencyId {
    format!("{name}.example").parse().unwrap()
}

pub(super) fn state(code: &str) -> StateCode {
    code.parse().unwrap()
}

pub(super) fn commitment() -> Commitment {
    Commitment::from_bytes([7; 32])
}

pub(super) fn secs(secs: u64) -> Moment {
    Moment::from_unix_secs(secs)
}

impl World {
    /// AMBER, onward WITHIN_REL, releasable to A and C.
    pub(super) fn new() -> Self {
        let set = defaults::own_designation(&agency("a"), Kind::Record, secs(0)).unwrap();
        let SlotLabel::Understood(label) = set.label(Slot::CORE) else { panic!("no label") };
        let mut label = label.to_draft();
        label.handling.onward = Onward::WithinRel;
        label.audience.releasable_to = ["a", "c"].map(|name| Audience::Agency(agency(name))).into();
        let bound = None;
        Self {
            label,
            withhold_audience: false,
            matter: Matter { kind: Kind::Record, slot: Slot::CORE, commitment: Some(commitment()), bound },
            query: None,
            side: Side::Sending,
            sender: agency("a"),
            peer: Peer::new(agency("c")),
            agreement: Agreement::default_terms(agency("a"), agency("c")).ok(),
            consents: Vec::new(),
            state: RecordState::Active,
            now: secs(100),
            drill: None,
        }
    }

    /// The same, passed on by B.
    pub(super) fn relayed() -> Self {
        let agreement = Agreement::default_terms(agency("b"), agency("c")).ok();
        Self { sender: agency("b"), agreement, ..Self::new() }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn label(&self) -> Label {
        let mut label = Label::new(self.label.clone()).unwrap();
        if self.withhold_audience {
            label = Label::withheld(label.handling().clone()).unwrap();
        }
        label
    }

    pub(super) fn judge_without(&self, dropped: Option<RuleId>) -> RuleId {
        let text = Text::new("x").unwrap();
        let ask = self
            .query
            .map_or(Ask::Replicate, |purpose| Ask::Query(Query { purpose, officer: &text, case: &text }));
        let at = Circumstances {
            side: self.side,
            sender: &self.sender,
            peer: &self.peer,
            agreement: self.agreement.as_ref(),
            consents: &self.consents,
            state: self.state,
            now: self.now,
            drill: self.drill.as_ref(),
        };
        let label = self.label();
        let case = Case { label: &label, matter: &self.matter, ask, at: &at };
        let rule = judge(CLAUSES.iter().filter(|clause| Some(clause.denial) != dropped), &case);
        if dropped.is_none() {
            assert_eq!(rule, may_release(SlotLabel::Understood(&label), &self.matter, ask, &at));
            let purposes = bound_purposes(&label, &self.matter, ask, &at);
            assert!(!rule.allows() || !purposes.is_empty(), "allowed for no purpose");
        }
        rule
    }

    pub(super) fn judge(&self) -> RuleId {
        self.judge_without(None)
    }

    pub(super) fn terms(&mut self, change: impl FnOnce(&mut Terms)) {
        let agreement = self.agreement.take().unwrap();
        let mut terms = agreement.terms().clone();
        change(&mut terms);
        let (one, other) = agreement.parties();
        self.agreement = Agreement::new(one.clone(), other.clone(), terms).ok();
    }

    pub(super) fn handling(&mut self) -> &mut HandlingTerms {
        &mut self.label.handling
    }

    pub(super) fn consent(&mut self) {
        self.handling().onward = Onward::Consent;
        self.consents = vec![Consent {
            originator: agency("a"),
            commitment: commitment(),
            target: agency("c"),
            purpose: Purpose::Customs,
            until: secs(200),
            uses: 1,
        }];
    }
}
