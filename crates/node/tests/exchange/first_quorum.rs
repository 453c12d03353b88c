//! By when entries existed, as a follower says that was away when a quorum first cosigned them.
//!
//! Not here: how the author comes to know it (`witnessed_time`).

use std::sync::atomic::Ordering;

use comity_ledger::{Card, Draft, Head, KeyRole, Kind};
use comity_node::{OtherReplica, Reach, bundle_of, now};
use comity_tlog::{
    Checkpoint, CosignatureTime, EntryIndex, Hash, KeyKind, KeyName, Policy, SignedCheckpoint, SigningKey,
    TreeSize, VerifierKey, root_at,
};
use comity_wire::v1::follow_response::Event;
use comity_wire::{first_quorum, v1};

use crate::attacks::greeted;
use crate::played::{Played, recorded};
use crate::support::{Agency, Running, free, until};
use crate::witnessed_time::told;

/// A log of A with a first quorum, and those who make it.
pub(crate) struct Author {
    pub(crate) a: Agency,
    /// Whose witnesses are the quorum.
    pub(crate) witnesses: [Agency; 2],
    pub(crate) at_a: Running,
    generation: u64,
    pub(crate) begun: u64,
}

/// The policy that asks for both witnesses.
fn policy(witnesses: &[Agency; 2]) -> String {
    let policy = Policy::threshold(witnesses.each_ref().map(witness).into(), 2).unwrap();
    String::from_utf8(policy.to_text()).unwrap()
}

pub(crate) fn witness(of: &Agency) -> VerifierKey {
    Card::parse(&of.card().0).unwrap().identity().witness.clone()
}

pub(crate) fn existed(at: &Running, log: &Agency, head: Head) -> Option<u64> {
    let index = EntryIndex::new(head.size.value() - 1).unwrap();
    at.node.store().existed_by(&log.origin, index).unwrap().map(CosignatureTime::value)
}

pub(crate) fn kept(at: &Running, log: &Agency, head: Head) -> Option<Vec<u8>> {
    at.node.store().first_quorum_of(&log.origin, head.size).unwrap()
}

impl Author {
    /// A, with peers C and D, by whose witnesses its own log is judged too, and with `others`.
    pub(crate) async fn new(place: &std::path::Path, others: &[&Agency]) -> Self {
        let [a, c, d] = ["aaa", "ccc", "ddd"].map(|name| Agency::new(place, name));
        let witnesses = [c, d];
        std::fs::write(a.folder.join("policy"), policy(&witnesses)).unwrap();
        let at_a = a.start().await;
        for peer in witnesses.iter().chain(others.iter().copied()) {
            at_a.add(peer, None, None);
        }
        Self { a, witnesses, at_a, generation: 0, begun: now().unix_secs() }
    }

    /// Has both witnesses cosign the newest checkpoint at these times from the beginning on.
    pub(crate) async fn cosigned(&mut self, head: Head, times: [i64; 2]) {
        let is_spoken = || {
            self.at_a.gossiping.log_states().contains_key(&self.a.origin)
                && self.at_a.head(&self.a.origin) == Some(head)
        };
        until(is_spoken).await;
        let lines = [(0, self.at(times[0])), (1, self.at(times[1]))];
        let generation = &mut self.generation;
        told((&self.a, &self.at_a), (&self.witnesses, head), generation, &lines, |_| {}).await;
    }

    pub(crate) fn at(&self, secs: i64) -> u64 {
        self.begun.checked_add_signed(secs).unwrap()
    }

    /// Adds A at a node, which judges its log by these witnesses.
    pub(crate) fn added_at(&self, at: &Running, endpoint: Option<String>, via: Option<&Agency>) {
        let (card, words) = self.a.card();
        let reach =
            Reach { endpoint, via: via.map(|via| via.id.clone()), policy: Some(policy(&self.witnesses)) };
        at.peers.add(at.node.store(), &card, &words, reach, OtherReplica::Refuse).unwrap();
    }
}

/// The times of these witnesses on a checkpoint of a node's bundle.
fn bundled(at: &Running, author: &Author, size: TreeSize) -> Vec<u64> {
    let mut found = None;
    let mut take = |name: &str, bytes: &[u8]| {
        if name.ends_with(&format!("/checkpoints/{size}"))
            && bytes.starts_with(author.a.origin.as_str().as_bytes())
        {
            found = Some(bytes.to_vec());
        }
        Ok(())
    };
    bundle_of(at.node.home(), at.node.store(), now(), &mut take).unwrap();
    let note = SignedCheckpoint::parse(&found.unwrap()).unwrap();
    let keys = at.node.store().keys(&author.a.origin).unwrap();
    let verified = keys.verify_with(&note, &author.witnesses.each_ref().map(witness)).unwrap();
    let mut times: Vec<u64> = verified.cosignatures().iter().map(|line| line.time().value()).collect();
    times.sort_unstable();
    times
}

