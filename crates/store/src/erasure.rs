//! Destroying what is held of entries: their keys first, and then the sealed bytes.
//!
//! Once the keys are gone the bytes open with nothing, wherever a copy of them lies: in the database, which lets go of
//! them later, and in backups, which hold no keys. What is left of overwritten key files on the medium is sealed under
//! keys that no file holds any more, and the former root file under the KEK alone. Not here: what announces an erasure
//! (`comity-node`), and whoever else was given the content.

use comity_ledger::{Entropy, Origin};
use comity_tlog::EntryIndex;

use crate::log_id::LogId;
use crate::rows::Rows;
use crate::sections::Chunks;
use crate::{Store, StoreError};

impl Store {
    /// Destroys all sections that are held of some entries, for good: none of them ever has a section here again. Returns
    /// only when that is durable; done again after a crash it does what was left, and where nothing was it writes nothing.
    /// Nobody opens them meanwhile.
    ///
    /// # Errors
    /// As the store fails; then the keys are all there or all destroyed.
    pub fn erase(
        &self,
        origin: &Origin,
        entries: &[EntryIndex],
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        let log = LogId::of(origin);
        let mut indexes: Vec<u64> = entries.iter().map(|index| index.value()).collect();
        indexes.sort_unstable();
        indexes.dedup();
        let _turn = self.turn();
        self.keyring().destroy(log, &indexes, entropy)?;
        let mut chunks = Chunks::among(&self.sections, log);
        for index in indexes {
            chunks.forget(index)?;
        }
        let mut rows = Rows::default();
        chunks.put(&mut rows)?;
        rows.put_together(&self.sections)?;
        self.db.sync()
    }

    /// Whether what was held of an entry was erased here.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn is_erased(&self, origin: &Origin, index: EntryIndex) -> Result<bool, StoreError> {
        self.keyring().is_erased(LogId::of(origin), index.value())
    }
}
