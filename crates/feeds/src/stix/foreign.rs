//! A subject of others: an `identity`, or a vessel in a type of its own.
//!
//! What an object says beside name and kind is kept, since STIX has no words for what a list says. Not for: listings of
//! our own (`listing`).

use comity_watchlist::{IdKind, Identifier, NameKind, Record, SubjectKind, Text, Vessel};

use super::{Said, is_too_strict, missing};
use crate::error::RejectReason;
use crate::gather::{Gathering, Refused};
use crate::json::Json;
use crate::simple::{country, named};
use crate::snapshot::Ended;
use crate::value::text;

/// The types of objects that are subjects.
pub(super) const TYPES: [&str; 2] = ["identity", "x-vessel"];

/// What says nothing of a subject: its form, and which version of it this is.
const PASSED: [&str; 4] = ["type", "spec_version", "modified", "revoked"];

/// Reads a subject; one that is revoked has ended.
pub(super) fn read(gathering: &Gathering, object: Json) -> Result<Said, Refused> {
    let id = object.get("id").and_then(Json::text).ok_or((None, missing("id")))?;
    let key = gathering.key("id", id).map_err(|reason| (None, reason))?;
    if object.get("revoked") == Some(&Json::Bool(true)) {
        return Ok(Said::Ended(Ended { key, effective: None }));
    }
    if is_too_strict(&object) {
        return Err((Some(key), RejectReason::Marked));
    }
    let is_vessel = object.get("type").and_then(Json::text) == Some("x-vessel");
    let kind = match object.get("identity_class").and_then(Json::text) {
        _ if is_vessel => SubjectKind::Vessel,
        Some("individual") => SubjectKind::Person,
        Some("organization" | "group") => SubjectKind::Organisation,
        _ => SubjectKind::Unknown(0),
    };
    let mut record = Record::new(key.clone(), kind);
    match fill(&mut record, is_vessel, object) {
        Ok(()) if record.names.is_empty() => Err((Some(key), missing("name"))),
        Ok(()) => Ok(Said::Listed(Box::new(record))),
        Err(reason) => Err((Some(key), reason)),
    }
}

fn fill(record: &mut Record, is_vessel: bool, object: Json) -> Result<(), RejectReason> {
    let mut vessel = Vessel::default();
    for (name, value) in object.into_fields().unwrap_or_default() {
        match (name.as_str(), &value) {
            ("id", _) => {}
            (passed, _) if PASSED.contains(&passed) => {}
            ("identity_class", Json::Text(class))
                if matches!(class.as_str(), "individual" | "organization") => {}
            ("name", Json::Text(full)) => {
                record.names.insert(0, named(NameKind::Primary, "name", full.trim())?)
            }
            ("aliases", Json::List(aliases)) if aliases.iter().all(|alias| alias.text().is_some()) => {
                for alias in aliases.iter().filter_map(Json::text) {
                    record.names.push(named(NameKind::Aka, "aliases", alias.trim())?);
                }
            }
            ("roles", Json::List(roles)) if roles.iter().all(|role| role.text().is_some()) => {
                record.positions = texts("roles", roles)?;
            }
            ("sectors", Json::List(sectors)) if sectors.iter().all(|sector| sector.text().is_some()) => {
                record.sectors = texts("sectors", sectors)?;
            }
            ("flag", Json::Text(flag)) if is_vessel => vessel.flag = Some(country("flag", flag.trim())?),
            ("imo" | "mmsi" | "call_sign", Json::Text(number)) if is_vessel => {
                let kind = match name.as_str() {
                    "imo" => IdKind::Imo,
                    "mmsi" => IdKind::Mmsi,
                    _ => IdKind::CallSign,
                };
                record.identifiers.push(Identifier::new(kind, text("number", number.trim())?));
            }
            (_, value) => value.keep(&name, &mut record.source)?,
        }
    }
    record.vessel = Some(vessel).filter(|vessel| *vessel != Vessel::default());
    Ok(())
}

fn texts(column: &'static str, values: &[Json]) -> Result<Vec<Text>, RejectReason> {
    values.iter().filter_map(Json::text).map(|value| text(column, value.trim())).collect()
}
