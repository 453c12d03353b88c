//! What of one log is released to one peer, in numbered batches that are booked before they leave.
//!
//! Entries are cut whole and stay together in one release frame, so that a relay that passes them on has handling
//! and audience beside each section. Not here: the rule of release (`policy`), and when to send (`stream`).

mod batches;
mod postponed;

use std::sync::Arc;

use comity_ledger::{AgencyId, Origin};
use comity_policy::{Agreement, Moment, Peer, Released, Side};
use comity_store::{Booking, CHUNK_ENTRIES, Disclosed, LogRole, ReleaseCursor};
use comity_tlog::{EntryIndex, TreeSize};
use comity_wire::{AbsenceCause, Disclosure, DisclosureContent, ErrorCode, ReleaseFrame, ReleaseNumber, v1};

use self::batches::Batches;
use self::postponed::Postponed;
use super::error::ServeError;
use crate::author_keys::held_keys;
use crate::sections::{HeldEntry, LabelsRead, Parties, chunks_of, held_at, held_entries};
use crate::{Node, NodeError, Peers};

/// Entries of an own log looked through at once, one chunk of the store; with the largest sections they take 8 MiB.
const WINDOW: u64 = CHUNK_ENTRIES;
/// Most entries looked through before the cursor is made durable.
const SCAN_ENTRIES_MAX: u64 = 2_048;
/// Bytes of made batches after which they are booked and sent.
const BOOKED_BYTES_MAX: usize = 4 << 20;

/// The releases of one log to one peer.
#[derive(Debug)]
pub(super) struct Releaser {
    node: Arc<Node>,
    peers: Arc<Peers>,
    to: AgencyId,
    origin: Origin,
    role: LogRole,
    next: u64,
    labels: LabelsRead,
    postponed: Postponed,
    is_held_up: bool,
}

/// Up to where entries were sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// As many entries.
    pub(super) at: TreeSize,
    /// Whether these are all that ever count: the log is closed there.
    pub(super) is_end: bool,
}

/// From whom to whom a section goes, and how it came before that if the log is another agency's.
struct Way {
    parties: Parties,
    received: Option<Parties>,
}

impl Releaser {
    pub(super) fn new(
        parts: (Arc<Node>, Arc<Peers>),
        to: AgencyId,
        origin: Origin,
        role: LogRole,
        next: u64,
    ) -> Self {
        let (node, peers) = parts;
        let (labels, postponed) = (LabelsRead::default(), Postponed::default());
        Self { node, peers, to, origin, role, next, labels, postponed, is_held_up: false }
    }

    /// The number that the next new release gets.
    ///
    /// # Errors
    /// [`ErrorCode::BeyondRelease`] if the peer asks for a later one: one of the two sides went back.
    pub(super) fn check(&self) -> Result<(), ServeError> {
        let cursor = self.cursor()?;
        let code = ErrorCode::BeyondRelease;
        if self.next > cursor.next { Err(ServeError::Refused { code }) } else { Ok(()) }
    }

    /// The agreement with the peer.
    ///
    /// # Errors
    /// [`ErrorCode::NoAgreement`] without one.
    pub(super) fn agreement(&self) -> Result<Agreement, ServeError> {
        self.peers.agreement(&self.to).ok_or(ServeError::Refused { code: ErrorCode::NoAgreement })
    }

    /// Whether there may be more to give of the entries sent: once the agreement stands under which it came, once what is
    /// held back is not any more, or once it has come here.
    ///
    /// # Errors
    /// If the store fails.
    pub(super) fn holds_back(&self, at: TreeSize) -> Result<bool, ServeError> {
        let postponed = self.node.store().postponed_releases(&self.to, &self.origin, 0, 1);
        let first = postponed.map_err(NodeError::from)?.pop();
        Ok(self.is_held_up || self.may_still_come()? || first.is_some_and(|index| at.contains(index)))
    }

    /// Whether it is another's log that has ended, and what was released of it has not all come here: more will go on from
    /// here then.
    fn may_still_come(&self) -> Result<bool, ServeError> {
        let store = self.node.store();
        if self.role != LogRole::Replica || store.has_all_come(&self.origin).map_err(NodeError::from)? {
            return Ok(false);
        }
        Ok(held_keys(store, &self.origin)?.is_none_or(|keys| keys.closed().is_some()))
    }

    pub(super) fn next(&self) -> ReleaseNumber {
        ReleaseNumber::new(self.next)
    }

