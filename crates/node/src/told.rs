//! What the entries of a log say of each other: which are erased, and which key events count.
//!
//! Taken in as the entries go by on their way into a bundle. Not here: what a key event changes (`comity-ledger`).

use std::collections::BTreeSet;

use comity_ledger::{Entry, Genesis, KeyEvent, KeyHistory, Kind, Origin};
use comity_store::Store;
use comity_tlog::{EntryIndex, root_at};

use crate::NodeError;

/// What was said so far.
#[derive(Debug)]
pub(crate) struct Told {
    /// The entries whose erasure a later one announces.
    pub(crate) erased: BTreeSet<u64>,
    /// The key events, a line each.
    pub(crate) key_events: String,
    origin: Origin,
    keys: Option<KeyHistory>,
}

impl Told {
    /// Nothing yet.
    pub(crate) fn new(origin: &Origin) -> Self {
        Self { erased: BTreeSet::new(), key_events: String::new(), origin: origin.clone(), keys: None }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// A [`NodeError`] if it does not parse.
    pub(crate) fn take(&mut self, store: &Store, index: EntryIndex, bytes: &[u8]) -> Result<(), NodeError> {
        let is = |kind: Kind| bytes.get(1) == Some(&kind.code());
        if index == EntryIndex::ZERO {
            let genesis = Genesis::from_entry(&Entry::parse(bytes)?)?;
            let history = genesis.log_key(&self.origin).map(|key| KeyHistory::new(self.origin.clone(), key));
            self.keys = history.and_then(|mut keys| keys.begin(&genesis).is_ok().then_some(keys));
        } else if is(Kind::Erase) {
            self.erased.extend(Entry::parse(bytes)?.about().map(EntryIndex::value));
        } else if is(Kind::Key)
            && let Some(keys) = &mut self.keys
        {
            let entry = Entry::parse(bytes)?;
            let past = |size| root_at(&store.nodes(&self.origin), size).ok();
            if keys.take(index, &entry, &past).is_ok()
                && let Ok(event) = KeyEvent::from_entry(&entry)
            {
                self.key_events.push_str(&event.to_line(index, &self.origin));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use comity_ledger::{AuthorTime, Draft};
    use comity_store::{Kek, StorePaths};

    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn what_a_later_entry_erases_is_told_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let paths = StorePaths { database: dir.path().join("store"), keyring: dir.path().join("keyring") };
        std::fs::create_dir(&paths.keyring).unwrap();
        let store = Store::create(&paths, Kek::from_bytes([7; 32]), &mut SystemEntropy::new()).unwrap();
        let origin: Origin = "agency-a.example/pub".parse().unwrap();
        let about = |kind, about: Option<u64>| Draft::new(kind, about.map(|at| EntryIndex::new(at).unwrap()));
        let drafts = [
            about(Kind::Record, None),
            about(Kind::Record, Some(0)),
            about(Kind::Erase, Some(0)).with_public_body(vec![1]),
            about(Kind::Record, None),
        ];
        let mut told = Told::new(&origin);
        for (draft, index) in drafts.into_iter().zip(1..) {
            let sealed =
                draft.seal(&origin, AuthorTime::from_unix_secs(9), &mut SystemEntropy::new()).unwrap();
            told.take(&store, EntryIndex::new(index).unwrap(), sealed.bytes().as_bytes()).unwrap();
        }
        assert_eq!(told.erased.into_iter().collect::<Vec<_>>(), [0]);
        assert!(told.key_events.is_empty());
    }
}
