//! What is told to whoever asks of one entry of a served log: the STIX objects of the listing that it changes,
//! exactly as an export writes them, and nothing unless its labels are for everybody.
//!
//! Not here: the mapping (`feeds`), the labels (`policy`), nor which entries a request gets (`page`).

use comity_feeds::out::{StixObject, StixObjects};
use comity_ledger::{Origin, Slot};
use comity_policy::{Moment, Tlp};
use comity_screening::{LogOrigin, Provenance, Status, View};
use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{Change, Handle, Section, SectionsRead};

use super::ask::Versions;
use crate::outgoing::{Wanted, read};
use crate::records::ViewStep;
use crate::sections::{HeldEntry, held_at};
use crate::{Node, NodeError};

/// Most entries of one listing that are followed back: as many changes as the view follows.
const STEPS_BACK_MAX: usize = comity_screening::limits::CHANGES_MAX;

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
#[derive(Debug, Default)]
pub(super) struct ToldBy {
    /// The objects, in the order of an export. Which filters leave out is for others.
    pub(super) objects: Vec<ToldObject>,
    /// Entries that were read for it.
    pub(super) looked: usize,
}

/// One object with its place among the versions of its id.
#[derive(Debug)]
pub(super) struct ToldObject {
    pub(super) object: StixObject,
    pub(super) is_first: bool,
    pub(super) is_last: bool,
}

