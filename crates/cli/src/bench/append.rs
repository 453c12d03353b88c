//! Durable appends through the task that owns the log: what many writers reach together, and how long one waits.
//!
//! The node runs in this process, without its ports: what is measured is the way from the hand-over of a draft to the
//! answer that it is durable and signed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use comity_node::tls::PeerTrust;
use comity_node::{AuthorTask, Home, Node, OwnLogState, Submission, SystemEntropy};
use tokio_util::sync::CancellationToken;

use super::content::Drafts;
use super::measured::{Figures, Measured, mib, rate};
use super::{failed, process, raw_file, runtime, stage_of, two_agencies};
use crate::answer::Refusal;
use crate::args::Bench;

/// Entries if nothing is said.
const ENTRIES: u64 = 200_000;
/// Writers at a time: what they hand over at once is as much as one commit takes.
const WRITERS: u64 = 256;
/// Entries of one append of the larger kind.
const BATCH: u64 = 16;
/// Of the entries, one in so many is appended alone by many writers, and one in a tenth as many by one writer.
const SINGLE_IN: u64 = 20;
/// Bytes of a group of the raw file: as many as the writers hand over at once.
const GROUP_ENTRIES: u64 = WRITERS * BATCH;

pub(super) fn run(arguments: &Bench) -> Result<Measured, Refusal> {
    let (entries, content) = (arguments.entries.unwrap_or(ENTRIES), arguments.content());
    let [agency, _] = two_agencies()?;
    let stage = stage_of(arguments)?;
    stage.found("a", agency.as_str()).map_err(failed)?;
    let drafts = Arc::new(Drafts::new(&agency, content)?);
    let mut figures = Figures::default();
    let value = measure(&stage.path("a"), &drafts, entries, &mut figures)?;
    figures.add("peak_mib", mib(process::peak_bytes(std::process::id())?));

    let raw = stage.path("raw");
    let group_bytes = usize::try_from(GROUP_ENTRIES).map_err(failed)?.saturating_mul(drafts.bytes());
    let groups = entries.div_ceil(GROUP_ENTRIES);
    let times = raw_file::append(&raw, group_bytes, groups)?;
    let reference = rate(groups.saturating_mul(GROUP_ENTRIES), times.iter().sum());
    let mut times = raw_file::append(&raw, drafts.bytes(), singles(entries))?;
    figures.add_times(["raw_file_p50_ms", "raw_file_p99_ms"], &mut times);
    Ok(Measured {
        name: "append",
        what: format!(
            "{WRITERS} writers, {BATCH} entries an append, {entries} in all, {}",
            content.describe()
        ),
        n: entries,
        value,
        unit: "entries/s",
        reference_is: "raw file, one sync for 4096",
        reference,
        figures,
    })
}

/// Appends that one writer makes.
fn singles(entries: u64) -> u64 {
    (entries / SINGLE_IN / 10).max(1)
}

/// Appends in three ways; gives the rate of the first.
fn measure(home: &Path, drafts: &Arc<Drafts>, entries: u64, figures: &mut Figures) -> Result<f64, Refusal> {
    let open = Home::find(home)?.open()?;
    let (node, log) = Node::start(open, PeerTrust::new())?;
    let OwnLogState::Writable(log) = log else { return Err(failed("the log cannot be signed")) };
    let before = log.head().size.value();
    let runtime = runtime()?;
    let entered = runtime.enter();
    let (task, ended) = AuthorTask::start(Some(*log), Arc::clone(&node), CancellationToken::new())?;
    drop(entered);
    let (many, took) = runtime.block_on(write(&task, drafts, WRITERS, BATCH, entries))?;
    let value = rate(many, took.wall);
    let (one_each, took) = runtime.block_on(write(&task, drafts, WRITERS, 1, entries / SINGLE_IN))?;
    figures.add("many_writers_of_1_entries_per_s", rate(one_each, took.wall));
    let (alone, mut took) = runtime.block_on(write(&task, drafts, 1, 1, singles(entries)))?;
    figures.add_times(["one_writer_p50_ms", "one_writer_p99_ms"], &mut took.each);
    runtime
        .block_on(async {
            task.stop().await;
            ended.await
        })
        .map_err(failed)??;
    let note =
        node.store().newest_note(&node.home().origin())?.ok_or_else(|| failed("nothing was signed"))?;
    let signed = comity_tlog::SignedCheckpoint::parse(&note).map_err(failed)?;
    let size = signed.checkpoint().size().value();
    if size != before + many + one_each + alone {
        return Err(failed(format!("the log has {size} entries, and that is not what was appended")));
    }
    Ok(value)
}

/// How long appends took: all of them, and each.
struct Took {
    wall: Duration,
    each: Vec<Duration>,
}

/// Lets writers append at the same time until together they have at least so many entries; gives how many.
async fn write(
    task: &AuthorTask,
    drafts: &Arc<Drafts>,
    writers: u64,
    batch: u64,
    entries: u64,
) -> Result<(u64, Took), Refusal> {
    let appends = entries.div_ceil(writers.saturating_mul(batch)).max(1);
    let begun = Instant::now();
    let mut running = Vec::new();
    for _ in 0..writers {
        let (task, drafts) = (task.clone(), Arc::clone(drafts));
        running.push(tokio::spawn(async move {
            let mut each = Vec::new();
            for _ in 0..appends {
                let made = (0..batch).map(|_| drafts.draft(&mut SystemEntropy::new()));
                let drafts = made.collect::<Result<_, _>>()?;
                let begun = Instant::now();
                task.append(Submission {
                    drafts,
                    bases: Vec::new(),
                    labels: None,
                    erasures: None,
                    list: None,
                })
                .await
                .map_err(failed)?;
                each.push(begun.elapsed());
            }
            Ok::<_, Refusal>(each)
        }));
    }
    let mut each = Vec::new();
    for writer in running {
        each.extend(writer.await.map_err(failed)??);
    }
    let took = Took { wall: begun.elapsed(), each };
    Ok((writers.saturating_mul(batch).saturating_mul(appends), took))
}
