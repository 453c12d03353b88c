//! `comity record merge` and `split`: which of an agency's records are one.
//!
//! Neither changes a state, nor what is said of a subject. A merge and a split say so once for each record that they
//! touch, in one package: readers see all of it or nothing. Not here: what another agency says of them (`same_as`), nor how readers follow (`screening`).

use comity_tlog::EntryIndex;
use comity_watchlist::limits::HANDLES_MAX;
use comity_watchlist::{Change, Handle, Notice, Op, PackagePlace, RecordKey};
use comity_wire::HandlingChoice;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::args::{Acted, Merged, Parted, RecordKey as KeyOf};
use crate::plain::plain;
use crate::record::signed::{draft_at, handling_words};
use crate::record::standing::{Standing, find, label_of, listing_json};
use crate::record::{LIVING, NOTHING, key_of, not_found, notice};
use crate::source::Source;

/// Merges records into the first.
pub(super) fn merge(merged: &Merged) -> Result<Answer, Refusal> {
    let touched = Touched::find(&merged.acted, &merged.from, "merge them")?;
    for record in touched.all() {
        if let Some(into) = &record.merged_into {
            let message = format!("{} is merged into {into} already{NOTHING}", record.key);
            return Err(Refusal::new("state", message));
        }
    }
    let from: Vec<Handle> = touched.others.iter().map(|other| other.handle).collect();
    let into = touched.first.handle;
    touched.sign("merge", |record, notice| Op::Merge { prev: record.leaf, into, from: from.clone(), notice })
}

/// Splits a record into others, beside itself.
pub(super) fn split(parted: &Parted) -> Result<Answer, Refusal> {
    let touched = Touched::find(&parted.acted, &parted.into, "split it")?;
    let into: Vec<Handle> = touched.others.iter().map(|other| other.handle).collect();
    let from = touched.first.handle;
    touched.sign("split", |record, notice| Op::Split { prev: record.leaf, from, into: into.clone(), notice })
}

/// The records of the own log that a merge or a split touches.
struct Touched {
    source: Source,
    first: Standing,
    others: Vec<Standing>,
    notice: Notice,
}

impl Touched {
    /// Finds them: each lives, and each stands there once. `others` are lists and references by turns.
    fn find(acted: &Acted, others: &[String], deed: &str) -> Result<Self, Refusal> {
        let mut keys = vec![key_of(&acted.key)?];
        for pair in others.chunks(2) {
            let [list, reference] = pair else { continue };
            let key = key_of(&KeyOf { list: list.clone(), reference: reference.clone() })?;
            if keys.contains(&key) {
                return Err(Refusal::new("same_record", format!("{key} is named twice{NOTHING}")));
            }
            keys.push(key);
        }
        if keys.len() > HANDLES_MAX {
            let message = format!("at most {HANDLES_MAX} records at a time{NOTHING}");
            return Err(Refusal::new("too_large", message));
        }
        let mut source = Source::find(&acted.of.home)?;
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or_else(|| Refusal::new("internal", "no record is named"))?;
        let first = living(&mut source, &first, acted.version)?;
        let others = keys.map(|key| living(&mut source, &key, None)).collect::<Result<_, _>>()?;
        let notice = notice(&acted.grounds, deed, first.key.clone())?;
        Ok(Self { source, first, others, notice })
    }

    fn all(&self) -> impl Iterator<Item = &Standing> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Signs one change of each record, all of them or none.
    fn sign(mut self, word: &str, op: impl Fn(&Standing, Box<Notice>) -> Op) -> Result<Answer, Refusal> {
        let handling = self.handling()?;
        let mut drafts = Vec::new();
        for (record, place) in self.all().zip(PackagePlace::all(1 + self.others.len())) {
            let mut notice = Box::new(self.notice.clone());
            notice.key = record.key.clone();
            let change = Change { handle: record.handle, op: op(record, notice) };
            drafts.push(draft_at(&change, Some(record.newest), Some(place))?);
        }
        let appended = self.source.append(&drafts, handling, None, &|_, _| {})?;
        let label = label_of(&mut self.source, appended.first)?;
        let (tlp, onward) = handling_words(label.as_ref());
        let signed = |(record, index): (&Standing, u64)| {
            let newest = EntryIndex::new(index).unwrap_or(record.newest);
            listing_json(&record.key, record.handle, record.state, record.version.saturating_add(1), newest)
        };
        let records: Vec<Value> = self.all().zip(appended.first.value()..).map(signed).collect();
        let json = json!({
            "change": word,
            "records": records,
            "tlp": tlp,
            "onward": onward,
            "origin": self.source.home().origin().as_str(),
            "size": appended.head.size.value(),
            "root": appended.head.root.to_base64(),
        });
        let others: Vec<String> = self.others.iter().map(|other| plain(&other.key.to_string())).collect();
        let sense = if word == "merge" { "from" } else { "into" };
        let text = format!(
            "signed    {word} {} {sense} {}  (entries {} to {})\nhandling  TLP:{tlp}, onward {onward}\nlog       {}  size {}  \
             root {}",
            plain(&self.first.key.to_string()),
            others.join(", "),
            appended.first,
            appended.last,
            self.source.home().origin(),
            appended.head.size,
            appended.head.root.to_base64()
        );
        Ok(Answer::new(text, json))
    }

    /// The one handling of all: whoever may read of one must be able to read of all, or would see half of it.
    fn handling(&mut self) -> Result<HandlingChoice, Refusal> {
        let choice = self.first.handling(&mut self.source)?;
        for other in &self.others {
            if other.handling(&mut self.source)? != choice {
                let message = format!(
                    "{} and {} are handled otherwise, and what touches both goes under one label{NOTHING}",
                    self.first.key, other.key
                );
                return Err(Refusal::new("mixed_handling", message));
            }
        }
        Ok(choice)
    }
}

fn living(source: &mut Source, key: &RecordKey, version: Option<u64>) -> Result<Standing, Refusal> {
    let found = find(source, key)?.ok_or_else(|| not_found(key))?;
    found.must_be(&LIVING, "only a living record can go on otherwise")?;
    version.map_or(Ok(()), |version| found.must_have(version))?;
    Ok(found)
}
