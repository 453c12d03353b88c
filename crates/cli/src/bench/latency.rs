//! From a commit at A to its being seen at B, both durable, one append after another; and a reconnect without news.
//!
//! A is a process of its own and is told over its admin port, as by an operator. B follows in this process, made of
//! the parts of a node, and so knows the very moment. Here the entries are records, for the view is what shows them.

use std::path::Path;
use std::time::{Duration, Instant};

use comity_ledger::{AgencyId, Entropy as _, Generation, Head, HeadDigest, Origin, OriginDigest};
use comity_node::{NodeError, SystemEntropy};
use comity_tlog::Hash;
use comity_watchlist::{
    Change, Handle, ListId, Name, NameKind, Op, Record, RecordKey, Reference, SubjectKind, Text,
};
use comity_wire::{Digests, DraftChange, HandlingChoice, Heads, v1};

use super::follower::Follower;
use super::measured::{Figures, Measured, percentile_ms};
use super::party::Party;
use super::{failed, raw_file, runtime, stage_of, two_agencies};
use crate::answer::Refusal;
use crate::args::Bench;
use crate::source::Source;

/// Appends if nothing is said.
const ENTRIES: u64 = 1_000;
/// Pause after each append: nothing of the one before is still under way.
const PAUSE: Duration = Duration::from_millis(2);
/// Reconnects without news.
const RECONNECTS: usize = 100;
/// How often A may have news meanwhile: once what there is, and then that its log stands, a second later and each minute.
const NEWS_MAX: usize = 5;
/// Pause between two reconnects: an agency may have four connections, and a closed one must be gone.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);
/// Longest wait for a cosignature.
const COSIGNED_WAIT_MAX: Duration = Duration::from_secs(10);
/// Bytes of a raw append: an envelope and what a short record has in its sections.
const RAW_BYTES: usize = 1_000;

pub(super) fn run(arguments: &Bench) -> Result<Measured, Refusal> {
    let entries = arguments.entries.unwrap_or(ENTRIES);
    let [a, b] = two_agencies()?;
    let mut stage = stage_of(arguments)?;
    for (home, agency) in [("a", &a), ("b", &b)] {
        stage.found(home, agency.as_str()).and_then(|_| stage.card(home)).map_err(failed)?;
    }
    stage.add_peer("a", "b", &[]).map_err(failed)?;
    let at_a = stage.serve("a").map_err(failed)?;
    stage.add_peer("b", "a", &["--endpoint", &at_a]).map_err(failed)?;
    let (home_a, home_b) = (stage.path("a"), stage.path("b"));
    let (from, to) = (Party { agency: &a, home: &home_a }, Party { agency: &b, home: &home_b });

    let mut follower = Follower::start(to, Origin::publication(&a))?;
    follower.when_size(1)?;
    let mut times = append_all(&home_a, entries, &mut follower)?;
    let head = follower.head()?;
    if head.size.value() != entries + 1 {
        return Err(failed(format!("B has {} entries of {}", head.size, entries + 1)));
    }
    let reconnect = Reconnect { from, to, at_a: &at_a, head };
    let (mut calls, mut reconnects) = runtime()?.block_on(reconnect.measure())?;
    let mut syncs = raw_file::append(&stage.path("raw"), RAW_BYTES, entries)?;

    let mut figures = Figures::default();
    let visible = percentile_ms(&mut times.visible, 50);
    figures.add_times(["visible_p50_ms", "visible_p99_ms"], &mut times.visible);
    figures.add_times(["opened_p50_ms", "opened_p99_ms"], &mut times.opened);
    figures.add_times(["cosigned_p50_ms", "cosigned_p99_ms"], &mut times.cosigned);
    let names = ["signed_and_cosigned_p50_ms", "signed_and_cosigned_p99_ms"];
    figures.add_times(names, &mut times.signed_and_cosigned);
    figures.add_times(["acknowledged_p50_ms", "acknowledged_p99_ms"], &mut times.acknowledged);
    figures.add_times(["reconnect_without_news_p50_ms", "reconnect_without_news_p99_ms"], &mut reconnects);
    figures.add_times(["raw_sync_p50_ms", "raw_sync_p99_ms"], &mut syncs);
    figures.add_times(["call_p50_ms", "call_p99_ms"], &mut calls);
    Ok(Measured {
        name: "latency",
        what: format!("{entries} single appends at A, a process of its own, each until B has it"),
        n: entries,
        value: visible,
        unit: "ms",
        reference_is: "two raw syncs and two calls",
        reference: 2.0 * (percentile_ms(&mut syncs, 50) + percentile_ms(&mut calls, 50)),
        figures,
    })
}

/// How long each append took until something was so.
#[derive(Default)]
struct Times {
    acknowledged: Vec<Duration>,
    visible: Vec<Duration>,
    opened: Vec<Duration>,
    /// From A's word that its checkpoint is signed until A durably holds B's line on it, which A is asked for again and
    /// again.
    cosigned: Vec<Duration>,
    /// The same from the call that has A sign it: the signing is within that, and so the round trip is shorter.
    signed_and_cosigned: Vec<Duration>,
}

