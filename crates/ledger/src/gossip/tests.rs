//! Two nodes that were shown different faces, and what they come to when they meet.

use super::*;
use crate::test_log::{ORIGIN, TestLog, at, author, keys, line};

fn name() -> OriginDigest {
    OriginDigest::of_text(ORIGIN)
}

/// A node that holds so many entries of a face.
struct Party {
    gossip: Gossip,
    log: TestLog,
    /// Of the other.
    seen: Seen,
}

impl Party {
    fn new(log: &TestLog, entries: u64) -> Self {
        let mut gossip = Gossip::new(Generation::new(1_000));
        assert_eq!(gossip.put(log.checkpoint(entries)), None);
        Self { gossip, log: log.clone(), seen: Seen::default() }
    }

    fn stated(&self) -> PeerHeads {
        PeerHeads::new(&self.gossip.digests(&self.seen))
    }

    fn update_for(&self, other: &Self) -> Option<HeadUpdate> {
        self.gossip.update(&name(), &other.stated(), &self.log)
    }

    fn take(&mut self, update: &HeadUpdate) -> Gossiped {
        self.take_at(update, 100)
    }

    fn take_at(&mut self, update: &HeadUpdate, secs: u64) -> Gossiped {
        let origin = author().name().as_str().parse().unwrap();
        let authors = KeyHistory::new(origin, author().verifier().clone());
        let gossiped = self.gossip.take(update, &authors, &keys("bc"), at(secs), &self.log);
        self.seen.note(update, &gossiped);
        gossiped
    }

    fn takes_line(&mut self, agency: char, entries: u64, secs: u64) {
        let line = line(agency, &self.log.checkpoint(entries), secs);
        let held = self.gossip.cosigned_mut(&name()).unwrap();
        assert_eq!(held.take(&line, &keys("bc"), at(secs)), LineTaken::New);
    }
}

fn faces() -> [TestLog; 2] {
    [TestLog::new(300, 300), TestLog::new(300, 6)]
}

#[test]
fn a_split_view_is_found_whatever_the_sizes() {
    let [one, other] = faces();
    for (ours, theirs) in [(9, 9), (7, 9), (8, 9), (9, 7), (16, 8), (256, 257), (300, 255)] {
        let (mut b, mut c) = (Party::new(&one, ours), Party::new(&other, theirs));
        let mut found = Vec::new();
        if let Some(update) = b.update_for(&c) {
            found.push(c.take(&update));
        }
        if let Some(update) = c.update_for(&b) {
            found.push(b.take(&update));
        }
        let fork = found.iter().any(|found| matches!(found, Gossiped::Fork(_)));
        assert!(fork, "{ours} {theirs}: {found:?}");
    }
}

#[test]
fn one_face_in_two_sizes_accuses_nobody() {
    let [one, _] = faces();
    for (ours, theirs) in [(9, 9), (7, 9), (8, 9), (256, 257)] {
        let (mut b, mut c) = (Party::new(&one, ours), Party::new(&one, theirs));
        if let Some(update) = b.update_for(&c) {
            let taken = c.take(&update);
            assert!(matches!(taken, Gossiped::Nothing | Gossiped::Lines { new: 0, refused: 0 }), "{taken:?}");
        }
        if ours == theirs {
            continue;
        }
        if let Some(update) = c.update_for(&b) {
            let ahead = Gossiped::Ahead { checkpoint: Box::new(one.checkpoint(theirs)), proven: true };
            assert_eq!(b.take(&update), ahead, "{ours} {theirs}");
            assert_eq!(b.gossip.put(one.checkpoint(theirs)), Some(one.checkpoint(theirs)));
        }
    }
}