/// Goal: a follower says by when entries existed as the author does, though it was away when they were first cosigned and
/// the log has grown since; so does one that follows through it, and both while they are connected. Way: a key event is
/// cosigned, then a later checkpoint; then B comes, and E through B; then another key event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_was_away_says_by_when_entries_existed_and_so_does_one_behind_it() {
    let place = tempfile::tempdir().unwrap();
    let [b, e] = ["bbb", "eee"].map(|name| Agency::new(place.path(), name));
    let mut author = Author::new(place.path(), &[&b]).await;
    let first = author.at_a.rotate(&author.a, KeyRole::Log);
    author.cosigned(first, [-50, -40]).await;
    let later = author.at_a.append(free(&author.a, 3, "later"));
    author.cosigned(later, [3, 5]).await;
    assert_eq!(existed(&author.at_a, &author.a, first), Some(author.at(-50)));
    assert_eq!(existed(&author.at_a, &author.a, later), Some(author.at(3)));

    let at_b = b.start().await;
    at_b.add(&author.witnesses[0], None, None);
    at_b.add(&author.witnesses[1], None, None);
    author.added_at(&at_b, Some(author.at_a.address.to_string()), None);
    at_b.add(&e, None, None);
    at_b.reaches(&author.a.origin, later).await;
    until(|| existed(&at_b, &author.a, first) == Some(author.at(-50))).await;
    let at_e = e.start().await;
    at_e.add(&author.witnesses[0], None, None);
    at_e.add(&author.witnesses[1], None, None);
    at_e.add(&b, Some(at_b.address), None);
    author.added_at(&at_e, None, Some(&b));
    until(|| existed(&at_e, &author.a, first) == Some(author.at(-50))).await;
    let note = kept(&author.at_a, &author.a, first);
    assert!(note.is_some());
    for at in [&at_b, &at_e] {
        assert_eq!(kept(at, &author.a, first), note, "byte for byte");
        assert_eq!(bundled(at, &author, first.size), [author.at(-50), author.at(-40)]);
        // What came later is not taken for older by that.
        until(|| existed(at, &author.a, later) == Some(author.at(3))).await;
        assert_eq!(at.state(&author.a).last_error, None);
    }

    let second = author.at_a.rotate(&author.a, KeyRole::Witness);
    author.cosigned(second, [7, 8]).await;
    let note = kept(&author.at_a, &author.a, second);
    assert!(note.is_some());
    for at in [&at_b, &at_e] {
        until(|| kept(at, &author.a, second) == note).await;
        assert_eq!(existed(at, &author.a, second), Some(author.at(7)));
    }
    // A start asks for all of them again, which is no news.
    at_b.stop().await;
    let at_b = b.start().await;
    at_b.reaches(&author.a.origin, second).await;
    assert_eq!(existed(&at_b, &author.a, first), Some(author.at(-50)));
    for at in [author.at_a, at_b, at_e] {
        at.stop().await;
    }
}

/// What A sends on one stream until it says that this was all.
async fn sent(author: &Author, to: &Agency, first_quorum_from: u64) -> Vec<Event> {
    let mut client = greeted(to, &author.a, author.at_a.address).await;
    let origin = author.a.origin.to_string();
    let request = v1::FollowRequest { origin, first_quorum_from, ..Default::default() };
    let mut stream = client.follow(request).await.unwrap().into_inner();
    let mut events = Vec::new();
    loop {
        match stream.message().await.unwrap().unwrap().event.unwrap() {
            Event::Heartbeat(_) => return events,
            event => events.push(event),
        }
    }
}

