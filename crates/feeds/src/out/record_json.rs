//! A record as a JSON object, field by field under the names of `docs/records.cddl`: what the extension of a STIX
//! object carries.
//!
//! Left out on purpose: closed reasons, sightings and sources, which are the agencies' own. Not here: what of it also
//! stands in fields of STIX (`stix`).

use comity_watchlist::{
    Address, Country, FuzzyDate, Identifier, LegalBasis, Link, LinkTarget, Name, Prose, Record, Span, Text,
    VocabularyRef,
};
use serde_json::{Map, Value, json};

use super::words;

/// An object of the fields that are set.
struct Fields(Map<String, Value>);

impl Fields {
    fn new() -> Self {
        Self(Map::new())
    }

    fn put(mut self, name: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    fn text(self, name: &str, value: Option<&Text>) -> Self {
        self.put(name, value.map(|text| json!(text.as_str())))
    }

    fn each<T>(self, name: &str, values: &[T], one: impl Fn(&T) -> Value) -> Self {
        self.put(name, (!values.is_empty()).then(|| values.iter().map(one).collect()))
    }

    fn texts(self, name: &str, values: &[Text]) -> Self {
        self.each(name, values, |text| json!(text.as_str()))
    }

    fn flag(self, name: &str, value: bool) -> Self {
        self.put(name, value.then_some(Value::Bool(true)))
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

pub(super) fn record_json(record: &Record) -> Map<String, Value> {
    let fields = Fields::new()
        .each("names", &record.names, name)
        .each("facts", &record.facts, |fact| {
            let fields = Fields::new().put("fact", Some(words::fact(fact.kind).into()));
            fields.put("date", Some(date(&fact.date))).text("note", fact.note.as_ref()).done()
        })
        .each("places", &record.places, |place| {
            let fields = Fields::new().put("place", Some(words::place(place.kind).into()));
            fields.put("address", Some(address(&place.address))).done()
        })
        .each("ties", &record.ties, |tie| {
            let fields = Fields::new().put("tie", Some(words::tie(tie.tie).into()));
            fields.put("country", Some(country(&tie.country))).text("note", tie.note.as_ref()).done()
        })
        .each("genders", &record.genders, |gender| words::gender(*gender).into())
        .texts("titles", &record.titles)
        .texts("positions", &record.positions)
        .texts("sectors", &record.sectors)
        .each("addresses", &record.addresses, address)
        .put("vessel", record.vessel.as_ref().map(vessel))
        .put(
            "aircraft",
            record.aircraft.as_ref().map(|aircraft| {
                let fields = Fields::new().texts("models", &aircraft.models);
                fields.texts("operators", &aircraft.operators).done()
            }),
        )
        .texts("programmes", &record.programmes)
        .each("measures", &record.measures, |measure| {
            let fields = Fields::new().put("text", Some(measure.text.as_str().into()));
            let fields = fields.text("label", measure.label.as_ref());
            fields.put("effective", measure.effective.as_ref().map(date)).done()
        })
        .each("legal", &record.legal, legal)
        .put("listed_on", record.listed_on.as_ref().map(date))
        .put("effective_on", record.effective_on.as_ref().map(date))
        .put("review_by", record.review_by.as_ref().map(date))
        .each("updated_on", &record.updated_on, date)
        .each("links", &record.links, link)
        .text("handling_reference", record.handling_reference.as_ref())
        .each("identifiers", &record.identifiers, identifier)
        .each("reasons_public", &record.reasons_public, |prose: &Prose| prose.as_str().into());
    fields.0
}

fn name(name: &Name) -> Value {
    let fields = Fields::new()
        .text("full", Some(&name.full))
        .put("kind", Some(words::name_kind(name.kind).into()))
        .put("quality", name.quality.map(|quality| words::quality(quality).into()))
        .text("script", name.script.as_ref())
        .text("language", name.language.as_ref())
        .text("note", name.note.as_ref());
    let part = |part: &comity_watchlist::NamePart| json!({ "role": words::part_role(part.role), "value": part.value.as_str() });
    fields.each("parts", &name.parts, part).done()
}

fn date(date: &FuzzyDate) -> Value {
    let fields = match date.span {
        None => Fields::new(),
        Some(Span::On(on)) => Fields::new().put("on", Some(on.to_string().into())),
        Some(Span::Between(first, last)) => {
            let fields = Fields::new().put("from", Some(first.to_string().into()));
            fields.put("to", Some(last.to_string().into()))
        }
        Some(Span::Before(last)) => Fields::new().put("to", Some(last.to_string().into())),
        Some(Span::After(first)) => Fields::new().put("from", Some(first.to_string().into())),
    };
    fields.flag("circa", date.circa).text("verbatim", date.verbatim.as_ref()).done()
}

fn country(country: &Country) -> Value {
    Fields::new().text("name", Some(&country.name)).text("code", country.code.as_ref()).done()
}

fn address(address: &Address) -> Value {
    Fields::new()
        .text("verbatim", address.verbatim.as_ref())
        .text("street", address.street.as_ref())
        .text("city", address.city.as_ref())
        .text("region", address.region.as_ref())
        .text("postal_code", address.postal_code.as_ref())
        .text("locality", address.locality.as_ref())
        .put("country", address.country.as_ref().map(country))
        .text("note", address.note.as_ref())
        .done()
}

fn vessel(vessel: &comity_watchlist::Vessel) -> Value {
    Fields::new()
        .texts("types", &vessel.types)
        .put("flag", vessel.flag.as_ref().map(country))
        .each("former_flags", &vessel.former_flags, country)
        .text("tonnage", vessel.tonnage.as_ref())
        .text("gross_tonnage", vessel.gross_tonnage.as_ref())
        .text("owner", vessel.owner.as_ref())
        .done()
}

fn legal(legal: &LegalBasis) -> Value {
    let fields = Fields::new().text("act", Some(&legal.act)).text("url", legal.url.as_ref());
    let fields = fields.put("published", legal.published.as_ref().map(date));
    let fields = fields.put("in_force", legal.in_force.as_ref().map(date));
    fields.each("criteria", &legal.criteria, |prose: &Prose| prose.as_str().into()).done()
}

fn link(link: &Link) -> Value {
    let fields = Fields::new().put("relation", Some(words::relation(link.relation).into()));
    let fields = match &link.target {
        LinkTarget::Named(name) => fields.text("name", Some(name)),
        LinkTarget::Key(key) => fields
            .put("list", Some(key.list.as_str().into()))
            .put("reference", Some(key.reference.as_str().into())),
    };
    let fields = fields.text("label", link.label.as_ref()).text("share", link.share.as_ref());
    fields.put("from", link.from.as_ref().map(date)).put("to", link.to.as_ref().map(date)).done()
}

fn identifier(identifier: &Identifier) -> Value {
    Fields::new()
        .put("kind", Some(identifier.kind.to_string().into()))
        .text("value", Some(&identifier.value))
        .text("label", identifier.label.as_ref())
        .text("scope", identifier.scope.as_ref())
        .put("country", identifier.country.as_ref().map(country))
        .text("issuer", identifier.issuer.as_ref())
        .put("issued", identifier.issued.as_ref().map(date))
        .put("expires", identifier.expires.as_ref().map(date))
        .text("note", identifier.note.as_ref())
        .flag("former", identifier.former)
        .put("checksum", identifier.checksum.and_then(words::checksum).map(Into::into))
        .put("vocabulary", identifier.vocabulary.as_deref().map(vocabulary))
        .done()
}

/// The edition that a code of goods was written against.
fn vocabulary(named: &VocabularyRef) -> Value {
    let (edition, origin, leaf) = (named.edition.as_str(), named.origin.as_str(), named.leaf.to_string());
    json!({ "edition": edition, "origin": origin, "leaf": leaf })
}
