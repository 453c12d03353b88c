//! STIX 2.1 (OASIS, 2021-06-10): a listing as an `identity` with a property extension, its addresses as `location`
//! objects and `located-at` relationships; what has ended as the same object, `revoked`.
//!
//! Not here: the record inside the extension (`record_json`), and what is served over TAXII (`node`).

use std::collections::BTreeSet;

use comity_policy::Tlp;
use comity_watchlist::{Address, DelistReason, Record, SubjectKind};
use serde_json::{Map, Value, json};

use super::country::code_of;
use super::names::{Digest, of_listing, of_parts, uuid};
use super::plain::json_line;
use super::record_json::record_json;
use super::{OutPart, OutSource, OutState, Outgoing, rfc3339};

/// The extension that an object of a listing carries; never changed, so that consumers can tell it by its name.
pub const EXTENSION_ID: &str = "extension-definition--6d3a5d0e-7b1f-4c52-9a43-1f0c8e27b6d4";
/// Who made the extension: the program, which is no agency.
const PROGRAM_ID: &str = "identity--0b9f2c64-3e58-4a17-8d2b-75c1e4f6a930";
/// Since when the extension has been as it is; also stands where an object has no time of its own.
const EXTENSION_TIME: &str = "2026-11-30T00:00:00.000Z";
/// The file of a bundle.
const PATH: &str = "bundle.json";

/// TLP 2.0 as OASIS and MISP have it in STIX 2.1: an extension, since `definition_type: tlp` is TLP 1.
const TLP_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
const TLP_TIME: &str = "2022-10-01T00:00:00.000Z";

/// Objects of one log, one listing at a time.
#[derive(Clone, Copy, Debug)]
pub struct StixObjects {
    digest: Digest,
}

impl StixObjects {
    /// Draws names with SHA-256.
    pub const fn new(digest: Digest) -> Self {
        Self { digest }
    }

    /// What all listings of an agency lean on: who speaks, the extension, and the markings that were used.
    pub fn common(&self, agency: &str, used: impl IntoIterator<Item = Tlp>) -> Vec<Value> {
        let identity = |id: &str, name: &str, class: &str| {
            json!({ "type": "identity", "spec_version": "2.1", "id": id, "created": EXTENSION_TIME,
                    "modified": EXTENSION_TIME, "name": name, "identity_class": class })
        };
        let extension = json!({
            "type": "extension-definition", "spec_version": "2.1", "id": EXTENSION_ID,
            "created_by_ref": PROGRAM_ID, "created": EXTENSION_TIME, "modified": EXTENSION_TIME,
            "name": "comity listing",
            "description": "What one authority says about one subject: list, reference, state, names, identifiers, \
                            measures, legal basis.",
            "schema": "docs/formats.md", "version": "1.0.0", "extension_types": ["property-extension"],
        });
        let author = identity(&self.author_id(agency), agency, "organization");
        let mut objects = vec![identity(PROGRAM_ID, "comity", "system"), extension, author];
        objects.extend(used.into_iter().map(marking));
        objects
    }

    /// The objects of a listing, its own first.
    pub fn of(&self, record: &Outgoing) -> Vec<Value> {
        let mut objects = vec![self.identity(record)];
        let mut seen = BTreeSet::new();
        for address in record.listed().map(|told| told.addresses.as_slice()).unwrap_or_default() {
            if let Some([location, relationship]) = self.location(record, address)
                && seen.insert(location.to_string())
            {
                objects.extend([location, relationship]);
            }
        }
        objects
    }

    /// The objects of a listing as they are written.
    pub fn written(&self, record: &Outgoing) -> Vec<StixObject> {
        self.of(record).iter().map(StixObject::new).collect()
    }

    /// The own object of a listing that has ended, with no more than STIX asks of one that is revoked: not even what the
    /// subject was called, or where it was listed.
    pub fn revoked_written(&self, record: &Outgoing) -> StixObject {
        let mut object = self.head(record, "identity", "", record.modified_ms);
        object.insert("name".into(), "withdrawn".into());
        object.insert("revoked".into(), true.into());
        StixObject::new(&Value::Object(object))
    }

    /// What all listings of an agency lean on as it is written.
    pub fn common_written(&self, agency: &str, used: impl IntoIterator<Item = Tlp>) -> Vec<StixObject> {
        self.common(agency, used).iter().map(StixObject::new).collect()
    }

