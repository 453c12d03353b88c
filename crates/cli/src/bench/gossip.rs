//! What it costs two peers to find that there is nothing new: one comparison of heads on an open connection, both
//! holding the same fifty logs.
//!
//! A is a process of its own that holds the logs of all others. B is a caller with B's certificate that states what a
//! node states which has taken in all that A holds. Not here: a comparison that brings news (`latency`).

use std::time::{Duration, Instant};

use comity_ledger::{
    AgencyId, Frame, Generation, HeadDigest, HeadNews, HeadUpdate, Replica, digest_of_digests,
};
use comity_node::Home;
use comity_store::Store;
use comity_tlog::{ConsistencyProof, RightEdge, TreeSize};
use comity_wire::{Digests, HEAD_UPDATES_MAX, Heads, message_bytes, v1};

use super::measured::{Figures, Measured, percentile_ms};
use super::party::{Client, Party};
use super::{failed, runtime, stage_of, two_agencies};
use crate::answer::Refusal;
use crate::args::Bench;

/// Logs that both hold: A's own, and those of the others.
const ORIGINS: usize = 50;
/// Comparisons if nothing is said.
const SYNCS: u64 = 2_000;
/// Longest wait until A has nothing more to say of its logs: it cosigns all of them first.
const SETTLED_WAIT_MAX: Duration = Duration::from_mins(2);
/// Pause while it has.
const SETTLE_PAUSE: Duration = Duration::from_millis(50);
/// The generation that B states of every log: it never has lines of its own.
const GENERATION: Generation = Generation::new(1);

pub(super) fn run(arguments: &Bench) -> Result<Measured, Refusal> {
    let syncs = arguments.entries.unwrap_or(SYNCS);
    let [a, b] = two_agencies()?;
    let mut stage = stage_of(arguments)?;
    let others: Vec<(String, AgencyId)> = (1..ORIGINS)
        .map(|number| Ok((format!("c{number}"), format!("bench-c{number}.example").parse().map_err(failed)?)))
        .collect::<Result<_, Refusal>>()?;
    let all = others.iter().map(|(home, agency)| (home.as_str(), agency));
    for (home, agency) in [("a", &a), ("b", &b)].into_iter().chain(all) {
        stage.found(home, agency.as_str()).and_then(|_| stage.card(home)).map_err(failed)?;
    }
    for home in others.iter().map(|(home, _)| home.as_str()).chain(["b"]) {
        stage.add_peer("a", home, &[]).map_err(failed)?;
    }
    let holder = Home::find(&stage.path("a"))?.open()?;
    for (home, _) in &others {
        hold(holder.store(), &Home::find(&stage.path(home))?)?;
    }
    drop(holder);
    let at_a = stage.serve("a").map_err(failed)?;
    let (home_a, home_b) = (stage.path("a"), stage.path("b"));
    let (from, to) = (Party { agency: &a, home: &home_a }, Party { agency: &b, home: &home_b });
    let mut found = runtime()?.block_on(async {
        let mut client = to.connect(from, &at_a).await?;
        to.greet(&mut client).await?;
        compare(client, to, syncs).await
    })?;

    let mut figures = Figures::default();
    let (value, reference) = (percentile_ms(&mut found.syncs, 50), percentile_ms(&mut found.calls, 50));
    figures.add_times(["sync_p50_ms", "sync_p99_ms"], &mut found.syncs);
    figures.add_times(["call_p50_ms", "call_p99_ms"], &mut found.calls);
    for (name, bytes) in [("request_bytes", found.request), ("answer_bytes", found.answer)] {
        figures.add(name, f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)));
    }
    Ok(Measured {
        name: "gossip",
        what: format!("{syncs} comparisons of the heads of {ORIGINS} logs, with nothing new on either side"),
        n: syncs,
        value,
        unit: "ms",
        reference_is: "a Hello on the same connection",
        reference,
        figures,
    })
}

