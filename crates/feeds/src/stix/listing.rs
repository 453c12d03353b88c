//! A listing as `comity export stix` writes it: the record stands in the extension, under the names of `records.cddl`.
//!
//! Not for: subjects of others (`foreign`).

use comity_watchlist::{CalendarDate, Record, RecordKey};
use serde_json::{Map, Value, json};

use super::Said;
use super::seen::extension;
use crate::error::RejectReason;
use crate::json::Json;
use crate::out::EXTENSION_ID;
use crate::own;
use crate::snapshot::Ended;

/// What the extension says of the log and of the listing there, which is nothing of the record, and of its key.
const OF_THE_LOG: [&str; 11] = [
    "extension_type",
    "origin",
    "handle",
    "index",
    "state",
    "delist_reason",
    "delisted_on",
    "merged_into",
    "subject_kind",
    "list",
    "reference",
];

/// Fields that are written out of the extension or of the log.
const OF_THE_FORM: [&str; 14] = [
    "type",
    "spec_version",
    "id",
    "created_by_ref",
    "created",
    "modified",
    "object_marking_refs",
    "name",
    "identity_class",
    "roles",
    "labels",
    "description",
    "external_references",
    "revoked",
];

/// Reads a listing of this key.
pub(super) fn read(key: RecordKey, object: &Json, is_revoked: bool) -> Result<Said, RejectReason> {
    let told = extension(object).ok_or(RejectReason::Missing { column: "extensions" })?;
    let text = |name: &str| told.get(name).and_then(Json::text);
    match (is_revoked, text("state")) {
        (true, Some("delisted" | "withdrawn")) => {
            let column = "delisted_on";
            let effective = text(column).map(CalendarDate::parse).transpose();
            let effective = effective.map_err(|source| RejectReason::Date { column, source })?;
            Ok(Said::Ended(Ended { key, effective }))
        }
        (false, Some("listed")) => {
            let mut record = own::of_form(&form(&key, told)?)?;
            keep_beside(&mut record, object)?;
            Ok(Said::Listed(Box::new(record)))
        }
        (false, Some("suspended")) => Err(RejectReason::Suspended),
        _ => Err(RejectReason::Vocabulary { column: "state" }),
    }
}

/// Keeps what others added to the object.
fn keep_beside(record: &mut Record, object: &Json) -> Result<(), RejectReason> {
    let Json::Object(fields) = object else { return Ok(()) };
    for (name, value) in fields {
        match value {
            Json::Object(extensions) if name == "extensions" => {
                for (id, extension) in extensions.iter().filter(|(id, _)| id != EXTENSION_ID) {
                    extension.keep(&format!("extensions.{id}"), &mut record.source)?;
                }
            }
            _ if OF_THE_FORM.contains(&name.as_str()) => {}
            _ => value.keep(name, &mut record.source)?,
        }
    }
    Ok(())
}

/// The object of `docs/records.md` out of the extension: a few fields have other names there.
fn form(key: &RecordKey, told: &Json) -> Result<Value, RejectReason> {
    let column = "subject_kind";
    let kind = told.get(column).and_then(Json::text).ok_or(RejectReason::Missing { column })?;
    let Json::Object(fields) = told else { return Err(RejectReason::Missing { column: "extensions" }) };
    let mut form = Map::new();
    form.insert("list".to_owned(), key.list.as_str().into());
    form.insert("reference".to_owned(), key.reference.as_str().into());
    form.insert("kind".to_owned(), kind.into());
    for (name, value) in fields {
        if OF_THE_LOG.contains(&name.as_str()) {
            continue;
        }
        let mut value = value.to_value();
        for part in value.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            match name.as_str() {
                "facts" => rename(part, "fact", "kind"),
                "places" => rename(part, "place", "kind"),
                "links" => target(part),
                _ => {}
            }
        }
        // A key of the form that the extension does not have must not stand for it.
        if form.insert(name.clone(), value).is_some() {
            return Err(RejectReason::Extension);
        }
    }
    Ok(form.into())
}

fn rename(part: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = part.remove(from) {
        part.insert(to.to_owned(), value);
    }
}

/// A link points at a name, or at list and reference.
fn target(part: &mut Map<String, Value>) {
    rename(part, "name", "named");
    if let (Some(list), Some(reference)) = (part.get("list").cloned(), part.get("reference").cloned()) {
        part.remove("list");
        part.remove("reference");
        part.insert("record".to_owned(), json!({ "list": list, "reference": reference }));
    }
}
