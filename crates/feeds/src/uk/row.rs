//! What one row of a UK list says, as a piece of a record.
//!
//! The lists call the same things differently; the names of OFSI's columns come first, then those of the UK sanctions
//! list. A table has those of one of them. Not for: the notation within a cell (`values`).

use comity_watchlist::{
    Address, Country, CountryTie, DatedFact, FactKind, Gender, IdKind, Identifier, Link, LinkTarget, Measure,
    Name, NameKind, NamePart, NameQuality, PartRole, Place, PlaceKind, Record, RecordKey, Relation,
    SubjectKind, Text, Tie, Vessel,
};

use crate::error::RejectReason;
use crate::script;
use crate::table::Row;
use crate::uk::{LISTED_ON, any, values};
use crate::value::{prose, text};

const GIVEN: [&str; 5] = ["Name 1", "Name 2", "Name 3", "Name 4", "Name 5"];

const ADDRESS: [[&str; 2]; 5] = [
    ["Address 1", "Address Line 1"],
    ["Address 2", "Address Line 2"],
    ["Address 3", "Address Line 3"],
    ["Address 4", "Address Line 4"],
    ["Address 5", "Address Line 5"],
];

pub(super) fn piece(
    key: RecordKey,
    kind_column: &'static str,
    mut row: Row<'_>,
) -> Result<Record, RejectReason> {
    let kind = match row.peek(kind_column) {
        Some("Individual") => SubjectKind::Person,
        Some("Entity") => SubjectKind::Organisation,
        Some("Ship") => SubjectKind::Vessel,
        Some(_) => return Err(RejectReason::Vocabulary { column: kind_column }),
        None => return Err(RejectReason::Missing { column: kind_column }),
    };
    row.drop(kind_column);
    let mut record = Record::new(key, kind);
    names(&mut record, &mut row)?;
    about(&mut record, &mut row)?;
    born(&mut record, &mut row)?;
    address(&mut record, &mut row)?;
    identifiers(&mut record, &mut row)?;
    ship(&mut record, &mut row)?;
    listing(&mut record, &mut row)?;
    row.keep(&mut record.source)?;
    Ok(record)
}

fn names(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    let person = record.kind == SubjectKind::Person;
    let mut parts = Vec::new();
    for (at, column) in GIVEN.iter().enumerate() {
        let role = match (person, at) {
            (false, _) => PartRole::Ordered,
            (true, 0) => PartRole::Given,
            (true, _) => PartRole::Middle,
        };
        parts.extend(row.take(column)?.map(|value| NamePart::new(role, value)));
    }
    let family = if person { PartRole::Family } else { PartRole::Ordered };
    parts.extend(row.take("Name 6")?.map(|value| NamePart::new(family, value)));
    let kind = name_kind(row);
    let quality = name_quality(row);
    if !parts.is_empty() {
        let full = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(" ");
        let mut name = Name::new(kind, text("Name 6", &full)?);
        // The only part of a name is the name.
        name.parts = if parts.len() > 1 || person { parts } else { Vec::new() };
        name.quality = quality;
        record.names.push(name);
    }
    if let Some(original) = any(row, &["Name Non-Latin Script", "Name non-latin script"])? {
        let script = script::of(original.as_str());
        let mut name = Name::new(kind, original);
        name.script = script.map(|code| text("script", code)).transpose()?;
        name.quality = quality;
        let told = [
            any(row, &["Non-Latin Script Type", "Non-latin script type"])?,
            any(row, &["Non-Latin Script Language", "Non-latin script language"])?,
        ];
        let told = told.iter().flatten().map(Text::as_str).collect::<Vec<_>>().join(", ");
        name.note = if told.is_empty() { None } else { Some(text("Non-Latin Script Type", &told)?) };
        record.names.push(name);
    }
    Ok(())
}

/// What a name is; another word than the known ones makes it an alias, and is kept.
fn name_kind(row: &mut Row<'_>) -> NameKind {
    for column in ["Alias Type", "Name type"] {
        let kind = match row.peek(column).map(str::to_lowercase).as_deref() {
            Some("prime alias" | "primary name") => NameKind::Primary,
            Some("aka" | "alias") => NameKind::Aka,
            Some("fka") => NameKind::Fka,
            _ => continue,
        };
        row.drop(column);
        return kind;
    }
    NameKind::Aka
}

fn name_quality(row: &mut Row<'_>) -> Option<NameQuality> {
    for column in ["Alias Quality", "Alias strength"] {
        let quality = match row.peek(column).map(str::to_lowercase).as_deref() {
            Some("good" | "good quality" | "good quality a.k.a") => NameQuality::Good,
            Some("low" | "low quality" | "low quality a.k.a") => NameQuality::Weak,
            _ => continue,
        };
        row.drop(column);
        return Some(quality);
    }
    None
}

fn about(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    record.titles.extend(row.take("Title")?);
    record.positions.extend(row.take("Position")?);
    record.sectors.extend(row.take("Type of entity")?);
    for column in ["Nationality", "Nationality(/ies)"] {
        let Some(written) = row.take(column)? else { continue };
        for piece in values::pieces(written.as_str()) {
            let country = Country::new(text("Nationality", piece)?);
            record.ties.push(CountryTie::new(Tie::Nationality, country));
        }
    }
    let gender = match row.peek("Gender") {
        Some("Male") => Some(Gender::Male),
        Some("Female") => Some(Gender::Female),
        _ => None,
    };
    if gender.is_some() {
        row.drop("Gender");
        record.genders.extend(gender);
    }
    for (column, relation) in [("Subsidiaries", Relation::Owns), ("Parent company", Relation::OwnedBy)] {
        if let Some(name) = row.take(column)? {
            record.links.push(Link::new(relation, LinkTarget::Named(name)));
        }
    }
    Ok(())
}

