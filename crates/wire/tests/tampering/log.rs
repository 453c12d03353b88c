//! Small signed logs as they go over the wire.
//!
//! Not here: what is done to the bytes (`flips`, `mutants`).

use comity_ledger::{
    AgencyId, AuthorTime, Draft, Entropy, EntropyError, Frame, Genesis, Kind, Origin, SealedEntry, Slot,
};
use comity_tlog::{
    Checkpoint, CosignatureTime, EntryIndex, Hash, HashReader, KeyKind, KeyName, RightEdge, SignedCheckpoint,
    SigningKey, TreeSize, VerifierKey, prove_consistency,
};
use comity_wire::{
    AbsenceCause, Disclosure, DisclosureContent, Heartbeat, ReleaseFrame, ReleaseNumber, first_quorum, v1,
};
use prost::Message as _;

/// Numbers that look random and are the same in every run (`SplitMix64`).
pub(crate) struct Seeded(pub u64);

impl Seeded {
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        buffer.fill_with(|| self.number().to_be_bytes()[0]);
        Ok(())
    }
}

/// One message with the word by which the tests name it.
pub(crate) struct Sent {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// An author whose store is a vector.
pub(crate) struct Log {
    origin: Origin,
    key: SigningKey,
    entries: Vec<SealedEntry>,
}

fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
}

fn size(entries: usize) -> TreeSize {
    TreeSize::new(u64::try_from(entries).unwrap()).unwrap()
}

struct Leaves<'a>(&'a [SealedEntry]);

impl HashReader for Leaves<'_> {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let width = 1 << level;
        let first = usize::try_from(index).unwrap() * width;
        Ok(root_of(&self.0[first..first + width]))
    }
}

fn root_of(entries: &[SealedEntry]) -> Hash {
    let mut edge = RightEdge::empty();
    for entry in entries {
        edge.append(entry.leaf()).unwrap();
    }
    edge.root()
}

