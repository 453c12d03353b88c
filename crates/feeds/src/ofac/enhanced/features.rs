//! Features, documents and relationships of an Enhanced entity.

use comity_watchlist::{CountryTie, FuzzyDate, Link, LinkTarget, PartialDate, Record, RecordKey, Tie};

use crate::error::RejectReason;
use crate::ofac::feature::Feature;
use crate::ofac::listing::{self, Listing, relation};
use crate::ofac::values::Values;
use crate::ofac::{dates, text};
use crate::xml::Element;

pub(super) fn feature(
    record: &mut Record,
    element: &mut Element,
    values: &Values,
) -> Result<(), RejectReason> {
    let (Some(label), Some(value)) = (element.word("type"), element.word("value")) else { return Ok(()) };
    let tie = match label {
        "Nationality Country" => Some(Tie::Nationality),
        "Citizenship Country" => Some(Tie::Citizenship),
        "Nationality of Registration" => Some(Tie::Registration),
        _ => None,
    };
    let note = element.word("comments").map(|note| text("comments", note)).transpose()?;
    let has_note = note.is_some();
    let (label, value) = (label.to_owned(), value.to_owned());
    let date = dates::parse(&value);
    if let Some(tie) = tie.filter(|_| !has_note) {
        record.ties.push(CountryTie::new(tie, values.country(&value)?));
    } else {
        let feature = Feature { label, value: value.clone(), note, ..Feature::default() };
        if !feature.put(record) {
            return Ok(());
        }
        if has_note {
            element.take_word("comments");
        }
    }
    element.take_word("type");
    element.take_word("value");
    if values.says("refId", element.word("valueRefId"), &value) {
        element.take_word("valueRefId");
    }
    element.each("valueDate", |bounds| {
        leave_out_bounds(bounds, date.as_ref());
        Ok(())
    })?;
    // Which feature it is about would else be lost.
    if let (Some(id), Some(word)) = (element.attribute("id"), element.word("reliability")) {
        let (id, word) = (id.to_owned(), word.to_owned());
        element.each("reliability", |child| {
            child.set_text(format!("{id} {word}"));
            Ok(())
        })?;
    }
    Ok(())
}

/// Leaves out the bounds of a date if they are those of the date that was read.
fn leave_out_bounds(bounds: &mut Element, date: Option<&FuzzyDate>) {
    let Some((first, last)) = date.filter(|date| !date.circa).and_then(dates::bounds) else { return };
    let stated = [
        ("fromDateBegin", first.as_str()),
        ("fromDateEnd", first.as_str()),
        ("toDateBegin", last.as_str()),
        ("toDateEnd", last.as_str()),
        ("isApproximate", "false"),
        ("isDateRange", "false"),
    ];
    if stated.iter().all(|(name, value)| bounds.word(name) == Some(*value)) {
        for (name, _) in stated {
            bounds.take_word(name);
        }
    }
}

pub(super) fn document(
    listing: &mut Listing,
    element: &mut Element,
    values: &Values,
) -> Result<(), RejectReason> {
    let (Some(label), Some(value)) = (element.word("type"), element.word("documentNumber")) else {
        return Ok(());
    };
    let take = |column: &'static str| element.word(column).map(|value| text(column, value)).transpose();
    let date = |column| element.word(column).and_then(day);
    let feature = Feature {
        label: label.to_owned(),
        value: value.to_owned(),
        country: element.word("issuingCountry").map(|name| values.country(name)).transpose()?,
        issuer: take("issuingAuthority")?,
        note: take("comments")?,
        issued: date("issueDate"),
        expires: date("expirationDate"),
    };
    if !feature.put_document(&mut listing.record) {
        return Ok(());
    }
    for column in ["type", "documentNumber", "issuingCountry", "issuingAuthority", "comments"] {
        element.take_word(column);
    }
    for (column, read) in [("issueDate", &feature.issued), ("expirationDate", &feature.expires)] {
        if read.is_some() {
            element.take_word(column);
        }
    }
    // The name on the document, where it is one of the names of the subject.
    element.each("name", |name| {
        if listing.has_name(name.own_text()) {
            name.take_own_text();
        }
        Ok(())
    })
}

/// A day as XML writes it, or a date as OFAC does.
fn day(value: &str) -> Option<FuzzyDate> {
    PartialDate::parse(value).ok().map(FuzzyDate::from).or_else(|| dates::parse_or_keep(value))
}

/// A link; the name of the other stays, to be kept beside the key.
pub(super) fn relationship(listing: &mut Listing, element: &mut Element) -> Result<(), RejectReason> {
    let Some(words) = element.take_word("type") else { return Ok(()) };
    let mut other = element.take("relatedEntity").unwrap_or_default();
    let id = other.attribute("entityId").map(str::to_owned);
    let name = other.take_own_text().map(|name| text("relatedEntity", &name)).transpose()?;
    if let Some(name) = name {
        let reference = listing::reference("entityId", id.as_deref());
        let list = listing.record.key.list.clone();
        let target = match reference {
            Ok(reference) => LinkTarget::Key(RecordKey::new(list, reference)),
            Err(_) => LinkTarget::Named(name.clone()),
        };
        let mut link = Link::new(relation(&words), target);
        link.label = Some(text("type", &words)?);
        other.set_text(name.to_string());
        listing.link(link, name);
    }
    element.put_back(other);
    Ok(())
}
