//! What a labelled value says: OFAC's XML has in elements what the remarks of its tables have in tokens.
//!
//! Not for: the tokens themselves (`remarks`), or the grammar of documents in them (`documents`).

use comity_watchlist::{Country, FuzzyDate, Identifier, Measure, Prose, Record, Text};

use crate::ofac::{dates, documents, remarks};

/// What the older forms call by another word.
const OTHER_WORDS: [(&str, &str); 4] = [
    ("Birthdate", "DOB"),
    ("Place of Birth", "POB"),
    ("Nationality Country", "nationality"),
    ("Citizenship Country", "citizen"),
];

/// A label, its value, and what belongs to a document.
#[derive(Clone, Debug, Default)]
pub(super) struct Feature {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) country: Option<Country>,
    pub(super) issuer: Option<Text>,
    pub(super) issued: Option<FuzzyDate>,
    pub(super) expires: Option<FuzzyDate>,
    pub(super) note: Option<Text>,
}

impl Feature {
    /// True if it says more than a label and a value.
    pub(super) const fn is_document(&self) -> bool {
        self.country.is_some() || self.issuer.is_some() || self.issued.is_some() || self.expires.is_some()
    }

    /// Puts it into the record; false if no field takes it.
    pub(super) fn put(&self, record: &mut Record) -> bool {
        let plain = !self.is_document() && self.note.is_none();
        (plain && self.word(record).is_some())
            || self.identify(record, documents::labelled(&self.label, &self.value))
    }

    /// Puts it into the record as a number that identifies, whatever its label.
    pub(super) fn put_document(&self, record: &mut Record) -> bool {
        self.identify(record, documents::labelled_or_other(&self.label, &self.value))
    }

    fn identify(&self, record: &mut Record, identifier: Option<Identifier>) -> bool {
        let Some(mut identifier) = identifier else { return false };
        identifier.country.clone_from(&self.country);
        identifier.issuer.clone_from(&self.issuer);
        identifier.issued.clone_from(&self.issued);
        identifier.expires.clone_from(&self.expires);
        identifier.note.clone_from(&self.note);
        record.identifiers.push(identifier);
        true
    }

    fn word(&self, record: &mut Record) -> Option<()> {
        let label = OTHER_WORDS.iter().find(|(other, _)| *other == self.label);
        let label = label.map_or(self.label.as_str(), |(_, word)| word);
        if remarks::is_measure(label) {
            return measure(record, label, &self.value);
        }
        remarks::word(record, &format!("{label} {}", self.value))
    }
}

/// A measure whose label and words stand apart.
fn measure(record: &mut Record, label: &str, value: &str) -> Option<()> {
    let mut measure = Measure::new(Prose::new(value).ok()?);
    measure.label = Some(Text::new(label.trim_end_matches([' ', ':', '-'])).ok()?);
    measure.effective = label.contains("Date").then(|| dates::parse(value)).flatten();
    record.measures.push(measure);
    Some(())
}
