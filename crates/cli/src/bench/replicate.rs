//! A log from A to B: two nodes, each a process of its own, over mutual TLS on loopback; at B everything is verified
//! and durable.
//!
//! A's log is filled before. B is fresh and serves already; the time runs from the moment at which B is told of its
//! peer A until B shows A's checkpoint as complete, and has opened the last section if there are any.

use std::path::Path;
use std::time::{Duration, Instant};

use comity_ledger::{AgencyId, Origin};
use comity_node::Home;
use comity_wire::v1;

use super::content::{Content, Filled, fill};
use super::measured::{Figures, Measured, float, mib, millis, rate};
use super::party::Party;
use super::{failed, null_stream, process, stage_of, two_agencies};
use crate::answer::Refusal;
use crate::args::Bench;
use crate::source::Source;
use crate::stage::Stage;

/// Entries if nothing is said.
const ENTRIES: u64 = 1_000_000;
/// Pause between two looks at B. Each look is a call that costs B some 0.2 ms of a core, so a long run looks less often.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Pause of a run of [`LONG_ENTRIES`] and more.
const LOOK_AGAIN_LONG: Duration = Duration::from_millis(25);
/// Entries from which on a run is long.
const LONG_ENTRIES: u64 = 100_000;
/// Slowest pace at which a bench still waits, in entries a second; with a minute more for short ones.
const PACE_MIN: u64 = 500;

pub(super) fn run(arguments: &Bench) -> Result<Measured, Refusal> {
    let (entries, content) = (arguments.entries.unwrap_or(ENTRIES), arguments.content());
    let [a, b] = two_agencies()?;
    let mut stage = stage_of(arguments)?;
    for (home, agency) in [("a", &a), ("b", &b)] {
        stage.found(home, agency.as_str()).and_then(|_| stage.card(home)).map_err(failed)?;
    }
    let (home_a, home_b) = (stage.path("a"), stage.path("b"));
    let mut filled = fill(&home_a, content, entries)?;
    let (from, to) = (Party { agency: &a, home: &home_a }, Party { agency: &b, home: &home_b });
    let (sent, took) = null_stream::run(from, to, std::mem::take(&mut filled.sample), entries)?;
    let null = rate(sent, took);
    let run = Run { origin: Origin::publication(&a), from: a, content, filled };
    let mut figures = Figures::default();
    let took = run.measure(&mut stage, &mut figures)?;
    run.look_closer(&mut stage, took, &mut figures)?;
    Ok(Measured {
        name: "replicate",
        what: format!("{entries} entries from A to B, two processes, {}", content.describe()),
        n: entries,
        value: rate(entries, took),
        unit: "entries/s",
        reference_is: "null stream",
        reference: null,
        figures,
    })
}

/// What is to be replicated.
struct Run {
    origin: Origin,
    from: AgencyId,
    content: Content,
    filled: Filled,
}

impl Run {
    fn entries(&self) -> u64 {
        self.filled.head.size.value()
    }

    /// Starts both nodes, tells B of A, and waits until B has everything.
    fn measure(&self, stage: &mut Stage, figures: &mut Figures) -> Result<Duration, Refusal> {
        let at_b = stage.serve("b").map_err(failed)?;
        stage.add_peer("a", "b", &["--endpoint", &at_b]).map_err(failed)?;
        let at_a = stage.serve("a").map_err(failed)?;
        let (process_a, process_b) =
            (stage.process("a").map_err(failed)?, stage.process("b").map_err(failed)?);
        let before = (process::processor_time(process_a)?, process::processor_time(process_b)?);
        let request = introduce(stage, &at_a)?;
        let mut b = Source::find(&stage.path("b"))?;
        let begun = Instant::now();
        b.add_peer(request)?;
        self.wait(begun, || Ok(self.is_complete(&b.logs()?)))?;
        if self.content == Content::Opened {
            figures.add("entries_complete_after_ms", millis(begun.elapsed()));
            let last = self.entries().saturating_sub(1);
            self.wait(begun, || Ok(b.entry(&self.origin, last)?.is_some_and(|entry| all_open(&entry))))?;
        }
        let took = begun.elapsed();
        let after = (process::processor_time(process_a)?, process::processor_time(process_b)?);
        let each = |time: Duration| time.as_secs_f64() * 1e6 / float(self.entries());
        figures.add("a_cpu_us_per_entry", each(after.0.saturating_sub(before.0)));
        figures.add("b_cpu_us_per_entry", each(after.1.saturating_sub(before.1)));
        figures.add("a_peak_mib", mib(process::peak_bytes(process_a)?));
        figures.add("b_peak_mib", mib(process::peak_bytes(process_b)?));
        Ok(took)
    }

