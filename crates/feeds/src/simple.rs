//! A table of the columns that `comity export csv` writes and OpenSanctions publishes as `targets.simple.csv`: a whole
//! list, one subject a row, several values of a cell divided by `;`.
//!
//! What was made harmless for a spreadsheet on the way out is read as what it was. Not for: writing it (`out::table`).

mod cells;

use comity_watchlist::limits::{
    ADDRESSES_MAX, FACTS_MAX, IDENTIFIERS_MAX, MEASURES_MAX, NAMES_MAX, TIES_MAX,
};
use comity_watchlist::{
    Address, Country, CountryTie, DatedFact, FactKind, IdKind, Identifier, ListId, Measure, Name, NameKind,
    Record, RecordKey, SubjectKind, Tie,
};

use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::gather::{Gathering, Refused};
use crate::json::keep;
use crate::script;
use crate::snapshot::{Snapshot, Take};
use crate::table::{Row, Sheet};
use crate::value::{at_most, date, prose, text};

pub(crate) use self::cells::formula;

/// Columns without which it is another table.
const NEEDED: [&str; 3] = ["id", "schema", "name"];

/// Columns that tell when a record was seen, which is nothing of the record.
const SEEN: [&str; 3] = ["first_seen", "last_seen", "last_change"];

/// Reads a list. It is the one named, or else the one that `dataset` names in each row.
///
/// # Errors
/// [`FeedError`] if the file is empty, a web page, XML, cut off, another table, is of no one list or of one that is read
/// from its publisher, holds no record, or if more than half of its rows cannot be read. Single bad rows are in
/// [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>, named: Option<&ListId>) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(file, named, take))
}

/// As [`parse`], handing each record over as it is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read(file: &InputFile<'_>, named: Option<&ListId>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let sheet = Sheet::open(file)?;
    let mut rows = sheet.rows(b',');
    let header = rows.next().and_then(|(_, row)| row.ok()).unwrap_or_default();
    let columns: Vec<&str> = header.iter().map(str::trim).collect();
    if !fits(&columns) {
        return Err(FeedError::UnknownColumns { file: file.name.to_owned(), columns: columns.len() });
    }
    let told = || {
        let (_, first) = sheet.rows(b',').nth(1)?;
        ListId::parse(Row::new(&columns, first.ok()?).ok()?.peek("dataset")?).ok()
    };
    let mut gathering = Gathering::of(file, named.cloned().or_else(told), "targets", take)?;
    for (line, row) in rows.by_ref() {
        let read = row
            .and_then(|cells| Row::new(&columns, cells))
            .map_err(|reason| (None, reason))
            .and_then(|row| record(&gathering, named.is_some(), row));
        gathering.take(line, read);
    }
    rows.check(file.name)?;
    gathering.finish(None, sheet.encoding)
}

/// True if the text begins like such a table.
pub(crate) fn is_table(head: &str) -> bool {
    let line = head.lines().next().unwrap_or_default();
    fits(&line.split(',').map(|name| name.trim().trim_matches('"')).collect::<Vec<_>>())
}

/// Whether a header has the columns that are needed, and none of them twice.
fn fits(columns: &[&str]) -> bool {
    let count = |name: &str| columns.iter().filter(|column| **column == name).count();
    NEEDED.iter().all(|name| count(name) == 1) && columns.iter().all(|column| count(column) == 1)
}

fn record(gathering: &Gathering<'_>, named: bool, mut row: Row<'_>) -> Result<Record, Refused> {
    let column = "id";
    let id = single(&mut row, column).ok_or((None, RejectReason::Missing { column }))?;
    let key = gathering.key(column, &id).map_err(|reason| (None, reason))?;
    let dataset = single(&mut row, "dataset");
    if let Some(other) = dataset.as_deref().and_then(|dataset| ListId::parse(dataset).ok())
        && !named
        && other != key.list
    {
        return Err((None, RejectReason::OtherList { found: other, list: key.list }));
    }
    subject(key.clone(), dataset.as_deref(), row).map_err(|reason| (Some(key), reason))
}

