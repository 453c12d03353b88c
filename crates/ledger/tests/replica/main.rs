//! A follower takes only what the author signed, in order, and is as it was after each rejection.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed unwrap is a failed test"
)]

mod rotation;

use comity_ledger::{
    Author, AuthorTime, Draft, DurableBatch, Entropy, EntropyError, Evidence, Frame, Genesis, Head, Kind,
    LockedHead, Origin, Rejection, Replica, Role, SealedEntry, Slot,
};
use comity_tlog::{
    ConsistencyProof, Hash, HashReader, KeyKind, KeyName, RightEdge, SignedCheckpoint, SigningKey, TreeSize,
    VerifiedCheckpoint, prove_consistency,
};

struct Seeded(u64);

impl Entropy for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
        Ok(())
    }
}

fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
}

/// An author whose store is a vector: each batch goes through the same stations as in a node.
struct TestAuthor {
    origin: Origin,
    author: Author,
    entropy: Seeded,
    entries: Vec<Vec<u8>>,
    note: Vec<u8>,
}

impl TestAuthor {
    fn new(seed: u64, log_seed: u8) -> Self {
        let origin: Origin = "agency-a.example/pub".parse().unwrap();
        let log = key(origin.as_str(), KeyKind::Ed25519, log_seed);
        let root = key("agency-a.example/root", KeyKind::Ed25519, 1);
        let genesis = Genesis::new(origin.agency().clone(), root.verifier(), log.verifier()).unwrap().draft();
        let author = Author::new(origin.clone(), log, RightEdge::empty());
        let mut made = Self { origin, author, entropy: Seeded(seed), entries: Vec::new(), note: Vec::new() };
        made.append(vec![genesis]);
        made
    }

    fn append(&mut self, drafts: Vec<Draft>) {
        let seal = |draft: Draft| {
            draft.seal(&self.origin, AuthorTime::from_unix_secs(1), &mut self.entropy).unwrap()
        };
        let sealed: Vec<SealedEntry> = drafts.into_iter().map(seal).collect();
        let staged = self.author.stage(sealed).unwrap();
        self.entries.extend(staged.entries().iter().map(|entry| entry.bytes().as_bytes().to_vec()));
        let start = usize::try_from(staged.start().value()).unwrap();
        let durable: DurableBatch = staged.confirm(&self.entries[start..]).unwrap();
        let locked = LockedHead::synced(Role::Author, self.origin.clone(), durable.head(), None);
        self.note = self.author.sign(&durable, &locked).unwrap().note().to_vec();
    }

    fn records(&mut self, count: usize) {
        let draft = |_| Draft::new(Kind::Record, None).with_section(Slot::CORE, b"core".to_vec());
        self.append((0..count).map(draft).collect());
    }

    fn replica(&self) -> Replica {
        let log = key(self.origin.as_str(), KeyKind::Ed25519, 2);
        Replica::new(self.origin.clone(), log.verifier().clone(), RightEdge::empty(), None)
    }

    fn frame(&self, start: usize, end: usize) -> Frame {
        let entries = self.entries[start..end].to_vec();
        Frame::new(size(start), entries, self.proof(end, self.entries.len())).unwrap()
    }

    fn proof(&self, from: usize, to: usize) -> ConsistencyProof {
        prove_consistency(&Leaves(&self.entries), size(from), size(to)).unwrap()
    }
}

struct Leaves<'a>(&'a [Vec<u8>]);

impl HashReader for Leaves<'_> {
    type Error = std::convert::Infallible;

    fn hash(&self, level: u8, index: u64) -> Result<Hash, Self::Error> {
        let width = 1 << level;
        let first = usize::try_from(index).unwrap() * width;
        let mut edge = RightEdge::empty();
        for entry in &self.0[first..first + width] {
            edge.append(Hash::leaf(entry)).unwrap();
        }
        Ok(edge.root())
    }
}

fn size(entries: usize) -> TreeSize {
    TreeSize::new(u64::try_from(entries).unwrap()).unwrap()
}

/// Follows the author from where the replica stands to its newest checkpoint, in frames of at most `step`.
fn follow(author: &TestAuthor, replica: &mut Replica, step: usize) -> Result<(), Rejection> {
    let checkpoint = replica.verify_note(&author.note)?;
    while replica.size() < checkpoint.checkpoint().size() {
        let start = usize::try_from(replica.size().value()).unwrap();
        let end = author.entries.len().min(start + step).min((start / 256 + 1) * 256);
        let frame = replica.verify_frame(author.frame(start, end), &checkpoint)?;
        replica.advance(&frame);
    }
    replica.saw(&checkpoint);
    Ok(())
}

