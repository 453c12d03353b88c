//! The time that has certainly come, by what witnesses state and not by this machine's clock (D23).
//!
//! Of n witnesses f = (n - 1) / 3 may say anything: it is the (f + 1)-th largest of the newest times of all of them. It
//! never goes back, and with every second that passes here a second more has come. Not here: whose lines are believed
//! (`gossip`), how many may lie (`comity_tlog::Threshold`), and where it is kept (`comity-store`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use comity_store::Store;
use comity_tlog::{CosignatureTime, Threshold, VerifierKey, witnessed_now};
use tokio::time::Instant;

use crate::{NodeError, now};

/// What witnesses say of the time.
#[derive(Debug, Default)]
pub(crate) struct WitnessedTime(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The newest verified time of each witness that has spoken since the start.
    newest: Vec<(VerifierKey, CosignatureTime)>,
    /// The time that has come, and when that was known here.
    come: Option<(CosignatureTime, Instant)>,
}

impl WitnessedTime {
    /// Goes on from what a store keeps.
    ///
    /// # Errors
    /// A [`NodeError`] if the store is damaged.
    pub(crate) fn load(store: &Store) -> Result<Self, NodeError> {
        let come = store.witnessed_time()?.map(|time| (time, Instant::now()));
        Ok(Self(Mutex::new(State { newest: Vec::new(), come })))
    }

    /// Takes verified times of cosigners, of which those of these witnesses count. Gives the time that has come if it is
    /// later than was known.
    pub(crate) fn take<'a>(
        &self,
        times: impl Iterator<Item = (&'a VerifierKey, CosignatureTime)>,
        witnesses: &[VerifierKey],
    ) -> Option<CosignatureTime> {
        let mut state = self.state();
        // Of a witness that is none any more nothing counts.
        state.newest.retain(|(key, _)| witnesses.contains(key));
        for (key, time) in times.filter(|(key, _)| witnesses.contains(key)) {
            match state.newest.iter_mut().find(|(held, _)| held == key) {
                Some((_, newest)) => *newest = time.max(*newest),
                None => state.newest.push((key.clone(), time)),
            }
        }
        let newest: Vec<CosignatureTime> = state.newest.iter().map(|(_, time)| *time).collect();
        // Those that have not spoken may lie as well as those that have.
        let time = witnessed_now(&newest, Threshold::of(witnesses.len()).lying())?;
        if state.come.is_some_and(|(come, _)| come >= time) {
            return None;
        }
        state.come = Some((time, Instant::now()));
        Some(time)
    }

    /// The time that has come; `None` as long as no more witnesses have spoken than may lie.
    pub(crate) fn come(&self) -> Option<CosignatureTime> {
        self.state().come.map(|(time, _)| time)
    }

    /// The same with the seconds that have passed here since it was known; 0 without one.
    pub(crate) fn at_least_secs(&self) -> u64 {
        let come = self.state().come;
        come.map_or(0, |(time, known)| time.value().saturating_add(known.elapsed().as_secs()))
    }

    /// The time by which rules are judged: whatever ends has ended by the later of both, so that a clock that was put
    /// back keeps nothing alive.
    pub(crate) fn for_rules_secs(&self) -> u64 {
        self.at_least_secs().max(now().unix_secs())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use comity_tlog::{KeyKind, KeyName, SigningKey};

    use super::*;

    fn witnesses(count: u8) -> Vec<VerifierKey> {
        let key = |number: u8| {
            let name = KeyName::new(&format!("agency-{number}.example/witness")).unwrap();
            SigningKey::from_seed(name, KeyKind::CosignatureV1, &[number; 32]).unwrap().verifier().clone()
        };
        (0..count).map(key).collect()
    }

    /// Lets each witness state a time, the first one first; 0 for one that says nothing.
    fn say(time: &WitnessedTime, witnesses: &[VerifierKey], secs: &[u64]) -> Option<u64> {
        let at = |secs: &u64| CosignatureTime::new(*secs).unwrap();
        let said = witnesses.iter().zip(secs.iter().map(at)).filter(|(_, time)| time.value() > 0);
        time.take(said, witnesses);
        time.come().map(CosignatureTime::value)
    }

    #[test]
    fn one_lying_witness_of_four_moves_it_neither_ahead_nor_back() {
        let (time, four) = (WitnessedTime::default(), witnesses(4));
        assert_eq!(say(&time, &four, &[9_000_000, 0, 0, 0]), None, "one alone says nothing");
        assert_eq!(say(&time, &four, &[9_000_000, 100, 0, 0]), Some(100));
        assert_eq!(say(&time, &four, &[9_000_000, 100, 110, 120]), Some(120), "the second largest");
        assert_eq!(say(&time, &four, &[1, 100, 110, 120]), Some(120));
        assert_eq!(say(&time, &four, &[90_000_000, 0, 0, 125]), Some(125));
    }

    #[test]
    fn a_witness_that_goes_back_and_one_that_is_removed_take_nothing_back() {
        let (time, three) = (WitnessedTime::default(), witnesses(3));
        assert_eq!(say(&time, &three, &[100, 110, 90]), Some(110), "of three none may lie");
        assert_eq!(say(&time, &three, &[50, 60, 70]), Some(110));
        assert_eq!(say(&time, &three[..1], &[105]), Some(110));
        assert_eq!(say(&time, &three[..1], &[115]), Some(115));
        let stranger = witnesses(5);
        assert_eq!(time.take([(&stranger[4], CosignatureTime::MAX)].into_iter(), &three[..1]), None);
    }

    #[test]
    fn a_clock_that_was_put_back_makes_no_rule_live_longer() {
        let (time, one) = (WitnessedTime::default(), witnesses(1));
        let clock = now().unix_secs();
        assert!(time.for_rules_secs() >= clock, "without witnesses the clock is all there is");
        // The clock stands an hour behind what the witness has seen.
        let true_secs = clock + 3_600;
        say(&time, &one, &[true_secs]);
        assert_eq!(time.for_rules_secs(), true_secs);
        let since = Instant::now().checked_sub(std::time::Duration::from_secs(130)).unwrap();
        time.state().come = time.come().map(|come| (come, since));
        assert!(time.for_rules_secs() >= true_secs + 130, "what passes here passes there");
        assert_eq!(time.come().map(CosignatureTime::value), Some(true_secs));
    }
}
