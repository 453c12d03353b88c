//! What the own logs say is erased and is not yet: a stop came before it was destroyed, or a backup brought it back.
//!
//! To destroy cannot be taken back, and a thief of the log key alone can have an agency's peers give back erasures that the
//! agency never ordered. So only what the sign-lock permitted here is carried out by itself; the rest waits for an
//! operator's word, and what stands beyond the end of a closed log is nobody's. Not here: erasing by a command (`erasures`),
//! and what the lock was brought up over (`comity-store`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use comity_ledger::{Entry, Head, Kind, Origin, Role, erased_by};
use comity_store::{LogRole, ReadError, SignLock, Store, StoreError};
use comity_tlog::{EntryIndex, TreeSize};

use crate::erasures::destroy;
use crate::export::head_of;
use crate::records::last_good;
use crate::scrub::stands_in;
use crate::{Alarm, AlarmKey, Alarms, NodeError, OpenHome, SystemEntropy, now};

/// The alarm.
const CODE: &str = "erasures";
/// Most entries that an alarm names.
const NAMED_MAX: usize = 16;

/// An erasure that an own log announces and that waits for an operator's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingErasure {
    /// The log.
    pub origin: Origin,
    /// The entry that announces it.
    pub index: EntryIndex,
    /// The entry whose sections it destroys.
    pub of: EntryIndex,
    /// The size of the sign-lock's tree while less than that is held: whether this home stands behind the erasure is known
    /// once the rest is back.
    pub behind: Option<TreeSize>,
}

impl OpenHome {
    /// Carries out erasures that wait, at the word of an operator who names the entries that announce them: all of them or
    /// none.
    ///
    /// # Errors
    /// [`NodeError::NotWaiting`] if one of them does not wait: nothing was destroyed. Else a [`NodeError`] of the store.
    pub fn confirm_erasures(&mut self, origin: &Origin, indexes: &[u64]) -> Result<(), NodeError> {
        let mut confirmed = Vec::with_capacity(indexes.len());
        for index in indexes {
            let named = |of: &&WaitingErasure| of.origin == *origin && of.index.value() == *index;
            let waiting = self.waiting_erasures().iter().find(named);
            confirmed.push(waiting.ok_or(NodeError::NotWaiting { index: *index })?.of);
        }
        destroy(self.store(), origin, &confirmed, &mut SystemEntropy::new())?;
        let waiting = carry_out(self.store(), self.lock(), &self.home().origin())?;
        self.set_waiting_erasures(waiting);
        Ok(())
    }
}

/// Destroys what own logs say is erased as far as this home stands behind it, and of what was destroyed already what was
/// left of its bytes. Gives what waits; of the entries that it would erase nothing is told from now on, and of no others.
/// `written` is the log that is written: the rest of no other own log is fetched back from peers.
///
/// # Errors
/// A [`NodeError`] if a log is damaged or the store fails.
pub(crate) fn carry_out(
    store: &Store,
    lock: &SignLock,
    written: &Origin,
) -> Result<Vec<WaitingErasure>, NodeError> {
    let mut waiting = Vec::new();
    for (origin, role) in store.logs()? {
        if role == LogRole::Own {
            carry_out_of(store, lock, &origin, &mut waiting)?;
        }
    }
    for waiting in waiting.iter_mut().filter(|waiting: &&mut WaitingErasure| waiting.origin != *written) {
        waiting.behind = None;
    }
    store.hold_back(waiting.iter().map(|waiting| (waiting.origin.clone(), waiting.of)).collect());
    Ok(waiting)
}

fn carry_out_of(
    store: &Store,
    lock: &SignLock,
    origin: &Origin,
    waiting: &mut Vec<WaitingErasure>,
) -> Result<(), NodeError> {
    let Some(note) = store.newest_note(origin)? else { return Ok(()) };
    let head = head_of(&note)?;
    let stands = StandsBehind::of(store, lock, origin, head)?;
    let (mut due, mut fresh, mut others) = (BTreeSet::new(), 0_usize, Vec::new());
    let end = last_good(store, origin)?.map_or(head.size, |end| end.size.min(head.size));
    for (index, of) in announced(store, origin, TreeSize::ZERO..end)? {
        let is_erased = store.is_erased(origin, of)?;
        if is_erased || stands.covers(index) {
            fresh += usize::from(due.insert(of) && !is_erased);
        } else {
            others.push(WaitingErasure { origin: origin.clone(), index, of, behind: stands.behind });
        }
    }
    if !due.is_empty() {
        store.erase(origin, &due.iter().copied().collect::<Vec<_>>(), &mut SystemEntropy::new())?;
    }
    if fresh > 0 {
        tracing::info!(%origin, entries = fresh, "erased");
    }
    others.retain(|other| !due.contains(&other.of));
    if let Some(first) = others.first() {
        tracing::warn!(%origin, entries = others.len(), first = %first.index, "erasures wait for an operator's word");
    }
    waiting.extend(others);
    Ok(())
}

