//! The difference between a publication and the records held: which changes to sign, or why none.
//!
//! Compares content and never a source's version numbers. Not for: telling a broken publication (`guard`), signing
//! (`ledger`), or deciding who may accept removals (`policy`).

use std::collections::{BTreeMap, BTreeSet};

use comity_watchlist::limits::PATHS_MAX;
use comity_watchlist::{
    CalendarDate, Change, DelistReason, EntryRef, Handle, Notice, Op, Record, RecordKey, SourceFile, Text,
};

use crate::guard::{self, Refusal};
use crate::snapshot::{Ended, Scope, Snapshot};

/// A live record as the node holds it.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// Its handle.
    pub handle: Handle,
    /// The leaf hash of its newest entry.
    pub last: EntryRef,
    /// Its content.
    pub record: &'a Record,
}

/// The records of one list as the node holds them.
#[derive(Clone, Debug, Default)]
pub struct Current<'a> {
    live: BTreeMap<RecordKey, Held<'a>>,
    ended: BTreeMap<RecordKey, Handle>,
}

/// What the operator allows, and the day.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Take removals, and losses of details, beyond the guard.
    pub accept_removals: bool,
    /// The day from which absent records are delisted.
    pub today: CalendarDate,
}

/// An amended record and what changed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amended {
    /// List and reference.
    pub key: RecordKey,
    /// The names of the changed fields.
    pub paths: Vec<Text>,
}

/// What changed between the records held and a publication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Listed for the first time.
    pub added: Vec<RecordKey>,
    /// Listed again after an end.
    pub relisted: Vec<RecordKey>,
    /// Changed.
    pub amended: Vec<Amended>,
    /// The same records under other keys: those they had and those they have now.
    pub rekeyed: Vec<(RecordKey, RecordKey)>,
    /// No longer in the publication, or ended by it.
    pub removed: Vec<RecordKey>,
    /// Held as they are because the publication's row about them could not be read.
    pub unread: Vec<RecordKey>,
    /// How many say the same as before.
    pub unchanged: usize,
    /// The changes to sign, in the order of the publication, removals last.
    pub changes: Vec<Change>,
}

impl<'a> Current<'a> {
    /// Nothing is held yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { live: BTreeMap::new(), ended: BTreeMap::new() }
    }

    /// Adds a live record.
    pub fn hold(&mut self, held: Held<'a>) {
        self.live.insert(held.record.key.clone(), held);
    }

    /// Adds the handle of a listing that has ended; of several ends of one key the last one given counts.
    pub fn end(&mut self, key: RecordKey, handle: Handle) {
        self.ended.insert(key, handle);
    }
}

/// Finds the changes to sign. `handles` gives a fresh random handle for each new listing.
///
/// # Errors
/// [`Refusal`] if the publication is empty or of another list; without leave also if it would end too many records,
/// any record while a row that cannot be read may be its own, or strip the others of too many details.
pub fn diff(
    current: &Current<'_>,
    snapshot: Snapshot,
    options: Options,
    mut handles: impl FnMut() -> Handle,
) -> Result<Difference, Refusal> {
    if !options.accept_removals {
        losses(current, &snapshot)?;
    }
    let (told, mut absent) = removals(current, &snapshot)?;
    let rekeyed = rekeyed(current, &snapshot, &absent);
    absent.retain(|key| !rekeyed.values().any(|former| former == key));
    let files: Vec<SourceFile> = snapshot.files.into_iter().map(|read| read.file).collect();
    let mut difference = Difference::default();
    let seen: BTreeSet<RecordKey> = snapshot.records.iter().map(|record| record.key.clone()).collect();
    for record in snapshot.records {
        match rekeyed.get(&record.key) {
            Some(former) => difference.rekey(current, former, record.key, &files),
            None => difference.take(current, record, &mut handles),
        }
    }
    for Ended { key, effective } in told {
        let effective = effective.unwrap_or(options.today);
        difference.remove(current, key, DelistReason::Annulled, effective, &files);
    }
    for key in absent {
        difference.remove(current, key, DelistReason::AbsentFromSource, options.today, &files);
    }
    let unread = snapshot.rejected.into_iter().filter_map(|row| row.key);
    let unread = unread.filter(|key| current.live.contains_key(key) && !seen.contains(key));
    difference.unread = unread.collect::<BTreeSet<_>>().into_iter().collect();
    Ok(difference)
}

/// Says whether [`diff`] would give these changes without leave, for whoever wants to see them in any case.
///
/// # Errors
/// [`Refusal`] as [`diff`] without leave.
pub fn losses(current: &Current<'_>, snapshot: &Snapshot) -> Result<(), Refusal> {
    let (told, absent) = removals(current, snapshot)?;
    let absent = absent.len().saturating_sub(rekeyed(current, snapshot, &absent).len());
    guard::removals(told.len() + absent, current.live.len())?;
    guard::certainty(absent, &snapshot.rejected)?;
    let new = snapshot.records.iter();
    let staying = new.filter_map(|new| current.live.get(&new.key).map(|held| (held.record, new)));
    guard::details(&staying.collect::<Vec<_>>())
}

