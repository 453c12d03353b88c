//! What stands beside the targets and is named by them: programmes with their sets of measures, and places.
//!
//! Not for: the targets themselves (`subject`).

use std::collections::HashMap;

use comity_watchlist::{Address, Country, Measure, Record};

use crate::error::RejectReason;
use crate::value::{add, prose, text};
use crate::xml::Element;

/// The language that records take; names in others are kept as they are.
const LANGUAGE: &str = "eng";

/// A text with its language, as the source codes it.
type InLanguage = (String, String);

/// Programmes and places of one document.
#[derive(Default)]
pub(super) struct Context {
    sets: HashMap<String, Set>,
    places: HashMap<String, Spot>,
}

/// A set of measures, with the programme that it is of.
#[derive(Clone, Default)]
struct Set {
    keys: Vec<InLanguage>,
    programmes: Vec<InLanguage>,
    names: Vec<InLanguage>,
    origins: Vec<String>,
}

struct Spot {
    town: Option<String>,
    area: Option<String>,
    country: Option<InLanguage>,
    /// Other spellings, and what else is said of the place.
    others: Vec<String>,
}

impl Context {
    /// True for the elements that are no targets.
    pub(super) fn is_of(name: &str) -> bool {
        matches!(name, "sanctions-program" | "place")
    }

    /// Takes a programme or a place; targets are none of its business.
    pub(super) fn learn(&mut self, mut element: Element) {
        match element.name.as_str() {
            "sanctions-program" => self.learn_programme(&mut element),
            "place" => self.learn_place(&mut element),
            _ => {}
        }
    }

    fn learn_programme(&mut self, element: &mut Element) {
        let shared = Set {
            keys: in_languages(element, "program-key"),
            programmes: in_languages(element, "program-name"),
            names: Vec::new(),
            origins: element.take_all("origin").iter_mut().filter_map(Element::take_own_text).collect(),
        };
        for mut set in element.take_all("sanctions-set") {
            let (Some(id), language) = (set.take_attribute("ssid"), set.take_attribute("lang")) else {
                continue;
            };
            let Some(name) = set.take_own_text() else { continue };
            let known = self.sets.entry(id).or_insert_with(|| shared.clone());
            add(&mut known.names, (language.unwrap_or_default(), name));
        }
    }

    fn learn_place(&mut self, element: &mut Element) {
        let Some(id) = element.take_attribute("ssid") else { return };
        let mut own_text = |name: &str| element.take(name).and_then(|mut found| found.take_own_text());
        let (town, area) = (own_text("location"), own_text("area"));
        let country = element.take("country").and_then(|mut country| {
            let code = country.take_attribute("iso-code").unwrap_or_default();
            country.take_own_text().map(|name| (code, name))
        });
        let mut others = Vec::new();
        for name in ["location-variant", "area-variant"] {
            others.extend(element.take_all(name).iter_mut().filter_map(Element::take_own_text));
        }
        self.places.entry(id).or_insert(Spot { town, area, country, others });
    }

    /// Writes down what a set of measures orders, and its programme; a set that is not told is kept by its number.
    pub(super) fn order(&self, record: &mut Record, id: &str) -> Result<(), RejectReason> {
        let column = "sanctions-set-id";
        record.source.keep(&text(column, column)?, prose(column, id)?);
        let Some(set) = self.sets.get(id) else { return Ok(()) };
        for (_, key) in set.keys.iter().filter(|(language, _)| language == LANGUAGE) {
            add(&mut record.programmes, text("program-key", key)?);
        }
        let programme = set.programmes.iter().find(|(language, _)| language == LANGUAGE);
        for (_, name) in set.names.iter().filter(|(language, _)| language == LANGUAGE) {
            let mut measure = Measure::new(prose("sanctions-set", name)?);
            measure.label = programme.map(|(_, name)| text("program-name", name)).transpose()?;
            add(&mut record.measures, measure);
        }
        let others =
            [("program-key", &set.keys), ("program-name", &set.programmes), ("sanctions-set", &set.names)];
        for (name, values) in others {
            for (language, value) in values.iter().filter(|(language, _)| language != LANGUAGE) {
                keep_once(record, &format!("{name}@{language}"), value)?;
            }
        }
        for origin in &set.origins {
            keep_once(record, "origin", origin)?;
        }
        Ok(())
    }

    /// Fills an address in with the place of a number, if that is told.
    pub(super) fn locate(&self, address: &mut Address, id: &str) -> Result<(), RejectReason> {
        let Some(place) = self.places.get(id) else { return Ok(()) };
        address.city = place.town.as_deref().map(|name| text("location", name)).transpose()?;
        address.region = place.area.as_deref().map(|name| text("area", name)).transpose()?;
        if let Some((code, name)) = &place.country {
            let mut country = Country::new(text("country", name)?);
            country.code = (!code.is_empty()).then(|| text("iso-code", code)).transpose()?;
            address.country = Some(country);
        }
        Ok(())
    }

    /// Other spellings of a place, kept with the record that names it.
    pub(super) fn keep_spellings(&self, record: &mut Record, id: &str) -> Result<(), RejectReason> {
        let place = self.places.get(id);
        place
            .into_iter()
            .flat_map(|place| &place.others)
            .try_for_each(|other| keep_once(record, "place", other))
    }
}

fn in_languages(element: &mut Element, name: &str) -> Vec<InLanguage> {
    let read = |mut child: Element| {
        let language = child.take_attribute("lang").unwrap_or_default();
        child.take_own_text().map(|text| (language, text))
    };
    element.take_all(name).into_iter().filter_map(read).collect()
}

fn keep_once(record: &mut Record, name: &str, value: &str) -> Result<(), RejectReason> {
    let value = prose("extra", value)?;
    if !record.source.extra(name).contains(&value) {
        record.source.keep(&text("extra", name)?, value);
    }
    Ok(())
}
