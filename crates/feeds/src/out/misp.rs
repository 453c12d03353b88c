//! A folder that MISP and PyMISP read as a feed: an event for each listing, `manifest.json`, and `hashes.csv`, which
//! tells of TLP:CLEAR and TLP:GREEN alone, since anybody can undo MD5 of what has few values.
//!
//! What has ended keeps its event, with each attribute `deleted` and a later time. MD5 is what MISP's
//! `hashes.csv` is made of; nothing is protected by it.

use comity_policy::Tlp;
use comity_watchlist::{FactKind, Gender, IdKind, PlaceKind, Record, SubjectKind, Text, Tie};
use md5::{Digest as _, Md5};
use serde_json::{Map, Value, json};

use super::ftm_values::{Properties, full};
use super::names::{Digest, hex, of_listing, of_parts, uuid};
use super::plain::{json_line, one_line};
use super::stix::tlp_word;
use super::{OutPart, OutSource, OutState, Outgoing, rfc3339};

/// Events, manifest, hashes.
pub(super) const PASSES: usize = 3;
const MANIFEST: &str = "manifest.json";
const HASHES: &str = "hashes.csv";

/// A feed, file by file.
#[derive(Debug)]
pub(super) struct Feed {
    source: OutSource,
    digest: Digest,
    /// Whether the manifest has an event already.
    begun: bool,
}

/// What MISP calls a value: its category and type there, the value, and which field it is from.
struct Attribute {
    category: &'static str,
    kind: &'static str,
    value: String,
    comment: String,
}

impl Feed {
    pub(super) const fn new(source: OutSource, digest: Digest) -> Self {
        Self { source, digest, begun: false }
    }

    #[expect(clippy::unused_self, reason = "each format is asked the same")]
    pub(super) fn begin(&mut self, pass: usize) -> Vec<OutPart> {
        match pass {
            0 => Vec::new(),
            1 => part(MANIFEST, "{".to_owned()),
            _ => part(HASHES, String::new()),
        }
    }

    pub(super) fn record(&mut self, pass: usize, record: &Outgoing) -> Vec<OutPart> {
        let event_uuid = uuid(of_listing(self.digest, "misp event", &record.origin, record.handle, ""));
        match pass {
            0 => part(&format!("{event_uuid}.json"), self.event(record, &event_uuid)),
            1 => {
                let mut fields = self.summary(record);
                let sha256 = hex(&(self.digest)(self.event(record, &event_uuid).as_bytes()));
                fields.insert("integrity:sha256".into(), sha256.into());
                let divider = if std::mem::replace(&mut self.begun, true) { ",\n" } else { "\n" };
                part(MANIFEST, format!("{divider}\"{event_uuid}\":{}", json_line(&Value::Object(fields))))
            }
            _ => part(HASHES, hashes(record, &event_uuid)),
        }
    }

    #[expect(clippy::unused_self, reason = "each format is asked the same")]
    pub(super) fn end(&mut self, pass: usize) -> Vec<OutPart> {
        if pass == 1 { part(MANIFEST, "\n}\n".to_owned()) } else { Vec::new() }
    }

    /// What manifest and event say alike.
    fn summary(&self, record: &Outgoing) -> Map<String, Value> {
        let (key, name) = (&record.key, one_line(record.name()));
        let organisation = uuid(of_parts(self.digest, &["misp organisation", &self.source.agency]));
        let fields = json!({
            "info": format!("{} {}: {name} ({})", key.list, one_line(key.reference.as_str()), record.state_word()),
            "date": rfc3339(record.created_ms, false).split('T').next().unwrap_or_default(),
            "timestamp": seconds(record.modified_ms),
            "analysis": "2",
            "threat_level_id": "4",
            "Orgc": { "name": self.source.agency, "uuid": organisation },
            "Tag": [{ "name": format!("tlp:{}", tlp_word(record.tlp)), "colour": "#ffffff" }],
        });
        fields.as_object().cloned().unwrap_or_default()
    }

    fn event(&self, record: &Outgoing, event_uuid: &str) -> String {
        let deleted = !matches!(record.state, OutState::Listed | OutState::Suspended);
        let attribute = |attribute: &Attribute| {
            let Attribute { category, kind, value, comment } = attribute;
            let named = format!("{category} {kind} {comment} {value}");
            json!({
                "uuid": uuid(of_listing(self.digest, "misp attribute", &record.origin, record.handle, &named)),
                "category": category, "type": kind, "value": value, "comment": comment,
                "timestamp": seconds(record.modified_ms), "to_ids": false, "disable_correlation": false,
                "deleted": deleted,
            })
        };
        let mut event = self.summary(record);
        event.insert("uuid".into(), event_uuid.into());
        event.insert("published".into(), true.into());
        event.insert("publish_timestamp".into(), seconds(record.modified_ms).into());
        event.insert("Attribute".into(), attributes(record).iter().map(attribute).collect());
        json_line(&json!({ "Event": event })) + "\n"
    }
}

fn part(path: &str, text: String) -> Vec<OutPart> {
    vec![OutPart { path: path.to_owned(), bytes: text.into_bytes() }]
}

/// MISP counts whole seconds; a part of one counts as the whole, so that what is later is never earlier.
fn seconds(ms: u64) -> String {
    ms.div_ceil(1_000).to_string()
}

