//! What a key signed that is not in force for it: void, whoever shows it, and no accusation of the author.
//!
//! Blocking. Not here: which key is in force (`comity-ledger`), and what follows from evidence (`convict`).

use comity_ledger::{CheckpointKeyError, KeyHistory};
use comity_tlog::SignedCheckpoint;

use super::Gossiping;
use crate::doubts::is_of_author;
use crate::follow::FORK;
use crate::{Alarm, AlarmKey, NodeError, now};

/// The alarm that somebody signs with a key of an author that is not in force.
pub(crate) const VOID: &str = "void_checkpoint";

impl Gossiping {
    /// Raises the alarm if a key signed a checkpoint for which it is not in force: whoever holds it is not, or not any
    /// more, the author. The log itself stands as before.
    pub(super) fn look_for_thief(&self, keys: &KeyHistory, note: &SignedCheckpoint) {
        let Err(CheckpointKeyError::OutOfForce { size }) = keys.verify(note) else { return };
        let origin = keys.origin();
        let key = AlarmKey { code: VOID, origin: origin.to_string(), agency: origin.agency().to_string() };
        let message = format!(
            "a checkpoint of size {size} is signed with a key of the author that is not in force for it, and is void: \
             somebody else holds that key"
        );
        tracing::error!(%origin, %size, "a checkpoint of a key that is not in force");
        self.node.alarms().raise(Alarm { key, since: now(), message });
    }

    /// Lets go of evidence that accuses no author any more: a key event has come by which one of its checkpoints is
    /// void. The file stays.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails.
    pub(super) fn acquit(&self) -> Result<(), NodeError> {
        for evidence in self.node.doubts().held() {
            let origin = evidence.origin();
            let Some(keys) = self.keys_of(origin)? else { continue };
            if is_of_author(&evidence, &keys) {
                continue;
            }
            self.node.doubts().let_go(&evidence.digest());
            if !self.node.doubts().convicts(origin) {
                let (agency, origin) = (origin.agency().to_string(), origin.to_string());
                self.node.alarms().end(&AlarmKey { code: FORK, origin, agency });
            }
            tracing::warn!(%origin, file = %evidence.digest(), "evidence is void by a later key event");
        }
        Ok(())
    }
}
