//! OFAC's Advanced XML, in the format of the United Nations: parties, and beside them places, documents, links and the
//! entries that list them, all joined by numbers.
//!
//! Numbers of reference values are put into words before anything is read. What belongs to no party is rejected, and
//! never dropped. Not for: reading XML safely (`xml`), features (`feature`).

mod features;
mod party;
mod periods;

use std::collections::HashMap;

use comity_watchlist::{LegalBasis, Link, LinkTarget, Measure, Relation};

use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::ofac::listing::{Listing, Publication, relation};
use crate::ofac::text;
use crate::ofac::values::Values;
use crate::snapshot::{Snapshot, Take};
use crate::xml::{self, Element, Level};

/// The root of the document.
pub(super) const ROOT: &str = "Sanctions";

/// Something that parties point at: where it stands, and whether one does.
struct Part {
    line: u64,
    element: Element,
    is_used: bool,
}

/// Places by their number, and documents by the identity that they belong to.
#[derive(Default)]
struct Parts {
    values: Values,
    locations: HashMap<String, Part>,
    documents: HashMap<String, Vec<Part>>,
}

/// A document that is being read.
struct Reading<'a> {
    publication: Publication<'a>,
    parts: Parts,
    issued: [Option<String>; 3],
    /// The place of each profile's party, or none if the party was rejected.
    profiles: HashMap<String, Option<usize>>,
    /// Links wait until all parties are known.
    links: Vec<(u64, Element)>,
}

pub(super) fn document(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let mut reading = Reading {
        publication: Publication::new(file),
        parts: Parts::default(),
        issued: [const { None }; 3],
        profiles: HashMap::new(),
        links: Vec::new(),
    };
    xml::records(file, ROOT, Level::Group, |group, line, element| {
        if let Err(reason) = reading.take(group, line, element) {
            reading.publication.reject(line, reason);
        }
    })?;
    reading.finish(take)
}

impl Reading<'_> {
    fn take(&mut self, group: &str, line: u64, mut element: Element) -> Result<(), RejectReason> {
        match (group, element.name.as_str()) {
            ("DateOfIssue", name) => {
                let at = ["Year", "Month", "Day"].iter().position(|part| *part == name);
                if let Some(part) = at.and_then(|at| self.issued.get_mut(at)) {
                    *part = element.take_own_text();
                }
            }
            ("ReferenceValueSets", _) => self.parts.values.add_set(&element),
            ("Locations", "Location") => {
                let id =
                    element.take_attribute("ID").ok_or(RejectReason::Missing { column: "Location@ID" })?;
                self.parts.values.resolve(&mut element);
                let part = Part { line, element, is_used: false };
                if let Some(first) = self.parts.locations.insert(id.clone(), part) {
                    let repeated = RejectReason::Repeated { id, first: first.line };
                    return Err(repeated);
                }
            }
            ("IDRegDocuments", "IDRegDocument") => {
                let identity = element.take_attribute("IdentityID");
                let identity = identity.ok_or(RejectReason::Missing { column: "IdentityID" })?;
                self.parts.values.resolve(&mut element);
                let part = Part { line, element, is_used: false };
                self.parts.documents.entry(identity).or_default().push(part);
            }
            ("DistinctParties", "DistinctParty") => {
                let profile = element.first("Profile").and_then(|profile| profile.attribute("ID"));
                let profile = profile.map(str::to_owned);
                let read = party::read(line, element, &mut self.parts);
                let place = self.publication.take(line, read);
                self.profiles.extend(profile.map(|profile| (profile, place)));
            }
            ("ProfileRelationships", "ProfileRelationship") => {
                self.parts.values.resolve(&mut element);
                self.links.push((line, element));
            }
            ("SanctionsEntries", "SanctionsEntry") => {
                self.parts.values.resolve(&mut element);
                let place = self.place(&element, "ProfileID")?;
                if let Some(listing) = place.and_then(|place| self.publication.listings.get_mut(place)) {
                    entry(listing, &mut element)?;
                }
            }
            _ => return Err(RejectReason::Vocabulary { column: "element" }),
        }
        Ok(())
    }

    /// The place of the party that an attribute points at; none if it was rejected, which was said.
    fn place(&self, element: &Element, column: &'static str) -> Result<Option<usize>, RejectReason> {
        let id = element.attribute(column).ok_or(RejectReason::Missing { column })?;
        self.profiles.get(id).copied().ok_or_else(|| RejectReason::NoSubject { id: id.to_owned() })
    }

    fn finish(mut self, take: Take<'_>) -> Result<Snapshot, FeedError> {
        for (line, element) in std::mem::take(&mut self.links) {
            if let Err(reason) = self.link(element) {
                self.publication.stray(line, reason);
            }
        }
        for (line, id) in self.parts.unused() {
            self.publication.stray(line, RejectReason::NoSubject { id });
        }
        let [year, month, day] = self.issued.map(Option::unwrap_or_default);
        let published = (!year.is_empty()).then(|| format!("{year}-{month:0>2}-{day:0>2}"));
        let list = self.publication.list()?;
        self.publication.finish(list, published, "advanced", take)
    }

    fn link(&mut self, mut element: Element) -> Result<(), RejectReason> {
        let Some(from) = self.place(&element, "From-ProfileID")? else { return Ok(()) };
        let to = element.attribute("To-ProfileID").and_then(|id| self.profiles.get(id).copied().flatten());
        let other = to.and_then(|to| self.publication.listings.get(to));
        let other = other.map(|other| (other.record.key.clone(), other.record.names.first().cloned()));
        let Some(listing) = self.publication.listings.get_mut(from) else { return Ok(()) };
        if let (Some((key, Some(name))), Some(words)) = (other, element.attribute("RelationTypeID")) {
            // What was and is no more is a link that says no more than its words.
            let former = element.attribute("Former") == Some("true");
            let kind = if former { Relation::Linked } else { relation(words) };
            let mut link = Link::new(kind, LinkTarget::Key(key));
            link.label = Some(text("RelationTypeID", words)?);
            listing.link(link, name.full);
            element.take_attribute("RelationTypeID");
        }
        element.keep_short_under("ProfileRelationship", &mut listing.record.source)
    }
}

