//! Where a key stands: the listings and places in their records, by key.
//!
//! Both are ordered, so that a name that very many records share costs no more to take out than any other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// The number of a listing in its view, in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ListingId(pub(crate) u32);

/// One name or identifier of one listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Posting {
    pub(crate) listing: ListingId,
    /// Its place among the names or the identifiers of the record; both have fewer than 2^16.
    pub(crate) place: u16,
}

/// All postings of one sort of key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    keys: BTreeMap<Box<str>, BTreeSet<Posting>>,
}

impl Index {
    /// Adds a posting.
    pub(crate) fn insert(&mut self, key: &str, posting: Posting) {
        self.keys.entry(key.into()).or_default().insert(posting);
    }

    /// Takes a posting out.
    pub(crate) fn remove(&mut self, key: &str, posting: Posting) {
        let Some(postings) = self.keys.get_mut(key) else { return };
        postings.remove(&posting);
        if postings.is_empty() {
            self.keys.remove(key);
        }
    }

    /// The postings of a key, by listing and place.
    pub(crate) fn find(&self, key: &str) -> impl Iterator<Item = Posting> {
        self.keys.get(key).into_iter().flatten().copied()
    }

    /// The postings of every key that begins so, in the order of the keys.
    pub(crate) fn find_below(&self, beginning: &str) -> impl Iterator<Item = Posting> {
        let from = (Bound::Included(beginning), Bound::Unbounded);
        let keys = self.keys.range::<str, _>(from).take_while(move |(key, _)| key.starts_with(beginning));
        keys.flat_map(|(_, postings)| postings.iter().copied())
    }

    /// Every key with its postings.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Posting)> {
        self.keys.iter().flat_map(|(key, postings)| postings.iter().map(|posting| (&**key, *posting)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posting(listing: u32, place: u16) -> Posting {
        Posting { listing: ListingId(listing), place }
    }

    #[test]
    fn a_key_finds_its_own_postings_in_order() {
        let mut index = Index::default();
        for (key, at) in
            [("b", posting(1, 0)), ("a", posting(2, 1)), ("a", posting(0, 3)), ("ab", posting(9, 9))]
        {
            index.insert(key, at);
        }
        index.insert("a", posting(0, 3));
        assert_eq!(index.find("a").collect::<Vec<_>>(), [posting(0, 3), posting(2, 1)]);
        let below = |beginning| index.find_below(beginning).collect::<Vec<_>>();
        assert_eq!(below("a"), [posting(0, 3), posting(2, 1), posting(9, 9)]);
        assert_eq!((below("ab"), below("abc"), below("c")), (vec![posting(9, 9)], vec![], vec![]));
        index.remove("a", posting(0, 3));
        index.remove("b", posting(7, 7));
        assert_eq!(index.find("a").collect::<Vec<_>>(), [posting(2, 1)]);
        assert_eq!(index.iter().count(), 3);
    }
}
