//! What the parts of a running node share: the home, the store, the merged view, the news of kept checkpoints.
//!
//! Not here: who appends (`own_log`, in one task of its own), who listens, who follows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use comity_ledger::{Head, KeyHistory, Origin};
use comity_screening::View;
use comity_store::{SignLock, Store};
use comity_tlog::{CosignatureTime, EntryIndex, TreeSize};
use tokio::sync::watch;

use crate::doubts::Doubts;
use crate::erasures_due;
use crate::gossip::JudgedInFull;
use crate::heal;
use crate::own_lists::OwnLists;
use crate::own_log::OwnLogParts;
use crate::records::{ViewStep, last_good, read_steps, view_of, within};
use crate::succeeded;
use crate::tls::PeerTrust;
use crate::witnessed_time::WitnessedTime;
use crate::{
    Alarm, AlarmKey, Alarms, Home, NodeError, OpenHome, OwnLog, OwnLogState, ReadOnlyReason, WaitingErasure,
    now,
};

/// The shared part of a running node.
#[derive(Debug)]
pub struct Node {
    home: Home,
    view: RwLock<View>,
    taken_in: RwLock<BTreeMap<Origin, Head>>,
    // Before the database: whoever sees that it is closed finds the lock free.
    lock: Arc<SignLock>,
    store: Arc<Store>,
    doubts: Doubts,
    own_lists: OwnLists,
    time: WitnessedTime,
    halted: AtomicBool,
    /// Why the own log is not signed for now.
    read_only: watch::Sender<Option<ReadOnlyReason>>,
    /// Whether those peers that can be asked have said how far the own log goes.
    compared: watch::Sender<bool>,
    trust: PeerTrust,
    alarms: Alarms,
    /// The erasures that wait for an operator's word.
    waiting: RwLock<Vec<WaitingErasure>>,
    news: watch::Sender<u64>,
    shown: watch::Sender<u64>,
    /// Changes when what the view says of entries before its newest has changed.
    told_anew: AtomicU64,
    judged_in_full: JudgedInFull,
}

impl Node {
    /// Takes an open home apart: what is shared, and the own log for the one task that appends to it.
    ///
    /// # Errors
    /// A [`NodeError`] if the view cannot be built from the store.
    pub fn start(open: OpenHome, trust: PeerTrust) -> Result<(Arc<Self>, OwnLogState), NodeError> {
        let heal::Whole { view, heads: taken_in, healed } = heal::view_of_what_is_whole(open.store())?;
        let lock = Arc::clone(open.lock());
        let waiting = open.waiting_erasures().to_vec();
        let (home, store, own_log) = open.into_parts();
        let (doubts, own_lists) = (Doubts::load(&store)?, OwnLists::load(&home)?);
        let time = WitnessedTime::load(&store)?;
        let halted = doubts.names(&home.own_keys(&store)?);
        if !store.is_synchronous() {
            tracing::warn!(
                "the file system of the home does not mark files as synchronous: a power cut may lose what was kept"
            );
        }
        let ((news, _), (shown, _)) = (watch::channel(0), watch::channel(0));
        let reason = match &own_log {
            OwnLogState::Writable(_) => None,
            OwnLogState::ReadOnly { reason } => Some(*reason),
        };
        let node = Arc::new(Self {
            home,
            store,
            view: RwLock::new(view),
            taken_in: RwLock::new(taken_in),
            lock,
            doubts,
            own_lists,
            time,
            halted: AtomicBool::new(halted),
            read_only: watch::Sender::new(reason),
            compared: watch::Sender::new(true),
            trust,
            alarms: Alarms::new(),
            waiting: RwLock::default(),
            news,
            shown,
            told_anew: AtomicU64::new(0),
            judged_in_full: JudgedInFull::default(),
        });
        for origin in healed {
            heal::tell(node.alarms(), &origin);
        }
        node.set_waiting(waiting);
        Ok((node, own_log))
    }

    /// Folder and configuration.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The sign-lock.
    pub(crate) fn lock(&self) -> &Arc<SignLock> {
        &self.lock
    }

    /// The keys of the own publication log, by the entries that are held of it. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the store fails or is damaged.
    pub(crate) fn own_keys(&self) -> Result<KeyHistory, NodeError> {
        self.home.own_keys(&self.store)
    }

    /// Evidence against authors.
    pub(crate) fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// What witnesses say of the time.
    pub(crate) fn time(&self) -> &WitnessedTime {
        &self.time
    }

