//! Destroying keys: their pages are written anew under other page keys, and the root file forgets the former ones.
//!
//! Not here: the sealed bytes that the keys were of (`erasure`), and how keys come to their places (`keyring`).

use comity_ledger::Entropy;

use super::{Keyring, place_of};
use crate::StoreError;
use crate::key_page::Place;
use crate::key_pages::KeyPages;
use crate::log_id::LogId;
use crate::seal::Key;

impl Keyring {
    /// Whether the key of an entry was destroyed.
    pub(crate) fn is_erased(&mut self, log: LogId, index: u64) -> Result<bool, StoreError> {
        let (page, position) = place_of(index);
        if !self.page_keys.contains_key(&(log, page)) {
            return Ok(false);
        }
        let is_erased = matches!(self.page(log, page)?.keys.get(position), Some(Place::Erased));
        self.forget_some();
        Ok(is_erased)
    }

    /// Destroys the keys of these entries, ascending, those too that have none. Each page that changes is written to its
    /// other place under a new page key, and then the root file is replaced: until that is done all keys are as before,
    /// and when it is, nothing opens the former copies of the pages. Returns only when it is durable.
    pub(crate) fn destroy(
        &mut self,
        log: LogId,
        indexes: &[u64],
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        let mut former = Vec::new();
        let sealed = self.try_destroy(log, indexes, &mut former, entropy);
        let written = sealed.and_then(|sealed| {
            if sealed.is_empty() {
                Ok(())
            } else {
                let root = Some(self.seal_root(entropy)?);
                KeyPages { root, ..self.key_pages(log, sealed, entropy)? }.write()
            }
        });
        match written {
            Ok(()) => self.begun.clear(),
            Err(error) => {
                self.page_keys.extend(former);
                return Err(self.forget_unwritten(log, error));
            }
        }
        self.forget_some();
        Ok(())
    }

    fn try_destroy(
        &mut self,
        log: LogId,
        indexes: &[u64],
        former: &mut Vec<((LogId, u64), Key)>,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut sealed_pages = Vec::new();
        for run in indexes.chunk_by(|a, b| place_of(*a).0 == place_of(*b).0) {
            let Some((page, _)) = run.first().copied().map(place_of) else { continue };
            sealed_pages.extend(self.begin_page(log, page, entropy)?);
            let held = self.page(log, page)?;
            let mut changed = false;
            for index in run {
                let place = held.keys.get_mut(place_of(*index).1);
                if let Some(place) = place.filter(|place| !matches!(place, Place::Erased)) {
                    (*place, changed) = (Place::Erased, true);
                }
            }
            if changed {
                held.sequence += 1;
                self.given_up = self.given_up.wrapping_add(1);
                let place = (log, page);
                former.extend(self.page_keys.insert(place, Key::random(entropy)?).map(|key| (place, key)));
                sealed_pages.push(self.seal_page(log, page, entropy)?);
            }
        }
        Ok(sealed_pages)
    }
}
