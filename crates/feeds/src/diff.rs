//! The difference between a publication and the records held: which changes to sign, or why none.
//!
//! Compares content and never a source's version numbers. Not for: telling a broken publication (`guard`), signing
//! (`ledger`), or deciding who may accept removals (`policy`).

use std::collections::{BTreeMap, BTreeSet};

use comity_watchlist::limits::PATHS_MAX;
use comity_watchlist::{
    CalendarDate, Change, DelistReason, EntryRef, Handle, Notice, Op, Record, RecordKey, SourceFile, Text,
};

use crate::guard::{self, Refusal, Staying};
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
    mut snapshot: Snapshot,
    options: Options,
    mut handles: impl FnMut() -> Handle,
) -> Result<Difference, Refusal> {
    let mut comparison = Comparison::new(current);
    for record in std::mem::take(&mut snapshot.records) {
        comparison.take(Box::new(record), &mut handles);
    }
    if !options.accept_removals {
        comparison.losses(&snapshot)?;
    }
    comparison.finish(snapshot, options.today)
}

/// Says whether [`diff`] would give these changes without leave, for whoever wants to see them in any case.
///
/// # Errors
/// [`Refusal`] as [`diff`] without leave.
pub fn losses(current: &Current<'_>, snapshot: &Snapshot) -> Result<(), Refusal> {
    let mut comparison = Comparison::new(current);
    for record in &snapshot.records {
        comparison.take(Box::new(record.clone()), || Handle::new([0; 16]));
    }
    comparison.losses(snapshot)
}

/// A publication that is compared with what is held while it is read: of its records none is held but those that change
/// something.
#[derive(Debug)]
pub struct Comparison<'a> {
    current: &'a Current<'a>,
    /// Those that are held and that it has.
    seen: BTreeSet<&'a RecordKey>,
    records: usize,
    staying: Staying,
    difference: Difference,
}

impl<'a> Comparison<'a> {
    /// Begins with nothing read.
    #[must_use]
    pub fn new(current: &'a Current<'a>) -> Self {
        let difference = Difference::default();
        Self { current, seen: BTreeSet::new(), records: 0, staying: Staying::default(), difference }
    }

    /// Compares a record; `handles` gives a fresh random handle if it is a new listing.
    pub fn take(&mut self, record: Box<Record>, handles: impl FnOnce() -> Handle) {
        self.records += 1;
        if let Some((key, held)) = self.current.live.get_key_value(&record.key) {
            self.seen.insert(key);
            self.staying.add(held.record, &record);
        }
        self.difference.take(self.current, record, handles);
    }

    /// Counts a record that the publication has and that is not compared: whatever is held of it stays as it is.
    pub fn leave(&mut self, key: &RecordKey) {
        self.records += 1;
        if let Some((key, _)) = self.current.live.get_key_value(key) {
            self.seen.insert(key);
        }
    }

    /// Says whether the publication, of which all records were taken, loses no more than it may without leave.
    ///
    /// # Errors
    /// [`Refusal`] if it is empty or of another list, would end too many records, any record while a row that cannot be
    /// read may be its own, or strip the others of too many details.
    pub fn losses(&self, snapshot: &Snapshot) -> Result<(), Refusal> {
        let (told, absent) = self.removals(snapshot)?;
        let rekeyed = if snapshot.rejected_more > 0 { 0 } else { self.rekeyed(&absent).len() };
        let absent = absent.len().saturating_sub(rekeyed);
        guard::removals(told.len() + absent, self.current.live.len())?;
        guard::certainty(absent, &snapshot.rejected, snapshot.rejected_more)?;
        self.staying.check()
    }

    /// The changes to sign, whatever is lost by them; `today` is the day from which absent records are delisted.
    ///
    /// # Errors
    /// [`Refusal`] if the publication is empty or of another list.
    pub fn finish(mut self, snapshot: Snapshot, today: CalendarDate) -> Result<Difference, Refusal> {
        let (told, mut absent) = self.removals(&snapshot)?;
        // Where rows were only counted, each record that is absent may be that of one of them.
        let is_doubtful = snapshot.rejected_more > 0;
        let rekeyed = if is_doubtful { BTreeMap::new() } else { self.rekeyed(&absent) };
        absent.retain(|key| !rekeyed.values().any(|former| former == key));
        let doubtful = if is_doubtful { std::mem::take(&mut absent) } else { Vec::new() };
        let files: Vec<SourceFile> = snapshot.files.into_iter().map(|read| read.file).collect();
        self.difference.rekey(self.current, &rekeyed, &files);
        for Ended { key, effective } in told {
            let effective = effective.unwrap_or(today);
            self.difference.remove(self.current, key, DelistReason::Annulled, effective, &files);
        }
        for key in absent {
            self.difference.remove(self.current, key, DelistReason::AbsentFromSource, today, &files);
        }
        let unread = snapshot.rejected.into_iter().filter_map(|row| row.key);
        let unread = unread.filter(|key| self.current.live.contains_key(key) && !self.seen.contains(key));
        self.difference.unread = unread.chain(doubtful).collect::<BTreeSet<_>>().into_iter().collect();
        Ok(self.difference)
    }