/// A checkpoint that others have shown is remembered: an author that shows another tree later is convicted by it.
#[test]
fn what_was_shown_by_others_convicts_an_author_that_goes_on_otherwise() {
    let [one, other] = faces();
    let (mut b, c) = (Party::new(&one, 5), Party::new(&one, 9));
    b.take(&c.update_for(&b).unwrap());
    // The author shows B the other face, which parts after 6 entries.
    let shown = b.gossip.put(other.checkpoint(12)).unwrap();
    let found = compare(&other.checkpoint(12), &shown, &other);
    assert!(matches!(found, Gossiped::Fork(_)), "{found:?}");
}

#[test]
fn a_bad_proof_a_forged_note_and_an_old_note_accuse_nobody() {
    let [one, other] = faces();
    let (mut b, c) = (Party::new(&one, 7), Party::new(&one, 12));
    let good = c.update_for(&b).unwrap();
    let with = |change: &dyn Fn(&mut comity_tlog::SignedCheckpoint, &mut Option<Beginning>)| {
        let mut update = good.clone();
        let HeadNews::Checkpoint { note, beginning } = &mut update.news else { panic!("no note") };
        change(note, beginning);
        update
    };
    // A beginning of another tree, and a proof that does not fit.
    let lied = with(&|_, beginning| beginning.as_mut().unwrap().head.root = other.head(7).root);
    assert_eq!(b.take(&lied), Gossiped::Unfit);
    let short =
        with(&|_, beginning| beginning.as_mut().unwrap().proof = comity_tlog::ConsistencyProof::default());
    assert_eq!(b.take(&short), Gossiped::Unfit);
    let unproven = with(&|_, beginning| *beginning = None);
    assert_eq!(
        b.take(&unproven),
        Gossiped::Ahead { checkpoint: Box::new(one.checkpoint(12)), proven: false }
    );
    let elsewhere = with(&|_, beginning| beginning.as_mut().unwrap().head.size = crate::test_log::size(6));
    assert!(matches!(b.take(&elsewhere), Gossiped::Ahead { proven: false, .. }));
    let thief =
        comity_tlog::SigningKey::from_seed(author().name().clone(), comity_tlog::KeyKind::Ed25519, &[7; 32]);
    let forged = one.checkpoint(12).checkpoint().clone().sign(&thief.unwrap()).unwrap();
    assert_eq!(b.take(&with(&|note, _| *note = forged.clone())), Gossiped::Unfit);
    // What an author signed before may be shown by others at any time.
    assert_eq!(b.take(&with(&|note, _| *note = one.signed(3))), Gossiped::Nothing);
    assert!(matches!(b.take(&with(&|note, _| *note = other.signed(7))), Gossiped::Fork(_)));
}

#[test]
fn lines_go_to_those_who_lack_them_and_come_to_rest() {
    let [one, _] = faces();
    let (mut b, mut c) = (Party::new(&one, 9), Party::new(&one, 9));
    b.takes_line('b', 9, 90);
    assert_eq!(b.gossip.lacking(&c.stated()), [name()]);
    let update = b.update_for(&c).unwrap();
    assert_eq!(c.take(&update), Gossiped::Lines { new: 1, refused: 0 });
    assert_eq!(c.take(&update), Gossiped::Lines { new: 0, refused: 0 }, "a replayed line");
    assert_eq!(c.gossip.cosigned(&name()).unwrap().note(), b.gossip.cosigned(&name()).unwrap().note());
    // C has seen what B has: B has nothing more to say.
    assert_eq!(b.gossip.lacking(&c.stated()), []);
    assert_eq!(b.update_for(&c), None);
    // C has a line by now of which B cannot know that C has it from B; B has none of its own to say.
    let update = c.update_for(&b).unwrap();
    assert_eq!(b.take(&update), Gossiped::Lines { new: 0, refused: 0 });
    assert_eq!(c.gossip.lacking(&b.stated()), []);
}

#[test]
fn of_a_log_without_lines_it_comes_to_rest_as_well() {
    let [one, _] = faces();
    let (b, mut c) = (Party::new(&one, 9), Party::new(&one, 9));
    let update = b.update_for(&c).unwrap();
    assert_eq!(c.take(&update), Gossiped::Lines { new: 0, refused: 0 });
    assert_eq!(b.update_for(&c), None);
}

