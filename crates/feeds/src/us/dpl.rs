//! The Denied Persons List as its own table: tab-separated, a row for each address of an order.

use comity_watchlist::{Address, Country, FuzzyDate, PartialDate, Record};

use crate::error::{FeedError, RejectReason};
use crate::us::entry::{Publication, address, keep, notice, text};
use crate::us::rows::{Row, Table};

/// Columns without which it is another table.
const COLUMNS: [&str; 4] = ["Name", "Effective_Date", "Standard_Order", "FR_Citation"];

pub(super) fn begins(line: &str) -> bool {
    line.replace('"', "").starts_with("Name\tStreet_Address\t")
}

pub(super) fn fits(table: &Table<'_>) -> bool {
    table.has(&COLUMNS)
}

pub(super) fn read(table: &Table<'_>, publication: &mut Publication) -> Result<(), FeedError> {
    table.each(|line, row| match row {
        Ok(row) => publication.take(&row, "Name", &[], |record| fill(record, &row)),
        Err(reason @ RejectReason::Repeated { .. }) => publication.reject(line, false, reason),
        Err(reason) => publication.reject(line, true, reason),
    })
}

fn fill(record: &mut Record, row: &Row<'_>) -> Result<(), RejectReason> {
    let part = |column: &'static str| row.value(column).map(|value| text(column, value)).transpose();
    let mut found = Address::default();
    found.street = part("Street_Address")?;
    found.city = part("City")?;
    found.region = part("State")?;
    found.postal_code = part("Postal_Code")?;
    found.country = part("Country")?.map(|code| {
        let mut country = Country::new(code.clone());
        country.code = Some(code).filter(|code| code.as_str().len() == 2);
        country
    });
    address(record, found);
    let written = row.value("Effective_Date");
    let day = written.map(day).transpose()?;
    notice(record, row.value("FR_Citation"), ("Effective_Date", written, day))?;
    for (column, value) in row.values() {
        match column {
            "Name" | "Street_Address" | "City" | "State" | "Postal_Code" | "Country" | "Effective_Date"
            | "FR_Citation" => {}
            other => keep(record, other, value)?,
        }
    }
    Ok(())
}

/// `06/19/2003`: month, day, year.
fn day(value: &str) -> Result<FuzzyDate, RejectReason> {
    let parts: Vec<&str> = value.split('/').collect();
    let iso = match parts.as_slice() {
        [month, day, year] => Some(format!("{year:0>4}-{month:0>2}-{day:0>2}")),
        _ => None,
    };
    match iso.and_then(|iso| PartialDate::parse(&iso).ok()) {
        Some(day) => Ok(day.into()),
        None => text("Effective_Date", value).map(FuzzyDate::verbatim),
    }
}