    /// The next messages about entries that were sent; `None` when there is nothing more. An empty step only looked
    /// further.
    pub(super) fn step(&mut self, sent: Sent) -> Result<Option<Vec<v1::FollowResponse>>, ServeError> {
        // Looking on without an agreement would pass over what a later one allows.
        let agreement = self.agreement()?;
        let now = Moment::from_unix_secs(self.node.time().for_rules_secs());
        let parties = Parties {
            side: Side::Sending,
            sender: self.peers.own().clone(),
            peer: Peer::new(self.to.clone()),
            agreement: Some(agreement),
            now,
        };
        #[cfg(comity_planted)]
        let parties = match self.peers.list().first().map(|first| first.agency()) {
            Some(first) if comity_tlog::planted("open-to-the-wrong-peer") => {
                Parties { peer: Peer::new(first.clone()), agreement: self.peers.agreement(first), ..parties }
            }
            _ => parties,
        };
        let received = match self.role {
            LogRole::Own => None,
            LogRole::Replica => Some(received(&self.peers, &self.origin, now)),
        };
        // Nothing came for a purpose without an agreement, and looking on would pass over what a later one allows.
        self.is_held_up = received.as_ref().is_some_and(|came| came.agreement.is_none());
        if self.is_held_up {
            return Ok(None);
        }
        let (way, cursor) = (Way { parties, received }, self.cursor()?);
        if self.next < cursor.next {
            return self.replay(sent, cursor, &way);
        }
        match self.take_up(sent.at, cursor, &way)? {
            Some(messages) => Ok(Some(messages)),
            None => self.release(sent, cursor, &way),
        }
    }

    /// Sends again what was booked under a number. What may not or cannot be given any more is sent empty, as is what stands
    /// beyond the end of a log that was closed since; what is held back is postponed before that, and goes under a later number.
    fn replay(
        &mut self,
        sent: Sent,
        cursor: ReleaseCursor,
        way: &Way,
    ) -> Result<Option<Vec<v1::FollowResponse>>, ServeError> {
        let store = self.node.store();
        let booked = store.releases_from(&self.to, &self.origin, self.next);
        let mut booked = booked.map_err(NodeError::from)?;
        // Later numbers may be of earlier entries, which were postponed: beyond the end none is waited for.
        if !sent.is_end {
            let within = booked.iter().take_while(|disclosed| sent.at.contains(disclosed.index)).count();
            booked.truncate(within);
        }
        // Another stream of the peer may be booking them at this moment.
        store.sync_what_was_read().map_err(NodeError::from)?;
        if booked.is_empty() {
            return Ok(None);
        }
        let mut contents = Vec::with_capacity(booked.len());
        let (mut cut, mut postponed): (Option<(EntryIndex, Vec<Released>)>, _) = (None, Vec::new());
        for disclosed in booked {
            if !sent.at.contains(disclosed.index) {
                contents.push((disclosed, DisclosureContent::Absent(AbsenceCause::BeyondEnd)));
                continue;
            }
            if cut.as_ref().is_none_or(|(index, _)| *index != disclosed.index) {
                let held = self.held(disclosed.index)?;
                if held.as_ref().is_some_and(|held| held.held_back) && !self.is_postponed(disclosed.index)? {
                    postponed.push(disclosed.index);
                }
                let released = held.map(|held| self.cut(held, way)).unwrap_or_default();
                cut = Some((disclosed.index, released));
            }
            let mut released = cut.iter().flat_map(|(_, released)| released);
            let given = released.find(|released| released.slot() == disclosed.slot);
            let content = match given {
                Some(given) => DisclosureContent::Given(given.opening().opening().clone()),
                None => DisclosureContent::Absent(self.absence(disclosed.index)?),
            };
            contents.push((disclosed, content));
        }
        if !postponed.is_empty() {
            let scanned = cursor.scanned;
            self.book(cursor, &Booking { scanned, postponed: &postponed, ..Booking::default() })?;
        }
        self.message(contents).map(|message| Some(vec![message]))
    }

    /// Whether an entry was postponed before: then nothing is to be made durable for it.
    fn is_postponed(&self, index: EntryIndex) -> Result<bool, ServeError> {
        let found = self.node.store().postponed_releases(&self.to, &self.origin, index.value(), 1);
        Ok(found.map_err(NodeError::from)?.contains(&index))
    }

    /// Why what was booked is not given any more.
    fn absence(&self, index: EntryIndex) -> Result<AbsenceCause, ServeError> {
        let is_erased = self.node.store().is_erased(&self.origin, index).map_err(NodeError::from)?;
        Ok(if is_erased { AbsenceCause::Erased } else { AbsenceCause::Recalled })
    }

    /// Looks further, books what may go, and gives it to be sent. What is held back is postponed, and holds up nothing.
    fn release(
        &mut self,
        sent: Sent,
        cursor: ReleaseCursor,
        way: &Way,
    ) -> Result<Option<Vec<v1::FollowResponse>>, ServeError> {
        let (mut found, mut postponed) = (Batches::default(), Vec::new());
        let (mut scanned, mut looked) = (cursor.scanned, 0);
        while found.bytes < BOOKED_BYTES_MAX && looked < SCAN_ENTRIES_MAX {
            let Some((entries, after)) = self.look(scanned, sent)? else { break };
            for held in entries {
                looked += 1;
                if held.held_back {
                    postponed.push(held.index);
                } else {
                    found.add(held.index, self.cut(held, way));
                }
            }
            scanned = after;
        }
        if scanned == cursor.scanned {
            return Ok(None);
        }
        let batches = &found.booked();
        self.book(cursor, &Booking { batches, scanned, postponed: &postponed, taken_up: &[] })?;
        self.messages(found).map(Some)
    }

