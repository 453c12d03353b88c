//! What must be known of a bundle before a subject of it is read: newest versions, who speaks, what is marked,
//! and where subjects are.
//!
//! Not for: what a subject says (`listing`, `foreign`).

use std::collections::{HashMap, HashSet};

use comity_watchlist::{Address, ListId, Source};

use super::objects::Written;
use super::place;
use crate::error::RejectReason;
use crate::json::{self, Json};
use crate::out::EXTENSION_ID;

/// Markings under which nothing may go on to peers, as it would from here: RED and AMBER+STRICT of TLP 2.0, RED of 1.0.
const STRICT: [&str; 3] = [
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed",
];

/// The other markings of TLP 1.0 and 2.0, whose meaning nobody needs to be told (STIX 2.1 §7.2.1.4 and the extension).
const LENIENT: [&str; 6] = [
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82",
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
];

/// A `location`, with what of it has no place in an address.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) address: Address,
    pub(super) kept: Source,
}

/// A listing of our own in its newest version.
struct Listing {
    list: String,
    reference: String,
    is_live: bool,
    modified: String,
    number: u64,
}

/// What was seen.
#[derive(Default)]
pub(super) struct Seen<'a> {
    /// Who made something that is there: a speaker, and no subject.
    authors: HashSet<String>,
    /// Whether it is a page of more: then what a marking says may stand in another one.
    is_page: bool,
    /// Markings that say by their content that they are strict.
    strict: HashSet<String>,
    /// The newest version of each object by its id: `modified`, and its number.
    newest: HashMap<String, (String, u64)>,
    listings: HashMap<String, Listing>,
    /// Ends of listings that are listed again, or have ended again.
    outdone: HashSet<u64>,
    /// The lists of our own listings: one, and whether there are others.
    list: Option<(ListId, bool)>,
    /// Whether our extension is defined there.
    is_ours: bool,
    located: HashMap<String, &'a str>,
    pub(super) locations: HashMap<String, Result<Location, RejectReason>>,
    related: HashMap<String, (String, Written<'a>)>,
    /// Relationships by the subject that they begin at, in the order of the bundle.
    pub(super) relations: HashMap<String, Vec<Written<'a>>>,
}

impl<'a> Seen<'a> {
    /// Looks at all objects; those that cannot be read are left to the second reading.
    pub(super) fn of(objects: impl Iterator<Item = Written<'a>>, is_page: bool) -> Self {
        let mut seen = Self { is_page, ..Self::default() };
        for written in objects {
            if let Ok(object) = json::read(written.text) {
                seen.look(written, &object);
            }
        }
        seen.settle();
        seen
    }

    /// The one list of our own listings.
    pub(super) fn list(&self) -> Option<ListId> {
        self.list.as_ref().filter(|(_, has_others)| !has_others).map(|(list, _)| list.clone())
    }

    /// Whether our extension is defined there: then only what carries it is a subject.
    pub(super) const fn is_ours(&self) -> bool {
        self.is_ours
    }

    /// Whether an object is of a subject, and outdone by no other that is there.
    pub(super) fn is_subject(&self, number: u64, object: &Json) -> bool {
        let text = |name: &str| object.get(name).and_then(Json::text);
        let Some(id) = text("id") else { return true };
        let is_newest = self
            .newest
            .get(id)
            .is_none_or(|(modified, first)| *first == number || *modified == moment(text("modified")));
        is_newest && !self.authors.contains(id) && !self.outdone.contains(&number)
    }

    /// Refuses an object that may go no further than here, or of which that cannot be told.
    pub(super) fn check_marks(&self, object: &Json) -> Result<(), RejectReason> {
        let column = "object_marking_refs";
        let whole = marks(object.get(column)).ok_or(RejectReason::Vocabulary { column })?;
        let column = "granular_markings";
        let parts = match object.get(column) {
            None | Some(Json::Null) => Vec::new(),
            Some(Json::List(parts)) => {
                // A part may be marked as being of a language, which is no marking of this kind.
                parts.iter().filter_map(|part| part.get("marking_ref")).filter_map(Json::text).collect()
            }
            Some(_) => return Err(RejectReason::Vocabulary { column }),
        };
        let is_untold =
            |mark: &str| self.is_page && !LENIENT.contains(&mark) && !self.newest.contains_key(mark);
        let is_strict = |mark: &&str| STRICT.contains(mark) || self.strict.contains(*mark) || is_untold(mark);
        if whole.iter().chain(&parts).any(is_strict) { Err(RejectReason::Marked) } else { Ok(()) }
    }