#[test]
fn a_follower_ends_with_the_tree_of_the_author_whatever_the_frames() {
    for step in [1, 3, 255, 256] {
        let mut author = TestAuthor::new(7, 2);
        let mut replica = author.replica();
        for count in [1, 254, 1, 2, 300] {
            author.records(count);
            follow(&author, &mut replica, step).unwrap();
            assert_eq!(replica.newest().unwrap(), author.author.head(), "frames of {step}");
            assert_eq!(replica.size(), author.author.head().size);
        }
    }
}

#[test]
fn a_same_size_second_root_is_rejected_and_so_is_a_smaller_tree() {
    let (mut author, mut twin) = (TestAuthor::new(7, 2), TestAuthor::new(8, 2));
    let first = author.note.clone();
    author.records(5);
    twin.records(5);
    let mut replica = author.replica();
    follow(&author, &mut replica, 256).unwrap();
    assert_eq!(replica.verify_note(&twin.note), Err(Rejection::SameSizeOtherRoot { size: size(6) }));
    assert_eq!(replica.verify_note(&first), Err(Rejection::Smaller { size: size(1), seen: size(6) }));
    twin.records(1);
    let checkpoint = replica.verify_note(&twin.note).unwrap();
    let forked = replica.verify_frame(twin.frame(6, 7), &checkpoint);
    assert!(matches!(forked, Err(Rejection::Consistency { .. })), "a fork behind what is held is found");
}

#[test]
fn a_stranger_who_signs_under_the_origin_is_rejected() {
    let author = TestAuthor::new(7, 2);
    let stranger = TestAuthor::new(7, 99);
    assert!(matches!(author.replica().verify_note(&stranger.note), Err(Rejection::Signature { .. })));
    let mut elsewhere = String::from_utf8(author.note.clone()).unwrap();
    elsewhere = elsewhere.replacen("agency-a.example/pub", "agency-b.example/pub", 1);
    assert_eq!(author.replica().verify_note(elsewhere.as_bytes()), Err(Rejection::OtherOrigin));
    assert_eq!(author.replica().verify_note(b"not a note"), Err(Rejection::Note));
}

#[test]
fn gaps_overlaps_swaps_and_omissions_are_rejected_and_change_nothing() {
    let mut author = TestAuthor::new(7, 2);
    author.records(20);
    let mut replica = author.replica();
    let checkpoint = replica.verify_note(&author.note).unwrap();
    let frame = replica.verify_frame(author.frame(0, 10), &checkpoint).unwrap();
    replica.advance(&frame);
    let held = replica.size();
    for (start, end) in [(11, 21), (9, 21), (0, 10)] {
        let rejected = replica.verify_frame(author.frame(start, end), &checkpoint);
        assert_eq!(rejected.unwrap_err(), Rejection::Gap { start: size(start), held }, "{start}..{end}");
    }
    let proof = author.proof(21, 21);
    let rest = author.entries[10..21].to_vec();
    let mut swapped = rest.clone();
    swapped.swap(3, 4);
    let mut omitted = rest.clone();
    omitted.remove(5);
    let mut repeated = rest.clone();
    repeated[6] = repeated[5].clone();
    for (what, entries) in [("swapped", swapped), ("omitted", omitted), ("repeated", repeated)] {
        let frame = Frame::new(held, entries, proof.clone()).unwrap();
        let rejected = replica.verify_frame(frame, &checkpoint);
        assert!(matches!(rejected, Err(Rejection::Consistency { .. })), "{what}");
        assert_eq!(replica.size(), held);
    }
    let frame = replica.verify_frame(author.frame(10, 21), &checkpoint).unwrap();
    replica.advance(&frame);
    assert_eq!(replica.size(), checkpoint.checkpoint().size());
}

