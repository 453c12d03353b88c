//! OFAC's SDN and consolidated (non-SDN) lists, in each form that OFAC publishes.
//!
//! The form is told by content, and a list has the same keys in all of them: an agency may read another one tomorrow
//! and delists nobody by it. Not for: the US Consolidated Screening List, which another authority makes of these.

mod advanced;
mod dates;
mod documents;
mod enhanced;
mod feature;
mod labels;
mod legacy;
pub(crate) mod list;
mod listing;
mod remarks;
mod rows;
mod scripts;
mod subject;
mod tables;
mod values;

pub(crate) use self::tables::FILES_MAX;

use comity_watchlist::Text;

use crate::archive;
use crate::error::{FeedError, RejectReason};
use crate::file::InputFile;
use crate::snapshot::{Snapshot, Take};
use crate::xml;

/// The source field that holds the remarks column, with its comments joined on, as written.
pub const REMARKS: &str = "Remarks";

/// The source field that holds the column of programmes as written, where they are not joined as `A] [B`.
pub const PROGRAM: &str = "Program";

/// The source field that holds the column of titles as written, where they are not joined as `A; B`.
pub const TITLE: &str = "Title";

/// The source field that holds each token of the remarks that no other field takes.
pub const REMARKS_UNREAD: &str = "Remarks.unread";

/// Reads one publication: one document as XML, or from one to four tables. One file may be in a ZIP archive.
///
/// # Errors
/// [`FeedError`] if an archive does not hold one file or grows beyond the limits, if a file is empty, a web page, of unknown columns or another document, cut off or doubled, not
/// well-formed, if the table of subjects is missing, if a document states another number of records than it has, if
/// there is no record, or if more than half of a file's rows cannot be read. Single bad rows are in
/// [`Snapshot::rejected`].
pub fn parse(files: &[InputFile<'_>]) -> Result<Snapshot, FeedError> {
    Snapshot::collect(|take| read(files, take))
}

/// As [`parse`], handing each record over as it is read, or of XML once all is read: none stays in the snapshot.
///
/// # Errors
/// As [`parse`]. Records may have been handed over before: they are of no publication then.
pub fn read(files: &[InputFile<'_>], take: Take<'_>) -> Result<Snapshot, FeedError> {
    match files {
        [file] if archive::is_archive(&file.head()?) => {
            let bytes = archive::unpack(file)?;
            unpacked(&InputFile::of_bytes(file.name, file.sha256, &bytes), take)
        }
        [file] => unpacked(file, take),
        files => tables::read(files, take),
    }
}

fn unpacked(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    if file.begins_as_xml()? { document(file, take) } else { tables::read(&[*file], take) }
}

fn document(file: &InputFile<'_>, take: Take<'_>) -> Result<Snapshot, FeedError> {
    // A web page is told before another document.
    file.check()?;
    match xml::root(&file.head()?) {
        // Without an element at the beginning, whichever reader says why.
        Some(legacy::ROOT) | None => legacy::document(file, take),
        Some(enhanced::ROOT) => enhanced::document(file, take),
        Some(advanced::ROOT) => advanced::document(file, take),
        Some(_) => Err(FeedError::UnknownDocument { file: file.name.to_owned() }),
    }
}

/// True if the text begins like one of OFAC's documents as XML.
pub(crate) fn is_document(root: &str) -> bool {
    [legacy::ROOT, enhanced::ROOT, advanced::ROOT].contains(&root)
}

/// True if the text begins like one of OFAC's tables.
pub(crate) fn is_table(head: &str) -> bool {
    rows::detect(head).is_some()
}

fn text(column: &'static str, value: impl Into<String>) -> Result<Text, RejectReason> {
    Text::new(value).map_err(|source| RejectReason::Text { column, source })
}