/// Goal: whoever does not ask for first quorums, as followers before them, is sent none, and whoever does those alone that
/// it asked for, after their entries. Way: streams that ask from nothing, from the first, and from beyond.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_quorums_go_to_those_alone_who_ask_for_them_and_after_their_entries() {
    let place = tempfile::tempdir().unwrap();
    let b = Agency::new(place.path(), "bbb");
    let mut author = Author::new(place.path(), &[&b]).await;
    let head = author.at_a.rotate(&author.a, KeyRole::Log);
    author.cosigned(head, [-5, -4]).await;
    let note = kept(&author.at_a, &author.a, head).unwrap();
    author.at_a.append(free(&author.a, 300, "record"));
    let is_first_quorum = |event: &Event| matches!(event, Event::FirstQuorum(_));
    let unasked = sent(&author, &b, 0).await;
    assert!(unasked.len() > 3 && !unasked.iter().any(is_first_quorum));
    assert!(!sent(&author, &b, head.size.value() + 1).await.iter().any(is_first_quorum));
    for from in [1, head.size.value()] {
        let asked = sent(&author, &b, from).await;
        let place = asked.iter().position(is_first_quorum).unwrap();
        assert!(!asked[place..].iter().any(|event| matches!(event, Event::Frame(_))), "entries come first");
        let said: Vec<&Event> = asked.iter().filter(|event| is_first_quorum(event)).collect();
        assert_eq!(said, [&Event::FirstQuorum(v1::Checkpoint { note: note.clone().into() })]);
    }
    author.at_a.stop().await;
}

/// An entry of which it must be provable when it took effect.
pub(crate) fn dated() -> Draft {
    Draft::new(Kind::Governance, None)
}

/// A recorded log of two checkpoints, of which each covers an entry whose time must be provable, and what is made of them.
pub(crate) struct Recorded {
    pub(crate) author: Author,
    b: Agency,
    /// What A sends for all of it.
    said: Vec<v1::FollowResponse>,
    /// The checkpoints without lines, the smaller one first.
    notes: [SignedCheckpoint; 2],
    log_key: SigningKey,
}

impl Recorded {
    async fn new(place: &std::path::Path) -> Self {
        let b = Agency::new(place, "bbb");
        let mut author = Author::new(place, &[&b]).await;
        let log_key = author.a.key("log");
        let mut notes = Vec::new();
        for text in ["older", "newer"] {
            let mut drafts = free(&author.a, 2, text);
            drafts.push(dated());
            let head = author.at_a.append(drafts);
            let text = Checkpoint::new(author.a.origin.as_str(), head.size, head.root).unwrap();
            notes.push(text.sign(&log_key).unwrap());
        }
        let said = recorded(&author.a, &b, &author.at_a, 1).await;
        Self { author, b, said, notes: notes.try_into().unwrap(), log_key }
    }

    /// With lines of witnesses of these times.
    pub(crate) fn cosigned(&self, note: &SignedCheckpoint, times: &[i64]) -> SignedCheckpoint {
        let lines: Vec<(&Agency, i64)> = self.author.witnesses.iter().zip(times.iter().copied()).collect();
        self.cosigned_by(note, &lines)
    }

    /// With lines of these agencies and times.
    pub(crate) fn cosigned_by(&self, note: &SignedCheckpoint, lines: &[(&Agency, i64)]) -> SignedCheckpoint {
        lines.iter().fold(note.clone(), |note, (agency, secs)| {
            let key = agency.key("witness");
            let time = CosignatureTime::new(self.author.at(*secs)).unwrap();
            note.with_line(key.cosign(note.checkpoint(), time).unwrap()).unwrap()
        })
    }

    /// The author's checkpoint of another size.
    pub(crate) fn of_size(&self, size: u64) -> SignedCheckpoint {
        let (origin, size) = (&self.author.a.origin, TreeSize::new(size).unwrap());
        let root = root_at(&self.author.at_a.node.store().nodes(origin), size).unwrap();
        Checkpoint::new(origin.as_str(), size, root).unwrap().sign(&self.log_key).unwrap()
    }

    fn other_root(&self) -> SignedCheckpoint {
        let size = self.notes[0].checkpoint().size();
        let text = Checkpoint::new(self.author.a.origin.as_str(), size, Hash::leaf(b"other")).unwrap();
        text.sign(&self.log_key).unwrap()
    }

    /// First quorums that are refused, each with words of the reason.
    fn hostile(&self) -> Vec<(v1::FollowResponse, &'static str)> {
        let [older, newer] = &self.notes;
        let origin = self.author.a.origin.as_str();
        let head = older.checkpoint();
        let raw = |note: Vec<u8>| v1::FollowResponse {
            event: Some(Event::FirstQuorum(v1::Checkpoint { note: note.into() })),
        };
        let of_another = Checkpoint::new("ccc.example/pub", head.size(), head.root()).unwrap();
        let beyond = Checkpoint::new(origin, newer.checkpoint().size().next().unwrap(), head.root()).unwrap();
        let beyond = self.cosigned(&beyond.sign(&self.log_key).unwrap(), &[-9, -8]);
        let stranger =
            SigningKey::from_seed(self.log_key.verifier().name().clone(), KeyKind::Ed25519, &[9; 32]);
        let stranger = self.cosigned(&head.clone().sign(&stranger.unwrap()).unwrap(), &[-9, -8]);
        let crowded = [older.as_bytes(), "— w.example/w AAAAAAAAAAA=\n".repeat(10_000).as_bytes()].concat();
        let elsewhere = self.cosigned(&of_another.sign(&self.log_key).unwrap(), &[-9, -8]);
        vec![
            (raw(vec![b'a'; 1_000_001]), "first_quorum.note has 1000001 bytes"),
            (raw(crowded), "first_quorum.note is not well formed"),
            (raw(Vec::new()), "first_quorum.note is missing"),
            (first_quorum(&stranger), "the author's key did not sign"),
            (first_quorum(&elsewhere), "another origin"),
            (first_quorum(&beyond), "came before its entries"),
        ]
    }

