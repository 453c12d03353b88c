//! The revocation lists that the own authorities signed, as they lie in the home: for peers, to whom gossip carries them.
//!
//! Not here: who is let in by them (`tls_life`), and how they are made (`tls_keys`).

use std::sync::{Arc, PoisonError, RwLock};

use crate::own_tls::own_trust;
use crate::tls::Crl;
use crate::{Home, NodeError};

/// The own lists in force when the files were read last.
#[derive(Debug)]
pub(crate) struct OwnLists(RwLock<Vec<Arc<Crl>>>);

impl OwnLists {
    /// Those of a home.
    ///
    /// # Errors
    /// A [`NodeError`] if an own authority, or what is kept of it, cannot be read.
    pub(crate) fn load(home: &Home) -> Result<Self, NodeError> {
        Ok(Self(RwLock::new(read(home)?)))
    }

    /// Reads the files again. After an error those read before stay.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub(crate) fn read_again(&self, home: &Home) -> Result<(), NodeError> {
        let lists = read(home)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = lists;
        Ok(())
    }

    /// The lists.
    pub(crate) fn in_force(&self) -> Vec<Arc<Crl>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn read(home: &Home) -> Result<Vec<Arc<Crl>>, NodeError> {
    Ok(own_trust(home)?.lists().into_iter().map(|(_, list)| list).collect())
}
