//! The records that the logs of a home amount to: the merged view, rebuilt from openings, and the drafts of
//! changes to it.
//!
//! Of a log that is closed what stands beyond its last good checkpoint is nobody's word: it changes and ends nothing. A
//! listing that begins there is shown all the same, for review, since it may have been the author's.

use std::collections::BTreeMap;
use std::ops::Range;

use comity_ledger::{Entry, Head, KeyHistory, Kind, Opening, Origin, Slot, erased_by};
use comity_screening::{LogOrigin, Provenance, View};
use comity_store::{LogRole, ReadError, Store, StoreError, is_set_aside};
use comity_tlog::{EntryIndex, Hash, TreeSize};
use comity_watchlist::{Change, Decoded, Section, SectionsRead};

use crate::export::head_of;
use crate::{NodeError, OpenHome};

/// Entries read at once: one bundle's worth, so that memory does not grow with the log.
const WINDOW: u64 = 256;

impl OpenHome {
    /// The merged view of all logs up to their signed checkpoints, built afresh from what is opened to this node.
    ///
    /// # Errors
    /// A [`NodeError`] if the store is damaged, or an own change does not read.
    pub fn view(&self) -> Result<View, NodeError> {
        Ok(view_of(self.store())?.0)
    }
}

/// The merged view of all logs but those set aside, up to their signed checkpoints, with the heads that it stands on.
pub(crate) fn view_of(store: &Store) -> Result<(View, BTreeMap<Origin, Head>), NodeError> {
    let (mut view, mut heads) = (View::new(), BTreeMap::new());
    for (origin, _) in store.logs()? {
        let Some(note) = store.newest_note(&origin)?.filter(|_| !is_set_aside(&origin)) else { continue };
        let (head, end) = (head_of(&note)?, last_good(store, &origin)?);
        for step in read_steps(store, &origin, TreeSize::ZERO..head.size)? {
            step.apply(&origin, end, &mut view)?;
        }
        heads.insert(origin, within(head, end));
    }
    Ok((view, heads))
}

/// The last good checkpoint of a log that is closed.
///
/// # Errors
/// A [`NodeError`] if the store fails or is damaged.
pub(crate) fn last_good(store: &Store, origin: &Origin) -> Result<Option<Head>, NodeError> {
    Ok(keys_held(store, origin)?.and_then(|keys| keys.closed()))
}

/// What an answer stands on that has taken in a log up to `head`: of one that has ended no more than the last good
/// checkpoint, since nothing beyond that counts.
pub(crate) fn within(head: Head, last_good: Option<Head>) -> Head {
    last_good.filter(|end| end.size <= head.size).unwrap_or(head)
}

