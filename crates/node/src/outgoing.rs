//! The listings of a log on their way into formats that others read: what may be told of each, and since when it stands.
//!
//! Read from the store, one listing at a time; the view says only which listings there are. Not here: the formats
//! (`feeds`), and who asks (`services`, `http`).

mod package;
pub(crate) mod unbroken;

use comity_feeds::out::{OutFormat, OutSource, OutState, OutWriter, Outgoing};
use comity_ledger::{Head, Kind, Origin, Slot, VerifiedOpening};
use comity_policy::{Label, LabelSet, SlotLabel, Tlp};
use comity_screening::{LogOrigin, Status, View};
use comity_store::{Store, StoreError};
use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{
    CalendarDate, Change, DelistReason, Handle, ListId, Op, PackagePlace, Record, RecordKey, Section,
    SectionsRead,
};

use crate::export::head_of;
use crate::sections::{HeldEntry, chunks_of, held_at};
use crate::{NodeError, TakeFile};

/// The sections that an export tells of; the others are the agencies' own (`docs/formats.md`).
const TOLD: [Section; 3] = [Section::Core, Section::Identifiers, Section::ReasonsPublic];

/// Most entries of one listing that are followed back: as many changes as the view follows.
const STEPS_BACK_MAX: usize = comity_screening::limits::CHANGES_MAX;

/// The listings of a log that are to be written, by the place of their newest entries.
#[derive(Debug)]
pub struct WantedOut {
    origin: Origin,
    list: Option<ListId>,
    head: Head,
    listings: Vec<Wanted>,
    /// Listings of which it is not known what was said last: nothing is told of them.
    unknown: u64,
}

/// A listing as one of its entries leaves it.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) key: RecordKey,
    pub(crate) handle: Handle,
    pub(crate) newest: EntryIndex,
    pub(crate) status: Status,
    /// The listing that it is merged into.
    pub(crate) merged_into: Option<(RecordKey, EntryIndex)>,
}

/// Whether a section may be told, by its label.
pub(crate) type MayTell<'a> = dyn Fn(&Label) -> bool + 'a;

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The log as it was.
    pub head: Head,
    /// Listings that were written.
    pub records: u64,
    /// Listings that were not: nothing of them may be copied, the newest word on them is not opened, or the format has no
    /// place for them.
    pub left_out: u64,
}

impl WantedOut {
    /// The places of their newest entries, ascending.
    pub(crate) fn places(&self) -> impl Iterator<Item = EntryIndex> {
        self.listings.iter().map(|wanted| wanted.newest)
    }
}

/// The listings that a log has of one list or all, living and ended, as far as they are opened to this node.
///
/// # Errors
/// [`StoreError::NoSuchLog`] inside [`NodeError::Store`] if the log is not held or nothing of it is signed here.
pub fn wanted_out(
    store: &Store,
    view: &View,
    origin: &Origin,
    list: Option<&ListId>,
) -> Result<WantedOut, NodeError> {
    let missing = || StoreError::NoSuchLog { origin: origin.to_string() };
    let head = head_of(&store.newest_note(origin)?.ok_or_else(missing)?)?;
    let refuse = |_| NodeError::Record { reason: "not an origin".to_owned() };
    let log: LogOrigin = origin.as_str().parse().map_err(refuse)?;
    let lists = list.map_or_else(|| view.lists(&log), |list| vec![list.clone()]);
    let mut listings = Vec::new();
    for list in &lists {
        let wanted = |key: &RecordKey, handle, newest, status| Wanted {
            key: key.clone(),
            handle,
            newest,
            status,
            merged_into: merged_into(view, &log, handle),
        };
        let live = view.live(&log, list).map(|of| wanted(of.key, of.handle, of.newest_index, of.status));
        let ended = view.ended(&log, list).map(|of| wanted(of.key, of.handle, of.newest_index, of.status));
        listings.extend(live.chain(ended));
    }
    listings.retain(|wanted| wanted.newest.value() < head.size.value());
    let all = listings.len();
    listings.retain(|wanted| view.newest_is_known(&log, wanted.handle));
    let unknown = u64::try_from(all.saturating_sub(listings.len())).unwrap_or(u64::MAX);
    listings.sort_unstable_by_key(|wanted| (wanted.newest, wanted.handle));
    Ok(WantedOut { origin: origin.clone(), list: list.cloned(), head, listings, unknown })
}

