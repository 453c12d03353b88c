//! The EU's consolidated list of financial sanctions (FSF): XML 1.1, and the table as CSV.
//!
//! The key is the EU reference number; the logical id is the source's row id. Each name, birth, address, document and
//! citizenship names the act that it stands in: the acts go into one list, and which part cites which is kept.
//! Not for: reading XML safely, which is in `xml`.

mod entity;
mod parts;
mod table;

use comity_watchlist::Record;

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::gather::{Gathering, Refused};
use crate::snapshot::{Snapshot, Take};
use crate::xml::{self, Element, Level};

pub(crate) const LIST: &str = "eu-fsf";

const ROOT: &str = "export";

/// The namespace that tells the list from other documents with so common a root.
const NAMESPACE: &str = "http://eu.europa.ec/fpi/fsd/export";

/// Reads one publication, as XML or as a table, which its first bytes tell.
///
/// # Errors
/// [`FeedError`] if the file is empty, holds no record, or if more than half of its records cannot be read; as XML if
/// it is not UTF-8, not well-formed, holds a document type definition or entities of its own, or is another document;
/// as a table if it is cut off or has other columns. Single bad records and rows are in [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(file, take))
}

/// As [`parse`], handing each record over as it is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    file.check()?;
    if file.begins_as_xml()? { document(file, take) } else { table::read(file, take) }
}

fn document(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let mut gathering = Gathering::start(file, LIST, "export", take)?;
    let attributes = xml::records(file, ROOT, Level::Root, |_, line, element| {
        let read = record(&gathering, element);
        gathering.take(line, read);
    })?;
    let of_root = |name| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if of_root("xmlns") != Some(NAMESPACE) {
        return Err(FeedError::OtherDocument { file: file.name.to_owned(), expected: NAMESPACE });
    }
    gathering.finish(of_root("generationDate").map(str::to_owned), Encoding::Utf8)
}

/// True if the text begins like the list, in either form.
pub(crate) fn is_list(head: &str) -> bool {
    if head.starts_with('<') {
        head.contains("<export") && head.contains(NAMESPACE)
    } else {
        table::is_table(head)
    }
}

fn record(gathering: &Gathering<'_>, mut element: Element) -> Result<Record, Refused> {
    let column = "euReferenceNumber";
    let reference = element.take_attribute(column).ok_or((None, RejectReason::Missing { column }))?;
    let key = gathering.key(column, &reference).map_err(|reason| (None, reason))?;
    let record = match element.name.as_str() {
        "sanctionEntity" => entity::record(key.clone(), element),
        _ => Err(RejectReason::Vocabulary { column: "element" }),
    };
    record.map_err(|reason| (Some(key), reason))
}