#[test]
fn every_single_bit_flip_of_a_signed_delta_is_rejected() {
    let mut author = TestAuthor::new(7, 2);
    author.records(3);
    let replica = author.replica();
    let checkpoint = replica.verify_note(&author.note).unwrap();
    let (mut malformed, mut inconsistent) = (0, 0);
    for (place, entry) in author.entries.iter().enumerate() {
        for bit in 0..entry.len() * 8 {
            let mut entries = author.entries.clone();
            entries[place][bit / 8] ^= 1 << (bit % 8);
            match Frame::new(TreeSize::ZERO, entries, author.proof(4, 4)) {
                Err(_) => malformed += 1,
                Ok(frame) => {
                    assert!(replica.verify_frame(frame, &checkpoint).is_err(), "entry {place} bit {bit}");
                    inconsistent += 1;
                }
            }
        }
    }
    let (mut refused, mut unread) = (0, 0);
    for bit in 0..author.note.len() * 8 {
        let mut note = author.note.clone();
        note[bit / 8] ^= 1 << (bit % 8);
        match replica.verify_note(&note) {
            Err(_) => refused += 1,
            Ok(verified) => {
                assert_eq!(verified.checkpoint(), checkpoint.checkpoint(), "bit {bit}");
                unread += 1;
            }
        }
    }
    println!(
        "delta: {malformed} malformed, {inconsistent} inconsistent; note: {refused} refused, {unread} decide nothing"
    );
    assert!(malformed > 0 && inconsistent > 0 && refused > 0);
    assert_eq!(unread, 0, "an own note has no byte that nothing covers");
}

#[test]
fn frames_over_a_limit_or_across_a_boundary_are_refused() {
    let author = TestAuthor::new(7, 2);
    let entry = author.entries[0].clone();
    let none = || ConsistencyProof::new(Vec::new()).unwrap();
    assert_eq!(Frame::new(size(0), Vec::<Vec<u8>>::new(), none()), Err(Rejection::FrameCount { entries: 0 }));
    let many = vec![entry.clone(); 257];
    assert_eq!(Frame::new(size(0), many, none()), Err(Rejection::FrameCount { entries: 257 }));
    let across = vec![entry.clone(); 2];
    assert_eq!(Frame::new(size(255), across, none()), Err(Rejection::FrameBoundary { start: size(255) }));
    let end = TreeSize::MAX;
    assert!(Frame::new(end, vec![entry], none()).is_err(), "at the end of the index space");
    let long = vec![vec![0; 1 << 20], vec![0]];
    assert!(matches!(Frame::new(size(0), long, none()), Err(Rejection::FrameBytes { .. })));
}

#[test]
fn the_first_entry_must_be_the_genesis_of_the_pinned_keys() {
    let author = TestAuthor::new(7, 2);
    let mut other = TestAuthor::new(7, 2);
    other.records(1);
    let replica = author.replica();
    let late = Frame::new(size(0), vec![other.entries[1].clone()], author.proof(1, 1)).unwrap();
    let checkpoint = replica.verify_note(&author.note).unwrap();
    assert!(matches!(replica.verify_frame(late, &checkpoint), Err(Rejection::Entry { index: 0, .. })));
    let stranger = TestAuthor::new(7, 99);
    let foreign = Frame::new(size(0), stranger.entries.clone(), author.proof(1, 1)).unwrap();
    assert_eq!(replica.verify_frame(foreign, &checkpoint).unwrap_err(), Rejection::Genesis);
}

#[test]
fn nothing_is_signed_that_was_not_read_back_or_not_locked() {
    let mut author = TestAuthor::new(7, 2);
    author.records(3);
    let draft = Draft::new(Kind::Record, None).with_section(Slot::CORE, b"core".to_vec());
    let sealed = draft.seal(&author.origin, AuthorTime::from_unix_secs(1), &mut author.entropy).unwrap();
    let staged = author.author.stage(vec![sealed.clone()]).unwrap();
    let good = sealed.bytes().as_bytes().to_vec();
    for reread in [vec![], vec![author.entries[1].clone()], vec![good.clone(), good.clone()]] {
        assert!(staged.confirm(&reread).is_err(), "the disk gave back something else");
    }
    let durable = staged.confirm([&good]).unwrap();
    let before = author.author.head();
    for (role, origin, head) in [
        (Role::Witness, author.origin.clone(), durable.head()),
        (Role::Author, "agency-b.example/pub".parse().unwrap(), durable.head()),
        (Role::Author, author.origin.clone(), before),
        (Role::Author, author.origin.clone(), Head { root: Hash::EMPTY_ROOT, ..durable.head() }),
    ] {
        let locked = LockedHead::synced(role, origin, head, None);
        assert!(author.author.sign(&durable, &locked).is_err());
        assert_eq!(author.author.head(), before);
    }
    let locked = LockedHead::synced(Role::Author, author.origin.clone(), durable.head(), None);
    let once = author.author.sign(&durable, &locked).unwrap();
    let again = author.author.sign(&durable, &locked).unwrap();
    assert_eq!(once.note(), again.note(), "the same tree gives the same bytes");
}

