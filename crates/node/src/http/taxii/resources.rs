//! The resources of TAXII 2.1 as they are sent (sections 3.7, 4 and 5). An empty list is left out (section 2).
//!
//! Not here: what stands in them (`page`), and errors (`answer`).

use serde_json::{Map, Value, json};

use super::ask::API_ROOT;
use super::page::Page;
use crate::http::answer::{Answer, TAXII};

/// The media type of all objects.
const STIX: &str = "application/stix+json;version=2.1";

/// Section 4.1.1.
pub(super) fn discovery(agency: &str) -> Answer {
    Answer::taxii(&json!({
        "title": format!("{agency}: what is for everybody"),
        "description": "A collection for each log that is switched on. Nothing can be written.",
        "default": API_ROOT, "api_roots": [API_ROOT],
    }))
}

/// Section 4.2.1. No content is ever taken; a length must be a positive number.
pub(super) fn api_root(agency: &str) -> Answer {
    Answer::taxii(&json!({
        "title": format!("logs of {agency}"), "versions": [TAXII], "max_content_length": 1,
    }))
}

/// Section 5.1.1.
pub(super) fn collections(collections: &[Value]) -> Answer {
    Answer::taxii(&json!({ "collections": collections }))
}

/// Section 5.2.1.
pub(super) fn collection(id: &str, origin: &str, can_read: bool) -> Value {
    json!({
        "id": id, "title": origin, "can_read": can_read, "can_write": false, "media_types": [STIX],
        "description": "The newest versions of listings of this log whose labels are for everybody.",
    })
}

/// Section 3.7. The objects stand in it byte for byte as in an export.
pub(super) fn envelope(page: &Page) -> Answer {
    let mut text = String::from("{");
    let more = match page.next {
        Some(next) => format!("\"more\":true,\"next\":\"{next}\""),
        None => "\"more\":false".to_owned(),
    };
    text.push_str(&more);
    for (added, place) in page.objects.iter().zip(0_usize..) {
        text.push_str(if place == 0 { ",\"objects\":[\n" } else { ",\n" });
        text.push_str(&added.object.text);
    }
    if !page.objects.is_empty() {
        text.push_str("\n]");
    }
    text.push_str("}\n");
    Answer::TaxiiPage { text, added: added_of(page) }
}

/// Section 5.3.1, with the `next` of an envelope.
pub(super) fn manifest(page: &Page) -> Answer {
    let records = page.objects.iter().map(|added| {
        json!({ "id": added.object.id, "date_added": added.date.to_string(), "version": added.object.version,
                "media_type": STIX })
    });
    listed(page, "objects", records.collect())
}

/// Section 5.8.1, with the `next` of an envelope.
pub(super) fn versions(page: &Page) -> Answer {
    let versions = page.objects.iter().map(|added| Value::from(added.object.version.as_str()));
    listed(page, "versions", versions.collect())
}

fn listed(page: &Page, name: &str, items: Vec<Value>) -> Answer {
    let mut resource = Map::new();
    resource.insert("more".to_owned(), page.next.is_some().into());
    if let Some(next) = page.next {
        resource.insert("next".to_owned(), next.to_string().into());
    }
    if !items.is_empty() {
        resource.insert(name.to_owned(), items.into());
    }
    Answer::TaxiiPage { text: format!("{}\n", Value::Object(resource)), added: added_of(page) }
}

/// When the first and the last object of a page were added (section 3.2). A page without objects has no such time: that
/// of an entry by which nothing is told would say when something was written that is not for everybody.
fn added_of(page: &Page) -> Option<[String; 2]> {
    let (first, last) = (page.objects.first()?, page.objects.last()?);
    Some([first.date.to_string(), last.date.to_string()])
}
