//! Where a subject of others is: `location` objects, and the relationships that begin at the subject.
//!
//! Not for: addresses of our own listings, which stand in the extension.

use std::collections::HashSet;

use comity_watchlist::limits::EXTRAS_MAX;
use comity_watchlist::{Address, Record, Source};

use super::seen::{Location, Seen};
use crate::error::RejectReason;
use crate::json::{self, Json};
use crate::simple::country;
use crate::value::{at_most, text};

/// What of a location says nothing of a place: its form, and which version of it this is.
const PASSED_OF_LOCATION: [&str; 4] = ["type", "spec_version", "modified", "revoked"];

/// What of a relationship says nothing of the subject that it begins at.
const PASSED_OF_RELATION: [&str; 8] =
    ["type", "spec_version", "id", "created", "modified", "revoked", "relationship_type", "source_ref"];

/// Reads a location (STIX 2.1 §4.13).
pub(super) fn read(id: &str, object: Json) -> Result<Location, RejectReason> {
    let mut address = Address::default();
    address.row = Some(text("id", id)?);
    let mut kept = Source::default();
    for (name, value) in object.into_fields().unwrap_or_default() {
        let field = match name.as_str() {
            "id" => continue,
            passed if PASSED_OF_LOCATION.contains(&passed) => continue,
            "name" => &mut address.verbatim,
            "street_address" => &mut address.street,
            "city" => &mut address.city,
            "administrative_area" => &mut address.region,
            "postal_code" => &mut address.postal_code,
            "country" => {
                match &value {
                    Json::Text(said) if !said.trim().is_empty() => {
                        address.country = Some(country("country", said.trim())?);
                    }
                    other => other.keep("location.country", &mut kept)?,
                }
                continue;
            }
            _ => {
                value.keep(&format!("location.{name}"), &mut kept)?;
                continue;
            }
        };
        match &value {
            Json::Text(said) if !said.trim().is_empty() => *field = Some(text("location", said.trim())?),
            other => other.keep(&format!("location.{name}"), &mut kept)?,
        }
    }
    Ok(Location { address, kept })
}

/// Gives a subject the addresses that it is `located-at`, and what else it is said to be related to as it is written.
pub(super) fn relate(seen: &Seen<'_>, id: &str, record: &mut Record) -> Result<(), RejectReason> {
    let relations = seen.relations.get(id).map(Vec::as_slice).unwrap_or_default();
    at_most("relationship", relations.len(), EXTRAS_MAX)?;
    let mut told = HashSet::new();
    for written in relations {
        let relation = json::read(written.text)?;
        seen.check_marks(&relation)?;
        let said = |name: &str| relation.get(name).and_then(Json::text).unwrap_or_default().to_owned();
        let (kind, target) = (said("relationship_type"), said("target_ref"));
        let location = if kind == "located-at" { seen.locations.get(&target) } else { None };
        if let Some(location) = location
            && told.insert(target)
        {
            let location = location.as_ref().map_err(Clone::clone)?;
            record.addresses.push(location.address.clone());
            for extra in &location.kept.extra {
                for value in &extra.values {
                    json::keep(&mut record.source, extra.name.as_str(), value.as_str())?;
                }
            }
        }
        for (name, value) in relation.into_fields().unwrap_or_default() {
            if name == "target_ref" && location.is_none() {
                value.keep(&format!("relationship.{kind}"), &mut record.source)?;
            } else if name != "target_ref" && !PASSED_OF_RELATION.contains(&name.as_str()) {
                value.keep(&format!("relationship.{kind}.{name}"), &mut record.source)?;
            }
        }
    }
    Ok(())
}
