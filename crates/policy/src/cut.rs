//! What of one entry goes to one peer: the only maker of [`Released`].
//!
//! Handling (slot 0) goes with every section that goes; audience (slot 1) only where onward sharing is permitted
//! (B7); a relayed section goes only with both (C16). Absent sections never go: absent and withheld look alike.
//! Not for: whether the disclosure is booked before its first byte leaves, which `node` sees to (D27).

use comity_ledger::{Entry, Slot, VerifiedOpening};

use crate::clause::{Ask, Circumstances, Matter, bound_purposes, may_release};
use crate::label_set::{LabelSet, SlotLabel};
use crate::marking::Onward;
use crate::purpose::Purposes;
use crate::rule::RuleId;

#[cfg(test)]
mod tests;

/// A section that the sender holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The opening, verified against the entry it is cut from.
    pub opening: VerifiedOpening,
    /// The purposes that came with it from another agency; `None` for what is one's own.
    pub bound: Option<Purposes>,
}

/// An opening that may leave: the only form that the wire takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Released {
    opening: VerifiedOpening,
    rule: RuleId,
    purposes: Purposes,
}

impl Released {
    /// The slot that it opens.
    pub fn slot(&self) -> Slot {
        self.opening.slot()
    }

    /// The opening.
    pub fn opening(&self) -> &VerifiedOpening {
        &self.opening
    }

    /// The opening, alone.
    pub fn into_opening(self) -> VerifiedOpening {
        self.opening
    }

    /// The rule that allowed it, for the account.
    pub fn rule(&self) -> RuleId {
        self.rule
    }

    /// The purposes that travel with it and bind its use.
    pub fn purposes(&self) -> Purposes {
        self.purposes
    }
}

/// A held section that does not go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// Its slot.
    pub slot: Slot,
    /// The rule that denied it.
    pub rule: RuleId,
}

/// One entry, cut for one peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// What goes, slots ascending.
    pub released: Vec<Released>,
    /// What is held and does not go, slots ascending.
    pub withheld: Vec<Withheld>,
}

/// Cuts an entry for replication to the peer of the circumstances.
///
/// `holdings` are the sections held of this entry, `labels` the labels in force for it, which a signed relabel may
/// have changed since. What is not held is not mentioned.
pub fn cut(entry: &Entry, mut holdings: Vec<Holding>, labels: &LabelSet, at: &Circumstances<'_>) -> Cut {
    holdings.sort_by_key(|holding| holding.opening.slot());
    let verdicts = Verdicts::of(entry, &holdings, labels, at);
    let mut cut = Cut { released: Vec::with_capacity(holdings.len()), withheld: Vec::new() };
    for holding in holdings {
        let slot = holding.opening.slot();
        match verdicts.of_slot(slot) {
            Ok((rule, purposes)) => {
                cut.released.push(Released { opening: holding.opening, rule, purposes });
            }
            Err(rule) => cut.withheld.push(Withheld { slot, rule }),
        }
    }
    cut
}

/// The rule that allows with the purposes that travel, or the rule that denies.
type Verdict = Result<(RuleId, Purposes), RuleId>;

struct Verdicts(Vec<(Slot, Verdict)>);

impl Verdicts {
    fn of(entry: &Entry, holdings: &[Holding], labels: &LabelSet, at: &Circumstances<'_>) -> Self {
        let judge = |holding: &Holding, goes_with: Slot| -> Verdict {
            let slot = holding.opening.slot();
            // Labels of another kind of entry are no labels of this one.
            let label = if labels.kind() == entry.kind() { labels.label(slot) } else { SlotLabel::Missing };
            let SlotLabel::Understood(terms) = label else {
                return Err(may_release(label, &matter(entry, holding, goes_with), Ask::Replicate, at));
            };
            let matter = matter(entry, holding, goes_with);
            match may_release(label, &matter, Ask::Replicate, at) {
                rule if rule.allows() => Ok((rule, bound_purposes(terms, &matter, Ask::Replicate, at))),
                rule => Err(rule),
            }
        };
        let companion = |slot| holdings.iter().find(|holding: &&Holding| holding.opening.slot() == slot);
        let mut verdicts = Vec::with_capacity(holdings.len() + 2);
        let (mut handling, mut audience) = (Err(RuleId::DenyCompanion), Err(RuleId::DenyCompanion));
        for holding in holdings.iter().filter(|holding| !is_companion(holding.opening.slot())) {
            let slot = holding.opening.slot();
            let mut verdict = if holding.opening.section().is_empty() {
                Err(RuleId::DenyAbsent)
            } else {
                judge(holding, slot)
            };
            if let Ok((rule, _)) = verdict {
                let with_handling =
                    companion(Slot::HANDLING).map_or(Err(RuleId::DenyCompanion), |held| judge(held, slot));
                let with_audience = companion(Slot::AUDIENCE)
                    .filter(|_| may_go_onward(labels, slot))
                    .map_or(Err(RuleId::DenyAudienceSlot), |held| judge(held, slot));
                let complete = rule != RuleId::AllowRelay || with_audience.is_ok();
                if with_handling.is_ok() && complete {
                    handling = wider(handling, with_handling);
                    audience = wider(audience, with_audience);
                } else {
                    verdict = Err(RuleId::DenyCompanion);
                }
            }
            verdicts.push((slot, verdict));
        }
        verdicts.push((Slot::HANDLING, handling));
        verdicts.push((Slot::AUDIENCE, audience));
        Self(verdicts)
    }

    fn of_slot(&self, slot: Slot) -> Verdict {
        let found = self.0.iter().find(|(held, _)| *held == slot);
        found.map_or(Err(RuleId::DenyLabelMissing), |(_, verdict)| *verdict)
    }
}

fn is_companion(slot: Slot) -> bool {
    slot == Slot::HANDLING || slot == Slot::AUDIENCE
}

/// Consents name the section that handling and audience go with.
fn matter(entry: &Entry, holding: &Holding, goes_with: Slot) -> Matter {
    Matter {
        kind: entry.kind(),
        slot: holding.opening.slot(),
        commitment: entry.commitment(goes_with),
        bound: holding.bound,
    }
}

fn may_go_onward(labels: &LabelSet, slot: Slot) -> bool {
    match labels.label(slot) {
        SlotLabel::Understood(label) => label.handling().onward != Onward::None,
        SlotLabel::Foreign | SlotLabel::Missing => false,
    }
}

/// A companion goes if it goes with any section, for all purposes for which it does.
fn wider(one: Verdict, other: Verdict) -> Verdict {
    match (one, other) {
        (Ok((rule, a)), Ok((_, b))) => Ok((rule, a.union(b))),
        (Ok(kept), Err(_)) | (Err(_), Ok(kept)) => Ok(kept),
        // The denial of the later section is as good as that of the earlier.
        (Err(_), Err(rule)) => Err(rule),
    }
}
