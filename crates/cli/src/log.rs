//! `comity log list|show|export`; what a log says of a list is in `records`.

use std::fmt::Write as _;

use comity_ledger::{Entry, Origin, Slot};
use comity_node::NodeError;
use comity_policy::{LabelSet, SlotLabel, Word as _};
use comity_store::StoreError;
use comity_tlog::{EntryIndex, Hash, SignedCheckpoint};
use comity_watchlist::{CalendarDate, Change, Decoded, Section, SectionsRead};
use comity_wire::{LogHead, v1};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::LogCommand;
use crate::interruption::Interruption;
use crate::out_folder::OutFolder;
use crate::records;
use crate::scrub;
use crate::source::Source;

pub(crate) fn run(command: &LogCommand) -> Result<Answer, Refusal> {
    match command {
        LogCommand::List { of } => {
            let logs = logs_json(Source::find(&of.home)?.logs()?)?;
            Ok(Answer::new(logs_text(&logs), json!({ "logs": logs })))
        }
        LogCommand::Show { index, origin, of } => {
            let mut source = Source::find(&of.home)?;
            let origin = choose(&source, origin.as_deref())?;
            Shown::read(&mut source, &origin, *index).map(|shown| shown.answer())
        }
        LogCommand::Records { list, origin, of } => {
            let mut source = Source::find(&of.home)?;
            let origin = choose(&source, origin.as_deref())?;
            records::answer(&mut source, &origin, list)
        }
        LogCommand::Scrub { of } => scrub::run(&of.home),
        LogCommand::Export { origin, out, of } => {
            let mut source = Source::find(&of.home)?;
            let origin = choose(&source, origin.as_deref())?;
            let interruption = Interruption::listen()?;
            let folder = OutFolder::begin(&of.home, out, interruption.heard())?;
            let exported = export(&mut source, &origin, folder, out);
            interruption.ends(exported)
        }
    }
}

/// The logs of a home as `log list` and `status` show them.
pub(crate) fn logs_json(logs: Vec<v1::Log>) -> Result<Vec<Value>, Refusal> {
    let to_json = |log: v1::Log| {
        let head = log.head.clone().ok_or_else(|| Refusal::new("malformed", "a log without a head"))?;
        let state = checkpoint_word(log.state());
        let role = match v1::LogRole::try_from(log.role) {
            Ok(v1::LogRole::Own) => "own",
            _ => "replica",
        };
        let read = LogHead::try_from(head);
        let LogHead { origin, head } = read.map_err(|error| Refusal::new("malformed", error.to_string()))?;
        Ok(json!({
            "origin": origin.as_str(),
            "role": role,
            "size": head.size.value(),
            "root": head.root.to_base64(),
            "state": state,
            "witnessed_size": log.witnessed_size,
            "fresh_at": log.fresh_at,
            "stale": log.stale,
            "in_doubt": log.in_doubt,
            "closed": log.closed_size,
        }))
    };
    logs.into_iter().map(to_json).collect()
}

/// Whether enough witnesses stand behind a checkpoint, in one word.
pub(crate) fn checkpoint_word(state: v1::CheckpointState) -> &'static str {
    match state {
        v1::CheckpointState::Witnessed => "witnessed",
        v1::CheckpointState::Unwitnessed | v1::CheckpointState::Unspecified => "unwitnessed",
    }
}

/// One line for each log.
pub(crate) fn logs_text(logs: &[Value]) -> String {
    let line = |log: &Value| {
        let field = |name: &str| log.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let size = log.get("size").and_then(Value::as_u64).unwrap_or_default();
        let marked = |name: &str, mark: &'static str| {
            if log.get(name).and_then(Value::as_bool) == Some(true) { mark } else { "" }
        };
        format!(
            "{}  {}  size {size}  root {}  {}{}{}{}",
            field("origin"),
            field("role"),
            field("root"),
            field("state"),
            marked("stale", "  STALE"),
            marked("in_doubt", "  IN DOUBT"),
            log.get("closed")
                .and_then(Value::as_u64)
                .map(|size| format!("  CLOSED at {size}"))
                .unwrap_or_default()
        )
    };
    logs.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn choose(source: &Source, origin: Option<&str>) -> Result<Origin, Refusal> {
    match origin {
        None => Ok(source.home().origin()),
        Some(text) => Ok(text.parse().map_err(NodeError::Name)?),
    }
}