    /// The time that has certainly come, by what witnesses have said (D23); `None` as long as too few have.
    pub fn witnessed_time(&self) -> Option<CosignatureTime> {
        self.time.come()
    }

    /// The revocation lists that the own authorities signed.
    pub(crate) fn own_lists(&self) -> &OwnLists {
        &self.own_lists
    }

    /// Reads the own revocation lists again, for peers to be told of them. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if they cannot be read; those read before stay.
    pub fn read_own_lists(&self) -> Result<(), NodeError> {
        self.own_lists.read_again(&self.home)?;
        self.tell_news();
        Ok(())
    }

    /// Ends all signing of the own log, of which two trees are known.
    pub(crate) fn halt(&self) {
        self.halted.store(true, Ordering::SeqCst);
    }

    /// Whether the own log is signed no more since two trees of it are known.
    pub fn is_halted(&self) -> bool {
        self.halted.load(Ordering::SeqCst)
    }

    /// Why the own log is not signed for now; `None` if it is.
    pub fn read_only(&self) -> Option<ReadOnlyReason> {
        *self.read_only.borrow()
    }

    /// Sees each change of whether the own log is signed.
    pub(crate) fn watch_read_only(&self) -> watch::Receiver<Option<ReadOnlyReason>> {
        self.read_only.subscribe()
    }

    /// Says that the own log is not signed any more for now, or again, and to operators why. Of a log that has a successor
    /// nothing else is said ever after.
    pub(crate) fn set_read_only(&self, reason: Option<ReadOnlyReason>) {
        let mut before = None;
        let is_said = self.read_only.send_if_modified(|said| {
            before = *said;
            let is_over = matches!(before, Some(ReadOnlyReason::Succeeded { .. }));
            if !is_over {
                *said = reason;
            }
            !is_over
        });
        if !is_said {
            return;
        }
        let origin = self.home.origin().to_string();
        let key = AlarmKey { code: "read_only", origin, agency: String::new() };
        if before != reason {
            // What it said does not hold any more.
            self.alarms.end(&key);
        }
        if let Some(reason) = reason {
            if before != Some(reason) {
                tracing::error!(reason = reason.explain(), "the own log is read only");
            }
            self.alarms.raise(Alarm { key, since: now(), message: reason.explain() });
        }
    }

    /// Says whether those peers that can be asked have said how far the own log goes.
    pub(crate) fn set_compared(&self, compared: bool) {
        self.compared.send_if_modified(|was| std::mem::replace(was, compared) != compared);
    }

    /// Sees whether those peers that can be asked have said how far the own log goes.
    pub(crate) fn watch_compared(&self) -> watch::Receiver<bool> {
        self.compared.subscribe()
    }

    /// Whether those peers that can be asked have said how far the own log goes.
    pub(crate) fn is_compared(&self) -> bool {
        *self.compared.borrow()
    }

    /// Opens the own log again, as at a start. Nobody may be writing to it. Blocking.
    ///
    /// # Errors
    /// As [`OwnLog::open`].
    pub(crate) fn open_own_log(&self) -> Result<OwnLogState, NodeError> {
        let (store, lock) = (Arc::clone(&self.store), Arc::clone(&self.lock));
        let (origin, keys) = (self.home.origin(), self.home.log_keys());
        let state = OwnLog::open(OwnLogParts { origin, keys, store, lock })?;
        self.home.settle_keys(&self.store)?;
        self.look_at_erasures()?;
        succeeded::judge(&self.home, &self.store, state)
    }

    /// Destroys what the own logs say is erased as far as this home stands behind it, and tells operators what waits for their
    /// word. What is told of the rest changes with that. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if a log is damaged or the store fails.
    pub(crate) fn look_at_erasures(&self) -> Result<(), NodeError> {
        let before = self.store.held_back();
        self.set_waiting(erasures_due::carry_out(&self.store, &self.lock, &self.home.origin())?);
        if before != self.store.held_back() {
            self.tell_anew();
            self.tell_news();
        }
        Ok(())
    }

    fn set_waiting(&self, waiting: Vec<WaitingErasure>) {
        erasures_due::tell(&self.alarms, &waiting);
        *self.waiting.write().unwrap_or_else(PoisonError::into_inner) = waiting;
    }

