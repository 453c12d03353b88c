//! What it costs to find that there is nothing new: a few bytes, however much the logs hold, and few more for each log.

use comity_ledger::{Frame, Generation, HeadDigest, HeadNews, HeadUpdate, Replica, digest_of_digests};
use comity_node::tls::Crl;
use comity_node::{Home, TlsKeys, now};
use comity_store::Store;
use comity_tlog::{ConsistencyProof, RightEdge, TreeSize};
use comity_wire::{Digests, HEAD_UPDATES_MAX, Heads, message_bytes, v1};
use rustls::pki_types::UnixTime;

use crate::attacks::{PeerClient, greeted};
use crate::support::Agency;

/// Most bytes of a comparison with 50 logs, request and answer.
const BYTES_MAX: usize = 4_096;
/// Most bytes of it for one log more: the name of a revocation list on the one side, and of another on the other.
const BYTES_PER_LOG_MAX: usize = 64;
const GENERATION: Generation = Generation::new(1);

/// Puts the log of an agency into a store, as following it would.
fn hold(store: &Store, of: &Agency) {
    let home = Home::find(&of.folder).unwrap();
    let other = home.open().unwrap();
    let note = other.store().newest_note(&of.origin).unwrap().unwrap();
    let key = home.card().unwrap().identity().log.clone();
    let mut replica = Replica::new(of.origin.clone(), key.clone(), RightEdge::empty(), None);
    let checkpoint = replica.verify_note(&note).unwrap();
    replica.saw(&checkpoint);
    let entries = other.store().entries(&of.origin, TreeSize::ZERO, checkpoint.checkpoint().size()).unwrap();
    let frame = Frame::new(TreeSize::ZERO, entries, ConsistencyProof::default()).unwrap();
    let frame = replica.verify_frame(frame, &checkpoint).unwrap();
    store.begin_replica(&of.origin, &key).unwrap();
    let mut step = store.replica_step(&of.origin).unwrap();
    step.seen(&checkpoint).unwrap();
    step.frames(&[frame]).unwrap();
    step.finish().unwrap();
    store.keep_checkpoint(&of.origin, &checkpoint).unwrap();
}

/// Takes in what a node has to say until that is nothing, and gives the messages of the comparison after that.
async fn no_change(
    client: &mut PeerClient,
    logs: usize,
) -> (v1::ExchangeHeadsRequest, v1::ExchangeHeadsResponse) {
    let (mut theirs, mut before, mut held): (Vec<HeadDigest>, _, _) = (Vec::new(), None, Vec::new());
    for _ in 0..2_000 {
        let ours = theirs.iter().map(|of| HeadDigest { generation: GENERATION, seen: of.generation, ..*of });
        let ours: Vec<HeadDigest> = ours.collect();
        let nothing = |of: &HeadDigest| {
            let news = HeadNews::Lines { since: Generation::default(), lines: Vec::new() };
            HeadUpdate { origin: of.origin, generation: GENERATION, news }
        };
        let unsaid = theirs.iter().filter(|of| of.seen != GENERATION).take(HEAD_UPDATES_MAX);
        let updates: Vec<HeadUpdate> = unsaid.map(nothing).collect();
        let is_told = updates.is_empty() && theirs.len() == logs;
        let known = (!theirs.is_empty()).then(|| digest_of_digests(&theirs));
        let hash = digest_of_digests(&ours);
        let digests =
            if is_told && before == Some(hash) { Digests::AsBefore(hash) } else { Digests::Now(ours) };
        let is_before = matches!(digests, Digests::AsBefore(_));
        before = Some(hash);
        let heads = Heads { digests, known, updates, lists_held: held.clone(), ..Heads::default() };
        let request = v1::ExchangeHeadsRequest::from(&heads.checked().unwrap());
        let answer = client.exchange_heads(request.clone()).await.unwrap().into_inner();
        if is_before
            && !answer.as_before.is_empty()
            && answer.updates.is_empty()
            && answer.revocation_lists.is_empty()
        {
            return (request, answer);
        }
        let answer = Heads::try_from(answer).unwrap();
        held = answer.lists_held;
        if let Digests::Now(digests) = answer.digests {
            theirs = digests;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("there is always something new");
}

/// The bytes of a comparison without news between two that know so many logs, each with a revocation list of its agency.
async fn bytes(logs: usize) -> usize {
    let place = tempfile::tempdir().unwrap();
    let [a, b] = ["aaa", "bbb"].map(|name| Agency::new(place.path(), name));
    let others: Vec<Agency> =
        (1..logs).map(|number| Agency::new(place.path(), &format!("c{number}"))).collect();
    {
        let open = Home::find(&a.folder).unwrap().open().unwrap();
        for other in &others {
            hold(open.store(), other);
        }
    }
    let at_a = a.start().await;
    at_a.add(&b, None, None);
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now().unix_secs()));
    for other in &others {
        at_a.add(other, None, None);
        let keys = TlsKeys::take(&Home::find(&other.folder).unwrap()).unwrap();
        let list = std::fs::read(keys.renew_crl(None, 90, now()).unwrap().path).unwrap();
        at_a.node.trust().put_crl(&other.id, Crl::from_file(&list).unwrap().der(), at).unwrap();
    }
    at_a.node.tell_news();
    let mut client = greeted(&b, &a, at_a.address).await;
    let (request, answer) = no_change(&mut client, logs).await;
    at_a.stop().await;
    for held in [&request.revocation_lists_held, &answer.revocation_lists_held] {
        assert_eq!(held.len(), others.len(), "each names all lists");
    }
    message_bytes(&request) + message_bytes(&answer)
}

/// Goal: gossip costs O(origins) and not O(entries): without news under 4 KiB with 50 logs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_without_news_of_fifty_logs_takes_under_four_kibibytes() {
    let (ten, fifty) = (bytes(10).await, bytes(50).await);
    assert!(fifty < BYTES_MAX, "{fifty} bytes with 50 logs");
    assert!(
        fifty > ten && fifty - ten <= 40 * BYTES_PER_LOG_MAX,
        "{ten} bytes with 10 logs, {fifty} with 50"
    );
}