    /// The earlier tree with the lines that were made for the later one.
    fn moved(&self) -> SignedCheckpoint {
        let [older, newer] = &self.notes;
        let lines = self.cosigned(newer, &[-9, -8]).note().lines()[1..].to_vec();
        lines.into_iter().fold(older.clone(), |note, line| note.with_line(line).unwrap())
    }

    /// Two of them, to end streams with.
    pub(crate) fn two_hostile(&self) -> [(v1::FollowResponse, &'static str); 2] {
        let mut all = self.hostile();
        all.split_off(all.len() - 2).try_into().unwrap()
    }
}

/// B, which follows whoever has A's certificate, and holds all of the recorded log.
pub(crate) struct Stage {
    pub(crate) it: Recorded,
    played: Played,
    pub(crate) at_b: Running,
}

impl Stage {
    /// A sender that never sends a first quorum is followed as ever.
    pub(crate) async fn new(place: &std::path::Path) -> Self {
        let it = Recorded::new(place).await;
        let (played, at_b) = (Played::by(&it.author.a, &it.b).await, it.b.start().await);
        for witness in &it.author.witnesses {
            at_b.add(witness, None, None);
        }
        played.stays.store(true, Ordering::SeqCst);
        played.say(it.said.clone());
        let stage = Self { it, played, at_b };
        stage.followed();
        stage.at_b.reaches(&stage.it.author.a.origin, stage.heads()[1]).await;
        until(|| stage.at_b.sections(&stage.it.author.a.origin) == 16).await;
        assert_eq!(stage.at_b.state(&stage.it.author.a).last_error, None);
        stage
    }

    fn followed(&self) {
        self.it.author.added_at(&self.at_b, Some(self.played.address.to_string()), None);
    }

    fn heads(&self) -> [Head; 2] {
        self.it.notes.each_ref().map(|note| {
            let stated = note.checkpoint();
            Head { size: stated.size(), root: stated.root() }
        })
    }

    /// Lets B be told this by a new stream, of which the last message is refused with these words.
    pub(crate) async fn told(&self, messages: Vec<v1::FollowResponse>, words: &str) {
        self.played.say([vec![self.it.said[0].clone()], messages].concat());
        self.followed();
        self.at_b.fails(&self.it.author.a, words).await;
    }

    /// By when the entries of each of the two trees existed, in seconds from the beginning on.
    pub(crate) fn times(&self) -> [Option<i64>; 2] {
        let begun = self.it.author.begun;
        let from_then = |time: u64| i64::try_from(time).unwrap() - i64::try_from(begun).unwrap();
        self.heads().map(|head| existed(&self.at_b, &self.it.author.a, head).map(from_then))
    }

    fn kept(&self) -> [Option<Vec<u8>>; 2] {
        self.heads().map(|head| kept(&self.at_b, &self.it.author.a, head))
    }

    pub(crate) fn has_alarm(&self, code: &str) -> bool {
        self.at_b.node.alarms().standing().iter().any(|alarm| alarm.key.code == code)
    }