/// Has nothing be told of what entries of the own log say is erased, that are about to come back: whether that is carried
/// out or waits is known a moment later ([`carry_out`]).
///
/// # Errors
/// A [`NodeError`] if the log is damaged or the store fails.
pub(crate) fn hold_back_at_first(
    store: &Store,
    origin: &Origin,
    back: Range<TreeSize>,
) -> Result<(), NodeError> {
    let announced = announced(store, origin, back)?;
    if !announced.is_empty() {
        store.hold_back_too(origin, announced.into_iter().map(|(_, of)| of));
    }
    Ok(())
}

/// The erase entries of a range, and of what each is.
fn announced(
    store: &Store,
    origin: &Origin,
    range: Range<TreeSize>,
) -> Result<Vec<(EntryIndex, EntryIndex)>, NodeError> {
    let mut announced = Vec::new();
    let read = store.each_entry(origin, range.start, range.end, |index, bytes| {
        if Entry::kind_of(bytes)? == Kind::Erase {
            announced.extend(erased_by(index, &Entry::parse(bytes)?).map(|of| (index, of)));
        }
        Ok::<(), NodeError>(())
    });
    match read {
        Ok(()) => Ok(announced),
        Err(ReadError::Store(source)) => Err(source.into()),
        Err(ReadError::Taker(error)) => Err(error),
    }
}

/// The entries of an own log behind which the sign-lock of this home stands: it permitted them.
struct StandsBehind {
    size: TreeSize,
    /// Those over which it was brought up at the word of others.
    returned: Vec<Range<TreeSize>>,
    /// The size of its tree, if less is held: none of them is known yet.
    behind: Option<TreeSize>,
}

impl StandsBehind {
    fn of(store: &Store, lock: &SignLock, origin: &Origin, head: Head) -> Result<Self, NodeError> {
        let nothing = Self { size: TreeSize::ZERO, returned: Vec::new(), behind: None };
        let held = store.pending(origin)?.unwrap_or(head);
        let found = lock.head(Role::Author, origin, held).and_then(|locked| {
            let returned = lock.returned(origin)?;
            Ok(locked.map(|locked| (locked, returned)))
        });
        let (locked, returned) = match found {
            Ok(Some(found)) => found,
            // Of a lock that is gone or does not read nobody knows what it permitted.
            Ok(None) | Err(StoreError::Damaged { .. }) => return Ok(nothing),
            Err(error) => return Err(error.into()),
        };
        // Entries under a smaller tree than the lock's may be of another history; they are not, once they come to it.
        if locked.size > head.size {
            return Ok(Self { behind: Some(locked.size), ..nothing });
        }
        if locked.size.is_zero() || !stands_in(store, origin, locked)? {
            return Ok(nothing);
        }
        Ok(Self { size: locked.size, returned, behind: None })
    }

    fn covers(&self, index: EntryIndex) -> bool {
        let is_returned = |run: &Range<TreeSize>| run.contains(&index.size_before());
        self.size.contains(index) && !self.returned.iter().any(is_returned)
    }
}

/// What waits, as alarms: one for each log.
pub fn waiting_alarms(waiting: &[WaitingErasure]) -> Vec<Alarm> {
    let mut by_log: BTreeMap<&Origin, (Vec<EntryIndex>, Option<TreeSize>)> = BTreeMap::new();
    for WaitingErasure { origin, index, behind, .. } in waiting {
        let (indexes, of_log) = by_log.entry(origin).or_default();
        indexes.push(*index);
        *of_log = *behind;
    }
    let alarm = |(origin, (indexes, behind)): (&Origin, (Vec<EntryIndex>, Option<TreeSize>))| Alarm {
        key: AlarmKey { code: CODE, origin: origin.to_string(), agency: String::new() },
        since: now(),
        message: message(origin, &indexes, behind),
    };
    by_log.into_iter().map(alarm).collect()
}

fn message(origin: &Origin, indexes: &[EntryIndex], behind: Option<TreeSize>) -> String {
    let named: Vec<String> = indexes.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let more = match indexes.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more, which `comity record confirm` lists,"),
    };
    let (names, first) = (named.join(" "), named.first().cloned().unwrap_or_default());
    if let Some(locked) = behind {
        return format!(
            "entries {names}{more} of {origin} announce erasures, and the log is held up to a smaller size than the \
             sign-lock has, which is {locked}: whether this home signed them is known once the rest is back from peers; \
             nothing was destroyed, and nothing need be done about them until then"
        );
    }
    format!(
        "entries {names}{more} of {origin} announce erasures that this home is not known to have signed: peers gave them \
         back; nothing was destroyed. If this agency ordered them, end the node and call `comity record confirm {names} \
         --origin {origin}`; if not, its log key is in other hands: end the log at a size of {first} or less with \
         `comity key revoke` or `comity key succeed`"
    )
}

/// Has the alarms be those of what waits now.
pub(crate) fn tell(alarms: &Alarms, waiting: &[WaitingErasure]) {
    alarms.replace(CODE, waiting_alarms(waiting));
}
