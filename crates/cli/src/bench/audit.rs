//! The offline verification of an audit bundle, as `comity-audit verify` does it, in this process.

use std::time::Instant;

use comity_auditor::{SignedBundle, TrustedKeys};

use super::content::{batches, fill_to_sizes};
use super::measured::{Figures, Measured, float, mib, millis, rate};
use super::{failed, process, stage_of, two_agencies};
use crate::answer::Refusal;
use crate::args::Bench;

/// Entries if nothing is said.
const ENTRIES: u64 = 1_000_000;

pub(super) fn run(arguments: &Bench) -> Result<Measured, Refusal> {
    let (entries, content) = (arguments.entries.unwrap_or(ENTRIES), arguments.content());
    let sizes = match arguments.checkpoints {
        Some(checkpoints) => spread(entries, checkpoints)?,
        None => batches(entries),
    };
    let [agency, _] = two_agencies()?;
    let stage = stage_of(arguments)?;
    stage.found("a", agency.as_str()).map_err(failed)?;
    let card = stage.card("a").map_err(failed)?;
    let filled = fill_to_sizes(&stage.path("a"), content, &sizes)?;
    let mut figures = Figures::default();
    let begun = Instant::now();
    let bundle = stage.bundle("a", "bundle").map_err(failed)?;
    figures.add("bundle_made_ms", millis(begun.elapsed()));
    figures.add("bundle_mib", mib(process::disk_bytes(&bundle)?));

    let mut keys = TrustedKeys::none();
    keys.add_path(&card).map_err(failed)?;
    let begun = Instant::now();
    let signed = SignedBundle::read(&bundle, &keys);
    let signatures = begun.elapsed();
    let report = signed.check();
    let took = begun.elapsed();
    let counted = report.checks;
    if !report.ok || counted.entries != entries || counted.proofs != filled.checkpoints.saturating_sub(1) {
        return Err(failed(format!("the bundle does not verify: {}", report.to_text())));
    }
    let history = took.saturating_sub(signatures);
    figures.add("took_ms", millis(took));
    figures.add("signatures_ms", millis(signatures));
    figures.add("history_ms", millis(history));
    figures.add("tree_hash_ms", millis(filled.hashing));
    figures
        .add("history_to_tree_hash", history.as_secs_f64() / filled.hashing.as_secs_f64().max(f64::EPSILON));
    figures.add("checkpoints", float(filled.checkpoints));
    figures.add("proofs", float(counted.proofs));
    figures.add("openings_opened", float(counted.openings_opened));
    figures.add("hashing_entries_per_s", rate(entries, filled.hashing));
    Ok(Measured {
        name: "audit",
        what: format!(
            "a bundle of {entries} entries and {} checkpoints verified offline, {}",
            filled.checkpoints,
            content.describe()
        ),
        n: entries,
        value: rate(entries, took),
        unit: "entries/s",
        reference_is: "hashing and signatures",
        reference: rate(entries, filled.hashing + filled.verifying),
        figures,
    })
}

/// As many sizes as there are to be checkpoints, as far from each other as can be; the first is that of the first
/// entry, which is there from the beginning.
fn spread(entries: u64, checkpoints: u64) -> Result<Vec<u64>, Refusal> {
    if checkpoints > entries {
        return Err(Refusal::new("usage", "a log has no more checkpoints than entries"));
    }
    let (more, steps) = (entries.saturating_sub(1), checkpoints.saturating_sub(1).max(1));
    Ok((1..=steps).map(|step| more.saturating_mul(step) / steps + 1).collect())
}
