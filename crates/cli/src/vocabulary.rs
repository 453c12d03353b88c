//! `comity vocabulary`: editions of control lists and customs tariffs, entered, listed and shown.
//!
//! Not here: the form of the table (`feeds`), what a code names (`editions`), and which edition may be used (the node).

use std::slice::from_ref;

use comity_feeds::vocabulary::{self, VocabularyFault};
use comity_ledger::Origin;
use comity_node::NodeError;
use comity_watchlist::{
    Change, FileHash, GoodsScheme, LegalBasis, Notice, Op, RecordKey, Reference, SourceFile, Text,
    TitledCode, VocabularyPart, code_of, vocabulary_list,
};
use comity_wire::{DraftChange, HandlingChoice, v1};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, sentence};
use crate::args::{EditionOf, VocabularyCommand};
use crate::editions::{codes_of, part_at};
use crate::import::{Publication, fresh_handle};
use crate::log::hex;
use crate::plain::plain;
use crate::record::{draft, handling_words, label_of};
use crate::source::Source;

/// What comes of a refusal.
const NOTHING: &str = "; nothing was signed";

pub(crate) fn run(command: &VocabularyCommand) -> Result<Answer, Refusal> {
    match command {
        VocabularyCommand::Import(edition) => import(edition),
        VocabularyCommand::List { scheme, origin, of } => {
            let mut source = Source::find(&of.home)?;
            let origin = origin.as_deref().map(named).transpose()?;
            list(&mut source, *scheme, origin.as_ref())
        }
        VocabularyCommand::Show { scheme, code, edition, origin, of } => {
            let mut source = Source::find(&of.home)?;
            let origin = origin.as_deref().map_or_else(|| Ok(source.home().origin()), named)?;
            show(&mut source, &origin, *scheme, edition.as_deref(), code.as_deref())
        }
    }
}

fn import(told: &EditionOf) -> Result<Answer, Refusal> {
    let name = Reference::parse(&told.edition)
        .map_err(|error| Refusal::new("name", format!("--edition: {error}{NOTHING}")))?;
    let (codes, file) = read(told)?;
    let mut notice = Notice::new(RecordKey::new(
        vocabulary_list(told.scheme).map_err(|error| refuse(&error))?,
        name.clone(),
    ));
    for act in &told.legal {
        let act = Text::new(act.as_str())
            .map_err(|error| Refusal::new("record", format!("--legal: {error}{NOTHING}")))?;
        notice.legal.push(LegalBasis::new(act));
    }
    let (file_name, sha256) = (file.name.clone(), file.sha256);
    notice.source.files = vec![file];
    let parts = VocabularyPart::of(told.scheme, told.in_force, codes).map_err(|error| refuse(&error))?;
    let (total, count) = (parts.first().map_or(0, VocabularyPart::total), parts.len());
    let mut source = Source::find(&told.of.home)?;
    let own = source.home().origin();
    let held = source.vocabularies(Some(told.scheme), Some(&own))?;
    if held.vocabularies.iter().any(|one| one.edition == name.as_str()) {
        let message =
            format!("{own} has an edition {} of {} already{NOTHING}", plain(name.as_str()), told.scheme);
        return Err(Refusal::new("already_exists", message));
    }
    let handle = fresh_handle()?;
    let change = |part| Change {
        handle,
        op: Op::Vocabulary { part: Box::new(part), notice: Box::new(notice.clone()) },
    };
    let drafts: Vec<DraftChange> =
        parts.into_iter().map(|part| draft(&change(part), None)).collect::<Result<_, _>>()?;
    // What a publisher tells everybody may go on, as an official list.
    let appended = source.append(&drafts, HandlingChoice::OfficialList, None, &|_, _| {})?;
    let label = label_of(&mut source, appended.first)?;
    let (tlp, onward) = handling_words(label.as_ref());
    let json = json!({
        "scheme": told.scheme.to_string(), "edition": name.as_str(), "in_force": told.in_force.to_string(),
        "codes": total, "parts": count, "handle": hex(handle.as_bytes()),
        "file": { "name": file_name.as_str(), "sha256": hex(sha256.as_bytes()) },
        "tlp": tlp, "onward": onward, "first": appended.first.value(), "last": appended.last.value(),
        "origin": own.as_str(), "size": appended.head.size.value(), "root": appended.head.root.to_base64(),
    });
    let text = format!(
        "signed    {} {}, in force from {}: {total} codes in entries {} to {}\nhandling  TLP:{tlp}, onward {onward}\n\
         log       {own}  size {}  root {}",
        told.scheme,
        plain(name.as_str()),
        told.in_force,
        appended.first,
        appended.last,
        appended.head.size,
        appended.head.root.to_base64()
    );
    Ok(Answer::new(text, json))
}

/// The codes of the file, and its name and hash.
fn read(told: &EditionOf) -> Result<(Vec<TitledCode>, SourceFile), Refusal> {
    let publication = Publication::open(from_ref(&told.file))?;
    let (read, name, sha256): (Result<_, VocabularyFault>, Option<Text>, FileHash) =
        publication.parse_one(|input| {
            Ok((vocabulary::read(input, told.scheme), Text::new(input.name).ok(), input.sha256))
        })?;
    let refuse = |error: VocabularyFault| {
        let message = format!("{}: {}{NOTHING}", told.file.display(), plain(&sentence(&error)));
        Refusal::new("bad_source", message)
    };
    let codes = read.map_err(refuse)?;
    // A name that no entry can hold gives way to that of the table, as in an import.
    let name = name.map_or_else(|| Text::new("codes.csv"), Ok);
    let name = name.map_err(|error| Refusal::new("internal", error.to_string()))?;
    Ok((codes, SourceFile::new(name, sha256)))
}