/// Puts the log of another home into a store, as following it would.
fn hold(store: &Store, of: &Home) -> Result<(), Refusal> {
    let (origin, other) = (of.origin(), of.open()?);
    let note = other.store().newest_note(&origin)?.ok_or_else(|| failed("a new home has no checkpoint"))?;
    let key = of.log_key_of(other.store(), &origin)?;
    let mut replica = Replica::new(origin.clone(), key.clone(), RightEdge::empty(), None);
    let checkpoint = replica.verify_note(&note).map_err(failed)?;
    replica.saw(&checkpoint);
    let entries = other.store().entries(&origin, TreeSize::ZERO, checkpoint.checkpoint().size())?;
    let frame = Frame::new(TreeSize::ZERO, entries, ConsistencyProof::default()).map_err(failed)?;
    let frame = replica.verify_frame(frame, &checkpoint).map_err(failed)?;
    store.begin_replica(&origin, &key)?;
    let mut step = store.replica_step(&origin)?;
    step.seen(&checkpoint)?;
    step.frames(&[frame])?;
    step.finish()?;
    Ok(store.keep_checkpoint(&origin, &checkpoint)?)
}

/// What the comparisons took.
#[derive(Default)]
struct Found {
    syncs: Vec<Duration>,
    calls: Vec<Duration>,
    /// Bytes of the messages as they are encoded.
    request: usize,
    answer: usize,
}

async fn compare(mut client: Client, to: Party<'_>, syncs: u64) -> Result<Found, Refusal> {
    let mut found = Found::default();
    let mut request = settle(&mut client).await?;
    while u64::try_from(found.syncs.len()).is_ok_and(|done| done < syncs) {
        let asked = request.clone();
        let begun = Instant::now();
        let answer = client.exchange_heads(asked).await.map_err(failed)?.into_inner();
        let took = begun.elapsed();
        if is_unchanged(&answer) {
            found.syncs.push(took);
            (found.request, found.answer) = (message_bytes(&request), message_bytes(&answer));
        } else {
            // A has said anew that its log stands, as it does every minute.
            request = settle(&mut client).await?;
        }
        let begun = Instant::now();
        to.greet(&mut client).await?;
        found.calls.push(begun.elapsed());
    }
    Ok(found)
}

/// Takes in what A has to say until that is nothing; gives what B says from then on.
async fn settle(client: &mut Client) -> Result<v1::ExchangeHeadsRequest, Refusal> {
    let begun = Instant::now();
    let mut theirs: Vec<HeadDigest> = Vec::new();
    while begun.elapsed() < SETTLED_WAIT_MAX {
        let ours = theirs.iter().map(|of| HeadDigest { generation: GENERATION, seen: of.generation, ..*of });
        let ours: Vec<HeadDigest> = ours.collect();
        let unsaid = theirs.iter().filter(|of| of.seen != GENERATION).take(HEAD_UPDATES_MAX);
        let updates: Vec<HeadUpdate> = unsaid.map(nothing_to_say).collect();
        let known = (!theirs.is_empty()).then(|| digest_of_digests(&theirs));
        let (hash, is_told) = (digest_of_digests(&ours), updates.is_empty() && theirs.len() == ORIGINS);
        let digests = Digests::Now(ours);
        let heads = Heads { digests, known, updates, ..Heads::default() }.checked().map_err(failed)?;
        let answer = client.exchange_heads(v1::ExchangeHeadsRequest::from(&heads)).await.map_err(failed)?;
        let answer = answer.into_inner();
        if is_told && is_unchanged(&answer) {
            let heads = Heads { digests: Digests::AsBefore(hash), known, ..Heads::default() };
            return Ok(v1::ExchangeHeadsRequest::from(&heads));
        }
        if let Digests::Now(digests) = Heads::try_from(answer).map_err(failed)?.digests {
            theirs = digests;
        }
        tokio::time::sleep(SETTLE_PAUSE).await;
    }
    Err(failed("A goes on to have news of its logs"))
}

/// That B has no lines of a log.
fn nothing_to_say(of: &HeadDigest) -> HeadUpdate {
    let news = HeadNews::Lines { since: Generation::default(), lines: Vec::new() };
    HeadUpdate { origin: of.origin, generation: GENERATION, news }
}

/// Whether an answer says that all is as before.
fn is_unchanged(answer: &v1::ExchangeHeadsResponse) -> bool {
    !answer.as_before.is_empty() && answer.updates.is_empty()
}
