//! `comity import`: a publication of an official list becomes signed changes, all of them or none.
//!
//! It is compared while it is read, and entered only over the list that it was compared with: an import that another one
//! overtakes compares again. Not here: the files (`input`), what is held (`holdings`), who holds the home (`turn`), what is
//! said of it (`report`), and how a list is read (`feeds`).

mod holdings;
mod input;
mod report;
mod turn;

use std::cell::OnceCell;
use std::io::IsTerminal as _;
use std::slice::from_ref;

use comity_feeds::{
    Comparison, Current, Format, Refusal as LossRefusal, Snapshot, Take, canada, eu, format_of, ftm,
    is_official, ofac, own, seco, simple, stix, uk, un, us,
};
use comity_ledger::{AuthorTime, Entropy, Head, Origin};
use comity_node::{NodeError, SystemEntropy, now};
use comity_watchlist::{CalendarDate, Handle, ListId, Record, RecordKey};
use comity_wire::{DraftChange, ErrorCode, HandlingChoice, ListBasis};
use indicatif::{ProgressBar, ProgressStyle};

use crate::answer::{Answer, Refusal};
use crate::args::{ImportHow, ImportSource};
use crate::editions::{Newest, has_codes};
use crate::import::holdings::Holdings;
pub(crate) use crate::import::input::Publication;
use crate::import::report::{Outcome, Report};
use crate::source::Source;

/// Most comparisons of one import: each that fails is one that another change of the list overtook, and was entered.
const TURNS_MAX: u32 = 100;

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
    let publication = Publication::open(files)?;
    let format = match named {
        Some(format) => format,
        None => publication.parse(format_of)?,
    };
    if format == Format::Us && !matches!(source, ImportSource::Us { .. }) {
        return Err(Refusal::new("usage", NAME_A_LIST));
    }
    let us_list = match source {
        ImportSource::Us { list, .. } => list.list(),
        _ => us::List::DeniedPersons,
    };
    let read = |take: Take<'_>| match format {
        Format::Ofac => publication.parse(|inputs| ofac::read(inputs, take)),
        Format::Un => publication.parse_one(|input| un::read(input, take)),
        Format::Eu => publication.parse_one(|input| eu::read(input, take)),
        Format::Uk => publication.parse_one(|input| uk::read(input, take)),
        Format::Canada => publication.parse_one(|input| canada::read(input, take)),
        Format::Seco => publication.parse_one(|input| seco::read(input, take)),
        Format::Us => publication.parse_one(|input| us::read(us_list, input, take)),
        Format::Csv => publication.parse_one(|input| simple::read(input, list, take)),
        Format::Ftm => publication.parse(|inputs| ftm::read(inputs, list, take)),
        Format::Stix => publication.parse_one(|input| stix::read(input, list, take)),
        Format::Jsonl => publication.parse_one(|input| own::read_lines(input, list, take)),
    };
    let mut held_by = turn::in_turn(how)?;
    for _ in 1..TURNS_MAX {
        match enter(&mut held_by, format, &read, how) {
            // The list was changed between the comparison and its entering, or something of it waits to be erased since: it
            // is compared with what it says now.
            Err(refusal) if is_overtaken(&refusal) => {}
            answer => return answer,
        }
    }
    enter(&mut held_by, format, &read, how)
}

fn is_overtaken(refusal: &Refusal) -> bool {
    [ErrorCode::BaseChanged, ErrorCode::HeldBack].iter().any(|code| code.reason() == refusal.code)
}

