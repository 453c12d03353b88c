//! Copies of peers' logs on a real disk: what was kept is there after a crash, and what was not leaves no trace.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

mod entropy;

use std::path::Path;

use comity_ledger::{
    AgencyId, Author, AuthorTime, Draft, Frame, Genesis, Head, Kind, LockedHead, Opening, Origin, Replica,
    Role, SealedEntry, Slot, VerifiedFrame, VerifiedOpening,
};
use comity_store::{
    Booking, Disclosed, Kek, LogRole, ReleaseCursor, Store, StoreError, StorePaths, is_set_aside,
};
use comity_tlog::{
    ConsistencyProof, EntryIndex, KeyKind, KeyName, RightEdge, SigningKey, TreeSize, VerifiedCheckpoint,
    right_edge,
};

use entropy::Seeded;

const NOW: AuthorTime = AuthorTime::from_unix_secs(1_780_000_000);

/// An author in memory, and a follower that verifies.
struct Logs {
    origin: Origin,
    author: Author,
    replica: Replica,
    entropy: Seeded,
}

impl Logs {
    fn new() -> Self {
        let agency: AgencyId = "a.example".parse().unwrap();
        let origin = Origin::publication(&agency);
        let key = SigningKey::from_seed(KeyName::new(origin.as_str()).unwrap(), KeyKind::Ed25519, &[7; 32]);
        let key = key.unwrap();
        let replica = Replica::new(origin.clone(), key.verifier().clone(), RightEdge::empty(), None);
        let author = Author::new(origin.clone(), key, RightEdge::empty());
        Self { origin, author, replica, entropy: Seeded(0) }
    }

    /// Appends entries; gives the frame of all that the follower lacks and the checkpoint.
    fn append(&mut self, drafts: Vec<Draft>) -> (VerifiedFrame, VerifiedCheckpoint, Vec<SealedEntry>) {
        let sealed: Vec<SealedEntry> = drafts
            .into_iter()
            .map(|draft| draft.seal(&self.origin, NOW, &mut self.entropy).unwrap())
            .collect();
        let staged = self.author.stage(sealed.clone()).unwrap();
        let bytes: Vec<Vec<u8>> = sealed.iter().map(|entry| entry.bytes().as_bytes().to_vec()).collect();
        let durable = staged.confirm(&bytes).unwrap();
        let locked = LockedHead::synced(Role::Author, self.origin.clone(), durable.head(), None);
        let signed = self.author.sign(&durable, &locked).unwrap();
        let checkpoint = self.replica.verify_note(signed.note()).unwrap();
        let frame = Frame::new(staged.start(), bytes, ConsistencyProof::default()).unwrap();
        (self.replica.verify_frame(frame, &checkpoint).unwrap(), checkpoint, sealed)
    }

    fn genesis(&self) -> Draft {
        let root = SigningKey::from_seed(KeyName::new("a.example/root").unwrap(), KeyKind::Ed25519, &[8; 32]);
        let log = self.replica.clone();
        let key =
            SigningKey::from_seed(KeyName::new(log.origin().as_str()).unwrap(), KeyKind::Ed25519, &[7; 32]);
        let agency = self.origin.agency().clone();
        Genesis::new(agency, root.unwrap().verifier(), key.unwrap().verifier()).unwrap().draft()
    }
}

fn record(text: &str) -> Draft {
    Draft::new(Kind::Record, None)
        .with_section(Slot::HANDLING, b"handling".to_vec())
        .with_section(Slot::CORE, text.as_bytes().to_vec())
}

fn opening_of(origin: &Origin, sealed: &SealedEntry, slot: Slot) -> VerifiedOpening {
    let (_, opening) = sealed.openings().iter().find(|(held, _)| *held == slot).unwrap();
    opening.clone().verify(origin, &sealed.bytes().parse().unwrap(), slot).unwrap()
}

fn paths(folder: &Path) -> StorePaths {
    StorePaths { database: folder.join("store"), keyring: folder.join("keyring") }
}

