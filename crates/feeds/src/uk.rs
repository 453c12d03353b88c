//! The UK's lists as tables: OFSI's consolidated list (ConList), in both of its layouts, and the UK sanctions list.
//!
//! Both name their columns, below a line with the day of the publication; each row repeats the subject with one of
//! its names, births and addresses. The key is the group id of the one, the unique id of the other.
//! Not for: the table's cells and lines (`table`), or what a row says (`row`).

mod row;
mod values;

use comity_watchlist::{NameKind, Record, Text};
use csv::StringRecord;

use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::gather::Refused;
use crate::join::Joining;
use crate::snapshot::{Snapshot, Take};
use crate::table::{Row, Sheet};

/// Columns without which a table is neither list.
const NEEDED: [&str; 2] = ["Name 6", "Name 1"];

/// Rows above the names of the columns: the day of the publication, and maybe an empty one.
const LEAD_ROWS_MAX: usize = 3;

/// Columns of a table; the UK sanctions list has 58, and they are compared with each other.
const COLUMNS_MAX: usize = 200;

/// The source field that holds days of listing, each with its regime, where a subject has several.
pub const LISTED_ON: &str = "Listed On";

/// One of the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum List {
    /// The consolidated list of the Office of Financial Sanctions Implementation.
    Ofsi,
    /// The UK sanctions list.
    Sanctions,
}

/// Reads one publication of either list, which its columns tell.
///
/// # Errors
/// [`FeedError`] if the file is empty, XML, cut off, has the columns of neither list or one of them twice, holds no
/// record, or if more than half of its rows cannot be read. Single bad rows are in [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(file, take))
}

/// As [`parse`], handing each record over as it is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let sheet = Sheet::open(file)?;
    let mut rows = sheet.rows(b',');
    let mut published = None;
    let mut columns = 0;
    let mut found = None;
    for (_, cells) in rows.by_ref().take(LEAD_ROWS_MAX) {
        let Ok(cells) = cells else { continue };
        columns = columns.max(cells.len());
        if let Some(list) = List::of(&cells) {
            found = Some((list, cells));
            break;
        }
        published = published.or_else(|| day_of(&cells));
    }
    let Some((list, head)) = found else {
        return Err(FeedError::UnknownColumns { file: file.name.to_owned(), columns });
    };
    let names: Vec<&str> = head.iter().map(str::trim).collect();

    let (id, table) = list.names();
    let mut joining = Joining::start(file, id, table, take)?;
    for (line, cells) in rows.by_ref() {
        let row = cells.and_then(|cells| Row::new(&names, cells)).map_err(|reason| (None, reason));
        let piece = row.and_then(|row| piece(&joining, list, row));
        joining.take(line, piece);
    }
    rows.check(file.name)?;
    joining.finish(published, sheet.encoding, complete)
}

/// True if the text begins like one of the tables.
pub(crate) fn is_table(head: &str) -> bool {
    crate::table::rows(head, b',')
        .take(LEAD_ROWS_MAX)
        .any(|(_, cells)| cells.is_ok_and(|cells| List::of(&cells).is_some()))
}

impl List {
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Ofsi => ("uk-ofsi", "conlist"),
            Self::Sanctions => ("uk-sl", "sanctions-list"),
        }
    }

    const fn reference(self) -> &'static str {
        match self {
            Self::Ofsi => "Group ID",
            Self::Sanctions => "Unique ID",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Ofsi => "Group Type",
            Self::Sanctions => "Designation Type",
        }
    }

    /// The list whose columns these are, each once.
    fn of(cells: &StringRecord) -> Option<Self> {
        if cells.len() > COLUMNS_MAX {
            return None;
        }
        let count = |name: &str| cells.iter().filter(|cell| cell.trim() == name).count();
        let named = |list: &Self| count(list.reference()) == 1 && count(list.kind()) == 1;
        let list = [Self::Ofsi, Self::Sanctions].into_iter().find(named)?;
        let once = cells.iter().map(str::trim).all(|name| name.is_empty() || count(name) == 1);
        (once && NEEDED.iter().all(|name| count(name) == 1)).then_some(list)
    }
}

/// `Last Updated,13/04/2018` or `Report Date: 01-Jan-2026`.
fn day_of(cells: &StringRecord) -> Option<String> {
    let first = cells.get(0)?.trim();
    let day = match first.split_once("Report Date:") {
        Some((_, day)) => day,
        None if first == "Last Updated" => cells.get(1)?,
        None => return None,
    };
    Some(day.trim().to_owned()).filter(|day| !day.is_empty())
}

fn piece(joining: &Joining<'_>, list: List, mut row: Row<'_>) -> Result<Record, Refused> {
    let column = list.reference();
    let reference = row.peek(column).ok_or((None, RejectReason::Missing { column }))?;
    let key = joining.key(column, reference).map_err(|reason| (None, reason))?;
    row.drop(column);
    row::piece(key.clone(), list.kind(), row).map_err(|reason| (Some(key), reason))
}

/// The primary name comes first; a subject listed once needs no day of listing for each regime.
fn complete(record: &mut Record) -> Result<(), RejectReason> {
    record.names.sort_by_key(|name| name.kind != NameKind::Primary);
    if record.names.is_empty() {
        return Err(RejectReason::Missing { column: "Name 6" });
    }
    if record.source.extra(LISTED_ON).len() == 1 {
        record.source.extra.retain(|extra| extra.name.as_str() != LISTED_ON);
    }
    Ok(())
}

fn any(row: &mut Row<'_>, names: &[&'static str]) -> Result<Option<Text>, RejectReason> {
    for name in names {
        if let Some(value) = row.take(name)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}
