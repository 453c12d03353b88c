//! Where it comes from and goes to: official lists.
//!
//! In scope: parsers from the bytes of a publication to a [`Snapshot`] of canonical records; [`diff`], which turns a
//! snapshot and the records held into the changes to sign; the JSON in which an agency writes its own designations
//! ([`own`]); the codes of control lists ([`vocabulary`]); and [`out`], which writes records in formats of others.
//!
//! Out of scope: reading and hashing files (the caller), signing and storing (`ledger`, `store`), the record model
//! (`watchlist`). Nothing here reads a clock, a file or randomness.

mod archive;
pub mod canada;
mod diff;
mod error;
pub mod eu;
mod file;
pub mod ftm;
mod gather;
mod guard;
mod join;
mod json;
pub mod ofac;
mod official;
pub mod out;
pub mod own;
mod rejected;
mod rows;
mod script;
pub mod seco;
mod seen;
pub mod simple;
mod snapshot;
pub mod stix;
mod stream;
mod table;
pub mod uk;
pub mod un;
pub mod us;
mod value;
pub mod vocabulary;
mod xml;

pub use diff::{Amended, Comparison, Current, Difference, Held, Options, diff, losses};
pub use error::{ArchiveFault, FeedError, RejectReason, XmlFault};
pub use file::{Content, Encoding, FILE_BYTES_MAX, Format, InputFile, Stored, detect, format_of};
pub use guard::{Detail, REMOVALS_BY_SHARE_MIN, REMOVALS_MAX, REMOVALS_PERCENT_MAX, Refusal};
pub use official::is_official;
pub use rejected::REJECTED_KEPT_MAX;
pub use snapshot::{Ended, ReadFile, RejectedRow, Scope, Snapshot, Take};
