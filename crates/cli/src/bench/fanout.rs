//! Ten followers of one author, and what one of them that is a hundred times slower costs the others.
//!
//! The author is a process of its own. The followers are agencies with certificates of their own, whose streams are
//! read in this one process: each verifies every frame as a node does and keeps nothing.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use comity_ledger::{AgencyId, Head, Origin, Replica};
use comity_node::Home;
use comity_tlog::{RightEdge, VerifierKey};
use comity_wire::FollowEvent;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::content::{Content, fill};
use super::measured::{Figures, Measured, float, mib, rate};
use super::party::{Client, Party, follow_from};
use super::{failed, process, runtime, stage_of, two_agencies};
use crate::answer::Refusal;
use crate::args::Bench;

/// Entries if nothing is said.
const ENTRIES: u64 = 200_000;
/// Followers at the same time.
const FOLLOWERS: usize = 10;
/// How many times slower the slow one reads.
const SLOWER: u32 = 100;

pub(super) fn run(arguments: &Bench) -> Result<Measured, Refusal> {
    let entries = arguments.entries.unwrap_or(ENTRIES);
    let [author, _] = two_agencies()?;
    let mut stage = stage_of(arguments)?;
    stage.found("a", author.as_str()).map_err(failed)?;
    // Whoever has followed before is served faster: what may be released to it was looked through then. So each part
    // has agencies of its own.
    let mut followers = Vec::new();
    for number in 0..=2 * FOLLOWERS {
        let home = format!("follower-{number}");
        let agency: AgencyId = format!("bench-{home}.example").parse().map_err(failed)?;
        stage.found(&home, agency.as_str()).and_then(|_| stage.card(&home)).map_err(failed)?;
        stage.add_peer("a", &home, &[]).map_err(failed)?;
        followers.push((agency, stage.path(&home)));
    }
    let filled = fill(&stage.path("a"), Content::Envelopes, entries)?;
    let origin = Origin::publication(&author);
    let key = Home::find(&stage.path("a"))?.card()?.identity().log.clone();
    let at_author = stage.serve("a").map_err(failed)?;
    let process = stage.process("a").map_err(failed)?;
    let home = stage.path("a");
    let fan = Fan { author, home, at_author, origin, key, head: filled.head };

    let runtime = runtime()?;
    let mut figures = Figures::default();
    let (one, rest) = followers.split_at(1);
    let (first, second) = rest.split_at(FOLLOWERS);
    let (alone, _) = fan.follow(&runtime, one, None)?;
    figures.add("a_peak_with_1_mib", mib(process::peak_bytes(process)?));
    let (ten, pause) = fan.follow(&runtime, first, None)?;
    figures.add("a_peak_with_10_mib", mib(process::peak_bytes(process)?));
    let (nine, _) = fan.follow(&runtime, second, Some(pause * SLOWER))?;
    figures.add("others_beside_slow_entries_per_s", nine);
    figures.add("others_beside_slow_to_before", nine / (ten * 0.9));
    figures.add("a_peak_with_slow_mib", mib(process::peak_bytes(process)?));
    let used = process::processor_time(process)?;
    // One, ten, and nine times the whole log.
    let followed = float(entries) * 20.0;
    figures.add("a_cpu_us_per_entry_sent", used.as_secs_f64() * 1e6 / followed);
    Ok(Measured {
        name: "fanout",
        what: format!("{FOLLOWERS} followers of {entries} entries at the same time, each verifying"),
        n: entries,
        value: ten,
        unit: "entries/s",
        reference_is: "one follower alone",
        reference: alone,
        figures,
    })
}

/// The author, as its followers know it.
struct Fan {
    author: AgencyId,
    home: PathBuf,
    at_author: String,
    origin: Origin,
    key: VerifierKey,
    head: Head,
}

impl Fan {
    /// Lets agencies follow the whole log at the same time, the last of them with a pause after each message if one is
    /// given; then the others alone are waited for. Gives how many entries a second they took together, and how long a
    /// message took each of them.
    fn follow(
        &self,
        runtime: &Runtime,
        followers: &[(AgencyId, PathBuf)],
        slow: Option<Duration>,
    ) -> Result<(f64, Duration), Refusal> {
        runtime.block_on(async {
            let mut readers = Vec::new();
            for (agency, home) in followers {
                let own = Party { agency, home };
                let author = Party { agency: &self.author, home: &self.home };
                let mut client = own.connect(author, &self.at_author).await?;
                own.greet(&mut client).await?;
                let replica = Replica::new(self.origin.clone(), self.key.clone(), RightEdge::empty(), None);
                readers.push(Reader { client, replica, head: self.head, pause: None });
            }
            let begun = Instant::now();
            let slow =
                slow.and_then(|pause| readers.pop().map(|reader| Reader { pause: Some(pause), ..reader }));
            let slow = slow.map(|reader| tokio::spawn(reader.read(self.origin.clone())));
            let running: Vec<JoinHandle<_>> =
                readers.into_iter().map(|reader| tokio::spawn(reader.read(self.origin.clone()))).collect();
            let (mut entries, mut messages) = (0, 0);
            for reader in running {
                messages = reader.await.map_err(failed)??;
                entries += self.head.size.value();
            }
            let took = begun.elapsed();
            if let Some(slow) = slow {
                if slow.is_finished() {
                    return Err(failed("the slow follower was not slow"));
                }
                slow.abort();
            }
            Ok((rate(entries, took), took / messages.max(1)))
        })
    }
}

/// A follower that verifies and keeps nothing.
struct Reader {
    client: Client,
    replica: Replica,
    head: Head,
    pause: Option<Duration>,
}

impl Reader {
    /// Reads until it has everything; gives how many messages that took.
    async fn read(mut self, origin: Origin) -> Result<u32, Refusal> {
        let stream = self.client.follow(follow_from(origin)).await;
        let mut stream = stream.map_err(failed)?.into_inner();
        let (mut checkpoint, mut messages) = (None, 0);
        while self.replica.size() < self.head.size {
            let message = stream.message().await.map_err(failed)?;
            let message = message.ok_or_else(|| failed("the author ended the stream"))?;
            messages += 1;
            match FollowEvent::try_from(message).map_err(failed)? {
                FollowEvent::Checkpoint(note) => {
                    let verified = self.replica.verify_note(note.as_bytes()).map_err(failed)?;
                    self.replica.saw(&verified);
                    checkpoint = Some(verified);
                }
                FollowEvent::Frame(frame) => {
                    let under = checkpoint.as_ref().ok_or_else(|| failed("a frame before a checkpoint"))?;
                    let verified = self.replica.verify_frame(frame, under).map_err(failed)?;
                    self.replica.advance(&verified);
                }
                FollowEvent::Release(_) | FollowEvent::Heartbeat(_) | FollowEvent::FirstQuorum(_) => {}
            }
            if let Some(pause) = self.pause {
                tokio::time::sleep(pause).await;
            }
        }
        Ok(messages)
    }
}
