//! The stage of an attack: a served node, an honest peer whose calls are timed, and an ally that has turned.
//!
//! Goal: what an ally does is paid by nobody else. Way: calls of the honest peer are timed by turns without and with
//! the attack, in one run, so that whatever else this machine does weighs on both; the attacker has a processor of its
//! own, since a thread beside the node's, however low its priority, keeps a processor for 3 to 4 ms at a time; the
//! node's memory is read from the system. Not here: the attacks (`abuse`).

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use comity_node::tls::{AgencyTrust, PeerAuthority, PeerConnector, PeerTrust, TlsMaterial, system_time};
use comity_wire::{Guarded, exchange_client, v1};
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Channel, Endpoint};

use super::line::Ally;
use crate::agency::{Agency, table, text};
use crate::nodes::Node;

/// What an attack may cost the node, in KiB.
const MEMORY_KIB_MAX: u64 = 32 << 10;

/// How long each turn takes, quiet or under attack.
const TURN: Duration = Duration::from_millis(700);

/// Turns that are judged together, and turns at most: what else this machine does comes and goes, and what an attack
/// does is in each turn.
const TURNS_TOGETHER: usize = 3;
const TURNS_MAX: usize = 9;

/// One attack at a time: each is measured against a quiet node, not against another attack.
static ALONE: Mutex<()> = Mutex::new(());

type Exchange = v1::exchange_service_client::ExchangeServiceClient<Guarded<Channel>>;

pub(crate) struct Stage {
    pub(crate) node: Node,
    pub(crate) ally: Ally,
    honest: Exchange,
    runtime: Runtime,
    pid: u64,
    /// The processor of the attacker, whose work is not done on the node's machine.
    attackers: Vec<String>,
    /// Whether an attack has what it needs: what it costs to come to that is not measured.
    set_up: AtomicBool,
    _agencies: [Agency; 2],
    _alone: MutexGuard<'static, ()>,
}

/// What was measured.
struct Cost {
    quiet: Vec<Duration>,
    attacked: Vec<Duration>,
}

impl Stage {
    pub(crate) fn set() -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let node = Node::found_with_log("agency-a.example", "info");
        let list = node.agency.write("list.csv", &table(1..=600));
        assert_eq!(node.agency.ask(&["import", "ofac", text(&list)])["added"], 600);
        let agencies = ["agency-b.example", "agency-m.example"].map(Agency::found);
        for agency in &agencies {
            let card = agency.beside("card");
            agency.ask(&["card", "--out", text(&card)]);
            let said = agency.ask(&["card"]);
            let words = said["fingerprint"].as_str().unwrap();
            let added = node.agency.ask(&["peer", "add", text(&card), "--fingerprint", words]);
            assert!(added["error"].is_null(), "{added}");
        }
        let file = std::fs::read_to_string(node.agency.home().join("run/node.json")).unwrap();
        let file: serde_json::Value = serde_json::from_str(&file).unwrap();
        let pid = file["pid"].as_u64().unwrap();
        let address = file["peer_addr"].as_str().unwrap().to_owned();
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let mut cores = cores();
        let attackers = cores.split_off((cores.len() - 1).min(1));
        let shared = if cores.is_empty() { &attackers } else { &cores };
        put("-acp", &pid.to_string(), shared);
        put("-cp", &this_thread(), shared);
        let [honest, ally] = agencies.each_ref().map(|agency| connector(&agency.home(), &node.agency.home()));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let honest = runtime.block_on(async {
            let endpoint = Endpoint::try_from(format!("http://{address}")).unwrap();
            let mut client = exchange_client(endpoint.connect_with_connector(honest).await.unwrap());
            client.hello(hello("agency-b.example")).await.unwrap();
            client
        });
        let ally = Ally { connector: ally, port };
        let set_up = AtomicBool::new(false);
        Self { node, ally, honest, runtime, pid, attackers, set_up, _agencies: agencies, _alone: alone }
    }

    /// Tries an attack, by turns with quiet; it is given the instant at which it must end. Prints what was measured.
    pub(crate) fn withstands(&self, name: &str, attack: impl AsyncFn(&Ally, Instant) + Sync) {
        self.withstands_long(name, TURN, attack);
    }

    /// Tells that an attack has what it needs and is to be measured from now on, for one that begins with that.
    pub(crate) fn is_set_up(&self) {
        self.set_up.store(true, Ordering::SeqCst);
    }

    /// The same as [`withstands`](Self::withstands) of an attack that says when it [is set up](Self::is_set_up).
    pub(crate) fn withstands_once_set_up(&self, name: &str, attack: impl AsyncFn(&Ally, Instant) + Sync) {
        self.withstands_all(name, TURN, false, attack);
    }

    /// Lets the ally do something, unmeasured.
    pub(crate) fn attack(&self, attack: &impl AsyncFn(&Ally)) {
        self.runtime.block_on(attack(&self.ally));
    }

    /// The same as [`withstands`](Self::withstands), each attack taking its time.
    pub(crate) fn withstands_long(
        &self,
        name: &str,
        time: Duration,
        attack: impl AsyncFn(&Ally, Instant) + Sync,
    ) {
        self.withstands_all(name, time, true, attack);
    }

    fn withstands_all(
        &self,
        name: &str,
        time: Duration,
        is_set_up: bool,
        attack: impl AsyncFn(&Ally, Instant) + Sync,
    ) {
        let (begun, mut turns) = (Instant::now(), Vec::new());
        // What the node needs for its first calls is no matter of the attack.
        self.calls_while(|| begun.elapsed() < TURN / 2);
        self.forget_peak();
        let before = self.memory("VmRSS");
        let together = if time > TURN { 1 } else { TURNS_TOGETHER };
        let cost = loop {
            self.set_up.store(is_set_up, Ordering::SeqCst);
            turns.push(self.turn(time, &attack));
            let cost = Cost::of(&turns[turns.len().saturating_sub(together)..]);
            if turns.len() >= TURNS_MAX || turns.len() >= together && cost.is_borne() {
                break cost;
            }
        };
        let (peak, after) = (self.memory("VmHWM"), self.memory("VmRSS"));
        eprintln!("{name}: memory {before} KiB, at most {peak}, then {after}; {}", cost.said());
        assert!(peak.saturating_sub(before) < MEMORY_KIB_MAX, "{name}: memory {before} -> {peak} KiB");
        assert!(cost.is_borne(), "{name}: {}", cost.said());
    }

    /// The calls of one turn, without and with the attack.
    fn turn(&self, time: Duration, attack: &(impl AsyncFn(&Ally, Instant) + Sync)) -> Cost {
        let until = Instant::now() + TURN;
        let quiet = self.calls_while(|| Instant::now() < until);
        let attacked = std::thread::scope(|scope| {
            let attack = scope.spawn(|| {
                put("-cp", &this_thread(), &self.attackers);
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(attack(&self.ally, Instant::now() + time));
            });
            self.calls_while(|| !self.set_up.load(Ordering::SeqCst) && !attack.is_finished());
            self.calls_while(|| !attack.is_finished())
        });
        Cost { quiet, attacked }
    }

    /// Calls of the honest peer, one after the other, each of which must be answered.
    fn calls_while(&self, goes_on: impl Fn() -> bool) -> Vec<Duration> {
        let mut client = self.honest.clone();
        let query = v1::ConsistencyRequest { origin: self.node.origin.clone(), from: 300, to: 600 };
        self.runtime.block_on(async {
            let mut took = Vec::new();
            while goes_on() {
                let begun = Instant::now();
                client.consistency(query.clone()).await.expect("the honest peer is served");
                took.push(begun.elapsed());
            }
            took
        })
    }

    /// A figure of `/proc/PID/status`, in KiB.
    pub(crate) fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Makes the peak the present figure (proc(5), `clear_refs`).
    fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid), "5").unwrap();
    }
}

