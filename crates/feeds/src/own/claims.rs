//! What is ordered and why, and by which marks, links and sightings a subject is known: the other parts of a record.
//!
//! Not here: who and what it is, and where (`parts`).

use comity_watchlist::{
    Checksum, Extra, IdKind, Identifier, LegalBasis, Link, LinkTarget, ListId, Measure, Prose, RecordKey,
    Reference, Relation, Sighting, Source, Text, VocabularyRef,
};
use serde::{Deserialize, Serialize};

use super::OwnError;
use super::form::{strings, values};
use super::parts::{AddressForm, CountryForm, json, text};
use super::scalar::{DateForm, Json};
use super::words::Word;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MeasureForm {
    text: Json<Prose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    effective: Option<DateForm>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LegalForm {
    act: Json<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published: Option<DateForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_force: Option<DateForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    criteria: Vec<Json<Prose>>,
}

/// A link as it is written; whom it points at is read into one of two.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LinkFields {
    relation: Word<Relation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    named: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<KeyForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<DateForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<DateForm>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct KeyForm {
    list: Json<ListId>,
    reference: Json<Reference>,
}

/// A link, read and written as its fields.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "LinkFields", into = "LinkFields")]
pub(super) struct LinkForm(Link);

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentifierForm {
    kind: Word<IdKind>,
    value: Json<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    country: Option<CountryForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issuer: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued: Option<DateForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<DateForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    former: bool,
    /// Written for people, and worked out anew in reading, whatever stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<Word<Checksum>>,
    /// The same: whoever enters the record says against which edition its codes are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vocabulary: Option<VocabularyForm>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct VocabularyForm {
    edition: Json<Reference>,
    origin: String,
    leaf: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SightingForm {
    text: Json<Prose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<DateForm>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<AddressForm>,
}

/// What a source says beside what has a field: kept when a record of an official list is written and read again.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) row_id: Option<Json<Text>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) extra: Vec<ExtraForm>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtraForm {
    pub(super) name: Json<Text>,
    pub(super) values: Vec<Json<Prose>>,
}

impl From<&Measure> for MeasureForm {
    fn from(measure: &Measure) -> Self {
        Self {
            text: Json(measure.text.clone()),
            label: json(measure.label.as_ref()),
            effective: measure.effective.as_ref().map(Into::into),
        }
    }
}

impl From<MeasureForm> for Measure {
    fn from(form: MeasureForm) -> Self {
        let mut measure = Self::new(form.text.0);
        measure.label = text(form.label);
        measure.effective = form.effective.map(Into::into);
        measure
    }
}

impl From<&LegalBasis> for LegalForm {
    fn from(legal: &LegalBasis) -> Self {
        Self {
            act: Json(legal.act.clone()),
            url: json(legal.url.as_ref()),
            published: legal.published.as_ref().map(Into::into),
            in_force: legal.in_force.as_ref().map(Into::into),
            criteria: strings(&legal.criteria),
        }
    }
}

impl From<LegalForm> for LegalBasis {
    fn from(form: LegalForm) -> Self {
        let mut legal = Self::new(form.act.0);
        legal.url = text(form.url);
        legal.published = form.published.map(Into::into);
        legal.in_force = form.in_force.map(Into::into);
        legal.criteria = values(form.criteria);
        legal
    }
}

impl LinkForm {
    pub(super) fn of(link: &Link) -> Result<Self, OwnError> {
        Word::of(link.relation)?;
        Ok(Self(link.clone()))
    }
}

impl From<LinkForm> for Link {
    fn from(form: LinkForm) -> Self {
        form.0
    }
}

impl TryFrom<LinkFields> for LinkForm {
    type Error = &'static str;

    fn try_from(fields: LinkFields) -> Result<Self, &'static str> {
        let target = match (fields.named, fields.record) {
            (Some(name), None) => LinkTarget::Named(name.0),
            (None, Some(key)) => LinkTarget::Key(RecordKey::new(key.list.0, key.reference.0)),
            _ => return Err("a link has either named or record"),
        };
        let mut link = Link::new(fields.relation.0, target);
        link.label = text(fields.label);
        link.share = text(fields.share);
        link.from = fields.from.map(Into::into);
        link.to = fields.to.map(Into::into);
        Ok(Self(link))
    }
}

impl From<LinkForm> for LinkFields {
    fn from(LinkForm(link): LinkForm) -> Self {
        let (named, record) = match link.target {
            LinkTarget::Named(name) => (Some(Json(name)), None),
            LinkTarget::Key(RecordKey { list, reference }) => {
                (None, Some(KeyForm { list: Json(list), reference: Json(reference) }))
            }
        };
        Self {
            relation: Word(link.relation),
            named,
            record,
            label: link.label.map(Json),
            share: link.share.map(Json),
            from: link.from.as_ref().map(Into::into),
            to: link.to.as_ref().map(Into::into),
        }
    }
}

impl IdentifierForm {
    pub(super) fn of(identifier: &Identifier) -> Result<Self, OwnError> {
        Ok(Self {
            kind: Word::of(identifier.kind)?,
            value: Json(identifier.value.clone()),
            label: json(identifier.label.as_ref()),
            scope: json(identifier.scope.as_ref()),
            country: identifier.country.as_ref().map(Into::into),
            issuer: json(identifier.issuer.as_ref()),
            issued: identifier.issued.as_ref().map(Into::into),
            expires: identifier.expires.as_ref().map(Into::into),
            note: json(identifier.note.as_ref()),
            former: identifier.former,
            // It is worked out anew, so that one that has no word here is left out.
            checksum: identifier.checksum.and_then(|verdict| Word::of(verdict).ok()),
            vocabulary: identifier.vocabulary.as_deref().map(VocabularyForm::of),
        })
    }
}

impl VocabularyForm {
    fn of(named: &VocabularyRef) -> Self {
        let (origin, leaf) = (named.origin.as_str().to_owned(), named.leaf.to_string());
        Self { edition: Json(named.edition.clone()), origin, leaf }
    }
}

impl From<IdentifierForm> for Identifier {
    fn from(form: IdentifierForm) -> Self {
        let mut identifier = Self::new(form.kind.0, form.value.0);
        identifier.label = text(form.label);
        identifier.scope = text(form.scope);
        identifier.country = form.country.map(Into::into);
        identifier.issuer = text(form.issuer);
        identifier.issued = form.issued.map(Into::into);
        identifier.expires = form.expires.map(Into::into);
        identifier.note = text(form.note);
        identifier.former = form.former;
        identifier
    }
}

impl From<&Sighting> for SightingForm {
    fn from(sighting: &Sighting) -> Self {
        Self {
            text: Json(sighting.text.clone()),
            seen: sighting.seen.as_ref().map(Into::into),
            place: sighting.place.as_ref().map(Into::into),
        }
    }
}

impl From<SightingForm> for Sighting {
    fn from(form: SightingForm) -> Self {
        let mut sighting = Self::new(form.text.0);
        sighting.seen = form.seen.map(Into::into);
        sighting.place = form.place.map(Into::into);
        sighting
    }
}

impl From<&Source> for SourceForm {
    fn from(source: &Source) -> Self {
        let extra =
            |extra: &Extra| ExtraForm { name: Json(extra.name.clone()), values: strings(&extra.values) };
        Self { row_id: json(source.row_id.as_ref()), extra: source.extra.iter().map(extra).collect() }
    }
}
