//! `comity import`: a publication of an official list becomes signed changes, all of them or none.
//!
//! Not here: what is said of it (`report`), and how a list is read (`feeds`).

mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::slice::from_ref;

use comity_feeds::{
    Current, FILE_BYTES_MAX, FeedError, Format, Held, InputFile, Options, Refusal as LossRefusal, Snapshot,
    canada, diff, eu, format_of, ftm, is_official, losses, ofac, own, seco, simple, stix, uk, un, us,
};
use comity_ledger::{AuthorTime, Entropy, Head};
use comity_node::{NodeError, SystemEntropy, now};
use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{
    CalendarDate, Change, EntryRef, FileHash, Handle, ListId, Record, RecordKey, SectionsRead,
};
use comity_wire::v1::RecordState;
use comity_wire::{DraftChange, HandlingChoice, ListedRecord};
use indicatif::{ProgressBar, ProgressStyle};

use crate::answer::{Answer, Refusal, sentence};
use crate::args::{ImportHow, ImportSource};
use crate::import::report::{Outcome, Report};
use crate::in_file::read_at_most;
use crate::source::Source;

/// What to do where content does not tell the list, since a file may have several.
const NAME_A_LIST: &str = "this is a file of export lists of the United States, and may have several of them: name one \
     with `comity import us LIST FILE`; nothing was changed";

pub(crate) fn run(source: &ImportSource) -> Result<Answer, Refusal> {
    let (named, files, how) = match source {
        ImportSource::Auto { files, how } => (None, files.as_slice(), how),
        ImportSource::Ofac { files, how } => (Some(Format::Ofac), files.as_slice(), how),
        ImportSource::Un { file, how } => (Some(Format::Un), from_ref(file), how),
        ImportSource::Eu { file, how } => (Some(Format::Eu), from_ref(file), how),
        ImportSource::Uk { file, how } => (Some(Format::Uk), from_ref(file), how),
        ImportSource::Canada { file, how } => (Some(Format::Canada), from_ref(file), how),
        ImportSource::Seco { file, how } => (Some(Format::Seco), from_ref(file), how),
        ImportSource::Us { file, how, .. } => (Some(Format::Us), from_ref(file), how),
        ImportSource::Csv { file, how, .. } => (Some(Format::Csv), from_ref(file), how),
        ImportSource::Ftm { files, how, .. } => (Some(Format::Ftm), files.as_slice(), how),
        ImportSource::Stix { file, how, .. } => (Some(Format::Stix), from_ref(file), how),
        ImportSource::Jsonl { file, how, .. } => (Some(Format::Jsonl), from_ref(file), how),
    };
    let list = match source {
        ImportSource::Csv { own, .. }
        | ImportSource::Ftm { own, .. }
        | ImportSource::Stix { own, .. }
        | ImportSource::Jsonl { own, .. } => own.list.as_ref(),
        _ => None,
    };
    let publication = Publication::read(files)?;
    let format = match named {
        Some(format) => format,
        None => publication.parse(format_of)?,
    };
    let snapshot = match format {
        Format::Ofac => publication.parse(ofac::parse)?,
        Format::Un => publication.parse_one(un::parse)?,
        Format::Eu => publication.parse_one(eu::parse)?,
        Format::Uk => publication.parse_one(uk::parse)?,
        Format::Canada => publication.parse_one(canada::parse)?,
        Format::Seco => publication.parse_one(seco::parse)?,
        Format::Us => {
            let ImportSource::Us { list, .. } = source else {
                return Err(Refusal::new("usage", NAME_A_LIST));
            };
            publication.parse_one(|input| us::parse(list.list(), input))?
        }
        Format::Csv => publication.parse_one(|input| simple::parse(input, list))?,
        Format::Ftm => publication.parse(|inputs| ftm::parse(inputs, list))?,
        Format::Stix => publication.parse_one(|input| stix::parse(input, list))?,
        Format::Jsonl => publication.parse_one(|input| own::parse_lines(input, list))?,
    };
    enter(&mut Source::find(&how.of.home)?, format, snapshot, how)
}

/// The files of a publication in memory, each with its name and hash.
struct Publication(Vec<(String, FileHash, Vec<u8>)>);

