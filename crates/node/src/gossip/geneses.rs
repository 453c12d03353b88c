//! Two first entries of one successor: what its author's root key signed in the one that is held here, and in the one that a
//! peer gives, is evidence if it differs.
//!
//! Not here: two trees of one log (`other_trees`), and what follows from evidence (`convict`).

use comity_ledger::{Entry, Evidence, Genesis, Origin};
use comity_tlog::{EntryIndex, TreeSize};

use super::Gossiping;
use crate::NodeError;

impl Gossiping {
    /// Takes in what a peer gives as the first entry of a successor that is held here. Says whether the author stands
    /// convicted by it; what its root key did not sign convicts nobody.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails.
    pub(super) fn take_genesis(&self, origin: &Origin, entry: &[u8]) -> Result<bool, NodeError> {
        let first = EntryIndex::ZERO.size_through();
        let held = self.node.store().entries(origin, TreeSize::ZERO, first)?;
        let Some(held) = held.first() else { return Ok(false) };
        let (Some(ours), Some(theirs)) = (genesis_of(held), genesis_of(entry)) else { return Ok(false) };
        let Ok(evidence) = Evidence::of_geneses(&ours, &theirs) else { return Ok(false) };
        if evidence.origin() != origin {
            return Ok(false);
        }
        self.convict(&evidence)?;
        Ok(self.node.doubts().holds(&evidence))
    }
}

fn genesis_of(entry: &[u8]) -> Option<Genesis> {
    Genesis::from_entry(&Entry::parse(entry).ok()?).ok()
}
