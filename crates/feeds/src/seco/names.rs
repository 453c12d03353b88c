//! Names of a target: parts in their order, and their spellings in other languages and scripts.
//!
//! Not for: which of them is the main one (`subject`).

use comity_watchlist::limits::{NAME_PARTS_MAX, NAMES_MAX};
use comity_watchlist::{Name, NameKind, NamePart, NameQuality, PartRole};

use crate::error::RejectReason;
use crate::script;
use crate::value::{self, text};
use crate::xml::Element;

/// A part of a name with its spellings.
struct Part {
    order: u16,
    /// `None` for a whole name.
    role: Option<PartRole>,
    value: String,
    variants: Vec<Variant>,
}

struct Variant {
    language: Option<String>,
    script: Option<String>,
    value: String,
}

/// The names that an element tells: the name itself first, then one for each spelling; none if it has no part.
pub(super) fn read(element: &mut Element, main: bool) -> Result<Vec<Name>, RejectReason> {
    let mut parts = Vec::new();
    element.each("name-part", |part| {
        parts.extend(read_part(part));
        Ok(())
    })?;
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    value::at_most("names.parts", parts.len(), NAME_PARTS_MAX)?;
    value::at_most("names", parts.iter().map(|part| part.variants.len()).sum(), NAMES_MAX)?;
    parts.sort_by_key(|part| part.order);
    let kind = kind(element, main);
    let quality = quality(element);
    let mut name = assembled(kind, &parts, |part| &part.value)?;
    let row = element.take_attribute("ssid").map(|row| text("ssid", &row)).transpose()?;
    name.language = element.take_attribute("lang").map(|lang| text("lang", &lang)).transpose()?;
    name.quality = quality;
    name.row.clone_from(&row);
    let mut names = vec![name];
    for (language, script) in spellings(&parts) {
        let variants = |part: &Part| -> Vec<String> {
            let same = |variant: &&Variant| (&variant.language, &variant.script) == (&language, &script);
            part.variants.iter().filter(same).map(|variant| variant.value.clone()).collect()
        };
        let count = parts.iter().map(|part| variants(part).len()).max().unwrap_or_default();
        for at in 0..count {
            let spelled: Vec<Part> = parts.iter().map(|part| part.spelled(&variants(part), at)).collect();
            let mut name = assembled(NameKind::Aka, &spelled, |part| &part.value)?;
            name.language = language.as_deref().map(|lang| text("lang", lang)).transpose()?;
            if let Some(script) = &script {
                name.script = Some(text("script", &capitalised(script))?);
            }
            name.quality = quality;
            name.row.clone_from(&row);
            names.push(name);
        }
    }
    Ok(names)
}

impl Part {
    /// The part in its spelling of a number, else in the first, else as it is.
    fn spelled(&self, variants: &[String], at: usize) -> Self {
        let value = variants.get(at).or_else(|| variants.first()).unwrap_or(&self.value).clone();
        Self { order: self.order, role: self.role, value, variants: Vec::new() }
    }
}

fn read_part(element: &mut Element) -> Option<Part> {
    let value = element.take_text("value")?;
    let role = match element.attribute("name-part-type") {
        Some("whole-name") => None,
        Some("given-name") => Some(PartRole::Given),
        Some("further-given-name") => Some(PartRole::Middle),
        Some("family-name") => Some(PartRole::Family),
        Some("father-name") => Some(PartRole::Patronymic),
        _ => Some(PartRole::Ordered),
    };
    if role != Some(PartRole::Ordered) {
        element.take_attribute("name-part-type");
    }
    let order = element.attribute("order").and_then(value::number);
    if order.is_some() {
        element.take_attribute("order");
    }
    let mut variants = Vec::new();
    for mut variant in element.take_all("spelling-variant") {
        if let Some(value) = variant.take_own_text() {
            let (language, script) = (variant.take_attribute("lang"), variant.take_attribute("script"));
            variants.push(Variant { language, script, value });
        }
        // What is left of it, such as its type, is kept.
        element.put_back(variant);
    }
    // A part without a number comes last.
    Some(Part { order: order.unwrap_or(u16::MAX), role, value, variants })
}

/// The languages and scripts in which any part is spelled, in the order of the source.
fn spellings(parts: &[Part]) -> Vec<(Option<String>, Option<String>)> {
    let mut found = Vec::new();
    for variant in parts.iter().flat_map(|part| &part.variants) {
        value::add(&mut found, (variant.language.clone(), variant.script.clone()));
    }
    found
}

fn assembled(kind: NameKind, parts: &[Part], value: fn(&Part) -> &str) -> Result<Name, RejectReason> {
    let full = parts.iter().map(value).collect::<Vec<_>>().join(" ");
    let mut name = Name::new(kind, text("name-part", &full)?);
    name.script = script::of(&full).map(|code| text("script", code)).transpose()?;
    for part in parts {
        if let Some(role) = part.role {
            name.parts.push(NamePart::new(role, text("name-part", value(part))?));
        }
    }
    Ok(name)
}

fn kind(element: &mut Element, main: bool) -> NameKind {
    let kind = match element.attribute("name-type") {
        Some("primary-name") if main => NameKind::Primary,
        Some("primary-name" | "alias") => NameKind::Aka,
        Some("formerly-known-as") => NameKind::Fka,
        _ => return NameKind::Aka,
    };
    element.take_attribute("name-type");
    kind
}

fn quality(element: &mut Element) -> Option<NameQuality> {
    let quality = match element.attribute("quality") {
        Some("good") => NameQuality::Good,
        Some("low") => NameQuality::Weak,
        _ => return None,
    };
    element.take_attribute("quality");
    Some(quality)
}

/// `CYRL` as ISO 15924 writes it: `Cyrl`.
fn capitalised(code: &str) -> String {
    let mut letters = code.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    first + &letters.as_str().to_lowercase()
}
