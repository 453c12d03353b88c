//! Openings that arrive later than their entries, and how far their stream has come.
//!
//! Sealed like own sections, and among them (`sections`); written in one piece with the order of their arrival and the
//! cursor: a cursor without the sections would pass over them for ever, and sections that are held without having
//! arrived would not arrive when they are sent again, and be passed on to nobody.

use std::convert::Infallible;

use comity_ledger::{AgencyId, Entropy, Origin, VerifiedOpening};
use comity_tlog::EntryIndex;
use sled::Transactional as _;
use sled::transaction::TransactionError;

use crate::log_id::LogId;
use crate::replica::ReplicaStep;
use crate::rows::Rows;
use crate::seal::{EntrySealer, Key};
use crate::sections::Chunks;
use crate::{Store, StoreError, flush_watch};

/// `c ‖ log ‖ peer`: the first release number not held.
const CURSOR: u8 = b'c';
/// `a ‖ log ‖ u64 arrival`: the entries of which sections arrived, u64 each.
const ARRIVAL: u8 = b'a';
/// `e ‖ log`: nothing, once all that was released of a log that has ended has come.
const ENDED: u8 = b'e';
/// Entries of one arrival: 4 KiB a value.
const ARRIVAL_ENTRIES_MAX: usize = 512;
/// As many sections are sealed while the pages of their keys are written; fewer in less time than a thread begins.
const SEALED_BESIDE_MIN: usize = 128;

impl ReplicaStep<'_> {
    /// Adds openings that a peer released, and the number from which it shall go on; their key pages are durable
    /// before them. `openings` may be empty where every number was dropped or came without content.
    ///
    /// # Errors
    /// [`StoreError::NotNext`] if an opening is of an entry that is not held; else as the store fails.
    pub fn release(
        &mut self,
        from: &AgencyId,
        openings: &[(EntryIndex, VerifiedOpening)],
        next_release: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        let (store, origin, log) = (self.store, self.origin, self.log);
        let held = store.held(origin)?.size;
        if let Some((index, _)) = openings.iter().find(|(index, _)| !held.contains(*index)) {
            return Err(StoreError::NotNext { given: index.value(), held: held.value() });
        }
        let mut openings: Vec<&(EntryIndex, VerifiedOpening)> = openings.iter().collect();
        if !openings.is_sorted_by_key(|(index, _)| *index) {
            openings.sort_by_key(|(index, _)| *index);
        }
        let _turn = store.turn();
        let mut keyring = store.keyring();
        // What was erased here comes back to nobody.
        let mut erased = Vec::new();
        for (index, _) in &openings {
            erased.push(keyring.is_erased(log, index.value())?);
        }
        let mut gone = erased.into_iter();
        openings.retain(|_| !gone.next().unwrap_or_default());
        let of_entries = || openings.chunk_by(|(a, _), (b, _)| a == b);
        let indexes: Vec<u64> = of_entries().filter_map(first_of).map(EntryIndex::value).collect();
        let (keys, pages) = keyring.assign_missing(log, &indexes, entropy)?;
        let mut chunks = Chunks::among(&store.sections, log);
        let mut seal = || {
            of_entries()
                .zip(&keys)
                .try_for_each(|(run, key)| seal_entry(&mut chunks, origin, run, key, entropy))
        };
        let (written, made) = if openings.len() < SEALED_BESIDE_MIN {
            (pages.write(), seal())
        } else {
            pages.write_while(seal)
        };
        keyring.assigned(log, written)?;
        drop(keyring);
        made?;
        let mut sealed = Rows::default();
        chunks.put(&mut sealed)?;
        let sealed = sealed.placed(&store.sections)?;
        let mut arrived = sled::Batch::default();
        for (run, number) in indexes.chunks(ARRIVAL_ENTRIES_MAX).zip(store.next_arrival(log)?..) {
            let value: Vec<u8> = run.iter().flat_map(|index| index.to_be_bytes()).collect();
            arrived.insert(arrival_key(log, Some(number)), value);
        }
        arrived.insert(cursor_key(log, from), &next_release.to_be_bytes());
        let together = store.db.writing(|| {
            flush_watch::batch(|| {
                (&store.sections, &store.late).transaction(|(sections, late)| {
                    sections.apply_batch(&sealed)?;
                    Ok(late.apply_batch(&arrived)?)
                })
            })
        });
        together.map_err(|error: TransactionError<Infallible>| match error {
            TransactionError::Storage(error) => error.into(),
            TransactionError::Abort(never) => match never {},
        })
    }
}

