//! `comity import`: a publication of an official list becomes signed changes, all of them or none.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use comity_feeds::{
    Current, Difference, FILE_BYTES_MAX, FeedError, Held, InputFile, Options, Refusal as LossRefusal,
    RejectedRow, Snapshot, diff, ofac, un,
};
use comity_ledger::{AuthorTime, Entropy, Head};
use comity_node::{NodeError, SystemEntropy, now};
use comity_tlog::{EntryIndex, Hash};
use comity_watchlist::{CalendarDate, Change, EntryRef, FileHash, Handle, Record, RecordKey, SectionsRead};
use comity_wire::v1::RecordState;
use comity_wire::{DraftChange, ListedRecord};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, sentence};
use crate::args::{ImportHow, ImportSource};
use crate::in_file::read_at_most;
use crate::source::Source;

/// Rejected rows shown to people; all of them are in the JSON.
const REJECTED_SHOWN_MAX: usize = 10;

pub(crate) fn run(source: &ImportSource) -> Result<Answer, Refusal> {
    let (snapshot, how) = match source {
        ImportSource::Ofac { files, how } => (Publication::read(files)?.parse(ofac::parse)?, how),
        ImportSource::Un { file, how } => {
            let publication = Publication::read(std::slice::from_ref(file))?;
            let parse = |inputs: &[InputFile<'_>]| match inputs {
                [input] => un::parse(input),
                _ => Err(FeedError::FileCount { count: inputs.len(), max: 1 }),
            };
            (publication.parse(parse)?, how)
        }
    };
    enter(&mut Source::find(&how.of.home)?, snapshot, how)
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

    fn parse(
        &self,
        parser: impl FnOnce(&[InputFile<'_>]) -> Result<Snapshot, FeedError>,
    ) -> Result<Snapshot, Refusal> {
        let inputs: Vec<InputFile<'_>> =
            self.0.iter().map(|(name, sha256, bytes)| InputFile { name, sha256: *sha256, bytes }).collect();
        let refuse = |error| Refusal::new("bad_source", format!("{}; nothing was changed", sentence(&error)));
        parser(&inputs).map_err(refuse)
    }
}

/// Signs the difference between what is held and the publication.
fn enter(source: &mut Source, snapshot: Snapshot, how: &ImportHow) -> Result<Answer, Refusal> {
    let list = snapshot.list.clone();
    let records = snapshot.records.len();
    let rejected = snapshot.rejected.clone();
    let own = source.home().origin();
    let held = Holdings::read(source.records(&own, &list)?)?;
    let options = Options { accept_removals: how.accept_removals, today: today(now())? };
    let mut fresh = fresh_handles(records)?.into_iter();
    // One handle for each record was drawn, and no more can be asked for.
    let handles = || fresh.next().unwrap_or(Handle::new([0; 16]));
    let difference = diff(&held.current(), snapshot, options, handles).map_err(|refusal| {
        let mut message = format!("{refusal}; nothing was changed");
        // The others are refused in any case.
        if !matches!(refusal, LossRefusal::Empty { .. } | LossRefusal::OtherList { .. }) {
            message.push_str(" (the flag is --accept-removals)");
        }
        Refusal::new("import_refused", message)
    })?;
    let drafts = held.drafts(&difference.changes)?;
    let bar = progress_bar(how.of.json, drafts.len());
    let head = source.append(&drafts, &|sent, _| bar.set_position(u64::try_from(sent).unwrap_or(u64::MAX)));
    bar.finish_and_clear();
    let head = head?;
    let origin = source.home().origin();
    let report = Report { list: list.as_str(), records, difference: &difference, rejected: &rejected };
    Ok(Answer::new(report.text(origin.as_str(), head), report.json(origin.as_str(), head)))
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
    live: Vec<(Handle, EntryIndex, EntryRef, Record)>,
    ended: Vec<(RecordKey, Handle)>,
}

impl Holdings {
    fn read(listed: Vec<ListedRecord>) -> Result<Self, Refusal> {
        let mut holdings = Self { live: Vec::with_capacity(listed.len()), ended: Vec::new() };
        for listing in listed {
            let mut read = SectionsRead::withheld();
            for (section, bytes) in listing.sections.iter() {
                read = read.give(section, bytes);
            }
            let unread = || {
                let message = format!("entry {} of the own log does not read", listing.newest);
                Refusal::new("damaged", message)
            };
            let change = Change::decode(&read).map_err(|_| unread())?.change;
            let record = change.op.record().ok_or_else(unread)?;
            if matches!(listing.state, RecordState::Delisted | RecordState::Withdrawn) {
                holdings.ended.push((record.key.clone(), listing.handle));
            } else {
                holdings.live.push((listing.handle, listing.newest, listing.leaf, record.clone()));
            }
        }
        Ok(holdings)
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

fn fresh_handles(count: usize) -> Result<Vec<Handle>, Refusal> {
    let mut entropy = SystemEntropy::new();
    let draw = |_| {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes).map_err(|_| NodeError::Entropy)?;
        Ok(Handle::new(bytes))
    };
    (0..count).map(draw).collect::<Result<_, NodeError>>().map_err(Refusal::from)
}

/// What an import did.
struct Report<'a> {
    list: &'a str,
    records: usize,
    difference: &'a Difference,
    rejected: &'a [RejectedRow],
}

impl Report<'_> {
    fn json(&self, origin: &str, head: Head) -> Value {
        let rejected: Vec<Value> = self
            .rejected
            .iter()
            .map(|row| json!({ "file": row.file, "line": row.line, "reason": row.reason.to_string() }))
            .collect();
        json!({
            "list": self.list,
            "records": self.records,
            "added": self.difference.added.len(),
            "changed": self.difference.amended.len(),
            "removed": self.difference.removed.len(),
            "relisted": self.difference.relisted.len(),
            "unchanged": self.difference.unchanged,
            "unread": self.difference.unread.len(),
            "rejected": rejected,
            "origin": origin,
            "size": head.size.value(),
            "root": head.root.to_base64(),
        })
    }

    fn text(&self, origin: &str, head: Head) -> String {
        let d = self.difference;
        let mut lines = vec![
            format!("list      {}  ({} records)", self.list, self.records),
            format!(
                "signed    {} added, {} changed, {} removed, {} relisted; {} unchanged",
                d.added.len(),
                d.amended.len(),
                d.removed.len(),
                d.relisted.len(),
                d.unchanged
            ),
            format!("log       {origin}  size {}  root {}", head.size, head.root.to_base64()),
        ];
        if !d.unread.is_empty() {
            lines.push(format!(
                "kept      {} records as they were: their rows could not be read",
                d.unread.len()
            ));
        }
        for row in self.rejected.iter().take(REJECTED_SHOWN_MAX) {
            lines.push(format!("rejected  {} line {}: {}", row.file, row.line, row.reason));
        }
        if self.rejected.len() > REJECTED_SHOWN_MAX {
            let more = self.rejected.len() - REJECTED_SHOWN_MAX;
            lines.push(format!("rejected  and {more} more rows (all of them with --json)"));
        }
        lines.join("\n")
    }
}