    fn wait(&self, begun: Instant, mut is_so: impl FnMut() -> Result<bool, Refusal>) -> Result<(), Refusal> {
        let pause = if self.entries() < LONG_ENTRIES { LOOK_AGAIN } else { LOOK_AGAIN_LONG };
        let patience = Duration::from_secs(60 + self.entries() / PACE_MIN);
        while !is_so()? {
            if begun.elapsed() > patience {
                return Err(failed(format!("waited {} s in vain for B", patience.as_secs())));
            }
            std::thread::sleep(pause);
        }
        Ok(())
    }

    fn is_complete(&self, logs: &[v1::Log]) -> bool {
        let head =
            logs.iter().filter_map(|log| log.head.as_ref()).find(|head| head.origin == self.origin.as_str());
        head.is_some_and(|head| {
            head.size == self.entries() && head.root[..] == self.filled.head.root.as_bytes()[..]
        })
    }

    /// What shows afterwards: space, a cold start, and how much was opened.
    fn look_closer(&self, stage: &mut Stage, took: Duration, figures: &mut Figures) -> Result<(), Refusal> {
        let entries = self.entries();
        figures.add("took_ms", millis(took));
        figures.add("entry_mib", mib(self.filled.bytes));
        figures.add("hashing_entries_per_s", rate(entries, self.filled.hashing));
        figures.add("fill_entries_per_s", rate(entries, self.filled.filling));
        stage.stop("b").map_err(failed)?;
        for (name, home) in [("a_disk_bytes_per_entry", "a"), ("b_disk_bytes_per_entry", "b")] {
            figures.add(name, float(disk_bytes(&stage.path(home))?) / float(entries));
        }
        let begun = Instant::now();
        stage.serve("b").map_err(failed)?;
        figures.add("b_cold_start_ms", millis(begun.elapsed()));
        figures.add("b_cold_start_peak_mib", mib(process::peak_bytes(stage.process("b").map_err(failed)?)?));
        let held = stage.head("b", self.origin.as_str()).map_err(failed)?;
        if held != (entries, self.filled.head.root.to_base64()) {
            return Err(failed("after a start B does not hold what it held"));
        }
        stage.stop("b").map_err(failed)?;
        let open = Home::find(&stage.path("b"))?.open()?;
        let opened = open.store().next_release(&self.from, &self.origin)?;
        figures.add("sections_opened", float(opened));
        let expected = match self.content {
            // The first entry of a log has no sections.
            Content::Opened => self.filled.sections * entries.saturating_sub(1),
            Content::Envelopes | Content::Withheld => 0,
        };
        if opened == expected {
            Ok(())
        } else {
            Err(failed(format!("{opened} of {expected} sections were opened")))
        }
    }
}

/// What B is told: A's card, its words, and where it is.
fn introduce(stage: &Stage, at_a: &str) -> Result<v1::AddPeerRequest, Refusal> {
    let card = std::fs::read(stage.path("a.card")).map_err(failed)?;
    let fingerprint = comity_node::fingerprint(Home::find(&stage.path("a"))?.card()?.identity())?;
    Ok(v1::AddPeerRequest {
        card: card.into(),
        fingerprint: fingerprint.to_string(),
        endpoint: at_a.to_owned(),
        set_aside_replica: false,
        via: String::new(),
        policy: String::new(),
    })
}

fn disk_bytes(home: &Path) -> Result<u64, Refusal> {
    Ok(process::disk_bytes(&home.join("store"))? + process::disk_bytes(&home.join("keyring"))?)
}

fn all_open(entry: &v1::ReadEntryResponse) -> bool {
    let is_open =
        |section: &v1::HeldSection| matches!(section.content, Some(v1::held_section::Content::Opened(_)));
    !entry.sections.is_empty() && entry.sections.iter().all(is_open)
}
