//! Values as FollowTheMoney 4 has them: properties that each hold a set of texts, dates cut where they are known,
//! countries as lower-case codes.
//!
//! Not here: which schema and property a field becomes (`ftm`).

use std::collections::BTreeMap;

use comity_watchlist::{Address, Country, FuzzyDate, Span, Text};
use serde_json::{Value, json};

use super::country::code_of;

/// The properties of an entity: each a set of values in order of first use.
#[derive(Debug, Default)]
pub(super) struct Properties(BTreeMap<&'static str, Vec<String>>);

impl Properties {
    pub(super) fn add(&mut self, name: &'static str, value: impl Into<String>) {
        let (value, values) = (value.into(), self.0.entry(name).or_default());
        if !value.trim().is_empty() && !values.contains(&value) {
            values.push(value);
        }
    }

    pub(super) fn text(&mut self, name: &'static str, value: Option<&Text>) {
        if let Some(value) = value {
            self.add(name, value.as_str());
        }
    }

    pub(super) fn texts(&mut self, name: &'static str, values: &[Text]) {
        for value in values {
            self.text(name, Some(value));
        }
    }

    pub(super) fn date(&mut self, name: &'static str, value: Option<&FuzzyDate>) {
        value.into_iter().flat_map(days).for_each(|day| self.add(name, day));
    }

    pub(super) fn country(&mut self, name: &'static str, value: Option<&Country>) {
        if let Some(code) = value.and_then(code_of) {
            self.add(name, code.to_ascii_lowercase());
        }
    }

    pub(super) fn get(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn to_json(&self) -> Value {
        let filled = self.0.iter().filter(|(_, values)| !values.is_empty());
        filled
            .map(|(name, values)| ((*name).to_owned(), json!(values)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

/// The dates that a date names: one, or both ends of a range; none if it is open or was not understood.
fn days(date: &FuzzyDate) -> Vec<String> {
    match date.span {
        Some(Span::On(on)) => vec![on.to_string()],
        Some(Span::Between(first, last)) => vec![first.to_string(), last.to_string()],
        Some(Span::Before(_) | Span::After(_)) | None => Vec::new(),
    }
}

/// An address in one line, as written or from its parts.
pub(super) fn full(address: &Address) -> String {
    if let Some(verbatim) = &address.verbatim {
        return verbatim.as_str().to_owned();
    }
    let parts = [&address.street, &address.city, &address.region, &address.postal_code, &address.locality];
    let parts = parts.into_iter().flatten().map(Text::as_str);
    let country = address.country.as_ref().map(|country| country.name.as_str());
    parts.chain(country).collect::<Vec<_>>().join(", ")
}
