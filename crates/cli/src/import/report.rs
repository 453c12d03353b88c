//! What an import says: the sums, each changed record with what changed in it, and the rows that could not be read.
//!
//! Not here: finding the difference (`feeds`) and signing it (`import`).

use std::collections::BTreeMap;

use comity_feeds::{Difference, Format, RejectedRow};
use comity_ledger::Head;
use comity_watchlist::{Change, IdKind, Op, RecordKey, Text};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::plain::plain;

/// Rejected rows shown to people after an import; a dry run shows all, and so does the JSON.
const REJECTED_SHOWN_MAX: usize = 10;

/// Warnings shown to people; the JSON has all.
const WARNINGS_SHOWN_MAX: usize = 10;

/// Characters of a name or a reference in the table, so that most rows fit a terminal of 100 columns.
const CELL_CHARS_MAX: usize = 36;

/// What is said of an identifier whose checksum is invalid.
const MISFIT: &str = "its check digits do not fit";

/// What became of a difference.
pub(super) enum Outcome {
    /// It was signed.
    Signed,
    /// It was only looked at.
    Compared {
        /// Why an import without leave to remove would refuse it, if it would.
        refusal: Option<String>,
    },
}

/// What an import did, or would do.
pub(super) struct Report<'a> {
    pub(super) format: Format,
    pub(super) list: &'a str,
    pub(super) records: usize,
    pub(super) difference: &'a Difference,
    /// What the records held before are called.
    pub(super) names: BTreeMap<&'a RecordKey, &'a str>,
    pub(super) rejected: &'a [RejectedRow],
    /// Rejected rows that were only counted.
    pub(super) rejected_more: u64,
    /// Left out, since they were erased here.
    pub(super) barred: &'a [RecordKey],
    pub(super) outcome: Outcome,
    pub(super) origin: &'a str,
    pub(super) head: Head,
}

/// One record that changed.
struct Row<'a> {
    change: &'static str,
    reference: &'a str,
    /// The reference that it had, if it has another one now.
    former: Option<&'a str>,
    name: Option<&'a str>,
    paths: &'a [Text],
}

