//! What is done with checkpoints that come as they stood with their first quorum: they prove by when their entries existed
//! (D23), also to a follower that was away then, and to an author whose home was put back.
//!
//! Whoever sends them proves nothing by itself: each is compared with the tree that is held, and its lines with the keys of
//! cosigners known here. By holding them back a sender makes a time later and never earlier, and only until another, or
//! the same after a start, is asked for all of them. Of those that come as many are kept as there are entries whose time must
//! be provable, and no more. Not here: what the lines come to (`gossip`), and who is convicted by another tree (`follow`).

use std::ops::Range;

use comity_ledger::{AgencyId, Head, KeyHistory, Origin, Rejection};
use comity_store::StoreError;
use comity_tlog::{EntryIndex, Hash, ProveError, SignedCheckpoint, TreeSize, root_at};

use crate::gossip::{FirstQuorum, FirstQuorums, ProvedBelow, first_dated};
use crate::{Node, NodeError, Peers};

/// Why a first quorum is refused: nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirstQuorumError {
    /// It is of another log, or no key of this one that is in force signed it.
    #[error("rejected")]
    Rejected(#[from] Rejection),
    /// Of another tree than those that were asked for, or out of their order.
    #[error("the first quorum of size {size} came where none below {from} was asked for")]
    Unasked {
        /// The size.
        size: TreeSize,
        /// The smallest size asked for.
        from: TreeSize,
    },
    /// Before the entries that it covers.
    #[error("the first quorum of size {size} came before its entries: {held} are held")]
    Early {
        /// The size.
        size: TreeSize,
        /// Entries held.
        held: TreeSize,
    },
    /// The author signed another tree than the one held.
    #[error("the checkpoint of size {size} is of another history than the entries held")]
    OtherPast {
        /// The size.
        size: TreeSize,
    },
    /// The tree that is held cannot be read.
    #[error("the tree that is held cannot be read")]
    Tree(#[from] ProveError<StoreError>),
    /// The own store or what is in it.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl From<StoreError> for FirstQuorumError {
    fn from(source: StoreError) -> Self {
        Self::Node(source.into())
    }
}

/// The log of which first quorums come, as it is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldLog<'a> {
    /// Who judges.
    pub(crate) node: &'a Node,
    /// The register, whose witnesses and policies count.
    pub(crate) peers: &'a Peers,
    /// The keys of its author.
    pub(crate) keys: &'a KeyHistory,
    /// Entries held.
    pub(crate) size: TreeSize,
    /// Where it ends, if its successor says so.
    pub(crate) end: Option<Head>,
}

impl HeldLog<'_> {
    fn origin(&self) -> &Origin {
        self.keys.origin()
    }

    /// What is kept of one size, judged anew; `None` also of one that no key in force signed any more.
    fn judged(&self, note: Option<Vec<u8>>, by: &FirstQuorums) -> Result<Option<FirstQuorum>, NodeError> {
        let note = note.and_then(|note| SignedCheckpoint::parse(&note).ok());
        let verified = note.and_then(|note| self.keys.verify(&note).ok());
        verified.map(|verified| by.judge(verified)).transpose()
    }

    /// What two of the same tree prove together.
    fn both(
        &self,
        one: &FirstQuorum,
        other: &FirstQuorum,
        by: &FirstQuorums,
    ) -> Result<Option<FirstQuorum>, NodeError> {
        let verified = self.keys.verify(&one.note).ok();
        verified.map(|verified| by.judge_both(verified, other)).transpose()
    }
}

/// The first quorums that are still to come from one sender.
#[derive(Debug)]
pub(crate) struct Wanted {
    sender: AgencyId,
    /// The smallest tree.
    from: TreeSize,
    /// By whose lines and which policy they were judged when they were asked for.
    judges: Hash,
    /// Whether a line was left out since its time had not come: then all are asked for again.
    is_early: bool,
    /// Whether it was told that one was left out since others cover its entries.
    has_told: bool,
    /// Entries of which none needs one.
    plain: Range<TreeSize>,
}

