//! Whether changes are about a record that is held back: a caller may have looked at it before an erasure of it came to
//! wait, and must be told so when its turn comes.
//!
//! Not here: what is held back (`store`), and why (`erasures_due`).

use std::collections::BTreeSet;

use comity_ledger::Origin;
use comity_screening::LogOrigin;
use comity_tlog::EntryIndex;
use comity_watchlist::{Handle, Op};

use super::{AuthorLoop, Basis};

impl AuthorLoop {
    /// Whether any of the changes is about a listing or a statement of which an entry is held back, follows up on such a
    /// listing, or says something about it.
    pub(super) fn is_held_back(&self, own: &Origin, bases: &[Basis]) -> bool {
        let held_back = self.node.store().held_back();
        let Some(log) = own.as_str().parse::<LogOrigin>().ok().filter(|_| held_back.any_of(own)) else {
            return false;
        };
        let view = self.node.view();
        let entries: BTreeSet<EntryIndex> = held_back.of(own).collect();
        let listings: BTreeSet<Handle> =
            entries.iter().filter_map(|index| view.handle_at(&log, *index)).collect();
        bases.iter().any(|basis| {
            let change = &basis.decoded.change;
            let named: Vec<Handle> = match &change.op {
                Op::Relist { relist_of, .. } => vec![*relist_of],
                Op::SameAs { pair, .. } => {
                    let own_ones =
                        pair.listings().iter().filter(|named| named.origin.as_str() == own.as_str());
                    own_ones.map(|named| named.handle).collect()
                }
                _ => vec![change.handle],
            };
            let follows = basis.follows.is_some_and(|(index, _)| entries.contains(&index));
            follows || named.iter().any(|handle| listings.contains(handle))
        })
    }
}
