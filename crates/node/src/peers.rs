//! The register of peers: `peers/<agency>/` of a home, each a card that was compared by its fingerprint.
//!
//! To be in it is our side of an agreement on the default terms (C18). The peer's side shows when it takes us: one
//! that has not added us refuses our certificate. Not here: connections (`tls`), and what is exchanged (`exchange`,
//! `follow`).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use comity_ledger::{AgencyId, Card, CardError, Fingerprint, FingerprintError, Origin};
use comity_policy::Agreement;
use comity_store::Store;
use comity_tlog::{KeyError, Policy, PolicyError, VerifierKey};
use tokio::sync::watch;

use crate::home::fingerprint;
use crate::http::ForeignWitness;
use crate::replace::{OPEN_MODE, replace, sync_folder};
use crate::tls::{AgencyTrust, PeerAuthority, PeerTrust, TrustError, TrustFolder};
use crate::{Home, NodeError, ReplaceError};

/// Most bytes of a file of the register: a card has at most 32 KiB.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// The file of a policy: of a peer in its folder, of the own log in the home.
const POLICY: &str = "policy";
/// Most peers of one node: as many as its listener has room for with all of their connections.
const PEERS_MAX: usize = 64;

/// Where a peer is reached, if not where its card says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// `host:port` in place of the endpoints of the card.
    pub endpoint: Option<String>,
    /// The peer that relays its log, in place of a connection of our own.
    pub via: Option<AgencyId>,
    /// The policy by which its log is witnessed, as c2sp.org/tlog-policy, in place of the default.
    pub policy: Option<String>,
}

/// What is to become of a replica that was verified with another log key than that on a new card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtherReplica {
    /// It stays what it is, and the card is refused.
    #[default]
    Refuse,
    /// It is kept apart, and the log of the new key is followed from its first entry.
    SetAside,
}

/// One peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    card: Card,
    reach: Reach,
    set_aside: Option<VerifierKey>,
    policy: Option<Policy>,
}

impl Peer {
    /// The agency.
    pub fn agency(&self) -> &AgencyId {
        &self.card.identity().agency
    }

    /// Its card, as pinned.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// How it is reached.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The key of an older replica of its log that is to be set aside, as people have confirmed.
    pub(crate) fn set_aside(&self) -> Option<&VerifierKey> {
        self.set_aside.as_ref()
    }

    /// Which witnesses must stand behind its log, if that was said when it was added.
    pub fn policy(&self) -> Option<&Policy> {
        self.policy.as_ref()
    }

    /// Its publication log.
    pub fn origin(&self) -> Origin {
        Origin::publication(self.agency())
    }

    /// From whom its log is fetched: itself, or the relay.
    pub fn upstream(&self) -> &AgencyId {
        self.reach.via.as_ref().unwrap_or_else(|| self.agency())
    }

    /// Where it listens, best first.
    pub fn endpoints(&self) -> &[String] {
        self.reach.endpoint.as_ref().map_or(self.card.endpoints(), std::slice::from_ref)
    }
}

/// The register; shared by all that run in a node.
#[derive(Debug)]
pub struct Peers {
    folder: PathBuf,
    own: AgencyId,
    own_policy: Option<Policy>,
    trust: PeerTrust,
    register: RwLock<BTreeMap<AgencyId, Arc<Peer>>>,
    changes: watch::Sender<u64>,
}

impl Peers {
    /// Reads the register of a home and puts each peer's authority into trust, for that agency alone.
    ///
    /// # Errors
    /// A [`PeersError`] if a card on disk does not read: nobody is dropped in silence.
    pub fn load(home: &Home, trust: PeerTrust) -> Result<Self, PeersError> {
        Self::load_by(home, trust, TrustFolder::of_peer)
    }

    /// Reads the register of a home that may be another process's: nothing is written, and nobody is let in.
    pub(crate) fn look_at(home: &Home) -> Result<Self, PeersError> {
        Self::load_by(home, PeerTrust::new(), |folder| TrustFolder::of_peer(folder).only_read())
    }

