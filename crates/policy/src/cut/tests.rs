//! Whole entries, sealed and verified, cut for a peer and for a relay's peer.

use std::collections::BTreeMap;

use comity_ledger::{AgencyId, AuthorTime, Draft, Entropy, EntropyError, Kind, Origin};

use super::*;
use crate::agreement::Agreement;
use crate::audience::{Audience, Peer};
use crate::clause::{Consent, RecordState, Side};
use crate::defaults;
use crate::label::Label;
use crate::marking::Moment;
use crate::purpose::Purpose;

/// Distinct bytes without a generator: salts need only differ here.
struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        self.0 += 1;
        buffer.fill(self.0);
        Ok(())
    }
}

fn agency(name: &str) -> AgencyId {
    format!("{name}.example").parse().unwrap()
}

/// A record entry of A with core, reasons_closed and sources; the other sections are absent.
fn seal(labels: &LabelSet) -> (Entry, Vec<Holding>) {
    let origin = Origin::publication(&agency("a"));
    let draft = labels.put_into(Draft::new(Kind::Record, None));
    let draft = [Slot::CORE, Slot::REASONS_CLOSED, Slot::SOURCES]
        .into_iter()
        .fold(draft, |draft, slot| draft.with_section(slot, vec![slot.number(); 9]));
    let sealed = draft.seal(&origin, AuthorTime::from_unix_secs(5), &mut Counter(0)).unwrap();
    let entry = sealed.bytes().parse().unwrap();
    let verify = |(slot, opening): &(Slot, comity_ledger::Opening)| Holding {
        opening: opening.clone().verify(&origin, &entry, *slot).unwrap(),
        bound: None,
    };
    let holdings = sealed.openings().iter().map(verify).collect();
    (entry, holdings)
}

/// Cuts for C, sent by the given agency under the default terms.
fn cut_from(
    sender: &str,
    entry: &Entry,
    holdings: &[Holding],
    labels: &LabelSet,
    consents: &[Consent],
) -> Cut {
    let (sender, peer) = (agency(sender), Peer::new(agency("c")));
    let agreement = Agreement::default_terms(sender.clone(), peer.agency.clone()).unwrap();
    let at = Circumstances {
        side: Side::Sending,
        sender: &sender,
        peer: &peer,
        agreement: Some(&agreement),
        consents,
        state: RecordState::Active,
        now: Moment::from_unix_secs(10),
        drill: None,
    };
    let mut cut = cut(entry, holdings.to_vec(), labels, &at);
    assert_eq!(cut.released.len() + cut.withheld.len(), holdings.len());
    assert!(cut.released.is_sorted_by_key(Released::slot));
    cut.withheld.retain(|withheld| withheld.rule != RuleId::DenyAbsent);
    cut
}

fn slots(cut: &Cut) -> Vec<u8> {
    cut.released.iter().map(|released| released.slot().number()).collect()
}

fn rules(cut: &Cut) -> Vec<(u8, RuleId)> {
    cut.withheld.iter().map(|withheld| (withheld.slot.number(), withheld.rule)).collect()
}

fn official() -> LabelSet {
    defaults::imported_official_list(&agency("a"), Kind::Record).unwrap()
}

fn own() -> LabelSet {
    defaults::own_designation(&agency("a"), Kind::Record, Moment::from_unix_secs(0)).unwrap()
}

/// A set with another label for some slots.
fn relabelled(set: &LabelSet, slots: &[Slot], change: impl Fn(&mut crate::LabelDraft)) -> LabelSet {
    let label = |slot| match set.label(slot) {
        SlotLabel::Understood(label) => label.clone(),
        other => panic!("{other:?}"),
    };
    let mut labels: BTreeMap<Slot, Label> = set.slots().map(|slot| (slot, label(slot))).collect();
    for slot in slots {
        let mut draft = label(*slot).to_draft();
        change(&mut draft);
        labels.insert(*slot, Label::new(draft).unwrap());
    }
    LabelSet::new(set.kind(), labels).unwrap()
}

#[test]
fn an_official_list_goes_whole_with_its_audience_and_its_purposes_and_absent_sections_stay() {
    let (entry, holdings) = seal(&official());
    let cut = cut_from("a", &entry, &holdings, &official(), &[]);
    assert_eq!(slots(&cut), [0, 1, 2, 5, 6]);
    assert_eq!(cut.withheld, []);
    for released in &cut.released {
        assert_eq!(
            (released.rule(), released.purposes()),
            (RuleId::AllowReplicate, Purposes::ALL_BUT_EXERCISE)
        );
        assert!(!released.opening().section().is_empty());
    }
}

#[test]
fn an_own_designation_goes_without_its_audience_and_no_relay_passes_it_on() {
    let (entry, holdings) = seal(&own());
    let cut = cut_from("a", &entry, &holdings, &own(), &[]);
    assert_eq!(slots(&cut), [0, 2, 5, 6]);
    assert_eq!(rules(&cut), [(1, RuleId::DenyAudienceSlot)]);
    // What B then holds, and the labels that B can read from it.
    let held: Vec<_> = cut
        .released
        .iter()
        .map(|r| Holding { opening: r.opening().clone(), bound: Some(r.purposes()) })
        .collect();
    let labels = LabelSet::from_sections(Kind::Record, held[0].opening.section(), None).unwrap();
    let relayed = cut_from("b", &entry, &held, &labels, &[]);
    assert_eq!(slots(&relayed), [0u8; 0]);
    assert!(rules(&relayed).contains(&(2, RuleId::DenyAudienceWithheld)));
}