fn keys_held(store: &Store, origin: &Origin) -> Result<Option<KeyHistory>, NodeError> {
    match store.keys(origin) {
        Ok(keys) => Ok(Some(keys)),
        Err(StoreError::NoSuchLog { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// An entry read from the store, on its way into the view.
#[derive(Debug)]
pub(crate) struct ViewStep {
    at: Provenance,
    says: Says,
    /// Whether it stands in a peer's log.
    foreign: bool,
}

/// What an entry tells the view.
#[derive(Debug)]
enum Says {
    /// A change.
    Change(Decoded),
    /// Nothing: it is withheld or of a later version, kept and not shown, and what it is about is not actionable.
    Nothing,
    /// That an earlier entry is erased, which can make a package whole.
    Erased(EntryIndex),
}

impl ViewStep {
    /// The step of a record entry that stands at `at`, by what is opened of it.
    pub(crate) fn of<'a>(
        at: Provenance,
        foreign: bool,
        opened: impl Iterator<Item = (Slot, &'a Opening)>,
    ) -> Self {
        Self { foreign, ..Self::of_sections(at, opened.map(|(slot, opening)| (slot, opening.section()))) }
    }

    /// The step of a record entry that stands at `at`, by its sections.
    pub(crate) fn of_sections<'a>(at: Provenance, opened: impl Iterator<Item = (Slot, &'a [u8])>) -> Self {
        let mut sections = SectionsRead::withheld();
        for (slot, bytes) in opened {
            let section = Section::ALL.into_iter().find(|section| section.slot() == slot.number());
            if let Some(section) = section {
                sections = sections.give(section, bytes);
            }
        }
        let says = Change::decode(&sections).map_or(Says::Nothing, Says::Change);
        Self { at, says, foreign: false }
    }

    /// The step of an own entry whose change is known.
    pub(crate) fn own(at: Provenance, decoded: Decoded) -> Self {
        Self { at, says: Says::Change(decoded), foreign: false }
    }

    /// Whether it stands in a peer's log.
    pub(crate) const fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// Whether it leaves every record as it is: it names no entry before it, and begins a listing of its own at most. A
    /// same-as statement and a vocabulary say something of others.
    fn changes_nothing(&self, view: &View) -> bool {
        self.at.about.is_none()
            && match &self.says {
                Says::Change(decoded) => {
                    let change = &decoded.change;
                    change.op.is_of_listing() && !view.has_handle(&self.at.origin, change.handle)
                }
                Says::Nothing => true,
                Says::Erased(_) => false,
            }
    }

    /// Takes the entry into the view, of a log that ended at `last_good` if it did. What of a peer's log does not fit is
    /// not shown; it must not keep the node from starting.
    ///
    /// # Errors
    /// A [`NodeError`] if the view has other entries in the place of an own one.
    pub(crate) fn apply(
        mut self,
        origin: &Origin,
        last_good: Option<Head>,
        view: &mut View,
    ) -> Result<(), NodeError> {
        if last_good.is_some_and(|end| !end.size.contains(self.at.index)) {
            if !self.changes_nothing(view) {
                return Ok(());
            }
            // A package that the end cuts in two is none: what begins beyond it completes nothing before it.
            if let Says::Change(decoded) = &mut self.says {
                decoded.package = None;
            }
        }
        let taken = match self.says {
            Says::Change(decoded) => view.apply(&self.at, decoded).map(|_| ()),
            Says::Nothing => view.note_about(&self.at),
            Says::Erased(of) => {
                view.note_erased(&self.at.origin, of);
                Ok(())
            }
        };
        match taken {
            Err(reason) if self.foreign => {
                tracing::warn!(%origin, index = %self.at.index, %reason, "an entry is not shown");
                Ok(())
            }
            taken => taken.map_err(|_| unreadable(origin, self.at.index.value())),
        }
    }
}

/// Reads the record entries of a range, and what erases them, with what is opened of them.
pub(crate) fn read_steps(
    store: &Store,
    origin: &Origin,
    range: Range<TreeSize>,
) -> Result<Vec<ViewStep>, NodeError> {
    let mut steps = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let end = TreeSize::new(range.end.value().min(start.value().saturating_add(WINDOW)));
        let end = end.unwrap_or(range.end);
        read_window(store, origin, start..end, &mut steps)?;
        start = end;
    }
    Ok(steps)
}

fn read_window(
    store: &Store,
    origin: &Origin,
    range: Range<TreeSize>,
    steps: &mut Vec<ViewStep>,
) -> Result<(), NodeError> {
    let entries = store.shared_entries(origin, range.start, range.end)?;
    let mut any = false;
    for bytes in &entries {
        any |= matches!(Entry::kind_of(bytes)?, Kind::Record | Kind::Erase);
    }
    if !any {
        return Ok(());
    }
    let log: LogOrigin = origin.as_str().parse().map_err(|_| unreadable(origin, range.start.value()))?;
    let slots: Vec<Slot> = Section::ALL.iter().map(|section| Slot::new(section.slot())).collect();
    let foreign = store.role(origin)? == Some(LogRole::Replica);
    let mut held = entries.iter();
    let read = store.each_opening(origin, range, &slots, |index, openings| {
        let bytes = held.next().ok_or_else(|| unreadable(origin, index.value()))?;
        let entry = Entry::parse(bytes)?;
        let erased = erased_by(index, &entry);
        if entry.kind() != Kind::Record && erased.is_none() {
            return Ok(());
        }
        let at = Provenance { origin: log.clone(), index, leaf: Hash::leaf(bytes), about: entry.about() };
        if let Some(of) = erased {
            steps.push(ViewStep { at, says: Says::Erased(of), foreign });
            return Ok(());
        }
        let opened =
            slots.iter().zip(&*openings).filter_map(|(slot, opening)| Some((*slot, opening.as_ref()?)));
        steps.push(ViewStep::of(at, foreign, opened));
        Ok(())
    });
    match read {
        Ok(()) => Ok(()),
        Err(ReadError::Store(source)) => Err(source.into()),
        Err(ReadError::Taker(error)) => Err(error),
    }
}

fn unreadable(origin: &Origin, index: u64) -> NodeError {
    let log = origin.to_string();
    StoreError::Damaged { what: "a record entry", log, place: index }.into()
}
