//! The three agencies: their homes, whom each has as a peer, and the node that runs on the host of each.
//!
//! A is followed by B, and through B by C, which does not know the way to A. A home stays when its host crashes, and is
//! opened again as the program would. Not here: what its operator does (`operator`).

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use comity_node::tls::PeerTrust;
use comity_node::{Home, NewHome, OtherReplica, Peers, Reach, Serving, SystemEntropy, fingerprint, now};
use tokio_util::sync::CancellationToken;

use crate::operator::Operator;
use crate::stage::Stage;

/// An agency. Its host has the name of its home's folder.
#[derive(Debug)]
pub(crate) struct Agency {
    pub(crate) id: &'static str,
    pub(crate) host: &'static str,
    pub(crate) peers: &'static [Known],
    /// Milliseconds between two of its appends, at most.
    pub(crate) append_millis_max: u64,
}

/// A peer of an agency.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) agency: &'static str,
    via: Option<&'static str>,
}

const A: &str = "agency-a.example";
const B: &str = "agency-b.example";
const C: &str = "agency-c.example";

const fn straight(agency: &'static str) -> Known {
    Known { agency, via: None }
}

pub(crate) static AGENCIES: [Agency; 3] = [
    Agency { id: A, host: "host-a", peers: &[straight(B)], append_millis_max: 2_000 },
    Agency { id: B, host: "host-b", peers: &[straight(A), straight(C)], append_millis_max: 8_000 },
    Agency {
        id: C,
        host: "host-c",
        peers: &[straight(B), Known { agency: A, via: Some(B) }],
        append_millis_max: 20_000,
    },
];

/// Longest that a node may take to end, once told: a little more than its grace.
const STOPPED_IN: Duration = Duration::from_secs(12);

const PEER_PORT: u16 = 7443;
const ADMIN_PORT: u16 = 7444;

impl Agency {
    pub(crate) fn home(&self, folder: &Path) -> PathBuf {
        folder.join(self.host)
    }

    pub(crate) fn origin(&self) -> String {
        format!("{}/pub", self.id)
    }
}

/// Makes the three homes, each with its own keys and authority, and tells each of its peers.
pub(crate) fn make_homes(folder: &Path) {
    for agency in &AGENCIES {
        let new = NewHome {
            folder: agency.home(folder),
            agency: agency.id.parse().unwrap(),
            name: "Invented Agency".to_owned(),
            listen: format!("0.0.0.0:{PEER_PORT}"),
            admin: format!("127.0.0.1:{ADMIN_PORT}"),
        };
        new.create(now(), &mut SystemEntropy::new()).unwrap();
    }
    for agency in &AGENCIES {
        let home = Home::find(&agency.home(folder)).unwrap();
        let open = home.open().unwrap();
        let register = Peers::load(&home, PeerTrust::new()).unwrap();
        for known in agency.peers {
            let other = AGENCIES.iter().find(|other| other.id == known.agency).unwrap();
            let card = Home::find(&other.home(folder)).unwrap().card().unwrap();
            let words = fingerprint(card.identity()).unwrap().to_string();
            let endpoint = Some(format!("{}:{PEER_PORT}", other.host));
            let reach = Reach { endpoint, via: known.via.map(|via| via.parse().unwrap()), policy: None };
            register.add(open.store(), card.as_bytes(), &words, reach, OtherReplica::Refuse).unwrap();
        }
    }
}

/// What runs on a host, from its start until it crashes or is told to end: a node, and its operator beside it.
pub(crate) async fn run(agency: &'static Agency, stage: Rc<Stage>) -> turmoil::Result {
    let home = Home::find(&agency.home(&stage.folder))?;
    let serving = Serving::bind(home.open()?).await?;
    let admin = serving.addresses().admin_addr;
    let stop = CancellationToken::new();
    let mut node = tokio::spawn(serving.run(stop.clone()));
    let operator = Operator::new(agency, stage);
    tokio::select! {
        ended = &mut node => Err(format!("the node of {} ended by itself: {ended:?}", agency.id).into()),
        done = operator.run(&home, admin) => {
            done?;
            stop.cancel();
            let ended = tokio::time::timeout(STOPPED_IN, node).await;
            ended.map_err(|_| format!("the node of {} does not end in {STOPPED_IN:?}", agency.id))???;
            Ok(())
        }
    }
}
