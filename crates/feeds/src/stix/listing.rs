//! A listing as `comity export stix` writes it: the record stands in the extension, under the names of `records.cddl`.
//!
//! Not for: subjects of others (`foreign`).

use comity_watchlist::{CalendarDate, ListId, Reference};

use super::{Said, is_too_strict, missing};
use crate::error::RejectReason;
use crate::gather::{Gathering, Refused};
use crate::json::Json;
use crate::out::EXTENSION_ID;
use crate::own;
use crate::snapshot::Ended;

/// What the extension says of the log and the listing there, which is nothing of the record.
const OF_THE_LOG: [&str; 8] =
    ["extension_type", "origin", "handle", "index", "state", "delist_reason", "delisted_on", "subject_kind"];

/// Reads a listing; nothing if it is of another list.
pub(super) fn read(gathering: &Gathering, object: &Json) -> Result<Option<Said>, Refused> {
    let is_revoked = object.get("revoked") == Some(&Json::Bool(true));
    let told = object.get("extensions").and_then(|extensions| extensions.get(EXTENSION_ID));
    let told = told.ok_or((None, missing("extensions")))?;
    let text = |name: &str| told.get(name).and_then(Json::text);
    let list = text("list").and_then(|list| ListId::parse(list).ok()).ok_or((None, missing("list")))?;
    if list != *gathering.list() {
        return Ok(None);
    }
    let reference = text("reference").ok_or((None, missing("reference")))?;
    let key = gathering.key("reference", reference).map_err(|reason| (None, reason))?;
    let refuse = |reason| (Some(key.clone()), reason);
    if is_too_strict(&object) {
        return Err(refuse(RejectReason::Marked));
    }
    match (is_revoked, text("state")) {
        (true, Some("delisted" | "withdrawn")) => {
            let effective = text("delisted_on").and_then(|day| CalendarDate::parse(day).ok());
            Ok(Some(Said::Ended(Ended { key, effective })))
        }
        (false, Some("listed")) => {
            let form = form(&list, &key.reference, told).map_err(refuse)?;
            let record = own::of_form(&form).map_err(refuse)?;
            Ok(Some(Said::Listed(Box::new(record))))
        }
        (false, Some("suspended")) => Err(refuse(RejectReason::Suspended)),
        _ => Err(refuse(RejectReason::Vocabulary { column: "state" })),
    }
}

/// The object of `docs/records.md` out of the extension: a few fields have other names there.
fn form(list: &ListId, reference: &Reference, told: &Json) -> Result<serde_json::Value, RejectReason> {
    let kind = told.get("subject_kind").and_then(Json::text).ok_or(missing("subject_kind"))?;
    let Json::Object(fields) = told else { return Err(missing("extensions")) };
    let mut form = serde_json::Map::new();
    form.insert("list".to_owned(), list.as_str().into());
    form.insert("reference".to_owned(), reference.as_str().into());
    form.insert("kind".to_owned(), kind.into());
    for (name, value) in fields {
        if OF_THE_LOG.contains(&name.as_str()) || matches!(name.as_str(), "list" | "reference") {
            continue;
        }
        let mut value = value.to_value();
        for part in value.as_array_mut().into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
            match name.as_str() {
                "facts" => rename(part, "fact", "kind"),
                "places" => rename(part, "place", "kind"),
                "links" => target(part),
                _ => {}
            }
        }
        form.insert(name.clone(), value);
    }
    Ok(form.into())
}

fn rename(part: &mut serde_json::Map<String, serde_json::Value>, from: &str, to: &str) {
    if let Some(value) = part.remove(from) {
        part.insert(to.to_owned(), value);
    }
}

/// A link points at a name, or at list and reference.
fn target(part: &mut serde_json::Map<String, serde_json::Value>) {
    rename(part, "name", "named");
    if let (Some(list), Some(reference)) = (part.remove("list"), part.remove("reference")) {
        part.insert("record".to_owned(), serde_json::json!({ "list": list, "reference": reference }));
    }
}