fn create(folder: &Path) -> Store {
    for name in ["store", "keyring"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    Store::create(&paths(folder), Kek::from_bytes([1; 32]), &mut Seeded(1 << 40)).unwrap()
}

fn reopen(store: Store, folder: &Path) -> Store {
    drop(store);
    Store::open(&paths(folder), Kek::from_bytes([1; 32])).unwrap()
}

/// Keeps one frame by itself.
fn keep(store: &Store, frame: &VerifiedFrame) -> Result<(), StoreError> {
    let mut step = store.replica_step(frame.origin())?;
    step.frames(std::slice::from_ref(frame))?;
    step.finish()
}

fn keep_seen(store: &Store, origin: &Origin, checkpoint: &VerifiedCheckpoint) -> Result<(), StoreError> {
    let mut step = store.replica_step(origin)?;
    step.seen(checkpoint)?;
    step.finish()
}

fn keep_release(
    store: &Store,
    origin: &Origin,
    openings: &[(EntryIndex, VerifiedOpening)],
    next: u64,
    entropy: &mut Seeded,
) -> Result<(), StoreError> {
    let mut step = store.replica_step(origin)?;
    step.release(&"b.example".parse().unwrap(), openings, next, entropy)?;
    step.finish()
}

fn index(value: u64) -> EntryIndex {
    EntryIndex::new(value).unwrap()
}

fn opened(store: &Store, origin: &Origin, at: u64, slots: &[Slot]) -> Vec<Option<Opening>> {
    let range = index(at).size_before()..index(at).size_through();
    let mut found = Vec::new();
    let read = store.each_opening(origin, range, slots, |_, openings| {
        found = openings.to_vec();
        Ok::<(), StoreError>(())
    });
    assert!(read.is_ok());
    found
}

#[test]
fn a_frame_and_its_checkpoint_are_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let mut logs = Logs::new();
    let mut store = create(dir.path());
    let genesis = logs.genesis();
    let (frame, checkpoint, _) = logs.append(vec![genesis]);
    let no_log = keep(&store, &frame);
    assert!(matches!(no_log, Err(StoreError::NoSuchLog { .. })), "only a log that was entered is kept");
    store.create_log(&logs.origin, LogRole::Replica).unwrap();
    assert!(matches!(store.keep_checkpoint(&logs.origin, &checkpoint), Err(StoreError::NotNext { .. })));
    keep_seen(&store, &logs.origin, &checkpoint).unwrap();
    store = reopen(store, dir.path());
    assert_eq!(store.seen_note(&logs.origin).unwrap().unwrap(), checkpoint.as_bytes());
    assert_eq!(store.newest_note(&logs.origin).unwrap(), None, "seen is not held");
    keep(&store, &frame).unwrap();
    logs.replica.advance(&frame);
    store.keep_checkpoint(&logs.origin, &checkpoint).unwrap();
    for count in [14, 1, 16, 100, 124] {
        let drafts = (0..count).map(|number| record(&format!("record {number}"))).collect();
        let (frame, checkpoint, _) = logs.append(drafts);
        keep(&store, &frame).unwrap();
        assert!(matches!(keep(&store, &frame), Err(StoreError::NotNext { .. })), "a frame twice");
        logs.replica.advance(&frame);
        store.keep_checkpoint(&logs.origin, &checkpoint).unwrap();
        store = reopen(store, dir.path());
        let held = store.held(&logs.origin).unwrap();
        assert_eq!(held, logs.author.head());
        let edge = right_edge(&store.nodes(&logs.origin), held.size).unwrap();
        assert_eq!(Head::from(&edge), held, "the tiles give the root");
        assert_eq!(store.newest_note(&logs.origin).unwrap().unwrap(), checkpoint.as_bytes());
        store.scrub(&logs.origin, &[held.size]).unwrap();
    }
}