#[test]
fn a_line_of_the_future_is_not_seen_before_it_is_taken() {
    let [one, _] = faces();
    let (mut b, mut c) = (Party::new(&one, 9), Party::new(&one, 9));
    b.takes_line('b', 9, 300);
    let update = b.update_for(&c).unwrap();
    assert_eq!(c.take_at(&update, 239), Gossiped::Lines { new: 0, refused: 1 });
    // It is said again, whatever else comes, until its time has come.
    b.takes_line('c', 9, 230);
    let update = b.update_for(&c).unwrap();
    assert_eq!(c.take_at(&update, 239), Gossiped::Lines { new: 1, refused: 1 });
    assert_eq!(b.gossip.lacking(&c.stated()), [name()]);
    let update = b.update_for(&c).unwrap();
    assert_eq!(c.take_at(&update, 240), Gossiped::Lines { new: 1, refused: 0 });
    assert_eq!(b.update_for(&c), None);
}

#[test]
fn a_line_of_another_hand_is_not_seen() {
    let [one, _] = faces();
    let (mut b, mut c) = (Party::new(&one, 9), Party::new(&one, 9));
    b.takes_line('b', 9, 90);
    let mut update = b.update_for(&c).unwrap();
    let HeadNews::Lines { lines, .. } = &mut update.news else { panic!("no lines") };
    *lines = vec![line('b', &one.checkpoint(8), 90)];
    assert_eq!(c.take(&update), Gossiped::Lines { new: 0, refused: 1 });
    assert_eq!(b.gossip.lacking(&c.stated()), [name()]);
}

/// C had taken lines in, lost them with its process before they were synced, and is spoken to by B, who knows nothing of
/// that.
#[test]
fn a_peer_that_lost_lines_is_not_counted_as_having_them() {
    let [one, _] = faces();
    let (mut b, mut c) = (Party::new(&one, 9), Party::new(&one, 9));
    b.takes_line('b', 9, 90);
    c.take(&b.update_for(&c).unwrap());
    let stated_before = c.stated();
    let mut c = Party::new(&one, 9);
    // What B says now goes on from what the process before had seen; or nothing at all.
    b.takes_line('c', 9, 95);
    let update = b.gossip.update(&name(), &stated_before, &one).unwrap();
    assert_eq!(c.take(&update), Gossiped::Lines { new: 1, refused: 0 });
    assert_eq!(b.gossip.lacking(&c.stated()), [name()], "C has not seen what B said before");
    let update = b.update_for(&c).unwrap();
    assert_eq!(c.take(&update), Gossiped::Lines { new: 1, refused: 0 });
    let lines = |party: &Party| party.gossip.cosigned(&name()).unwrap().note();
    assert_eq!(lines(&c), lines(&b));
    assert_eq!(b.update_for(&c), None);
}

#[test]
fn nobody_is_told_of_logs_that_it_did_not_name() {
    let [one, _] = faces();
    let mut b = Party::new(&one, 9);
    let nothing = PeerHeads::default();
    let unseen = Seen::default();
    assert_eq!(b.gossip.lacking(&nothing), []);
    assert_eq!(b.gossip.update(&name(), &nothing, &one), None);
    let c = Party::new(&one, 12);
    let mut update = c.update_for(&b).unwrap();
    update.origin = OriginDigest::of_text("z.example/pub");
    assert_eq!(b.take(&update), Gossiped::Nothing, "nor is it heard of them");
    let generation = |party: &Party| party.gossip.digests(&unseen)[0].generation;
    let before = generation(&b);
    b.gossip.forget(&name());
    assert_eq!(b.gossip.digests(&unseen), []);
    b.gossip.put(one.checkpoint(9));
    assert!(generation(&b) > before, "never the same generation again");
}
