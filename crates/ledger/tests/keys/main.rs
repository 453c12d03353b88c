//! The keys of a log: their bytes, which are signed for ever, and what no thief and no clumsy author can do with them.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(clippy::indexing_slicing, reason = "a wrong index is a failed test")]

mod attacks;
mod bytes;
mod successor;

use std::cell::RefCell;

use comity_ledger::{
    AuthorTime, Draft, Entropy, EntropyError, Entry, Genesis, Head, KeyAct, KeyEvent, KeyEventSigners,
    KeyFinding, KeyHistory, KeyRole, Origin, RoleKey, UnsignedKeyEvent,
};
use comity_tlog::{
    Checkpoint, EntryIndex, Hash, KeyKind, KeyName, RightEdge, SignedCheckpoint, SigningKey, TreeSize,
    VerifierKey,
};

/// Counts upwards, so that the pinned bytes can be computed by hand.
pub(crate) struct Counting(pub(crate) u8);

impl Entropy for Counting {
    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), EntropyError> {
        for byte in buffer {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

pub(crate) fn origin(name: &str) -> Origin {
    name.parse().unwrap()
}

pub(crate) fn key(name: &str, kind: KeyKind, seed: u8) -> SigningKey {
    SigningKey::from_seed(KeyName::new(name).unwrap(), kind, &[seed; 32]).unwrap()
}

/// The log keys of `agency-a.example/pub`, told apart by their seeds; the first that is in force has seed 2.
pub(crate) fn log_key(seed: u8) -> SigningKey {
    key("agency-a.example/pub", KeyKind::Ed25519, seed)
}

pub(crate) fn root_key(seed: u8) -> SigningKey {
    key("agency-a.example/root", KeyKind::Ed25519, seed)
}

pub(crate) fn size(entries: u64) -> TreeSize {
    TreeSize::new(entries).unwrap()
}

pub(crate) fn named(role: KeyRole, key: &SigningKey) -> RoleKey {
    RoleKey::signing(role, key.verifier()).unwrap()
}

pub(crate) fn add(new: &SigningKey, by: &SigningKey) -> KeyEvent {
    let act = KeyAct::Add { by: named(KeyRole::Log, by) };
    sign(named(KeyRole::Log, new), act, &root_key(1), Some(by), Some(new))
}

pub(crate) fn retire(old: &SigningKey, by: &SigningKey) -> KeyEvent {
    let act = KeyAct::Retire { by: named(KeyRole::Log, by) };
    sign(named(KeyRole::Log, old), act, &root_key(1), Some(by), Some(old))
}

pub(crate) fn revoke(stolen: &SigningKey, last_good: Head) -> KeyEvent {
    sign(named(KeyRole::Log, stolen), KeyAct::Revoke { last_good }, &root_key(1), None, None)
}

pub(crate) fn sign(
    key: RoleKey,
    act: KeyAct,
    root: &SigningKey,
    by: Option<&SigningKey>,
    own: Option<&SigningKey>,
) -> KeyEvent {
    let signers = KeyEventSigners { root, by, own };
    UnsignedKeyEvent::new(key, act).sign(&origin("agency-a.example/pub"), signers).unwrap()
}

pub(crate) fn entry_of(draft: Draft, of: &Origin) -> Vec<u8> {
    let sealed = draft.seal(of, AuthorTime::from_unix_secs(1_700_000_000), &mut Counting(9)).unwrap();
    sealed.bytes().as_bytes().to_vec()
}

/// A log as its author wrote it, and the history of its keys as a reader finds it.
pub(crate) struct Log {
    pub(crate) history: KeyHistory,
    heads: RefCell<Vec<Head>>,
    edge: RightEdge,
}

impl Log {
    /// `agency-a.example/pub` with its genesis.
    pub(crate) fn new() -> Self {
        let (of, root, first) = (origin("agency-a.example/pub"), root_key(1), log_key(2));
        let history = KeyHistory::new(of.clone(), first.verifier().clone());
        let mut log = Self { history, heads: RefCell::new(vec![Head::EMPTY]), edge: RightEdge::empty() };
        let genesis = Genesis::new(of.agency().clone(), root.verifier(), first.verifier()).unwrap();
        log.history.begin(&genesis).unwrap();
        log.append(genesis.draft()).unwrap();
        log
    }

    /// Appends an entry and takes it into the history.
    pub(crate) fn append(&mut self, draft: Draft) -> Result<(), KeyFinding> {
        let bytes = entry_of(draft, &origin("agency-a.example/pub"));
        let index = EntryIndex::new(self.edge.size().value()).unwrap();
        let heads = &self.heads;
        let past = |size: TreeSize| {
            let place = usize::try_from(size.value()).unwrap();
            heads.borrow().get(place).map(|head| head.root)
        };
        let before = self.history.clone();
        let taken = self.history.take(index, &Entry::parse(&bytes).unwrap(), &past);
        assert!(taken.is_ok() || self.history == before, "what counts for nothing changes nothing");
        self.edge.append(Hash::leaf(&bytes)).unwrap();
        self.heads.borrow_mut().push(Head::from(&self.edge));
        taken
    }

    pub(crate) fn key_event(&mut self, event: &KeyEvent) -> Result<(), KeyFinding> {
        self.append(event.draft())
    }

    /// Entries that are no key events.
    pub(crate) fn records(&mut self, count: usize) {
        for _ in 0..count {
            self.append(Draft::new(comity_ledger::Kind::Record, None)).unwrap();
        }
    }

    pub(crate) fn head(&self) -> Head {
        Head::from(&self.edge)
    }

    pub(crate) fn head_at(&self, entries: u64) -> Head {
        self.heads.borrow()[usize::try_from(entries).unwrap()]
    }

    /// Whether a checkpoint of as many entries, signed by these keys, is the author's.
    pub(crate) fn is_signed(&self, entries: u64, keys: &[SigningKey]) -> bool {
        self.history.verify(&note_of(self.head_at(entries), keys)).is_ok()
    }

    pub(crate) fn log_keys(&self, entries: u64) -> Vec<VerifierKey> {
        self.history.log_keys(size(entries))
    }
}

/// A checkpoint of this tree that all of these keys signed.
pub(crate) fn note_of(head: Head, keys: &[SigningKey]) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new("agency-a.example/pub", head.size, head.root).unwrap();
    let mut notes = keys.iter().map(|key| checkpoint.clone().sign(key).unwrap());
    let mut note = notes.next().unwrap();
    for other in notes {
        note = note.with_line(other.note().lines()[0].clone()).unwrap();
    }
    note
}

/// Goal: which key signs for which size is the same for everybody who reads the log. Way: a rotation with an overlap.
#[test]
fn a_key_is_in_force_by_log_position_and_both_sign_in_the_overlap() {
    let (old, new) = (log_key(2), log_key(3));
    let mut log = Log::new();
    log.records(2);
    log.key_event(&add(&new, &old)).unwrap();
    log.records(2);
    log.key_event(&retire(&old, &new)).unwrap();
    log.records(1);
    let (one, two) = (old.verifier().clone(), new.verifier().clone());
    for entries in 0..=3 {
        assert_eq!(
            log.log_keys(entries),
            std::slice::from_ref(&one),
            "before the tree with the new key, of 4 entries"
        );
    }
    for entries in [4, 5, 6] {
        assert_eq!(log.log_keys(entries), [one.clone(), two.clone()], "the overlap");
        for signers in [vec![log_key(2)], vec![log_key(3)], vec![log_key(2), log_key(3)]] {
            assert!(log.is_signed(entries, &signers), "{entries} entries");
        }
        let both = log.history.verify(&note_of(log.head_at(entries), &[log_key(2), log_key(3)])).unwrap();
        assert_eq!(both.note().signatures().len(), 2, "both lines are checked");
    }
    for entries in [7, 8] {
        assert_eq!(log.log_keys(entries), std::slice::from_ref(&two), "from the tree with the retirement on");
    }
    assert!(log.is_signed(3, &[log_key(2)]) && !log.is_signed(3, &[log_key(3)]));
    assert!(log.is_signed(7, &[log_key(3)]) && !log.is_signed(7, &[log_key(2)]));
    assert!(log.is_signed(7, &[log_key(2), log_key(3)]), "a line of a key that has ended is nobody's");
    assert_eq!(log.history.closed(), None);
}

/// Goal: a history that is led on entry by entry is that of a reader who comes later.
#[test]
fn a_second_rotation_goes_on_from_the_first_and_no_key_comes_back() {
    let mut log = Log::new();
    for seed in 3..20 {
        log.key_event(&add(&log_key(seed), &log_key(seed - 1))).unwrap();
        assert_eq!(log.key_event(&add(&log_key(99), &log_key(seed))), Err(KeyFinding::UnendedRotation));
        log.key_event(&retire(&log_key(seed - 1), &log_key(seed))).unwrap();
        assert_eq!(log.log_keys(log.head().size.value()), [log_key(seed).verifier().clone()]);
    }
    for seed in 2..20 {
        assert_eq!(log.key_event(&add(&log_key(seed), &log_key(19))), Err(KeyFinding::KnownKey), "{seed}");
    }
}

/// Goal: keys of the other roles are announced in the log too, and end there, also those that only the card has named.
#[test]
fn keys_of_other_roles_are_in_force_by_position_as_well() {
    let by = || KeyAct::Add { by: named(KeyRole::Log, &log_key(2)) };
    let gone = || KeyAct::Retire { by: named(KeyRole::Log, &log_key(2)) };
    let mut log = Log::new();
    for (role, name, kind, seed) in [
        (KeyRole::Witness, "witness", KeyKind::CosignatureV1, 11),
        (KeyRole::Mirror, "mirror", KeyKind::CosignatureV1, 12),
        (KeyRole::Statement, "statement", KeyKind::Ed25519, 13),
    ] {
        let new = key(&format!("agency-a.example/{name}"), kind, seed);
        let before = log.head().size;
        log.key_event(&sign(named(role, &new), by(), &root_key(1), Some(&log_key(2)), Some(&new))).unwrap();
        let in_force = |log: &Log, at| log.history.in_force(role, at).cloned().collect::<Vec<_>>();
        assert!(in_force(&log, before).is_empty());
        assert_eq!(in_force(&log, log.head().size), [named(role, &new)]);
        let from_card = key(&format!("agency-a.example/{name}"), kind, seed + 100);
        let verifying = |log: &Log, at| log.history.verifiers(role, from_card.verifier(), at);
        let [card, added] = [&from_card, &new].map(|key| key.verifier().clone());
        assert_eq!(verifying(&log, before), std::slice::from_ref(&card));
        assert_eq!(verifying(&log, log.head().size), [card, added.clone()]);
        log.key_event(&sign(named(role, &from_card), gone(), &root_key(1), Some(&log_key(2)), None)).unwrap();
        assert_eq!(in_force(&log, log.head().size), [named(role, &new)]);
        assert_eq!(verifying(&log, log.head().size), [added]);
        let again = sign(named(role, &from_card), by(), &root_key(1), Some(&log_key(2)), Some(&from_card));
        assert_eq!(log.key_event(&again), Err(KeyFinding::KnownKey), "{role}");
    }
    let authority = RoleKey::tls_authority(Hash::digest(b"a SubjectPublicKeyInfo"));
    log.key_event(&sign(authority.clone(), by(), &root_key(1), Some(&log_key(2)), None)).unwrap();
    let last_good = log.head();
    let act = KeyAct::Revoke { last_good };
    log.key_event(&sign(authority.clone(), act, &root_key(1), None, None)).unwrap();
    let in_force = |at| log.history.in_force(KeyRole::TlsAuthority, at).cloned().collect::<Vec<_>>();
    assert_eq!(in_force(last_good.size), [authority]);
    assert!(in_force(log.head().size).is_empty());
    assert_eq!(log.history.closed(), None, "the log goes on without it");
}
