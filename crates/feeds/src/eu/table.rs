//! The EU list as a table: each row one name, address, birth, document or citizenship of a subject.
//!
//! A copy that a spreadsheet saved anew has each row in one cell, quoted whole, with tabs behind it: it is read too.
//! Not for: the table's cells and lines (`table`), or the list as XML (`entity`).

use comity_watchlist::{
    Address, Country, CountryTie, DatedFact, FactKind, Gender, IdKind, Identifier, LegalBasis, Name,
    NameKind, NamePart, PartRole, Place, PlaceKind, Record, RecordKey, SubjectKind, Text, Tie,
};
use csv::StringRecord;

use crate::error::{FeedError, RejectReason};
use crate::eu::{LIST, parts};
use crate::file::InputFile;
use crate::join::Joining;
use crate::script;
use crate::snapshot::{Snapshot, Take};
use crate::table::{self, Row, Sheet};
use crate::value::{add, date, prose, text};

/// The columns, in order. Those that the source calls `Entity_logical_id` a second time have the name of their part.
const COLUMNS: [&str; 59] = [
    "Date_file",
    "Entity_logical_id",
    "Subject_type",
    "Leba_numtitle",
    "Leba_publication_date",
    "Leba_url",
    "Programme",
    "Entity_remark",
    "Naal_logical_id",
    "Naal_Entity_logical_id",
    "Naal_leba_numtitle",
    "Naal_leba_publication_date",
    "Naal_leba_url",
    "Naal_programme",
    "Naal_lastname",
    "Naal_firstname",
    "Naal_middlename",
    "Naal_wholename",
    "Naal_gender",
    "Naal_title",
    "Naal_function",
    "Naal_language",
    "Addr_logical_id",
    "Addr_Entity_logical_id",
    "Addr_leba_numtitle",
    "Addr_leba_publication_date",
    "Addr_leba_url",
    "Addr_programme",
    "Addr_number",
    "Addr_street",
    "Addr_zipcode",
    "Addr_city",
    "Addr_country",
    "Addr_other",
    "Birt_logical_id",
    "Birt_Entity_logical_id",
    "Birt_leba_numtitle",
    "Birt_leba_publication_date",
    "Birt_leba_url",
    "Birt_programme",
    "Birt_date",
    "Birt_place",
    "Birt_country",
    "Iden_logical_id",
    "Iden_Entity_logical_id",
    "Iden_leba_numtitle",
    "Iden_leba_publication_date",
    "Iden_leba_url",
    "Iden_programme",
    "Iden_number",
    "Iden_country",
    "Citi_logical_id",
    "Citi_Entity_logical_id",
    "Citi_leba_numtitle",
    "Citi_leba_publication_date",
    "Citi_leba_url",
    "Citi_programme",
    "Citi_country",
    "EU_ref_num",
];

/// The columns of the act of each part: number, day, place of publication, programme; and the subject's number again.
const ACTS: [[&str; 5]; 6] = [
    ["Leba_numtitle", "Leba_publication_date", "Leba_url", "Programme", ""],
    [
        "Naal_leba_numtitle",
        "Naal_leba_publication_date",
        "Naal_leba_url",
        "Naal_programme",
        "Naal_Entity_logical_id",
    ],
    [
        "Addr_leba_numtitle",
        "Addr_leba_publication_date",
        "Addr_leba_url",
        "Addr_programme",
        "Addr_Entity_logical_id",
    ],
    [
        "Birt_leba_numtitle",
        "Birt_leba_publication_date",
        "Birt_leba_url",
        "Birt_programme",
        "Birt_Entity_logical_id",
    ],
    [
        "Iden_leba_numtitle",
        "Iden_leba_publication_date",
        "Iden_leba_url",
        "Iden_programme",
        "Iden_Entity_logical_id",
    ],
    [
        "Citi_leba_numtitle",
        "Citi_leba_publication_date",
        "Citi_leba_url",
        "Citi_programme",
        "Citi_Entity_logical_id",
    ],
];

/// What stands for a date that is not known.
const NO_DATE: &str = "N/A";

/// True if the text begins like the table.
pub(super) fn is_table(head: &str) -> bool {
    head.trim_start_matches('"').starts_with("Date_file") && head.contains(";Entity_logical_id;")
}