#[test]
fn a_relay_passes_on_only_with_handling_and_audience() {
    let (entry, mut holdings) = seal(&official());
    let all = cut_from("b", &entry, &holdings, &official(), &[]);
    assert_eq!(slots(&all), [0, 1, 2, 5, 6]);
    assert!(all.released.iter().all(|released| released.rule() == RuleId::AllowRelay));
    for companion in [Slot::AUDIENCE, Slot::HANDLING] {
        holdings.retain(|holding| holding.opening.slot() != companion);
        let cut = cut_from("b", &entry, &holdings, &official(), &[]);
        assert_eq!(slots(&cut), [0u8; 0], "without {companion}");
        assert!(rules(&cut).contains(&(2, RuleId::DenyCompanion)));
    }
    assert_eq!(slots(&cut_from("a", &entry, &holdings, &official(), &[])), [0u8; 0]);
}

#[test]
fn each_section_goes_by_its_own_label() {
    let labels = relabelled(&own(), &[Slot::REASONS_CLOSED, Slot::SOURCES], |draft| {
        assert!(draft.audience.releasable_to.remove(&Audience::PeersOf(agency("a"))));
    });
    let (entry, holdings) = seal(&labels);
    let cut = cut_from("a", &entry, &holdings, &labels, &[]);
    assert_eq!(slots(&cut), [0, 2]);
    assert_eq!(
        rules(&cut),
        [(1, RuleId::DenyAudienceSlot), (5, RuleId::DenyReleasable), (6, RuleId::DenyReleasable)]
    );
}

#[test]
fn nothing_goes_when_no_section_does_and_content_never_goes_without_its_handling() {
    let content = [Slot::CORE, Slot::REASONS_CLOSED, Slot::SOURCES];
    let closed = relabelled(&official(), &content, |draft| draft.handling.display_only = true);
    let (entry, holdings) = seal(&closed);
    let cut = cut_from("a", &entry, &holdings, &closed, &[]);
    assert_eq!(slots(&cut), [0u8; 0]);
    assert_eq!(rules(&cut)[..2], [(0, RuleId::DenyCompanion), (1, RuleId::DenyCompanion)]);
    let headless = relabelled(&official(), &[Slot::HANDLING], |draft| draft.handling.display_only = true);
    let (entry, holdings) = seal(&headless);
    assert_eq!(slots(&cut_from("a", &entry, &holdings, &headless, &[])), [0u8; 0]);
}

#[test]
fn an_audience_section_stays_where_only_a_section_that_does_not_go_could_be_passed_on() {
    let labels = relabelled(&official(), &[Slot::CORE], |draft| {
        draft.handling.onward = Onward::None;
        draft.audience.releasable_to.extend([agency("a"), agency("c")].map(Audience::Agency));
    });
    let labels = relabelled(&labels, &[Slot::REASONS_CLOSED, Slot::SOURCES], |draft| {
        draft.handling.display_only = true;
    });
    let (entry, holdings) = seal(&labels);
    let cut = cut_from("a", &entry, &holdings, &labels, &[]);
    assert_eq!(slots(&cut), [0, 2]);
    assert!(rules(&cut).contains(&(1, RuleId::DenyAudienceSlot)));
}

#[test]
fn a_consent_to_one_section_carries_its_companions_and_no_other_section() {
    let all: Vec<_> = own().slots().collect();
    let labels = relabelled(&own(), &all, |draft| {
        draft.handling.onward = Onward::Consent;
        draft.audience.releasable_to.insert(Audience::Agency(agency("c")));
    });
    let (entry, holdings) = seal(&labels);
    let refused = cut_from("b", &entry, &holdings, &labels, &[]);
    assert_eq!(slots(&refused), [0u8; 0]);
    let consent = Consent {
        originator: agency("a"),
        commitment: entry.commitment(Slot::CORE).unwrap(),
        target: agency("c"),
        purpose: Purpose::Customs,
        until: Moment::from_unix_secs(20),
        uses: 1,
    };
    let cut = cut_from("b", &entry, &holdings, &labels, &[consent]);
    assert_eq!(slots(&cut), [0, 1, 2]);
    assert!(cut.released.iter().all(|released| released.purposes() == Purposes::of(&[Purpose::Customs])));
    assert_eq!(rules(&cut), [(5, RuleId::DenyConsent), (6, RuleId::DenyConsent)]);
}

#[test]
fn labels_of_another_kind_release_nothing() {
    let (entry, holdings) = seal(&official());
    let control = defaults::imported_official_list(&agency("a"), Kind::Control).unwrap();
    let cut = cut_from("a", &entry, &holdings, &control, &[]);
    assert_eq!(slots(&cut), [0u8; 0]);
    assert!(rules(&cut).contains(&(2, RuleId::DenyLabelMissing)));
}