impl Wanted {
    /// All of them, unless this sender's were all judged by the same cosigners and policy since the start: then from the
    /// largest tree on of which one is held, since an earlier time of that may be known by now.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails or is damaged.
    pub(crate) fn of(
        node: &Node,
        peers: &Peers,
        sender: &AgencyId,
        origin: &Origin,
    ) -> Result<Self, NodeError> {
        let judges = FirstQuorums::of(node, peers, origin)?.name();
        let was_judged = node.judged_in_full().was_by(sender, origin, judges);
        let held = node.store().largest_first_quorum(origin)?.filter(|_| was_judged);
        let from = held.unwrap_or_else(|| EntryIndex::ZERO.size_through());
        let (sender, plain) = (sender.clone(), TreeSize::ZERO..TreeSize::ZERO);
        Ok(Self { sender, from, judges, is_early: false, has_told: false, plain })
    }

    pub(crate) fn from(&self) -> TreeSize {
        self.from
    }

    /// Verifies a first quorum against the entries that are held; `None` of one that is void by an entry that came later.
    ///
    /// # Errors
    /// A [`FirstQuorumError`]; the stream is at its end then.
    pub(crate) fn check(
        &mut self,
        of: HeldLog<'_>,
        note: &SignedCheckpoint,
        judged_by: &mut Option<FirstQuorums>,
    ) -> Result<Option<FirstQuorum>, FirstQuorumError> {
        if note.checkpoint().origin() != of.origin().as_str() {
            return Err(Rejection::OtherOrigin.into());
        }
        let (size, from, held) = (note.checkpoint().size(), self.from, of.size);
        if size < from {
            return Err(FirstQuorumError::Unasked { size, from });
        }
        if size > held {
            return Err(FirstQuorumError::Early { size, held });
        }
        let verified = match of.keys.verify(note) {
            Ok(verified) => Some(verified),
            // Void by an entry that came later: whoever sends it may not have known of that when it was kept.
            Err(_) if of.keys.verify_as_then(note).is_ok() => None,
            Err(error) => return Err(Rejection::from(error).into()),
        };
        let verified = verified.filter(|_| of.end.is_none_or(|end| size <= end.size));
        self.from = size.next().unwrap_or(TreeSize::MAX);
        let Some(verified) = verified else { return Ok(None) };
        if root_at(&of.node.store().nodes(of.origin()), size)? != verified.checkpoint().root() {
            return Err(FirstQuorumError::OtherPast { size });
        }
        let judged_by = judging(of, judged_by)?;
        let it = judged_by.judge(verified)?;
        if it.is_early {
            // As where it comes by gossip, nothing is believed of it before its time.
            self.is_early = true;
            of.node.judged_in_full().forget(&self.sender, of.origin());
            tracing::warn!(%size, "a line on a first quorum is of a time to come: it is left out");
        }
        Ok(Some(it))
    }

    /// Once the sender has said that this was all.
    pub(crate) fn all_came(&self, node: &Node, origin: &Origin) {
        if !self.is_early {
            node.judged_in_full().is_by(&self.sender, origin, self.judges);
        }
    }

    /// Keeps what first quorums prove, and them, for those who follow from here. Says whether any of it was new.
    ///
    /// One is kept, together with the lines of what is kept of its size, if it adds to that and is the first to cover an
    /// entry whose time must be provable: those of smaller trees that cover it prove less. Those that it makes needless by
    /// that are let go.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails or is damaged.
    pub(crate) fn keep(
        &mut self,
        of: HeldLog<'_>,
        proved: &[FirstQuorum],
        judged_by: &mut Option<FirstQuorums>,
    ) -> Result<bool, NodeError> {
        let (store, mut is_new) = (of.node.store(), false);
        for it in proved {
            let (judged_by, size) = (judging(of, judged_by)?, it.note.checkpoint().size());
            let kept = of.judged(store.first_quorum_of(of.origin(), size)?, judged_by)?;
            if kept.as_ref().is_some_and(|kept| it.adds_nothing_to(kept)) {
                if let Some(time) = it.existed_by {
                    is_new |= store.put_existed_by(of.origin(), size, time)?;
                }
                continue;
            }
            let both = kept.map(|kept| of.both(it, &kept, judged_by)).transpose()?.flatten();
            let it = both.as_ref().unwrap_or(it);
            if !self.is_first(of, it, judged_by)? {
                if !std::mem::replace(&mut self.has_told, true) {
                    let (sender, origin) = (&self.sender, of.origin());
                    tracing::warn!(%sender, %origin, %size, "first quorums that are not the first to cover an entry are left out");
                }
                continue;
            }
            store.put_first_quorum(of.origin(), &it.note, it.existed_by)?;
            self.remove_needless(of, it, judged_by)?;
            is_new = true;
        }
        Ok(is_new)
    }

