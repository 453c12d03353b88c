//! The leaves of OFAC's Advanced XML, joined to the party that they are about without the parser under test.

use std::collections::{HashMap, HashSet};

use comity_feeds::Snapshot;

use super::ofac::LEGACY_LABELS;
use super::{Leaves, by_reference, check, elements, first};

/// Words that are mapped to codes, or to a field of their own.
const WORDS: [&str; 25] = [
    "Individual",
    "Entity",
    "Unknown",
    "Vessel",
    "Aircraft",
    "Name",
    "A.K.A.",
    "F.K.A.",
    "N.K.A.",
    "Latin",
    "Cyrillic",
    "Last Name",
    "First Name",
    "ADDRESS1",
    "ADDRESS2",
    "ADDRESS3",
    "CITY",
    "STATE/PROVINCE",
    "POSTAL CODE",
    "Birthdate",
    "Place of Birth",
    "Nationality Country",
    "Citizenship Country",
    "Location",
    "Title",
];

/// Labels of features and documents that are mapped to a field of their own.
const LABELS: [&str; 5] = ["Vessel Type", "Vessel Flag", "Vessel Owner", "Issue Date", "Expiration Date"];

/// Each number of a reference value with its word.
fn words(all: &[(String, Leaves)]) -> HashMap<(String, String), String> {
    let mut words = HashMap::new();
    for (_, leaves) in all.iter().filter(|(path, _)| path.starts_with("Sanctions/ReferenceValueSets/")) {
        let mut id = None;
        for (path, value) in leaves {
            if path.ends_with("@ID") {
                id = Some(value.clone());
            } else if !path.contains('@') {
                words.insert((path.clone(), id.take().unwrap()), value.clone());
            }
        }
    }
    words
}

/// Walks a document; gives back how many leaves its parties have, each place counted once.
pub(crate) fn walk(document: &str, snapshot: &Snapshot) -> usize {
    let found = by_reference(snapshot);
    let all = elements(document, 2);
    let words = words(&all);
    let of = |group: &str| {
        let start = format!("Sanctions/{group}/");
        all.iter().filter(|(path, _)| path.starts_with(&start)).map(|(_, leaves)| leaves).collect::<Vec<_>>()
    };
    let mut owner: HashMap<&str, &str> = HashMap::new();
    let mut count = 0;
    let mut places: HashMap<&str, Vec<&str>> = HashMap::new();
    let mut step = |reference: &str, leaves: &Leaves| {
        count += check(reference, leaves, &found[reference], |path, value| {
            is_mapped(path, value, &words, &found[reference])
        });
    };
    for party in of("DistinctParties") {
        let reference = first(party, "@FixedRef").unwrap();
        owner.insert(first(party, "Profile@ID").unwrap(), reference);
        owner.insert(first(party, "Profile/Identity@ID").unwrap(), reference);
        for (_, id) in party.iter().filter(|(path, _)| path.ends_with("@LocationID")) {
            places.entry(id).or_default().push(reference);
        }
        step(reference, party);
    }
    for (group, id) in [
        ("IDRegDocuments", "@IdentityID"),
        ("ProfileRelationships", "@From-ProfileID"),
        ("SanctionsEntries", "@ProfileID"),
    ] {
        for leaves in of(group) {
            let reference = owner[first(leaves, id).unwrap()];
            if let Some(place) = first(leaves, "@IssuedIn-LocationID") {
                places.entry(place).or_default().push(reference);
            }
            step(reference, leaves);
        }
    }
    let mut seen = HashSet::new();
    for place in of("Locations") {
        let id = first(place, "@ID").unwrap();
        assert!(seen.insert(id), "{id}");
        step(places[id][0], place);
    }
    count
}

fn is_mapped(path: &str, value: &str, words: &HashMap<(String, String), String>, texts: &[String]) -> bool {
    let held = |value: &str| texts.iter().any(|text| text.contains(value));
    let name = path.rsplit_once('@').map(|(_, name)| name);
    let word = name.and_then(|name| {
        let set = name.strip_suffix("ID")?;
        words.get(&(set.rsplit('-').next()?.to_owned(), value.to_owned()))
    });
    if let Some(word) = word {
        let plain = word.trim_end_matches([' ', ':', '-', '#']);
        return WORDS.contains(&word.as_str())
            || LABELS.contains(&word.as_str())
            || LEGACY_LABELS.contains(&word.as_str())
            || matches!(word.as_str(), "Male" | "Female")
            || plain.split(" - ").all(held);
    }
    match name {
        // The identity of a document is that of its party; numbers of names and places are theirs.
        Some("IdentityID" | "LocationID" | "ID") => held(value),
        Some("Primary" | "LowQuality" | "Approximate") => matches!(value, "true" | "false"),
        Some("YearFixed" | "MonthFixed" | "DayFixed") => value == "false",
        None if path.ends_with("VersionDetail") => value.split(';').all(|title| held(title.trim())),
        // The first or the last of a year, or in a date that is held.
        None if path.contains("DatePeriod/") && path.ends_with("/Month") => {
            matches!(value, "1" | "12") || held(&format!("-{value:0>2}"))
        }
        None if path.contains("DatePeriod/") && path.ends_with("/Day") => {
            matches!(value, "1" | "31") || held(&format!("-{value:0>2}"))
        }
        // `IMO 0000000`: the first word belongs to the label.
        None if path == "IDRegistrationNo" => value.split_once(' ').is_some_and(|(_, rest)| held(rest)),
        _ => false,
    }
}