    fn load_by(
        home: &Home,
        trust: PeerTrust,
        kept: impl Fn(&Path) -> TrustFolder,
    ) -> Result<Self, PeersError> {
        let (changes, _) = watch::channel(0);
        let folder = home.path("peers");
        let mut peers = BTreeMap::new();
        let listed = std::fs::read_dir(&folder).map_err(failed("look into", &folder))?;
        for entry in listed {
            let path = entry.map_err(failed("look into", &folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let Some(agency) = name.and_then(|name| name.parse::<AgencyId>().ok()) else { continue };
            // Without its card a folder is what a crash left of an addition.
            let Some(card) = read(&path.join("card"))? else { continue };
            let card = Card::parse(&card)?;
            if card.identity().agency != agency {
                return Err(PeersError::Misplaced { path });
            }
            let text = |name: &str| -> Result<Option<String>, PeersError> {
                let bytes = read(&path.join(name))?;
                let bytes = bytes.filter(|bytes| !bytes.is_empty());
                bytes.map(String::from_utf8).transpose().map_err(|_| PeersError::Endpoint)
            };
            let via = text("via")?.map(|via| via.parse()).transpose().map_err(NodeError::from)?;
            let reach = Reach { endpoint: text("endpoint")?, via, policy: None };
            let set_aside = text("set-aside")?.map(|line| line.parse()).transpose();
            let set_aside = set_aside.map_err(|source| PeersError::SetAside { source })?;
            let policy = read_policy(&path.join(POLICY))?;
            trust.insert(agency.clone(), trust_in(&card, kept(&path), None)?);
            peers.insert(agency, Arc::new(Peer { card, reach, set_aside, policy }));
        }
        let own = home.config().agency.clone();
        let own_policy = read_policy(&home.path(POLICY))?;
        own_policy.iter().try_for_each(check_addresses)?;
        Ok(Self { folder, own, own_policy, trust, register: RwLock::new(peers), changes })
    }

    /// Adds a peer whose card has this fingerprint, as it was heard from somebody who is known. A peer that is there
    /// already gets the new card and the new way to reach it, if its keys are the same. `store` is asked for a replica
    /// of its log that was verified with another key.
    ///
    /// # Errors
    /// [`PeersError::OtherFingerprint`] if card and words differ, [`PeersError::OtherKeys`] for a known agency with
    /// other keys, [`PeersError::OtherReplica`] if what is held of its log has another key and `other` does not set it
    /// aside, or what else is wrong; nothing is stored then.
    pub fn add(
        &self,
        store: &Store,
        card: &[u8],
        words: &str,
        reach: Reach,
        other: OtherReplica,
    ) -> Result<Arc<Peer>, PeersError> {
        let policy = reach.policy.as_deref().map(Policy::parse).transpose();
        let policy = policy.map_err(|source| PeersError::Policy { source })?;
        let card = Card::parse(card)?;
        let expected: Fingerprint = words.parse()?;
        let agency = card.identity().agency.clone();
        if fingerprint(card.identity())? != expected {
            return Err(PeersError::OtherFingerprint { agency });
        }
        if agency == self.own || reach.via.as_ref() == Some(&self.own) || reach.via.as_ref() == Some(&agency)
        {
            return Err(PeersError::Own);
        }
        if reach.endpoint.as_ref().is_some_and(|endpoint| !is_endpoint(endpoint)) {
            return Err(PeersError::Endpoint);
        }
        let trusted = self.trust_in(&card)?;
        let mut peers = self.register.write().unwrap_or_else(PoisonError::into_inner);
        match peers.get(&agency) {
            Some(known) if fingerprint(known.card.identity())? != expected => {
                return Err(PeersError::OtherKeys { agency });
            }
            None if peers.len() >= PEERS_MAX => return Err(PeersError::Full),
            Some(_) | None => {}
        }
        let pinned = store.pinned_key(&Origin::publication(&agency)).map_err(NodeError::from)?;
        let set_aside = pinned.filter(|pinned| *pinned != card.identity().log);
        if set_aside.is_some() && other == OtherReplica::Refuse {
            return Err(PeersError::OtherReplica { agency });
        }
        // What was said of its witnesses stands until something else is said.
        let policy = policy.or_else(|| peers.get(&agency).and_then(|known| known.policy.clone()));
        let peer = Arc::new(Peer { card, reach, set_aside, policy });
        self.write(&peer)?;
        self.trust.insert(agency.clone(), trusted);
        peers.insert(agency, Arc::clone(&peer));
        drop(peers);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
        Ok(peer)
    }

    /// Removes a peer: its connections are cut, it is trusted no more, and nothing is released to it. Says whether
    /// it was there. What was received of it stays.
    ///
    /// # Errors
    /// A [`PeersError`] if its folder cannot be removed; it stays in the register then.
    pub fn remove(&self, agency: &AgencyId) -> Result<bool, PeersError> {
        let mut peers = self.register.write().unwrap_or_else(PoisonError::into_inner);
        if !peers.contains_key(agency) {
            return Ok(false);
        }
        let folder = self.folder.join(agency.as_str());
        // The card first: without it nothing else there makes a peer, wherever this is cut off.
        let card = folder.join("card");
        std::fs::remove_file(&card).map_err(failed("remove", &card))?;
        sync_folder(&folder)?;
        std::fs::remove_dir_all(&folder).map_err(failed("remove", &folder))?;
        sync_folder(&self.folder)?;
        self.trust.remove(agency);
        peers.remove(agency);
        drop(peers);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
        Ok(true)
    }

    /// The peers, by agency.
    pub fn list(&self) -> Vec<Arc<Peer>> {
        self.register.read().unwrap_or_else(PoisonError::into_inner).values().map(Arc::clone).collect()
    }

    /// One peer.
    pub fn find(&self, agency: &AgencyId) -> Option<Arc<Peer>> {
        self.register.read().unwrap_or_else(PoisonError::into_inner).get(agency).map(Arc::clone)
    }

    /// The agreement with an agency: the default terms, for whoever is in the register.
    pub fn agreement(&self, agency: &AgencyId) -> Option<Agreement> {
        self.find(agency)?;
        Agreement::default_terms(self.own.clone(), agency.clone()).ok()
    }

    /// Which witnesses must stand behind the own log for this node to call it witnessed: the file `policy` of the home.
    pub fn own_policy(&self) -> Option<Policy> {
        self.own_policy.clone()
    }

    /// What vouches for the peers.
    pub fn trust(&self) -> &PeerTrust {
        &self.trust
    }

    /// The own agency.
    pub fn own(&self) -> &AgencyId {
        &self.own
    }

    /// Changes each time a peer was added or removed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The card comes last: it makes the folder a peer.
    fn write(&self, peer: &Peer) -> Result<(), PeersError> {
        let folder = self.folder.join(peer.agency().as_str());
        match std::fs::create_dir(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(failed("make", &folder)(error));
            }
            Ok(()) | Err(_) => {}
        }
        let endpoint = peer.reach.endpoint.as_deref().unwrap_or_default();
        let replace = |name: &str, bytes: &[u8]| replace(&folder.join(name), bytes, OPEN_MODE);
        replace("endpoint", endpoint.as_bytes())?;
        let via = peer.reach.via.as_ref().map(AgencyId::as_str).unwrap_or_default();
        replace("via", via.as_bytes())?;
        let set_aside = peer.set_aside.as_ref().map(ToString::to_string).unwrap_or_default();
        replace("set-aside", set_aside.as_bytes())?;
        let policy = peer.policy.as_ref().map(Policy::to_text).unwrap_or_default();
        replace(POLICY, &policy)?;
        replace("card", peer.card.as_bytes())?;
        sync_folder(&folder)?;
        Ok(sync_folder(&self.folder)?)
    }

    /// What vouches for an agency: the authority on its card, and what is kept beside the card.
    fn trust_in(&self, card: &Card) -> Result<AgencyTrust, PeersError> {
        let agency = &card.identity().agency;
        let held = self.trust.find(agency);
        trust_in(card, TrustFolder::of_peer(&self.folder.join(agency.as_str())), held.as_deref())
    }
}

fn trust_in(card: &Card, folder: TrustFolder, held: Option<&AgencyTrust>) -> Result<AgencyTrust, PeersError> {
    let first = Arc::new(PeerAuthority::from_der(&card.identity().ca)?);
    Ok(AgencyTrust::kept_in(folder, vec![first], held)?)
}

fn read_policy(path: &Path) -> Result<Option<Policy>, PeersError> {
    let text = read(path)?.filter(|text| !text.is_empty());
    text.map(Policy::parse).transpose().map_err(|source| PeersError::Policy { source })
}

/// Whoever names a witness with an address relies on its being asked there: that it cannot be is said before anything is.
fn check_addresses(policy: &Policy) -> Result<(), PeersError> {
    for (key, url) in policy.witness_addresses() {
        ForeignWitness::address(url)
            .map_err(|reason| PeersError::WitnessAddress { witness: key.name().to_string(), reason })?;
    }
    Ok(())
}

fn is_endpoint(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']');
    !host.is_empty() && host.len() <= 255 && host.bytes().all(plain) && port.parse::<u16>().is_ok()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, PeersError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("open", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed("read", path))?;
    Ok(Some(bytes))
}

