//! A follower goes along with the author's keys, from wherever it stands, and with no key that has ended.

use comity_ledger::{
    CheckpointKeyError, Draft, Frame, Head, KeyAct, KeyEvent, KeyEventSigners, KeyHistory, KeyRole, Kind,
    Origin, Rejection, Replica, RoleKey, UnsignedKeyEvent,
};
use comity_tlog::{Hash, KeyKind, RightEdge, SignedCheckpoint, SigningKey, TreeSize, VerifierKey};

use crate::{TestAuthor, key, size};

/// An author that keeps every note that it signed, and the history of its keys.
struct Rotating {
    author: TestAuthor,
    notes: Vec<(TreeSize, Vec<u8>)>,
    in_force: Vec<u8>,
}

fn log_key(seed: u8) -> SigningKey {
    key("agency-a.example/pub", KeyKind::Ed25519, seed)
}

fn root() -> SigningKey {
    key("agency-a.example/root", KeyKind::Ed25519, 1)
}

fn named(seed: u8) -> RoleKey {
    RoleKey::signing(KeyRole::Log, log_key(seed).verifier()).unwrap()
}

fn verifier(seed: u8) -> VerifierKey {
    log_key(seed).verifier().clone()
}

impl Rotating {
    fn new() -> Self {
        let author = TestAuthor::new(7, 2);
        let first = (size(1), author.note.clone());
        Self { author, notes: vec![first], in_force: vec![2] }
    }

    fn origin(&self) -> &Origin {
        &self.author.origin
    }

    fn keep(&mut self) {
        self.notes.push((self.author.author.head().size, self.author.note.clone()));
    }

    fn records(&mut self, count: usize) {
        self.author.records(count);
        self.keep();
    }

    /// Appends a key event, and signs the tree with these keys, told apart by their seeds.
    fn key_event(&mut self, event: &KeyEvent, in_force: &[u8]) {
        self.in_force = in_force.to_vec();
        self.author.author.change_keys(in_force.iter().map(|seed| log_key(*seed)).collect());
        self.author.append(vec![event.draft()]);
        self.keep();
    }

    fn event(&self, about: u8, act: KeyAct, by: Option<u8>) -> KeyEvent {
        let (by, own) = (by.map(log_key), log_key(about));
        let signers = KeyEventSigners { root: &root(), by: by.as_ref(), own: Some(&own) };
        UnsignedKeyEvent::new(named(about), act).sign(self.origin(), signers).unwrap()
    }

    fn add(&mut self, old: u8, new: u8) {
        let event = self.event(new, KeyAct::Add { by: named(old) }, Some(old));
        self.key_event(&event, &[old, new]);
    }

    fn retire(&mut self, old: u8, new: u8) {
        let event = self.event(old, KeyAct::Retire { by: named(new) }, Some(new));
        self.key_event(&event, &[new]);
    }

    fn head_at(&self, entries: usize) -> Head {
        let mut edge = RightEdge::empty();
        for entry in &self.author.entries[..entries] {
            edge.append(Hash::leaf(entry)).unwrap();
        }
        Head::from(&edge)
    }

    fn history(&self) -> KeyHistory {
        let replica = self.follower_of(self.author.entries.len());
        replica.keys().clone()
    }

    fn new_replica(&self) -> Replica {
        let keys = KeyHistory::new(self.origin().clone(), verifier(2)).with_root(root().verifier().clone());
        Replica::with_keys(keys, RightEdge::empty(), None)
    }

    /// A follower that holds as many entries, having followed each note up to there.
    fn follower_of(&self, entries: usize) -> Replica {
        let mut replica = self.new_replica();
        for (at, note) in self.notes.iter().filter(|(at, _)| *at <= size(entries)) {
            self.follow_note(&mut replica, note, *at, 256).unwrap();
        }
        assert_eq!(replica.size(), size(entries));
        replica
    }

    fn frame(&self, start: usize, end: usize, checkpoint: TreeSize) -> Frame {
        let to = usize::try_from(checkpoint.value()).unwrap();
        let entries = self.author.entries[start..end].to_vec();
        Frame::new(size(start), entries, self.author.proof(end, to)).unwrap()
    }

