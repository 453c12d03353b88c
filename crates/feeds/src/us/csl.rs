//! The Consolidated Screening List as CSV: rows of many lists, told apart by the column `source`.
//!
//! Its row numbers (`_id`) change with the program that makes the file, and so are no keys: they are locators.

use comity_watchlist::{Address, Country, FuzzyDate, PartialDate, Record};

use crate::error::{FeedError, RejectReason};
use crate::us::List;
use crate::us::entry::{Publication, address, keep, locate, measure, name_once, notice, text};
use crate::us::rows::{Row, Table};

/// Columns without which it is another table.
const COLUMNS: [&str; 4] = ["_id", "source", "name", "addresses"];

/// What all lists of the Treasury end in; they are read from OFAC itself.
const TREASURY: &str = " - Treasury Department";

pub(super) fn begins(line: &str) -> bool {
    line.starts_with("_id,source,")
}

pub(super) fn fits(table: &Table<'_>) -> bool {
    table.has(&COLUMNS)
}

pub(super) fn read(list: List, table: &Table<'_>, publication: &mut Publication) -> Result<(), FeedError> {
    table.each(|line, row| {
        let row = match row {
            Ok(row) => row,
            Err(reason @ RejectReason::Repeated { .. }) => return publication.reject(line, false, reason),
            Err(reason) => return publication.reject(line, true, reason),
        };
        match row.value("source") {
            Some(source) if source == list.source() => {
                publication.take(&row, "name", &["_id", "source"], |record| fill(record, &row));
            }
            Some(source)
                if source.ends_with(TREASURY) || List::ALL.iter().any(|other| other.source() == source) => {}
            // It may be this list under a new name.
            Some(_) => publication.reject(line, true, RejectReason::Vocabulary { column: "source" }),
            None => publication.reject(line, true, RejectReason::Missing { column: "source" }),
        }
    })
}

fn fill(record: &mut Record, row: &Row<'_>) -> Result<(), RejectReason> {
    let written = row.value("start_date");
    let day = written.map(day).transpose()?;
    notice(record, row.value("federal_register_notice"), ("start_date", written, day))?;
    for (column, value) in row.values() {
        match column {
            "source" | "name" | "federal_register_notice" | "start_date" => {}
            "_id" => locate(record, &format!("id:{value}"))?,
            "alt_names" => parts(value).try_for_each(|name| name_once(record, name))?,
            "addresses" => parts(value).try_for_each(|written| located(record, written))?,
            "programs" => parts(value).try_for_each(|code| programme(record, code))?,
            "license_requirement" => measure(record, "license_requirement", value)?,
            "license_policy" => measure(record, "license_policy", value)?,
            other => keep(record, other, value)?,
        }
    }
    Ok(())
}

fn programme(record: &mut Record, code: &str) -> Result<(), RejectReason> {
    record.programmes.push(text("programs", code)?);
    Ok(())
}

/// Values that one cell joins with semicolons.
fn parts(cell: &str) -> impl Iterator<Item = &str> {
    cell.split("; ").map(str::trim).filter(|part| !part.is_empty())
}

/// An address as written; most end in the code of their country.
fn located(record: &mut Record, written: &str) -> Result<(), RejectReason> {
    let mut found = Address::default();
    found.verbatim = Some(text("addresses", written)?);
    let last = written.rsplit(", ").next().unwrap_or_default();
    if last.len() == 2 && last.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let code = text("addresses", last)?;
        let mut country = Country::new(code.clone());
        country.code = Some(code);
        found.country = Some(country);
    }
    address(record, found);
    Ok(())
}

fn day(value: &str) -> Result<FuzzyDate, RejectReason> {
    match PartialDate::parse(value) {
        Ok(day) => Ok(day.into()),
        Err(_) => text("start_date", value).map(FuzzyDate::verbatim),
    }
}
