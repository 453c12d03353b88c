//! The leaves of OFAC's older and Enhanced XML: which of them are mapped to codes.

use std::collections::HashMap;

use comity_feeds::Snapshot;

use super::{by_reference, check, elements, first};

/// Labels of `idList` that are mapped to a field of their own; the mark at the end of a label is left out.
pub(super) const LEGACY_LABELS: [&str; 5] = [
    "Gender",
    "Organization Established Date",
    "Organization Type:",
    "Nationality of Registration",
    "Aircraft Model",
];

/// Walks the older XML; gives back how many leaves it has.
pub(crate) fn legacy(document: &str, snapshot: &Snapshot) -> usize {
    let found = by_reference(snapshot);
    let mut count = 0;
    for (_, leaves) in elements(document, 1).into_iter().filter(|(path, _)| path == "sdnList/sdnEntry") {
        let uid = first(&leaves, "uid").unwrap();
        let texts = &found[uid];
        count += check(uid, &leaves, texts, |path, value| {
            let plain = value.trim_end_matches([' ', ':', '-', '#']);
            match path {
                "sdnType" => matches!(value, "Individual" | "Entity" | "Vessel" | "Aircraft"),
                "akaList/aka/type" => matches!(value, "a.k.a." | "f.k.a." | "n.k.a."),
                "akaList/aka/category" => matches!(value, "strong" | "weak"),
                "idList/id/idType" => {
                    let held = |piece: &str| texts.iter().any(|text| text.starts_with(piece));
                    LEGACY_LABELS.contains(&value) || plain.split(" - ").all(held)
                }
                "idList/id/idNumber" => coded_number(value, texts),
                "dateOfBirthList/dateOfBirthItem/dateOfBirth"
                | "idList/id/issueDate"
                | "idList/id/expirationDate" => is_date(value, texts),
                "title" => value.split(';').all(|title| texts.iter().any(|text| text.contains(title.trim()))),
                _ => false,
            }
        });
    }
    count
}

/// A value that is a word of the code, a date, or of which the first word belongs to the label.
fn coded_number(value: &str, texts: &[String]) -> bool {
    let rest = value.split_once(' ').map(|(_, rest)| rest);
    matches!(value, "Male" | "Female")
        || is_date(value, texts)
        || rest.is_some_and(|rest| texts.iter().any(|text| text == rest))
}

/// `19 Apr 1962`, `Apr 1962`, `1962`, `1962 to 1965`: whether each date of it is held as such.
pub(super) fn is_date(value: &str, texts: &[String]) -> bool {
    value
        .trim_start_matches("circa ")
        .split(" to ")
        .all(|date| iso(date).is_some_and(|date| texts.contains(&date)))
}

fn iso(date: &str) -> Option<String> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let month = |name: &str| Some(format!("{:02}", MONTHS.find(name.get(..3)?)? / 3 + 1));
    match date.split(' ').collect::<Vec<_>>().as_slice() {
        [year] => Some((*year).to_owned()),
        [name, year] => Some(format!("{year}-{}", month(name)?)),
        [day, name, year] => Some(format!("{year}-{}-{day:0>2}", month(name)?)),
        _ => None,
    }
}

/// Words of the Enhanced XML that are mapped to codes, or to a field of their own.
const ENHANCED_WORDS: [&str; 31] = [
    "Individual",
    "Entity",
    "Vessel",
    "Aircraft",
    "A.K.A.",
    "F.K.A.",
    "N.K.A.",
    "Latin",
    "Cyrillic",
    "Chinese Simplified",
    "Chinese Traditional",
    "Last Name",
    "First Name",
    "Middle Name",
    "Entity Name",
    "Vessel Name",
    "Aircraft Name",
    "Nickname",
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
    "Vessel Type",
    "Vessel Flag",
    "Vessel Owner",
];

/// Walks the Enhanced XML; gives back how many leaves its entities have.
pub(crate) fn enhanced(document: &str, snapshot: &Snapshot) -> usize {
    let found = by_reference(snapshot);
    let all = elements(document, 2);
    let mut words: HashMap<&str, Vec<&str>> = HashMap::new();
    for (path, leaves) in &all {
        for (id, names) in [("@refId", ["value", "code"]), ("@featureTypeId", ["type", "type"])] {
            if let Some(id) = first(leaves, id).filter(|_| !path.ends_with("entity")) {
                words.entry(id).or_default().extend(names.iter().filter_map(|name| first(leaves, name)));
            }
        }
    }
    let is_word = |value: &str| {
        matches!(value, "Male" | "Female")
            || ENHANCED_WORDS.contains(&value)
            || LEGACY_LABELS.contains(&value)
    };
    let mut count = 0;
    for (_, leaves) in all.iter().filter(|(path, _)| path == "sanctionsData/entities/entity") {
        let id = first(leaves, "@id").unwrap();
        let texts = &found[id];
        let held = |value: &str| texts.iter().any(|text| text.contains(value));
        count += check(id, leaves, texts, |path, value| {
            let plain = value.trim_end_matches([' ', ':', '-', '#']);
            if path.ends_with("@refId") || path.ends_with("@featureTypeId") || path.ends_with("/valueRefId") {
                return words[value]
                    .iter()
                    .any(|word| is_word(word) || held(word) || held(word.trim_end_matches([' ', ':', '-'])));
            }
            match path {
                "names/name/isPrimary" | "names/name/isLowQuality" => matches!(value, "true" | "false"),
                "features/feature/valueDate/isApproximate" | "features/feature/valueDate/isDateRange" => {
                    value == "false"
                }
                "features/feature/value" | "identityDocuments/identityDocument/documentNumber" => {
                    coded_number(value, texts)
                }
                "identityDocuments/identityDocument/expirationDate" => is_date(value, texts),
                "features/feature/type" => is_word(value) || plain.split(" - ").all(held),
                "generalInfo/title" => value.split(';').all(|title| held(title.trim())),
                _ if path.contains("/valueDate/") => {
                    texts.iter().any(|text| text == &value[..7] || text == &value[..4])
                }
                _ => is_word(value),
            }
        });
    }
    count
}