fn failed(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> PeersError {
    move |source| PeersError::Node(NodeError::File { action, path: path.to_owned(), source })
}

impl PeersError {
    /// Whether stable storage did not confirm the register: nothing more may be acknowledged then.
    pub(crate) fn is_unsynced(&self) -> bool {
        match self {
            Self::Node(NodeError::Store(error)) => error.is_of_the_medium(),
            Self::Trust(TrustError::Keep(error)) => error.is_unsynced(),
            _ => false,
        }
    }
}

/// A peer that cannot be added, or a register that does not read.
#[derive(Debug, thiserror::Error)]
pub enum PeersError {
    /// The card is none, or its signatures do not verify.
    #[error("the card cannot be taken")]
    Card(#[from] CardError),
    /// The words are no fingerprint.
    #[error("the fingerprint cannot be read")]
    Words(#[from] FingerprintError),
    /// The card is another one than that whose words were heard.
    #[error("the card of {agency} has another fingerprint than the one given; nothing was stored")]
    OtherFingerprint {
        /// Whose card it says it is.
        agency: AgencyId,
    },
    /// The agency is known with other keys.
    #[error("{agency} is a peer with other keys; remove it first if it has new ones")]
    OtherKeys {
        /// The agency.
        agency: AgencyId,
    },
    /// What is held of its log was verified with another log key.
    #[error(
        "what is held of the log of {agency} is of another log key than its card; if its people confirm that it \
         began a new log, add it with --set-aside-replica: what is held is kept apart, and the new log is followed"
    )]
    OtherReplica {
        /// The agency.
        agency: AgencyId,
    },
    /// A node is not its own peer, and no agency relays for itself.
    #[error("a node is no peer of itself, and no agency is its own relay")]
    Own,
    /// Not `host:port`.
    #[error("the endpoint is not host:port")]
    Endpoint,
    /// The register is full.
    #[error("the register holds {PEERS_MAX} peers and no more")]
    Full,
    /// A folder of the register holds the card of another agency.
    #[error("{path} holds the card of another agency")]
    Misplaced {
        /// The folder.
        path: PathBuf,
    },
    /// The key of a replica to be set aside does not read.
    #[error("the key of the replica to be set aside cannot be read")]
    SetAside {
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The policy by which a log is witnessed does not read.
    #[error("the policy cannot be read")]
    Policy {
        /// Why.
        #[source]
        source: PolicyError,
    },
    /// The own policy names an address at which a witness cannot be asked.
    #[error("the policy of the own log names the witness {witness}, and {reason}")]
    WitnessAddress {
        /// The name of its key.
        witness: String,
        /// Why not.
        reason: &'static str,
    },
    /// The authority of the card cannot be trusted.
    #[error("the authority on the card cannot be trusted")]
    Trust(#[from] TrustError),
    /// A file, or the CA certificate of the card.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl From<ReplaceError> for PeersError {
    fn from(error: ReplaceError) -> Self {
        Self::Node(error.into())
    }
}
