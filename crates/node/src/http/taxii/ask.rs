//! What a request over TAXII 2.1 asks for: its path, and the filters behind it (section 3.4).
//!
//! Nothing is joined or made shorter: a path that is not spelled exactly so is not there. Not here: what is answered
//! (`mod`), and how far a page goes (`page`).

use std::collections::BTreeSet;

use super::timestamp::Micros;

/// The one API root.
pub(super) const API_ROOT: &str = "/taxii2/logs/";

/// Objects of a page where the request says nothing.
pub(super) const PAGE_OBJECTS: usize = 100;
/// Most objects of a page, whatever the request says.
pub(super) const PAGE_OBJECTS_MAX: usize = 1_000;
/// Most values of one filter: more than the head of a request has room for ids.
const VALUES_MAX: usize = 256;

/// The filters of the standard.
const NAMES: [&str; 7] =
    ["added_after", "limit", "next", "match[id]", "match[type]", "match[version]", "match[spec_version]"];

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// `/taxii2/`
    Discovery,
    /// The API root.
    ApiRoot,
    /// `…/collections/`
    Collections,
    /// `…/collections/<id>/` and what lies below it.
    Of {
        /// The id of the collection.
        collection: String,
        /// What of it.
        part: Part,
    },
}

/// What of a collection is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What it is.
    Itself,
    /// `objects/`
    Objects,
    /// `manifest/`
    Manifest,
    /// `objects/<id>/`
    Object {
        /// The id of the object.
        id: String,
    },
    /// `objects/<id>/versions/`
    Versions {
        /// The id of the object.
        id: String,
    },
}

impl Asked {
    /// What a path names; `None` for anything else.
    pub(super) fn find(path: &str) -> Option<Self> {
        if path == "/taxii2/" {
            return Some(Self::Discovery);
        }
        let rest = path.strip_prefix(API_ROOT)?;
        if rest.is_empty() {
            return Some(Self::ApiRoot);
        }
        let rest = rest.strip_prefix("collections/")?;
        if rest.is_empty() {
            return Some(Self::Collections);
        }
        let (collection, rest) = rest.split_once('/')?;
        let part = match rest {
            "" => Part::Itself,
            "objects/" => Part::Objects,
            "manifest/" => Part::Manifest,
            _ => {
                let rest = rest.strip_prefix("objects/")?;
                let (id, rest) = rest.split_once('/')?;
                match rest {
                    "" => Part::Object { id: id.to_owned() },
                    "versions/" => Part::Versions { id: id.to_owned() },
                    _ => return None,
                }
            }
        };
        Some(Self::Of { collection: collection.to_owned(), part })
    }
}

/// A place between two objects of a collection: an entry of the log, and how many of its objects stand before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cursor {
    /// The index of the entry.
    pub(super) index: u64,
    /// Its objects that were told.
    pub(super) told: usize,
}

impl Cursor {
    /// Any number of 64 bits is a place: one that no log has is its end.
    fn parse(text: &str) -> Option<Self> {
        let (index, told) = text.split_once('.').unwrap_or((text, "0"));
        Some(Self { index: digits(index)?.parse().ok()?, told: digits(told)?.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.told {
            0 => write!(f, "{}", self.index),
            told => write!(f, "{}.{told}", self.index),
        }
    }
}

/// Which versions of an object are asked for. There is one of each, its newest: to whoever does not ask for it by its time
/// it is the first, the last and all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Versions {
    /// Whichever there is.
    Any,
    /// Those of some times.
    Exact(BTreeSet<Micros>),
}

impl Versions {
    /// Whether a version is meant.
    pub(super) fn mean(&self, version: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(times) => Micros::parse(version).is_some_and(|time| times.contains(&time)),
        }
    }

