//! The reference values of a document: what the numbers in it stand for.

use std::collections::HashMap;

use comity_watchlist::Country;

use crate::error::RejectReason;
use crate::ofac::text;
use crate::xml::Element;

/// Attributes that are numbers of the words beside them.
const BESIDE_WORDS: [&str; 2] = ["refId", "featureTypeId"];

/// Words by the set that they belong to and their number in it.
#[derive(Debug, Default)]
pub(super) struct Values {
    words: HashMap<(String, String), Vec<String>>,
    codes: HashMap<String, String>,
}

impl Values {
    /// Adds a word; a number may have several.
    pub(super) fn add(&mut self, set: &str, id: &str, word: &str) {
        self.words.entry((set.to_owned(), id.to_owned())).or_default().push(word.to_owned());
    }

    /// Adds the ISO 3166-1 alpha-2 code of a country.
    pub(super) fn add_country(&mut self, name: &str, code: &str) {
        self.codes.insert(name.to_owned(), code.to_owned());
    }

    /// Adds a whole set of the Advanced XML, whose words each have their number as `ID`.
    pub(super) fn add_set(&mut self, element: &Element) {
        for child in element.children() {
            let (Some(id), word) = (child.attribute("ID"), child.own_text()) else { continue };
            // A number without a word says nothing in words, and stays a number.
            if word.is_empty() {
                continue;
            }
            self.add(&child.name, id, word);
            if let Some(code) = child.attribute("ISO2") {
                self.add_country(word, code);
            }
            if let Some(party_type) = child.attribute("PartyTypeID") {
                self.add("PartySubType/PartyType", id, party_type);
            }
        }
    }

    /// The word of a number.
    pub(super) fn word(&self, set: &str, id: &str) -> Option<&str> {
        let words = self.words.get(&(set.to_owned(), id.to_owned()))?;
        words.first().map(String::as_str)
    }

    /// Puts words in the place of numbers, in all attributes whose name is that of a set: `IssuedBy-CountryID` is a
    /// number of the set `Country`. A number that the document does not explain stays.
    pub(super) fn resolve(&self, element: &mut Element) {
        element.visit(&mut |inner| {
            inner.replace_attributes(|name, id| {
                let set = name.strip_suffix("ID")?;
                let set = set.rsplit_once('-').map_or(set, |(_, set)| set);
                self.word(set, id).map(str::to_owned)
            });
        });
    }

    /// Whether a number of a set stands for a word.
    pub(super) fn says(&self, set: &str, id: Option<&str>, word: &str) -> bool {
        let words = id.and_then(|id| self.words.get(&(set.to_owned(), id.to_owned())));
        words.is_some_and(|words| words.iter().any(|known| known == word))
    }

    /// Leaves out an attribute that only says again what stands beside it.
    pub(super) fn leave_out(&self, element: &mut Element) {
        for name in BESIDE_WORDS {
            if self.says(name, element.attribute(name), element.own_text()) {
                element.take_attribute(name);
            }
        }
    }

    /// A country of a name, with its code where the document tells it.
    pub(super) fn country(&self, name: &str) -> Result<Country, RejectReason> {
        let mut country = Country::new(text("country", name)?);
        country.code = self.codes.get(name).map(|code| text("isoCode", code)).transpose()?;
        Ok(country)
    }
}