    /// The id of the TAXII collection of a log, drawn as the ids of its objects are.
    pub fn collection_id(&self, origin: &str) -> String {
        uuid(of_parts(self.digest, &["taxii collection", origin]))
    }

    /// The id of the own object of a listing.
    pub fn id_of(&self, record: &Outgoing) -> String {
        self.id(record, "identity", "")
    }

    fn author_id(self, agency: &str) -> String {
        format!("identity--{}", uuid(of_parts(self.digest, &["stix agency", agency])))
    }

    fn id(self, record: &Outgoing, kind: &str, more: &str) -> String {
        let hash = of_listing(self.digest, &format!("stix {kind}"), &record.origin, record.handle, more);
        format!("{kind}--{}", uuid(hash))
    }

    fn identity(self, record: &Outgoing) -> Value {
        let mut object = self.head(record, "identity", "", record.modified_ms);
        object.insert("name".into(), record.name().into());
        let class = match record.told().map(|told| told.kind) {
            Some(SubjectKind::Person) => "individual",
            Some(SubjectKind::Organisation) => "organization",
            _ => "unknown",
        };
        object.insert("identity_class".into(), class.into());
        let mut references = vec![json!({
            "source_name": record.key.list.as_str(), "external_id": record.key.reference.as_str(),
        })];
        if let Some(told) = record.listed() {
            let described: Vec<&str> =
                told.reasons_public.iter().map(comity_watchlist::Prose::as_str).collect();
            put_list(&mut object, "roles", told.positions.iter().map(comity_watchlist::Text::as_str));
            put_list(&mut object, "labels", told.programmes.iter().map(comity_watchlist::Text::as_str));
            if !described.is_empty() {
                object.insert("description".into(), described.join("\n\n").into());
            }
            let urls = told.legal.iter().filter_map(|legal| legal.url.as_ref());
            let urls = urls.filter(|url| is_address(url.as_str()));
            references.extend(urls.map(|url| json!({ "source_name": "legal basis", "url": url.as_str() })));
        } else {
            object.insert("revoked".into(), true.into());
        }
        object.insert("external_references".into(), references.into());
        object.insert("extensions".into(), json!({ EXTENSION_ID: extension(record) }));
        Value::Object(object)
    }

    /// A location needs a region, a country or a place on the globe (section 4.13): an address without a country that
    /// can be told stands in the extension alone. Its name is drawn from what it says, and so it never changes.
    fn location(self, record: &Outgoing, address: &Address) -> Option<[Value; 2]> {
        let country = code_of(address.country.as_ref()?)?;
        let fields = [
            ("street_address", &address.street),
            ("city", &address.city),
            ("administrative_area", &address.region),
            ("postal_code", &address.postal_code),
        ];
        let mut said = Map::new();
        said.insert("country".into(), country.into());
        for (name, text) in fields {
            if let Some(text) = text {
                said.insert(name.into(), text.as_str().into());
            }
        }
        if said.len() == 1
            && let Some(verbatim) = address.verbatim.as_ref().or(address.locality.as_ref())
        {
            said.insert("name".into(), verbatim.as_str().into());
        }
        let content = Value::Object(said.clone()).to_string();
        let mut location = self.head(record, "location", &content, record.created_ms);
        location.extend(said);
        let mut relationship = self.head(record, "relationship", &content, record.created_ms);
        relationship.insert("relationship_type".into(), "located-at".into());
        relationship.insert("source_ref".into(), self.id_of(record).into());
        relationship.insert("target_ref".into(), location.get("id").cloned().unwrap_or_default());
        Some([Value::Object(location), Value::Object(relationship)])
    }

    /// What every object of a listing begins with.
    fn head(self, record: &Outgoing, kind: &str, more: &str, modified_ms: u64) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("type".into(), kind.into());
        object.insert("spec_version".into(), "2.1".into());
        object.insert("id".into(), self.id(record, kind, more).into());
        object.insert("created_by_ref".into(), self.author_id(&record.agency).into());
        object.insert("created".into(), rfc3339(record.created_ms, true).into());
        object.insert("modified".into(), rfc3339(modified_ms, true).into());
        object.insert("object_marking_refs".into(), json!([marking_id(record.tlp)]));
        object
    }
}