    /// The keys that are held and whose end the publication tells; and, if it tells the whole list, those that it does not
    /// name, not even in a row that could not be read.
    fn removals(&self, snapshot: &Snapshot) -> Result<(Vec<Ended>, Vec<RecordKey>), Refusal> {
        let live = &self.current.live;
        let told: BTreeSet<&RecordKey> = snapshot.ended.iter().map(|ended| &ended.key).collect();
        // Changes may be ends alone; a whole list of which nothing is left is none.
        if self.records == 0 && (snapshot.scope == Scope::Whole || told.is_empty()) {
            return Err(Refusal::Empty { list: snapshot.list.clone() });
        }
        if let Some(other) = live.keys().find(|key| key.list != snapshot.list) {
            return Err(Refusal::OtherList { found: snapshot.list.clone(), held: other.list.clone() });
        }
        let rejected: BTreeSet<&RecordKey> =
            snapshot.rejected.iter().filter_map(|row| row.key.as_ref()).collect();
        let named = |key: &RecordKey| self.seen.contains(key) || rejected.contains(key);
        let held = |ended: &&Ended| live.contains_key(&ended.key) && !named(&ended.key);
        let ended = snapshot.ended.iter().filter(held).cloned().collect();
        let absent = |key: &&RecordKey| snapshot.scope == Scope::Whole && !told.contains(key) && !named(key);
        Ok((ended, live.keys().filter(absent).cloned().collect()))
    }

    /// New keys of records that went on under them, with the keys that they had: of all that is told nothing differs but the
    /// key, and no other record could be meant on either side. A record of names alone is never taken for another.
    fn rekeyed(&self, absent: &[RecordKey]) -> BTreeMap<RecordKey, RecordKey> {
        let mut by_name: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        for held in absent.iter().filter_map(|key| self.current.live.get(key)) {
            if let Some(name) = held.record.primary_name().filter(|_| is_telling(held.record)) {
                by_name.entry(name.full.as_str()).or_default().push(held.record);
            }
        }
        let mut found: BTreeMap<RecordKey, Vec<RecordKey>> = BTreeMap::new();
        let listed = self.difference.changes.iter().filter_map(|change| match &change.op {
            Op::List { record } => Some(record),
            _ => None,
        });
        for new in listed.filter(|new| is_telling(new)) {
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
}

/// Whether a record says enough to be known again by it.
fn is_telling(record: &Record) -> bool {
    !record.identifiers.is_empty() || !record.facts.is_empty()
}

impl Difference {
    /// Puts the new key in the place of a new listing where a record goes on under it.
    fn rekey(
        &mut self,
        current: &Current<'_>,
        rekeyed: &BTreeMap<RecordKey, RecordKey>,
        files: &[SourceFile],
    ) {
        if rekeyed.is_empty() {
            return;
        }
        for change in &mut self.changes {
            let Op::List { record } = &change.op else { continue };
            let Some((to, former)) = rekeyed.get_key_value(&record.key) else { continue };
            let Some(held) = current.live.get(former) else { continue };
            let mut notice = Notice::new(former.clone());
            notice.source.files = files.to_vec();
            self.rekeyed.push((former.clone(), to.clone()));
            let op = Op::Rekey { prev: held.last, to: to.clone(), notice: Box::new(notice) };
            *change = Change { handle: held.handle, op };
        }
        self.added.retain(|key| !rekeyed.contains_key(key));
    }

    fn take(&mut self, current: &Current<'_>, record: Box<Record>, handles: impl FnOnce() -> Handle) {
        let key = record.key.clone();
        let Some(held) = current.live.get(&key) else {
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
        let op = Op::Amend { prev: held.last, paths, record };
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
