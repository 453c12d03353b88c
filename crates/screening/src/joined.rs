//! What a merge or a split says of a listing, beside where it stands: with which others it is one, or into which it went.
//!
//! Neither changes a state, nor what may be found: it is the authority's opinion, and can be turned by the next. Not for:
//! what one agency says of records whosever they are (`statement`), or which change follows which (`chain`).

use comity_watchlist::Handle;

/// How the merges and splits that were followed leave a listing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Joined {
    /// It is one with another, which goes on for both.
    MergedInto(Handle),
    /// It is several, and these are the others.
    SplitInto(Vec<Handle>),
}

/// What one merge or split does to the listing that it is a change of.
#[derive(Clone, Debug)]
pub(crate) enum Join {
    /// It does not name the listing.
    Unnamed,
    /// Others are merged into it.
    GoesOn { from: Vec<Handle> },
    /// It is merged into another.
    Ends { into: Handle },
    /// It is split.
    Parts { into: Vec<Handle> },
    /// It is what another is split into.
    Apart { from: Handle },
}

impl Join {
    /// What a merge is to the listing of a handle.
    pub(crate) fn of_merge(handle: Handle, into: Handle, from: Vec<Handle>) -> Self {
        if into == handle {
            Self::GoesOn { from }
        } else if from.contains(&handle) {
            Self::Ends { into }
        } else {
            Self::Unnamed
        }
    }

    /// What a split is to the listing of a handle.
    pub(crate) fn of_split(handle: Handle, from: Handle, into: Vec<Handle>) -> Self {
        if from == handle {
            Self::Parts { into: into.into_iter().filter(|other| *other != handle).collect() }
        } else if into.contains(&handle) {
            Self::Apart { from }
        } else {
            Self::Unnamed
        }
    }

    /// How it leaves a listing that stood so.
    pub(crate) fn after(&self, before: Option<&Joined>) -> Option<Joined> {
        match (self, before) {
            (Self::Ends { into }, _) => Some(Joined::MergedInto(*into)),
            (Self::Parts { into }, _) if !into.is_empty() => Some(Joined::SplitInto(into.clone())),
            // What went apart and is merged again is one again.
            (Self::GoesOn { from }, Some(Joined::SplitInto(others))) => {
                let left: Vec<Handle> =
                    others.iter().copied().filter(|other| !from.contains(other)).collect();
                (!left.is_empty()).then_some(Joined::SplitInto(left))
            }
            (Self::Apart { from }, Some(Joined::MergedInto(into))) if from == into => None,
            (_, before) => before.cloned(),
        }
    }
}
