//! What is known of a served log by heart: when each entry counts as added, and by which entry an object is told.
//!
//! Both grow with the log. Of records nothing stands here but parts of the ids of objects that are told; those of places
//! are drawn from what they say, and go when the log is gone through anew. Not here: what is told of an
//! entry (`listings`), nor what a request gets (`page`).

use std::collections::HashMap;

use comity_ledger::{Entry, Origin};
use comity_store::{ReadError, Store};
use comity_tlog::TreeSize;

use super::timestamp::Micros;
use crate::NodeError;

/// How much later an entry counts as added than the one before it at least, in microseconds: more than there are
/// objects of one entry (a listing, and two for each of 500 addresses), so that no two objects are added at one time.
pub(super) const STEP_MICROS: u64 = 2_000;
/// One time is kept for so many entries: those between are counted from there.
const BLOCK: u64 = 256;
/// The latest author's time that counts, in seconds: the beginning of the year 9999, so that there is room behind it for
/// times that can be written.
const AUTHOR_SECS_MAX: u64 = 253_370_764_800;

/// What is known of the log up to a size.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    size: u64,
    newest: Micros,
    /// When the first entry of each block counts as added.
    blocks: Vec<Micros>,
    /// The entry by which an object was told last, by the first eight bytes of the object's UUID.
    told_by: HashMap<u64, u64>,
    /// Whether the whole log was gone through once.
    pub(super) is_whole: bool,
    /// How often the view had been drawn anew.
    told_anew: u64,
}

impl Catalogue {
    /// Begins anew if the view has been drawn anew: what entries tell may be another thing then.
    pub(super) fn begin(&mut self, told_anew: u64) {
        if self.told_anew != told_anew {
            *self = Self { told_anew, ..Self::default() };
        }
    }

    /// The entries that are known.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next entry in: its author's time, and the objects that are told by it.
    pub(super) fn push<'a>(&mut self, author_secs: u64, ids: impl Iterator<Item = &'a str>) {
        self.newest = if self.size == 0 { date_of(author_secs) } else { after(self.newest, author_secs) };
        if self.size.is_multiple_of(BLOCK) {
            self.blocks.push(self.newest);
        }
        for id in ids.filter_map(short) {
            self.told_by.insert(id, self.size);
        }
        self.size = self.size.saturating_add(1);
    }

    /// The entry by which an object of this id is told, if there may be one.
    pub(super) fn entry_of(&self, id: &str) -> Option<u64> {
        self.told_by.get(&short(id)?).copied()
    }

    /// The last entry that had been added by a time, or the first.
    pub(super) fn last_by(&self, store: &Store, origin: &Origin, time: Micros) -> Result<u64, NodeError> {
        let block = self.blocks.partition_point(|first| *first <= time).saturating_sub(1);
        let mut dates = Dates::from_block(self, block);
        let mut last = dates.next;
        while dates.next < self.size {
            if dates.step(store, origin)? > time {
                break;
            }
            last = dates.next.saturating_sub(1);
        }
        Ok(last)
    }

    /// When an entry counts as added, for entries that are asked for in their order.
    pub(super) fn dates(&self) -> Dates<'_> {
        Dates::from_block(self, 0)
    }
}

/// When entries count as added, one after the other.
#[derive(Debug)]
pub(super) struct Dates<'a> {
    catalogue: &'a Catalogue,
    /// The next entry to be read, and when the one before it counts as added.
    next: u64,
    before: Option<Micros>,
    /// The author's times of the entries from `next` on.
    ahead: std::collections::VecDeque<u64>,
}

impl<'a> Dates<'a> {
    fn from_block(catalogue: &'a Catalogue, block: usize) -> Self {
        let next = u64::try_from(block).unwrap_or(u64::MAX).saturating_mul(BLOCK);
        Self { catalogue, next, before: None, ahead: std::collections::VecDeque::new() }
    }

    /// When an entry counts as added.
    pub(super) fn of(&mut self, store: &Store, origin: &Origin, index: u64) -> Result<Micros, NodeError> {
        let block = index / BLOCK;
        if index < self.next || block > self.next / BLOCK {
            *self = Self::from_block(self.catalogue, usize::try_from(block).unwrap_or(usize::MAX));
        }
        loop {
            let is_it = self.next == index;
            let date = self.step(store, origin)?;
            if is_it {
                return Ok(date);
            }
        }
    }