    pub(crate) async fn stop(self) {
        self.at_b.stop().await;
        self.it.author.at_a.stop().await;
    }
}

/// Goal: neither an author nor a relay makes a follower believe another time than its witnesses signed. Way: a node with A's
/// certificate says what is refused, each in a stream of its own; then what is true, and later and earlier times than that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_first_quorum_is_believed_that_witnesses_did_not_sign_for_the_tree_that_is_held() {
    let place = tempfile::tempdir().unwrap();
    let stage = Stage::new(place.path()).await;
    let it = &stage.it;
    let [older, newer] = &it.notes;
    for (message, words) in it.hostile() {
        stage.told(vec![message], words).await;
        assert_eq!((stage.times(), stage.kept()), ([None, None], [None, None]), "{words}");
    }
    assert_eq!(stage.at_b.head(&it.author.a.origin), Some(stage.heads()[1]), "what is held is held");
    assert!(!stage.has_alarm("fork") && !stage.has_alarm("suspect"));
    let said = |note: &SignedCheckpoint, times: [i64; 2]| first_quorum(&it.cosigned(note, &times));
    // The smaller tree was to come first: what comes behind the larger one was not asked for.
    stage.told(vec![said(newer, [-9, -8]), said(older, [-20, -19])], "where none below").await;
    let of_newer = it.cosigned(newer, &[-9, -8]);
    assert_eq!(stage.times(), [Some(-9), Some(-9)]);
    assert_eq!(stage.kept(), [None, Some(of_newer.as_bytes().to_vec())]);
    // The last that is held is asked for again: an earlier time of it counts, and a later one does not.
    let [(early, early_words), (strange, strange_words)] = it.two_hostile();
    stage.told(vec![said(newer, [-7, -6]), early], early_words).await;
    assert_eq!((stage.times()[1], stage.kept()[1].as_deref()), (Some(-9), Some(of_newer.as_bytes())));
    stage.told(vec![said(newer, [-6, -30]), strange], strange_words).await;
    assert_eq!(stage.times()[1], Some(-30));
    // Of each witness the earliest.
    assert_eq!(stage.kept()[1].as_deref(), Some(it.cosigned(newer, &[-9, -30]).as_bytes()));
    stage.stop().await;
}

/// Goal: a line that is forged or of a time to come proves nothing, and takes nothing from the lines beside it or from the
/// notes behind it; what too few witnesses signed is kept for others, and proves nothing here until the rest of it comes.
/// Way: as above; whoever put a forged line into an author's note would else hold up what the author says to others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_quorum_of_a_time_to_come_or_of_too_few_witnesses_proves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let stage = Stage::new(place.path()).await;
    let it = &stage.it;
    let [older, newer] = &it.notes;
    let said = |note: &SignedCheckpoint, times: &[i64]| first_quorum(&it.cosigned(note, times));
    let [(early, early_words), (strange, strange_words)] = it.two_hostile();
    let bytes = |note: &SignedCheckpoint| Some(note.as_bytes().to_vec());
    stage.told(vec![first_quorum(&it.moved()), strange.clone()], strange_words).await;
    assert_eq!((stage.times(), stage.kept()), ([None, None], [bytes(older), None]));
    stage.told(vec![said(older, &[-9, 3_600]), early.clone()], early_words).await;
    let alone = it.cosigned(older, &[-9]);
    assert_eq!((stage.times(), stage.kept()), ([None, None], [bytes(&alone), None]));
    // It is asked for again, with all the others.
    stage.told(vec![said(older, &[3_600, 3_600]), said(newer, &[-9, -8]), strange], strange_words).await;
    assert_eq!(stage.times(), [Some(-9), Some(-9)], "what is behind it counts");
    assert_eq!(stage.kept(), [bytes(&alone), bytes(&it.cosigned(newer, &[-9, -8]))]);
    // A line of somebody whom nobody here knows is neither believed nor passed on.
    let name = KeyName::new("w.example/w").unwrap();
    let unknown = SigningKey::from_seed(name, KeyKind::CosignatureV1, &[8; 32]).unwrap();
    let time = CosignatureTime::new(1).unwrap();
    let whole = it.cosigned(older, &[-20, -10]);
    let more = whole.with_line(unknown.cosign(older.checkpoint(), time).unwrap()).unwrap();
    stage.told(vec![first_quorum(&more), said(newer, &[-9, -8]), early], early_words).await;
    let newer = it.cosigned(newer, &[-9, -8]);
    assert_eq!(stage.times(), [Some(-20), Some(-9)]);
    assert_eq!(stage.kept(), [whole, newer].map(|note| Some(note.as_bytes().to_vec())));
    stage.stop().await;
}

/// Goal: whoever signed another tree of a size that is held and has it cosigned moves no time by that, and is convicted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_quorum_of_another_tree_than_is_held_convicts_its_author() {
    let place = tempfile::tempdir().unwrap();
    let stage = Stage::new(place.path()).await;
    let other = stage.it.cosigned(&stage.it.other_root(), &[-9, -8]);
    stage.told(vec![first_quorum(&other)], "of another history").await;
    assert_eq!((stage.times(), stage.kept()), ([None, None], [None, None]));
    until(|| stage.has_alarm("fork") && stage.at_b.node.is_in_doubt(&stage.it.author.a.origin)).await;
    until(|| stage.at_b.node.store().evidence_files().unwrap().len() == 1).await;
    assert_eq!(stage.at_b.head(&stage.it.author.a.origin), Some(stage.heads()[1]));
    stage.stop().await;
}
