//! Logs to be measured: entries that screening passes over, so that the merged view has no part in any figure.
//!
//! They are appended by the one way that there is, stage to signed note, in batches as an import makes them.

use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use comity_ledger::{AgencyId, Draft, Entropy, Frame, Head, Kind, Origin, SECTION_BYTES_MAX, Slot};
use comity_node::{Home, OpenHome, SystemEntropy, now};
use comity_policy::{LabelSet, defaults};
use comity_store::{ReadError, Store, StoreError};
use comity_tlog::{ConsistencyProof, Hash, RightEdge, SignedCheckpoint, TreeSize};
use comity_wire::{
    Disclosure, DisclosureContent, RELEASE_BYTES_MAX, RELEASE_OPENINGS_MAX, ReleaseFrame, ReleaseNumber, v1,
};

use super::failed;
use crate::answer::Refusal;

/// Entries of one batch and one checkpoint: about as many as the longest official lists have.
const BATCH_ENTRIES: u64 = 16_384;
/// Entries of one frame.
const FRAME_ENTRIES: u64 = 256;
/// Entries at the beginning of a log whose messages are kept as a sample of what travels.
const SAMPLE_ENTRIES: u64 = 16_384;
/// A kind that no version knows: kept and relayed, not shown.
const LATER_KIND: u8 = 200;
/// Bytes of the body of an entry without sections: with them it is as long as the envelope of a record, 301 bytes.
const BODY_BYTES: usize = 264;
/// Bytes of a content that no other entry has.
const FRESH_BYTES: usize = 16;
/// Bytes of an entry around its body.
const ENVELOPE_BYTES: usize = 37;
/// Bytes of a control entry: its three commitments.
const CONTROL_ENTRY_BYTES: usize = ENVELOPE_BYTES + 3 * 33;
/// Bytes of all sections of an entry that has any, as of a record with handling, core and identifiers.
const SECTIONS_BYTES: usize = 700;

/// What the entries hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// No sections: entries of a later version's kind, as long as the envelope of a record.
    Envelopes,
    /// Sections that stay with their author: he has to look at each entry to see that.
    Withheld,
    /// Sections that are opened to every peer.
    Opened,
}

impl Content {
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Envelopes => "envelopes only",
            Self::Withheld => "sections held by the author and withheld",
            Self::Opened => "all sections opened",
        }
    }
}

/// Makes entries to be.
pub(super) struct Drafts {
    labels: Option<LabelSet>,
    /// What each holds but for its first bytes: to draw all of them anew would be measured with the appends.
    filler: Vec<u8>,
    /// Sections of each entry that are not empty.
    pub(super) sections: u64,
}

impl Drafts {
    pub(super) fn new(agency: &AgencyId, content: Content) -> Result<Self, Refusal> {
        let labels = match content {
            Content::Envelopes => {
                return Ok(Self { labels: None, filler: filler(BODY_BYTES)?, sections: 0 });
            }
            Content::Withheld => defaults::kept_home(agency, Kind::Control),
            Content::Opened => defaults::imported_official_list(agency, Kind::Control),
        };
        let labels = labels.map_err(failed)?;
        let said = labels.handling_section().len() + labels.audience_section().map_or(0, |bytes| bytes.len());
        let control_bytes = SECTIONS_BYTES.saturating_sub(said).clamp(1, SECTION_BYTES_MAX);
        let sections = if labels.audience_section().is_some() { 3 } else { 2 };
        Ok(Self { labels: Some(labels), filler: filler(control_bytes)?, sections })
    }

    /// Bytes of an entry with its sections.
    pub(super) fn bytes(&self) -> usize {
        if self.labels.is_some() { CONTROL_ENTRY_BYTES + SECTIONS_BYTES } else { BODY_BYTES + ENVELOPE_BYTES }
    }

    pub(super) fn draft(&self, entropy: &mut dyn Entropy) -> Result<Draft, Refusal> {
        let mut bytes = self.filler.clone();
        let fresh = bytes.len().min(FRESH_BYTES);
        if let Some(fresh) = bytes.get_mut(..fresh) {
            entropy.fill(fresh).map_err(failed)?;
        }
        Ok(match &self.labels {
            None => Draft::new(Kind::from_code(LATER_KIND), None).with_public_body(bytes),
            Some(labels) => {
                labels.put_into(Draft::new(Kind::Control, None).with_section(Slot::CONTROL, bytes))
            }
        })
    }
}

