//! Two listings that are said to be about one subject: what a same-as statement names.
//!
//! A subject is never stored: it is what somebody sees by the statements that stand (`screening`). Each statement has a
//! handle of its own, is signed in the log of whoever makes it, and is retracted by an entry that names it; the listings
//! stay as they are. Not for: links that an authority states within a record (`link`).

use crate::cbor::Fields;
use crate::error::RecordError;
use crate::form::{self, Bound, Form, bound};
use crate::key::{Handle, OriginName, RecordKey};
use crate::length::Put;
use crate::link::{put_key, take_key};

const FIELD: &str = "same_as";
/// Two, so that a statement can be retracted without what else was said at once.
const PAIR_BOUND: Bound = bound(FIELD, 2);

/// One listing of one log, with the list and reference that it had when it was named.
///
/// The handle names it: a reference may be given to another listing, or a listing another reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListingRef {
    /// The log.
    pub origin: OriginName,
    /// The listing in it.
    pub handle: Handle,
    /// List and reference, for people.
    pub key: RecordKey,
    unknown: Fields,
}

/// Two different listings, the one of the smaller origin, or else of the smaller handle, first: so that each pair has one
/// form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    listings: [ListingRef; 2],
}

impl ListingRef {
    /// Names a listing.
    pub const fn new(origin: OriginName, handle: Handle, key: RecordKey) -> Self {
        Self { origin, handle, key, unknown: Fields::new() }
    }

    fn order(&self) -> (&OriginName, Handle) {
        (&self.origin, self.handle)
    }
}

impl Pair {
    /// Two listings in their order; `None` if they are the same.
    pub fn new(one: ListingRef, other: ListingRef) -> Option<Self> {
        let order = one.order().cmp(&other.order());
        let listings = match order {
            std::cmp::Ordering::Less => [one, other],
            std::cmp::Ordering::Greater => [other, one],
            std::cmp::Ordering::Equal => return None,
        };
        Some(Self { listings })
    }

    /// The first.
    pub const fn first(&self) -> &ListingRef {
        let [first, _] = &self.listings;
        first
    }

    /// The second.
    pub const fn second(&self) -> &ListingRef {
        let [_, second] = &self.listings;
        second
    }

    /// Both, in their order.
    pub const fn listings(&self) -> &[ListingRef; 2] {
        &self.listings
    }

    /// Writes both. `key` stands in core as what the statement is found by: it is that of the first.
    pub(crate) fn put<M: Put>(&self, fields: &mut M, at: u64, key: &RecordKey) -> Result<(), RecordError> {
        if self.first().key != *key {
            return Err(RecordError::Invalid { field: FIELD });
        }
        form::put_forms(fields, at, &self.listings, PAIR_BOUND)
    }

    /// Reads both, in the one order that they may have.
    pub(crate) fn take(fields: &mut Fields, at: u64, key: &RecordKey) -> Result<Self, RecordError> {
        let invalid = || RecordError::Invalid { field: FIELD };
        let listings: Vec<ListingRef> = form::take_forms(fields, at, PAIR_BOUND)?;
        let listings =
            <[ListingRef; 2]>::try_from(listings).map_err(|_| RecordError::Missing { field: FIELD })?;
        let pair = Self { listings };
        if pair.first().order() >= pair.second().order() || pair.first().key != *key {
            return Err(invalid());
        }
        Ok(pair)
    }
}

impl Form for ListingRef {
    const FIELD: &'static str = FIELD;

    fn put_into<M: Put>(&self, fields: &mut M) -> Result<(), RecordError> {
        fields.keep(&self.unknown);
        fields.put_text(1, self.origin.as_str());
        form::put_array(fields, 2, Some(self.handle.as_bytes()));
        put_key(fields, 3, &self.key);
        Ok(())
    }

    fn from_fields(mut fields: Fields) -> Result<Self, RecordError> {
        let origin = form::required(FIELD, form::typed(FIELD, fields.take_text(1))?)?;
        let origin =
            OriginName::parse(&origin).map_err(|source| RecordError::Key { field: FIELD, source })?;
        let handle = Handle::new(form::required(FIELD, form::take_array(&mut fields, 2, FIELD)?)?);
        let key = form::required(FIELD, take_key(&mut fields, 3, FIELD)?)?;
        Ok(Self { origin, handle, key, unknown: fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::Value;
    use crate::key::{KeyError, ListId, Reference};

    fn listing(origin: &str, handle: u8) -> ListingRef {
        let key = RecordKey::new(ListId::parse("xa").unwrap(), Reference::parse("1").unwrap());
        ListingRef::new(OriginName::parse(origin).unwrap(), Handle::new([handle; 16]), key)
    }

    fn read(listings: &[ListingRef]) -> Result<Pair, RecordError> {
        let forms = listings.iter().map(|one| Value::Map(one.to_fields().unwrap()));
        let mut fields = Fields::new();
        fields.put(48, Value::Array(forms.collect()));
        Pair::take(&mut fields, 48, &listing("a.example/pub", 1).key)
    }

    #[test]
    fn a_pair_has_one_order_and_names_two_listings() {
        let (a, b) = (listing("a.example/pub", 9), listing("b.example/pub", 1));
        assert_eq!(Pair::new(b.clone(), a.clone()), Pair::new(a.clone(), b.clone()));
        assert_eq!(Pair::new(a.clone(), a.clone()), None);
        assert_eq!(read(&[a.clone(), b.clone()]).unwrap().second(), &b);
        let invalid = RecordError::Invalid { field: FIELD };
        assert_eq!(read(&[b.clone(), a.clone()]), Err(invalid.clone()));
        assert_eq!(read(&[a.clone(), a.clone()]), Err(invalid));
        assert_eq!(read(std::slice::from_ref(&a)), Err(RecordError::Missing { field: FIELD }));
        let three = [a.clone(), b.clone(), b];
        assert_eq!(read(&three), Err(RecordError::TooMany { field: FIELD, count: 3, max: 2 }));
        for bad in ["a.example", "a.example/", "/pub", "a//pub"] {
            assert_eq!(OriginName::parse(bad), Err(KeyError::NoLog), "{bad}");
        }
        assert_eq!(OriginName::parse("A/pub"), Err(KeyError::Character { at: 0 }));
        assert!(OriginName::parse(&format!("a/{}", "x".repeat(126))).is_err());
    }
}
