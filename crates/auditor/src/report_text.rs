//! The report as an auditor reads it.
//!
//! The words of whoever made the bundle stand in it, and none of them moves the cursor.

use crate::key_report::KeyReport;
use crate::report::{Failure, LogReport, Note, PolicyStanding, Report, WitnessState};

impl Report {
    /// The report as an auditor reads it.
    pub fn to_text(&self) -> String {
        let mut lines: Vec<String> = self.logs.iter().flat_map(log_lines).collect();
        let c = &self.checks;
        lines.push(format!(
            "checked: {} signatures, {} entries in {} bundles, {} tiles, {} roots, {} changes",
            c.signatures, c.entries, c.bundles, c.tiles, c.roots, c.changes
        ));
        lines.push(format!(
            "         {} key events, {} successors joined to the log before them",
            c.key_events, c.successors
        ));
        lines.push(format!(
            "         {} proofs between checkpoints, {} quorums, {} cosignatures, {} times of witnesses, {} gaps",
            c.proofs, c.quorums, c.cosignatures, c.clocks, c.gaps
        ));
        lines.push(format!(
            "sections: {} opened and matching, {} withheld, {} erased, {} lost",
            c.openings_opened, c.openings_withheld, c.openings_erased, c.openings_lost
        ));
        for found in &self.evidence {
            let whose = if found.trusted { "by your keys" } else { "by keys that are NOT among yours" };
            let origin = found.origin.as_deref().unwrap_or_default();
            lines.push(format!(
                "EVIDENCE: the author of {} {}, {whose}; file {}",
                plain(origin),
                found.deed(),
                found.digest
            ));
        }
        for Note { origin, index, path, detail } in &self.notes {
            lines.push(format!("note: {}", place(Some(origin), *index, path, detail)));
        }
        for Failure { check, origin, index, path, detail } in &self.failures {
            lines.push(format!("FAILED {check}: {}", place(origin.as_deref(), *index, path, detail)));
        }
        if self.failures_unlisted > 0 {
            lines.push(format!("and {} more failures", self.failures_unlisted));
        }
        // A log that was not checked at all has its failure; to ask for keys there would mislead.
        if self.logs.iter().any(|log| !log.trusted) {
            lines.push(
                "warning: no key of your own was given for every log (--keys); a bundle signed anew by a \
                 stranger would look the same"
                    .to_owned(),
            );
        }
        lines.push(if self.ok { "ok" } else { "NOT OK" }.to_owned());
        lines.join("\n")
    }
}

fn log_lines(log: &LogReport) -> Vec<String> {
    let standing = if log.trusted { "trusted key" } else { "UNTRUSTED key, from the bundle itself" };
    let mut lines =
        vec![format!("log {}  size {}  root {}  {standing}", plain(&log.origin), log.size, log.root)];
    let whose = match log.policy {
        PolicyStanding::Brought => "by your policy",
        PolicyStanding::Hint => "by the bundle's own policy, which is a HINT",
        PolicyStanding::None => "no policy to judge witnesses by (--policy)",
    };
    let state = match log.state {
        WitnessState::Unjudged => String::new(),
        state => format!("{}, up to size {}, ", state.name(), log.witnessed_size),
    };
    let counted = format!("{} checkpoints, {} of them witnessed", log.checkpoints, log.witnessed_checkpoints);
    let counted = if log.state == WitnessState::Unjudged {
        format!("{} checkpoints", log.checkpoints)
    } else {
        counted
    };
    lines.push(format!("    {counted}; {state}{whose}"));
    // Of a log that never had another key its line says enough.
    if log.keys.len() > 1 || log.closed.is_some() {
        lines.extend(log.keys.iter().map(KeyReport::to_text));
    }
    if let Some(before) = &log.follows {
        lines.push(format!("    goes on from {}", plain(before)));
    }
    if let Some(end) = &log.closed {
        lines.push(format!(
            "    CLOSED at size {}, root {}: nobody knows whose the entries behind are",
            end.size, end.root
        ));
    }
    for gap in &log.gaps {
        lines.push(format!("    MISSING entries {} to {}", gap.first, gap.last));
    }
    for run in &log.lost {
        lines.push(format!(
            "    LOST sections of entries {} to {}, by the author's own word",
            run.first, run.last
        ));
    }
    for run in &log.unannounced {
        lines.push(format!(
            "    UNANNOUNCED: entries {} to {} are erased by the author's own word, and not by the log",
            run.first, run.last
        ));
    }
    lines
}

/// Where something was found, and what.
fn place(origin: Option<&str>, index: Option<u64>, path: &str, detail: &str) -> String {
    let index = index.map_or_else(String::new, |index| format!(" entry {index}"));
    format!("{}{index} ({}): {}", plain(origin.unwrap_or("-")), plain(path), plain(detail))
}

/// The text with everything escaped that is not seen when printed: whoever made the bundle chose these words,
/// and a terminal obeys some of them.
pub(crate) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => safe.push(c),
            _ => safe.extend(c.escape_debug()),
        }
    }
    safe
}