/// One object as it stands in a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StixObject {
    /// Its `id`.
    pub id: String,
    /// Its `type`.
    pub kind: String,
    /// What tells its versions apart: `modified`, or `created` where it has none.
    pub version: String,
    /// The object, one line of JSON.
    pub text: String,
}

impl StixObject {
    fn new(object: &Value) -> Self {
        let said = |name: &str| object.get(name).and_then(Value::as_str);
        let text_of = |found: Option<&str>| found.unwrap_or_default().to_owned();
        Self {
            id: text_of(said("id")),
            kind: text_of(said("type")),
            version: text_of(said("modified").or_else(|| said("created"))),
            text: json_line(object),
        }
    }
}

/// A bundle, object by object.
#[derive(Debug)]
pub(super) struct Bundle {
    source: OutSource,
    objects: StixObjects,
    used: BTreeSet<Tlp>,
}

impl Bundle {
    pub(super) fn new(source: OutSource, digest: Digest) -> Self {
        Self { source, objects: StixObjects::new(digest), used: BTreeSet::new() }
    }

    pub(super) fn begin(&mut self) -> Vec<OutPart> {
        let OutSource { origin, list, size, .. } = &self.source;
        let list = list.as_deref().unwrap_or_default();
        let id = uuid(of_parts(self.objects.digest, &["stix bundle", origin, list, &size.to_string()]));
        part(format!("{{\"type\":\"bundle\",\"id\":\"bundle--{id}\",\"objects\":[\n"))
    }

    pub(super) fn record(&mut self, record: &Outgoing) -> Vec<OutPart> {
        self.used.insert(record.tlp);
        let lines = self.objects.of(record).iter().map(|object| json_line(object) + ",\n").collect();
        part(lines)
    }

    pub(super) fn end(&mut self) -> Vec<OutPart> {
        let common = self.objects.common(&self.source.agency, self.used.iter().copied());
        let lines: Vec<String> = common.iter().map(json_line).collect();
        part(lines.join(",\n") + "\n]}\n")
    }
}

fn part(text: String) -> Vec<OutPart> {
    vec![OutPart { path: PATH.to_owned(), bytes: text.into_bytes() }]
}

fn extension(record: &Outgoing) -> Value {
    let mut fields = record.listed().map(record_json).unwrap_or_default();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("extension_type", "property-extension".into());
    put("list", record.key.list.as_str().into());
    put("reference", record.key.reference.as_str().into());
    put("origin", record.origin.as_str().into());
    put("handle", record.handle.to_string().into());
    put("index", record.index.into());
    put("state", record.state_word().into());
    if let Some(into) = &record.merged_into {
        put("merged_into", json!({ "list": into.list.as_str(), "reference": into.reference.as_str() }));
    }
    if let Some(kind) = record.told().map(|told: &Record| told.kind) {
        put("subject_kind", kind.word().into());
    }
    if let OutState::Delisted(Some((reason, effective))) = record.state {
        put("delist_reason", DelistReason::word(reason).into());
        put("delisted_on", effective.to_string().into());
    }
    Value::Object(fields)
}

fn put_list<'a>(object: &mut Map<String, Value>, name: &str, texts: impl Iterator<Item = &'a str>) {
    let texts: Vec<Value> = texts.map(Value::from).collect();
    if !texts.is_empty() {
        object.insert(name.to_owned(), texts.into());
    }
}

/// Whether a text is an address of the web without anything that a URL may not have (RFC 3986, appendix A).
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let allowed = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(allowed))
}

pub(super) fn tlp_word(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "clear",
        Tlp::Green => "green",
        Tlp::Amber => "amber",
        Tlp::AmberStrict => "amber+strict",
        Tlp::Red => "red",
    }
}

fn marking_id(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}

fn marking(tlp: Tlp) -> Value {
    let word = tlp_word(tlp);
    json!({
        "type": "marking-definition", "spec_version": "2.1", "id": marking_id(tlp), "created": TLP_TIME,
        "name": format!("TLP:{}", word.to_ascii_uppercase()),
        "extensions": { TLP_EXTENSION: { "extension_type": "property-extension", "tlp_2_0": word } },
    })
}
