//! How the view takes in what was kept of a followed log, while the next is being kept. Blocking.
//!
//! Not here: what was kept (`keeper`), and the order of one showing after the other (`session`).

use comity_ledger::{Head, Origin, VerifiedOpening};
use comity_screening::Provenance;
use comity_tlog::TreeSize;

use super::error::FollowError;
use crate::Node;
use crate::records::{ViewStep, last_good, within};

/// Entries applied to the view at once, so that questions wait for one window only.
const VIEW_WINDOW: usize = 256;

/// Entries that are shown in less time than it takes to begin with them on another thread.
const LITTLE: u64 = 4;

/// What was kept and is to be shown: what stands under complete heads, read back from the store, then what was opened of
/// entries that were shown before, and whether the log was closed by it.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    pub(super) heads: Vec<Head>,
    pub(super) opened: Vec<OpenedEntry>,
    pub(super) closed: bool,
}

impl Unseen {
    /// Whether there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.opened.is_empty() && !self.closed
    }
}

/// A record entry with all that is held of it.
#[derive(Debug)]
pub(super) struct OpenedEntry {
    pub(super) at: Provenance,
    pub(super) openings: Vec<VerifiedOpening>,
}

/// Up to where a log is in the view.
pub(super) fn viewed(node: &Node, origin: &Origin) -> TreeSize {
    node.taken_in().get(origin).map_or(TreeSize::ZERO, |head| head.size)
}

/// Whether what was kept is so little that it is shown at once.
pub(super) fn is_little(node: &Node, origin: &Origin, unseen: &Unseen) -> bool {
    let end = unseen.heads.last().map_or(0, |head| head.size.value());
    let entries = end.saturating_sub(viewed(node, origin).value());
    !unseen.closed && entries <= LITTLE && unseen.opened.len() <= usize::try_from(LITTLE).unwrap_or(0)
}

/// Shows what was kept. One showing of a log begins only when the one before it has ended.
pub(super) fn show(node: &Node, origin: &Origin, unseen: Unseen) -> Result<(), FollowError> {
    let shown = unseen.heads.into_iter().try_for_each(|head| show_to(node, origin, head));
    // What was opened is shown all the same: it is not read back again.
    let mut opened = unseen.opened;
    while !opened.is_empty() {
        let later = opened.split_off(opened.len().min(VIEW_WINDOW));
        let steps = std::mem::replace(&mut opened, later).into_iter().map(step).collect();
        node.show(origin, steps, None)?;
    }
    if unseen.closed {
        // What was shown before of what is void now changes nothing any more.
        node.rebuild_view()?;
    }
    shown
}

/// Shows all that is under a complete checkpoint and was not shown yet.
fn show_to(node: &Node, origin: &Origin, head: Head) -> Result<(), FollowError> {
    let mut viewed = viewed(node, origin);
    // What a log holds beyond its end was shown when it was closed, and an answer does not stand on it.
    if viewed >= within(head, last_good(node.store(), origin)?).size {
        return Ok(());
    }
    while viewed < head.size {
        let window = u64::try_from(VIEW_WINDOW).unwrap_or(1);
        let end = viewed.checked_add(window).unwrap_or(head.size).min(head.size);
        // An answer names the checkpoint only once everything under it is in the view.
        node.take_in(origin, viewed..end, Some(head).filter(|head| head.size == end))?;
        viewed = end;
    }
    tracing::info!(size = %head.size, "log is complete up to its checkpoint");
    Ok(())
}

fn step(entry: OpenedEntry) -> ViewStep {
    let opened = entry.openings.iter().map(|opening| (opening.slot(), opening.opening()));
    ViewStep::of(entry.at, true, opened)
}
