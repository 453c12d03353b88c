//! `comity record`: an agency writes designations of its own and changes what it has listed, one signed change a call; and
//! says which records are about one subject (`same_as`).
//!
//! Not here: what a file may say (`feeds::own`), the questions on a terminal (`ask`), what is held (`standing`), and
//! whether the change still follows the newest entry when it is signed (the node).

mod ask;
mod confirm;
mod elsewhere;
mod join;
mod make;
mod package;
mod same_as;
mod signed;
mod standing;

use std::io::Read as _;
use std::path::Path;

use comity_feeds::own::{self, OwnAct, OwnRecord, OwnWriting};
use comity_ledger::Origin;
use comity_node::NodeError;
use comity_tlog::Hash;
use comity_watchlist::{
    Change, FileHash, LegalBasis, ListId, Notice, Op, Prose, RecordKey, Reference, SourceFile, Text,
};
use comity_wire::v1::RecordState;

use crate::answer::{Answer, Refusal, sentence};
use crate::args::{Acted, Grounds, RecordCommand, RecordKey as KeyOf, Written};
use crate::editions::standings;
use crate::in_file::read_at_most;
use crate::record::ask::Dialog;
use crate::record::elsewhere::Elsewhere;
use crate::record::signed::sign;
use crate::record::standing::{find, find_all, find_in};
use crate::records::key_json;
use crate::source::Source;

pub(crate) use crate::record::confirm::{waiting_json, waiting_text};
pub(crate) use crate::record::signed::{draft, handling_words};
pub(crate) use crate::record::standing::label_of;

/// What comes of a refusal.
const NOTHING: &str = "; nothing was signed";

pub(crate) fn run(command: &RecordCommand) -> Result<Answer, Refusal> {
    match command {
        RecordCommand::Add(written) => write(OwnWriting::Add, written, false),
        RecordCommand::Amend(written) => write(OwnWriting::Amend, written, false),
        RecordCommand::Correct(written) => write(OwnWriting::Correct, written, false),
        RecordCommand::Relist { written, label_anew } => write(OwnWriting::Relist, written, *label_anew),
        RecordCommand::Suspend(acted) => act(acted, "suspend", OwnAct::Suspend),
        RecordCommand::Resume(acted) => act(acted, "resume", OwnAct::Resume),
        RecordCommand::Delist { ground, effective, acted } => {
            let mut dialog = Dialog::of_terminal();
            let ground = match (ground, &mut dialog) {
                (Some(ground), _) => *ground,
                (None, Some(dialog)) => dialog.until("ground on which it ends", crate::args::ground)?,
                (None, None) => return Err(missing("--ground WORD")),
            };
            let effective = match (effective, &mut dialog) {
                (Some(effective), _) => *effective,
                (None, Some(dialog)) => dialog.until("day from which it ends", crate::args::day)?,
                (None, None) => return Err(missing("--effective DATE")),
            };
            act(acted, "delist", OwnAct::Delist { ground, effective })
        }
        RecordCommand::Withdraw(acted) => act(acted, "withdraw", OwnAct::Withdraw),
        RecordCommand::Erase(acted) => erase(acted),
        RecordCommand::Confirm(confirm) => confirm::run(confirm),
        RecordCommand::Rekey { acted, to_list, to_reference } => {
            let to = key_of(&KeyOf { list: to_list.clone(), reference: to_reference.clone() })?;
            act(acted, "give another reference to", OwnAct::Rekey { to })
        }
        RecordCommand::Merge(joined) => join::merge(joined),
        RecordCommand::Split(joined) => join::split(joined),
        RecordCommand::Package(packaged) => package::run(packaged),
        RecordCommand::SameAs(joined) => same_as::state(joined),
        RecordCommand::Retract(joined) => same_as::retract(joined),
        RecordCommand::Show { key, origin, same_as, of } => {
            show(&mut Source::find(&of.home)?, &key_of(key)?, origin.as_deref(), *same_as)
        }
    }
}

/// The states of a record that has not ended.
const LIVING: [RecordState; 2] = [RecordState::Unapproved, RecordState::Suspended];