fn export(
    source: &mut Source,
    origin: &Origin,
    mut folder: OutFolder,
    out: &std::path::Path,
) -> Result<Answer, Refusal> {
    let mut note = Vec::new();
    source.export(origin, &mut |path, bytes| {
        if path == "checkpoint" {
            note.extend_from_slice(bytes);
        }
        folder.file(path, bytes)
    })?;
    // The checkpoint that was exported: the node may have gone on since.
    let signed = SignedCheckpoint::parse(&note).map_err(|source| NodeError::OwnNote { source })?;
    let (size, root) = (signed.checkpoint().size(), signed.checkpoint().root().to_base64());
    let files = folder.count();
    folder.finish()?;
    let text = format!("{origin}  size {size}  root {root}\n{files} files in {}", out.display());
    let json = json!({ "origin": origin.as_str(), "size": size.value(), "root": root, "files": files });
    Ok(Answer::new(text, json))
}

/// One entry with what is opened of it.
struct Shown {
    origin: Origin,
    index: u64,
    bytes: Vec<u8>,
    entry: Entry,
    sections: Vec<(Slot, Option<Vec<u8>>)>,
    /// The word for a section that is not opened.
    missing: &'static str,
    proof_hashes: u32,
}

impl Shown {
    fn read(source: &mut Source, origin: &Origin, index: u64) -> Result<Self, Refusal> {
        let heads = source.logs()?.into_iter().filter_map(|log| log.head);
        let head = heads.into_iter().find(|head| head.origin == origin.as_str());
        let head = head.ok_or_else(|| StoreError::NoSuchLog { origin: origin.to_string() })?;
        let size = head.size;
        let found = if index < size { source.entry(origin, index)? } else { None };
        let v1::ReadEntryResponse { entry: bytes, sections } = found.ok_or_else(|| {
            let message = format!("{origin} has {size} entries, from 0; there is no entry {index}");
            Refusal::new("no_such_entry", message)
        })?;
        let entry = Entry::parse(&bytes).map_err(NodeError::from)?;
        let is = |absence: v1::SectionAbsence| {
            let absent = v1::held_section::Content::Absent(absence.into());
            sections.iter().any(|section| section.content.as_ref() == Some(&absent))
        };
        // An entry is of the own log or of a peer's, and so all that is missing of it is missing alike.
        let missing = match () {
            () if is(v1::SectionAbsence::Erased) => "erased",
            () if is(v1::SectionAbsence::Lost) => "lost",
            () => "withheld",
        };
        let read = |section: v1::HeldSection| {
            let slot =
                u8::try_from(section.slot).map_err(|_| Refusal::new("malformed", "a slot over 255"))?;
            let content = match section.content {
                Some(v1::held_section::Content::Opened(content)) => Some(Vec::from(content)),
                _ => None,
            };
            Ok((Slot::new(slot), content))
        };
        let sections = sections.into_iter().map(read).collect::<Result<_, Refusal>>()?;
        let proof_hashes = proof_hashes(index, size);
        Ok(Self {
            origin: origin.clone(),
            index,
            bytes: Vec::from(bytes),
            entry,
            sections,
            missing,
            proof_hashes,
        })
    }

    /// The change that the opened sections state.
    fn change(&self) -> Option<Decoded> {
        let mut read = SectionsRead::withheld();
        for (slot, content) in &self.sections {
            if let (Some(section), Some(content)) = (Section::from_slot(slot.number()), content) {
                read = read.give(section, content);
            }
        }
        Change::decode(&read).ok()
    }

    /// The handling of one slot, in a word or two.
    fn handling(&self) -> Option<LabelSet> {
        let section = |slot| self.sections.iter().find(|(s, _)| *s == slot)?.1.as_deref();
        LabelSet::from_sections(self.entry.kind(), section(Slot::HANDLING)?, section(Slot::AUDIENCE)).ok()
    }

