//! One listing of one origin: its changes in the order of the log, and where they leave it.
//!
//! A change is followed only if it names the newest change before it, by leaf hash and, in clear, by index; anything
//! else is kept and flagged, never applied in silence. Entries that are not opened to us stand in between as gaps.
//! Not for: which gap belongs to which listing (`log`), or who must sign a change (`policy`).

use std::collections::BTreeSet;
use std::sync::Arc;

use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{Change, Decoded, EntryRef, Handle, Op, Record, RecordKey, Section};

use crate::joined::{Join, Joined};
use crate::limits::{CHANGES_MAX, UNOPENED_RUN_MAX};
use crate::log::Gaps;
use crate::origin::{LogOrigin, Provenance};

/// Where a listing stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// In force as far as its author says.
    Listed,
    /// Without effect until it is resumed.
    Suspended,
    /// Ended for good.
    Delisted,
    /// Ended: it should never have been shared.
    Withdrawn,
    /// Ended, and its content erased.
    Erased,
}

/// Why a change was kept and flagged, and not applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Conflict {
    /// It begins a listing whose handle is taken.
    HandleTaken,
    /// It does not follow the newest change of its listing, or its envelope names another entry than its content.
    NotNewest,
    /// The listing has ended.
    Ended,
    /// It gives the record another list or reference; only a rekeying may.
    OtherKey,
    /// A merge or a split that does not name the listing it is a change of.
    NotNamed,
    /// The listing has more changes than the view follows.
    TooManyChanges,
    /// It is in a package that is no whole, or of which another change is in conflict: nothing of a package is applied
    /// unless all of it is.
    Package,
}

/// Whether a change is bound to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bond {
    /// It stands alone.
    Free,
    /// It is in a package that is applied.
    Bound,
    /// It is in a package that is not.
    Barred,
}

/// What a change does to where a listing stands.
#[derive(Clone, Debug)]
enum Act {
    Begin,
    Say,
    Suspend,
    Resume,
    Delist,
    Withdraw,
    Erase,
    Rekey(Arc<RecordKey>),
    /// A merge or split, which changes no state.
    Join(Join),
}

/// One opened change.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    index: EntryIndex,
    leaf: Hash,
    about: Option<EntryIndex>,
    prev: Option<EntryRef>,
    key: Arc<RecordKey>,
    act: Act,
    record: Option<Box<Record>>,
    withheld: Vec<Section>,
    conflict: Option<Conflict>,
    bond: Bond,
}

/// What came of following changes.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// The conflict of the change that was taken in, if it has one.
    pub(crate) conflict: Option<Conflict>,
    /// The changes in packages that fit now and did not before, or the other way round.
    pub(crate) refitted: Vec<EntryIndex>,
}

/// Where the changes followed so far leave a listing.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) status: Status,
    pub(crate) key: Arc<RecordKey>,
    pub(crate) newest_index: EntryIndex,
    pub(crate) newest_leaf: Hash,
    /// How many changes there have been, unopened ones included.
    pub(crate) version: u64,
    /// With what it is one, or into what it went.
    pub(crate) joined: Option<Joined>,
    /// The index of the change that carries the current record.
    said: Option<EntryIndex>,
}

/// One listing of one origin.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) origin: LogOrigin,
    pub(crate) handle: Handle,
    pub(crate) standing: Option<Standing>,
    steps: Vec<Step>,
    gaps: BTreeSet<EntryIndex>,
    /// The unopened entry that began the listing, as far as its changes tell.
    pub(crate) root: Option<EntryIndex>,
    overfull: bool,
    /// Whether a change of it is in a package.
    pub(crate) is_bound: bool,
}

/// What the current record says, and which entry says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said<'a> {
    pub(crate) record: &'a Record,
    pub(crate) index: EntryIndex,
    pub(crate) leaf: Hash,
    pub(crate) withheld: &'a [Section],
}

impl Status {
    /// True if nothing can bring the listing back.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Delisted | Self::Withdrawn | Self::Erased)
    }

    /// The word by which commands and messages name it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Suspended => "suspended",
            Self::Delisted => "delisted",
            Self::Withdrawn => "withdrawn",
            Self::Erased => "erased",
        }
    }
}