/// Writes listings in a format, file by file. Blocking.
///
/// # Errors
/// A [`NodeError`] of the store or of `take`.
pub fn write_out(
    store: &Store,
    wanted: &WantedOut,
    format: OutFormat,
    take: &mut TakeFile<'_>,
) -> Result<Exported, NodeError> {
    let source = OutSource {
        origin: wanted.origin.to_string(),
        agency: wanted.origin.agency().to_string(),
        list: wanted.list.as_ref().map(ToString::to_string),
        size: wanted.head.size.value(),
    };
    let mut writer = OutWriter::new(format, source, sha256);
    let mut exported = Exported { head: wanted.head, records: 0, left_out: 0 };
    for pass in 0..format.passes() {
        writer.begin(pass).iter().try_for_each(|part| take(&part.path, &part.bytes))?;
        let mut told = 0_u64;
        outgoing(store, wanted, &mut |record| {
            if writer.tells(&record) {
                told += 1;
                writer.record(pass, &record).iter().try_for_each(|part| take(&part.path, &part.bytes))?;
            }
            Ok(())
        })?;
        let all = u64::try_from(wanted.listings.len()).unwrap_or(u64::MAX);
        (exported.records, exported.left_out) =
            (told, all.saturating_sub(told).saturating_add(wanted.unknown));
        writer.end(pass).iter().try_for_each(|part| take(&part.path, &part.bytes))?;
    }
    store.sync_what_was_read()?;
    Ok(exported)
}

/// What a listing is merged into, and the newest entry of that.
fn merged_into(view: &View, log: &LogOrigin, handle: Handle) -> Option<(RecordKey, EntryIndex)> {
    let into = view.goes_on_as(log, handle)?;
    Some((view.key_of(log, into)?.clone(), view.newest_of(log, into)?.0))
}

/// SHA-256, for formats to draw names by.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    *Hash::digest(bytes).as_bytes()
}

/// Reads listings one by one, as far as each may be told. Blocking.
///
/// # Errors
/// A [`NodeError`] of the store or of `take`.
pub fn outgoing(
    store: &Store,
    wanted: &WantedOut,
    take: &mut dyn FnMut(Outgoing) -> Result<(), NodeError>,
) -> Result<(), NodeError> {
    let places: Vec<EntryIndex> = wanted.places().collect();
    let mut listings = wanted.listings.iter();
    for chunk in chunks_of(&places) {
        for newest in held_at(store, &wanted.origin, chunk)? {
            let Some(listing) = listings.next() else { return Ok(()) };
            if let Some(record) = read(store, &wanted.origin, listing, newest, &is_no_mere_sight)? {
                take(record)?;
            }
        }
    }
    Ok(())
}

/// Whoever has an export has a copy.
fn is_no_mere_sight(label: &Label) -> bool {
    !label.handling().display_only
}

/// What is gathered of a listing on the way back to its first entry.
#[derive(Clone, Default)]
struct Gathered {
    record: Option<Record>,
    /// From the newest to the first, in seconds since 1970.
    times: Vec<u64>,
    tlp: Option<Tlp>,
    /// On what ground it ended, where that was read.
    delisted: Option<(DelistReason, CalendarDate)>,
    /// Whether an entry that was read suspends it.
    suspends: bool,
    /// Under what an entry that was read merges it.
    merge: Option<Tlp>,
    /// Which of its package the entry that was read last is.
    package: Option<PackagePlace>,
}

/// A listing as its entry `newest` leaves it, as far as it may be told; `None` if it may not. Blocking.
///
/// # Errors
/// A [`NodeError`] of the store.
fn read(
    store: &Store,
    origin: &Origin,
    listing: &Wanted,
    newest: HeldEntry,
    may: &MayTell<'_>,
) -> Result<Option<Outgoing>, NodeError> {
    let (found, _) = gather(store, origin, newest, may)?;
    let of_merge = found.merge;
    let Some(mut made) = made(origin, listing, found) else { return Ok(None) };
    // What it is merged into is told under no looser label than that and the merging have.
    if let Some((into, newest)) = &listing.merged_into
        && of_merge.is_some_and(|tlp| tlp <= made.tlp)
    {
        let (mut other, held) = (Gathered::default(), held_at(store, origin, &[*newest])?.pop());
        let is_told = held.is_some_and(|held| take_in(&held, &mut other, may));
        let is_looser = other.tlp.is_some_and(|tlp| tlp <= made.tlp);
        made.merged_into = (is_told && is_looser).then(|| into.clone());
    }
    Ok(Some(made))
}

