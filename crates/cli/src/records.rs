//! `comity log records`: what a log says of a list now, the own one or one that is followed.
//!
//! Not here: one entry with its sections (`log`), and who is listed in all logs together (`screen`).

use comity_ledger::Origin;
use comity_watchlist::{Change, ListId, RecordKey, Section, Sections, SectionsRead};
use comity_wire::ListedRecord;
use comity_wire::v1::RecordState;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::log::hex;
use crate::plain::plain;
use crate::source::Source;

pub(crate) fn answer(source: &mut Source, origin: &Origin, list: &str) -> Result<Answer, Refusal> {
    let list = ListId::parse(list)
        .map_err(|_| Refusal::new("name", format!("{list} is no name of a list; one is us-ofac-sdn")))?;
    let records = source.records(origin, &list)?;
    let records: Vec<Value> = records.iter().map(record_json).collect::<Result<_, _>>()?;
    let text = text(origin, &list, &records);
    Ok(Answer::new(text, json!({ "origin": origin.as_str(), "list": list.as_str(), "records": records })))
}

/// The change that a listed record was read from, as its core states it.
fn change_of(listed: &ListedRecord) -> Result<Change, Refusal> {
    let core = SectionsRead::withheld().give(Section::Core, listed.sections.bytes(Section::Core));
    let unread = |_| Refusal::new("damaged", format!("entry {} does not read as a record", listed.newest));
    Ok(Change::decode(&core).map_err(unread)?.change)
}

/// The word for where a listing stands; review if that cannot be said.
pub(crate) const fn state_word(state: RecordState) -> &'static str {
    match state {
        RecordState::Unapproved => "unapproved",
        RecordState::Proposed => "proposed",
        RecordState::Active => "active",
        RecordState::Suspended => "suspended",
        RecordState::Delisted => "delisted",
        RecordState::Withdrawn => "withdrawn",
        RecordState::Erased => "erased",
        RecordState::HeldBack => "held back",
        RecordState::Unspecified => "review",
    }
}

/// List and reference.
pub(crate) fn key_json(key: &RecordKey) -> Value {
    json!({ "list": key.list.as_str(), "reference": key.reference.as_str() })
}

fn record_json(listed: &ListedRecord) -> Result<Value, Refusal> {
    // Of one that has ended there may be no record left that reads.
    let is_told = !matches!(listed.state, RecordState::Erased | RecordState::HeldBack)
        && listed.sections != Sections::default();
    let change = if is_told { Some(change_of(listed)?) } else { None };
    let record = change.as_ref().and_then(|change| change.op.record());
    let name = record.and_then(|record| record.primary_name()).map(|name| name.full.as_str());
    Ok(json!({
        "reference": listed.reference.as_str(),
        "handle": hex(listed.handle.as_bytes()),
        "index": listed.newest.value(),
        "version": listed.version,
        "state": state_word(listed.state),
        "kind": record.map(|record| record.kind.word()),
        "name": name,
        "merged_into": listed.merged_into.as_ref().map(key_json),
        "split_into": listed.split_into.iter().map(key_json).collect::<Vec<_>>(),
    }))
}

fn text(origin: &Origin, list: &ListId, records: &[Value]) -> String {
    let mut lines = vec![format!("{origin} says of {} {} records", list.as_str(), records.len())];
    for record in records {
        let field = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let index = record.get("index").and_then(Value::as_u64).unwrap_or_default();
        let into = record.get("merged_into").and_then(|into| into.get("reference")).and_then(Value::as_str);
        let into = into.map(|into| format!("  merged into {}", plain(into))).unwrap_or_default();
        lines.push(format!(
            "  {}  {}  {}  {}  (entry {index}){into}",
            plain(field("reference")),
            field("state"),
            field("kind"),
            plain(field("name")),
        ));
    }
    lines.join("\n")
}