    fn parse(values: &BTreeSet<String>) -> Option<Self> {
        let is_word = |value: &&String| matches!(value.as_str(), "last" | "first" | "all");
        let times = values.iter().filter(|value| !is_word(value)).map(|value| Micros::parse(value));
        let times = times.collect::<Option<BTreeSet<Micros>>>()?;
        if values.contains("all") && values.len() > 1 {
            return None;
        }
        Some(if values.iter().any(|value| is_word(&value)) { Self::Any } else { Self::Exact(times) })
    }
}

/// What is behind a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filters {
    pub(super) added_after: Option<Micros>,
    pub(super) limit: usize,
    pub(super) next: Cursor,
    pub(super) ids: Option<BTreeSet<String>>,
    pub(super) kinds: Option<BTreeSet<String>>,
    pub(super) versions: Versions,
    /// Whether STIX 2.1 is among the versions of the specification that are asked for.
    pub(super) is_of_this_spec: bool,
}

impl Filters {
    /// Those of a request that has none.
    pub(super) const fn plain() -> Self {
        Self {
            added_after: None,
            limit: PAGE_OBJECTS,
            next: Cursor { index: 0, told: 0 },
            ids: None,
            kinds: None,
            versions: Versions::Any,
            is_of_this_spec: true,
        }
    }

    /// Reads them; `None` if one is malformed or stands twice. What the specification does not name is passed over.
    pub(super) fn parse(query: Option<&str>) -> Option<Self> {
        let mut read = Self::plain();
        let mut seen = BTreeSet::new();
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // A name that cannot be read is none of these.
            let Some(name) = decoded(name).filter(|name| NAMES.contains(&name.as_str())) else { continue };
            let value = decoded(value)?;
            match name.as_str() {
                "added_after" => read.added_after = Some(Micros::parse(&value)?),
                "limit" => read.limit = limit(&value)?,
                "next" => read.next = Cursor::parse(&value)?,
                "match[id]" => read.ids = Some(values(&value)?),
                "match[type]" => read.kinds = Some(values(&value)?),
                "match[version]" => read.versions = Versions::parse(&values(&value)?)?,
                _ => read.is_of_this_spec = values(&value)?.contains("2.1"),
            }
            if !seen.insert(name) {
                return None;
            }
        }
        Some(read)
    }
}

/// A positive number; whatever is above the largest page means the largest page.
fn limit(text: &str) -> Option<usize> {
    // Digits that make no number make one that is too large.
    let number = digits(text)?.parse().unwrap_or(PAGE_OBJECTS_MAX);
    Some(number.min(PAGE_OBJECTS_MAX)).filter(|limit| *limit > 0)
}

/// A text of digits alone.
fn digits(text: &str) -> Option<&str> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// Values between commas, none empty and none twice.
fn values(text: &str) -> Option<BTreeSet<String>> {
    let mut read = BTreeSet::new();
    for value in text.split(',') {
        if value.is_empty() || read.len() >= VALUES_MAX || !read.insert(value.to_owned()) {
            return None;
        }
    }
    Some(read)
}

/// Undoes the escapes of a query (RFC 3986, 2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Whether a header `Accept` takes what is answered (section 1.6.8): TAXII of this version, or of any; a request
/// without one takes everything (RFC 9110, 12.5.1).
pub(super) fn accepts<'a>(headers: impl Iterator<Item = &'a str>) -> bool {
    let ranges = headers.flat_map(|header| header.split(',')).map(str::trim);
    // An empty one is no element of a list (RFC 9110, 5.6.1).
    let mut ranges = ranges.filter(|range| !range.is_empty()).peekable();
    ranges.peek().is_none() || ranges.any(accepts_range)
}

fn accepts_range(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let says = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "version" => value.trim().trim_matches('"') == "2.1",
            "q" => !value.trim().trim_end_matches(['0', '.']).is_empty(),
            _ => true,
        }
    };
    matches!(kind.as_str(), "application/taxii+json" | "application/*" | "*/*") && parts.all(says)
}

#[cfg(test)]
mod tests;