    fn follow_note(
        &self,
        replica: &mut Replica,
        note: &[u8],
        at: TreeSize,
        step: usize,
    ) -> Result<(), Rejection> {
        let checkpoint = replica.verify_note(note)?;
        let past = |size: TreeSize| {
            let entries = usize::try_from(size.value()).unwrap();
            (entries <= self.author.entries.len()).then(|| self.head_at(entries).root)
        };
        while replica.size() < at {
            let start = usize::try_from(replica.size().value()).unwrap();
            let end = usize::try_from(at.value()).unwrap().min(start + step).min((start / 256 + 1) * 256);
            let frame = replica.verify_frame_after(self.frame(start, end, at), &checkpoint, &past)?;
            replica.advance(&frame);
        }
        replica.saw(&checkpoint);
        Ok(())
    }

    /// Serves a follower as a node does: the newest note that it can verify, and then the next one.
    fn serve(&self, replica: &mut Replica, step: usize) -> Result<(), Rejection> {
        let history = self.history();
        loop {
            let limit = history.verifiable_from(replica.size());
            let fits = |at: TreeSize| limit.is_none_or(|limit| at <= limit);
            let newest = self.notes.iter().rev().find(|(at, _)| fits(*at)).unwrap();
            if newest.0 <= replica.size() {
                return Ok(());
            }
            self.follow_note(replica, &newest.1, newest.0, step)?;
        }
    }
}

/// Goal: whoever follows from anywhere comes through any number of rotations. Way: three rotations with long and short
/// overlaps, and followers that stopped at every note, served by a node that keeps all notes.
#[test]
fn a_follower_comes_through_rotations_from_wherever_it_stands() {
    let mut log = Rotating::new();
    log.records(3);
    log.add(2, 3);
    log.records(300);
    log.retire(2, 3);
    log.records(1);
    log.add(3, 4);
    log.retire(3, 4);
    log.add(4, 5);
    log.records(40);
    log.retire(4, 5);
    log.records(2);
    let stops: Vec<usize> = log.notes.iter().map(|(at, _)| usize::try_from(at.value()).unwrap()).collect();
    for stop in std::iter::once(0).chain(stops) {
        for step in [1, 7, 256] {
            let mut replica = log.follower_of(stop);
            log.serve(&mut replica, step).unwrap();
            assert_eq!(replica.newest(), Some(log.author.author.head()), "from {stop} in steps of {step}");
            assert_eq!(replica.keys().log_keys(replica.size()), [verifier(5)]);
            assert_eq!(replica.keys(), &log.history(), "the keys are those of whoever followed all along");
        }
    }
}

/// Goal: the order in which a node serves is needed. Way: a follower from before a rotation gets the newest note at once.
#[test]
fn a_note_of_a_key_that_was_not_seen_to_come_is_rejected_and_accuses_nobody() {
    let mut log = Rotating::new();
    log.records(3);
    let replica = log.follower_of(4);
    log.add(2, 3);
    let overlap = log.notes.last().unwrap().1.clone();
    log.retire(2, 3);
    let rejected = replica.verify_note(&log.author.note).unwrap_err();
    assert!(matches!(rejected, Rejection::Signature { .. }), "{rejected:?}");
    assert_eq!(rejected.doubt(), None);
    replica.verify_note(&overlap).unwrap();
    assert_eq!(log.history().verifiable_from(replica.size()), Some(size(5)));
    assert_eq!(log.history().verifiable_from(size(5)), None);
}