/// Goes back from the newest entry of a listing as long as what it meets may be told: whatever stands before an entry
/// that may not is not told of, its time included. Gives how many entries were read as well. Blocking.
fn gather(
    store: &Store,
    origin: &Origin,
    newest: HeldEntry,
    may: &MayTell<'_>,
) -> Result<(Gathered, usize), NodeError> {
    let (mut found, mut looked, mut next) = (Gathered::default(), 0, Some(newest));
    while let Some(held) = next.take().filter(|_| looked < STEPS_BACK_MAX) {
        looked += 1;
        let mut taken = if found.record.is_none() { found.clone() } else { Gathered::default() };
        let is_told = take_in(&held, &mut taken, may)
            && package::is_told(store, origin, held.index, taken.package, may)?;
        if !is_told {
            break;
        }
        if found.record.is_none() {
            found = taken;
        } else {
            found.suspends |= taken.suspends;
            found.merge = found.merge.or(taken.merge);
        }
        found.times.push(held.entry.author_time().unix_secs());
        if let Some(about) = held.entry.about() {
            next = held_at(store, origin, &[about])?.pop();
        }
    }
    Ok((found, looked))
}

/// The listing of what was gathered of it; `None` if that is too little. That it is suspended may be told only if what
/// suspended it may be.
fn made(origin: &Origin, listing: &Wanted, found: Gathered) -> Option<Outgoing> {
    let state = match listing.status {
        Status::Listed => OutState::Listed,
        Status::Suspended => OutState::Suspended,
        Status::Delisted => OutState::Delisted(found.delisted),
        Status::Withdrawn | Status::Erased => OutState::Withdrawn,
    };
    let tlp = found.tlp.filter(|_| !found.times.is_empty())?;
    if listing.status == Status::Suspended && !found.suspends {
        return None;
    }
    if found.record.is_none() && matches!(state, OutState::Listed | OutState::Suspended) {
        return None;
    }
    let (created_ms, modified_ms) = spread(&found.times);
    Some(Outgoing {
        origin: origin.to_string(),
        agency: origin.agency().to_string(),
        handle: listing.handle,
        key: listing.key.clone(),
        record: found.record,
        state,
        created_ms,
        modified_ms,
        index: listing.newest.value(),
        tlp,
        merged_into: None,
    })
}

/// Takes in what may be told of an entry; false if nothing may.
fn take_in(held: &HeldEntry, found: &mut Gathered, may: &MayTell<'_>) -> bool {
    found.package = None;
    let section =
        |slot| held.openings.iter().find(|opening| opening.slot() == slot).map(VerifiedOpening::section);
    let Some(handling) = section(Slot::HANDLING) else { return false };
    let Ok(labels) = LabelSet::from_sections(held.entry.kind(), handling, section(Slot::AUDIENCE)) else {
        return false;
    };
    let label = |slot| match labels.label(slot) {
        SlotLabel::Understood(label) if may(label) => Some(label.handling().tlp),
        _ => None,
    };
    // An erase entry has no core: whoever may read its handling may know of it.
    let main =
        if held.entry.kind() == Kind::Record { Slot::new(Section::Core.slot()) } else { Slot::HANDLING };
    let Some(tlp) = label(main) else { return false };
    let mut strictest = found.tlp.map_or(tlp, |before| before.max(tlp));
    let mut read = SectionsRead::withheld();
    for told in TOLD {
        let slot = Slot::new(told.slot());
        if let (Some(bytes), Some(tlp)) = (section(slot), label(slot)) {
            read = read.give(told, bytes);
            if !bytes.is_empty() {
                strictest = strictest.max(tlp);
            }
        }
    }
    found.tlp = Some(strictest);
    match Change::decode(&read) {
        Ok(decoded) => {
            if let Op::Delist { reason, effective, .. } = &decoded.change.op {
                found.delisted = Some((*reason, *effective));
            }
            found.suspends |= matches!(decoded.change.op, Op::Suspend { .. });
            if matches!(decoded.change.op, Op::Merge { .. }) {
                found.merge = Some(strictest);
            }
            found.package = decoded.package;
            found.record = decoded.change.op.record().cloned();
            true
        }
        // What is not understood may have changed or ended what stands before it.
        Err(_) => held.entry.kind() != Kind::Record,
    }
}

/// The times of the first and the newest entry in milliseconds, each later than the one before it: authors' clocks give
/// whole seconds, and may have been set back.
fn spread(newest_first: &[u64]) -> (u64, u64) {
    let mut times = newest_first.iter().rev().map(|secs| secs.saturating_mul(1_000));
    let first = times.next().unwrap_or_default();
    (first, times.fold(first, |before, time| time.max(before.saturating_add(1))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_of_a_listing_is_later_than_the_one_before() {
        assert_eq!(spread(&[7]), (7_000, 7_000));
        assert_eq!(spread(&[9, 7]), (7_000, 9_000));
        assert_eq!(spread(&[7, 7, 7]), (7_000, 7_002));
        assert_eq!(spread(&[3, 9, 7]), (7_000, 9_001), "a clock was set back");
        assert_eq!(spread(&[u64::MAX, 7]), (7_000, u64::MAX));
    }
}