impl Report<'_> {
    /// The answer; not in order if it is a dry run of what would be refused.
    pub(super) fn answer(&self) -> Answer {
        Answer { text: self.text(), json: self.json(), ok: self.refusal().is_none() }
    }

    fn refusal(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Signed => None,
            Outcome::Compared { refusal } => refusal.as_deref(),
        }
    }

    fn is_dry(&self) -> bool {
        matches!(self.outcome, Outcome::Compared { .. })
    }

    /// The records that changed, in the order in which they are signed.
    fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.difference.changes.iter().filter_map(|change| self.row(change))
    }

    fn row<'a>(&'a self, change: &'a Change) -> Option<Row<'a>> {
        let (word, paths): (_, &[Text]) = match &change.op {
            Op::List { .. } => ("added", &[]),
            Op::Relist { .. } => ("relisted", &[]),
            Op::Amend { paths, .. } => ("changed", paths),
            Op::Delist { .. } => ("removed", &[]),
            Op::Rekey { .. } => ("rekeyed", &[]),
            // The difference of two publications is made of nothing else.
            _ => return None,
        };
        let now = change.op.record().and_then(|record| record.primary_name()).map(|name| name.full.as_str());
        let name = now.or_else(|| self.names.get(change.key()).copied());
        let reference = change.key().reference.as_str();
        let (reference, former) = match &change.op {
            Op::Rekey { to, .. } => (to.reference.as_str(), Some(reference)),
            _ => (reference, None),
        };
        Some(Row { change: word, reference, former, name, paths })
    }

    /// Identifiers of what is entered whose check digits do not fit: kept, and told so that somebody looks at them. No value
    /// is said, since reports are passed about.
    fn warnings(&self) -> impl Iterator<Item = (&str, IdKind)> {
        let records = self.difference.changes.iter().filter_map(|change| change.op.record());
        records.flat_map(|record| record.misfits().map(|misfit| (record.key.reference.as_str(), misfit.kind)))
    }

    fn json(&self) -> Value {
        let d = self.difference;
        let row = |row: Row<'_>| {
            let paths: Vec<&str> = row.paths.iter().map(Text::as_str).collect();
            json!({ "change": row.change, "reference": row.reference, "former": row.former, "name": row.name, "paths": paths })
        };
        let rejected = |row: &RejectedRow| json!({ "file": row.file, "line": row.line, "reason": row.reason.to_string() });
        let warning = |(reference, kind): (&str, IdKind)| json!({ "reference": reference, "identifier": kind.to_string(), "reason": MISFIT });
        json!({
            "format": self.format.word(),
            "list": self.list,
            "records": self.records,
            "added": d.added.len(),
            "changed": d.amended.len(),
            "removed": d.removed.len(),
            "relisted": d.relisted.len(),
            "rekeyed": d.rekeyed.len(),
            "unchanged": d.unchanged,
            "unread": d.unread.len(),
            "barred": self.barred.iter().map(|key| key.reference.as_str()).collect::<Vec<_>>(),
            "changes": self.rows().map(row).collect::<Vec<_>>(),
            "rejected": self.rejected.iter().map(rejected).collect::<Vec<_>>(),
            "rejected_more": self.rejected_more,
            "warnings": self.warnings().map(warning).collect::<Vec<_>>(),
            "dry_run": self.is_dry(),
            "refusal": self.refusal(),
            "origin": self.origin,
            "size": self.head.size.value(),
            "root": self.head.root.to_base64(),
        })
    }

    /// The table of a dry run first, and the sums below it, where a terminal stands still.
    fn text(&self) -> String {
        let d = self.difference;
        let mut lines = if self.is_dry() { self.table() } else { Vec::new() };
        let what = if self.is_dry() { "dry run" } else { "signed" };
        lines.extend([
            format!("format    {}", self.format),
            format!("list      {}  ({} records)", self.list, self.records),
            format!(
                "{what:<10}{} added, {} changed, {} removed, {} relisted, {} rekeyed; {} unchanged",
                d.added.len(),
                d.amended.len(),
                d.removed.len(),
                d.relisted.len(),
                d.rekeyed.len(),
                d.unchanged
            ),
            format!(
                "log       {}  size {}  root {}",
                self.origin,
                self.head.size,
                self.head.root.to_base64()
            ),
        ]);
        if !d.unread.is_empty() {
            lines.push(format!(
                "kept      {} records as they were: their rows could not be read",
                d.unread.len()
            ));
        }
        if !self.barred.is_empty() {
            let barred = self.barred.iter().map(|key| plain(key.reference.as_str())).collect::<Vec<_>>();
            let barred = barred.join(", ");
            lines.push(format!("barred    {barred}: erased here, or an erasure waits (`comity status`); `comity record relist` lists an erased one again"));
        }
        let shown = if self.is_dry() { self.rejected.len() } else { REJECTED_SHOWN_MAX };
        for row in self.rejected.iter().take(shown) {
            lines.push(format!("rejected  {} line {}: {}", row.file, row.line, row.reason));
        }
        if self.rejected.len() > shown {
            let more = self.rejected.len() - shown;
            lines.push(format!("rejected  and {more} more rows (each of them with --json)"));
        }
        if self.rejected_more > 0 {
            lines.push(format!("rejected  and {} more rows, which were only counted", self.rejected_more));
        }
        for (reference, kind) in self.warnings().take(WARNINGS_SHOWN_MAX) {
            lines.push(format!("warning   {}: {kind}: {MISFIT}; it is kept", plain(reference)));
        }
        let more = self.warnings().skip(WARNINGS_SHOWN_MAX).count();
        if more > 0 {
            lines.push(format!("warning   and {more} more identifiers (all of them with --json)"));
        }
        if self.is_dry() {
            lines.push("nothing   was signed or written".to_owned());
        }
        lines.extend(self.refusal().map(|refusal| format!("refused   an import would be: {refusal}")));
        lines.join("\n")
    }

    /// One line for each record that would change, under a line of titles; nothing if none would.
    fn table(&self) -> Vec<String> {
        let paths =
            |paths: &[Text]| paths.iter().map(|path| plain(path.as_str())).collect::<Vec<_>>().join(", ");
        let cells = |row: Row<'_>| {
            let reference = match row.former {
                Some(former) => cell(&format!("{former} -> {}", row.reference)),
                None => cell(row.reference),
            };
            let name = cell(row.name.unwrap_or_default());
            [row.change.to_owned(), reference, name, paths(row.paths)]
        };
        let mut rows = vec![["change", "reference", "name", "paths"].map(str::to_owned)];
        rows.extend(self.rows().map(cells));
        if rows.len() == 1 {
            return Vec::new();
        }
        let width = |at: fn(&[String; 4]) -> &String| rows.iter().map(|row| at(row).chars().count()).max();
        let widths = [
            width(|[change, ..]| change),
            width(|[_, reference, ..]| reference),
            width(|[_, _, name, _]| name),
        ];
        let [first, second, third] = widths.map(Option::unwrap_or_default);
        let line = |[change, reference, name, paths]: &[String; 4]| {
            let line = format!("{change:<first$}  {reference:<second$}  {name:<third$}  {paths}");
            line.trim_end().to_owned()
        };
        rows.iter().map(line).chain([String::new()]).collect()
    }
}

/// What fits a column of the table; a mark says that there is more.
fn cell(text: &str) -> String {
    let mut cell: String = plain(text).chars().take(CELL_CHARS_MAX + 1).collect();
    if cell.chars().count() > CELL_CHARS_MAX {
        cell.pop();
        cell.pop();
        cell.push('…');
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_list_cannot_forge_another_row_or_turn_its_line() {
        assert_eq!(cell("MIRAGE\nadded  7\t\u{202e}x\u{9b}2J"), "MIRAGE added  7 \u{fffd}x\u{fffd}2J");
        assert_eq!(cell(&"я".repeat(CELL_CHARS_MAX)), "я".repeat(CELL_CHARS_MAX));
        assert_eq!(cell(&"я".repeat(CELL_CHARS_MAX + 1)), format!("{}…", "я".repeat(CELL_CHARS_MAX - 1)));
    }
}