/// Signs a record that is written whole; with `label_anew` under its own label alone, whatever that of the former listing was.
fn write(writing: OwnWriting, written: &Written, label_anew: bool) -> Result<Answer, Refusal> {
    let (own, file) = match (&written.file, Dialog::of_terminal()) {
        (Some(path), _) => from_file(path)?,
        (None, Some(mut dialog)) => (asked(&mut dialog, writing, written)?, None),
        (None, None) => {
            let message = "name the file of the record (docs/records.md), or `-` for standard input; it is asked for field by \
                 field only on a terminal";
            return Err(Refusal::new("usage", format!("{message}{NOTHING}")));
        }
    };
    let OwnRecord { mut record, version: in_file, handle } = own;
    record.source.files = file.into_iter().collect();
    let version = match (written.version, in_file) {
        (Some(told), Some(in_file)) if told != in_file => {
            let message = format!("--version says {told}, and the file {in_file}{NOTHING}");
            return Err(Refusal::new("usage", message));
        }
        (told, in_file) => told.or(in_file),
    };
    let mut source = Source::find(&written.of.home)?;
    let own = OwnRecord { record, version, handle };
    let made = make::written(&mut source, writing, own)?;
    if label_anew { made.sign_labelled_anew(&mut source) } else { made.sign(&mut source) }
}

/// Signs a change that says nothing new of the subject.
fn act(acted: &Acted, word: &str, act: OwnAct) -> Result<Answer, Refusal> {
    let notice = notice(&acted.grounds, &format!("{word} it"), key_of(&acted.key)?)?;
    let mut source = Source::find(&acted.of.home)?;
    make::acted(&mut source, act, Box::new(notice), acted.version)?.sign(&mut source)
}

/// Erases all that was ever listed under a key, one listing after the other, the living one last. Whoever is
/// interrupted between two of them says it again for the rest.
fn erase(acted: &Acted) -> Result<Answer, Refusal> {
    let key = key_of(&acted.key)?;
    let notice = Box::new(notice(&acted.grounds, "erase it", key.clone())?);
    let mut source = Source::find(&acted.of.home)?;
    let mut listings = find_all(&mut source, &key)?;
    let newest = listings.last().ok_or_else(|| not_found(&key))?;
    if let Some(version) = acted.version {
        newest.must_have(version)?;
    }
    let done = newest.refused("it is erased already");
    listings.retain(|listing| listing.state != RecordState::Erased);
    let Some(last) = listings.pop() else { return Err(done) };
    let mut elsewhere = Elsewhere::of(&mut source, &last)?;
    for before in &listings {
        elsewhere.extend(Elsewhere::of(&mut source, before)?);
    }
    let mut erased = 0;
    for before in &listings {
        let op = Op::Erase { prev: before.leaf, notice: notice.clone() };
        let handling = before.handling(&mut source)?;
        let change = Change { handle: before.handle, op };
        erased += sign(&mut source, Some(before), &change, handling, 0)?.erased;
    }
    let op = Op::Erase { prev: last.leaf, notice };
    let handling = last.handling(&mut source)?;
    let change = Change { handle: last.handle, op };
    let mut answer = sign(&mut source, Some(&last), &change, handling, erased)?.answer;
    answer.text.extend(Elsewhere::text(&elsewhere).map(|text| format!("\n{text}")));
    if let Some(object) = answer.json.as_object_mut() {
        let elsewhere: Vec<serde_json::Value> = elsewhere.iter().map(Elsewhere::json).collect();
        object.insert("elsewhere".to_owned(), elsewhere.into());
    }
    Ok(answer)
}

/// The grounds of a change, asked for on a terminal if none are given.
fn notice(grounds: &Grounds, deed: &str, key: RecordKey) -> Result<Notice, Refusal> {
    let prose = |text: &str| Prose::new(text).map_err(|error| error.to_string());
    let bad = |name: &str| {
        let name = name.to_owned();
        move |error: String| Refusal::new("record", format!("{name}: {error}{NOTHING}"))
    };
    let mut notice = Notice::new(key);
    for text in &grounds.reason {
        notice.reasons_public.push(prose(text).map_err(bad("--reason"))?);
    }
    for text in &grounds.closed_reason {
        notice.reasons_closed.push(prose(text).map_err(bad("--closed-reason"))?);
    }
    for text in &grounds.legal {
        let act = Text::new(text.as_str()).map_err(|error| error.to_string()).map_err(bad("--legal"))?;
        notice.legal.push(LegalBasis::new(act));
    }
    if notice.reasons_public.is_empty() && notice.reasons_closed.is_empty() {
        match Dialog::of_terminal() {
            Some(mut dialog) => {
                let question = format!("reason that may be published why you {deed}");
                notice.reasons_public.push(dialog.until(&question, prose)?);
            }
            None => return Err(missing("--reason TEXT or --closed-reason TEXT")),
        }
    }
    Ok(notice)
}