    fn look(&mut self, written: Written<'a>, object: &Json) {
        let text = |name: &str| object.get(name).and_then(Json::text);
        if let Some(author) = text("created_by_ref") {
            self.authors.insert(author.to_owned());
        }
        let Some(id) = text("id") else { return };
        self.is_ours |= id == EXTENSION_ID;
        let modified = moment(text("modified"));
        match self.newest.get(id) {
            Some((newest, _)) if *newest >= modified => return,
            _ => drop(self.newest.insert(id.to_owned(), (modified.clone(), written.number))),
        }
        let is_live = object.get("revoked") != Some(&Json::Bool(true));
        match text("type") {
            Some("marking-definition") if is_strict(object) => drop(self.strict.insert(id.to_owned())),
            Some("location") if is_live => drop(self.located.insert(id.to_owned(), written.text)),
            Some("relationship") if is_live => {
                let source = text("source_ref").unwrap_or_default().to_owned();
                self.related.insert(id.to_owned(), (source, written));
            }
            // A newer version that is revoked ends the one before it.
            Some("location") => drop(self.located.remove(id)),
            Some("relationship") => drop(self.related.remove(id)),
            Some("identity") => {
                let Some(told) = extension(object) else { return };
                let text = |name: &str| told.get(name).and_then(Json::text).unwrap_or_default().to_owned();
                let (list, reference) = (text("list"), text("reference"));
                if let Ok(found) = ListId::parse(&list) {
                    let (first, has_others) = self.list.get_or_insert_with(|| (found.clone(), false));
                    *has_others |= *first != found;
                }
                let number = written.number;
                self.listings.insert(id.to_owned(), Listing { list, reference, is_live, modified, number });
            }
            _ => {}
        }
    }

    /// Orders what could only be gathered.
    fn settle(&mut self) {
        // A listing that has ended and one that follows it have two ids and one key: only the last of them counts.
        let mut last: HashMap<(&str, &str), (bool, &str, u64)> = HashMap::new();
        for told in self.listings.values() {
            let rank = (told.is_live, told.modified.as_str(), told.number);
            let best = last.entry((&told.list, &told.reference)).or_insert(rank);
            *best = rank.max(*best);
        }
        let is_outdone = |told: &&Listing| {
            let last = last.get(&(told.list.as_str(), told.reference.as_str()));
            !told.is_live && last.is_some_and(|(_, _, number)| *number != told.number)
        };
        self.outdone = self.listings.values().filter(is_outdone).map(|told| told.number).collect();
        let mut related: Vec<(String, Written<'a>)> = self.related.drain().map(|(_, found)| found).collect();
        related.sort_by_key(|(_, written)| written.number);
        for (source, written) in related {
            self.relations.entry(source).or_default().push(written);
        }
        let located = std::mem::take(&mut self.located);
        self.locations = located
            .into_iter()
            .map(|(id, text)| {
                let read = json::read(text).and_then(|object| {
                    self.check_marks(&object)?;
                    place::read(&id, object)
                });
                (id, read)
            })
            .collect();
    }
}

/// Our own extension of an object.
pub(super) fn extension(object: &Json) -> Option<&Json> {
    object.get("extensions")?.get(EXTENSION_ID)
}

/// A time such that a later one is the greater text: without the zone, which is always UTC, and zeros that say nothing
/// (STIX 2.1 §2.16).
fn moment(said: Option<&str>) -> String {
    let said = said.unwrap_or_default().trim_end_matches('Z');
    if said.contains('.') {
        said.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        said.to_owned()
    }
}

/// The texts of a list of references; none if it is another thing.
fn marks(list: Option<&Json>) -> Option<Vec<&str>> {
    match list {
        None | Some(Json::Null) => Some(Vec::new()),
        Some(Json::List(marks)) => marks.iter().map(Json::text).collect(),
        Some(_) => None,
    }
}

/// Whether a marking says that it is RED or AMBER+STRICT: as TLP 1.0 (STIX 2.1 §7.2.1.4), by the extension for TLP 2.0,
/// or by its name.
fn is_strict(marking: &Json) -> bool {
    let is_word = |said: Option<&Json>| {
        let said = said.and_then(Json::text).unwrap_or_default().to_ascii_lowercase();
        matches!(said.trim_start_matches("tlp:"), "red" | "amber+strict")
    };
    let extended = match marking.get("extensions") {
        Some(Json::Object(extensions)) => {
            extensions.iter().any(|(_, extension)| is_word(extension.get("tlp_2_0")))
        }
        _ => false,
    };
    let defined = marking.get("definition").and_then(|definition| definition.get("tlp"));
    extended || is_word(defined) || is_word(marking.get("name"))
}