/// Goal: of entries that came under several checkpoints in one step every checkpoint is kept, and none that is not
/// theirs.
#[test]
fn checkpoints_whose_entries_came_together_are_all_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut logs = Logs::new();
    let store = create(dir.path());
    store.create_log(&logs.origin, LogRole::Replica).unwrap();
    let origin = logs.origin.clone();
    let mut step = store.replica_step(&origin).unwrap();
    let mut checkpoints = Vec::new();
    for count in [1, 14, 30, 7] {
        let mut drafts: Vec<Draft> = (0..count).map(|number| record(&format!("record {number}"))).collect();
        if count == 1 {
            drafts = vec![logs.genesis()];
        }
        let (frame, checkpoint, _) = logs.append(drafts);
        step.seen(&checkpoint).unwrap();
        step.frames(std::slice::from_ref(&frame)).unwrap();
        logs.replica.advance(&frame);
        checkpoints.push(checkpoint);
    }
    step.finish().unwrap();
    for checkpoint in &checkpoints {
        store.keep_checkpoint(&origin, checkpoint).unwrap();
    }
    let kept: Vec<Vec<u8>> = checkpoints.iter().map(|checkpoint| checkpoint.as_bytes().to_vec()).collect();
    assert_eq!(store.notes(&origin).unwrap(), kept);
    let mut others = Logs::new();
    let (_, other, _) = others.append(vec![others.genesis(), record("another history")]);
    assert!(matches!(store.keep_checkpoint(&origin, &other), Err(StoreError::NotNext { .. })));
}

#[test]
fn openings_that_arrive_late_are_read_like_own_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (mut logs, from) = (Logs::new(), "b.example".parse::<AgencyId>().unwrap());
    let mut store = create(dir.path());
    store.create_log(&logs.origin, LogRole::Replica).unwrap();
    let drafts = std::iter::once(logs.genesis()).chain((1..40).map(|n| record(&"x".repeat(n * 400))));
    let (frame, _, sealed) = logs.append(drafts.collect());
    let late =
        |at: u64, slot| (index(at), opening_of(&logs.origin, &sealed[usize::try_from(at).unwrap()], slot));
    let mut entropy = Seeded(1 << 41);
    let early = keep_release(&store, &logs.origin, &[late(3, Slot::CORE)], 1, &mut entropy);
    assert!(matches!(early, Err(StoreError::NotNext { .. })), "an opening never comes before its entry");
    keep(&store, &frame).unwrap();
    let first = [late(39, Slot::CORE), late(3, Slot::HANDLING), late(3, Slot::CORE)];
    keep_release(&store, &logs.origin, &first, 3, &mut entropy).unwrap();
    keep_release(&store, &logs.origin, &[late(39, Slot::HANDLING)], 4, &mut entropy).unwrap();
    keep_release(&store, &logs.origin, &[], 9, &mut entropy).unwrap();
    store = reopen(store, dir.path());
    for (at, slot) in [(3, Slot::HANDLING), (3, Slot::CORE), (39, Slot::HANDLING), (39, Slot::CORE)] {
        let found = opened(&store, &logs.origin, at, &[slot]);
        assert_eq!(found, [Some(late(at, slot).1.opening().clone())], "{at} {slot}");
    }
    assert_eq!(opened(&store, &logs.origin, 4, &[Slot::CORE, Slot::HANDLING]), [None, None]);
    assert_eq!(opened(&store, &logs.origin, 3, &[Slot::SOURCES]), [None]);
    assert_eq!(store.next_release(&from, &logs.origin).unwrap(), 9);
    let other = "c.example".parse().unwrap();
    assert_eq!(store.next_release(&other, &logs.origin).unwrap(), 0, "each peer has its own cursor");
    assert_eq!(store.arrival(&logs.origin, 0).unwrap(), Some(vec![index(3), index(39)]));
    assert_eq!(store.arrival(&logs.origin, 1).unwrap(), Some(vec![index(39)]));
    assert_eq!(store.arrival(&logs.origin, 2).unwrap(), None);
}

