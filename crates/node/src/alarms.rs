//! What a person must look at: alarms that stand until what raised them is over.
//!
//! Not here: when something is alarming (whoever raises it), and how alarms are shown (services, `comity watch`).

use std::collections::BTreeMap;

use comity_ledger::{AuthorTime, Origin};
use tokio::sync::watch;

use crate::follow::DOUBTS;

/// Most alarms that stand at a time; an answer of the node holds as many. One more of what already fills a list of
/// this length would not be looked at.
pub const ALARMS_MAX: usize = 1_024;

/// Which alarm: its kind, and the log and agency that it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmKey {
    /// A stable word, such as "read_only" or "fork".
    pub code: &'static str,
    /// The log concerned; empty if none.
    pub origin: String,
    /// The agency concerned; empty if none.
    pub agency: String,
}

/// An alarm that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Which.
    pub key: AlarmKey,
    /// When it was raised, by the clock of this node.
    pub since: AuthorTime,
    /// One sentence for people, without personal data.
    pub message: String,
}

/// The alarms that stand. Raised and ended from anywhere, watched by operators.
#[derive(Debug)]
pub struct Alarms(watch::Sender<BTreeMap<AlarmKey, Alarm>>);

impl Alarms {
    /// None yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(BTreeMap::new()))
    }

    /// Raises an alarm; one that stands already keeps the time since when.
    pub fn raise(&self, alarm: Alarm) {
        self.0.send_if_modified(|standing| {
            if standing.len() >= ALARMS_MAX || standing.contains_key(&alarm.key) {
                return false;
            }
            standing.insert(alarm.key.clone(), alarm);
            true
        });
    }

    /// Ends an alarm, if it stands.
    pub fn end(&self, key: &AlarmKey) {
        self.0.send_if_modified(|standing| standing.remove(key).is_some());
    }

    /// Lets those alarms of a code stand that are wanted, and no others of it; one that says the same keeps its time.
    pub(crate) fn replace(&self, code: &'static str, wanted: Vec<Alarm>) {
        for Alarm { key, message, .. } in self.standing() {
            if key.code == code && !wanted.iter().any(|alarm| alarm.key == key && alarm.message == message) {
                self.end(&key);
            }
        }
        for alarm in wanted {
            self.raise(alarm);
        }
    }

    /// Whether an alarm stands that puts the history of a log in doubt.
    pub(crate) fn doubt(&self, origin: &Origin) -> bool {
        let about = |key: &AlarmKey| DOUBTS.contains(&key.code) && key.origin == origin.as_str();
        self.0.borrow().keys().any(about)
    }

    /// Those that stand.
    pub fn standing(&self) -> Vec<Alarm> {
        self.0.borrow().values().cloned().collect()
    }

    /// Sees each change of those that stand.
    pub fn watch(&self) -> watch::Receiver<BTreeMap<AlarmKey, Alarm>> {
        self.0.subscribe()
    }
}

impl Default for Alarms {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(agency: usize) -> Alarm {
        let key = AlarmKey { code: "stale", origin: String::new(), agency: format!("a{agency}.example") };
        Alarm { key, since: AuthorTime::from_unix_secs(1), message: "a test".to_owned() }
    }

    #[test]
    fn an_alarm_stands_until_it_is_ended_and_no_more_stand_than_an_answer_holds() {
        let alarms = Alarms::new();
        let mut watching = alarms.watch();
        alarms.raise(alarm(0));
        assert!(watching.has_changed().unwrap());
        watching.mark_unchanged();
        alarms.raise(alarm(0));
        assert!(!watching.has_changed().unwrap(), "it stood already");
        (0..2 * ALARMS_MAX).for_each(|agency| alarms.raise(alarm(agency)));
        assert_eq!(alarms.standing().len(), ALARMS_MAX);
        alarms.end(&alarm(0).key);
        assert_eq!(alarms.standing().len(), ALARMS_MAX - 1);
    }
}