    fn step(&mut self, store: &Store, origin: &Origin) -> Result<Micros, NodeError> {
        if self.ahead.is_empty() {
            self.ahead = author_times(
                store,
                origin,
                self.next,
                self.catalogue.size.min(self.next.saturating_add(BLOCK)),
            )?;
        }
        let secs = self.ahead.pop_front().unwrap_or_default();
        let begins = self.next.is_multiple_of(BLOCK);
        let kept = begins.then(|| usize::try_from(self.next / BLOCK).ok()).flatten();
        let kept = kept.and_then(|block| self.catalogue.blocks.get(block)).copied();
        let date =
            kept.unwrap_or_else(|| self.before.map_or_else(|| date_of(secs), |before| after(before, secs)));
        (self.before, self.next) = (Some(date), self.next.saturating_add(1));
        Ok(date)
    }
}

/// An author's clock may have been set back, or stand still while much is written.
fn after(before: Micros, author_secs: u64) -> Micros {
    date_of(author_secs).max(before.plus(STEP_MICROS))
}

fn date_of(author_secs: u64) -> Micros {
    Micros::of_secs(author_secs.min(AUTHOR_SECS_MAX))
}

fn author_times(
    store: &Store,
    origin: &Origin,
    start: u64,
    end: u64,
) -> Result<std::collections::VecDeque<u64>, NodeError> {
    let mut times = std::collections::VecDeque::new();
    let size = |value| {
        TreeSize::new(value).map_err(|_| NodeError::Contradiction { origin: origin.to_string(), size: value })
    };
    let read = store.each_entry(origin, size(start)?, size(end)?, |_, bytes| {
        times.push_back(Entry::parse(bytes)?.author_time().unix_secs());
        Ok::<(), NodeError>(())
    });
    match read {
        Ok(()) => Ok(times),
        Err(ReadError::Store(source)) => Err(source.into()),
        Err(ReadError::Taker(error)) => Err(error),
    }
}

/// The first eight bytes of the UUID of a STIX id.
fn short(id: &str) -> Option<u64> {
    let (_, uuid) = id.split_once("--")?;
    let digits: String = uuid.chars().filter(|c| *c != '-').take(16).collect();
    (uuid.len() == 36 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .then(|| u64::from_str_radix(&digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_count_as_added_one_after_the_other_whatever_the_clock_says() {
        let mut catalogue = Catalogue::default();
        let mut dates = Vec::new();
        for secs in [10, 10, 9, 11, 5] {
            catalogue.push(secs, std::iter::empty());
            dates.push(catalogue.newest.0);
        }
        assert_eq!(dates, [10_000_000, 10_002_000, 10_004_000, 11_000_000, 11_002_000]);
    }

    #[test]
    fn a_time_that_cannot_be_written_leaves_room_for_those_behind_it() {
        let mut catalogue = Catalogue::default();
        let mut dates = Vec::new();
        for secs in [u64::MAX, u64::MAX, 5] {
            catalogue.push(secs, std::iter::empty());
            dates.push(catalogue.newest.to_string());
        }
        assert_eq!(dates[0], "9999-01-01T00:00:00.000000Z");
        assert!(dates.is_sorted_by(|a, b| a < b), "{dates:?}");
    }

    #[test]
    fn what_was_drawn_from_another_view_is_forgotten() {
        let mut catalogue = Catalogue::default();
        let id = "identity--6d3a5d0e-7b1f-4c52-9a43-1f0c8e27b6d4";
        catalogue.push(1, [id].into_iter());
        catalogue.is_whole = true;
        catalogue.begin(0);
        assert_eq!((catalogue.entry_of(id), catalogue.is_whole), (Some(0), true));
        catalogue.begin(1);
        assert_eq!((catalogue.entry_of(id), catalogue.is_whole, catalogue.size()), (None, false, 0));
    }

    #[test]
    fn an_object_is_found_by_the_entry_that_told_it_last() {
        let mut catalogue = Catalogue::default();
        let id = "identity--6d3a5d0e-7b1f-4c52-9a43-1f0c8e27b6d4";
        catalogue.push(1, std::iter::empty());
        catalogue.push(1, [id].into_iter());
        assert_eq!(catalogue.entry_of(id), Some(1));
        catalogue.push(1, [id].into_iter());
        assert_eq!(catalogue.entry_of(id), Some(2));
        for other in ["identity--0000000e-7b1f-4c52-9a43-1f0c8e27b6d4", "identity--", "identity", "", "a--ä"]
        {
            assert_eq!(catalogue.entry_of(other), None, "{other}");
        }
    }
}