/// Signs the difference between what is held and the publication, or in a dry run says what it is.
fn enter(
    source: &mut Source,
    format: Format,
    read: &dyn Fn(Take<'_>) -> Result<Snapshot, Refusal>,
    how: &ImportHow,
) -> Result<Answer, Refusal> {
    let own = source.home().origin();
    let held = OnceCell::new();
    let current = OnceCell::new();
    let mut compared = Compared::new(&held, &current);
    let snapshot = read(&mut |record| compared.take(source, &own, record))?;
    compared.hold(source, &own, &snapshot.list)?;
    let Compared { comparison: Some(comparison), records, barred, .. } = compared else {
        return Err(Refusal::new("internal", "nothing was compared"));
    };
    let Some(held) = held.get() else { return Err(Refusal::new("internal", "nothing was compared")) };
    let (list, rejected) = (snapshot.list.clone(), snapshot.rejected.clone());
    let rejected_more = snapshot.rejected_more;
    let lost = comparison.losses(&snapshot).err().filter(|_| !how.accept_removals);
    let refuse =
        |refusal: &LossRefusal| Refusal::new("import_refused", refused(refusal, "nothing was changed"));
    if let Some(refusal) = lost.as_ref().filter(|refusal| !how.dry_run || !leave_helps(refusal)) {
        return Err(refuse(refusal));
    }
    let difference = comparison.finish(snapshot, today(now())?).map_err(|refusal| refuse(&refusal))?;
    let (outcome, head) = if how.dry_run {
        let refusal = lost.map(|refusal| refused(&refusal, "nothing would be changed"));
        (Outcome::Compared { refusal }, source.head(&own)?)
    } else {
        // What a publisher tells everybody may go on; what comes from elsewhere is kept as closely as what is written here.
        let handling =
            if is_official(&list) { HandlingChoice::OfficialList } else { HandlingChoice::OwnDesignation };
        let drafts = held.drafts(&difference.changes)?;
        (Outcome::Signed, append(source, &drafts, handling, held.basis(), how.of.json)?)
    };
    let report = Report {
        format,
        list: list.as_str(),
        records,
        difference: &difference,
        names: held.names(),
        rejected: &rejected,
        rejected_more,
        barred: &barred,
        outcome,
        origin: own.as_str(),
        head,
    };
    Ok(report.answer())
}

/// A publication while it is read and compared. What is held is asked for with the first record, which names the list.
struct Compared<'h, 'c> {
    held: &'h OnceCell<Holdings>,
    current: &'c OnceCell<Current<'h>>,
    comparison: Option<Comparison<'c>>,
    records: usize,
    /// Left out, since they were erased here.
    barred: Vec<RecordKey>,
    /// The editions that codes name, once a record has one.
    newest: Option<Newest>,
    failed: Option<Refusal>,
}

impl<'h, 'c> Compared<'h, 'c> {
    const fn new(held: &'h OnceCell<Holdings>, current: &'c OnceCell<Current<'h>>) -> Self {
        let (comparison, newest, failed) = (None, None, None);
        Self { held, current, comparison, records: 0, barred: Vec::new(), newest, failed }
    }

    /// Asks what is held of a list, unless that is known.
    fn hold(&mut self, source: &mut Source, own: &Origin, list: &ListId) -> Result<(), Refusal> {
        if let Some(refusal) = self.failed.take() {
            return Err(refusal);
        }
        if self.comparison.is_none() {
            let read = Holdings::of(source, own, list)?;
            let held = self.held.get_or_init(|| read);
            self.comparison = Some(Comparison::new(self.current.get_or_init(|| held.current())));
        }
        Ok(())
    }

    /// Has the codes of goods of a record name the editions that are the newest now.
    fn name_editions(&mut self, source: &mut Source, record: &mut Record) -> Result<(), Refusal> {
        if has_codes(record) {
            let newest = match self.newest.take() {
                Some(newest) => newest,
                None => Newest::of(source)?,
            };
            self.newest.insert(newest).name(record);
        }
        Ok(())
    }

    /// Compares a record. After a failure nothing more is compared, and the next [`hold`](Self::hold) tells of it.
    fn take(&mut self, source: &mut Source, own: &Origin, mut record: Box<Record>) {
        if self.failed.is_some() {
            return;
        }
        if let Err(refusal) = self.name_editions(source, &mut record) {
            self.failed = Some(refusal);
            return;
        }
        self.records += 1;
        if let Err(refusal) = self.hold(source, own, &record.key.list) {
            self.failed = Some(refusal);
            return;
        }
        if self.held.get().is_some_and(|held| held.bars(&record.key)) {
            if let Some(comparison) = &mut self.comparison {
                comparison.leave(&record.key);
            }
            self.barred.push(record.key);
            return;
        }
        let mut failed = None;
        let handle = || {
            fresh_handle().unwrap_or_else(|refusal| {
                failed = Some(refusal);
                Handle::new([0; 16])
            })
        };
        if let Some(comparison) = &mut self.comparison {
            comparison.take(record, handle);
        }
        self.failed = failed;
    }
}

fn append(
    source: &mut Source,
    drafts: &[DraftChange],
    handling: HandlingChoice,
    basis: &ListBasis,
    quiet: bool,
) -> Result<Head, Refusal> {
    if drafts.is_empty() {
        let own = source.home().origin();
        return source.head(&own);
    }
    let bar = progress_bar(quiet, drafts.len());
    let tell = |sent, _| bar.set_position(u64::try_from(sent).unwrap_or(u64::MAX));
    let appended = source.append(drafts, handling, Some(basis), &tell);
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

fn today(now: AuthorTime) -> Result<CalendarDate, Refusal> {
    CalendarDate::of_unix_secs(now.unix_secs())
        .map_err(|_| Refusal::new("clock", "the clock of this machine shows a year after 9999"))
}

/// A handle that nothing else has.
pub(crate) fn fresh_handle() -> Result<Handle, Refusal> {
    let mut bytes = [0; 16];
    SystemEntropy::new().fill(&mut bytes).map_err(|_| NodeError::Entropy)?;
    Ok(Handle::new(bytes))
}