impl Step {
    pub(crate) fn new(at: &Provenance, decoded: Decoded) -> Self {
        let Decoded { change, withheld, package } = decoded;
        let key = Arc::new(change.key().clone());
        let prev = change.op.prev();
        let Change { handle, op } = change;
        let (act, record) = match op {
            Op::List { record } | Op::Relist { record, .. } => (Act::Begin, Some(record)),
            Op::Amend { record, .. } | Op::Correct { record, .. } => (Act::Say, Some(record)),
            Op::Suspend { .. } => (Act::Suspend, None),
            Op::Resume { .. } => (Act::Resume, None),
            Op::Delist { .. } => (Act::Delist, None),
            Op::Withdraw { .. } => (Act::Withdraw, None),
            Op::Erase { .. } => (Act::Erase, None),
            Op::Rekey { to, .. } => (Act::Rekey(Arc::new(to)), None),
            Op::Merge { into, from, .. } => (Act::Join(Join::of_merge(handle, into, from)), None),
            Op::Split { from, into, .. } => (Act::Join(Join::of_split(handle, from, into)), None),
            // The view keeps statements and vocabularies apart; one that came here would name no listing.
            Op::SameAs { .. } | Op::Retract { .. } | Op::Vocabulary { .. } => {
                (Act::Join(Join::Unnamed), None)
            }
        };
        let withheld = if record.is_some() { withheld } else { Vec::new() };
        let (index, leaf, about) = (at.index, at.leaf, at.about);
        // What is in a package waits for the others.
        let bond = if package.is_some() { Bond::Barred } else { Bond::Free };
        Self { index, leaf, about, prev, key, act, record, withheld, conflict: None, bond }
    }

    /// Whether nothing but its package keeps it from being applied.
    fn fits(&self) -> bool {
        matches!(self.conflict, None | Some(Conflict::Package))
    }

    /// Where this change leaves a listing that stands so, and the unopened entry that its first known change follows.
    fn follow(
        &self,
        standing: Option<&Standing>,
        gaps: &Gaps,
    ) -> Result<(Standing, Option<EntryIndex>), Conflict> {
        if matches!(self.act, Act::Begin) {
            return match (standing, self.about) {
                (Some(_), _) => Err(Conflict::HandleTaken),
                (None, Some(_)) => Err(Conflict::NotNewest),
                (None, None) => Ok((self.begin(Status::Listed, 1), None)),
            };
        }
        let (run, root) = self.run_before(standing, gaps)?;
        // An unopened entry that names none before it began the listing, so there is no doubt how that stood.
        let status = self.act.after(standing.map_or(Status::Listed, |standing| standing.status))?;
        if standing.is_some_and(|standing| standing.key != self.key) {
            return Err(Conflict::OtherKey);
        }
        let mut next = self.begin(status, run.saturating_add(1));
        if let Some(standing) = standing {
            next.version = next.version.saturating_add(standing.version);
            next.said = next.said.or(standing.said);
            next.joined.clone_from(&standing.joined);
        }
        if let Act::Join(join) = &self.act {
            next.joined = join.after(next.joined.as_ref());
        }
        if let Act::Rekey(to) = &self.act {
            next.key = Arc::clone(to);
        }
        Ok((next, root))
    }

    fn begin(&self, status: Status, version: u64) -> Standing {
        Standing {
            status,
            key: Arc::clone(&self.key),
            newest_index: self.index,
            newest_leaf: self.leaf,
            version,
            joined: None,
            said: self.record.is_some().then_some(self.index),
        }
    }

    /// Walks back over unopened entries to the newest change, or to the unopened entry that began the listing.
    fn run_before(
        &self,
        standing: Option<&Standing>,
        gaps: &Gaps,
    ) -> Result<(u64, Option<EntryIndex>), Conflict> {
        let newest = standing.map(|standing| standing.newest_index);
        let (Some(mut before), Some(prev)) = (self.about, self.prev) else { return Err(Conflict::NotNewest) };
        let named = match standing {
            Some(standing) if standing.newest_index == before => Some(standing.newest_leaf),
            _ => gaps.leaf(before),
        };
        if named.is_none_or(|leaf| leaf.as_bytes() != prev.as_bytes()) {
            return Err(Conflict::NotNewest);
        }
        let mut run = 0_u64;
        // What is erased is unopened from then on, and an erasure follows all of it, once for a listing.
        let most = if matches!(self.act, Act::Erase) { CHANGES_MAX } else { UNOPENED_RUN_MAX };
        for _ in 0..most {
            if newest == Some(before) {
                return Ok((run, None));
            }
            let gap = gaps.get(before).ok_or(Conflict::NotNewest)?;
            run += 1;
            match (gap.about, newest) {
                (None, None) => return Ok((run, Some(before))),
                // Each entry names an earlier one, so a walk that has passed the newest change cannot meet it.
                (Some(about), _) if newest.is_none_or(|newest| about >= newest) => before = about,
                _ => return Err(Conflict::NotNewest),
            }
        }
        Err(Conflict::NotNewest)
    }
}

