//! What is told to whoever asks of one entry of a served log: the STIX objects of the listing of which it is the newest
//! entry, as an export writes them, and nothing unless its labels are for everybody.
//!
//! Not here: the mapping (`feeds`), the labels (`policy`), nor which entries a request gets (`page`).

use comity_feeds::out::{StixObject, StixObjects};
use comity_ledger::{Origin, Slot};
use comity_policy::{Label, Moment, Tlp};
use comity_screening::{LogOrigin, View};
use comity_watchlist::{Change, Handle, Section, SectionsRead};

use crate::outgoing::{Wanted, unbroken};
use crate::sections::HeldEntry;
use crate::{Node, NodeError};

/// One log, for one request.
pub(super) struct Listings<'a> {
    pub(super) node: &'a Node,
    pub(super) origin: &'a Origin,
    pub(super) log: &'a LogOrigin,
    pub(super) objects: StixObjects,
    /// By which labels are judged.
    pub(super) now: Moment,
}

/// What is told by one entry.
#[derive(Debug)]
pub(super) struct ToldBy {
    /// The objects, in the order of an export. Which filters leave out is for others.
    pub(super) objects: Vec<StixObject>,
    /// Entries that were read for it; of one by which nothing is told it is one, whatever was read, so that no page says
    /// how long the history of a listing is that is not for everybody.
    pub(super) looked: usize,
}

impl ToldBy {
    pub(super) const NOTHING: Self = Self { objects: Vec::new(), looked: 1 };
}

impl Listings<'_> {
    /// What stands before all listings: the objects that they lean on. It is told with the first entry of a log.
    pub(super) fn common(&self) -> ToldBy {
        let objects = self.objects.common_written(self.origin.agency().as_str(), [Tlp::Clear]);
        ToldBy { objects, looked: 1 }
    }

    /// The objects that an entry tells: nothing unless it is the newest word on its listing. Whoever reads what an author
    /// has replaced could read what was closed since.
    pub(super) fn told_by(&self, held: HeldEntry) -> Result<ToldBy, NodeError> {
        let wanted = handle_of(&held).and_then(|handle| wanted_of(&self.node.view(), self.log, handle));
        let Some(wanted) = wanted.filter(|wanted| wanted.newest == held.index) else {
            return Ok(ToldBy::NOTHING);
        };
        let may = |label: &Label| label.is_for_everybody(self.now);
        let Some(told) = unbroken::read(self.node.store(), self.origin, &wanted, held, &may)? else {
            return Ok(ToldBy::NOTHING);
        };
        let objects = if wanted.status.is_ended() {
            vec![self.objects.revoked_written(&told.listing)]
        } else {
            self.objects.written(&told.listing)
        };
        Ok(ToldBy { objects, looked: told.looked })
    }
}

/// How a log leaves a listing, if it is known what was said of it last, and that without contradiction.
fn wanted_of(view: &View, log: &LogOrigin, handle: Handle) -> Option<Wanted> {
    if !view.newest_is_known(log, handle) || view.is_disputed(log, handle) {
        return None;
    }
    let (newest, _, status) = view.newest_of(log, handle)?;
    // Of one that lives nothing is written unless its record is opened; the same holds of an export.
    if !status.is_ended() {
        view.live_of(log, handle)?;
    }
    // What it is merged into may not be for everybody.
    let merged_into = None;
    Some(Wanted { key: view.key_of(log, handle)?.clone(), handle, newest, status, merged_into })
}

/// The listing that an entry changes, if that is opened.
fn handle_of(held: &HeldEntry) -> Option<Handle> {
    let core = Slot::new(Section::Core.slot());
    let core = held.openings.iter().find(|opening| opening.slot() == core)?;
    let read = SectionsRead::withheld().give(Section::Core, core.section());
    Change::decode(&read).ok().map(|decoded| decoded.change.handle)
}
