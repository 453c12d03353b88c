//! Agencies for the tests: homes, running nodes, records. Not here: any claim.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use comity_ledger::{AgencyId, Draft, Head, Kind, Opening, Origin, Slot};
use comity_node::tls::{AcceptedRole, Caps, PeerListener, PeerTrust, TlsMaterial};
use comity_node::{
    ExchangeService, FollowParts, FollowState, Followers, Gossiping, Home, NewHome, Node, OtherReplica,
    OwnLogState, Peers, Reach, SystemEntropy, fingerprint, now,
};
use comity_policy::{LabelSet, Moment, defaults};
use comity_tlog::{SigningKey, TreeSize};
use comity_wire::exchange_server;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::transport::Server;

/// Longest that a test waits for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// A home that outlives the nodes that run in it.
pub(crate) struct Agency {
    pub(crate) folder: PathBuf,
    pub(crate) id: AgencyId,
    pub(crate) origin: Origin,
}

/// A running node.
pub(crate) struct Running {
    pub(crate) node: Arc<Node>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) own_log: OwnLogState,
    pub(crate) gossiping: Arc<Gossiping>,
    pub(crate) address: SocketAddr,
    /// What it presents, at its port and to those whom it calls.
    pub(crate) presented: TlsMaterial,
    followers: Followers,
    tasks: TaskTracker,
    stop: CancellationToken,
}

pub(crate) fn time() -> Arc<dyn TimeProvider> {
    Arc::new(DefaultTimeProvider)
}

impl Agency {
    pub(crate) fn new(place: &Path, name: &str) -> Self {
        let id: AgencyId = format!("{name}.example").parse().unwrap();
        let folder = place.join(name);
        let new = NewHome {
            folder: folder.clone(),
            agency: id.clone(),
            name: name.to_owned(),
            listen: "127.0.0.1:7443".to_owned(),
            admin: "127.0.0.1:7444".to_owned(),
        };
        new.create(now(), &mut SystemEntropy::new()).unwrap();
        Self { folder, origin: Origin::publication(&id), id }
    }

    pub(crate) fn material(&self) -> TlsMaterial {
        TlsMaterial::load(&self.folder.join("keys/tls-node.pem"), &self.folder.join("keys/tls-node.key"))
            .unwrap()
    }

    /// A secret key in its home: `log`, `witness`.
    pub(crate) fn key(&self, role: &str) -> SigningKey {
        let text = std::fs::read_to_string(self.folder.join(format!("keys/{role}.key"))).unwrap();
        text.trim().parse().unwrap()
    }

    /// The card and the words that its people say.
    pub(crate) fn card(&self) -> (Vec<u8>, String) {
        let card = Home::find(&self.folder).unwrap().card().unwrap();
        (card.as_bytes().to_vec(), fingerprint(card.identity()).unwrap().to_string())
    }

    pub(crate) async fn start(&self) -> Running {
        let home = Home::find(&self.folder).unwrap();
        let open = home.open().unwrap();
        let trust = PeerTrust::new();
        let peers = Arc::new(Peers::load(&home, trust.clone()).unwrap());
        let (node, own_log) = Node::start(open, trust.clone()).unwrap();
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let accepts = AcceptedRole::Nodes { except: Some(self.id.clone()) };
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        let presented = self.material();
        let bind = PeerListener::bind(any, &presented, trust, accepts, Caps::PEER_PORT, time());
        let listener = bind.await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = listener.start(&tasks, stop.clone());
        let gossiping = Gossiping::new(Arc::clone(&node), Arc::clone(&peers)).unwrap();
        let service = ExchangeService::new(Arc::clone(&gossiping), tasks.clone(), stop.clone());
        let (router, ended) = (Server::builder().add_service(exchange_server(service)), stop.clone());
        tasks.spawn(async move {
            router.serve_with_incoming_shutdown(accepted, ended.cancelled_owned()).await.unwrap();
        });
        let parts = FollowParts {
            node: Arc::clone(&node),
            peers: Arc::clone(&peers),
            material: presented.clone(),
            time: time(),
        };
        gossiping.start(&parts, None, &tasks, &stop);
        let followers = Followers::start(parts, &tasks, stop.clone());
        Running { node, peers, own_log, gossiping, address, presented, followers, tasks, stop }
    }
}

