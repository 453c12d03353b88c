//! The consolidated list of the UN Security Council, in XML.
//!
//! The key is REFERENCE_NUMBER; DATAID is the source's row id, which changes under a lasting reference. VERSIONNUM is
//! kept and never trusted: it does not move when a record changes. Values that no field takes are kept under their
//! path. Not for: reading XML safely, which is in `xml`.

mod individual;
mod parts;

use comity_watchlist::Record;

use crate::error::{FeedError, RejectReason};
use crate::file::{Encoding, InputFile};
use crate::gather::{Gathering, Refused};
use crate::snapshot::{Snapshot, Take};
use crate::xml::{self, Element, Level};

const ROOT: &str = "CONSOLIDATED_LIST";

/// Reads one publication.
///
/// # Errors
/// [`FeedError`] if the file is empty, not UTF-8, not well-formed, holds a document type definition or entities of its
/// own, is another document, holds no record, or if more than half of its records cannot be read. Single bad records
/// are in [`Snapshot::rejected`].
pub fn parse(file: &InputFile<'_>) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(file, take))
}

/// As [`parse`], handing each record over as it is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    let mut gathering = Gathering::start(file, "un-sc", "consolidated", take)?;
    let attributes = xml::records(file, ROOT, Level::Group, |group, line, element| {
        let read = record(&gathering, group, element);
        gathering.take(line, read);
    })?;
    let published = attributes.into_iter().find(|(name, _)| name == "dateGenerated").map(|(_, value)| value);
    gathering.finish(published, Encoding::Utf8)
}

fn record(gathering: &Gathering<'_>, group: &str, mut element: Element) -> Result<Record, Refused> {
    let column = "REFERENCE_NUMBER";
    let reference = element.take_text(column).ok_or((None, RejectReason::Missing { column }))?;
    let key = gathering.key(column, &reference).map_err(|reason| (None, reason))?;
    let record = match (group, element.name.as_str()) {
        ("INDIVIDUALS", "INDIVIDUAL") => individual::person(key.clone(), element),
        ("ENTITIES", "ENTITY") => individual::entity(key.clone(), element),
        _ => Err(RejectReason::Vocabulary { column: "element" }),
    };
    record.map_err(|reason| (Some(key), reason))
}
