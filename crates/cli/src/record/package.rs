//! `comity record package`: changes of several records that take effect whole or not at all.
//!
//! Each is checked as if it were signed alone, against the records as they stand before the package. Not here: what the
//! file may say (`feeds::own`), and merges and splits, which are packages of their own (`join`).

use std::collections::BTreeSet;

use comity_feeds::own::{self, OwnChange};
use comity_tlog::EntryIndex;
use comity_watchlist::{Op, PackagePlace, RecordKey, SourceFile};
use comity_wire::HandlingChoice;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::Packaged;
use crate::plain::plain;
use crate::record::make::{self, Made};
use crate::record::signed::{draft_at, handling_words, state_after};
use crate::record::standing::{handling_behind, label_of, listing_json};
use crate::record::{NOTHING, read_file, unread};
use crate::records::state_word;
use crate::source::Source;

pub(super) fn run(packaged: &Packaged) -> Result<Answer, Refusal> {
    let (bytes, file) = read_file(&packaged.file, own::PACKAGE_BYTES_MAX)?;
    let changes = own::read_package(&bytes).map_err(|error| unread(&packaged.file, &error))?;
    each_once(&changes)?;
    let mut source = Source::find(&packaged.of.home)?;
    let mut made = Vec::with_capacity(changes.len());
    for change in changes {
        made.push(make(&mut source, change, file.as_ref())?);
    }
    let handling = one_handling(&mut source, &made)?;
    let mut drafts = Vec::with_capacity(made.len());
    for (change, place) in made.iter().zip(PackagePlace::all(made.len())) {
        let about = change.before.as_ref().map(|before| before.newest);
        drafts.push(draft_at(&change.change, about, Some(place))?);
    }
    if packaged.dry_run {
        return Ok(said(&source, &made, None));
    }
    let appended = source.append(&drafts, handling, None, &|_, _| {})?;
    let label = label_of(&mut source, appended.first)?;
    Ok(said(&source, &made, Some((&appended, handling_words(label.as_ref())))))
}

/// No record, by the name that it has or is to have, is changed twice: what each does would hang on the other.
fn each_once(changes: &[OwnChange]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    let names = changes.iter().flat_map(|change| {
        let to: Option<&RecordKey> = match change {
            OwnChange::Acted { act: own::OwnAct::Rekey { to }, .. } => Some(to),
            _ => None,
        };
        std::iter::once(change.key()).chain(to)
    });
    for key in names {
        if !seen.insert(key) {
            return Err(Refusal::new("same_record", format!("{key} is named twice{NOTHING}")));
        }
    }
    Ok(())
}

fn make(source: &mut Source, change: OwnChange, file: Option<&SourceFile>) -> Result<Made, Refusal> {
    match change {
        OwnChange::Written(writing, own) => {
            let mut own = *own;
            own.record.source.files = file.cloned().into_iter().collect();
            make::written(source, writing, own)
        }
        OwnChange::Acted { act, notice, version } => make::acted(source, act, notice, version),
    }
}

/// The one handling of all: whoever may read of one must be able to read of all, or would see none of it.
fn one_handling(source: &mut Source, made: &[Made]) -> Result<HandlingChoice, Refusal> {
    let mut one: Option<HandlingChoice> = None;
    for change in made {
        let mut handling = change.handling;
        // What is listed again keeps what bound it before.
        if let Op::Relist { relist_of, record } = &change.change.op {
            let former = super::standing::find_all(source, &record.key)?;
            if let Some(former) = former.iter().find(|former| former.handle == *relist_of) {
                let kept = handling_behind(source, former.newest)?;
                if kept != HandlingChoice::OfficialList {
                    handling = kept;
                }
            }
        }
        if one.is_some_and(|one| one != handling) {
            let message = format!(
                "{} is handled otherwise than what comes before it, and a package goes under one label{NOTHING}",
                change.change.key()
            );
            return Err(Refusal::new("mixed_handling", message));
        }
        one = Some(handling);
    }
    one.ok_or_else(|| Refusal::new("internal", "a package of nothing"))
}

/// What was signed, or would be.
fn said(
    source: &Source,
    made: &[Made],
    signed: Option<(&comity_node::Appended, (&'static str, &'static str))>,
) -> Answer {
    let (mut lines, mut changes) = (Vec::new(), Vec::new());
    let first = signed.map(|(appended, _)| appended.first.value());
    for (number, Made { before, change, .. }) in (0_u64..).zip(made) {
        let state = state_after(before.as_ref(), &change.op);
        let version = before.as_ref().map_or(1, |before| before.version.saturating_add(1));
        let index = first.map(|first| first.saturating_add(number));
        let at = index.and_then(|index| EntryIndex::new(index).ok()).unwrap_or(EntryIndex::ZERO);
        let mut json = listing_json(change.key(), change.handle, state, version, at);
        if let Some(object) = json.as_object_mut() {
            object.insert("change".to_owned(), change.op.word().into());
            object.insert("index".to_owned(), index.into());
        }
        changes.push(json);
        let entry = index.map(|index| format!(", entry {index}")).unwrap_or_default();
        let key = plain(&change.key().to_string());
        let (word, state) = (change.op.word(), state_word(state));
        let deed = if signed.is_some() { "signed   " } else { "would be " };
        lines.push(format!("{deed} {word} {key}  (version {version}, {state}{entry})"));
    }
    let head = signed.map(|(appended, _)| appended.head);
    let (tlp, onward) = signed.map(|(_, words)| words).unzip();
    let origin = source.home().origin();
    match (head, tlp, onward) {
        (Some(head), Some(tlp), Some(onward)) => {
            lines.push(format!("handling  TLP:{tlp}, onward {onward}"));
            let root = head.root.to_base64();
            lines.push(format!("log       {origin}  size {}  root {root}", head.size));
        }
        _ => lines.push("nothing was signed (--dry-run)".to_owned()),
    }
    let json: Value = json!({
        "change": "package",
        "signed": signed.is_some(),
        "records": changes,
        "tlp": tlp,
        "onward": onward,
        "origin": origin.as_str(),
        "size": head.map(|head| head.size.value()),
        "root": head.map(|head| head.root.to_base64()),
    });
    Answer::new(lines.join("\n"), json)
}