    /// The erasures that wait for an operator's word.
    pub(crate) fn waiting_erasures(&self) -> Vec<WaitingErasure> {
        self.waiting.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a log's author is convicted, or its history in doubt: nothing is cleared by it then.
    pub fn is_in_doubt(&self, origin: &Origin) -> bool {
        self.doubts.convicts(origin) || self.alarms.doubt(origin)
    }

    /// The register of agencies whose nodes may speak to this one.
    pub fn trust(&self) -> &PeerTrust {
        &self.trust
    }

    /// The merged view, to ask. Never held across an await.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        // A panic while applying leaves the view at most one change behind, never half of one.
        self.view.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The merged view, to apply what was kept. Never held across an await.
    pub fn view_mut(&self) -> RwLockWriteGuard<'_, View> {
        self.view.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The heads up to which the view has taken the logs in. Asked while the view is held, they are the heads that
    /// its answers stand on.
    pub fn taken_in(&self) -> RwLockReadGuard<'_, BTreeMap<Origin, Head>> {
        self.taken_in.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the kept entries of a range, openings and all, into the view, which then stands on `head`, or where it
    /// stood if more is to come. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the store is damaged or the view has other entries in their place.
    pub fn take_in(
        &self,
        origin: &Origin,
        range: Range<TreeSize>,
        head: Option<Head>,
    ) -> Result<(), NodeError> {
        // Read and decoded before the view is locked, so that nobody who screens waits for the store.
        let steps = read_steps(&self.store, origin, range)?;
        self.put_into_view(origin, steps, last_good(&self.store, origin)?, head)
    }

    /// Takes record entries that were read already into the view, as [`take_in`](Self::take_in) does. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the view has other entries in the place of own ones.
    pub(crate) fn show(
        &self,
        origin: &Origin,
        steps: Vec<ViewStep>,
        head: Option<Head>,
    ) -> Result<(), NodeError> {
        // What this node signs itself it does not sign beyond the end of its log.
        let is_foreign = steps.iter().any(ViewStep::is_foreign);
        let last_good = if is_foreign { last_good(&self.store, origin)? } else { None };
        self.put_into_view(origin, steps, last_good, head)
    }

    fn put_into_view(
        &self,
        origin: &Origin,
        steps: Vec<ViewStep>,
        end: Option<Head>,
        head: Option<Head>,
    ) -> Result<(), NodeError> {
        let stands_on = match head {
            Some(head) => Some(within(head, last_good(&self.store, origin)?)),
            None => None,
        };
        let mut view = self.view_mut();
        for step in steps {
            step.apply(origin, end, &mut view)?;
        }
        // Before the view is given back: an answer and the heads it names belong together.
        if let Some(head) = stands_on {
            self.taken_in.write().unwrap_or_else(PoisonError::into_inner).insert(origin.clone(), head);
        }
        drop(view);
        self.shown.send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }

    /// Builds the view anew from what is kept, after a replica was set aside, or a log was closed. Nobody screens
    /// meanwhile. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the store is damaged; the view is as it was.
    pub(crate) fn rebuild_view(&self) -> Result<(), NodeError> {
        // Under the lock: whatever is taken in by others comes before the reading or after the new view.
        let mut view = self.view_mut();
        let (fresh, heads) = view_of(&self.store)?;
        *view = fresh;
        *self.taken_in.write().unwrap_or_else(PoisonError::into_inner) = heads;
        drop(view);
        self.tell_anew();
        Ok(())
    }

    /// Has the view let go of what own entries that were erased say of records being about one subject.
    pub(crate) fn forget_statements(&self, origin: &Origin, erased: &[EntryIndex]) {
        if let Ok(log) = origin.as_str().parse() {
            self.view_mut().forget_statements(&log, erased);
        }
    }

    /// Says that the view says another thing of entries before its newest: sections came late, or it was built anew.
    pub(crate) fn tell_anew(&self) {
        self.told_anew.fetch_add(1, Ordering::SeqCst);
        self.shown.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes each time that was so: whatever was drawn from the view before has to be drawn anew.
    pub(crate) fn told_anew(&self) -> u64 {
        self.told_anew.load(Ordering::SeqCst)
    }

    /// Whose first quorums were all judged, and by what.
    pub(crate) fn judged_in_full(&self) -> &JudgedInFull {
        &self.judged_in_full
    }

    /// What a person must look at.
    pub fn alarms(&self) -> &Alarms {
        &self.alarms
    }

    /// Tells everyone who waits that a checkpoint, own or a peer's, was kept, or openings.
    pub fn tell_news(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes each time the view has taken something in.
    pub fn shown(&self) -> watch::Receiver<u64> {
        self.shown.subscribe()
    }

    /// Changes each time a checkpoint was kept, or openings; the view takes them in a moment later.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }
}