impl Act {
    fn after(&self, status: Status) -> Result<Status, Conflict> {
        match (self, status) {
            (Self::Join(Join::Unnamed), _) => Err(Conflict::NotNamed),
            // A merge, a split and a rekeying change no state, nor does an amendment.
            (Self::Say | Self::Rekey(_) | Self::Join(_), Status::Listed | Status::Suspended) => Ok(status),
            (Self::Suspend, Status::Listed | Status::Suspended) => Ok(Status::Suspended),
            (Self::Resume, Status::Listed | Status::Suspended) => Ok(Status::Listed),
            (Self::Delist, Status::Listed | Status::Suspended) => Ok(Status::Delisted),
            (Self::Withdraw, Status::Listed | Status::Suspended | Status::Delisted) => Ok(Status::Withdrawn),
            (Self::Erase, status) if status != Status::Erased => Ok(Status::Erased),
            _ => Err(Conflict::Ended),
        }
    }
}

impl Listing {
    pub(crate) const fn new(origin: LogOrigin, handle: Handle) -> Self {
        Self {
            origin,
            handle,
            standing: None,
            steps: Vec::new(),
            gaps: BTreeSet::new(),
            root: None,
            overfull: false,
            is_bound: false,
        }
    }

    /// Takes a change in at its place in the log.
    pub(crate) fn take(&mut self, step: Step, gaps: &Gaps) -> Followed {
        if self.steps.len() >= CHANGES_MAX {
            self.overfull = true;
            return Followed { conflict: Some(Conflict::TooManyChanges), refitted: Vec::new() };
        }
        self.is_bound |= step.bond != Bond::Free;
        let index = step.index;
        let at = self.steps.partition_point(|known| known.index < index);
        self.steps.insert(at, step);
        let refitted = self.follow_from(at, gaps);
        let conflict = self.steps.get(at).and_then(|step| step.conflict);
        self.settle(gaps, self.is_bound);
        Followed { conflict, refitted }
    }

    /// Follows all changes again, after an unopened entry between them turned out to be another listing's.
    pub(crate) fn follow_again(&mut self, gaps: &Gaps) -> Followed {
        let refitted = self.follow_from(0, gaps);
        self.settle(gaps, self.is_bound);
        Followed { conflict: None, refitted }
    }

    /// Lets a change in a package be applied, or not.
    pub(crate) fn bind(&mut self, index: EntryIndex, bond: Bond, gaps: &Gaps) -> Followed {
        let at = self.steps.partition_point(|step| step.index < index);
        if let Some(step) = self.steps.get_mut(at).filter(|step| step.index == index) {
            step.bond = bond;
        }
        // What was applied and is so no more had left the listing as it stands.
        let refitted = self.follow_from(if bond == Bond::Bound { at } else { 0 }, gaps);
        self.settle(gaps, true);
        Followed { conflict: None, refitted }
    }

    /// How the change of an entry is bound to others.
    pub(crate) fn bond(&self, index: EntryIndex) -> Option<Bond> {
        self.step(index).map(|step| step.bond)
    }

    /// Whether nothing but its package keeps the change of an entry from being applied.
    pub(crate) fn fits(&self, index: EntryIndex) -> bool {
        self.step(index).is_some_and(Step::fits)
    }

    /// Lets go of records of a listing with changes in packages, once these are judged.
    pub(crate) fn let_go(&mut self, gaps: &Gaps) {
        // As long as something is unopened, a package can still turn out to be no whole, or to be one.
        self.settle(gaps, self.is_bound && !gaps.is_empty());
    }

    /// Gives the changes in packages that fit otherwise than before.
    fn follow_from(&mut self, at: usize, gaps: &Gaps) -> Vec<EntryIndex> {
        // What stands behind the newest change needs nothing of the changes before it.
        let at = if at + 1 == self.steps.len() { at } else { 0 };
        if at == 0 {
            self.standing = None;
            self.root = None;
        }
        let mut refitted = Vec::new();
        for step in self.steps.iter_mut().skip(at) {
            let fitted = step.fits();
            match step.follow(self.standing.as_ref(), gaps) {
                Ok(_) if step.bond == Bond::Barred => step.conflict = Some(Conflict::Package),
                Ok((next, begun)) => {
                    step.conflict = None;
                    self.standing = Some(next);
                    self.root = self.root.or(begun);
                }
                Err(conflict) => step.conflict = Some(conflict),
            }
            if step.bond != Bond::Free && step.fits() != fitted {
                refitted.push(step.index);
            }
        }
        refitted
    }