fn hashes(record: &Outgoing, event_uuid: &str) -> String {
    let shown = record.tlp <= Tlp::Green && matches!(record.state, OutState::Listed | OutState::Suspended);
    let attributes = if shown { attributes(record) } else { Vec::new() };
    let line =
        |attribute: &Attribute| format!("{},{event_uuid}\n", hex(&Md5::digest(attribute.value.as_bytes())));
    attributes.iter().map(line).collect()
}

fn attributes(record: &Outgoing) -> Vec<Attribute> {
    let mut found = vec![Attribute {
        category: "Other",
        kind: "text",
        value: record.key.to_string(),
        comment: "list and reference".to_owned(),
    }];
    let mut add = |category, kind, value: &str, comment: &str| {
        let (value, comment) = (value.trim().to_owned(), comment.to_owned());
        let known = |held: &Attribute| held.kind == kind && held.value == value;
        if !value.is_empty() && !found.iter().any(known) {
            found.push(Attribute { category, kind, value, comment });
        }
    };
    let Some(told) = record.told() else { return found };
    let is_person = told.kind == SubjectKind::Person;
    for name in &told.names {
        let (category, kind) = if is_person { ("Person", "full-name") } else { ("Other", "text") };
        add(category, kind, name.full.as_str(), &format!("name, {}", super::words::name_kind(name.kind)));
    }
    if is_person {
        person(told, &mut add);
    }
    for identifier in &told.identifiers {
        let (category, kind) = type_of(identifier.kind, identifier.scope.as_ref());
        let scheme = identifier.scope.as_ref().filter(|_| identifier.kind == IdKind::Goods);
        // MISP keeps one attribute of a value, so that the scheme of a code stands in it.
        let value = scheme.map(|scheme| format!("{} {}", scheme.as_str(), identifier.value.as_str()));
        let value = value.as_deref().unwrap_or(identifier.value.as_str());
        add(category, kind, value, &identifier.kind.to_string());
    }
    for address in &told.addresses {
        let (category, kind) = if is_person { ("Person", "primary-residence") } else { ("Other", "text") };
        add(category, kind, &full(address), "address");
    }
    for programme in &told.programmes {
        add("Other", "text", programme.as_str(), "programme");
    }
    for measure in &told.measures {
        add("Other", "text", measure.text.as_str(), "measure");
    }
    for reason in &told.reasons_public {
        add("Other", "comment", reason.as_str(), "reason");
    }
    for url in told.legal.iter().filter_map(|legal| legal.url.as_ref()) {
        add("External analysis", "link", url.as_str(), "legal basis");
    }
    for act in told.legal.iter().map(|legal| &legal.act) {
        add("Other", "text", act.as_str(), "legal basis");
    }
    for criterion in told.legal.iter().flat_map(|legal| &legal.criteria) {
        add("Other", "text", criterion.as_str(), "criterion");
    }
    if let Some(reference) = &told.handling_reference {
        add("Other", "text", reference.as_str(), "handling reference");
    }
    found
}

fn person(told: &Record, add: &mut impl FnMut(&'static str, &'static str, &str, &str)) {
    let mut dates = Properties::default();
    for fact in told.facts.iter().filter(|fact| fact.kind == FactKind::Birth) {
        dates.date("birth", Some(&fact.date));
    }
    for date in dates.get("birth") {
        // MISP takes whole days alone for a date of birth.
        let kind = if date.len() == 10 { ("Person", "date-of-birth") } else { ("Other", "text") };
        add(kind.0, kind.1, date, "birth");
    }
    for place in told.places.iter().filter(|place| place.kind == PlaceKind::Birth) {
        add("Person", "place-of-birth", &full(&place.address), "birth");
    }
    for tie in told.ties.iter().filter(|tie| matches!(tie.tie, Tie::Nationality | Tie::Citizenship)) {
        add("Person", "nationality", tie.country.name.as_str(), &super::words::tie(tie.tie));
    }
    for gender in &told.genders {
        match gender {
            Gender::Male => add("Person", "gender", "Male", "gender"),
            Gender::Female => add("Person", "gender", "Female", "gender"),
            Gender::Unknown(_) => {}
        }
    }
    let words = told.titles.iter().map(|title| (title, "title"));
    for (text, comment) in words.chain(told.positions.iter().map(|position| (position, "position"))) {
        add("Other", "text", text.as_str(), comment);
    }
}

fn type_of(kind: IdKind, scope: Option<&Text>) -> (&'static str, &'static str) {
    let currency = scope.map_or("", Text::as_str);
    match kind {
        IdKind::Passport => ("Person", "passport-number"),
        IdKind::NationalId => ("Person", "identity-card-number"),
        IdKind::Phone => ("Other", "phone-number"),
        IdKind::Email => ("Payload delivery", "email"),
        IdKind::Website => ("External analysis", "link"),
        IdKind::Iban => ("Financial fraud", "iban"),
        IdKind::Swift => ("Financial fraud", "bic"),
        IdKind::BankAccount => ("Financial fraud", "bank-account-nr"),
        IdKind::Wallet if currency == "XBT" || currency == "BTC" => ("Financial fraud", "btc"),
        IdKind::Wallet if currency == "XMR" => ("Financial fraud", "xmr"),
        _ => ("Other", "text"),
    }
}