/// Reads the table.
pub(super) fn read(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let sheet = Sheet::open(file)?;
    let mut rows = sheet.rows(b';');
    let head = rows.next().and_then(|(_, cells)| cells.and_then(unwrapped).ok()).unwrap_or_default();
    if !is_head(&head) {
        return Err(FeedError::UnknownColumns { file: file.name.to_owned(), columns: head.len() });
    }
    let mut joining = Joining::start(file, LIST, "table", take)?;
    let mut published = None;
    for (line, cells) in rows.by_ref() {
        let row = cells
            .and_then(unwrapped)
            .and_then(|cells| Row::new(&COLUMNS, cells))
            .map_err(|reason| (None, reason));
        let piece = row.and_then(|mut row| {
            if published.is_none() {
                published = row.peek("Date_file").map(str::to_owned);
            }
            let column = "EU_ref_num";
            let reference = row.peek(column).ok_or((None, RejectReason::Missing { column }))?;
            let key = joining.key(column, reference).map_err(|reason| (None, reason))?;
            row.drop(column);
            piece(key.clone(), row).map_err(|reason| (Some(key), reason))
        });
        joining.take(line, piece);
    }
    rows.check(file.name)?;
    joining.finish(published, sheet.encoding, |record| match record.names.first_mut() {
        Some(name) => {
            name.kind = NameKind::Primary;
            Ok(())
        }
        None => Err(RejectReason::Missing { column: "Naal_wholename" }),
    })
}

/// A row that stands in one cell is a row of its own, without the tabs behind it.
fn unwrapped(cells: StringRecord) -> Result<StringRecord, RejectReason> {
    match cells.get(0) {
        Some(inner) if cells.len() == 1 && inner.contains(';') => {
            let mut rows = table::rows(inner.trim_end_matches('\t'), b';');
            rows.next().map_or(Err(RejectReason::Csv), |(_, row)| row)
        }
        _ => Ok(cells),
    }
}

fn is_head(cells: &StringRecord) -> bool {
    let named = |(cell, column): (&str, &&str)| {
        let cell = cell.trim();
        match *column {
            "Date_file" => cell.starts_with("Date_file"),
            again if again.ends_with("_Entity_logical_id") => cell == "Entity_logical_id",
            column => cell == column,
        }
    };
    cells.len() == COLUMNS.len() && cells.iter().zip(&COLUMNS).all(named)
}

fn piece(key: RecordKey, mut row: Row<'_>) -> Result<Record, RejectReason> {
    let column = "Subject_type";
    let kind = match row.peek(column) {
        Some("P") => SubjectKind::Person,
        Some("E") => SubjectKind::Organisation,
        Some(_) => return Err(RejectReason::Vocabulary { column }),
        None => return Err(RejectReason::Missing { column }),
    };
    row.drop(column);
    let mut record = Record::new(key, kind);
    // The day of the publication changes with each and says nothing of the subject.
    row.drop("Date_file");
    acts(&mut record, &mut row)?;
    record.source.row_id = row.take("Entity_logical_id")?;
    if let Some(remark) = row.peek("Entity_remark") {
        record.reasons_public.push(prose("Entity_remark", remark)?);
        row.drop("Entity_remark");
    }
    name(&mut record, &mut row)?;
    address(&mut record, &mut row)?;
    birth(&mut record, &mut row)?;
    document(&mut record, &mut row)?;
    if let Some(country) = row.take("Citi_country")? {
        record.ties.push(CountryTie::new(Tie::Citizenship, Country::new(country)));
    }
    row.keep(&mut record.source)?;
    Ok(record)
}

/// The acts that the subject and its parts stand in.
fn acts(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    let subject = row.peek("Entity_logical_id").map(str::to_owned);
    for [number, day, url, programme, again] in ACTS {
        if let Some(programme) = row.take(programme)? {
            add(&mut record.programmes, programme);
        }
        if let Some(act) = row.take(number)? {
            let mut basis = LegalBasis::new(act);
            basis.published = row.take(day)?.map(|written| date(day, written.as_str())).transpose()?;
            basis.url = row.take(url)?;
            add(&mut record.legal, basis);
        }
        if row.peek(again) == subject.as_deref() {
            row.drop(again);
        }
    }
    Ok(())
}

