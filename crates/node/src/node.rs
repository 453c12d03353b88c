//! What the parts of a running node share: the home, the store, the merged view, the news of kept checkpoints.
//!
//! Not here: who appends (`own_log`, in one task of its own), who listens, who follows.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use comity_screening::View;
use comity_store::Store;
use tokio::sync::watch;

use crate::tls::PeerTrust;
use crate::{Home, OpenHome, OwnLogState};

/// The shared part of a running node.
#[derive(Debug)]
pub struct Node {
    home: Home,
    store: Arc<Store>,
    view: RwLock<View>,
    trust: PeerTrust,
    news: watch::Sender<u64>,
}

impl Node {
    /// Takes an open home apart: what is shared, and the own log for the one task that appends to it.
    ///
    /// # Errors
    /// A [`crate::NodeError`] if the view cannot be built from the store.
    pub fn start(open: OpenHome, trust: PeerTrust) -> Result<(Arc<Self>, OwnLogState), crate::NodeError> {
        let view = RwLock::new(open.view()?);
        let (home, store, own_log) = open.into_parts();
        let (news, _) = watch::channel(0);
        Ok((Arc::new(Self { home, store, view, trust, news }), own_log))
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

    /// Tells everyone who waits that a checkpoint, own or a peer's, was kept.
    pub fn tell_news(&self) {
        self.news.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Changes each time a checkpoint was kept.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }
}
