//! Authors that show two histories to one follower: the contradiction is evidence, wherever the follower comes upon it.

use comity_ledger::{AWAITED_MAX, Evidence, Head};
use comity_node::Home;
use comity_tlog::SignedCheckpoint;
use comity_wire::v1;
use comity_wire::v1::follow_response::Event;

use crate::played::{Played, recorded};
use crate::support::{Agency, Running, copy, free, until};

/// What an author with A's keys says: of its log, and of a twin of it that goes on otherwise.
struct TwoFaces {
    a: Agency,
    b: Agency,
    c: Agency,
    /// Checkpoint and frames of A's log.
    said: Vec<v1::FollowResponse>,
    /// The checkpoint of the twin's, which is smaller.
    other: v1::FollowResponse,
    heads: [Head; 2],
}

impl TwoFaces {
    /// A log of one entry more than `entries`, and a twin of one more than `others`.
    async fn new(place: &std::path::Path, entries: usize, others: usize) -> Self {
        let [a, b, c] = ["aaa", "bbb", "ccc"].map(|name| Agency::new(place, name));
        let twin = Agency { folder: place.join("twin"), id: a.id.clone(), origin: a.origin.clone() };
        let at_a = a.start().await;
        at_a.add(&b, None, None);
        at_a.stop().await;
        copy(&a.folder, &twin.folder);
        let (mut at_a, mut at_twin) = (a.start().await, twin.start().await);
        let heads = [at_a.append(free(&a, entries, "shown")), at_twin.append(free(&twin, others, "hidden"))];
        let said = recorded(&a, &b, &at_a, 1).await;
        let other = recorded(&twin, &b, &at_twin, 1).await.swap_remove(0);
        at_a.stop().await;
        at_twin.stop().await;
        let is_what_follows =
            |message: &v1::FollowResponse| !matches!(message.event, Some(Event::Release(_)));
        let said = said.into_iter().filter(is_what_follows).collect();
        Self { a, b, c, said, other, heads }
    }

    /// B, which follows whoever says this, and C, which knows B and is to learn of it.
    async fn told(&self, played: &Played) -> [Running; 2] {
        let (at_b, at_c) = (self.b.start().await, self.c.start().await);
        at_b.add(&self.c, Some(at_c.address), None);
        at_c.add(&self.b, Some(at_b.address), None);
        at_c.add(&self.a, None, Some(&self.b));
        at_b.add(&self.a, Some(played.address), None);
        [at_b, at_c]
    }

    /// That everybody holds the same evidence file of both heads, and takes the author for convicted.
    async fn is_caught(&self, parties: [Running; 2]) {
        for at in &parties {
            until(|| {
                at.node.is_in_doubt(&self.a.origin) && !at.node.store().evidence_files().unwrap().is_empty()
            })
            .await;
            let files = at.node.store().evidence_files().unwrap();
            let evidence = Evidence::parse(&files[0]).unwrap();
            assert_eq!(files.len(), 1);
            assert_eq!(
                evidence.trees().unwrap().heads(),
                [self.heads[1], self.heads[0]],
                "the smaller one first"
            );
            assert!(at.node.alarms().standing().iter().any(|alarm| alarm.key.code == "fork"));
        }
        for at in parties {
            at.stop().await;
        }
    }
}

/// Goal: an author whose entries are not those under a checkpoint that it signed before is convicted by the frame that
/// brings them, whether the frame ends at its checkpoint or long before. Way: B sees the twin's checkpoint and none of
/// its entries, then A's checkpoint and entries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_that_goes_on_otherwise_than_it_signed_is_convicted_by_the_frame() {
    for (entries, others) in [(3, 2), (300, 99), (300, 255)] {
        let place = tempfile::tempdir().unwrap();
        let faces = TwoFaces::new(place.path(), entries, others).await;
        let played = Played::by(&faces.a, &faces.b).await;
        played.say(vec![faces.other.clone()]);
        let parties = faces.told(&played).await;
        until(|| parties[0].state(&faces.a).seen == faces.heads[1].size).await;
        played.say(faces.said.clone());
        faces.is_caught(parties).await;
    }
}

