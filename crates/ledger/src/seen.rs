//! Which news of one peer were taken in whole: what this node says it has seen, so that the peer need not say it again.
//!
//! Only what came and was taken counts. That a peer left something unsaid proves nothing: it may have been said to the
//! process before this one, which took it with it, or in a message that was lost. Not here: what a peer lacks
//! (`gossip`).

use std::collections::BTreeMap;

use crate::{Generation, Gossiped, HeadNews, HeadUpdate, OriginDigest};

/// The generation of one peer with which its news of each log were taken in whole, since this process began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen(BTreeMap<OriginDigest, Generation>);

impl Seen {
    /// The generation that was seen of a log; the default if none was.
    pub fn of(&self, origin: &OriginDigest) -> Generation {
        self.0.get(origin).copied().unwrap_or_default()
    }

    /// Counts an update as seen, if it came to lines of the head that is held, all of which were taken in, and if it
    /// leaves out nothing but what was seen before.
    pub fn note(&mut self, update: &HeadUpdate, gossiped: &Gossiped) {
        let since = match &update.news {
            HeadNews::Lines { since, .. } => *since,
            // A note bears all lines that its sender holds.
            HeadNews::Checkpoint { .. } => Generation::default(),
        };
        let goes_on = since == Generation::default() || since == self.of(&update.origin);
        if goes_on && matches!(gossiped, Gossiped::Lines { refused: 0, .. }) {
            self.0.insert(update.origin, update.generation);
        }
    }
}
