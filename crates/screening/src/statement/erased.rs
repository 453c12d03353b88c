//! What becomes of same-as statements when a record that they name is erased.
//!
//! Not for: what is erased in a log and how (`comity-node`).

use std::collections::BTreeSet;

use comity_tlog::EntryIndex;
use comity_watchlist::{Handle, ListingRef};

use super::{Deed, Spoken, Statements, origin_of};
use crate::chain::Status;
use crate::log::Gap;
use crate::origin::LogOrigin;
use crate::view::View;

impl View {
    /// Whether a listing that a statement names was erased, as far as is known.
    pub(super) fn is_erased(&self, named: &ListingRef) -> bool {
        let found = self.newest_of(&origin_of(named), named.handle);
        found.is_some_and(|(.., status)| status == Status::Erased)
    }

    /// The entries of one log that say something about a listing, whosever it is, and those that take it back.
    pub fn statement_entries(&self, log: &LogOrigin, of: &LogOrigin, handle: Handle) -> BTreeSet<EntryIndex> {
        let named = self.named_by.get(&(of.clone(), handle)).into_iter().flatten();
        let made = named.filter(|(origin, _)| origin == log).map(|(_, index)| *index);
        let Some(held) = self.log(log) else { return BTreeSet::new() };
        made.flat_map(|made| held.statements.with_retractions(made)).collect()
    }

    /// The entries that went with a record that was erased, if the statement of a handle of one log names one: those that
    /// say it and take it back.
    pub fn erased_with(&self, log: &LogOrigin, handle: Handle) -> BTreeSet<EntryIndex> {
        let found = self.statement(log, handle);
        let erased = found.filter(|stated| stated.pair.listings().iter().any(|named| self.is_erased(named)));
        let held = self.log(log).map(|log| &log.statements);
        erased.zip(held).map(|(stated, held)| held.with_retractions(stated.index)).unwrap_or_default()
    }

    /// Lets go of what some entries of a log say of listings being about one subject, since it was erased: they are not
    /// opened any more. Other entries are passed over.
    pub fn forget_statements(&mut self, origin: &LogOrigin, entries: &[EntryIndex]) {
        let Some(log) = self.logs_mut().get_mut(origin) else { return };
        let mut named = Vec::new();
        for index in entries {
            let Some(Spoken { leaf, about, deed, .. }) = log.statements.forget(*index) else { continue };
            log.gaps.insert(*index, Gap { leaf, about: about.filter(|about| about < index), owner: None });
            if let Deed::Say(pair) = deed {
                named.extend(pair.listings().iter().map(|named| ((origin_of(named), named.handle), *index)));
            }
        }
        for (listing, index) in named {
            let Some(said) = self.named_by.get_mut(&listing) else { continue };
            said.remove(&(origin.clone(), index));
            if said.is_empty() {
                self.named_by.remove(&listing);
            }
        }
    }
}

impl Statements {
    /// An entry that says something, with those that take it back.
    fn with_retractions(&self, made: EntryIndex) -> BTreeSet<EntryIndex> {
        let named = self.retractions.range((made, EntryIndex::ZERO)..=(made, EntryIndex::MAX));
        std::iter::once(made).chain(named.map(|(_, by)| *by)).collect()
    }

    /// Lets go of an opened entry.
    fn forget(&mut self, index: EntryIndex) -> Option<Spoken> {
        let spoken = self.spoken.remove(&index)?;
        match (&spoken.deed, spoken.about) {
            (Deed::Say(_), _) => {
                if let Some(made) = self.made.get_mut(&spoken.handle) {
                    made.remove(&index);
                    if made.is_empty() {
                        self.made.remove(&spoken.handle);
                    }
                }
            }
            (Deed::Retract(_), Some(about)) => {
                self.retractions.remove(&(about, index));
            }
            (Deed::Retract(_), None) => {}
        }
        Some(spoken)
    }
}