impl Publication {
    fn read(paths: &[PathBuf]) -> Result<Self, Refusal> {
        let mut files = Vec::with_capacity(paths.len());
        for path in paths {
            let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
            let Some(bytes) = read_at_most(path, limit)? else {
                let message = format!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
                return Err(Refusal::new("bad_source", message));
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((name, FileHash::new(*Hash::digest(&bytes).as_bytes()), bytes));
        }
        Ok(Self(files))
    }

    /// Reads a list that is published as one file.
    fn parse_one(
        &self,
        parser: impl FnOnce(&InputFile<'_>) -> Result<Snapshot, FeedError>,
    ) -> Result<Snapshot, Refusal> {
        self.parse(|inputs| match inputs {
            [input] => parser(input),
            _ => Err(FeedError::FileCount { count: inputs.len(), max: 1 }),
        })
    }

    fn parse<T>(&self, parser: impl FnOnce(&[InputFile<'_>]) -> Result<T, FeedError>) -> Result<T, Refusal> {
        let inputs: Vec<InputFile<'_>> =
            self.0.iter().map(|(name, sha256, bytes)| InputFile { name, sha256: *sha256, bytes }).collect();
        let refuse = |error| Refusal::new("bad_source", format!("{}; nothing was changed", sentence(&error)));
        parser(&inputs).map_err(refuse)
    }
}

/// Signs the difference between what is held and the publication, or in a dry run says what it is.
fn enter(
    source: &mut Source,
    format: Format,
    mut snapshot: Snapshot,
    how: &ImportHow,
) -> Result<Answer, Refusal> {
    let list = snapshot.list.clone();
    let records = snapshot.records.len();
    let rejected = snapshot.rejected.clone();
    let own = source.home().origin();
    let held = Holdings::read(&list, source.records(&own, &list)?)?;
    let barred = held.bar(&mut snapshot);
    let current = held.current();
    let refusal = if how.dry_run && !how.accept_removals {
        losses(&current, &snapshot).err().filter(leave_helps)
    } else {
        None
    };
    let options = Options { accept_removals: how.accept_removals || how.dry_run, today: today(now())? };
    let mut fresh = fresh_handles(records)?.into_iter();
    // One handle for each record was drawn, and no more can be asked for.
    let handles = || fresh.next().unwrap_or(Handle::new([0; 16]));
    let difference = diff(&current, snapshot, options, handles)
        .map_err(|refusal| Refusal::new("import_refused", refused(&refusal, "nothing was changed")))?;
    let drafts = held.drafts(&difference.changes)?;
    let (outcome, head) = if how.dry_run {
        let refusal = refusal.map(|refusal| refused(&refusal, "nothing would be changed"));
        (Outcome::Compared { refusal }, source.head(&own)?)
    } else {
        // What a publisher tells everybody may go on; what comes from elsewhere is kept as closely as what is written here.
        let handling =
            if is_official(&list) { HandlingChoice::OfficialList } else { HandlingChoice::OwnDesignation };
        (Outcome::Signed, append(source, &drafts, handling, how.of.json)?)
    };
    let report = Report {
        format,
        list: list.as_str(),
        records,
        difference: &difference,
        names: held.names(),
        rejected: &rejected,
        barred: &barred,
        outcome,
        origin: own.as_str(),
        head,
    };
    Ok(report.answer())
}

fn append(
    source: &mut Source,
    drafts: &[DraftChange],
    handling: HandlingChoice,
    quiet: bool,
) -> Result<Head, Refusal> {
    if drafts.is_empty() {
        let own = source.home().origin();
        return source.head(&own);
    }
    let bar = progress_bar(quiet, drafts.len());
    let tell = |sent, _| bar.set_position(u64::try_from(sent).unwrap_or(u64::MAX));
    let appended = source.append(drafts, handling, &tell);
    bar.finish_and_clear();
    Ok(appended?.head)
}

/// Whether leave to remove makes a difference: some publications are refused in any case.
fn leave_helps(refusal: &LossRefusal) -> bool {
    !matches!(refusal, LossRefusal::Empty { .. } | LossRefusal::OtherList { .. })
}

/// The refusal in words: with what comes of it, and the flag by which it can be overruled.
fn refused(refusal: &LossRefusal, effect: &str) -> String {
    let flag = if leave_helps(refusal) { " (the flag is --accept-removals)" } else { "" };
    format!("{refusal}; {effect}{flag}")
}

/// The bar of an append, on a terminal only.
fn progress_bar(quiet: bool, changes: usize) -> ProgressBar {
    if quiet || changes == 0 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(changes).unwrap_or(u64::MAX));
    // The template is a constant; should it ever not read, the plain bar does.
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} changes handed over") {
        bar.set_style(style);
    }
    bar
}

/// The listings of the list as the log holds them.
struct Holdings {
    /// What was erased and not listed again since, or may be about to be: a publication does not bring it back.
    erased: BTreeSet<RecordKey>,
    live: Vec<(Handle, EntryIndex, EntryRef, Record)>,
    ended: Vec<(RecordKey, Handle)>,
}

impl Holdings {
    /// Reads the listings, which come by the place of their newest entry.
    fn read(list: &ListId, listed: Vec<ListedRecord>) -> Result<Self, Refusal> {
        let live = Vec::with_capacity(listed.len());
        let mut holdings = Self { erased: BTreeSet::new(), live, ended: Vec::new() };
        for listing in listed {
            let key = RecordKey::new(list.clone(), listing.reference.clone());
            if matches!(listing.state, RecordState::Erased | RecordState::HeldBack) {
                holdings.erased.insert(key);
                continue;
            }
            holdings.erased.remove(&key);
            let read = SectionsRead::from(&listing.sections);
            let unread = || {
                let message = format!("entry {} of the own log does not read", listing.newest);
                Refusal::new("damaged", message)
            };
            let change = Change::decode(&read).map_err(|_| unread())?.change;
            let mut record = change.op.record().ok_or_else(unread)?.clone();
            // A rekeying says the key, and not the record again.
            record.key = key;
            if matches!(listing.state, RecordState::Delisted | RecordState::Withdrawn) {
                holdings.ended.push((record.key.clone(), listing.handle));
            } else {
                holdings.live.push((listing.handle, listing.newest, listing.leaf, record));
            }
        }
        Ok(holdings)
    }

