//! Why a record or a change cannot be written or read.

use thiserror::Error;

use crate::cbor::CborError;
use crate::date::DateError;
use crate::key::KeyError;
use crate::section::Section;
use crate::text::TextError;

/// Why a record or a change cannot be written to, or read from, its byte form. Names fields, never their values.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// A section is not deterministic CBOR, or a key has the wrong type.
    #[error("section {section} is not readable")]
    Cbor {
        /// The section.
        section: Section,
        /// The cause.
        #[source]
        source: CborError,
    },
    /// A key of a field has the wrong type.
    #[error("field {field} has the wrong type")]
    Type {
        /// The field.
        field: &'static str,
        /// The cause.
        #[source]
        source: CborError,
    },
    /// A required field is absent.
    #[error("field {field} is missing")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A list or map that is empty; it should be left out.
    #[error("field {field} is empty and should be left out")]
    Empty {
        /// The field.
        field: &'static str,
    },
    /// A list longer than its limit.
    #[error("field {field} has {count} items, more than {max}")]
    TooMany {
        /// The field.
        field: &'static str,
        /// How many.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// A text that may not stand in a record.
    #[error("field {field} is not a text that a record may hold")]
    Text {
        /// The field.
        field: &'static str,
        /// The cause.
        #[source]
        source: TextError,
    },
    /// A list id or reference that is none.
    #[error("field {field} is not a key")]
    Key {
        /// The field.
        field: &'static str,
        /// The cause.
        #[source]
        source: KeyError,
    },
    /// A date that does not exist.
    #[error("field {field} is not a date")]
    Date {
        /// The field.
        field: &'static str,
        /// The cause.
        #[source]
        source: DateError,
    },
    /// A field whose value has the right type but no meaning.
    #[error("field {field} has a value without meaning")]
    Invalid {
        /// The field.
        field: &'static str,
    },
    /// A byte-form version that this program does not know.
    #[error("byte form {version} is not known")]
    UnknownForm {
        /// The version.
        version: u64,
    },
    /// An operation that this program does not know; the entry is kept and relayed, not shown.
    #[error("operation {code} is not known")]
    UnknownOp {
        /// Its code.
        code: u64,
    },
    /// The core section is withheld or absent, so there is nothing to read.
    #[error("the core section is not given")]
    NoCore,
    /// A section would be larger than an opening can carry.
    #[error("section {section} takes {len} bytes, more than {max}")]
    SectionTooLarge {
        /// The section.
        section: Section,
        /// Its length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
}