/// Goal: no section of a replica lies in the database in clear. Way: a word of one is looked for in every file.
#[test]
fn late_openings_are_sealed_at_rest() {
    let dir = tempfile::tempdir().unwrap();
    let mut logs = Logs::new();
    let store = create(dir.path());
    store.create_log(&logs.origin, LogRole::Replica).unwrap();
    let drafts = vec![logs.genesis(), record("canary-of-the-late-section")];
    let (frame, _, sealed) = logs.append(drafts);
    keep(&store, &frame).unwrap();
    let late = [(index(1), opening_of(&logs.origin, &sealed[1], Slot::CORE))];
    keep_release(&store, &logs.origin, &late, 1, &mut Seeded(1 << 41)).unwrap();
    drop(store);
    let bytes = std::fs::read(dir.path().join("store/db")).unwrap();
    assert!(!bytes.windows(12).any(|window| window == b"canary-of-th"));
}

fn booking(batches: &[Vec<Disclosed>], scanned: u64) -> Booking<'_> {
    Booking { batches, scanned, ..Booking::default() }
}

#[test]
fn release_numbers_are_given_once_and_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = create(dir.path());
    let origin: Origin = "a.example/pub".parse().unwrap();
    let [b, c]: [AgencyId; 2] = ["b.example", "c.example"].map(|name| name.parse().unwrap());
    let batch = |from: u64, count: u64| -> Vec<Disclosed> {
        (from..from + count).map(|at| Disclosed { index: index(at), slot: Slot::CORE }).collect()
    };
    let start = ReleaseCursor::default();
    let first =
        store.assign_releases(&b, &origin, start, &booking(&[batch(0, 256), batch(256, 3)], 300)).unwrap();
    assert_eq!(first, ReleaseCursor { next: 259, scanned: 300 });
    store = reopen(store, dir.path());
    let again = store.assign_releases(&b, &origin, start, &booking(&[batch(0, 1)], 300));
    assert!(
        matches!(again, Err(StoreError::CursorMoved { .. })),
        "a second stream cannot give a number twice"
    );
    let second = store.assign_releases(&b, &origin, first, &booking(&[batch(300, 2)], 310)).unwrap();
    assert_eq!(store.release_cursor(&b, &origin).unwrap(), second);
    assert_eq!(store.release_cursor(&c, &origin).unwrap(), start, "each peer has its own numbers");
    assert_eq!(store.releases_from(&b, &origin, 0).unwrap(), batch(0, 256));
    assert_eq!(store.releases_from(&b, &origin, 255).unwrap(), batch(255, 1));
    assert_eq!(store.releases_from(&b, &origin, 257).unwrap(), batch(257, 2));
    assert_eq!(store.releases_from(&b, &origin, 260).unwrap(), batch(301, 1));
    assert_eq!(store.releases_from(&b, &origin, 261).unwrap(), []);
    assert_eq!(store.releases_from(&c, &origin, 0).unwrap(), []);
    let empty = store.assign_releases(&b, &origin, second, &booking(&[Vec::new()], 310));
    assert!(matches!(empty, Err(StoreError::TooLong { .. })));
}

