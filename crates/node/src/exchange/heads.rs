//! The comparison of heads: what this node holds, and the notes that the caller lacks.
//!
//! What the caller sends as news is not taken: checkpoints come by `Follow` alone, where they are verified.

use comity_ledger::Head;
use comity_wire::{Generation, HEAD_UPDATES_MAX, HeadDigest, HeadNews, HeadUpdate, Heads, OriginDigest};

use super::error::ServeError;
use crate::{Node, NodeError};

/// Answers the digests of a caller.
pub(super) fn answer(node: &Node, theirs: &Heads) -> Result<Heads, ServeError> {
    let (mut digests, mut updates) = (Vec::new(), Vec::new());
    for (origin, _) in node.store().logs().map_err(NodeError::from)? {
        let Some(note) = super::newest(node, &origin)?.filter(|_| super::is_served(&origin)) else {
            continue;
        };
        let head = Head { size: note.checkpoint().size(), root: note.checkpoint().root() };
        let name = OriginDigest::of(&origin);
        let held = theirs.digests().iter().find(|digest| digest.origin == name);
        // Each note has the author's line alone, so a new line comes with a larger tree: the size counts them up.
        let generation = Generation::new(head.size.value());
        let seen = held.map_or_else(Generation::default, |digest| digest.generation);
        digests.push(HeadDigest { origin: name, head, generation, seen });
        let lacks = held.is_none_or(|digest| digest.head.size < head.size);
        if lacks && updates.len() < HEAD_UPDATES_MAX {
            updates.push(HeadUpdate { origin: name, generation, news: HeadNews::Checkpoint(note) });
        }
    }
    Ok(Heads::new(digests, updates)?)
}