impl Cost {
    fn of(turns: &[Self]) -> Self {
        let all = |calls: fn(&Self) -> &[Duration]| turns.iter().flat_map(calls).copied().collect();
        Self { quiet: all(|turn| &turn.quiet), attacked: all(|turn| &turn.attacked) }
    }

    /// 99 of 100 calls take at most twice as long, and half of them at most half as long again, which shows even
    /// where much else runs.
    fn is_borne(&self) -> bool {
        let (median, attacked) = (part(&self.quiet, 50), part(&self.attacked, 50));
        // Where nothing else runs, 99 of 100 quiet calls take hardly more than the median: what one call more on the
        // same core would add is no harm.
        let slow = part(&self.quiet, 99).max(median * 2);
        part(&self.attacked, 99) <= slow * 2 && attacked * 2 <= median * 3
    }

    fn said(&self) -> String {
        let figures = |took: &[Duration]| {
            format!("{} calls, median {:?}, p99 {:?}", took.len(), part(took, 50), part(took, 99))
        };
        format!("quiet {}; attacked {}", figures(&self.quiet), figures(&self.attacked))
    }
}

/// A thread of this process, as the system numbers it.
fn this_thread() -> String {
    let thread = std::fs::read_link("/proc/thread-self").unwrap();
    text(thread.file_name().unwrap().as_ref()).to_owned()
}

/// The processors that this process may use.
fn cores() -> Vec<String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap().trim();
    let number = |text: &str| text.parse::<usize>().unwrap();
    let ranges = list.split(',').map(|range| range.split_once('-').unwrap_or((range, range)));
    ranges.flat_map(|(first, last)| number(first)..=number(last)).map(|core| core.to_string()).collect()
}

/// Puts a thread, or with `-a` all threads of a process, on some of the processors (taskset(1)).
fn put(flags: &str, id: &str, cores: &[String]) {
    let done = std::process::Command::new("taskset").args([flags, &cores.join(","), id]).output().unwrap();
    assert!(done.status.success(), "{done:?}");
}

fn part(took: &[Duration], percent: usize) -> Duration {
    let mut sorted = took.to_vec();
    sorted.sort();
    sorted[(sorted.len() - 1) * percent / 100]
}

fn hello(agency: &str) -> v1::HelloRequest {
    let protocol = Some(v1::ProtocolRange { min: 1, max: 1 });
    v1::HelloRequest { protocol, agency: agency.to_owned(), software: "test/1".to_owned() }
}

/// Calls the node of one home with the certificate of another.
fn connector(of: &Path, to: &Path) -> PeerConnector {
    let keys = of.join("keys");
    let material = TlsMaterial::load(&keys.join("tls-node.pem"), &keys.join("tls-node.key")).unwrap();
    let authority = std::fs::read_to_string(to.join("keys/tls-ca.pem")).unwrap();
    let (trust, id) = (PeerTrust::new(), "agency-a.example".parse().unwrap());
    let authority = PeerAuthority::from_pem(&authority).unwrap();
    trust.insert(id, AgencyTrust::new(vec![authority]).unwrap());
    PeerConnector::new(&material, trust, "agency-a.example".parse().unwrap(), system_time()).unwrap()
}