/// Goal: what was looked at while nothing of it was told is known after every start and in a backup, for the peer and log
/// alone, until it is looked at again. Way: entries are postponed with a booking, and taken up with another.
#[test]
fn what_is_postponed_is_known_until_it_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = create(dir.path());
    let origin: Origin = "a.example/pub".parse().unwrap();
    let [b, c]: [AgencyId; 2] = ["b.example", "c.example"].map(|name| name.parse().unwrap());
    let postponed = [index(4), index(7), index(300)];
    let one = Booking { scanned: 301, postponed: &postponed, ..Booking::default() };
    let cursor = store.assign_releases(&b, &origin, ReleaseCursor::default(), &one).unwrap();
    store = reopen(store, dir.path());
    let mut copy = Vec::new();
    let copied = store.copy_rows(&mut |bytes| {
        copy.extend_from_slice(bytes);
        Ok::<(), StoreError>(())
    });
    assert!(copied.is_ok());
    assert!(copy.windows(8).any(|window| window == 300_u64.to_be_bytes()), "a backup has it");
    assert_eq!(store.postponed_releases(&b, &origin, 0, 9).unwrap(), postponed);
    assert_eq!(store.postponed_releases(&b, &origin, 5, 1).unwrap(), [index(7)]);
    assert_eq!(store.postponed_releases(&c, &origin, 0, 9).unwrap(), []);
    let batches = [vec![Disclosed { index: index(7), slot: Slot::CORE }]];
    let taken_up = Booking { batches: &batches, scanned: 301, postponed: &[], taken_up: &postponed[1..] };
    let moved = Booking { scanned: 301, ..taken_up };
    assert!(
        store.assign_releases(&b, &origin, ReleaseCursor::default(), &moved).is_err(),
        "the cursor moved"
    );
    assert_eq!(store.postponed_releases(&b, &origin, 0, 9).unwrap(), postponed, "all or nothing");
    store.assign_releases(&b, &origin, cursor, &taken_up).unwrap();
    store = reopen(store, dir.path());
    assert_eq!(store.postponed_releases(&b, &origin, 0, 9).unwrap(), [index(4)]);
}

#[test]
fn entries_of_an_own_log_are_never_replaced_by_a_frame() {
    let dir = tempfile::tempdir().unwrap();
    let mut logs = Logs::new();
    let store = create(dir.path());
    store.create_log(&logs.origin, LogRole::Own).unwrap();
    let genesis = logs.genesis();
    let (frame, checkpoint, _) = logs.append(vec![genesis]);
    assert!(matches!(keep(&store, &frame), Err(StoreError::NoSuchLog { .. })));
    assert!(matches!(keep_seen(&store, &logs.origin, &checkpoint), Err(StoreError::NoSuchLog { .. })));
    assert_eq!(store.held(&logs.origin).unwrap().size, TreeSize::ZERO);
}

#[test]
fn a_replica_keeps_the_key_that_it_began_with() {
    let dir = tempfile::tempdir().unwrap();
    let (logs, mut store) = (Logs::new(), create(dir.path()));
    let key = |seed| {
        let name = KeyName::new(logs.origin.as_str()).unwrap();
        SigningKey::from_seed(name, KeyKind::Ed25519, &[seed; 32]).unwrap().verifier().clone()
    };
    assert_eq!(store.pinned_key(&logs.origin).unwrap(), None);
    assert!(matches!(store.pin_key(&logs.origin, &key(7)), Err(StoreError::NoSuchLog { .. })));
    store.begin_replica(&logs.origin, &key(7)).unwrap();
    store = reopen(store, dir.path());
    assert_eq!(store.pinned_key(&logs.origin).unwrap(), Some(key(7)));
    store.pin_key(&logs.origin, &key(7)).unwrap();
    assert!(matches!(store.pin_key(&logs.origin, &key(9)), Err(StoreError::Pinned { .. })));
    assert_eq!(store.pinned_key(&logs.origin).unwrap(), Some(key(7)));
}

