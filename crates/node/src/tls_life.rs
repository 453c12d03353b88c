//! Certificates and lists of a running node: read again when told to, looked at every minute, and told of in alarms.
//!
//! What is exchanged counts from the next handshake on; a connection goes on until its own certificate would be refused.
//! Not here: how the files come there (`tls_keys`), and what is refused (`tls`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comity_ledger::AgencyId;
use rustls::pki_types::UnixTime;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::off_reactor::off_reactor;
use crate::own_tls::{NODE, OPERATOR, material, own_agency, own_folder, own_trust};
use crate::tls::{CertificateFacts, Expiring, Expiry, PeerTrust, Side, TlsMaterial, TrustTrouble, notices};
use crate::{Alarm, AlarmKey, Home, Node, NodeError, now};

/// How often dates are looked at: a connection outlives its certificate by no more than this.
const LOOK: Duration = Duration::from_mins(1);

/// The code of the alarms about what expires.
const EXPIRY: &str = "expiry";
/// The code of the alarms about lists by which nobody of an agency gets in.
const CRL: &str = "crl";
/// The code of the alarms about files that could not be read again.
const TLS: &str = "tls";

/// The certificates and lists of a running node.
#[derive(Debug)]
pub struct TlsLife {
    node: Arc<Node>,
    presented: TlsMaterial,
    operators: PeerTrust,
    /// What the last reload could not read. Held over a reload, so that one follows the other.
    unread: Mutex<BTreeMap<AgencyId, String>>,
}

/// What came of reading certificates and lists again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// The certificate that is presented from now on.
    pub presented: Option<CertificateFacts>,
    /// Whether it is another one than before.
    pub is_other: bool,
    /// How many connections were cut.
    pub cut: usize,
    /// What a person must put right, by agency; what was in force before stays so.
    pub problems: Vec<(AgencyId, String)>,
}

impl TlsLife {
    /// Reads the own certificate and authorities.
    pub(crate) fn begin(node: &Arc<Node>) -> Result<Arc<Self>, NodeError> {
        let presented = material(node.home(), NODE)?;
        let operators = PeerTrust::new();
        let own = own_agency(node.home(), own_folder(node.home()), None)?;
        operators.insert(node.home().config().agency.clone(), own);
        let life = Self { node: Arc::clone(node), presented, operators, unread: Mutex::default() };
        life.look(now_for_tls());
        Ok(Arc::new(life))
    }

    /// What the node presents, on every port and to every peer.
    pub(crate) fn presented(&self) -> &TlsMaterial {
        &self.presented
    }

    /// Who is let in as an operator.
    pub(crate) fn operators(&self) -> &PeerTrust {
        &self.operators
    }

    /// What expires when, the soonest first: the own certificates and lists, those of the peers, and the leaves that are connected.
    pub fn expiries(&self) -> Vec<Expiry> {
        let home = self.node.home();
        let presented = Expiry::of_presented(&home.config().agency, Expiring::Node, &self.presented);
        let operator = material(home, OPERATOR).ok();
        let operator =
            operator.and_then(|held| Expiry::of_presented(&home.config().agency, Expiring::Operator, &held));
        let mut all: Vec<Expiry> = presented.into_iter().chain(operator).collect();
        all.extend(self.operators.expiries());
        all.extend(self.node.trust().expiries());
        // An operator that is connected has the certificate that lies here.
        let distinct: BTreeSet<Expiry> = all.into_iter().collect();
        let mut all: Vec<Expiry> = distinct.into_iter().collect();
        all.sort_by_key(|expiry| expiry.at_secs);
        all
    }

    /// Reads the own certificate, the own authorities and all revocation lists again, without an end to any connection
    /// whose certificate still holds.
    pub async fn reload(self: &Arc<Self>) -> Reloaded {
        let life = Arc::clone(self);
        let done = off_reactor(move || life.read_again(now_for_tls())).await;
        done.unwrap_or_else(|_| {
            let problem = "reading again broke off; the log says why".to_owned();
            let own = self.node.home().config().agency.clone();
            Reloaded { presented: None, is_other: false, cut: 0, problems: vec![(own, problem)] }
        })
    }

    /// Tells what has changed since the last look. Blocking.
    pub(crate) fn look_now(&self) {
        self.look(now_for_tls());
    }