    /// Takes out of a publication what was erased here; gives their keys.
    fn bar(&self, snapshot: &mut Snapshot) -> Vec<RecordKey> {
        let records = std::mem::take(&mut snapshot.records).into_iter();
        let (barred, kept): (Vec<Record>, Vec<Record>) =
            records.partition(|record| self.erased.contains(&record.key));
        snapshot.records = kept;
        barred.into_iter().map(|record| record.key).collect()
    }

    fn current(&self) -> Current<'_> {
        let mut current = Current::new();
        for (handle, _, last, record) in &self.live {
            current.hold(Held { handle: *handle, last: *last, record });
        }
        for (key, handle) in &self.ended {
            current.end(key.clone(), *handle);
        }
        current
    }

    /// What the live ones are called.
    fn names(&self) -> BTreeMap<&RecordKey, &str> {
        let named = self.live.iter().map(|(.., record)| (&record.key, record.primary_name()));
        named.filter_map(|(key, name)| Some((key, name?.full.as_str()))).collect()
    }

    /// The changes as they are handed over: with the place of the entry that each follows.
    fn drafts(&self, changes: &[Change]) -> Result<Vec<DraftChange>, Refusal> {
        let newest: BTreeMap<Handle, EntryIndex> =
            self.live.iter().map(|(handle, newest, ..)| (*handle, *newest)).collect();
        let draft = |change: &Change| {
            let refuse = |reason: String| Refusal::from(NodeError::Record { reason });
            let about = change.op.prev().and_then(|_| newest.get(&change.handle).copied());
            let sections = change.encode().map_err(|error| refuse(error.to_string()))?;
            DraftChange::new(about, sections).ok_or_else(|| refuse("it says nothing".to_owned()))
        };
        changes.iter().map(draft).collect()
    }
}

fn today(now: AuthorTime) -> Result<CalendarDate, Refusal> {
    CalendarDate::of_unix_secs(now.unix_secs())
        .map_err(|_| Refusal::new("clock", "the clock of this machine shows a year after 9999"))
}

pub(crate) fn fresh_handles(count: usize) -> Result<Vec<Handle>, Refusal> {
    let mut entropy = SystemEntropy::new();
    let draw = |_| {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes).map_err(|_| NodeError::Entropy)?;
        Ok(Handle::new(bytes))
    };
    (0..count).map(draw).collect::<Result<_, NodeError>>().map_err(Refusal::from)
}
