//! A key event as a line of text, for people who read a bundle: a hint beside the entries, which hold the event itself.

use comity_tlog::{EntryIndex, Hash};

use crate::{KeyAct, KeyEvent, Origin};

/// Where the key events of a log stand as lines within its folder of an audit bundle.
pub const KEY_EVENTS_PATH: &str = "key-events";

impl KeyEvent {
    /// The line of an event that stands in the entry at `index`, with its end: index, act, role and key, and what the act
    /// has more: the log key that stands for the author, or size and root of the last good checkpoint. The key is a vkey,
    /// of a TLS authority the SHA-256 of its SubjectPublicKeyInfo, base64.
    pub fn to_line(&self, index: EntryIndex, origin: &Origin) -> String {
        // What is no key of a log is the hash of an authority.
        let hash = || self.key().as_bytes().try_into().map_or(Hash::EMPTY_ROOT, Hash::from_bytes);
        let key = match self.key().verifier(origin) {
            Some(key) => key.to_string(),
            None => hash().to_base64(),
        };
        let more = match self.act() {
            KeyAct::Add { by } | KeyAct::Retire { by } => {
                format!("by {}", by.verifier(origin).map_or_else(String::new, |key| key.to_string()))
            }
            KeyAct::Revoke { last_good } => {
                format!("last-good {} {}", last_good.size, last_good.root.to_base64())
            }
        };
        format!("{index} {} {} {key} {more}\n", self.act().name(), self.key().role())
    }
}