impl Listings<'_> {
    /// What stands before all listings: the objects that they lean on. It is told with the first entry of a log.
    pub(super) fn common(&self) -> Vec<ToldObject> {
        let common = self.objects.common_written(self.origin.agency().as_str(), [Tlp::Clear]);
        common.into_iter().map(ToldObject::only).collect()
    }

    /// The objects that an entry tells. Of an entry that is the newest of its listing they are those of an export; of
    /// an earlier one it is the listing itself as it was then, if earlier versions are meant. Once a listing has
    /// ended, or its newest entry is not for everybody, nothing earlier is told.
    pub(super) fn told_by(&self, held: HeldEntry, versions: &Versions) -> Result<ToldBy, NodeError> {
        let mut told = ToldBy { objects: Vec::new(), looked: 1 };
        let Some(handle) = handle_of(&held) else { return Ok(told) };
        let Some(newest) = self.newest(handle) else { return Ok(told) };
        let is_newest = newest.newest == held.index;
        if !is_newest && (!versions.reach_back() || is_over(newest.status) || held.index > newest.newest) {
            return Ok(told);
        }
        let chain = if versions.reach_back() { self.chain(newest.newest)? } else { Vec::new() };
        told.looked += chain.len();
        let place = held.index;
        if is_newest {
            let Some(record) = self.outgoing(&newest, held)? else { return Ok(told) };
            let mut objects = self.objects.written(&record).into_iter();
            let is_first = versions.first && self.is_first(&newest, place, &chain, &mut told.looked)?;
            let own = objects.next().map(|object| ToldObject { object, is_first, is_last: true });
            told.objects.extend(own);
            told.objects.extend(objects.map(ToldObject::only));
            return Ok(told);
        }
        if !chain.contains(&place) || !self.is_told(&newest, &mut told.looked)? {
            return Ok(told);
        }
        let Some(own) = self.earlier(handle, place, &chain, &mut told.looked)? else { return Ok(told) };
        let is_first = versions.first && self.is_first(&newest, place, &chain, &mut told.looked)?;
        told.objects.push(ToldObject { object: own, is_first, is_last: false });
        Ok(told)
    }

    /// The entries of the listing that an entry changes, if they are told of.
    pub(super) fn chain_at(&self, index: EntryIndex) -> Result<Vec<EntryIndex>, NodeError> {
        let Some(held) = held_at(self.node.store(), self.origin, &[index])?.pop() else {
            return Ok(Vec::new());
        };
        let newest = handle_of(&held).and_then(|handle| self.newest(handle));
        match newest {
            Some(newest) if !is_over(newest.status) => self.chain(newest.newest),
            Some(newest) => Ok(vec![newest.newest]),
            None => Ok(Vec::new()),
        }
    }

    /// How the log leaves a listing.
    fn newest(&self, handle: Handle) -> Option<Wanted> {
        let view = self.node.view();
        wanted_of(&view, self.log, handle)
    }

    fn outgoing(
        &self,
        wanted: &Wanted,
        held: HeldEntry,
    ) -> Result<Option<comity_feeds::out::Outgoing>, NodeError> {
        let may = |label: &comity_policy::Label| label.is_for_everybody(self.now);
        read(self.node.store(), self.origin, wanted, held, &may)
    }

    /// Whether anything of a listing as an entry leaves it is for everybody.
    fn is_told(&self, wanted: &Wanted, looked: &mut usize) -> Result<bool, NodeError> {
        *looked += 1;
        let Some(held) = held_at(self.node.store(), self.origin, &[wanted.newest])?.pop() else {
            return Ok(false);
        };
        Ok(self.outgoing(wanted, held)?.is_some())
    }

    /// Whether no earlier version of a listing is told.
    fn is_first(
        &self,
        newest: &Wanted,
        place: EntryIndex,
        chain: &[EntryIndex],
        looked: &mut usize,
    ) -> Result<bool, NodeError> {
        if is_over(newest.status) {
            return Ok(true);
        }
        for earlier in chain.iter().filter(|earlier| **earlier < place) {
            if self.earlier(newest.handle, *earlier, chain, looked)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The own object of a listing as one of its entries left it; nothing if it was not for everybody then.
    fn earlier(
        &self,
        handle: Handle,
        place: EntryIndex,
        chain: &[EntryIndex],
        looked: &mut usize,
    ) -> Result<Option<StixObject>, NodeError> {
        let mut then = View::new();
        let mut at_place = None;
        for index in chain.iter().filter(|index| **index <= place) {
            *looked += 1;
            let Some(held) = held_at(self.node.store(), self.origin, &[*index])?.pop() else {
                return Ok(None);
            };
            let at = Provenance {
                origin: self.log.clone(),
                index: *index,
                leaf: Hash::leaf(&held.bytes),
                about: held.entry.about(),
            };
            let opened = held.openings.iter().map(|opening| (opening.slot(), opening.section()));
            ViewStep::of_sections(at, opened).apply(self.origin, None, &mut then)?;
            at_place = Some(held);
        }
        let wanted = wanted_of(&then, self.log, handle).filter(|wanted| wanted.newest == place);
        let (Some(wanted), Some(held)) = (wanted, at_place) else { return Ok(None) };
        let record = self.outgoing(&wanted, held)?;
        Ok(record.and_then(|record| self.objects.written(&record).into_iter().next()))
    }

    /// The entries of a listing, ascending, from the newest back.
    fn chain(&self, newest: EntryIndex) -> Result<Vec<EntryIndex>, NodeError> {
        let (mut chain, mut next) = (Vec::new(), Some(newest));
        while let Some(index) = next.filter(|_| chain.len() < STEPS_BACK_MAX) {
            chain.push(index);
            let bytes =
                self.node.store().shared_entries(self.origin, index.size_before(), index.size_through())?;
            let about = bytes.first().map(|bytes| comity_ledger::Entry::parse(bytes)).transpose()?;
            next = about.and_then(|entry| entry.about()).filter(|about| *about < index);
        }
        chain.reverse();
        Ok(chain)
    }
}

impl ToldObject {
    /// An object that never changes.
    fn only(object: StixObject) -> Self {
        Self { object, is_first: true, is_last: true }
    }
}

/// Whether a listing has ended: what it was before is told no more.
const fn is_over(status: Status) -> bool {
    !matches!(status, Status::Listed | Status::Suspended)
}

fn wanted_of(view: &View, log: &LogOrigin, handle: Handle) -> Option<Wanted> {
    let (newest, _, status) = view.newest_of(log, handle)?;
    // Of one that lives nothing is written unless its record is opened; the same holds of an export.
    if !is_over(status) {
        view.live_of(log, handle)?;
    }
    Some(Wanted { key: view.key_of(log, handle)?.clone(), handle, newest, status })
}

/// The listing that an entry changes, if that is opened.
fn handle_of(held: &HeldEntry) -> Option<Handle> {
    let core = Slot::new(Section::Core.slot());
    let core = held.openings.iter().find(|opening| opening.slot() == core)?;
    let read = SectionsRead::withheld().give(Section::Core, core.section());
    Change::decode(&read).ok().map(|decoded| decoded.change.handle)
}
