//! How much evidence is kept against one author: enough to convict it whatever it does next, and never so much that
//! another goes free.
//!
//! Not here: how evidence is found (`gossip`, `lying_authors`), and what makes it void (`rotation`, `thief`).

use comity_ledger::{Evidence, Origin};
use comity_tlog::{Checkpoint, Hash, SignedCheckpoint, SigningKey, TreeSize, VerifiedCheckpoint};
use comity_wire::Heads;

use crate::attacks::{PeerClient, greeted};
use crate::claims::exchange;
use crate::recovery::Served;
use crate::successors::succeed_at;
use crate::support::{Agency, Running, free, until};

/// Evidence that an author made against itself: two trees of one size.
pub(crate) fn two_trees(author: &Agency, size: u64) -> Evidence {
    let key = std::fs::read_to_string(author.folder.join("keys/log.key")).unwrap();
    let key: SigningKey = key.trim().parse().unwrap();
    let signed = |text: String| -> VerifiedCheckpoint {
        let (size, root) = (TreeSize::new(size).unwrap(), Hash::leaf(text.as_bytes()));
        let note = Checkpoint::new(author.origin.as_str(), size, root).unwrap().sign(&key).unwrap();
        SignedCheckpoint::parse(note.as_bytes()).unwrap().verify(key.verifier(), &[]).unwrap()
    };
    Evidence::new(&signed(format!("one {size}")), &signed(format!("other {size}")), None).unwrap()
}

pub(crate) async fn say(client: &mut PeerClient, evidence: &[Evidence]) {
    for some in evidence.chunks(16) {
        let evidence = some.iter().map(|evidence| evidence.as_bytes().to_vec().into()).collect();
        exchange(client, Heads { evidence, ..Heads::default() }).await;
    }
}

fn kept(at: &Running, of: &Origin) -> Vec<Evidence> {
    let files = at.node.store().evidence_files().unwrap();
    let all = files.iter().map(|file| Evidence::parse(file).unwrap());
    all.filter(|evidence| evidence.origin() == of).collect()
}

/// Goal: an author that convicts itself without end costs a few files, and disables the conviction of nobody else. Way: X
/// sends more than as many pairs as are stated to a peer; then Y signs two histories, and B starts again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_that_convicts_itself_without_end_lets_no_other_one_go() {
    let place = tempfile::tempdir().unwrap();
    let [b, x, y] = ["bbb", "xxx", "yyy"].map(|name| Agency::new(place.path(), name));
    let at_b = b.start().await;
    at_b.add(&x, None, None);
    at_b.add(&y, None, None);
    let mut client = greeted(&x, &b, at_b.address).await;
    let pairs: Vec<_> = (1..=272).map(|number| two_trees(&x, 1_000 - number)).collect();
    say(&mut client, &pairs).await;
    assert_eq!(kept(&at_b, &x.origin).len(), 4);
    let of_y = two_trees(&y, 9);
    say(&mut client, std::slice::from_ref(&of_y)).await;
    assert_eq!(kept(&at_b, &y.origin), [of_y]);
    assert!(at_b.node.is_in_doubt(&x.origin) && at_b.node.is_in_doubt(&y.origin));
    // What is held in memory, and said to peers, is what is kept.
    let said = exchange(&mut client, Heads::default()).await;
    assert_eq!(said.evidence_held.len(), 5);
    drop(client);
    at_b.stop().await;
    let at_b = b.start().await;
    until(|| at_b.node.is_in_doubt(&x.origin) && at_b.node.is_in_doubt(&y.origin)).await;
    at_b.stop().await;
}

/// Goal: the own log states little of one author, however much of it comes. Way: X has published ten entries, and makes
/// evidence of each size down to the first, each of which takes the place of a larger one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_own_log_states_a_few_convictions_of_one_author_and_the_smallest_are_kept() {
    let place = tempfile::tempdir().unwrap();
    let [b, x] = ["bbb", "xxx"].map(|name| Agency::new(place.path(), name));
    let mut at_x = x.start().await;
    at_x.add(&b, None, None);
    let head = at_x.append(free(&x, 9, "record"));
    crate::recovery::add_at_rest(&b, &x, at_x.address).await;
    let at_b = Served::start(&b).await;
    until(|| at_b.node.store().held(&x.origin).unwrap() == head).await;
    let mut client = greeted(&x, &b, at_b.address).await;
    let ends = || {
        let files = at_b.node.store().evidence_files().unwrap();
        let ends = files.iter().map(|file| Evidence::parse(file).unwrap().end().value());
        let mut ends: Vec<_> = ends.collect();
        ends.sort_unstable();
        ends
    };
    for size in (2..=10).rev() {
        say(&mut client, &[two_trees(&x, size)]).await;
        assert!(ends().contains(&size), "{size} is not in {:?}", ends());
    }
    assert_eq!(ends(), [2, 3, 4, 5]);
    // One that ends later than those says nothing new.
    say(&mut client, &[two_trees(&x, 7)]).await;
    assert_eq!(ends(), [2, 3, 4, 5]);
    let own_size = || at_b.node.store().held(&b.origin).unwrap().size.value();
    until(|| own_size() == 1 + 4).await;
    for _ in 0..20 {
        at_b.node.tell_news();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(own_size(), 1 + 4);
    drop(client);
    at_b.stop().await;
    at_x.stop().await;
}

/// Goal: no author is let go by what it signed beyond the end of its log first. Way: X signs pairs of sizes that it never
/// came to, then two trees that it published; then it closes its log behind those, which makes the pairs void.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_author_that_signs_what_it_will_make_void_first_stays_convicted() {
    let place = tempfile::tempdir().unwrap();
    let [b, x] = ["bbb", "xxx"].map(|name| Agency::new(place.path(), name));
    let (mut at_x, at_b) = (x.start().await, b.start().await);
    at_x.add(&b, None, None);
    at_b.add(&x, Some(at_x.address), None);
    let head = at_x.append(free(&x, 9, "record"));
    at_b.reaches(&x.origin, head).await;
    let mut client = greeted(&x, &b, at_b.address).await;
    let beyond: Vec<_> = (20..30).map(|size| two_trees(&x, size)).collect();
    say(&mut client, &beyond).await;
    assert_eq!(kept(&at_b, &x.origin).len(), 4);
    let published = two_trees(&x, 8);
    say(&mut client, std::slice::from_ref(&published)).await;
    assert!(kept(&at_b, &x.origin).contains(&published));
    drop(client);
    at_x.stop().await;
    let next = succeed_at(&x, Some(head));
    let at_x = x.start().await;
    at_b.add(&x, Some(at_x.address), None);
    until(|| at_b.head(&next).is_some()).await;
    let closed = || at_b.node.store().keys(&x.origin).unwrap().closed() == Some(head);
    until(closed).await;
    // The pairs have been let go of when the alarm of that is over, and what was published has not.
    let held = || at_b.node.is_in_doubt(&x.origin);
    for _ in 0..20 {
        at_b.node.tell_news();
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        assert!(held());
    }
    at_b.stop().await;
    let at_b = b.start().await;
    until(|| at_b.node.is_in_doubt(&x.origin)).await;
    at_x.stop().await;
    at_b.stop().await;
}