    fn answer(&self) -> Answer {
        let handling = self.handling();
        let sections: Vec<Value> = self
            .sections
            .iter()
            .map(|(slot, content)| {
                let tlp = handling.as_ref().map(|set| match set.label(*slot) {
                    SlotLabel::Understood(label) => label.handling().tlp.name().to_owned(),
                    _ => "?".to_owned(),
                });
                json!({
                    "slot": slot.number(),
                    "name": slot.name(),
                    "state": if content.is_some() { "opened" } else { self.missing },
                    "bytes": content.as_ref().map(Vec::len),
                    "tlp": tlp,
                })
            })
            .collect();
        let change = self.change();
        let json = json!({
            "origin": self.origin.as_str(),
            "index": self.index,
            "kind": self.entry.kind().name(),
            "id": hex(self.entry.id().as_bytes()),
            "author_time": self.entry.author_time().unix_secs(),
            "about": self.entry.about().map(EntryIndex::value),
            "leaf": Hash::leaf(&self.bytes).to_base64(),
            "proof_hashes": self.proof_hashes,
            "sections": sections,
            "change": change.as_ref().map(change_json),
        });
        Answer::new(self.text(&sections, change.as_ref()), json)
    }

    fn text(&self, sections: &[Value], decoded: Option<&Decoded>) -> String {
        let mut text = format!(
            "{} entry {}\nkind     {}\ntime     {} (as the author claims)\nleaf     {}\n",
            self.origin,
            self.index,
            self.entry.kind().name(),
            utc(self.entry.author_time().unix_secs()),
            Hash::leaf(&self.bytes).to_base64(),
        );
        if let Some(about) = self.entry.about() {
            let _ = writeln!(text, "about    entry {about}");
        }
        for section in sections {
            let field = |name: &str| section.get(name).and_then(Value::as_str).unwrap_or_default();
            let bytes = section.get("bytes").and_then(Value::as_u64);
            let state = match bytes {
                Some(0) => "absent".to_owned(),
                Some(bytes) => format!("{bytes} bytes"),
                None => self.missing.to_owned(),
            };
            let _ = writeln!(text, "section  {:<15} {:<11} {}", field("name"), state, field("tlp"));
        }
        if let Some(Decoded { change, package, .. }) = decoded {
            let _ = writeln!(text, "change   {} {}", change.op.word(), name_of(change));
            let key = change.key();
            let _ = writeln!(text, "record   {} {}", key.list.as_str(), key.reference.as_str());
            if let Some(package) = package {
                let _ = writeln!(text, "package  {} of {}", package.place(), package.count());
            }
        }
        text
    }
}

/// Hashes of the inclusion proof of an entry (RFC 6962 §2.1.1): one for each level at which it has a sibling.
fn proof_hashes(index: u64, size: u64) -> u32 {
    let (mut index, mut last, mut hashes) = (index, size.saturating_sub(1), 0);
    while last > 0 {
        if index % 2 == 1 || index < last {
            hashes += 1;
        }
        index /= 2;
        last /= 2;
    }
    hashes
}

/// A time as people read it; one that no calendar has as seconds since 1970.
pub(crate) fn utc(secs: u64) -> String {
    let (minutes, hours) = (secs / 60 % 60, secs / 3_600 % 24);
    match CalendarDate::of_unix_secs(secs) {
        Ok(date) => format!("{date} {hours:02}:{minutes:02}:{:02} UTC", secs % 60),
        Err(_) => format!("{secs} s after 1970"),
    }
}

fn name_of(change: &Change) -> String {
    let name = change.op.record().and_then(|record| record.primary_name());
    name.map(|name| name.full.as_str().to_owned()).unwrap_or_default()
}

fn change_json(decoded: &Decoded) -> Value {
    let Decoded { change, package, .. } = decoded;
    let names: Vec<&str> = change
        .op
        .record()
        .map(|record| record.names.iter().map(|name| name.full.as_str()).collect())
        .unwrap_or_default();
    json!({
        "op": change.op.word(),
        "list": change.key().list.as_str(),
        "reference": change.key().reference.as_str(),
        "handle": hex(change.handle.as_bytes()),
        "prev": change.op.prev().map(|prev| Hash::from_bytes(*prev.as_bytes()).to_base64()),
        "names": names,
        "package": package.map(|package| json!({ "place": package.place(), "count": package.count() })),
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_people_read_them() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(1_780_000_000), "2026-05-28 20:26:40 UTC");
        assert_eq!(utc(u64::MAX), "18446744073709551615 s after 1970");
    }

    #[test]
    fn proofs_are_as_long_as_rfc_6962_makes_them() {
        // The tree of 7 leaves of RFC 6962 §2.1.3: proofs of d0, d3, d4 and d6.
        for (index, hashes) in [(0, 3), (3, 3), (4, 3), (6, 2)] {
            assert_eq!(proof_hashes(index, 7), hashes, "{index}");
        }
        assert_eq!(proof_hashes(0, 1), 0);
    }
}