/// Goal: a thief of a key that was retired or revoked gets nothing in, also where the follower has not come to that
/// event. Way: the thief signs, beyond that event, the author's own entries and one more.
#[test]
fn a_thief_of_a_key_that_has_ended_gets_nothing_into_a_replica() {
    for revoked in [false, true] {
        let mut log = Rotating::new();
        log.records(3);
        log.add(2, 3);
        log.records(2);
        let before = log.author.entries.len();
        if revoked {
            let last_good = log.head_at(before);
            let event = log.event(2, KeyAct::Revoke { last_good }, None);
            log.key_event(&event, &[3]);
        } else {
            log.retire(2, 3);
        }
        log.records(3);
        let honest = log.author.note.clone();
        let at = log.author.author.head().size;
        let behind = log.follower_of(before);
        let mut complete = log.follower_of(log.author.entries.len());
        log.author.author.change_keys(vec![log_key(2)]);
        log.author.records(1);
        let stolen = log.author.note.clone();
        let rejection = Rejection::KeyOutOfForce { size: log.author.author.head().size };
        assert_eq!(complete.verify_note(&stolen), Err(rejection.clone()));
        // Whoever is behind learns of it with the very frame that says so, and keeps nothing of that.
        let mut replica = behind.clone();
        let all = log.author.author.head().size;
        let taken = log.follow_note(&mut replica, &stolen, all, 1);
        assert_eq!(taken, Err(rejection), "revoked: {revoked}");
        assert_eq!(replica.size(), behind.size());
        log.follow_note(&mut complete, &honest, at, 256).unwrap();
    }
}

/// Goal: a revocation counts with the tree that it names and no other, wherever that tree ends.
#[test]
fn a_revocation_is_compared_with_the_tree_that_is_held() {
    let mut log = Rotating::new();
    log.records(300);
    log.add(2, 3);
    let here = log.author.entries.len();
    for (named_size, root, counts) in [
        (here, None, true),
        (here, Some(Hash::EMPTY_ROOT), false),
        (200, None, true),
        (200, Some(Hash::EMPTY_ROOT), false),
    ] {
        let mut log = Rotating { author: replayed(&log), notes: log.notes.clone(), in_force: vec![2, 3] };
        let mut last_good = log.head_at(named_size);
        last_good.root = root.unwrap_or(last_good.root);
        let event = log.event(2, KeyAct::Revoke { last_good }, None);
        let mut replica = log.follower_of(here);
        log.key_event(&event, if counts { &[3] } else { &[2, 3] });
        let (at, note) = log.notes.last().unwrap().clone();
        let checkpoint = replica.verify_note(&note).unwrap();
        let past = |size: TreeSize| Some(log.head_at(usize::try_from(size.value()).unwrap()).root);
        let frame = log.frame(here, here + 1, at);
        assert!(frame.has_key_events());
        let frame = replica.verify_frame_after(frame, &checkpoint, &past).unwrap();
        assert_eq!(frame.key_findings().is_empty(), counts, "{named_size} {root:?}");
        replica.advance(&frame);
        assert_eq!(replica.keys().log_keys(at).len(), if counts { 1 } else { 2 });
        assert_eq!(replica.keys().closed().is_some(), counts && named_size < here);
    }
}

/// The same author once more.
fn replayed(log: &Rotating) -> TestAuthor {
    let mut again = TestAuthor::new(7, 2);
    again.entries.clone_from(&log.author.entries);
    again.note.clone_from(&log.author.note);
    let mut edge = RightEdge::empty();
    for entry in &again.entries {
        edge.append(Hash::leaf(entry)).unwrap();
    }
    let keys = log.in_force.iter().map(|seed| log_key(*seed)).collect();
    again.author = comity_ledger::Author::with_keys(again.origin.clone(), keys, edge);
    again
}

#[test]
fn an_entry_that_is_no_key_event_is_held_and_found() {
    let mut log = Rotating::new();
    let junk = Draft::new(Kind::Key, None).with_public_body(b"junk".to_vec());
    log.author.append(vec![junk]);
    let mut replica = log.follower_of(1);
    let checkpoint = replica.verify_note(&log.author.note).unwrap();
    let frame = replica.verify_frame(log.frame(1, 2, size(2)), &checkpoint).unwrap();
    let places: Vec<u64> = frame.key_findings().iter().map(|(index, _)| index.value()).collect();
    assert_eq!(places, [1]);
    replica.advance(&frame);
    assert_eq!((replica.size(), replica.keys().log_keys(size(2))), (size(2), vec![verifier(2)]));
}

