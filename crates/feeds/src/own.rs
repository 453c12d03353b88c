//! A designation as an agency writes it itself: one JSON object, read strictly and written again; and a list of such objects.
//!
//! `docs/records.md` describes every field. A field that is not known, a field given twice, a value outside its limits
//! or without meaning is refused with its line and column; nothing is guessed and nothing left out in silence. Not here:
//! who may designate (`policy`), and what a command does with it (`cli`).

mod claims;
mod designation;
mod form;
mod lines;
mod package;
mod parts;
mod scalar;
mod words;

use comity_watchlist::limits::PACKAGE_MEMBERS_MAX;
use comity_watchlist::{Change, Handle, Op, Record, RecordError};
use serde::Deserialize as _;
use thiserror::Error;

use crate::error::RejectReason;

pub use self::designation::{Lack, lacks};
use self::form::RecordForm;
pub use self::lines::{parse as parse_lines, read_lines};
pub use self::package::{OwnAct, OwnChange, OwnWriting, PACKAGE_BYTES_MAX, read_package};
pub use self::words::{ground_of, ground_words};

/// Largest file in bytes: six full sections, and as much again for the names of their fields and escapes.
pub const OWN_BYTES_MAX: usize = 1 << 20;

/// A designation as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRecord {
    /// What it says.
    pub record: Record,
    /// The version of the record that it was made from, if it says one.
    pub version: Option<u64>,
    /// The listing that it was made from, if it names one: versions of a record that was listed again are counted anew.
    pub handle: Option<Handle>,
}

/// Why a text is no designation.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OwnError {
    /// Longer than the limit.
    #[error("it has {len} bytes, more than {OWN_BYTES_MAX}")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
    },
    /// Not the JSON that it should be; the cause names line and column, or the field.
    #[error("it is not a record as docs/records.md describes it")]
    Form {
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A list or a section beyond its limit, or a part with nothing in it.
    #[error("it cannot stand in a log")]
    Record {
        /// The cause.
        #[source]
        source: RecordError,
    },
    /// A package longer than the limit.
    #[error("the package has {len} bytes, more than {PACKAGE_BYTES_MAX}")]
    PackageTooLarge {
        /// Its length in bytes.
        len: usize,
    },
    /// Too few or too many changes.
    #[error("a package has 2 to {PACKAGE_MEMBERS_MAX} changes")]
    PackageCount,
    /// Not the JSON that a package should be.
    #[error("it is not a package as docs/records.md describes it")]
    PackageForm {
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A value of a later version that has no word in this form.
    #[error("it has a {what} of a later version, which has no word here")]
    NoWord {
        /// What kind of value.
        what: &'static str,
    },
}

/// Reads a designation. A byte order mark before it is passed over.
///
/// # Errors
/// [`OwnError`] if it is too large, not JSON of the form described, or beyond a limit of a record.
pub fn read(bytes: &[u8]) -> Result<OwnRecord, OwnError> {
    if bytes.len() > OWN_BYTES_MAX {
        return Err(OwnError::TooLarge { len: bytes.len() });
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    checked(serde_json::from_slice(bytes).map_err(|source| OwnError::Form { source })?)
}

/// The record of a form, within the limits of a record.
fn checked(form: RecordForm) -> Result<OwnRecord, OwnError> {
    let (version, handle) = (form.version, form.handle.as_ref().map(|handle| handle.0));
    let record = Record::from(form);
    // The limits of lists and sections are those of the byte form, and kept where that is made.
    let change = Change { handle: Handle::new([0; 16]), op: Op::List { record: Box::new(record.clone()) } };
    change.encode().map_err(|source| OwnError::Record { source })?;
    Ok(OwnRecord { record, version, handle })
}

/// The record of an object that stands in a form of others; the reason names no value.
pub(crate) fn of_form(form: &serde_json::Value) -> Result<Record, RejectReason> {
    let form = RecordForm::deserialize(form).map_err(|_| RejectReason::Extension)?;
    Ok(Record::from(form))
}

/// Writes a record so that [`read`] gives it again: all but where it was read from, which is the file then. With it go the
/// version and the handle of the listing that it is made from, if they are told.
///
/// # Errors
/// [`OwnError::NoWord`] if it holds a code that this program does not know.
pub fn write(record: &Record, version: Option<u64>, handle: Option<Handle>) -> Result<String, OwnError> {
    let form = RecordForm::of(record, version, handle)?;
    serde_json::to_string_pretty(&form).map_err(|source| OwnError::Form { source })
}

#[cfg(test)]
mod tests;
