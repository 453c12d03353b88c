//! What the parts of a running node share: the home, the store, the merged view, the news of kept checkpoints.
//!
//! Not here: who appends (`own_log`, in one task of its own), who listens, who follows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use comity_ledger::{Head, Origin};
use comity_screening::View;
use comity_store::Store;
use comity_tlog::TreeSize;
use tokio::sync::watch;

use crate::heal;
use crate::records::{ViewStep, read_steps, view_of};
use crate::tls::PeerTrust;
use crate::{Alarms, Home, NodeError, OpenHome, OwnLogState};

/// The shared part of a running node.
#[derive(Debug)]
pub struct Node {
    home: Home,
    store: Arc<Store>,
    view: RwLock<View>,
    taken_in: RwLock<BTreeMap<Origin, Head>>,
    trust: PeerTrust,
    alarms: Alarms,
    news: watch::Sender<u64>,
    shown: watch::Sender<u64>,
}

impl Node {
    /// Takes an open home apart: what is shared, and the own log for the one task that appends to it.
    ///
    /// # Errors
    /// A [`NodeError`] if the view cannot be built from the store.
    pub fn start(open: OpenHome, trust: PeerTrust) -> Result<(Arc<Self>, OwnLogState), NodeError> {
        let heal::Whole { view, heads: taken_in, healed } = heal::view_of_what_is_whole(open.store())?;
        let (home, store, own_log) = open.into_parts();
        if !store.is_synchronous() {
            tracing::warn!(
                "the file system of the home does not mark files as synchronous: a power cut may lose what was kept"
            );
        }
        let ((news, _), (shown, _)) = (watch::channel(0), watch::channel(0));
        let node = Arc::new(Self {
            home,
            store,
            view: RwLock::new(view),
            taken_in: RwLock::new(taken_in),
            trust,
            alarms: Alarms::new(),
            news,
            shown,
        });
        for origin in healed {
            heal::tell(node.alarms(), &origin);
        }
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
        self.show(origin, steps, head)
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
        let mut view = self.view_mut();
        for step in steps {
            step.apply(origin, &mut view)?;
        }
        // Before the view is given back: an answer and the heads it names belong together.
        if let Some(head) = head {
            self.taken_in.write().unwrap_or_else(PoisonError::into_inner).insert(origin.clone(), head);
        }
        drop(view);
        self.shown.send_modify(|count| *count = count.wrapping_add(1));
        Ok(())
    }

    /// Builds the view anew from what is kept, after a replica was set aside. Nobody screens meanwhile. Blocking.
    ///
    /// # Errors
    /// A [`NodeError`] if the store is damaged; the view is as it was.
    pub(crate) fn rebuild_view(&self) -> Result<(), NodeError> {
        // Under the lock: whatever is taken in by others comes before the reading or after the new view.
        let mut view = self.view_mut();
        let (fresh, heads) = view_of(&self.store)?;
        *view = fresh;
        *self.taken_in.write().unwrap_or_else(PoisonError::into_inner) = heads;
        Ok(())
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
