//! Names of an Enhanced entity: one for each script that a name is written in.

use comity_watchlist::{Name, NameKind, NamePart, NameQuality, SubjectKind};

use crate::error::RejectReason;
use crate::ofac::listing::{self, Listing, part_role};
use crate::ofac::{scripts, text};
use crate::xml::Element;

pub(super) fn read(listing: &mut Listing, element: &mut Element) -> Result<(), RejectReason> {
    let number = element.attribute("id").and_then(listing::number).unwrap_or(u64::MAX);
    let row = element.take_attribute("id").map(|id| text("id", &id)).transpose()?;
    let kind = kind(element);
    let quality = match element.word("isLowQuality") {
        Some("false") => Some(NameQuality::Good),
        Some("true") => Some(NameQuality::Weak),
        _ => None,
    };
    if quality.is_some() {
        element.take_word("isLowQuality");
    }
    element.each("translations", |translations| {
        translations.each("translation", |translation| {
            let Some(mut name) = translated(listing.record.kind, kind, translation)? else { return Ok(()) };
            name.quality = quality;
            name.row.clone_from(&row);
            if kind == NameKind::Primary {
                listing.record.names.push(name);
            } else {
                listing.alias(number, name);
            }
            Ok(())
        })
    })
}

fn kind(element: &mut Element) -> NameKind {
    let alias = match element.word("aliasType") {
        Some("A.K.A.") => Some(NameKind::Aka),
        Some("F.K.A.") => Some(NameKind::Fka),
        Some("N.K.A.") => Some(NameKind::Nka),
        // Whatever it is called, it is a name that must be found; the word for it is kept.
        _ => None,
    };
    match (element.word("isPrimary"), alias) {
        (Some("true"), None) => {
            element.take_word("isPrimary");
            NameKind::Primary
        }
        (Some("false"), alias) => {
            element.take_word("isPrimary");
            if alias.is_some() {
                element.take_word("aliasType");
            }
            alias.unwrap_or(NameKind::Aka)
        }
        // It contradicts itself: both are kept.
        _ => NameKind::Aka,
    }
}

fn translated(
    subject: SubjectKind,
    kind: NameKind,
    translation: &mut Element,
) -> Result<Option<Name>, RejectReason> {
    let Some(full) = translation.take_word("formattedFullName") else { return Ok(None) };
    let mut name = Name::new(kind, text("formattedFullName", &full)?);
    let script = translation.word("script").and_then(scripts::code);
    if let Some(script) = script {
        name.script = Some(text("script", script)?);
        translation.take_word("script");
    }
    // What the whole name says already.
    for column in ["formattedFirstName", "formattedLastName"] {
        if translation.word(column).is_some_and(|part| full.contains(part)) {
            translation.take_word(column);
        }
    }
    translation.each("nameParts", |parts| {
        parts.each("namePart", |part| {
            let (Some(word), Some(value)) = (part.word("type"), part.word("value")) else { return Ok(()) };
            match part_role(word).filter(|_| subject == SubjectKind::Person) {
                Some(role) => name.parts.push(NamePart::new(role, text("namePart", value)?)),
                None if value == full && is_whole(word) => {}
                None => return Ok(()),
            }
            part.take_word("type");
            part.take_word("value");
            Ok(())
        })
    })?;
    Ok(Some(name))
}

/// Parts that are the whole name of something that has no parts.
fn is_whole(word: &str) -> bool {
    matches!(word, "Entity Name" | "Vessel Name" | "Aircraft Name" | "Nickname")
}
