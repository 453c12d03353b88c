//! A party of the Advanced XML: kind and names. Its features are in `features`.

use std::collections::HashMap;

use comity_watchlist::{Name, NameKind, NamePart, NameQuality, PartRole, Prose, Reference, SubjectKind};

use super::{Parts, features};
use crate::error::RejectReason;
use crate::ofac::listing::{self, Listing, Refused, part_role};
use crate::ofac::{REMARKS, remarks, scripts, text};
use crate::xml::Element;

pub(super) fn read(line: u64, mut element: Element, parts: &mut Parts) -> Result<Listing, Refused> {
    let fixed = element.attribute("FixedRef");
    let reference = listing::reference("FixedRef", fixed).map_err(|reason| (None, reason))?;
    let known = reference.clone();
    party(line, reference, &mut element, parts).map_err(|reason| (Some(known), reason))
}

fn party(
    line: u64,
    reference: Reference,
    element: &mut Element,
    parts: &mut Parts,
) -> Result<Listing, RejectReason> {
    let kind = kind(element, parts)?;
    parts.values.resolve(element);
    leave_out_own_number(element);
    let mut listing = Listing::new(line, reference, kind)?;
    if let Some(words) = element.take_word("Comment") {
        let bad = |source| RejectReason::Text { column: "Comment", source };
        let record = &mut listing.record;
        record.source.keep(&text("Comment", REMARKS)?, Prose::new(words.as_str()).map_err(bad)?);
        remarks::read(record, &words);
    }
    let mut identities = Vec::new();
    element.each("Profile", |profile| {
        profile.each("Identity", |identity| {
            identities.extend(identity.attribute("ID").map(str::to_owned));
            names(&mut listing, identity)
        })
    })?;
    if listing.record.names.is_empty() {
        return Err(RejectReason::Missing { column: "NamePartValue" });
    }
    if let Some(identity) = identities.first() {
        listing.record.source.row_id = Some(text("Identity@ID", identity)?);
    }
    element.each("Profile", |profile| {
        profile.each("Feature", |feature| features::feature(&mut listing, feature, parts))
    })?;
    for identity in &identities {
        for document in parts.documents(identity) {
            features::document(&mut listing, document, parts)?;
        }
    }
    listing.rest(element)?;
    Ok(listing)
}

/// Read before numbers are put into words: persons and organisations have the same word for their sub-type.
fn kind(element: &Element, parts: &Parts) -> Result<SubjectKind, RejectReason> {
    let column = "PartySubTypeID";
    let id = element.first("Profile").and_then(|profile| profile.attribute(column));
    let id = id.ok_or(RejectReason::Missing { column })?;
    let party_type = parts.values.word("PartySubType/PartyType", id);
    let party_type = party_type.and_then(|id| parts.values.word("PartyType", id));
    match (party_type, parts.values.word("PartySubType", id)) {
        (Some("Individual"), _) => Ok(SubjectKind::Person),
        (Some("Entity"), _) => Ok(SubjectKind::Organisation),
        (Some("Transport"), Some("Vessel")) => Ok(SubjectKind::Vessel),
        (Some("Transport"), Some("Aircraft")) => Ok(SubjectKind::Aircraft),
        _ => Err(RejectReason::Vocabulary { column }),
    }
}

/// The number of the party stands on its names and identities again.
fn leave_out_own_number(element: &mut Element) {
    let Some(own) = element.take_attribute("FixedRef") else { return };
    element.visit(&mut |inner| {
        if inner.attribute("FixedRef") == Some(own.as_str()) {
            inner.take_attribute("FixedRef");
        }
    });
}

fn names(listing: &mut Listing, identity: &mut Element) -> Result<(), RejectReason> {
    let mut roles = HashMap::new();
    identity.each("NamePartGroups", |groups| {
        groups.each("MasterNamePartGroup", |master| {
            master.each("NamePartGroup", |group| {
                if let (Some(id), Some(role)) = (group.attribute("ID"), group.attribute("NamePartTypeID")) {
                    roles.insert(id.to_owned(), role.to_owned());
                }
                Ok(())
            })
        })
    })?;
    identity.each("Alias", |alias| {
        let (kind, quality) = (alias_kind(alias), quality(alias));
        alias.each("DocumentedName", |documented| {
            let number = documented.attribute("ID").and_then(listing::number).unwrap_or(u64::MAX);
            let Some(mut name) = name(listing.record.kind, kind, documented, &roles)? else { return Ok(()) };
            name.quality = quality;
            name.row =
                documented.take_attribute("ID").map(|id| text("DocumentedName@ID", &id)).transpose()?;
            if kind == NameKind::Primary {
                listing.record.names.push(name);
            } else {
                listing.alias(number, name);
            }
            Ok(())
        })
    })
}

fn alias_kind(alias: &mut Element) -> NameKind {
    let kind = match (alias.attribute("Primary"), alias.attribute("AliasTypeID")) {
        (Some("true"), Some("Name")) => Some(NameKind::Primary),
        (Some("false"), Some("A.K.A.")) => Some(NameKind::Aka),
        (Some("false"), Some("F.K.A.")) => Some(NameKind::Fka),
        (Some("false"), Some("N.K.A.")) => Some(NameKind::Nka),
        // Whatever it is called, it is a name that must be found; the words for it are kept.
        _ => None,
    };
    if kind.is_some() {
        alias.take_attribute("Primary");
        alias.take_attribute("AliasTypeID");
    }
    kind.unwrap_or(NameKind::Aka)
}

fn quality(alias: &mut Element) -> Option<NameQuality> {
    let quality = match alias.attribute("LowQuality") {
        Some("false") => Some(NameQuality::Good),
        Some("true") => Some(NameQuality::Weak),
        _ => None,
    };
    if quality.is_some() {
        alias.take_attribute("LowQuality");
    }
    quality
}

/// One name out of its parts: of persons `Family, Given …`, as in OFAC's other forms.
fn name(
    subject: SubjectKind,
    kind: NameKind,
    documented: &mut Element,
    roles: &HashMap<String, String>,
) -> Result<Option<Name>, RejectReason> {
    let (mut family, mut others, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    let mut script = None;
    documented.each("DocumentedNamePart", |part| {
        part.each("NamePartValue", |value| {
            let Some(written) = value.take_own_text() else { return Ok(()) };
            let group = value.attribute("NamePartGroupID");
            let role = group.and_then(|id| roles.get(id)).and_then(|word| part_role(word));
            let role = role.filter(|_| subject == SubjectKind::Person);
            let is_family = role == Some(PartRole::Family);
            if let Some(role) = role {
                parts.push(NamePart::new(role, text("NamePartValue", &written)?));
            }
            if is_family { &mut family } else { &mut others }.push(written);
            if let Some(code) = value.attribute("ScriptID").and_then(scripts::code) {
                script = Some(text("script", code)?);
                value.take_attribute("ScriptID");
            }
            Ok(())
        })
    })?;
    let halves = [family.join(" "), others.join(" ")];
    let full =
        halves.iter().filter(|half| !half.is_empty()).map(String::as_str).collect::<Vec<_>>().join(", ");
    if full.is_empty() {
        return Ok(None);
    }
    let mut name = Name::new(kind, text("NamePartValue", &full)?);
    name.parts = parts;
    name.script = script;
    Ok(Some(name))
}