fn name(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    const PARTS: [(&str, PartRole); 3] = [
        ("Naal_firstname", PartRole::Given),
        ("Naal_middlename", PartRole::Middle),
        ("Naal_lastname", PartRole::Family),
    ];
    let mut parts = Vec::new();
    for (column, role) in PARTS {
        parts.extend(row.take(column)?.map(|value| NamePart::new(role, value)));
    }
    let joined = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(" ");
    let full = match row.take("Naal_wholename")? {
        Some(full) => Some(full),
        None if joined.is_empty() => None,
        None => Some(text("Naal_wholename", &joined)?),
    };
    if let Some(full) = full {
        let script = script::of(full.as_str());
        let mut name = Name::new(NameKind::Aka, full);
        name.parts = parts;
        name.script = script.map(|code| text("script", code)).transpose()?;
        name.language = row.take("Naal_language")?;
        name.row = row.take("Naal_logical_id")?;
        record.names.push(name);
    }
    let gender = match row.peek("Naal_gender") {
        Some("M") => Some(Gender::Male),
        Some("F") => Some(Gender::Female),
        _ => None,
    };
    if gender.is_some() {
        row.drop("Naal_gender");
        record.genders.extend(gender);
    }
    record.titles.extend(row.take("Naal_title")?);
    record.positions.extend(row.take("Naal_function")?);
    Ok(())
}

fn address(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    let mut address = Address::default();
    let (number, street) = (row.take("Addr_number")?, row.take("Addr_street")?);
    address.street = match (number, street) {
        (Some(number), Some(street)) => Some(text("Addr_street", &format!("{number} {street}"))?),
        (number, street) => number.or(street),
    };
    address.postal_code = row.take("Addr_zipcode")?;
    address.city = row.take("Addr_city")?;
    address.country = row.take("Addr_country")?.map(Country::new);
    if let Some(other) = row.take("Addr_other")? {
        record.identifiers.extend(contacts(other.as_str()));
        address.note = Some(other);
    }
    if !address.is_empty() {
        address.row = row.take("Addr_logical_id")?;
        record.addresses.push(address);
    }
    Ok(())
}

/// `PHONE[497 92 63]\nFAX[662 38 14]`, the line end as a backslash and an n; the whole stays in the address's note.
fn contacts(other: &str) -> Vec<Identifier> {
    let read = |piece: &str| {
        let (word, rest) = piece.trim().split_once('[')?;
        let kind = match word {
            "PHONE" => IdKind::Phone,
            "FAX" => IdKind::Fax,
            "EMAIL" => IdKind::Email,
            "WEB" => IdKind::Website,
            _ => return None,
        };
        Some(Identifier::new(kind, Text::new(rest.strip_suffix(']')?.trim()).ok()?))
    };
    other.split("\\n").filter_map(read).collect()
}

fn birth(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    if let Some(written) = row.take("Birt_date")?.filter(|written| written.as_str() != NO_DATE) {
        record.facts.push(DatedFact::new(FactKind::Birth, date("Birt_date", written.as_str())?));
    }
    let mut place = Address::default();
    if row.peek("Birt_place") != Some("-") {
        place.city = row.take("Birt_place")?;
    }
    place.country = row.take("Birt_country")?.map(Country::new);
    if !place.is_empty() {
        record.places.push(Place::new(PlaceKind::Birth, place));
    }
    Ok(())
}

/// `R 0000017 (passport-National passport) (issued 1 May 1997)`: the number, its kind in two ways, and a remark.
fn document(record: &mut Record, row: &mut Row<'_>) -> Result<(), RejectReason> {
    let Some(written) = row.take("Iden_number")? else { return Ok(()) };
    let read = written.as_str().split_once(" (").and_then(|(number, rest)| {
        let (code, description) = rest.split_once(')')?.0.split_once('-')?;
        let mut document =
            Identifier::new(parts::document_kind(code, description), Text::new(number.trim()).ok()?);
        document.label = Text::new(description.trim()).ok();
        document.note = Some(written.clone());
        Some(document)
    });
    let mut document = read.unwrap_or_else(|| Identifier::new(IdKind::Other, written.clone()));
    document.country = row.take("Iden_country")?.map(Country::new);
    record.identifiers.push(document);
    Ok(())
}
