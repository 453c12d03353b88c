//! What the hosts of one simulation share with whoever drives it: chance, the phase it is in, and what is claimed.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use comity_ledger::Entropy as _;
use comity_watchlist::Handle;

use crate::agency::Agency;
use crate::claims::Claims;
use crate::dice::Dice;
use crate::system;

/// How far a simulation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Faults come, and entries are appended.
    Faults,
    /// All faults have ended, and nobody appends: everybody must come to hold everything.
    Settling,
    /// The nodes are told to end.
    Stopping,
}

pub(crate) struct Stage {
    pub(crate) folder: PathBuf,
    pub(crate) claims: RefCell<Claims>,
    phase: Cell<Phase>,
    /// The hosts whose nodes are told to end and to begin again.
    restarts: RefCell<BTreeSet<&'static str>>,
    seed: u64,
    dice: RefCell<BTreeMap<&'static str, Dice>>,
    listings: RefCell<BTreeMap<&'static str, Vec<Handle>>>,
}

impl Stage {
    pub(crate) fn new(folder: PathBuf, seed: u64) -> Self {
        Self {
            folder,
            claims: RefCell::default(),
            phase: Cell::new(Phase::Faults),
            restarts: RefCell::default(),
            seed,
            dice: RefCell::default(),
            listings: RefCell::default(),
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.set(phase);
    }

    /// The node of a host is to end, as by SIGTERM, and to begin again.
    pub(crate) fn restart(&self, host: &'static str) {
        self.restarts.borrow_mut().insert(host);
    }

    /// Whether that was asked for; once.
    pub(crate) fn take_restart(&self, host: &str) -> bool {
        self.restarts.borrow_mut().remove(host)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        system::elapsed()
    }

    /// Chance of one agency's people, who outlive their node.
    pub(crate) fn dice<T>(&self, agency: &Agency, draw: impl FnOnce(&mut Dice) -> T) -> T {
        let mut all = self.dice.borrow_mut();
        let number =
            agency.host.bytes().fold(self.seed, |mixed, byte| mixed.rotate_left(8) ^ u64::from(byte));
        draw(all.entry(agency.id).or_insert_with(|| Dice::new(number)))
    }

    /// A listing that nobody had before: its number, and its name.
    pub(crate) fn new_listing(&self, agency: &Agency) -> (u64, Handle) {
        let mut handle = [0; 16];
        self.dice(agency, |dice| dice.fill(&mut handle)).unwrap();
        let mut all = self.listings.borrow_mut();
        let listings = all.entry(agency.id).or_default();
        listings.push(Handle::new(handle));
        (u64::try_from(listings.len()).unwrap() - 1, Handle::new(handle))
    }

    /// The number of a listing.
    pub(crate) fn number_of(&self, agency: &Agency, handle: Handle) -> u64 {
        let all = self.listings.borrow();
        let place = all[agency.id].iter().position(|known| *known == handle).unwrap();
        u64::try_from(place).unwrap()
    }
}