/// A listing of a party on one of the lists: its day, acts, programmes and measures. A party is on several lists, mostly
/// for the same reasons, which are taken once.
fn entry(listing: &mut Listing, element: &mut Element) -> Result<(), RejectReason> {
    let list = element.attribute("ListID").map(str::to_owned);
    let mut day = None;
    let record = &mut listing.record;
    element.each("EntryEvent", |event| {
        if let Some(act) = event.take_attribute("LegalBasisID") {
            let act = text("LegalBasisID", &act)?;
            if record.legal.iter().all(|known| known.act != act) {
                record.legal.push(LegalBasis::new(act));
            }
        }
        if event.attribute("EntryEventTypeID") == Some("Created") && day.is_none() {
            day = event.first("Date").and_then(periods::day);
        }
        Ok(())
    })?;
    element.each("SanctionsMeasure", |measure| {
        let Some(words) = measure.attribute("SanctionsTypeID") else { return Ok(()) };
        let is_programme = words == "Program";
        let taken = if is_programme { measure.take_word("Comment") } else { Some(words.to_owned()) };
        let Some(words) = taken.map(|words| text("SanctionsMeasure", &words)).transpose()? else {
            return Ok(());
        };
        if is_programme {
            if !record.programmes.contains(&words) {
                record.programmes.push(words);
            }
        } else if record.measures.iter().all(|known| known.text.as_str() != words.as_str()) {
            record.measures.push(Measure::new(words.into()));
        }
        Ok(())
    })?;
    if let Some(list) = list {
        listing.on_list(&list, day.map(Into::into));
    }
    element.keep_short_under("SanctionsEntry", &mut listing.record.source)
}

impl Parts {
    /// A place that a party points at; it counts as used from now on.
    fn location(&mut self, id: &str) -> Option<Element> {
        let part = self.locations.get_mut(id)?;
        part.is_used = true;
        Some(part.element.clone())
    }

    /// Places and documents that no party points at, by line: the place, or the identity that is nobody's.
    fn unused(&self) -> Vec<(u64, String)> {
        let locations = self.locations.iter();
        let documents =
            self.documents.iter().flat_map(|(id, parts)| parts.iter().map(move |part| (id, part)));
        let unused = locations.chain(documents).filter(|(_, part)| !part.is_used);
        let mut unused: Vec<(u64, String)> = unused.map(|(id, part)| (part.line, id.clone())).collect();
        unused.sort();
        unused
    }

    /// The documents of an identity.
    fn documents(&mut self, identity: &str) -> Vec<Element> {
        let Some(parts) = self.documents.get_mut(identity) else { return Vec::new() };
        let use_it = |part: &mut Part| {
            part.is_used = true;
            part.element.clone()
        };
        parts.iter_mut().map(use_it).collect()
    }
}
