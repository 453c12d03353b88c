//! Replicas that are damaged: found before they are served, and begun anew, since their authors and relays have them.
//!
//! What stays is the pinned key and the newest checkpoint seen, so that the log that is fetched again must be the one
//! that was followed. Not here: who fetches it (`follow` of `comity-node`).

use comity_ledger::{Entropy, Head, Origin, Slot};
use comity_tlog::{SignedCheckpoint, TreeSize};

use crate::log_id::LogId;
use crate::set_aside::remove_all;
use crate::{ReadError, Store, StoreError};

impl Store {
    /// Hashes every entry of a replica again, compares every hash tile, the head, and the newest checkpoint.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] that names what is not as it was kept; [`StoreError::NoSuchLog`] if this is no replica.
    pub fn check_replica(&self, origin: &Origin) -> Result<(), StoreError> {
        self.require_replica(origin)?;
        let damaged = |what| StoreError::Damaged { what, log: origin.to_string(), place: 0 };
        let held = self.held(origin)?;
        let noted = match self.newest_note(origin)? {
            Some(note) => SignedCheckpoint::parse(&note).map_err(|_| damaged("the newest checkpoint"))?,
            None if held == Head::EMPTY => return Ok(()),
            None => return self.scrub_to(origin, &[held]),
        };
        let noted = noted.checkpoint();
        let noted = Head { size: noted.size(), root: noted.root() };
        if noted.size > held.size {
            return Err(damaged("the head"));
        }
        self.scrub_to(origin, &[noted, held])
    }

    fn scrub_to(&self, origin: &Origin, heads: &[Head]) -> Result<(), StoreError> {
        let sizes: Vec<TreeSize> = heads.iter().map(|head| head.size).collect();
        let edges = self.scrub(origin, &sizes)?.edges;
        let differs = heads.iter().zip(&edges).find(|(head, edge)| Head::from(*edge) != **head);
        match differs {
            None => Ok(()),
            Some((head, _)) => {
                let (what, place) = ("the tree", head.size.value());
                Err(StoreError::Damaged { what, log: origin.to_string(), place })
            }
        }
    }

    /// Opens every section that is held of a log.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] that names the first entry of which a section does not open.
    pub fn check_sections(&self, origin: &Origin) -> Result<(), StoreError> {
        let slots: Vec<Slot> = (0..=Slot::TAGS.number()).map(Slot::new).collect();
        let end = self.held(origin)?.size;
        match self.each_opening(origin, TreeSize::ZERO..end, &slots, |_, _| Ok::<(), StoreError>(())) {
            Ok(()) => Ok(()),
            Err(ReadError::Store(error) | ReadError::Taker(error)) => Err(error),
        }
    }

    /// Reads every row of the database, also those that no log speaks of, such as what is known of peers and witnesses.
    ///
    /// # Errors
    /// [`StoreError::Database`] at the first page that is not as it was written.
    pub fn check_rows(&self) -> Result<(), StoreError> {
        self.db.read_all()
    }

    /// Begins a replica anew: nothing is held of it any more but its pinned key and the newest checkpoint seen.
    /// Nobody else may use it meanwhile. What a crash leaves of it is found damaged again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no replica here; else as the store fails.
    pub fn begin_anew(&self, origin: &Origin, entropy: &mut dyn Entropy) -> Result<(), StoreError> {
        self.require_replica(origin)?;
        let log = LogId::of(origin);
        let plain = log.as_bytes().to_vec();
        let behind = |kind: u8| [&[kind], log.as_bytes().as_slice()].concat();
        for kind in *b"cae" {
            remove_all(&self.late, &behind(kind))?;
        }
        self.look_again(log, 0)?;
        // The head and the checkpoints go after what they speak of: until then they accuse what is left.
        for tree in [&self.sections, &self.tiles, &self.entries, &self.notes, &self.heads] {
            remove_all(tree, &plain)?;
        }
        self.known_keys.forget(log);
        self.db.sync()?;
        self.keyring().forget(log, entropy)
    }
}