/// The record as a file that can be amended, and who says that it is about one subject with another.
fn show(
    source: &mut Source,
    key: &RecordKey,
    origin: Option<&str>,
    statements: bool,
) -> Result<Answer, Refusal> {
    let origin = origin_of(source, origin)?;
    let standing = find_in(source, &origin, key)?.ok_or_else(|| not_found_in(&origin, key))?;
    let Some(record) = &standing.record else {
        return Err(Refusal::new("erased", format!("what was said of {key} was erased")));
    };
    let text = own::write(record, Some(standing.version), Some(standing.handle))
        .map_err(|error| Refusal::new("record", sentence(&error)))?;
    let written: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| Refusal::new("internal", error.to_string()))?;
    let said = same_as::said_of(source, &origin, &standing)?;
    let mut json = standing.json();
    if let Some(object) = json.as_object_mut() {
        object.insert("origin".to_owned(), origin.as_str().into());
        object.insert("merged_into".to_owned(), standing.merged_into.as_ref().map(key_json).into());
        let split: Vec<serde_json::Value> = standing.split_into.iter().map(key_json).collect();
        object.insert("split_into".to_owned(), split.into());
        object.insert("record".to_owned(), written);
        object.insert("vocabularies".to_owned(), standings(source, record)?.into());
        object.extend(said.json());
    }
    Ok(Answer::new(if statements { said.text() } else { text }, json))
}

/// Reads the file of a record.
fn from_file(path: &Path) -> Result<(OwnRecord, Option<SourceFile>), Refusal> {
    let (bytes, file) = read_file(path, own::OWN_BYTES_MAX)?;
    let own = own::read(&bytes).map_err(|error| unread(path, &error))?;
    Ok((own, file))
}

fn unread(path: &Path, error: &own::OwnError) -> Refusal {
    Refusal::new("record", format!("{}: {}{NOTHING}", path.display(), sentence(error)))
}

/// Reads a file, or standard input, with the name and hash that stand in the record.
fn read_file(path: &Path, max: usize) -> Result<(Vec<u8>, Option<SourceFile>), Refusal> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX);
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().take(limit.saturating_add(1)).read_to_end(&mut bytes);
        read.map_err(|source| NodeError::File { action: "read", path: path.to_owned(), source })?;
        bytes
    } else {
        let Some(bytes) = read_at_most(path, limit)? else {
            let message = format!("{} is larger than {limit} bytes{NOTHING}", path.display());
            return Err(Refusal::new("record", message));
        };
        bytes
    };
    let name = path.file_name().and_then(|name| Text::new(name.to_string_lossy()).ok());
    let hash = FileHash::new(*Hash::digest(&bytes).as_bytes());
    Ok((bytes, name.map(|name| SourceFile::new(name, hash))))
}

/// Asks for a record, beginning with what is held of it if it is to be changed.
fn asked(dialog: &mut Dialog<'_>, writing: OwnWriting, written: &Written) -> Result<OwnRecord, Refusal> {
    let key = RecordKey::new(
        dialog.until("list", |text| ListId::parse(text).map_err(|error| error.to_string()))?,
        dialog.until("reference", |text| Reference::parse(text).map_err(|error| error.to_string()))?,
    );
    // The home is let go of while somebody types; the version tells whether the record changed meanwhile.
    let before = match writing {
        OwnWriting::Add => None,
        _ => Some(find(&mut Source::find(&written.of.home)?, &key)?.ok_or_else(|| not_found(&key))?),
    };
    let held =
        before.as_ref().and_then(|before| Some((before.record.as_ref()?, before.version, before.handle)));
    dialog.record(&key, held)
}

fn key_of(key: &KeyOf) -> Result<RecordKey, Refusal> {
    let refuse = |what: &str, error: comity_watchlist::KeyError| {
        Refusal::new("name", format!("{what}: {error}{NOTHING}"))
    };
    let list = ListId::parse(&key.list).map_err(|error| refuse("LIST", error))?;
    let reference = Reference::parse(&key.reference).map_err(|error| refuse("REFERENCE", error))?;
    Ok(RecordKey::new(list, reference))
}

/// The log that is named; the own one if none is.
fn origin_of(source: &Source, named: Option<&str>) -> Result<Origin, Refusal> {
    let Some(named) = named else { return Ok(source.home().origin()) };
    let refuse =
        |_| Refusal::new("name", format!("{named} is no name of a log; one is agency.example/pub{NOTHING}"));
    named.parse().map_err(refuse)
}

fn not_found_in(origin: &Origin, key: &RecordKey) -> Refusal {
    Refusal::new("not_found", format!("{origin} has no record {key} that can be read here{NOTHING}"))
}

fn not_found(key: &RecordKey) -> Refusal {
    Refusal::new("not_found", format!("the own log has no record {key}{NOTHING}"))
}

fn missing(what: &str) -> Refusal {
    Refusal::new("usage", format!("{what} is needed; it is asked for only on a terminal{NOTHING}"))
}