/// The keys that are held and whose end the publication tells; and, if it tells the whole list, those that it does not
/// name, not even in a row that could not be read.
fn removals(current: &Current<'_>, snapshot: &Snapshot) -> Result<(Vec<Ended>, Vec<RecordKey>), Refusal> {
    let told: BTreeSet<&RecordKey> = snapshot.ended.iter().map(|ended| &ended.key).collect();
    // Changes may be ends alone; a whole list of which nothing is left is none.
    if snapshot.records.is_empty() && (snapshot.scope == Scope::Whole || told.is_empty()) {
        return Err(Refusal::Empty { list: snapshot.list.clone() });
    }
    if let Some(other) = current.live.keys().find(|key| key.list != snapshot.list) {
        return Err(Refusal::OtherList { found: snapshot.list.clone(), held: other.list.clone() });
    }
    let rejected = snapshot.rejected.iter().filter_map(|row| row.key.as_ref());
    let named: BTreeSet<&RecordKey> =
        snapshot.records.iter().map(|record| &record.key).chain(rejected).collect();
    let held = |ended: &&Ended| current.live.contains_key(&ended.key) && !named.contains(&ended.key);
    let ended = snapshot.ended.iter().filter(held).cloned().collect();
    let absent =
        |key: &&RecordKey| snapshot.scope == Scope::Whole && !told.contains(key) && !named.contains(key);
    Ok((ended, current.live.keys().filter(absent).cloned().collect()))
}

/// New keys of records that went on under them, with the keys that they had: of all that is told nothing differs but the
/// key, and no other record could be meant on either side. A record of names alone is never taken for another.
fn rekeyed(
    current: &Current<'_>,
    snapshot: &Snapshot,
    absent: &[RecordKey],
) -> BTreeMap<RecordKey, RecordKey> {
    let mut by_name: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for held in absent.iter().filter_map(|key| current.live.get(key)) {
        if let Some(name) = held.record.primary_name().filter(|_| is_telling(held.record)) {
            by_name.entry(name.full.as_str()).or_default().push(held.record);
        }
    }
    let mut found: BTreeMap<RecordKey, Vec<RecordKey>> = BTreeMap::new();
    for new in snapshot.records.iter().filter(|new| {
        !current.live.contains_key(&new.key) && !current.ended.contains_key(&new.key) && is_telling(new)
    }) {
        let namesakes = new.primary_name().and_then(|name| by_name.get(name.full.as_str()));
        for held in namesakes.into_iter().flatten() {
            if Record::changed_paths(held, new) == ["key"] {
                found.entry(held.key.clone()).or_default().push(new.key.clone());
            }
        }
    }
    let mut rekeyed: BTreeMap<RecordKey, RecordKey> = BTreeMap::new();
    let mut doubtful = BTreeSet::new();
    for (former, new) in found {
        let [new] = new.as_slice() else { continue };
        if rekeyed.insert(new.clone(), former).is_some() {
            doubtful.insert(new.clone());
        }
    }
    rekeyed.retain(|new, _| !doubtful.contains(new));
    rekeyed
}

/// Whether a record says enough to be known again by it.
fn is_telling(record: &Record) -> bool {
    !record.identifiers.is_empty() || !record.facts.is_empty()
}

impl Difference {
    fn rekey(&mut self, current: &Current<'_>, former: &RecordKey, to: RecordKey, files: &[SourceFile]) {
        let Some(held) = current.live.get(former) else { return };
        let mut notice = Notice::new(former.clone());
        notice.source.files = files.to_vec();
        self.rekeyed.push((former.clone(), to.clone()));
        let op = Op::Rekey { prev: held.last, to, notice: Box::new(notice) };
        self.changes.push(Change { handle: held.handle, op });
    }

    fn take(&mut self, current: &Current<'_>, record: Record, handles: &mut impl FnMut() -> Handle) {
        let key = record.key.clone();
        let Some(held) = current.live.get(&key) else {
            let record = Box::new(record);
            let op = if let Some(relist_of) = current.ended.get(&key) {
                self.relisted.push(key);
                Op::Relist { relist_of: *relist_of, record }
            } else {
                self.added.push(key);
                Op::List { record }
            };
            self.changes.push(Change { handle: handles(), op });
            return;
        };
        let paths = Record::changed_paths(held.record, &record);
        if paths.is_empty() {
            self.unchanged += 1;
            return;
        }
        // Paths are for people: one that is too long for a text, or beyond the limit, is left out.
        let paths: Vec<Text> =
            paths.into_iter().filter_map(|path| Text::new(path).ok()).take(PATHS_MAX).collect();
        self.amended.push(Amended { key, paths: paths.clone() });
        let op = Op::Amend { prev: held.last, paths, record: Box::new(record) };
        self.changes.push(Change { handle: held.handle, op });
    }

    fn remove(
        &mut self,
        current: &Current<'_>,
        key: RecordKey,
        reason: DelistReason,
        effective: CalendarDate,
        files: &[SourceFile],
    ) {
        let Some(held) = current.live.get(&key) else { return };
        let mut notice = Notice::new(key.clone());
        notice.source.files = files.to_vec();
        let op = Op::Delist { prev: held.last, reason, effective, notice: Box::new(notice) };
        self.changes.push(Change { handle: held.handle, op });
        self.removed.push(key);
    }
}
