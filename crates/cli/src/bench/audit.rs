//! The offline verification of an audit bundle, as `comity-audit verify` does it, in this process.

use std::time::Instant;

use comity_auditor::{TrustedKeys, verify};

use super::content::fill;
use super::measured::{Figures, Measured, float, mib, millis, rate};
use super::{failed, process, stage_of, two_agencies};
use crate::answer::Refusal;
use crate::args::Bench;

/// Entries if nothing is said.
const ENTRIES: u64 = 1_000_000;

pub(super) fn run(arguments: &Bench) -> Result<Measured, Refusal> {
    let (entries, content) = (arguments.entries.unwrap_or(ENTRIES), arguments.content());
    let [agency, _] = two_agencies()?;
    let stage = stage_of(arguments)?;
    stage.found("a", agency.as_str()).map_err(failed)?;
    let card = stage.card("a").map_err(failed)?;
    let filled = fill(&stage.path("a"), content, entries)?;
    let mut figures = Figures::default();
    let begun = Instant::now();
    let bundle = stage.bundle("a", "bundle").map_err(failed)?;
    figures.add("bundle_made_ms", millis(begun.elapsed()));
    figures.add("bundle_mib", mib(process::disk_bytes(&bundle)?));

    let mut keys = TrustedKeys::none();
    keys.add_path(&card).map_err(failed)?;
    let begun = Instant::now();
    let report = verify(&bundle, &keys);
    let took = begun.elapsed();
    if !report.ok || report.checks.entries != entries {
        return Err(failed(format!("the bundle does not verify: {}", report.to_text())));
    }
    figures.add("took_ms", millis(took));
    figures.add("checkpoints", float(filled.checkpoints));
    figures.add("openings_opened", float(report.checks.openings_opened));
    figures.add("hashing_entries_per_s", rate(entries, filled.hashing));
    Ok(Measured {
        name: "audit",
        what: format!("a bundle of {entries} entries verified offline, {}", content.describe()),
        n: entries,
        value: rate(entries, took),
        unit: "entries/s",
        reference_is: "hashing and signatures",
        reference: rate(entries, filled.hashing + filled.verifying),
        figures,
    })
}
