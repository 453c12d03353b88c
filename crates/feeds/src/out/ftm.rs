//! FollowTheMoney (schemata and properties of its 4.11), one entity a line: the subject, and beside it a `Sanction`,
//! an `Address` for each address, and a `Passport` or `Identification` for each document.
//!
//! What has ended is left out, since such a file says who is listed. Not here: values (`ftm_values`).

use comity_watchlist::{
    FactKind, Gender, IdKind, Identifier, LinkTarget, Name, NameKind, NameQuality, PartRole, PlaceKind,
    Record, Relation, SubjectKind, Tie,
};
use serde_json::{Value, json};

use super::ftm_values::{Properties, full};
use super::names::{Digest, hex, of_listing};
use super::plain::json_line;
use super::{OutPart, OutState, Outgoing, rfc3339};

const PATH: &str = "entities.ftm.json";

/// Entities, line by line.
#[derive(Debug)]
pub(super) struct Lines {
    digest: Digest,
}

/// Whether a listing has a schema there.
pub(super) fn tells(record: &Outgoing) -> bool {
    record.listed().is_some_and(|told| schema(told).is_some())
}

pub(super) fn schema(record: &Record) -> Option<&'static str> {
    match record.kind {
        SubjectKind::Person => Some("Person"),
        SubjectKind::Organisation => Some("Organization"),
        SubjectKind::Vessel => Some("Vessel"),
        SubjectKind::Aircraft => Some("Airplane"),
        SubjectKind::Account if record.identifiers.iter().any(|id| id.kind == IdKind::Wallet) => {
            Some("CryptoWallet")
        }
        SubjectKind::Account => Some("BankAccount"),
        SubjectKind::Good
        | SubjectKind::Shipment
        | SubjectKind::ExportDenial
        | SubjectKind::EndUserStatement
        | SubjectKind::Unknown(_) => None,
    }
}

/// The id of the entity of a listing: 40 digits, as long as a SHA-1.
pub(super) fn id(digest: Digest, record: &Outgoing, what: &str, more: &str) -> String {
    let hash = of_listing(digest, &format!("ftm {what}"), &record.origin, record.handle, more);
    format!("comity-{}", hex(&hash).get(..40).unwrap_or_default())
}

impl Lines {
    pub(super) const fn new(digest: Digest) -> Self {
        Self { digest }
    }

    #[expect(clippy::unused_self, reason = "each format is asked the same")]
    pub(super) fn begin(&self) -> Vec<OutPart> {
        vec![OutPart { path: PATH.to_owned(), bytes: Vec::new() }]
    }

    pub(super) fn record(&self, record: &Outgoing) -> Vec<OutPart> {
        let Some((told, schema)) = record.listed().and_then(|told| Some((told, schema(told)?))) else {
            return Vec::new();
        };
        let lines: String =
            self.entities(record, told, schema).iter().map(|entity| json_line(entity) + "\n").collect();
        vec![OutPart { path: PATH.to_owned(), bytes: lines.into_bytes() }]
    }

    fn entities(&self, record: &Outgoing, told: &Record, schema: &'static str) -> Vec<Value> {
        let own = id(self.digest, record, "subject", "");
        let mut properties = subject(told, schema);
        let mut entities = Vec::new();
        for address in &told.addresses {
            let mut fields = Properties::default();
            fields.add("full", full(address));
            fields.text("street", address.street.as_ref());
            fields.text("city", address.city.as_ref());
            fields.text("region", address.region.as_ref());
            fields.text("postalCode", address.postal_code.as_ref());
            fields.country("country", address.country.as_ref());
            fields.text("remarks", address.note.as_ref());
            fields.text("remarks", address.locality.as_ref().filter(|_| address.verbatim.is_some()));
            let of = id(self.digest, record, "address", &fields.to_json().to_string());
            properties.add("addressEntity", of.clone());
            entities.push(entity(record, &of, "Address", &fields, false));
        }
        for (identifier, number) in told.identifiers.iter().zip(0_usize..) {
            let Some((schema, fields)) = document(identifier, &own) else { continue };
            let of = id(self.digest, record, "document", &number.to_string());
            entities.push(entity(record, &of, schema, &fields, false));
        }
        let of = id(self.digest, record, "sanction", "");
        entities.push(entity(record, &of, "Sanction", &sanction(record, told, &own), false));
        entities.insert(0, entity(record, &own, schema, &properties, true));
        entities
    }
}

fn entity(record: &Outgoing, id: &str, schema: &str, properties: &Properties, target: bool) -> Value {
    let caption =
        if target { record.name() } else { properties.get("full").first().map_or(schema, |full| full) };
    json!({
        "id": id, "caption": caption, "schema": schema, "properties": properties.to_json(), "referents": [],
        "datasets": [record.key.list.as_str()], "last_change": rfc3339(record.modified_ms, false), "target": target,
    })
}