fn append_all(home: &Path, entries: u64, follower: &mut Follower) -> Result<Times, Refusal> {
    let mut a = Source::find(home)?;
    let mut times = Times::default();
    for (number, records) in (0..entries).zip(1..) {
        let draft = record(number)?;
        let begun = Instant::now();
        let head = a.append(&[draft], HandlingChoice::OfficialList, None, &|_, _| {})?.head;
        let signed = Instant::now();
        times.acknowledged.push(signed.duration_since(begun));
        // Asked before B is looked at, whose moments are told by itself: nothing else is waited for.
        while !a.logs()?.iter().any(|log| log.witnessed_size >= head.size.value()) {
            if signed.elapsed() > COSIGNED_WAIT_MAX {
                return Err(failed("waited in vain for a cosignature"));
            }
        }
        times.cosigned.push(signed.elapsed());
        times.signed_and_cosigned.push(begun.elapsed());
        times.visible.push(follower.when_size(head.size.value())?.saturating_duration_since(begun));
        times.opened.push(follower.when_records(records)?.saturating_duration_since(begun));
        std::thread::sleep(PAUSE);
    }
    Ok(times)
}

/// A listing of an invented company.
fn record(number: u64) -> Result<DraftChange, Refusal> {
    let mut handle = [0; 16];
    SystemEntropy::new().fill(&mut handle).map_err(|_| NodeError::Entropy)?;
    let list = ListId::parse("bench-list").map_err(failed)?;
    let reference = Reference::parse(&number.to_string()).map_err(failed)?;
    let mut record = Record::new(RecordKey::new(list, reference), SubjectKind::Organisation);
    let name = Text::new(format!("Invented Trading Company {}", Hash::digest(&handle).to_base64()));
    record.names.push(Name::new(NameKind::Primary, name.map_err(failed)?));
    let change = Change { handle: Handle::new(handle), op: Op::List { record: Box::new(record) } };
    let sections = change.encode().map_err(failed)?;
    DraftChange::new(None, sections).ok_or_else(|| failed("a record says nothing"))
}

/// B comes back to A and finds that there is no news.
struct Reconnect<'a> {
    from: Party<'a>,
    to: Party<'a>,
    at_a: &'a str,
    head: Head,
}

impl Reconnect<'_> {
    /// Times of single calls on an open connection, and of connecting, greeting and comparing heads.
    async fn measure(&self) -> Result<(Vec<Duration>, Vec<Duration>), Refusal> {
        let (mut calls, mut reconnects) = (Vec::new(), Vec::new());
        let mut seen = Generation::default();
        let (mut news, mut is_first) = (0, true);
        // The first tells what there is; the others find nothing new, but for what A says once in a while of its log.
        while calls.len() < RECONNECTS {
            let begun = Instant::now();
            let mut client = self.to.connect(self.from, self.at_a).await?;
            self.to.greet(&mut client).await?;
            let compared = Instant::now();
            let answer = client.exchange_heads(v1::ExchangeHeadsRequest::from(&self.stated(seen)?));
            let answer = answer.await.map_err(failed)?.into_inner();
            let times = (compared.elapsed(), begun.elapsed());
            let answer = Heads::try_from(answer).map_err(failed)?;
            if answer.updates.is_empty() && !std::mem::take(&mut is_first) {
                calls.push(times.0);
                reconnects.push(times.1);
            } else if news < NEWS_MAX {
                seen = self.generation(&answer, seen)?;
                news += 1;
            } else {
                return Err(failed("there was news where there was none"));
            }
            drop(client);
            tokio::time::sleep(RECONNECT_PAUSE).await;
        }
        Ok((calls, reconnects))
    }

    /// What the caller states, having seen the other side's news up to a generation.
    fn stated(&self, seen: Generation) -> Result<Heads, Refusal> {
        let generation = Generation::new(self.head.size.value());
        let digest = HeadDigest { origin: self.log(), head: self.head, generation, seen };
        Heads { digests: Digests::Now(vec![digest]), ..Heads::default() }.checked().map_err(failed)
    }

    /// Up to where the other side's news was seen with an answer; what it says to have stated before is no more than that.
    fn generation(&self, answer: &Heads, seen: Generation) -> Result<Generation, Refusal> {
        let Digests::Now(digests) = &answer.digests else { return Ok(seen) };
        let digest = digests.iter().find(|digest| digest.origin == self.log() && digest.head == self.head);
        Ok(digest.ok_or_else(|| failed("the other side states another head"))?.generation)
    }

    fn log(&self) -> OriginDigest {
        let agency: &AgencyId = self.from.agency;
        OriginDigest::of(&Origin::publication(agency))
    }
}