fn born(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    let person = record.kind == SubjectKind::Person;
    let (fact, place) =
        if person { (FactKind::Birth, PlaceKind::Birth) } else { (FactKind::Founded, PlaceKind::Founded) };
    if let Some(written) = any(row, &["DOB", "D.O.B"])? {
        record.facts.push(DatedFact::new(fact, values::date("DOB", written.as_str())?));
    }
    let mut address = Address::default();
    address.city = any(row, &["Town of Birth", "Town of birth"])?;
    address.country = any(row, &["Country of Birth", "Country of birth"])?.map(Country::new);
    if !address.is_empty() {
        record.places.push(Place::new(place, address));
    }
    Ok(())
}

/// The lines of an address are filled from both ends: the last one is town, province or the like.
fn address(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    let mut lines = Vec::new();
    for names in ADDRESS {
        lines.extend(any(row, &names)?);
    }
    let mut address = Address::default();
    if !lines.is_empty() {
        let street = lines.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
        address.street = Some(text("Address 1", &street)?);
    }
    address.locality = any(row, &["Address 6", "Address Line 6"])?;
    address.postal_code = any(row, &["Post/Zip Code", "Address Postal Code"])?;
    address.country = any(row, &["Country", "Address Country"])?.map(Country::new);
    if !address.is_empty() {
        record.addresses.push(address);
    }
    Ok(())
}

fn identifiers(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    const DOCUMENTS: [(&str, IdKind); 7] = [
        ("Passport Number", IdKind::Passport),
        ("Passport number", IdKind::Passport),
        ("NI Number", IdKind::NationalId),
        ("National Identification Number", IdKind::NationalId),
        ("National Identifier number", IdKind::NationalId),
        ("Business registration number (s)", IdKind::Registration),
        ("IMO number", IdKind::Imo),
    ];
    const PLAIN: [(&str, IdKind, Option<&str>); 5] = [
        ("UN Reference Number", IdKind::CaseFile, Some("UN reference")),
        ("Phone number", IdKind::Phone, None),
        ("Website", IdKind::Website, None),
        ("Email address", IdKind::Email, None),
        ("Hull identification number (HIN)", IdKind::Other, Some("Hull identification number")),
    ];
    // The first layout has no other column for passports; in the later ones the details go with a number.
    let alone = row.peek("Passport Number").is_none() && row.peek("Passport number").is_none();
    let details = [("Passport Details", IdKind::Passport)].into_iter().filter(|_| alone);
    for (column, kind) in DOCUMENTS.into_iter().chain(details) {
        if let Some(written) = row.take(column)? {
            record.identifiers.extend(values::documents(kind, column, written.as_str())?);
        }
    }
    for (column, kind, label) in PLAIN {
        if let Some(value) = row.take(column)? {
            let mut identifier = Identifier::new(kind, value);
            identifier.label = label.map(|label| text("label", label)).transpose()?;
            record.identifiers.push(identifier);
        }
    }
    Ok(())
}

fn ship(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    let mut vessel = Vessel::default();
    vessel.types.extend(row.take("Type of ship")?);
    vessel.flag = row.take("Current believed flag of ship")?.map(Country::new);
    vessel.former_flags.extend(row.take("Previous flags")?.map(Country::new));
    vessel.tonnage = row.take("Tonnage of ship")?;
    vessel.owner = row.take("Current owner/operator (s)")?;
    record.vessel = (!vessel.is_empty()).then_some(vessel);
    if let Some(written) = row.take("Year Built")? {
        let date = crate::value::date("Year Built", written.as_str())?;
        record.facts.push(DatedFact::new(FactKind::Built, date));
    }
    Ok(())
}

fn listing(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    let regime = any(row, &["Regime", "Regime Name"])?;
    if let Some(written) = any(row, &["Listed On", "Date Designated"])? {
        record.listed_on = Some(values::date("Listed On", written.as_str())?);
        let with_regime = match &regime {
            Some(regime) => format!("{written} ({regime})"),
            None => written.to_string(),
        };
        record.source.keep(&text("Listed On", LISTED_ON)?, prose("Listed On", &with_regime)?);
    }
    record.programmes.extend(regime);
    if let Some(written) = row.take("Last Updated")? {
        record.updated_on.push(values::date("Last Updated", written.as_str())?);
    }
    if let Some(imposed) = row.take("Sanctions Imposed")? {
        for measure in imposed.as_str().split('|').map(str::trim).filter(|measure| !measure.is_empty()) {
            record.measures.push(Measure::new(prose("Sanctions Imposed", measure)?));
        }
    }
    for column in ["Other Information", "UK Statement of Reasons"] {
        if let Some(reason) = row.peek(column) {
            record.reasons_public.push(prose(column, reason)?);
            row.drop(column);
        }
    }
    record.source.row_id = row.take("OFSI Group ID")?;
    Ok(())
}