/// Goal: the root key of the card is that of the genesis, also for whoever was given the right log key.
#[test]
fn a_genesis_with_another_root_key_than_the_card_is_rejected() {
    let log = Rotating::new();
    let stranger = key("agency-a.example/root", KeyKind::Ed25519, 9);
    let keys = KeyHistory::new(log.origin().clone(), verifier(2)).with_root(stranger.verifier().clone());
    let replica = Replica::with_keys(keys, RightEdge::empty(), None);
    let checkpoint = replica.verify_note(&log.author.note).unwrap();
    let rejected = replica.verify_frame(log.frame(0, 1, size(1)), &checkpoint);
    assert_eq!(rejected.unwrap_err(), Rejection::Genesis);
}

/// Goal: in the overlap a note is the author's only if both lines are good.
#[test]
fn a_bad_line_of_either_key_spoils_the_note_in_the_overlap() {
    let mut log = Rotating::new();
    log.add(2, 3);
    let replica = log.follower_of(2);
    let text = String::from_utf8(log.author.note.clone()).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('\u{2014}')).collect();
    assert_eq!(lines.len(), 2, "{text}");
    for line in lines {
        let (head, signature) = line.rsplit_once(' ').unwrap();
        let middle = signature.len() / 2;
        let turned = if signature.as_bytes()[middle] == b'A' { "B" } else { "A" };
        let bad = format!("{head} {}{turned}{}", &signature[..middle], &signature[middle + 1..]);
        let rejected = replica.verify_note(text.replace(line, &bad).as_bytes());
        assert!(matches!(rejected, Err(Rejection::Signature { .. })), "{rejected:?}");
        let without = text.replace(&format!("{line}\n"), "");
        replica.verify_note(without.as_bytes()).unwrap();
    }
}

/// Goal: whoever stands before a revocation that closes the log is led through to it, also where the last good checkpoint
/// is one from before the rotation, so that every note which leads there is void by the end. Way: from every note.
#[test]
fn a_follower_is_led_to_a_revocation_that_makes_void_what_leads_there() {
    let mut log = Rotating::new();
    for count in [3, 2] {
        log.records(count);
    }
    log.add(2, 3);
    log.records(1);
    let before: Vec<usize> = log.notes.iter().map(|(at, _)| usize::try_from(at.value()).unwrap()).collect();
    let last_good = log.head_at(4);
    let event = log.event(2, KeyAct::Revoke { last_good }, None);
    log.key_event(&event, &[3]);
    for stop in std::iter::once(0).chain(before) {
        for step in [1, 7, 256] {
            let mut replica = log.follower_of(stop);
            log.serve(&mut replica, step).unwrap();
            assert_eq!(replica.newest(), Some(log.author.author.head()), "from {stop} in steps of {step}");
            assert_eq!(replica.keys().closed(), Some(last_good));
            let void = SignedCheckpoint::parse(&log.notes[2].1).unwrap();
            let refused = replica.keys().verify(&void).unwrap_err();
            assert_eq!(refused, CheckpointKeyError::OutOfForce { size: size(6) });
            replica.keys().verify_as_then(&void).unwrap();
        }
    }
}

/// Goal: nobody can spoil a note for the time when its other key is known. Way: the line of the new key turned, and shown to
/// a follower that has not read of it.
#[test]
fn a_bad_line_of_a_key_that_comes_later_is_not_kept() {
    let mut log = Rotating::new();
    log.add(2, 3);
    log.records(1);
    let (at, note) = log.notes.last().unwrap().clone();
    let text = String::from_utf8(note).unwrap();
    let line = text.lines().next_back().unwrap();
    let (head, signature) = line.rsplit_once(' ').unwrap();
    let middle = signature.len() / 2;
    let turned = if signature.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let bad =
        text.replace(line, &format!("{head} {}{turned}{}", &signature[..middle], &signature[middle + 1..]));
    let mut replica = log.follower_of(1);
    let checkpoint = replica.verify_note(bad.as_bytes()).unwrap();
    assert!(!checkpoint.as_bytes().ends_with(bad.lines().next_back().unwrap().as_bytes()));
    log.follow_note(&mut replica, bad.as_bytes(), at, 256).unwrap();
    assert_eq!(replica.keys().log_keys(at), [verifier(2), verifier(3)]);
    let kept = SignedCheckpoint::parse(checkpoint.as_bytes()).unwrap();
    replica.keys().verify(&kept).unwrap();
}