fn subject(told: &Record, schema: &str) -> Properties {
    let mut fields = Properties::default();
    told.names.iter().for_each(|name| add_name(&mut fields, name, schema));
    fields.add("topics", "sanction");
    let (is_person, is_craft) = (schema == "Person", matches!(schema, "Vessel" | "Airplane"));
    let is_account = matches!(schema, "CryptoWallet" | "BankAccount");
    for fact in &told.facts {
        let name = match fact.kind {
            FactKind::Birth if is_person => "birthDate",
            FactKind::Death if is_person => "deathDate",
            FactKind::Founded if !is_craft && !is_account => "incorporationDate",
            FactKind::Dissolved if !is_craft && !is_account => "dissolutionDate",
            FactKind::Built if is_craft => "buildDate",
            _ => continue,
        };
        fields.date(name, Some(&fact.date));
    }
    for tie in &told.ties {
        fields.country(
            match tie.tie {
                Tie::Nationality if is_person => "nationality",
                Tie::Citizenship if is_person => "citizenship",
                Tie::Registration if schema == "Organization" => "jurisdiction",
                _ => "country",
            },
            Some(&tie.country),
        );
    }
    if is_person {
        for place in told.places.iter().filter(|place| place.kind == PlaceKind::Birth) {
            fields.add("birthPlace", full(&place.address));
            fields.country("birthCountry", place.address.country.as_ref());
        }
        for gender in &told.genders {
            match gender {
                Gender::Male => fields.add("gender", "male"),
                Gender::Female => fields.add("gender", "female"),
                Gender::Unknown(_) => {}
            }
        }
        fields.texts("title", &told.titles);
        fields.texts("position", &told.positions);
    }
    if is_person || schema == "Organization" {
        fields.texts("sector", &told.sectors);
    }
    told.addresses.iter().for_each(|address| fields.country("country", address.country.as_ref()));
    told.identifiers.iter().for_each(|identifier| add_identifier(&mut fields, identifier, schema));
    add_craft(&mut fields, told, schema);
    for link in &told.links {
        if let (Relation::OwnedBy, LinkTarget::Named(name), "Organization") =
            (link.relation, &link.target, schema)
        {
            fields.add("notes", format!("owned or controlled by {}", name.as_str()));
        }
    }
    fields.texts("program", &told.programmes);
    fields
}

fn add_name(fields: &mut Properties, name: &Name, schema: &str) {
    let property = match (name.kind, name.quality) {
        (_, Some(NameQuality::Weak)) => "weakAlias",
        (NameKind::Primary | NameKind::Nka, _) => "name",
        (NameKind::Fka, _) => "previousName",
        _ => "alias",
    };
    fields.add(property, name.full.as_str());
    if schema == "Person" && name.kind == NameKind::Primary {
        for part in &name.parts {
            let property = match part.role {
                PartRole::Given => "firstName",
                PartRole::Middle => "middleName",
                PartRole::Family => "lastName",
                PartRole::Patronymic => "fatherName",
                PartRole::Ordered | PartRole::Unknown(_) => continue,
            };
            fields.add(property, part.value.as_str());
        }
    }
}

fn add_craft(fields: &mut Properties, told: &Record, schema: &str) {
    if let Some(vessel) = told.vessel.as_ref().filter(|_| schema == "Vessel") {
        fields.texts("type", &vessel.types);
        fields.country("flag", vessel.flag.as_ref());
        vessel.former_flags.iter().for_each(|flag| fields.country("pastFlags", Some(flag)));
        fields.text("tonnage", vessel.tonnage.as_ref());
        fields.text("grossRegisteredTonnage", vessel.gross_tonnage.as_ref());
        if let Some(owner) = &vessel.owner {
            fields.add("notes", format!("owner: {}", owner.as_str()));
        }
    }
    if let Some(aircraft) = told.aircraft.as_ref().filter(|_| schema == "Airplane") {
        fields.texts("model", &aircraft.models);
        for operator in &aircraft.operators {
            fields.add("notes", format!("operator: {}", operator.as_str()));
        }
    }
}