/// Goal: a replica that is set aside is kept whole, and nothing of it stays under the old name. Way: all of it is read
/// back under the new name, after a reopening, twice over.
#[test]
fn a_replica_set_aside_is_kept_whole_and_leaves_its_name_free() {
    let dir = tempfile::tempdir().unwrap();
    let (mut logs, from) = (Logs::new(), "b.example".parse::<AgencyId>().unwrap());
    let mut store = create(dir.path());
    let key = SigningKey::from_seed(KeyName::new(logs.origin.as_str()).unwrap(), KeyKind::Ed25519, &[7; 32]);
    let key = key.unwrap().verifier().clone();
    let mut drafts = vec![logs.genesis()];
    drafts.extend((1..200).map(|number| record(&format!("record {number}"))));
    let (frame, checkpoint, sealed) = logs.append(drafts);
    let late: Vec<_> = (1..200_usize)
        .map(|at| (index(at.try_into().unwrap()), opening_of(&logs.origin, &sealed[at], Slot::CORE)))
        .collect();
    for number in 1..=2 {
        store.begin_replica(&logs.origin, &key).unwrap();
        assert_eq!(store.seen_note(&logs.origin).unwrap(), None, "what the one before had seen");
        keep_seen(&store, &logs.origin, &checkpoint).unwrap();
        keep(&store, &frame).unwrap();
        store.keep_checkpoint(&logs.origin, &checkpoint).unwrap();
        keep_release(&store, &logs.origin, &late, 199, &mut Seeded(1 << 42)).unwrap();
        let booked = vec![Disclosed { index: index(1), slot: Slot::CORE }];
        store.assign_releases(&from, &logs.origin, ReleaseCursor::default(), &booking(&[booked], 1)).unwrap();
        let place = store.set_aside(&logs.origin, &mut Seeded(1 << 43)).unwrap();
        assert_eq!(place.as_str(), format!("a.example/aside/{number}"));
        assert!(is_set_aside(&place) && !is_set_aside(&logs.origin));
        store = reopen(store, dir.path());
        assert_eq!(store.role(&logs.origin).unwrap(), None);
        assert_eq!(store.pinned_key(&logs.origin).unwrap(), None);
        assert_eq!(store.held(&logs.origin).unwrap(), Head::EMPTY);
        assert_eq!(
            (store.newest_note(&logs.origin).unwrap(), store.seen_note(&logs.origin).unwrap()),
            (None, None)
        );
        assert_eq!(store.next_release(&from, &logs.origin).unwrap(), 0);
        assert_eq!(store.arrival(&logs.origin, 0).unwrap(), None);
        assert_eq!(store.release_cursor(&from, &logs.origin).unwrap(), ReleaseCursor::default());
        assert!(opened(&store, &logs.origin, 1, &[Slot::CORE]).iter().all(Option::is_none));
        assert_eq!(store.pinned_key(&place).unwrap().as_ref(), Some(&key));
        assert_eq!(store.held(&place).unwrap(), frame.head());
        assert_eq!(store.newest_note(&place).unwrap().unwrap(), checkpoint.as_bytes());
        assert_eq!(Head::from(&right_edge(&store.nodes(&place), frame.head().size).unwrap()), frame.head());
        store.scrub(&place, &[frame.head().size]).unwrap();
        for (at, opening) in &late {
            let held = opened(&store, &place, at.value(), &[Slot::CORE]);
            assert_eq!(held, [Some(opening.opening().clone())], "{at}");
        }
    }
    assert!(matches!(store.set_aside(&logs.origin, &mut Seeded(0)), Err(StoreError::NoSuchLog { .. })));
}

/// Goal: of two followers that go on from the same place one is refused, however they meet. Way: two threads keep each of
/// many frames at once.
#[test]
fn one_frame_is_kept_once_by_whoever_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let (mut logs, store) = (Logs::new(), create(dir.path()));
    store.create_log(&logs.origin, LogRole::Replica).unwrap();
    let genesis = logs.genesis();
    for round in 0..60_u32 {
        let draft = if round == 0 { genesis.clone() } else { record(&format!("record {round}")) };
        let (frame, _, _) = logs.append(vec![draft]);
        let meet = std::sync::Barrier::new(2);
        let keep = || {
            meet.wait();
            keep(&store, &frame)
        };
        let kept = std::thread::scope(|scope| {
            let other = scope.spawn(keep);
            [keep(), other.join().unwrap()]
        });
        let refused = kept.iter().filter(|kept| matches!(kept, Err(StoreError::NotNext { .. }))).count();
        assert_eq!((kept.iter().filter(|kept| kept.is_ok()).count(), refused), (1, 1), "round {round}");
        logs.replica.advance(&frame);
    }
    assert_eq!(store.held(&logs.origin).unwrap().size.value(), 60);
}