fn first_of(run: &[&(EntryIndex, VerifiedOpening)]) -> Option<EntryIndex> {
    run.first().map(|(index, _)| *index)
}

/// Seals the sections of one entry and puts them among the others.
fn seal_entry(
    chunks: &mut Chunks<'_>,
    origin: &Origin,
    run: &[&(EntryIndex, VerifiedOpening)],
    key: &Key,
    entropy: &mut dyn Entropy,
) -> Result<(), StoreError> {
    let Some(index) = first_of(run) else { return Ok(()) };
    let mut sealer = EntrySealer::new(key, origin, index);
    for (_, opening) in run {
        let (slot, opening) = (opening.slot(), opening.opening());
        let len = EntrySealer::sealed_len(opening);
        chunks.add_made(index.value(), slot, len, |value| sealer.seal_into(value, slot, opening, entropy))?;
    }
    Ok(())
}

impl Store {
    /// The first release number of a peer's stream of a log that is not held.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn next_release(&self, from: &AgencyId, origin: &Origin) -> Result<u64, StoreError> {
        let Some(value) = self.late.get(cursor_key(LogId::of(origin), from))? else { return Ok(0) };
        let bytes = value.as_ref().try_into().map_err(|_| damaged("a release cursor", origin, 0))?;
        Ok(u64::from_be_bytes(bytes))
    }

    /// Forgets how far a peer's releases of a log have come, synced: the peer has gone back behind that, and is asked for
    /// all of them again. What is held stays. Says whether any had come.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn forget_releases(&self, from: &AgencyId, origin: &Origin) -> Result<bool, StoreError> {
        let before = self.late.remove(cursor_key(LogId::of(origin), from))?;
        self.db.sync()?;
        Ok(before.is_some())
    }

    /// Notes that all that was released of a log that has ended has come. Durable with the next sync: else it is asked for
    /// again.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn put_all_came(&self, origin: &Origin) -> Result<(), StoreError> {
        self.late.insert(ended_key(LogId::of(origin)), &[])?;
        Ok(())
    }

    /// Whether that was noted.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn has_all_come(&self, origin: &Origin) -> Result<bool, StoreError> {
        Ok(self.late.contains_key(ended_key(LogId::of(origin)))?)
    }

    /// The entries of which sections arrived under an arrival number, ascending; `None` if nothing has. Arrivals
    /// are counted from 0 for each log, whoever sent them.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn arrival(&self, origin: &Origin, number: u64) -> Result<Option<Vec<EntryIndex>>, StoreError> {
        let key = arrival_key(LogId::of(origin), Some(number));
        let Some(value) = self.late.get(key)? else { return Ok(None) };
        let damaged = || damaged("the order of arrivals", origin, number);
        let (indexes, rest) = value.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(damaged());
        }
        let indexes = indexes.iter().map(|bytes| EntryIndex::new(u64::from_be_bytes(*bytes)));
        indexes.collect::<Result<_, _>>().map(Some).map_err(|_| damaged())
    }

    fn next_arrival(&self, log: LogId) -> Result<u64, StoreError> {
        let newest = self.late.scan_prefix(arrival_key(log, None)).next_back().transpose()?;
        let number = newest.and_then(|(key, _)| key.last_chunk::<8>().copied()).map(u64::from_be_bytes);
        Ok(number.map_or(0, |number| number.saturating_add(1)))
    }
}

fn cursor_key(log: LogId, from: &AgencyId) -> Vec<u8> {
    let mut key = vec![CURSOR];
    key.extend_from_slice(log.as_bytes());
    key.extend_from_slice(LogId::of_agency(from).as_bytes());
    key
}

fn ended_key(log: LogId) -> Vec<u8> {
    [&[ENDED], log.as_bytes().as_slice()].concat()
}

fn arrival_key(log: LogId, number: Option<u64>) -> Vec<u8> {
    let mut key = vec![ARRIVAL];
    key.extend_from_slice(log.as_bytes());
    key.extend(number.into_iter().flat_map(u64::to_be_bytes));
    key
}

fn damaged(what: &'static str, origin: &Origin, place: u64) -> StoreError {
    StoreError::Damaged { what, log: origin.to_string(), place }
}