/// The property of the subject itself that an identifier becomes; documents become entities too (`document`).
fn add_identifier(fields: &mut Properties, identifier: &Identifier, schema: &str) {
    let is_legal = matches!(schema, "Person" | "Organization");
    let name = match (identifier.kind, schema) {
        (IdKind::Passport, "Person") => "passportNumber",
        (IdKind::SocialSecurity, "Person") => "socialSecurityNumber",
        (IdKind::TaxId, _) if is_legal => "taxNumber",
        (IdKind::Vat, _) if is_legal => "vatCode",
        (IdKind::Registration, _) if schema != "CryptoWallet" && schema != "BankAccount" => {
            "registrationNumber"
        }
        (IdKind::Imo, "Vessel") | (IdKind::ImoCompany, "Organization") => "imoNumber",
        (IdKind::Mmsi, "Vessel") => "mmsi",
        (IdKind::CallSign, "Vessel") => "callSign",
        (IdKind::TailNumber, "Airplane") => "registrationNumber",
        (IdKind::SerialNumber | IdKind::ConstructionNumber, "Airplane") => "serialNumber",
        (IdKind::ModeS, "Airplane") => "icaoCode",
        (IdKind::Swift, _) if is_legal => "swiftBic",
        (IdKind::Lei, _) if is_legal => "leiCode",
        (IdKind::Duns, _) if is_legal => "dunsCode",
        (IdKind::Licence, _) if is_legal => "licenseNumber",
        (IdKind::Phone | IdKind::Fax, _) if is_legal => "phone",
        (IdKind::Email, _) if is_legal => "email",
        (IdKind::Website, _) if is_legal => "website",
        (IdKind::Wallet, "CryptoWallet") => "publicKey",
        (IdKind::Iban, "BankAccount") => "iban",
        (IdKind::BankAccount, "BankAccount") => "accountNumber",
        (IdKind::Swift, "BankAccount") => "bic",
        (kind, _) if is_legal && is_document(kind) => "idNumber",
        _ => {
            // Codes of two schemes may have the same letters: a code says nothing without its scheme.
            let scheme = identifier.scope.as_ref().filter(|_| identifier.kind == IdKind::Goods);
            let scheme = scheme.map(|scheme| format!(" {}", scheme.as_str())).unwrap_or_default();
            fields.add("notes", format!("{}{scheme}: {}", identifier.kind, identifier.value.as_str()));
            return;
        }
    };
    fields.add(name, identifier.value.as_str());
    if name == "publicKey" {
        fields.text("currency", identifier.scope.as_ref().filter(|scope| scope.as_str().len() == 3));
    }
}

fn is_document(kind: IdKind) -> bool {
    matches!(
        kind,
        IdKind::NationalId
            | IdKind::DrivingLicence
            | IdKind::BirthCertificate
            | IdKind::ResidencePermit
            | IdKind::TravelDocument
            | IdKind::Voter
            | IdKind::MilitaryId
            | IdKind::Visa
            | IdKind::SeafarerId
            | IdKind::CaseFile
            | IdKind::Other
    )
}

/// A document with all that is known of it.
fn document(identifier: &Identifier, holder: &str) -> Option<(&'static str, Properties)> {
    let schema = match identifier.kind {
        IdKind::Passport => "Passport",
        kind if is_document(kind)
            || matches!(kind, IdKind::TaxId | IdKind::SocialSecurity | IdKind::Registration) =>
        {
            "Identification"
        }
        _ => return None,
    };
    let mut fields = Properties::default();
    fields.add("holder", holder);
    fields.add("number", identifier.value.as_str());
    match &identifier.label {
        Some(label) => fields.add("type", label.as_str()),
        None => fields.add("type", identifier.kind.to_string()),
    }
    fields.country("country", identifier.country.as_ref());
    fields.text("authority", identifier.issuer.as_ref());
    fields.date("startDate", identifier.issued.as_ref());
    fields.date("endDate", identifier.expires.as_ref());
    fields.text("description", identifier.note.as_ref());
    fields.text("summary", identifier.scope.as_ref());
    if identifier.former {
        fields.add("description", "former");
    }
    Some((schema, fields))
}

fn sanction(record: &Outgoing, told: &Record, own: &str) -> Properties {
    let mut fields = Properties::default();
    fields.add("entity", own);
    fields.add("authority", record.agency.as_str());
    fields.add("authorityId", record.key.reference.as_str());
    fields.texts("program", &told.programmes);
    for measure in &told.measures {
        fields.add("provisions", measure.text.as_str());
        fields.text("provisions", measure.label.as_ref());
    }
    told.reasons_public.iter().for_each(|reason| fields.add("reason", reason.as_str()));
    for legal in &told.legal {
        fields.add("summary", legal.act.as_str());
        legal.criteria.iter().for_each(|criterion| fields.add("summary", criterion.as_str()));
        fields.text("sourceUrl", legal.url.as_ref().filter(|url| url.as_str().starts_with("http")));
    }
    fields.date("listingDate", told.listed_on.as_ref());
    fields.date("startDate", told.effective_on.as_ref());
    told.updated_on.iter().for_each(|updated| fields.date("modifiedAt", Some(updated)));
    fields.add("status", if record.state == OutState::Suspended { "suspended" } else { "active" });
    fields
}