    /// Looks every minute, until `stop`.
    pub(crate) async fn watch(self: Arc<Self>, stop: CancellationToken) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let life = Arc::clone(&self);
            // A panic in it was logged by its thread; the next look comes in any case.
            drop(off_reactor(move || life.look(now_for_tls())).await);
        }
    }

    fn read_again(&self, now: UnixTime) -> Reloaded {
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.clear();
        let own = &self.node.home().config().agency;
        let mut cut = 0_usize;
        let mut is_other = false;
        let own_read = self.read_own_again(now).and_then(|own_cut| {
            cut = own_cut;
            is_other = self.renew(now)?;
            Ok(())
        });
        let own_read = own_read.and(self.node.read_own_lists().map_err(|error| sentence(&error)));
        if let Err(problem) = own_read {
            unread.insert(own.clone(), problem);
        }
        let (peers_cut, failed) = self.node.trust().reload(now);
        unread.extend(failed.into_iter().map(|(agency, error)| (agency, sentence(&error))));
        let mut problems: Vec<_> = unread.clone().into_iter().collect();
        drop(unread);
        let troubles = self.troubles(now).into_iter();
        problems.extend(troubles.map(|(agency, trouble)| (agency, trouble.to_string())));
        self.look(now);
        for (agency, problem) in &problems {
            tracing::error!(%agency, problem, "not all of what is trusted could be read again");
        }
        let chain = self.presented.chain();
        let presented = chain.first().and_then(|leaf| CertificateFacts::read(leaf));
        tracing::info!(is_other, cut, "certificates and revocation lists were read again");
        Reloaded { presented, is_other, cut: cut.saturating_add(peers_cut), problems }
    }

    /// The own authorities and lists; gives how many operators were cut off.
    fn read_own_again(&self, now: UnixTime) -> Result<usize, String> {
        let home = self.node.home();
        let agency = &home.config().agency;
        let held = self.operators.find(agency);
        let own = own_agency(home, own_folder(home), held.as_deref()).map_err(|error| sentence(&error))?;
        self.operators.insert(agency.clone(), own);
        Ok(self.operators.cut_what_does_not_hold(None, now))
    }

    /// Presents what lies in the files, if it is good; says whether it is another one.
    fn renew(&self, now: UnixTime) -> Result<bool, String> {
        let home = self.node.home();
        let fresh = material(home, NODE).map_err(|error| sentence(&error))?;
        let own = self.operators.find(&home.config().agency);
        let chain = fresh.chain();
        let (Some(own), Some((leaf, others))) = (own, chain.split_first()) else { return Ok(false) };
        for side in [Side::Server, Side::Client] {
            own.check(leaf, others, now, side)
                .map_err(|refusal| format!("the certificate in keys/ is not presented: {refusal}"))?;
        }
        self.presented.renew(&fresh).map_err(|error| sentence(&error))
    }

    /// Cuts what does not hold any more, and tells in alarms what expires and what is wrong.
    fn look(&self, now: UnixTime) {
        for trust in [&self.operators, self.node.trust()] {
            trust.cut_what_does_not_hold(None, now);
        }
        let told = Told::of(&self.expiries(), self.troubles(now), now);
        self.tell(EXPIRY, &told.expiring);
        self.tell(CRL, &told.closed);
        let unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.tell(TLS, &unread);
    }

    fn troubles(&self, now: UnixTime) -> Vec<(AgencyId, TrustTrouble)> {
        let all = [self.operators.troubles(now), self.node.trust().troubles(now)].concat();
        if all.iter().any(|(_, trouble)| trouble.is_unsynced()) {
            self.node.store().give_up();
        }
        all
    }

    /// Lets the alarms of a code stand that are wanted, and no others.
    fn tell(&self, code: &'static str, wanted: &BTreeMap<AgencyId, String>) {
        let alarm = |(agency, message): (&AgencyId, &String)| {
            let key = AlarmKey { code, origin: String::new(), agency: agency.to_string() };
            Alarm { key, since: now(), message: message.clone() }
        };
        self.node.alarms().replace(code, wanted.iter().map(alarm).collect());
    }
}

/// What a person is told of each agency.
struct Told {
    expiring: BTreeMap<AgencyId, String>,
    closed: BTreeMap<AgencyId, String>,
}

impl Told {
    fn of(expiries: &[Expiry], troubles: Vec<(AgencyId, TrustTrouble)>, now: UnixTime) -> Self {
        let mut closed: BTreeMap<AgencyId, String> = BTreeMap::new();
        for (agency, trouble) in troubles {
            let told = closed.entry(agency).or_insert_with(|| "nobody of the agency is let in".to_owned());
            let between = if told.contains(": ") { "; " } else { ": " };
            // Writing to a string cannot fail.
            let _ = write!(told, "{between}{trouble}");
        }
        let now_secs = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        Self { expiring: notices(expiries, now_secs), closed }
    }
}

/// Certificates and lists of a home on which no node runs.
#[derive(Clone, Debug)]
pub struct TlsOutlook {
    /// What expires when, the soonest first.
    pub expiries: Vec<Expiry>,
    /// What a person is to be told of it.
    pub alarms: Vec<Alarm>,
}

impl TlsOutlook {
    /// Looks at a home.
    ///
    /// # Errors
    /// A [`NodeError`] if a certificate cannot be read.
    pub fn of(home: &Home) -> Result<Self, NodeError> {
        let agency = &home.config().agency;
        let (own, peers) = (own_trust(home)?, home.peers()?);
        let mut expiries = [own.expiries(), peers.trust().expiries()].concat();
        for (what, stem) in [(Expiring::Node, NODE), (Expiring::Operator, OPERATOR)] {
            expiries.extend(Expiry::of_presented(agency, what, &material(home, stem)?));
        }
        expiries.sort_by_key(|expiry| expiry.at_secs);
        let at = now_for_tls();
        let told = Told::of(&expiries, [own.troubles(at), peers.trust().troubles(at)].concat(), at);
        let alarm = |code, (agency, message): (AgencyId, String)| {
            let key = AlarmKey { code, origin: String::new(), agency: agency.to_string() };
            Alarm { key, since: now(), message }
        };
        let expiring = told.expiring.into_iter().map(|told| alarm(EXPIRY, told));
        let alarms = expiring.chain(told.closed.into_iter().map(|told| alarm(CRL, told))).collect();
        Ok(Self { expiries, alarms })
    }
}

/// The time by which certificates are judged.
fn now_for_tls() -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(now().unix_secs()))
}

/// An error with its causes, in one line.
fn sentence(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
