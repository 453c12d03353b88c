//! A subject as others write it: an `identity` of its own (STIX 2.1 §4.5).
//!
//! What an object says beside name and kind is kept as it is written, since STIX has no words for what a list says. Not
//! for: listings of our own (`listing`), and where a subject is (`place`).

use comity_watchlist::limits::{NAMES_MAX, WORDS_MAX};
use comity_watchlist::{NameKind, Record, RecordKey, SubjectKind, Text};

use super::place;
use super::seen::Seen;
use crate::error::RejectReason;
use crate::json::Json;
use crate::simple::named;
use crate::value::{at_most, text};

/// What says nothing of a subject: its form, and which version of it this is.
const PASSED: [&str; 5] = ["type", "id", "spec_version", "modified", "revoked"];

/// Reads a subject.
pub(super) fn read(seen: &Seen<'_>, key: RecordKey, object: Json) -> Result<Record, RejectReason> {
    if seen.is_ours() {
        return Err(RejectReason::Missing { column: "extensions" });
    }
    let id = key.reference.as_str().to_owned();
    let kind = match object.get("identity_class").and_then(Json::text) {
        Some("individual") => SubjectKind::Person,
        Some("organization" | "group") => SubjectKind::Organisation,
        _ => SubjectKind::Unknown(0),
    };
    let mut record = Record::new(key, kind);
    fill(&mut record, object)?;
    place::relate(seen, &id, &mut record)?;
    Ok(record)
}

fn fill(record: &mut Record, object: Json) -> Result<(), RejectReason> {
    let column = "name";
    let name = object.get(column).and_then(Json::text).map(str::trim).filter(|name| !name.is_empty());
    record.names.push(named(NameKind::Primary, column, name.ok_or(RejectReason::Missing { column })?)?);
    for (name, value) in object.into_fields().unwrap_or_default() {
        match (name.as_str(), texts(&value)) {
            ("name", _) => {}
            (passed, _) if PASSED.contains(&passed) => {}
            ("identity_class", _) if matches!(value.text(), Some("individual" | "organization")) => {}
            ("aliases", Some(aliases)) => {
                at_most("aliases", aliases.len(), NAMES_MAX)?;
                for alias in aliases {
                    record.names.push(named(NameKind::Aka, "aliases", alias)?);
                }
            }
            ("roles", Some(roles)) => record.positions = words("roles", &roles)?,
            ("sectors", Some(sectors)) => record.sectors = words("sectors", &sectors)?,
            _ => value.keep(&name, &mut record.source)?,
        }
    }
    Ok(())
}

/// The texts of a list of nothing else, without those that say nothing.
fn texts(value: &Json) -> Option<Vec<&str>> {
    let Json::List(values) = value else { return None };
    let texts: Option<Vec<&str>> = values.iter().map(Json::text).collect();
    Some(texts?.into_iter().map(str::trim).filter(|text| !text.is_empty()).collect())
}

fn words(column: &'static str, values: &[&str]) -> Result<Vec<Text>, RejectReason> {
    at_most(column, values.len(), WORDS_MAX)?;
    values.iter().map(|value| text(column, value)).collect()
}
