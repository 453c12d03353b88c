//! Entries under labels of a test's choice, and changes that follow the newest of a listing.

use std::collections::BTreeSet;

use comity_ledger::{Kind, Slot};
use comity_node::{OpenHome, submission};
use comity_policy::{Audience, AudienceTerms, Label, LabelDraft, LabelSet, Onward, SlotLabel, Tlp, defaults};
use comity_tlog::EntryIndex;
use comity_watchlist::{Change, EntryRef, Notice, Op};
use comity_wire::{DraftChange, HandlingChoice};

use crate::support::{AGENCY, handle, record};

/// A word that no answer may hold.
pub(crate) const SECRET: &str = "Hidden";

/// The label of an official list, changed.
pub(crate) fn label(change: impl FnOnce(&mut LabelDraft)) -> Label {
    let set = defaults::imported_official_list(&AGENCY.parse().unwrap(), Kind::Record).unwrap();
    let SlotLabel::Understood(label) = set.label(Slot::CORE) else { panic!("no label") };
    let mut draft = label.to_draft();
    change(&mut draft);
    Label::new(draft).unwrap()
}

pub(crate) fn mine() -> AudienceTerms {
    let releasable_to = BTreeSet::from([Audience::Agency(AGENCY.parse().unwrap())]);
    AudienceTerms { releasable_to, ..AudienceTerms::default() }
}

pub(crate) fn at(tlp: Tlp, onward: Onward) -> Label {
    label(|draft| {
        (draft.handling.tlp, draft.handling.onward, draft.audience) = (tlp, onward, mine());
    })
}

/// Appends a change under labels of the test's choice.
pub(crate) fn write(open: &mut OpenHome, change: DraftChange, labels: &LabelSet) -> u64 {
    let mut made = submission(open.home().config(), HandlingChoice::OfficialList, &[change]).unwrap();
    for draft in &mut made.drafts {
        let handling = draft.clone().with_section(Slot::HANDLING, labels.handling_section());
        *draft = handling.with_section(Slot::AUDIENCE, labels.audience_section().unwrap());
    }
    let view = open.view().unwrap();
    open.append(made, &view).unwrap().first.value()
}

pub(crate) fn uniform(label: &Label) -> LabelSet {
    LabelSet::uniform(Kind::Record, label).unwrap()
}

pub(crate) fn newest(open: &OpenHome, n: u8) -> (u64, EntryRef) {
    let view = open.view().unwrap();
    let log = open.home().origin().as_str().parse().unwrap();
    let (index, leaf, _) = view.newest_of(&log, handle(n)).unwrap();
    (index.value(), leaf)
}

pub(crate) fn noted(open: &OpenHome, n: u8, op: impl FnOnce(EntryRef, Box<Notice>) -> Op) -> DraftChange {
    let (about, prev) = newest(open, n);
    let notice = Box::new(Notice::new(record(&n.to_string(), "Nobody").key));
    let sections = Change { handle: handle(n), op: op(prev, notice) }.encode().unwrap();
    DraftChange::new(Some(EntryIndex::new(about).unwrap()), sections).unwrap()
}
