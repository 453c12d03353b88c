//! Packages on their way to the own log: whole, one next to the other, and under one label.
//!
//! A package that lies within one append is signed whole or not at all, since an append is one batch. Under one label,
//! whoever may read one of its changes may read all; somebody who could read half would never see it applied. Not here:
//! how a reader tells whether a package is whole (`comity-screening`).

use std::collections::BTreeSet;

use comity_ledger::{Draft, Slot};

use crate::NodeError;
use crate::author_task::{Basis, Submission};

/// Refuses changes of which some are members of a package that is not there, whole and in order, or that changes one
/// record twice.
///
/// # Errors
/// [`NodeError::Record`].
pub(crate) fn check(bases: &[Basis]) -> Result<(), NodeError> {
    let refuse = |reason: &str| Err(NodeError::Record { reason: reason.to_owned() });
    // How many of the package at hand came, and how many there are.
    let mut open: Option<(u16, u16)> = None;
    let mut handles = BTreeSet::new();
    for basis in bases {
        let due = open.map_or(1, |(came, _)| came.saturating_add(1));
        match (open, basis.decoded.package) {
            (None, None) => continue,
            (_, Some(place))
                if place.place() == due && open.is_none_or(|(_, count)| count == place.count()) =>
            {
                open = (due < place.count()).then_some((due, place.count()));
            }
            _ => return refuse("the changes of a package are not next to each other in their order"),
        }
        if due == 1 {
            handles.clear();
        }
        if !handles.insert(basis.handle) {
            return refuse("a package changes one record twice");
        }
    }
    if open.is_some() { refuse("a package is not whole") } else { Ok(()) }
}

impl Submission {
    /// Whether all changes of each package are under the same labels.
    pub(crate) fn is_labelled_alike(&self) -> bool {
        let changes = || self.drafts.iter().zip(&self.bases);
        changes().zip(changes().skip(1)).all(|((draft, _), (next, basis))| {
            let is_further = basis.decoded.package.is_some_and(|place| place.place() > 1);
            !is_further || labels(draft) == labels(next)
        })
    }
}

fn labels(draft: &Draft) -> [Option<&[u8]>; 2] {
    [Slot::HANDLING, Slot::AUDIENCE].map(|slot| draft.section(slot))
}
