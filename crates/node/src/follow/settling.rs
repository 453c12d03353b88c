//! What was written of a followed log, until it may be relied upon: made durable, told, shown. Blocking.
//!
//! One step is shown while the next is verified and written. Not here: what was written (`keeper`), how the view
//! takes it in (`viewing`), and that one step is settled after the other (`session`).

use comity_ledger::Origin;
use comity_store::Unsettled;
use comity_tlog::{TreeSize, VerifiedCheckpoint};

use super::error::FollowError;
use super::viewing::{Unseen, show};
use crate::Node;

/// How far a followed log has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Entries held.
    pub(super) held: TreeSize,
    /// Entries of the newest checkpoint seen.
    pub(super) seen: TreeSize,
    /// Whether the sender has shown a checkpoint that goes on from what is held, and all of its entries are held.
    pub(super) is_confirmed: bool,
}

/// One step that was written.
#[derive(Debug, Default)]
pub(super) struct Settling {
    /// What is not durable yet; none if nothing was to be written.
    pub(super) written: Option<Unsettled>,
    /// Checkpoints of which all entries are held with it.
    pub(super) complete: Vec<VerifiedCheckpoint>,
    /// What the view has to take in.
    pub(super) unseen: Unseen,
    /// How far the log has come with it; none if not all that came was right and written.
    pub(super) standing: Option<Standing>,
}

impl Settling {
    /// Makes the step durable, and then tells of it; before anything else is written, so that after a sync that failed
    /// there is none of another thread that is believed.
    pub(super) fn make_durable(&mut self, node: &Node, origin: &Origin) -> Result<(), FollowError> {
        let Some(written) = self.written.take() else { return Ok(()) };
        node.store().settle(written)?;
        let complete = std::mem::take(&mut self.complete);
        let kept =
            complete.iter().try_for_each(|checkpoint| node.store().keep_checkpoint(origin, checkpoint));
        // Relays and whoever else waits can begin, before the view takes it in.
        node.tell_news();
        Ok(kept?)
    }

    /// Shows the step, which is made durable before if it was not yet.
    pub(super) fn settle(mut self, node: &Node, origin: &Origin) -> Result<Option<Standing>, FollowError> {
        self.make_durable(node, origin)?;
        show(node, origin, self.unseen)?;
        Ok(self.standing)
    }
}
