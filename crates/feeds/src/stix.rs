//! Bundles of STIX 2.1 (OASIS, 2021-06-10): listings as `comity export stix` writes them, and subjects of others.
//!
//! A bundle tells what it holds and never the whole of a list: nothing ends by its absence, and what is `revoked` has
//! ended. Not for: what becomes of a listing of our own (`listing`) and of a subject of others (`foreign`), or writing
//! (`out::stix`).

mod foreign;
mod listing;

use std::collections::{HashMap, HashSet};
use std::fmt;

use comity_watchlist::{ListId, Record};
use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::gather::{Gathering, Refused};
use crate::json::{self, Json};
use crate::out::EXTENSION_ID;
use crate::snapshot::{Ended, Scope, Snapshot};

/// What an object of a subject says.
enum Said {
    Listed(Box<Record>),
    Ended(Ended),
}

/// Objects that are looked at before any subject is read.
#[derive(Default)]
struct Seen {
    /// Who made something that is there: a speaker, and no subject.
    authors: HashSet<String>,
    /// The newest version of each object by its id: `modified`, and its number.
    newest: HashMap<String, (String, u64)>,
    /// The list of the first listing of our own.
    list: Option<ListId>,
}

/// Reads a bundle. The list is the one named; of listings of our own those of that list alone are read, or of that of the
/// first listing if none is named.
///
/// # Errors
/// [`FeedError`] if the file is empty, a web page, not UTF-8, not JSON, no bundle, is of no list or of one that is read
/// from its publisher, holds no subject, or if more than half of its subjects cannot be read. Single bad objects are in
/// [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>, named: Option<&ListId>) -> Result<Snapshot, FeedError> {
    let text = json::text(file)?;
    if json::head(text).kind() != Some("bundle") {
        return Err(FeedError::UnknownDocument { file: file.name.to_owned() });
    }
    let malformed = |error: &serde_json::Error| FeedError::BadJson {
        file: file.name.to_owned(),
        line: u64::try_from(error.line()).unwrap_or(u64::MAX),
        said: json::said(error),
    };
    let mut seen = Seen::default();
    objects(text, |number, object| seen.look(number, &object)).map_err(|error| malformed(&error))?;
    let mut gathering = Gathering::of(file, named.cloned().or_else(|| seen.list.take()), "bundle")?;
    objects(text, |number, object| {
        if !seen.is_subject(number, &object) {
            return;
        }
        match subject(&gathering, object) {
            Ok(Some(Said::Listed(record))) => gathering.take(number, Ok(*record)),
            Ok(Some(Said::Ended(ended))) => gathering.end(number, ended),
            Ok(None) => {}
            Err(refused) => gathering.take(number, Err(refused)),
        }
    })
    .map_err(|error| malformed(&error))?;
    let mut snapshot = gathering.finish(None, Encoding::Utf8)?;
    snapshot.scope = Scope::Changes;
    Ok(snapshot)
}

/// A subject, or nothing if it is of another list.
fn subject(gathering: &Gathering, object: Json) -> Result<Option<Said>, Refused> {
    if object.get("extensions").and_then(|extensions| extensions.get(EXTENSION_ID)).is_some() {
        return listing::read(gathering, &object);
    }
    foreign::read(gathering, object).map(Some)
}

impl Seen {
    fn look(&mut self, number: u64, object: &Json) {
        let text = |name: &str| object.get(name).and_then(Json::text);
        if let Some(author) = text("created_by_ref") {
            self.authors.insert(author.to_owned());
        }
        if let Some(id) = text("id") {
            let modified = text("modified").unwrap_or_default();
            let newest = self.newest.entry(id.to_owned()).or_insert_with(|| (modified.to_owned(), number));
            if *modified > *newest.0 {
                *newest = (modified.to_owned(), number);
            }
        }
        let told = object.get("extensions").and_then(|extensions| extensions.get(EXTENSION_ID));
        if let Some(list) = told.and_then(|told| told.get("list")).and_then(Json::text)
            && self.list.is_none()
        {
            self.list = ListId::parse(list).ok();
        }
    }

    /// Whether an object is of a subject, and no older version of another one that is there.
    fn is_subject(&self, number: u64, object: &Json) -> bool {
        let text = |name: &str| object.get(name).and_then(Json::text);
        let is_kind = text("type").is_some_and(|kind| foreign::TYPES.contains(&kind));
        let id = text("id").unwrap_or_default();
        let is_newest = self.newest.get(id).is_none_or(|(modified, first)| {
            *first == number || text("modified").unwrap_or_default() == modified
        });
        is_kind && is_newest && !self.authors.contains(id)
    }
}

/// Hands over each object of a bundle with its number from 1, one at a time.
fn objects(text: &str, take: impl FnMut(u64, Json)) -> Result<(), serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.deserialize_map(Bundle(take))?;
    reader.end()
}

struct Bundle<F>(F);

impl<'de, F: FnMut(u64, Json)> Visitor<'de> for Bundle<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bundle")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "objects" {
                map.next_value_seed(Objects(&mut self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Objects<'a, F>(&'a mut F);

impl<'de, F: FnMut(u64, Json)> DeserializeSeed<'de> for Objects<'_, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(u64, Json)> Visitor<'de> for Objects<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        let mut number = 0;
        while let Some(object) = seq.next_element()? {
            number += 1;
            (self.0)(number, object);
        }
        Ok(())
    }
}

/// Markings under which nothing may go on to peers, as it would from here: RED and AMBER+STRICT of TLP 2.0, RED of 1.0.
const STRICT: [&str; 3] = [
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
];

/// Whether an object is marked more strictly than it would be handled here.
fn is_too_strict(object: &Json) -> bool {
    match object.get("object_marking_refs") {
        Some(Json::List(marks)) => marks.iter().filter_map(Json::text).any(|mark| STRICT.contains(&mark)),
        _ => false,
    }
}

/// What a value that must be there lacks.
const fn missing(column: &'static str) -> RejectReason {
    RejectReason::Missing { column }
}