impl Log {
    /// Ten entries of several kinds, with sections of three size classes.
    pub(crate) fn new(origin: &str, seed: u8) -> Self {
        let origin: Origin = origin.parse().unwrap();
        let agency: AgencyId = origin.agency().clone();
        let log = key(origin.as_str(), KeyKind::Ed25519, seed);
        let root = key(&format!("{agency}/root"), KeyKind::Ed25519, seed.wrapping_add(100));
        let record = |about: Option<u64>| {
            Draft::new(Kind::Record, about.map(|index| EntryIndex::new(index).unwrap()))
                .with_section(Slot::CORE, vec![0xa1; 40])
        };
        let control = |about| Draft::new(Kind::Control, EntryIndex::new(about).ok());
        let drafts = [
            Genesis::new(agency, root.verifier(), log.verifier()).unwrap().draft(),
            record(None).with_section(Slot::IDENTIFIERS, vec![0xa2; 150]),
            record(Some(1)).with_section(Slot::REASONS_CLOSED, vec![0xa3; 700]),
            control(1).with_section(Slot::CONTROL, vec![0xa4; 12]),
            record(None).with_section(Slot::SOURCES, vec![0xa5; 1_500]),
            Draft::new(Kind::Erase, EntryIndex::new(2).ok()).with_public_body(vec![0xa6; 9]),
            Draft::new(Kind::Governance, None).with_section(Slot::CONTROL, vec![0xa7; 30]),
            control(4).with_section(Slot::CONTROL, vec![0xa8; 12]),
            Draft::new(Kind::Tags, None).with_section(Slot::TAGS, vec![0xa9; 64]),
            Draft::new(Kind::Account, None).with_section(Slot::CONTROL, vec![0xaa; 5]),
        ];
        let mut entropy = Seeded(seed.into());
        let time = AuthorTime::from_unix_secs(1_700_000_000);
        let entries = drafts.map(|draft| draft.seal(&origin, time, &mut entropy).unwrap()).into();
        Self { origin, key: log, entries }
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn log_key(&self) -> &VerifierKey {
        self.key.verifier()
    }

    /// The log as a peer would send it: two checkpoints, each with its frames and what is disclosed of them, and one with
    /// its first quorum. Of each pair of frames the first ends below the checkpoint, so that its proof is not empty.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        let release = |from: u64, given: &[(u64, Slot)]| {
            let numbers = from..;
            let given = given.iter().zip(numbers).map(|(&(index, slot), number)| {
                let entry = &self.entries[usize::try_from(index).unwrap()];
                let (_, opening) = entry.openings().iter().find(|(found, _)| *found == slot).unwrap();
                self.disclosure(number, index, slot, DisclosureContent::Given(opening.clone()))
            });
            sent("release", &response(given.collect()))
        };
        let absences = [
            (5, 1, Slot::REASONS_PUBLIC, AbsenceCause::Erased),
            (6, 2, Slot::CORE, AbsenceCause::Recalled),
            (7, 4, Slot::IDENTIFIERS, AbsenceCause::Lost),
        ];
        let absences = absences.map(|(number, index, slot, cause)| {
            self.disclosure(number, index, slot, DisclosureContent::Absent(cause))
        });
        let end = size(self.entries.len());
        let beat = Heartbeat { size: end, next_release: ReleaseNumber::new(10), held_back: false };
        vec![
            sent("cosigned checkpoint", &(&self.cosigned(7)).into()),
            sent("frame", &self.frame(0, 4, 7)),
            sent("frame", &self.frame(4, 7, 7)),
            release(0, &[(1, Slot::CORE), (1, Slot::IDENTIFIERS), (4, Slot::HANDLING)]),
            release(3, &[(2, Slot::REASONS_CLOSED)]),
            release(4, &[(4, Slot::SOURCES)]),
            sent("absences", &response(absences.into())),
            sent("checkpoint", &(&self.signed(10)).into()),
            sent("frame", &self.frame(7, 9, 10)),
            sent("frame", &self.frame(9, 10, 10)),
            sent("first quorum", &first_quorum(&self.cosigned(7))),
            release(8, &[(8, Slot::TAGS), (3, Slot::CONTROL)]),
            sent("heartbeat", &beat.into()),
        ]
    }

    fn signed(&self, entries: usize) -> SignedCheckpoint {
        let root = root_of(&self.entries[..entries]);
        Checkpoint::new(self.origin.as_str(), size(entries), root).unwrap().sign(&self.key).unwrap()
    }

    /// With the line of a witness whom the follower does not know.
    fn cosigned(&self, entries: usize) -> SignedCheckpoint {
        let signed = self.signed(entries);
        let witness = key("witness.example/w", KeyKind::CosignatureV1, 77);
        let time = CosignatureTime::new(1_700_000_000).unwrap();
        signed.with_line(witness.cosign(signed.checkpoint(), time).unwrap()).unwrap()
    }

    fn frame(&self, start: usize, end: usize, covered: usize) -> v1::FollowResponse {
        let proof = prove_consistency(&Leaves(&self.entries), size(end), size(covered)).unwrap();
        assert_eq!(proof.hashes().is_empty(), end == covered);
        let entries = self.entries[start..end].iter().map(|entry| entry.bytes().as_bytes().to_vec());
        (&Frame::new(size(start), entries.collect(), proof).unwrap()).into()
    }

    fn disclosure(&self, number: u64, index: u64, slot: Slot, content: DisclosureContent) -> Disclosure {
        let (number, index) = (ReleaseNumber::new(number), EntryIndex::new(index).unwrap());
        Disclosure { number, origin: self.origin.clone(), index, slot, content }
    }
}

fn response(disclosures: Vec<Disclosure>) -> v1::FollowResponse {
    ReleaseFrame::new(disclosures).unwrap().try_into().unwrap()
}

fn sent(name: &'static str, message: &v1::FollowResponse) -> Sent {
    Sent { name, bytes: message.encode_to_vec() }
}