    /// Books what may be sent once this returns.
    fn book(&self, cursor: ReleaseCursor, booking: &Booking<'_>) -> Result<(), ServeError> {
        let booked = self.node.store().assign_releases(&self.to, &self.origin, cursor, booking);
        booked.map(|_| ()).map_err(|error| NodeError::from(error).into())
    }

    /// What was booked, to be sent.
    fn messages(&mut self, booked: Batches) -> Result<Vec<v1::FollowResponse>, ServeError> {
        let mut messages = Vec::with_capacity(booked.made.len());
        for batch in booked.made {
            let given = |(disclosed, opening)| (disclosed, DisclosureContent::Given(opening));
            messages.push(self.message(batch.into_iter().map(given).collect())?);
        }
        Ok(messages)
    }

    /// The entries to be looked through next and the cursor behind them: of an own log in the order of its entries,
    /// of a replica in the order in which their sections arrived. Those beyond the end of a log are passed over.
    fn look(&self, scanned: u64, sent: Sent) -> Result<Option<(Vec<HeldEntry>, u64)>, ServeError> {
        let (store, at) = (self.node.store(), sent.at);
        match self.role {
            LogRole::Own => {
                if scanned >= at.value() {
                    return Ok(None);
                }
                let from = TreeSize::new(scanned).map_err(|_| beyond())?;
                // Entries without sections are passed over together.
                let start = store.next_sections(&self.origin, from).map_err(NodeError::from)?;
                let start = start.filter(|start| *start < at.value());
                let Some(from) = start.and_then(|start| TreeSize::new(start).ok()) else {
                    return Ok(Some((Vec::new(), at.value())));
                };
                let end = at.value().min((from.value() / WINDOW).saturating_add(1).saturating_mul(WINDOW));
                let to = TreeSize::new(end).map_err(|_| beyond())?;
                Ok(Some((held_entries(store, &self.origin, from..to)?, end)))
            }
            LogRole::Replica => {
                let arrived = store.arrival(&self.origin, scanned).map_err(NodeError::from)?;
                let Some(mut indexes) = arrived else { return Ok(None) };
                if sent.is_end {
                    indexes.retain(|index| at.contains(*index));
                } else if !indexes.iter().all(|index| at.contains(*index)) {
                    return Ok(None);
                }
                let mut entries = Vec::with_capacity(indexes.len());
                for chunk in chunks_of(&indexes) {
                    entries.extend(held_at(store, &self.origin, chunk)?);
                }
                Ok(Some((entries, scanned.saturating_add(1))))
            }
        }
    }

    fn held(&self, index: EntryIndex) -> Result<Option<HeldEntry>, ServeError> {
        let range = index.size_before()..index.size_through();
        Ok(held_entries(self.node.store(), &self.origin, range)?.pop())
    }

    fn cut(&mut self, held: HeldEntry, way: &Way) -> Vec<Released> {
        let cut = way.parties.cut(&held.entry, held.openings, way.received.as_ref(), &mut self.labels);
        cut.map(|cut| cut.released).unwrap_or_default()
    }

    fn cursor(&self) -> Result<ReleaseCursor, ServeError> {
        let cursor = self.node.store().release_cursor(&self.to, &self.origin);
        Ok(cursor.map_err(NodeError::from)?)
    }

    /// One release frame under the next numbers.
    fn message(
        &mut self,
        contents: Vec<(Disclosed, DisclosureContent)>,
    ) -> Result<v1::FollowResponse, ServeError> {
        let mut disclosures = Vec::with_capacity(contents.len());
        for (disclosed, content) in contents {
            disclosures.push(Disclosure {
                number: ReleaseNumber::new(self.next),
                origin: self.origin.clone(),
                index: disclosed.index,
                slot: disclosed.slot,
                content,
            });
            self.next = self.next.saturating_add(1);
        }
        Ok(ReleaseFrame::new(disclosures)?.try_into()?)
    }
}

/// How sections of a replica came to us: from its author, or from the relay through which we follow it.
pub(crate) fn received(peers: &Peers, origin: &Origin, now: Moment) -> Parties {
    let peer = peers.find(origin.agency());
    let sender = peer.map_or_else(|| origin.agency().clone(), |peer| peer.upstream().clone());
    Parties {
        side: Side::Receiving,
        agreement: peers.agreement(&sender),
        sender,
        peer: Peer::new(peers.own().clone()),
        now,
    }
}

fn beyond() -> ServeError {
    ServeError::Refused { code: ErrorCode::BeyondSize }
}