fn subject(key: RecordKey, dataset: Option<&str>, mut row: Row<'_>) -> Result<Record, RejectReason> {
    let column = "schema";
    let schema = single(&mut row, column).ok_or(RejectReason::Missing { column })?;
    let kind = kind_of(&schema).ok_or(RejectReason::Vocabulary { column })?;
    let mut record = Record::new(key, kind);
    if !is_plain(&schema) {
        keep(&mut record.source, column, &schema)?;
    }
    if let Some(dataset) = dataset.filter(|dataset| *dataset != record.key.list.as_str()) {
        keep(&mut record.source, "dataset", dataset)?;
    }
    let name = single(&mut row, "name").ok_or(RejectReason::Missing { column: "name" })?;
    record.names.push(named(NameKind::Primary, "name", &name)?);
    for alias in values(&mut row, "aliases", NAMES_MAX)? {
        record.names.push(named(NameKind::Aka, "aliases", &alias)?);
    }
    for born in values(&mut row, "birth_date", FACTS_MAX)? {
        record.facts.push(DatedFact::new(FactKind::Birth, date("birth_date", &born)?));
    }
    for written in values(&mut row, "countries", TIES_MAX)? {
        let country = country("countries", &written)?;
        record.ties.push(CountryTie::new(Tie::Residence, country));
    }
    for written in values(&mut row, "addresses", ADDRESSES_MAX)? {
        let mut address = Address::default();
        address.verbatim = Some(text("addresses", &written)?);
        record.addresses.push(address);
    }
    let number = match schema.as_str() {
        "CryptoWallet" => IdKind::Wallet,
        "BankAccount" => IdKind::BankAccount,
        _ => IdKind::Other,
    };
    for (column, kind) in [("identifiers", number), ("phones", IdKind::Phone), ("emails", IdKind::Email)] {
        for written in values(&mut row, column, IDENTIFIERS_MAX)? {
            record.identifiers.push(Identifier::new(kind, text(column, &written)?));
        }
    }
    for written in values(&mut row, "sanctions", MEASURES_MAX)? {
        record.measures.push(Measure::new(prose("sanctions", &written)?));
    }
    for column in SEEN {
        row.drop(column);
    }
    row.keep(&mut record.source)?;
    Ok(record)
}

/// The kind of the subjects of a schema of `FollowTheMoney`; none if it is not one of subjects.
pub(crate) fn kind_of(schema: &str) -> Option<SubjectKind> {
    match schema {
        "Person" => Some(SubjectKind::Person),
        "Organization" | "Company" | "PublicBody" => Some(SubjectKind::Organisation),
        "Vessel" => Some(SubjectKind::Vessel),
        "Airplane" => Some(SubjectKind::Aircraft),
        "CryptoWallet" | "BankAccount" => Some(SubjectKind::Account),
        // Whether it is a person is not told.
        "LegalEntity" => Some(SubjectKind::Unknown(0)),
        _ => None,
    }
}

/// Whether the kind says all that the schema does.
pub(crate) fn is_plain(schema: &str) -> bool {
    matches!(schema, "Person" | "Organization" | "Vessel" | "Airplane" | "LegalEntity")
}

/// A name with its script.
pub(crate) fn named(kind: NameKind, column: &'static str, full: &str) -> Result<Name, RejectReason> {
    let mut name = Name::new(kind, text(column, full)?);
    name.script = script::of(full).map(|code| text("script", code)).transpose()?;
    Ok(name)
}

/// A country as it is written, with its code if that is what is written.
pub(crate) fn country(column: &'static str, written: &str) -> Result<Country, RejectReason> {
    let mut country = Country::new(text(column, written)?);
    if written.len() == 2 && written.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        country.code = Some(text(column, &written.to_ascii_uppercase())?);
    }
    Ok(country)
}

/// Takes a cell that has one value: what looks like several is one that was written without quotes.
fn single(row: &mut Row<'_>, column: &str) -> Option<String> {
    let cell = row.peek(column)?;
    let value = match cells::values(cell).as_slice() {
        [value] => value.clone(),
        _ => cells::read(cell),
    };
    row.drop(column);
    Some(value)
}

/// Takes the values of a cell.
fn values(row: &mut Row<'_>, column: &'static str, max: usize) -> Result<Vec<String>, RejectReason> {
    let values = row.peek(column).map(cells::values).unwrap_or_default();
    row.drop(column);
    at_most(column, values.len(), max)?;
    Ok(values)
}