    /// Whether an entry whose time must be provable is covered by this one, and by none of a smaller tree that proves as
    /// much.
    fn is_first(&mut self, of: HeldLog<'_>, it: &FirstQuorum, by: &FirstQuorums) -> Result<bool, NodeError> {
        let size = it.note.checkpoint().size();
        let (mut below, mut proved) = (size, ProvedBelow::default());
        loop {
            let found = of.node.store().first_quorum_below(of.origin(), below)?;
            below = size_of(found.as_deref())?.unwrap_or(TreeSize::ZERO);
            if self.has_dated(of, below..size)? {
                return Ok(true);
            }
            if let Some(found) = of.judged(found, by)? {
                proved.add(found);
            }
            if below.is_zero() || proved.covers(it) {
                return Ok(false);
            }
        }
    }

    /// Lets go of those of larger trees that are the first to cover no entry any more, and prove no more than this one.
    fn remove_needless(
        &mut self,
        of: HeldLog<'_>,
        it: &FirstQuorum,
        by: &FirstQuorums,
    ) -> Result<(), NodeError> {
        let (store, size) = (of.node.store(), it.note.checkpoint().size());
        let (mut above, mut proved) = (size, ProvedBelow::default());
        proved.add(it.clone());
        while let Ok(next) = above.next() {
            let found = store.first_quorum_from(of.origin(), next)?;
            let Some(larger) = size_of(found.as_deref())?.filter(|larger| *larger <= of.size) else { break };
            if self.has_dated(of, size..larger)? {
                break;
            }
            match of.judged(found, by)? {
                Some(found) if !proved.covers(&found) => proved.add(found),
                _ => store.remove_first_quorum(of.origin(), larger)?,
            }
            above = larger;
        }
        Ok(())
    }

    /// Whether one of these entries is one whose time must be provable. What was looked through is not looked through again:
    /// whoever sends notes by the thousand must not have a log read as often.
    fn has_dated(&mut self, of: HeldLog<'_>, entries: Range<TreeSize>) -> Result<bool, NodeError> {
        let (store, plain) = (of.node.store(), self.plain.clone());
        let joins = entries.start <= plain.end && plain.start <= entries.end;
        let parts = if joins {
            [entries.start..plain.start, entries.start.max(plain.end)..entries.end]
        } else {
            [entries.clone(), TreeSize::ZERO..TreeSize::ZERO]
        };
        for part in parts.into_iter().filter(|part| part.start < part.end) {
            if let Some(dated) = first_dated(store, of.origin(), part.clone())? {
                if !joins || part.start >= plain.end {
                    let start = if joins { entries.start.min(plain.start) } else { part.start };
                    self.plain = start..dated.size_before();
                }
                return Ok(true);
            }
        }
        self.plain = if joins { entries.start.min(plain.start)..entries.end.max(plain.end) } else { entries };
        Ok(false)
    }
}

/// What first quorums are judged by, read once for those that come together.
fn judging<'a>(of: HeldLog<'_>, by: &'a mut Option<FirstQuorums>) -> Result<&'a FirstQuorums, NodeError> {
    Ok(match by {
        Some(by) => by,
        none => none.insert(FirstQuorums::of(of.node, of.peers, of.origin())?),
    })
}

fn size_of(note: Option<&[u8]>) -> Result<Option<TreeSize>, NodeError> {
    let parsed = note.map(SignedCheckpoint::parse).transpose();
    Ok(parsed.map_err(|source| NodeError::OwnNote { source })?.map(|note| note.checkpoint().size()))
}
