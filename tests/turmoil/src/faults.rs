//! What goes wrong, drawn from the seed: the links between the hosts, and the hosts.
//!
//! A message that is lost is never sent again, since `turmoil` has no such thing: its connection hangs until one of its
//! ends notices, as with a link that is dead for a long time. Not here: what must hold all the same (`claims`).

use std::time::Duration;

use turmoil::Sim;

use crate::agency::AGENCIES;
use crate::dice::Dice;
use crate::stage::Stage;
use crate::trace;

/// Longest that a message is under way when nothing is wrong.
pub(crate) const LATENCY_MAX: Duration = Duration::from_millis(60);

/// Milliseconds from one fault to the next, at least and at most.
const PAUSE_MILLIS: (u64, u64) = (100, 5_000);
/// Milliseconds that a fault lasts, at most: longer than it takes to notice that the other side is silent.
const LASTS_MILLIS_MAX: u64 = 45_000;
/// Milliseconds that a host is down, at most.
const DOWN_MILLIS_MAX: u64 = 12_000;
/// Milliseconds that a message takes over a slow link, at most: longer than a handshake may take.
const SLOW_MILLIS: (u64, u64) = (300, 6_000);

/// The links: C does not know A.
const LINKS: [(&str, &str); 2] = [("host-a", "host-b"), ("host-b", "host-c")];

/// What is wrong, until it is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Cut(usize),
    CutOneWay(&'static str, &'static str),
    Held(usize),
    Lossy(usize),
    Slow(usize),
    Down(&'static str),
}

/// A tick.
const AT_ONCE_MILLIS: u64 = 2;

pub(crate) struct Faults {
    dice: Dice,
    next: Duration,
    present: Vec<(Duration, Fault)>,
    /// Hosts whose nodes were told to end, and begin again when they have.
    ending: Vec<&'static str>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed ^ 0xfa17),
            next: Duration::from_secs(1),
            present: Vec::new(),
            ending: Vec::new(),
        }
    }

    /// Mends what has lasted long enough, and begins what is due.
    pub(crate) fn step(&mut self, sim: &mut Sim<'_>, stage: &Stage) {
        let now = sim.elapsed();
        let over: Vec<Fault> =
            self.present.iter().filter(|(until, _)| *until <= now).map(|(_, fault)| *fault).collect();
        self.present.retain(|(until, _)| *until > now);
        over.into_iter().for_each(|fault| mend(sim, fault));
        if self.next <= now {
            self.next = now + self.dice.time(PAUSE_MILLIS.0, PAUSE_MILLIS.1);
            self.begin(sim, stage);
        }
    }

    /// Mends everything; nothing goes wrong any more.
    pub(crate) fn end(&mut self, sim: &mut Sim<'_>) {
        for (_, fault) in self.present.drain(..) {
            mend(sim, fault);
        }
    }

    /// Begins the nodes again that have ended as they were told.
    pub(crate) fn begin_again(&mut self, sim: &mut Sim<'_>) {
        for host in std::mem::take(&mut self.ending) {
            if sim.is_host_running(host) {
                self.ending.push(host);
            } else {
                trace::note(&format!("{host} begins again"));
                sim.bounce(host);
            }
        }
    }

    /// Crashes a host now; it comes back as after any crash.
    pub(crate) fn crash(&mut self, sim: &mut Sim<'_>, stage: &Stage, host: &'static str) {
        let is_down = self.present.iter().any(|(_, fault)| *fault == Fault::Down(host));
        if is_down {
            return;
        }
        // Some come back at once, while their peers still take their connections for open.
        let lasts = if self.dice.one_in(3) { AT_ONCE_MILLIS } else { self.dice.between(10, DOWN_MILLIS_MAX) };
        trace::note(&format!("{host} crashes for {lasts} ms"));
        trace::count("fault: crash");
        sim.crash(host);
        self.ending.retain(|ending| *ending != host);
        stage.take_restart(host);
        self.present.push((sim.elapsed() + Duration::from_millis(lasts), Fault::Down(host)));
    }

    fn begin(&mut self, sim: &mut Sim<'_>, stage: &Stage) {
        let kind = self.dice.between(0, 10);
        if kind < 4 {
            let host = self.dice.of(&AGENCIES.each_ref().map(|agency| agency.host));
            if kind < 3 {
                return self.crash(sim, stage, host);
            }
            if !self.ending.contains(&host) && sim.is_host_running(host) {
                trace::note(&format!("{host} is told to end and to begin again"));
                trace::count("fault: restart");
                stage.restart(host);
                self.ending.push(host);
            }
            return;
        }
        let link = usize::try_from(self.dice.between(0, 1)).unwrap();
        if self.present.iter().any(|(_, fault)| link_of(*fault) == Some(link)) {
            return;
        }
        let (one, other) = LINKS[link];
        let (from, to) = if self.dice.one_in(2) { (one, other) } else { (other, one) };
        let fault = match kind {
            4 | 5 => {
                sim.partition(one, other);
                Fault::Cut(link)
            }
            6 => {
                sim.partition_oneway(from, to);
                Fault::CutOneWay(from, to)
            }
            7 => {
                sim.hold(one, other);
                Fault::Held(link)
            }
            8 => {
                let percent = self.dice.between(1, 20);
                sim.set_link_fail_rate(one, other, percent as f64 / 100.0);
                Fault::Lossy(link)
            }
            _ => {
                let latency = Duration::from_millis(self.dice.between(SLOW_MILLIS.0, SLOW_MILLIS.1));
                sim.set_link_max_message_latency(one, other, latency);
                Fault::Slow(link)
            }
        };
        let lasts = self.dice.time(50, LASTS_MILLIS_MAX);
        trace::note(&format!("{fault:?} for {} ms", lasts.as_millis()));
        trace::count(match fault {
            Fault::Cut(_) => "fault: partition",
            Fault::CutOneWay(..) => "fault: one-way partition",
            Fault::Held(_) => "fault: held",
            Fault::Lossy(_) => "fault: lost",
            Fault::Slow(_) => "fault: slow",
            Fault::Down(_) => "fault: crash",
        });
        self.present.push((sim.elapsed() + lasts, fault));
    }
}

fn link_of(fault: Fault) -> Option<usize> {
    match fault {
        Fault::Cut(link) | Fault::Held(link) | Fault::Lossy(link) | Fault::Slow(link) => Some(link),
        Fault::CutOneWay(from, to) => {
            LINKS.iter().position(|link| *link == (from, to) || *link == (to, from))
        }
        Fault::Down(_) => None,
    }
}

fn mend(sim: &mut Sim<'_>, fault: Fault) {
    trace::note(&format!("{fault:?} ends"));
    match fault {
        Fault::Cut(link) => sim.repair(LINKS[link].0, LINKS[link].1),
        Fault::CutOneWay(from, to) => sim.repair_oneway(from, to),
        Fault::Held(link) => sim.release(LINKS[link].0, LINKS[link].1),
        Fault::Lossy(link) => {
            let (one, other) = LINKS[link];
            sim.set_link_fail_rate(one, other, 0.0);
            sim.repair(one, other);
        }
        Fault::Slow(link) => sim.set_link_max_message_latency(LINKS[link].0, LINKS[link].1, LATENCY_MAX),
        Fault::Down(host) => sim.bounce(host),
    }
}
