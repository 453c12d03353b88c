//! Comparison of two records by content: what an importer asks before it signs an amendment.
//!
//! Provenance (source files, locators) is left out: it changes with every publication. A source's own version
//! numbers are ordinary content here, and are never trusted to say that nothing changed.

use std::collections::BTreeSet;

use crate::identifier::Identifier;
use crate::record::Record;
use crate::source::Extra;

impl Record {
    /// True if both say the same about the subject, wherever they were read.
    pub fn same_content(&self, other: &Self) -> bool {
        Self::changed_paths(self, other).is_empty()
    }

    /// The names of the fields whose content differs, in a fixed order; a source field that no other field takes is
    /// named `source.extra[NAME]`.
    pub fn changed_paths(old: &Self, new: &Self) -> Vec<String> {
        let differs = [
            ("key", old.key != new.key),
            ("kind", old.kind != new.kind),
            ("names", old.names != new.names),
            ("facts", old.facts != new.facts),
            ("places", old.places != new.places),
            ("ties", old.ties != new.ties),
            ("genders", old.genders != new.genders),
            ("titles", old.titles != new.titles),
            ("positions", old.positions != new.positions),
            ("sectors", old.sectors != new.sectors),
            ("addresses", old.addresses != new.addresses),
            ("vessel", old.vessel != new.vessel),
            ("aircraft", old.aircraft != new.aircraft),
            ("programmes", old.programmes != new.programmes),
            ("measures", old.measures != new.measures),
            ("legal", old.legal != new.legal),
            ("listed_on", old.listed_on != new.listed_on),
            ("effective_on", old.effective_on != new.effective_on),
            ("review_by", old.review_by != new.review_by),
            ("updated_on", old.updated_on != new.updated_on),
            ("links", old.links != new.links),
            ("identifiers", !same_identifiers(&old.identifiers, &new.identifiers)),
            ("handling_reference", old.handling_reference != new.handling_reference),
            ("reasons_public", old.reasons_public != new.reasons_public),
            ("reasons_closed", old.reasons_closed != new.reasons_closed),
            ("sightings", old.sightings != new.sightings),
            ("source", !old.source.same_content(&new.source)),
            ("unknown", old.unknown != new.unknown),
        ];
        let named = differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned());
        named.chain(changed_extras(&old.source.extra, &new.source.extra)).collect()
    }
}

/// A verdict on check digits follows from what is written, and one that an older program did not give is no change; nor is
/// another edition of a vocabulary, against which the same is written again.
fn same_identifiers(old: &[Identifier], new: &[Identifier]) -> bool {
    old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.same_content(new))
}

fn changed_extras(old: &[Extra], new: &[Extra]) -> Vec<String> {
    if old == new {
        return Vec::new();
    }
    let find = |extras: &[Extra], name: &str| extras.iter().find(|e| e.name.as_str() == name).cloned();
    let names: BTreeSet<&str> = old.iter().chain(new).map(|extra| extra.name.as_str()).collect();
    let changed = names.into_iter().filter(|name| find(old, name) != find(new, name));
    let changed: Vec<String> = changed.map(|name| format!("source.extra[{name}]")).collect();
    // The same fields in another order are still another content: the order is the source's.
    if changed.is_empty() { vec!["source.extra".to_owned()] } else { changed }
}
