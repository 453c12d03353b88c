//! Whole nodes over a simulated network: one seed is one history of faults, and gives the same run each time.
//!
//! Goal: whatever the network and the hosts do, nobody shows what its author did not sign or loses what it has shown,
//! nobody is alarmed without a cause, and once the faults end everybody holds everything. Way: the product's nodes with
//! their TLS, their HTTP/2, their services, their followers and their databases; the network, the clocks and the chance
//! are the simulation's. Not here: how many seeds are run, and which of them twice (`.ci/turmoil`).

mod agency;
mod claims;
mod dice;
mod faults;
mod network;
mod operator;
mod plants;
mod stage;
mod system;
mod trace;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use turmoil::{Builder, Sim};

use crate::agency::AGENCIES;
use crate::dice::Dice;
use crate::faults::{Faults, LATENCY_MAX};
use crate::plants::Plant;
use crate::stage::{Phase, Stage};

/// Seeds that once failed, and what was wrong; they are run each time.
const REGRESSIONS: [(u64, &str); 2] = [
    (2, "a stop with a peer out of reach gave the own log no time, and said that it had not ended"),
    (48, "the same, of two nodes"),
];

/// How long things go wrong.
const FAULTS_LAST: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(140));
/// Longest from the end of the faults until everybody holds everything: a dead connection is noticed in 40 s by both of
/// its ends, its follower calls again within 10 s, and what a relay lacks reaches its followers only after that.
const SETTLED_IN: Duration = Duration::from_secs(120);
/// Longest that the nodes may take to end, once told: more than their grace.
const STOPPED_IN: Duration = Duration::from_secs(20);
/// What the time of the simulation moves on at once.
const TICK: Duration = Duration::from_millis(2);
/// Segments of a connection that are under way in one direction before its sender has to wait.
const SEGMENTS: usize = 256;

/// What is asked for.
struct Asked {
    seed: u64,
    shown: bool,
    plant: Option<Plant>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(asked) = asked(&arguments) else {
        eprintln!("usage: comity-turmoil SEED [--trace] [--planted {}]", Plant::names());
        eprintln!("       comity-turmoil --regressions");
        return ExitCode::from(2);
    };
    let Some(asked) = asked else {
        REGRESSIONS.iter().for_each(|(seed, why)| println!("{seed} {why}"));
        return ExitCode::SUCCESS;
    };
    simulate(&asked)
}

/// Nothing if it makes no sense, and nothing to run if the regressions are asked for.
fn asked(arguments: &[String]) -> Option<Option<Asked>> {
    let mut asked = Asked { seed: 0, shown: false, plant: None };
    let mut rest = arguments.iter();
    let first = rest.next()?;
    if first == "--regressions" {
        return rest.next().is_none().then_some(None);
    }
    asked.seed = first.parse().ok()?;
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--trace" => asked.shown = true,
            "--planted" => asked.plant = Some(Plant::named(rest.next()?)?),
            _ => return None,
        }
    }
    Some(Some(asked))
}

fn simulate(asked: &Asked) -> ExitCode {
    // The only thing that two runs do not have in common, and nothing says its name.
    let folder = folder();
    if asked.plant != Some(Plant::OtherChance) {
        system::seed(asked.seed);
    }
    system::set_elapsed(Duration::ZERO);
    trace::begin(asked.shown);
    network::set_up();
    agency::make_homes(folder.path());
    if let Some(plant) = asked.plant {
        plant.prepare(folder.path());
    }
    let stage = Rc::new(Stage::new(folder.path().to_owned(), asked.seed));
    let settled_after = Driver::new(asked, &stage).drive();
    let simulated = system::elapsed();
    stage.claims.borrow_mut().audit(folder.path());
    let told = trace::told();
    let claims = stage.claims.borrow();
    let broken = claims.all_broken();
    let (seed, verdict) = (asked.seed, if broken.is_empty() { "held" } else { "FAILED" });
    println!(
        "seed {seed} {verdict} {}: simulated {:.0} s, settled after {:.1} s; events {}{}",
        told.digest,
        simulated.as_secs_f64(),
        settled_after.as_secs_f64(),
        told.events,
        counted(&told.counts)
    );
    broken.iter().for_each(|what| println!("seed {seed}: {what}"));
    if broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn counted(counts: &BTreeMap<String, u64>) -> String {
    // What parts them stands in none of them.
    counts.iter().map(|(kind, count)| format!("; {} {count}", kind.replace(';', ","))).collect()
}

/// In memory where there is such a place: the disk is not what is tried here, and is not waited for.
fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("a folder for the homes")
}