fn list(
    source: &mut Source,
    scheme: Option<GoodsScheme>,
    origin: Option<&Origin>,
) -> Result<Answer, Refusal> {
    let held = source.vocabularies(scheme, origin)?;
    let json = json!({
        "vocabularies": held.vocabularies.iter().map(edition_json).collect::<Vec<_>>(), "more": held.more,
    });
    let mut lines: Vec<String> = held.vocabularies.iter().map(edition_text).collect();
    if lines.is_empty() {
        lines.push("no log that is held has a vocabulary".to_owned());
    }
    if held.more {
        lines.push("and more; name a scheme or a log".to_owned());
    }
    Ok(Answer::new(lines.join("\n"), json))
}

fn show(
    source: &mut Source,
    origin: &Origin,
    scheme: GoodsScheme,
    name: Option<&str>,
    code: Option<&str>,
) -> Result<Answer, Refusal> {
    let code = code.map(|code| code_of(scheme, code)).transpose();
    let code = code.map_err(|error| Refusal::new("bad_query", sentence(&error)))?;
    let held = source.vocabularies(Some(scheme), Some(origin))?.vocabularies;
    let is_asked = |one: &&v1::Vocabulary| name.map_or(one.newest, |name| one.edition == name);
    // Of two of one name the earlier may be used, and it comes before the other.
    let found = held.iter().filter(is_asked).min_by_key(|one| one.state() != v1::VocabularyState::Whole);
    let edition = found.ok_or_else(|| {
        Refusal::new(
            "not_found",
            format!("{origin} has no such edition of {scheme}, or none that is in force"),
        )
    })?;
    if edition.state() != v1::VocabularyState::Whole {
        let message = format!("{} is {}: nothing of it is used", edition_name(edition), state_word(edition));
        return Err(Refusal::new("state", message));
    }
    let near =
        |one: &TitledCode| code.as_ref().is_none_or(|code| code.covers(&one.code) || one.code.covers(code));
    let codes: Vec<TitledCode> = codes_of(source, edition)?.into_iter().filter(near).collect();
    let first = edition.entries.first().copied().unwrap_or_default();
    let change = part_at(source, origin, first)?;
    let notice = change.op.notice();
    let legal: Vec<&str> = notice.into_iter().flat_map(|n| &n.legal).map(|act| act.act.as_str()).collect();
    let file = notice.and_then(|notice| notice.source.files.first());
    let file = file.map(|file| json!({ "name": file.name.as_str(), "sha256": hex(file.sha256.as_bytes()) }));
    let mut lines = vec![edition_text(edition)];
    lines.extend(legal.iter().map(|act| format!("by {}", plain(act))));
    lines.extend(codes.iter().map(|one| format!("  {}  {}", one.code, plain(one.title.as_str()))));
    let told = |one: &TitledCode| json!({ "code": one.code.to_string(), "title": one.title.as_str() });
    let json = json!({
        "vocabulary": edition_json(edition), "legal": legal, "file": file,
        "codes": codes.iter().map(told).collect::<Vec<_>>(),
    });
    Ok(Answer::new(lines.join("\n"), json))
}

fn edition_json(edition: &v1::Vocabulary) -> Value {
    json!({
        "scheme": edition.scheme, "edition": edition.edition, "in_force": edition.in_force,
        "origin": edition.origin, "handle": hex(&edition.handle), "state": state_word(edition),
        "newest": edition.newest, "codes": edition.codes, "parts": edition.parts, "entries": edition.entries,
    })
}

fn edition_name(edition: &v1::Vocabulary) -> String {
    format!("{} {} of {}", plain(&edition.scheme), plain(&edition.edition), plain(&edition.origin))
}

fn edition_text(edition: &v1::Vocabulary) -> String {
    let newest = if edition.newest { ", the newest in force" } else { "" };
    format!(
        "{}: in force from {}, {} codes, {} of {} entries, {}{newest}",
        edition_name(edition),
        plain(&edition.in_force),
        edition.codes,
        edition.entries.len(),
        edition.parts,
        state_word(edition)
    )
}

const fn state_word_of(state: v1::VocabularyState) -> &'static str {
    match state {
        v1::VocabularyState::Whole => "whole",
        v1::VocabularyState::Conflict => "conflict",
        v1::VocabularyState::Incomplete | v1::VocabularyState::Unspecified => "incomplete",
    }
}

fn state_word(edition: &v1::Vocabulary) -> &'static str {
    state_word_of(edition.state())
}

fn named(origin: &str) -> Result<Origin, Refusal> {
    origin.parse().map_err(|error| NodeError::Name(error).into())
}

fn refuse(error: &comity_watchlist::RecordError) -> Refusal {
    Refusal::new("bad_source", format!("{}{NOTHING}", sentence(error)))
}