/// Goal: an author that shows a smaller tree, which is not the beginning of the one whose entries are still coming, is
/// convicted by the proof that came with them. Way: A's checkpoint and its first frame, then the twin's checkpoint.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_smaller_tree_shown_while_entries_are_coming_convicts_its_author() {
    let place = tempfile::tempdir().unwrap();
    let faces = TwoFaces::new(place.path(), 300, 99).await;
    let played = Played::by(&faces.a, &faces.b).await;
    // The first frame ends before the checkpoint.
    played.say(vec![faces.said[0].clone(), faces.said[1].clone(), faces.other.clone()]);
    let parties = faces.told(&played).await;
    faces.is_caught(parties).await;
}

/// Goal: a restart while entries are still coming takes nothing from what convicts their author. Way: A's checkpoint and
/// its first frame; then B is started again, and the first that it is shown is the twin's checkpoint.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_smaller_tree_shown_after_a_restart_while_entries_are_coming_convicts_its_author() {
    let place = tempfile::tempdir().unwrap();
    let faces = TwoFaces::new(place.path(), 300, 99).await;
    let played = Played::by(&faces.a, &faces.b).await;
    played.say(faces.said[..2].to_vec());
    let [at_b, at_c] = faces.told(&played).await;
    until(|| at_b.node.store().held(&faces.a.origin).unwrap().size.value() == 256).await;
    at_b.stop().await;
    played.say(vec![faces.other.clone()]);
    let at_b = faces.b.start().await;
    at_c.add(&faces.b, Some(at_b.address), None);
    faces.is_caught([at_b, at_c]).await;
}

/// Goal: a proof that does not fit accuses nobody. Way: the frame of A's log comes with a checkpoint of the twin's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_that_does_not_fit_its_checkpoint_leaves_its_author_suspect_and_no_more() {
    let place = tempfile::tempdir().unwrap();
    let faces = TwoFaces::new(place.path(), 3, 5).await;
    let played = Played::by(&faces.a, &faces.b).await;
    played.say(vec![faces.other.clone(), faces.said[1].clone()]);
    let [at_b, at_c] = faces.told(&played).await;
    let codes = || -> Vec<_> { at_b.node.alarms().standing().iter().map(|alarm| alarm.key.code).collect() };
    until(|| codes() == ["suspect"]).await;
    assert!(at_b.node.store().evidence_files().unwrap().is_empty());
    assert!(!at_c.node.is_in_doubt(&faces.a.origin), "nobody else is told");
    at_b.stop().await;
    at_c.stop().await;
}

/// Goal: an author that signs one tree after the other and gives the entries of none takes no more of a disk than one whose
/// connections broke. Way: forty checkpoints in one stream, and a home in which all of them are kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_checkpoints_whose_entries_never_come_no_more_are_kept_than_are_awaited() {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let mut at_a = a.start().await;
    at_a.add(&b, None, None);
    let (mut said, mut head) = (Vec::new(), Head::EMPTY);
    for number in 0..40 {
        head = at_a.append(free(&a, 1, &format!("record {number}")));
        said.push(recorded(&a, &b, &at_a, 0).await.swap_remove(0));
    }
    let played = Played::by(&a, &b).await;
    played.say(said.clone());
    let at_b = b.start().await;
    at_b.add(&a, Some(played.address), None);
    until(|| at_b.state(&a).seen == head.size).await;
    let awaited = |at: &Running| at.node.store().awaited_notes(&a.origin).count();
    assert_eq!(awaited(&at_b), AWAITED_MAX);
    at_b.stop().await;
    // As a home has them that was filled before.
    {
        let open = Home::find(&b.folder).unwrap().open().unwrap();
        let keys = open.store().keys(&a.origin).unwrap();
        let mut step = open.store().replica_step(&a.origin).unwrap();
        for message in &said {
            let Some(Event::Checkpoint(checkpoint)) = &message.event else { panic!("{message:?}") };
            step.awaited(&keys.verify(&SignedCheckpoint::parse(&checkpoint.note).unwrap()).unwrap()).unwrap();
        }
        step.finish().unwrap();
        assert_eq!(open.store().awaited_notes(&a.origin).count(), said.len());
    }
    let at_b = b.start().await;
    until(|| awaited(&at_b) == AWAITED_MAX).await;
    // Nothing is lost by that to an author who had bad luck.
    at_b.add(&a, Some(at_a.address), None);
    at_b.reaches(&a.origin, head).await;
    until(|| awaited(&at_b) == 0).await;
    for at in [at_a, at_b] {
        at.stop().await;
    }
}