fn filler(len: usize) -> Result<Vec<u8>, Refusal> {
    let mut bytes = vec![0; len];
    SystemEntropy::new().fill(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// A log that was filled, and what of it serves as a reference.
pub(super) struct Filled {
    /// The newest signed head.
    pub(super) head: Head,
    /// Bytes of all entries.
    pub(super) bytes: u64,
    /// Sections of each entry that are not empty.
    pub(super) sections: u64,
    /// How long filling took.
    pub(super) filling: Duration,
    /// How long hashing the entries to the same root took, reading them not counted.
    pub(super) hashing: Duration,
    /// Signed checkpoints.
    pub(super) checkpoints: u64,
    /// How long verifying the signatures of all of them took.
    pub(super) verifying: Duration,
    /// Messages as they travel, of a part of the log.
    pub(super) sample: Sample,
}

/// Messages that bring a part of a log.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) messages: Vec<v1::FollowResponse>,
    /// Entries that they bring.
    pub(super) entries: u64,
}

/// Fills the own log of a home to that many entries.
pub(super) fn fill(home: &Path, content: Content, entries: u64) -> Result<Filled, Refusal> {
    fill_to_sizes(home, content, &batches(entries))
}

/// The sizes of a log that is filled as an import fills one.
pub(super) fn batches(entries: u64) -> Vec<u64> {
    let mut sizes: Vec<u64> = (1..=entries / BATCH_ENTRIES).map(|batch| batch * BATCH_ENTRIES).collect();
    sizes.push(entries);
    sizes
}

/// Fills the own log of a home to each of these sizes, smallest first, with a checkpoint at each.
pub(super) fn fill_to_sizes(home: &Path, content: Content, sizes: &[u64]) -> Result<Filled, Refusal> {
    let mut open = Home::find(home)?.open()?;
    let begun = Instant::now();
    let drafts = Drafts::new(&open.home().config().agency.clone(), content)?;
    let head = append_all(&mut open, &drafts, sizes)?;
    let filling = begun.elapsed();
    let (origin, store) = (open.home().origin(), open.store());
    let mut filled = Filled {
        head,
        bytes: 0,
        sections: drafts.sections,
        filling,
        hashing: Duration::ZERO,
        checkpoints: 0,
        verifying: Duration::ZERO,
        sample: Sample::default(),
    };
    let key = open.home().log_key_of(store, &origin)?;
    for note in store.notes(&origin)? {
        let begun = Instant::now();
        let note = SignedCheckpoint::parse(&note).map_err(failed)?;
        note.verify(&key, &[]).map_err(failed)?;
        filled.verifying += begun.elapsed();
        filled.checkpoints += 1;
    }
    let (mut edge, mut start) = (RightEdge::empty(), TreeSize::ZERO);
    while start < head.size {
        let end = start.checked_add(FRAME_ENTRIES).map_err(failed)?.min(head.size);
        let window = store.entries(&origin, start, end)?;
        let begun = Instant::now();
        for entry in &window {
            edge.append(Hash::leaf(entry)).map_err(failed)?;
        }
        filled.hashing += begun.elapsed();
        filled.bytes += window.iter().map(|entry| u64::try_from(entry.len()).unwrap_or(0)).sum::<u64>();
        if filled.sample.entries < SAMPLE_ENTRIES {
            let opened = content == Content::Opened;
            filled.sample.add_frame(&window, start)?;
            if opened {
                filled.sample.add_releases(store, &origin, start..end)?;
            }
        }
        start = end;
    }
    if edge.root() != head.root {
        return Err(failed("the entries do not give the signed root"));
    }
    Ok(filled)
}

fn append_all(open: &mut OpenHome, drafts: &Drafts, sizes: &[u64]) -> Result<Head, Refusal> {
    let mut entropy = SystemEntropy::new();
    let log = open.writable()?;
    for size in sizes {
        let count = size.saturating_sub(log.head().size.value());
        if count > 0 {
            let batch = (0..count).map(|_| drafts.draft(&mut entropy)).collect::<Result<_, _>>()?;
            log.append(batch, now(), &mut entropy)?;
        }
    }
    Ok(log.head())
}

impl Sample {
    fn add_frame(&mut self, window: &[Vec<u8>], start: TreeSize) -> Result<(), Refusal> {
        self.entries += u64::try_from(window.len()).map_err(failed)?;
        // As many hashes as the proof of a log of a million entries has.
        let proof = ConsistencyProof::new(vec![Hash::EMPTY_ROOT; 20]).map_err(failed)?;
        self.messages.push((&Frame::new(start, window.to_vec(), proof).map_err(failed)?).into());
        Ok(())
    }

    /// The releases of what a range has opened.
    fn add_releases(
        &mut self,
        store: &Store,
        origin: &Origin,
        range: Range<TreeSize>,
    ) -> Result<(), Refusal> {
        let slots = [Slot::HANDLING, Slot::AUDIENCE, Slot::CONTROL];
        let mut disclosures: Vec<Disclosure> = Vec::new();
        let mut bytes = 0;
        let read = store.each_opening(origin, range, &slots, |index, openings| {
            for (slot, opening) in slots.into_iter().zip(openings) {
                let Some(opening) = opening.take().filter(|opening| !opening.section().is_empty()) else {
                    continue;
                };
                let len = opening.to_padded().len();
                if disclosures.len() == RELEASE_OPENINGS_MAX || bytes + len > RELEASE_BYTES_MAX {
                    self.messages.push(release(std::mem::take(&mut disclosures))?);
                    bytes = 0;
                }
                bytes += len;
                let number = u64::try_from(disclosures.len()).map_err(failed)?;
                disclosures.push(Disclosure {
                    number: ReleaseNumber::new(number),
                    origin: origin.clone(),
                    index,
                    slot,
                    content: DisclosureContent::Given(opening),
                });
            }
            Ok::<(), Refusal>(())
        });
        read.map_err(|error| match error {
            ReadError::Store(source) => StoreError::into(source),
            ReadError::Taker(refusal) => refusal,
        })?;
        if !disclosures.is_empty() {
            self.messages.push(release(disclosures)?);
        }
        Ok(())
    }
}

fn release(disclosures: Vec<Disclosure>) -> Result<v1::FollowResponse, Refusal> {
    ReleaseFrame::new(disclosures).and_then(TryInto::try_into).map_err(failed)
}