/// That what a frame was rejected for, and both notes, are evidence.
fn assert_convicts(followed: Result<(), Rejection>, seen: &VerifiedCheckpoint, other: &TestAuthor) {
    let Err(Rejection::OtherBeginning { beginning }) = followed else { panic!("{followed:?}") };
    assert_eq!(beginning.head.size, seen.checkpoint().size());
    let shown = SignedCheckpoint::parse(&other.note).unwrap().verify(seen.log_key(), &[]).unwrap();
    let evidence = Evidence::new(seen, &shown, Some(*beginning)).unwrap();
    assert_eq!(Evidence::parse(evidence.as_bytes()).unwrap(), evidence);
}

/// Goal: an author that signs two histories is found out by whoever saw a note of the first and then gets the entries of
/// the second, and nobody else is accused. Way: the note of the first comes, its entries do not; the second is larger.
/// A frame that is not the second's either says nothing about the author.
#[test]
fn a_larger_tree_that_does_not_go_on_from_a_note_seen_before_is_rejected() {
    let (mut one, mut other) = (TestAuthor::new(7, 2), TestAuthor::new(7, 2));
    one.records(5);
    other.entropy = Seeded(8);
    other.records(9);
    assert_eq!(one.entries[0], other.entries[0], "one genesis");
    for step in [2, 256] {
        let mut replica = one.replica();
        let seen = replica.verify_note(&one.note).unwrap();
        replica.saw(&seen);
        assert_convicts(follow(&other, &mut replica, step), &seen, &other);
        // The newer note was taken as the newest, and after a start both are remembered.
        let mut replica = one.replica();
        replica.saw(&seen);
        let newest = replica.verify_note(&other.note).unwrap();
        replica.saw(&newest);
        assert_eq!(replica.awaited(), [one.author.head()]);
        let mut again = one.replica().awaiting(replica.awaited().iter().copied());
        assert_convicts(follow(&other, &mut again, step), &seen, &other);
        assert_eq!(
            replica.verify_note(&one.note),
            Err(Rejection::Smaller { size: TreeSize::new(6).unwrap(), seen: TreeSize::new(10).unwrap() })
        );
        let bogus = replica.verify_frame(one.frame(0, 6), &newest);
        assert!(matches!(bogus, Err(Rejection::Consistency { .. })), "{bogus:?}");
    }
}

/// Goal: an author is convicted by a second note of a size of which one was seen, also when a larger one was seen since.
/// Way: notes of 6 and of 10 entries are seen and none of their entries come; then comes another note of 6.
#[test]
fn a_second_root_of_a_size_seen_before_the_newest_is_a_fork_and_no_older_state() {
    let (mut one, mut other) = (TestAuthor::new(7, 2), TestAuthor::new(7, 2));
    one.records(5);
    other.entropy = Seeded(8);
    other.records(5);
    let six = one.note.clone();
    let mut replica = one.replica();
    replica.saw(&replica.verify_note(&six).unwrap());
    one.records(4);
    replica.saw(&replica.verify_note(&one.note).unwrap());
    assert_eq!(replica.verify_note(&other.note), Err(Rejection::SameSizeOtherRoot { size: size(6) }));
    assert_eq!(replica.verify_note(&six), Err(Rejection::Smaller { size: size(6), seen: size(10) }));
}

/// Goal: beyond the end that a successor has set nothing is taken, and no other tree of its size. Way: an author that signs
/// on, and a twin that comes to the same size otherwise.
#[test]
fn a_log_that_has_ended_is_taken_up_to_its_end_and_no_further() {
    let (mut author, mut twin) = (TestAuthor::new(1, 2), TestAuthor::new(1, 2));
    author.records(3);
    twin.append(vec![Draft::new(Kind::Record, None)]);
    twin.records(2);
    let (good, other) = (author.note.clone(), twin.note.clone());
    let mut replica = author.replica();
    let head = {
        let stated = SignedCheckpoint::parse(&good).unwrap();
        Head { size: stated.checkpoint().size(), root: stated.checkpoint().root() }
    };
    replica = replica.ending_at(Some(head));
    assert_eq!(replica.end(), Some(head));
    author.records(1);
    let beyond = Rejection::KeyOutOfForce { size: size(5) };
    assert_eq!(replica.verify_note(&author.note), Err(beyond), "signed beyond the end");
    assert_eq!(replica.verify_note(&other), Err(Rejection::KeyOutOfForce { size: size(4) }), "another tree");
    replica.verify_note(&good).unwrap();
}