/// One simulation under way.
struct Driver<'a> {
    asked: &'a Asked,
    stage: &'a Rc<Stage>,
    sim: Sim<'a>,
    faults: Faults,
}

impl<'a> Driver<'a> {
    fn new(asked: &'a Asked, stage: &'a Rc<Stage>) -> Self {
        let sim = Builder::new()
            .rng_seed(asked.seed)
            .simulation_duration(Duration::from_hours(1))
            .tick_duration(TICK)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(LATENCY_MAX)
            .tcp_capacity(SEGMENTS)
            .enable_random_order()
            .build();
        Self { asked, stage, sim, faults: Faults::new(asked.seed) }
    }

    /// Runs it to its end; gives how long after the faults all was settled.
    fn drive(mut self) -> Duration {
        for agency in &AGENCIES {
            let stage = Rc::clone(self.stage);
            self.sim.host(agency.host, move || agency::run(agency, Rc::clone(&stage)));
        }
        let lasts = Dice::new(self.asked.seed).between(millis(FAULTS_LAST.0), millis(FAULTS_LAST.1));
        let lasts = Duration::from_millis(lasts);
        let mut planted = self.asked.plant;
        while self.sim.elapsed() < lasts && self.step() {
            if let Some(plant) = planted.take_if(|plant| self.sim.elapsed() >= plant.at()) {
                plant.begin(&mut self.sim, &mut self.faults, self.stage);
            }
            if !self.is_never_mended(planted) {
                self.faults.step(&mut self.sim, self.stage);
                self.faults.begin_again(&mut self.sim);
            }
        }
        if !self.is_never_mended(planted) {
            self.faults.end(&mut self.sim);
        }
        let ended = self.sim.elapsed();
        self.enter(Phase::Settling);
        while !self.has_settled() && self.sim.elapsed() < ended + SETTLED_IN {
            if !self.step() {
                break;
            }
            self.faults.begin_again(&mut self.sim);
        }
        let settled_after = self.sim.elapsed().saturating_sub(ended);
        if !self.stage.claims.borrow().records_agree() {
            let what = format!(
                "not everybody holds everything {SETTLED_IN:?} after the faults:{}",
                self.stage.claims.borrow().not_agreed()
            );
            self.stage.claims.borrow_mut().broken(what);
        }
        if !self.stage.claims.borrow().witnessed_agree() {
            let what = format!(
                "not every log is witnessed {SETTLED_IN:?} after the faults:{}",
                self.stage.claims.borrow().not_witnessed()
            );
            self.stage.claims.borrow_mut().broken(what);
        }
        self.enter(Phase::Stopping);
        let told = self.sim.elapsed();
        while self.is_running() && self.sim.elapsed() < told + STOPPED_IN && self.step() {}
        if self.is_running() {
            self.stage.claims.borrow_mut().broken(format!("a node did not end in {STOPPED_IN:?}"));
        }
        settled_after
    }

    /// Whether everybody holds everything, and enough witnesses stand behind it.
    fn has_settled(&self) -> bool {
        let claims = self.stage.claims.borrow();
        claims.records_agree() && claims.witnessed_agree()
    }

    /// Whether what is planted, and has come, forbids to mend anything.
    fn is_never_mended(&self, planted: Option<Plant>) -> bool {
        self.asked.plant == Some(Plant::NeverMended) && planted.is_none()
    }

    fn enter(&self, phase: Phase) {
        trace::note(&format!("{phase:?}"));
        self.stage.set_phase(phase);
    }

    fn is_running(&mut self) -> bool {
        AGENCIES.iter().any(|agency| self.sim.is_host_running(agency.host))
    }

    /// One tick; false if a host has failed.
    fn step(&mut self) -> bool {
        system::set_elapsed(self.sim.elapsed());
        let stepped = self.sim.step();
        let mut claims = self.stage.claims.borrow_mut();
        for error in trace::errors() {
            claims.broken(format!("a node logs what it must not: {error}"));
        }
        if let Err(error) = &stepped {
            claims.broken(format!("a host failed: {error}"));
        }
        stepped.is_ok()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}