    /// Lets go of records that nothing can bring back, unless all are to be kept, and gives the current one the current key.
    fn settle(&mut self, unopened: &Gaps, keeps: bool) {
        let Some(standing) = &self.standing else { return };
        let erased = standing.status == Status::Erased;
        let current = if standing.status.is_ended() { None } else { standing.said };
        for step in self.steps.iter_mut().filter(|step| Some(step.index) != current) {
            // What an unopened entry says may yet bring a record back: one before it in this listing, or one in
            // conflict if it turns out to begin this listing. What is erased is not kept even for that.
            let waits = keeps || !self.gaps.is_empty() || (step.conflict.is_some() && !unopened.is_empty());
            if erased || !waits {
                step.record = None;
            }
        }
        let said = standing.said.and_then(|said| self.steps.binary_search_by_key(&said, |s| s.index).ok());
        if let Some(record) = said.and_then(|at| self.steps.get_mut(at)).and_then(|s| s.record.as_mut())
            && record.key != *standing.key
        {
            record.key = RecordKey::clone(&standing.key);
        }
    }

    /// Notes that an unopened entry is about this listing.
    pub(crate) fn note_gap(&mut self, index: EntryIndex) {
        if self.gaps.len() >= CHANGES_MAX {
            self.overfull = true;
        } else {
            self.gaps.insert(index);
        }
    }

    /// Notes that an entry is no longer unopened, or is about another listing.
    pub(crate) fn close_gap(&mut self, index: EntryIndex) {
        self.gaps.remove(&index);
    }

    /// The unopened entries that are about this listing, the one that began it included.
    pub(crate) fn unopened(&self) -> impl Iterator<Item = EntryIndex> {
        let root = self.root.filter(|root| !self.gaps.contains(root));
        self.gaps.iter().copied().chain(root)
    }

    /// List and reference, as far as its changes tell.
    pub(crate) fn key(&self) -> Option<Arc<RecordKey>> {
        self.standing.as_ref().map(|standing| Arc::clone(&standing.key))
    }

    /// The current record of a listing that has not ended.
    pub(crate) fn said(&self) -> Option<Said<'_>> {
        let standing = self.standing.as_ref().filter(|standing| !standing.status.is_ended())?;
        let step = self.step(standing.said?)?;
        let record = step.record.as_deref()?;
        Some(Said { record, index: step.index, leaf: step.leaf, withheld: &step.withheld })
    }

    /// The current record if it may be found: a suspended listing is not screenable.
    pub(crate) fn screenable(&self) -> Option<Said<'_>> {
        let listed = self.standing.as_ref().is_some_and(|standing| standing.status == Status::Listed);
        if listed { self.said() } else { None }
    }

    /// False while an entry about the listing is not opened to us: it may have been suspended or have ended.
    pub(crate) fn is_actionable(&self) -> bool {
        self.gaps.is_empty()
    }

    /// True if changes of the listing contradict each other.
    pub(crate) fn is_disputed(&self) -> bool {
        self.overfull || self.conflicts().next().is_some()
    }

    /// The changes that were not applied, in the order of the log.
    pub(crate) fn conflicts(&self) -> impl Iterator<Item = (EntryIndex, Conflict)> {
        self.steps.iter().filter_map(|step| step.conflict.map(|conflict| (step.index, conflict)))
    }

    /// The leaf hash of the opened change at an index.
    pub(crate) fn leaf(&self, index: EntryIndex) -> Option<Hash> {
        self.step(index).map(|step| step.leaf)
    }

    /// The conflict of the opened change at an index.
    pub(crate) fn conflict(&self, index: EntryIndex) -> Option<Conflict> {
        self.step(index).and_then(|step| step.conflict)
    }

    fn step(&self, index: EntryIndex) -> Option<&Step> {
        self.steps.binary_search_by_key(&index, |step| step.index).ok().and_then(|at| self.steps.get(at))
    }
}

impl PartialEq for Listing {
    /// Compares what can be asked of a listing, not which dropped content led to it.
    fn eq(&self, other: &Self) -> bool {
        let shown = |listing: &Self| {
            let standing = listing.standing.as_ref();
            standing.map(|s| {
                (s.status, Arc::clone(&s.key), s.newest_index, s.newest_leaf, s.version, s.joined.clone())
            })
        };
        let ended = |listing: &Self| listing.standing.as_ref().is_some_and(|s| s.status.is_ended());
        self.origin == other.origin
            && self.handle == other.handle
            && shown(self) == shown(other)
            && self.said() == other.said()
            && (ended(self) || self.is_actionable() == other.is_actionable())
            && self.overfull == other.overfull
            && self.conflicts().eq(other.conflicts())
    }
}
