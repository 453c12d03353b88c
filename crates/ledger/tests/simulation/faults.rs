//! Faults of whole nodes and of ways between them: crashes, cuts, slowness, backups put back.

use crate::disk::Who;
use crate::event::Event;
use crate::log::Log;
use crate::plan::PutBack;
use crate::world::World;

impl World {
    /// One fault of a node or a way, which passes.
    pub(crate) fn fault(&mut self) {
        let who = self.anyone();
        match self.dice.below(6) {
            0 | 1 => self.crash(who),
            2 => self.part(),
            3 => {
                // One way only: what is sent arrives, and no answer does.
                let other = self.anyone();
                self.tally.fault("one-way cut");
                self.cut_for(who, other);
            }
            4 => {
                let other = self.anyone();
                self.tally.fault("cut");
                self.cut_for(who, other);
                self.cut_for(other, who);
            }
            _ => {
                self.tally.fault("slow");
                self.agencies[who.at()].slow = self.dice.between(5, 100);
                let pause = self.dice.between(1_000, 60_000);
                self.later(pause, Event::Quicken(who));
            }
        }
    }

    fn anyone(&mut self) -> Who {
        Who(u8::try_from(self.dice.below(u64::from(self.plan.agencies))).unwrap())
    }

    fn cut_for(&mut self, from: Who, to: Who) {
        let pause = self.dice.between(500, 60_000);
        self.cut(from, to);
        self.later(pause, Event::Mend(from, to));
    }

    /// Two halves that do not hear of each other.
    fn part(&mut self) {
        self.tally.fault("partition");
        let side: Vec<bool> = (0..self.plan.agencies).map(|_| self.dice.one_in(2)).collect();
        let pause = self.dice.between(500, 60_000);
        for from in (0..self.plan.agencies).map(Who) {
            for to in (0..self.plan.agencies).map(Who) {
                if side[from.at()] != side[to.at()] {
                    self.cut(from, to);
                    self.later(pause, Event::Mend(from, to));
                }
            }
        }
    }

    /// Whether an agency dies right behind the step that it has just taken.
    pub(crate) fn crashes_here(&mut self, who: Who) -> bool {
        let crashes = !self.is_quiet() && self.dice.per_mille(self.plan.crashes);
        if crashes {
            self.crash(who);
        }
        crashes
    }

    /// A process is killed, or the power fails, which takes away what was not synced.
    pub(crate) fn crash(&mut self, who: Who) {
        let agency = &mut self.agencies[who.at()];
        if agency.is_down() {
            return;
        }
        let party = &mut self.talk.parties[who.at()];
        if self.dice.one_in(2) {
            self.tally.fault("killed");
            agency.disk.kill();
            agency.files.kill();
            party.kept.kill();
        } else {
            self.tally.fault("power cut");
            agency.disk.cut(self.dice.place(agency.disk.unsynced() + 1));
            agency.lock.cut(self.dice.place(agency.lock.unsynced() + 1));
            agency.files.cut(self.keys.dice.place(agency.files.unsynced() + 1));
            party.kept.cut(self.talk.dice.place(party.kept.unsynced() + 1));
            party.locks.cut(self.talk.dice.place(party.locks.unsynced() + 1));
        }
        agency.forget();
        self.touched.push(who);
        let pause = self.dice.between(200, 30_000);
        self.later(pause, Event::Restart(who));
        // Whoever was connected may be told by the system, or find out by the silence.
        for peer in (0..self.plan.agencies).map(Who) {
            let following = &self.agencies[peer.at()].following;
            let upstream = &self.agencies[peer.at()].upstream;
            let cut_off: Vec<(Log, u64)> = following
                .iter()
                .filter(|(log, _)| upstream[&log.author()] == who)
                .map(|(log, following)| (*log, following.session))
                .collect();
            for (log, session) in cut_off {
                if session != 0 && self.dice.one_in(2) {
                    self.soon(peer, 20, Event::HangUp(peer, log, session));
                }
            }
        }
    }

    pub(crate) fn restart(&mut self, who: Who) {
        if self.agencies[who.at()].is_down() {
            self.agencies[who.at()].find_home();
            self.start(who);
        }
    }

    pub(crate) fn back_up(&mut self, who: Who) {
        let agency = &mut self.agencies[who.at()];
        agency.backup = Some((agency.disk.backup(), agency.lock.backup()));
        let party = &mut self.talk.parties[who.at()];
        party.backup = Some((party.kept.backup(), party.locks.backup()));
    }

    /// A node is stopped, and something of it is put back to where it was when it was backed up.
    pub(crate) fn put_back(&mut self, who: Who) {
        self.crash(who);
        let Some((_, what)) = self.plan.put_back else { return };
        let agency = &mut self.agencies[who.at()];
        let truth = &mut self.truths[agency.writes];
        let Some((disk, lock)) = &agency.backup else { return };
        truth.restored = true;
        if what != PutBack::Lock {
            agency.disk.restore(disk);
            agency.shown.clear();
            agency.second = None;
            // Whoever restores a backup knows that what came after it is with the peers.
            truth.acknowledged = 0;
        }
        if what != PutBack::Database {
            agency.lock.restore(lock);
        }
        truth.forked |= what == PutBack::Both;
        let party = &mut self.talk.parties[who.at()];
        let (kept, locks) = party.backup.clone().unwrap_or_default();
        if what != PutBack::Lock {
            party.kept.restore(&kept);
        }
        if what != PutBack::Database {
            party.locks.restore(&locks);
            self.locks_put_back(who);
        }
        self.tally.fault(match what {
            PutBack::Database => "database put back",
            PutBack::Lock => "lock put back",
            PutBack::Both => "all put back",
        });
    }
}