impl Running {
    /// Adds a peer at an address, or through a relay.
    pub(crate) fn add(&self, agency: &Agency, at: Option<SocketAddr>, via: Option<&Agency>) {
        let (card, words) = agency.card();
        let endpoint = at.map(|address| address.to_string());
        let reach = Reach { endpoint, via: via.map(|via| via.id.clone()), policy: None };
        self.peers.add(self.node.store(), &card, &words, reach, OtherReplica::Refuse).unwrap();
    }

    /// Signs entries and tells the streams.
    pub(crate) fn append(&mut self, drafts: Vec<Draft>) -> Head {
        let OwnLogState::Writable(log) = &mut self.own_log else { panic!("read only") };
        let head = log.append(drafts, now(), &mut SystemEntropy::new()).unwrap().head();
        self.node.tell_news();
        head
    }

    /// Ends all tasks; the store is closed when this returns.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        tokio::time::timeout(PATIENCE, self.tasks.wait()).await.expect("tasks did not end");
        let store = Arc::downgrade(self.node.store());
        drop((self.node, self.peers, self.own_log, self.gossiping, self.followers));
        until(|| store.upgrade().is_none()).await;
    }

    /// The tree of a log as far as it is complete.
    pub(crate) fn head(&self, origin: &Origin) -> Option<Head> {
        let note = self.node.store().newest_note(origin).unwrap()?;
        let signed = comity_tlog::SignedCheckpoint::parse(&note).unwrap();
        Some(Head { size: signed.checkpoint().size(), root: signed.checkpoint().root() })
    }

    pub(crate) async fn reaches(&self, origin: &Origin, head: Head) {
        until(|| self.head(origin) == Some(head)).await;
    }

    /// The openings held of each entry, by slot.
    pub(crate) fn openings(&self, origin: &Origin) -> Vec<Vec<Option<Opening>>> {
        let slots: Vec<Slot> = (0..=9).map(Slot::new).collect();
        let size = self.node.store().held(origin).unwrap().size;
        let mut all = Vec::new();
        let read = self.node.store().each_opening(origin, TreeSize::ZERO..size, &slots, |_, openings| {
            all.push(openings.to_vec());
            Ok::<(), std::convert::Infallible>(())
        });
        assert!(read.is_ok());
        all
    }

    /// How many sections are held of a log.
    pub(crate) fn sections(&self, origin: &Origin) -> usize {
        self.openings(origin).iter().flatten().flatten().count()
    }

    pub(crate) fn state(&self, of: &Agency) -> FollowState {
        self.followers.states().get(&of.id).cloned().unwrap_or_default()
    }

    /// Whether an agency's log has a follower, at work or ending.
    pub(crate) fn is_followed(&self, agency: &Agency) -> bool {
        self.followers.states().contains_key(&agency.id)
    }

    /// Waits until following an agency has failed for a reason with these words in it.
    pub(crate) async fn fails(&self, of: &Agency, words: &str) {
        let says = || self.state(of).last_error.is_some_and(|error| error.contains(words));
        let said = tokio::time::timeout(PATIENCE, wait(says)).await;
        assert!(said.is_ok(), "{words:?} is not in {:?}", self.state(of));
    }
}

async fn wait(met: impl Fn() -> bool) {
    while !met() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn until(met: impl Fn() -> bool) {
    tokio::time::timeout(PATIENCE, wait(met)).await.expect("waited in vain");
}

/// Records of an imported official list: any peer may pass them on.
pub(crate) fn free(agency: &Agency, count: usize, text: &str) -> Vec<Draft> {
    let labels = defaults::imported_official_list(&agency.id, Kind::Record).unwrap();
    (0..count).map(|number| record(&labels, &format!("{text} {number}"))).collect()
}

/// An own designation: not to be passed on.
pub(crate) fn closed(agency: &Agency, text: &str) -> Draft {
    let at = Moment::from_unix_secs(now().unix_secs());
    record(&defaults::own_designation(&agency.id, Kind::Record, at).unwrap(), text)
}

fn record(labels: &LabelSet, text: &str) -> Draft {
    let draft = Draft::new(Kind::Record, None)
        .with_section(Slot::CORE, text.as_bytes().to_vec())
        .with_section(Slot::IDENTIFIERS, format!("number of {text}").into_bytes());
    labels.put_into(draft)
}

pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
